//! How windows lie in maps.

use serde::{Deserialize, Serialize};

use crate::config::Argument;
use crate::layers::arguments::{Axis, DataFormat, Padding, Pair};

/// The arguments of convolutions of maps that say how windows lie. A layer holds them in a flattened field `windows`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Windows {
    pub(super) kernel_size: Pair,
    pub(super) strides: Pair,
    pub(super) padding: Argument<Padding>,
    data_format: DataFormat,
    pub(super) dilation_rate: Pair,
}

impl Default for Windows {
    fn default() -> Self {
        Self::new(Pair([1, 1]))
    }
}

impl Windows {
    pub(super) fn new(kernel_size: Pair) -> Self {
        Self {
            kernel_size,
            strides: Pair([1, 1]),
            padding: Padding::Valid.into(),
            data_format: DataFormat,
            dilation_rate: Pair([1, 1]),
        }
    }

    /// The windows in a map of some rows and columns.
    pub(super) fn axes(&self, [rows, columns]: [usize; 2]) -> Result<[Axis; 2], String> {
        let &Self { kernel_size: kernel, strides, dilation_rate: dilation, .. } = self;
        let padding = *self.padding.get()?;
        if padding == Padding::Causal {
            return Err("padding must be \"valid\" or \"same\": \"causal\" is for Conv1D".into());
        }
        if strides.0.iter().any(|&stride| stride > 1) && dilation.0.iter().any(|&rate| rate > 1) {
            return Err(format!(
                "strides {strides} and dilation_rate {dilation} cannot both be larger than 1, as in Keras"
            ));
        }
        let axis = |index: usize, input: usize| {
            let sizes = [kernel.0[index], strides.0[index], dilation.0[index]];
            Axis::new("kernel_size", input, sizes, padding)
        };
        Ok([axis(0, rows)?, axis(1, columns)?])
    }
}

/// The builder methods of layers with a field `windows`.
macro_rules! window_methods {
    () => {
        /// How far apart neighbouring windows are. Default: 1.
        #[must_use]
        pub fn strides(mut self, strides: impl Into<$crate::layers::Pair>) -> Self {
            self.windows.strides = strides.into();
            self
        }

        /// What windows find beyond the edge. Default: valid.
        #[must_use]
        pub fn padding(
            mut self,
            padding: impl Into<$crate::config::Argument<$crate::layers::Padding>>,
        ) -> Self {
            self.windows.padding = padding.into();
            self
        }

        /// How far apart neighbouring elements of a window are; with strides of 1 only. Default: 1.
        #[must_use]
        pub fn dilation_rate(mut self, dilation_rate: impl Into<$crate::layers::Pair>) -> Self {
            self.windows.dilation_rate = dilation_rate.into();
            self
        }
    };
}
pub(super) use window_methods;
