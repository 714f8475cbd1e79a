//! Layers that make maps larger or smaller without arithmetic of their own.

mod cropping2d;
mod frame;
mod up_sampling2d;
mod zero_padding2d;

pub use cropping2d::Cropping2D;
pub use frame::Margins;
pub use up_sampling2d::UpSampling2D;
pub use zero_padding2d::ZeroPadding2D;
