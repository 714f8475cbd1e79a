//! `GlobalMaxPooling2D`: the largest value of whole maps.

use super::pool::{Kind, Pool};
use crate::layers::Built;
use crate::layers::arguments::{Axis, DataFormat, map};
use crate::shape::Shape;

super::global_pooling! {
    /// The largest value of each channel: (rows, columns, channels) becomes (channels), or (1, 1, channels) where
    /// `keepdims` is set.
    ///
    /// In the backward pass, the first of equal values gets the whole gradient, as in TensorFlow.
    ///
    /// ```
    /// use thinnet::layers::{Layer, GlobalMaxPooling2D};
    /// let built = GlobalMaxPooling2D::new().build(&[7, 7, 4].into()).unwrap();
    /// assert_eq!(built.output, 4.into());
    /// ```
    GlobalMaxPooling2D = "GlobalMaxPooling2D", Max, map
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&GlobalMaxPooling2D::new(), &[&[1, 1, 3], &[3, 2, 2]]);
        testing::check(&GlobalMaxPooling2D::new().keepdims(true), &[&[3, 2, 2]]);
    }
}
