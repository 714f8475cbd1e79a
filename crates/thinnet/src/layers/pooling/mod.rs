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

use super::arguments::{Axis, Padding};

/// The windows of a pooling layer along an axis.
fn axis(input: usize, size: usize, stride: usize, padding: Padding) -> Result<Axis, String> {
    if padding == Padding::Causal {
        return Err("padding must be \"valid\" or \"same\": \"causal\" is for Conv1D".into());
    }
    Axis::new("pool_size", input, [size, stride, 1], padding)
}

/// A layer that pools windows of maps by a [`Kind`](pool::Kind).
macro_rules! pooling_2d {
    ($(#[$meta:meta])* $name:ident = $class:literal, $kind:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            #[serde(skip)]
            base: $crate::layers::Base,
            pool_size: Pair,
            padding: $crate::config::Argument<Padding>,
            strides: Option<Pair>,
            data_format: DataFormat,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    base: Default::default(),
                    pool_size: Pair([2, 2]),
                    padding: Padding::Valid.into(),
                    strides: None,
                    data_format: DataFormat,
                }
            }
        }

        impl $name {
            /// Windows of a size: one number for both sides, or (rows, columns).
            pub fn new(pool_size: impl Into<Pair>) -> Self {
                Self { pool_size: pool_size.into(), ..Self::default() }
            }

            $crate::layers::base_methods!();

            /// How far apart neighbouring windows are. Default: as far as they are large.
            #[must_use]
            pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
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
                let [rows, columns, channels] = map(input)?;
                let (size, strides) = (self.pool_size.0, self.strides.unwrap_or(self.pool_size).0);
                let axes = [
                    super::axis(rows, size[0], strides[0], *self.padding.get()?)?,
                    super::axis(columns, size[1], strides[1], *self.padding.get()?)?,
                ];
                let output = Shape::from([axes[0].output, axes[1].output, channels]);
                Ok(Built::transform(output, Pool::new(Kind::$kind, axes, channels)))
            }
        }
    };
}
use pooling_2d;

/// The same along sequences.
macro_rules! pooling_1d {
    ($(#[$meta:meta])* $name:ident = $class:literal, $kind:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            #[serde(skip)]
            base: $crate::layers::Base,
            pool_size: Single,
            padding: $crate::config::Argument<Padding>,
            strides: Option<Single>,
            data_format: DataFormat,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    base: Default::default(),
                    pool_size: Single(2),
                    padding: Padding::Valid.into(),
                    strides: None,
                    data_format: DataFormat,
                }
            }
        }

        impl $name {
            /// Windows of some steps.
            pub fn new(pool_size: usize) -> Self {
                Self { pool_size: Single(pool_size), ..Self::default() }
            }

            $crate::layers::base_methods!();

            /// How far apart neighbouring windows are. Default: as far as they are long.
            #[must_use]
            pub fn strides(mut self, strides: usize) -> Self {
                self.strides = Some(Single(strides));
                self
            }

            /// Whether windows may reach beyond the ends, where they count what is within. Default: valid.
            #[must_use]
            pub fn padding(mut self, padding: impl Into<$crate::config::Argument<Padding>>) -> Self {
                self.padding = padding.into();
                self
            }
        }

        impl $crate::layers::Layer for $name {
            $crate::layers::layer_methods!($class);

            fn build(&self, input: &Shape) -> Result<Built, String> {
                let [steps, channels] = sequence(input)?;
                let (Single(size), Single(stride)) = (self.pool_size, self.strides.unwrap_or(self.pool_size));
                let axis = super::axis(steps, size, stride, *self.padding.get()?)?;
                let output = Shape::from([axis.output, channels]);
                Ok(Built::transform(output, Pool::new(Kind::$kind, [Axis::ONE, axis], channels)))
            }
        }
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
