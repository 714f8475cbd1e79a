//! `GlobalAveragePooling1D`: the mean of whole sequences.

use super::pool::{Kind, Pool};
use crate::layers::Built;
use crate::layers::arguments::{Axis, DataFormat, sequence};
use crate::shape::Shape;

super::global_pooling! {
    /// The mean of each channel: (steps, channels) becomes (channels), or (1, channels) where `keepdims` is set.
    ///
    /// ```
    /// use thinnet::layers::{Layer, GlobalAveragePooling1D};
    /// let built = GlobalAveragePooling1D::new().build(&[7, 4].into()).unwrap();
    /// assert_eq!(built.output, 4.into());
    /// ```
    GlobalAveragePooling1D = "GlobalAveragePooling1D", Average, sequence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&GlobalAveragePooling1D::new(), &[&[1, 3], &[5, 2]]);
        testing::check(&GlobalAveragePooling1D::new().keepdims(true), &[&[5, 2]]);
    }
}
