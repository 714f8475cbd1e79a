//! Pooling: windows, or whole maps, become single values, channel by channel.

mod average_pooling1d;
mod average_pooling2d;
mod global_average_pooling1d;
mod global_average_pooling2d;
mod global_max_pooling1d;
mod global_max_pooling2d;
mod max_pooling1d;
mod max_pooling2d;
mod pool;

pub use average_pooling1d::AveragePooling1D;
pub use average_pooling2d::AveragePooling2D;
pub use global_average_pooling1d::GlobalAveragePooling1D;
pub use global_average_pooling2d::GlobalAveragePooling2D;
pub use global_max_pooling1d::GlobalMaxPooling1D;
pub use global_max_pooling2d::GlobalMaxPooling2D;
pub use max_pooling1d::MaxPooling1D;
pub use max_pooling2d::MaxPooling2D;

use super::arguments::{Axis, Padding, Pair, Single, map, sequence};
use crate::shape::Shape;

/// The windows of a pooling layer along an axis.
fn axis(input: usize, size: usize, stride: usize, padding: Padding) -> Result<Axis, String> {
    if padding == Padding::Causal {
        return Err("padding must be \"valid\" or \"same\": \"causal\" is for Conv1D".into());
    }
    Axis::new("pool_size", input, [size, stride, 1], padding)
}

/// The windows of a pooling layer in maps, and the shape of what comes of them.
fn in_maps(
    input: &Shape,
    Pair(size): Pair,
    Pair(strides): Pair,
    padding: Padding,
) -> Result<([Axis; 2], Shape), String> {
    let [rows, columns, channels] = map(input)?;
    let axes = [axis(rows, size[0], strides[0], padding)?, axis(columns, size[1], strides[1], padding)?];
    Ok((axes, Shape::from([axes[0].output, axes[1].output, channels])))
}

/// The same in sequences.
fn in_sequences(
    input: &Shape,
    Single(size): Single,
    Single(stride): Single,
    padding: Padding,
) -> Result<([Axis; 2], Shape), String> {
    let [steps, channels] = sequence(input)?;
    let axis = axis(steps, size, stride, padding)?;
    Ok(([Axis::ONE, axis], Shape::from([axis.output, channels])))
}

/// A layer that pools windows by a [`Kind`](pool::Kind). Sizes are kept as `$size` and given as `$given`; `$windows` says
/// where windows lie.
macro_rules! pooling {
    (
        $(#[$meta:meta])* $name:ident = $class:literal, $kind:ident;
        $windows:ident, $size:ident, $given:ty, $about:literal
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            #[serde(skip)]
            base: $crate::layers::Base,
            pool_size: $size,
            padding: $crate::config::Argument<Padding>,
            strides: Option<$size>,
            data_format: DataFormat,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    base: Default::default(),
                    pool_size: 2.into(),
                    padding: Padding::Valid.into(),
                    strides: None,
                    data_format: DataFormat,
                }
            }
        }

        impl $name {
            #[doc = $about]
            pub fn new(pool_size: $given) -> Self {
                Self { pool_size: pool_size.into(), ..Self::default() }
            }

            $crate::layers::base_methods!();

            /// How far apart neighbouring windows are. Default: as far as they are large.
            #[must_use]
            pub fn strides(mut self, strides: $given) -> Self {
                self.strides = Some(strides.into());
                self
            }

            /// Whether windows may reach beyond the edge, where they count what is within. Default: valid.
            #[must_use]
            pub fn padding(mut self, padding: impl Into<$crate::config::Argument<Padding>>) -> Self {
                self.padding = padding.into();
                self
            }
        }

        impl $crate::layers::Layer for $name {
            $crate::layers::layer_methods!($class);

            fn build(&self, input: &Shape) -> Result<Built, String> {
                let strides = self.strides.unwrap_or(self.pool_size);
                let (axes, output) = super::$windows(input, self.pool_size, strides, *self.padding.get()?)?;
                Ok(Built::transform(output, Pool::new(Kind::$kind, axes, input.last())))
            }
        }
    };
}
use pooling;

/// A layer that pools windows of maps.
macro_rules! pooling_2d {
    ($($layer:tt)*) => {
        super::pooling! {
            $($layer)*;
            in_maps, Pair, impl Into<Pair>, "Windows of a size: one number for both sides, or (rows, columns)."
        }
    };
}
use pooling_2d;

/// A layer that pools windows of sequences.
macro_rules! pooling_1d {
    ($($layer:tt)*) => {
        super::pooling! { $($layer)*; in_sequences, Single, usize, "Windows of some steps." }
    };
}
use pooling_1d;

/// A layer that pools whole samples by a [`Kind`](pool::Kind): all axes but the last.
macro_rules! global_pooling {
    ($(#[$meta:meta])* $name:ident = $class:literal, $kind:ident, $input:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            #[serde(skip)]
            base: $crate::layers::Base,
            data_format: DataFormat,
            keepdims: bool,
        }

        impl $name {
            /// Gives each channel one value.
            pub fn new() -> Self {
                Self::default()
            }

            $crate::layers::base_methods!();

            /// Whether the axes that are pooled stay, with one place each. Default: false.
            #[must_use]
            pub fn keepdims(mut self, keepdims: bool) -> Self {
                self.keepdims = keepdims;
                self
            }
        }

        impl $crate::layers::Layer for $name {
            $crate::layers::layer_methods!($class);

            fn build(&self, input: &Shape) -> Result<Built, String> {
                $input(input)?;
                let (channels, places) = (input.last(), input.len() / input.last());
                if places == 0 {
                    return Err(format!("expected at least one place along each axis, got samples of shape {input}"));
                }
                let mut axes = vec![1; if self.keepdims { input.rank() - 1 } else { 0 }];
                axes.push(channels);
                let whole = Axis { kernel: places, input: places, ..Axis::ONE };
                Ok(Built::transform(axes.into(), Pool::new(Kind::$kind, [Axis::ONE, whole], channels)))
            }
        }
    };
}
use global_pooling;
