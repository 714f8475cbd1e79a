//! `MaxPooling2D`: the largest value of windows of maps.

use super::pool::{Kind, Pool};
use crate::layers::Built;
use crate::layers::arguments::{DataFormat, Padding, Pair};
use crate::shape::Shape;

super::pooling_2d! {
    /// The largest value of each window, channel by channel: (rows, columns, channels) becomes (rows', columns',
    /// channels), where rows' = ⌊(rows − size) / stride⌋ + 1 for padding "valid" and ⌈rows / stride⌉ for "same"; columns
    /// likewise.
    ///
    /// In the backward pass, the first of equal values gets the whole gradient, as in TensorFlow.
    ///
    /// ```
    /// use thinnet::layers::{Layer, MaxPooling2D};
    /// let built = MaxPooling2D::new(2).build(&[28, 28, 32].into()).unwrap();
    /// assert_eq!(built.output, [14, 14, 32].into());
    /// ```
    MaxPooling2D = "MaxPooling2D", Max
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&MaxPooling2D::new(2), &[&[2, 2, 1], &[5, 4, 3]]);
        for padding in [Padding::Valid, Padding::Same] {
            let layer = MaxPooling2D::new((2, 3)).padding(padding);
            testing::check(&layer, &[&[3, 4, 2]]);
            testing::check(&layer.strides((1, 2)), &[&[3, 4, 1]]);
        }
    }

    #[test]
    fn windows_that_do_not_fit_are_explained() {
        testing::fails(
            &MaxPooling2D::new((2, 5)),
            &[4, 4, 1],
            "pool_size 5 does not fit into an input of 4 places along this axis: use a smaller one, padding \"same\", or \
             larger inputs",
        );
        testing::fails(&MaxPooling2D::new(0), &[4, 4, 1], "pool_size must be positive, got 0");
    }

    #[test]
    fn the_largest_value_of_each_channel_is_taken() {
        let x = [1.0, -1.0, 5.0, -2.0, 3.0, -7.0, 2.0, -0.5];
        assert_eq!(testing::infer(&MaxPooling2D::new(2), &[2, 2, 2], &x), [5.0, -0.5]);
    }
}
