//! Layers that change images at random in training and do nothing in inference.
//!
//! A sample is an image (height, width, channels), or (height, width) with one channel. Each has draws of its own, a
//! function of (seed, layer, step, its place in the batch); the backward pass draws them again.

mod cutout;
mod factor;
mod lookup;
mod random_contrast;
mod random_flip;
mod random_rotation;
mod random_translation;
mod random_zoom;

pub use cutout::Cutout;
pub use factor::Factor;
pub use random_contrast::RandomContrast;
pub use random_flip::{FlipMode, RandomFlip};
pub use random_rotation::RandomRotation;
pub use random_translation::RandomTranslation;
pub use random_zoom::RandomZoom;
