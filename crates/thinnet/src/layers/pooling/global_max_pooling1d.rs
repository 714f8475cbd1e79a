//! `GlobalMaxPooling1D`: the largest value of whole sequences.

use super::pool::{Kind, Pool};
use crate::layers::Built;
use crate::layers::arguments::{Axis, DataFormat, sequence};
use crate::shape::Shape;

super::global_pooling! {
    /// The largest value of each channel: (steps, channels) becomes (channels), or (1, channels) where `keepdims` is set.
    ///
    /// In the backward pass, the first of equal values gets the whole gradient, as in TensorFlow.
    ///
    /// ```
    /// use thinnet::layers::{Layer, GlobalMaxPooling1D};
    /// let built = GlobalMaxPooling1D::new().build(&[7, 4].into()).unwrap();
    /// assert_eq!(built.output, 4.into());
    /// ```
    GlobalMaxPooling1D = "GlobalMaxPooling1D", Max, sequence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&GlobalMaxPooling1D::new(), &[&[1, 3], &[5, 2]]);
        testing::check(&GlobalMaxPooling1D::new().keepdims(true), &[&[5, 2]]);
    }
}
