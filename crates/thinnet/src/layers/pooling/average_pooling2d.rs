//! `AveragePooling2D`: the mean of windows of maps.

use super::pool::{Kind, Pool};
use crate::layers::Built;
use crate::layers::arguments::{DataFormat, Padding, Pair};
use crate::shape::Shape;

super::pooling_2d! {
    /// The mean of each window, channel by channel: (rows, columns, channels) becomes (rows', columns', channels), where
    /// rows' = ⌊(rows − size) / stride⌋ + 1 for padding "valid" and ⌈rows / stride⌉ for "same"; columns likewise.
    ///
    /// What a window has beyond the edge does not count.
    ///
    /// ```
    /// use thinnet::layers::{Layer, AveragePooling2D};
    /// let built = AveragePooling2D::new(2).build(&[28, 28, 32].into()).unwrap();
    /// assert_eq!(built.output, [14, 14, 32].into());
    /// ```
    AveragePooling2D = "AveragePooling2D", Average
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&AveragePooling2D::new(2), &[&[2, 2, 1], &[5, 4, 3]]);
        for padding in [Padding::Valid, Padding::Same] {
            let layer = AveragePooling2D::new((2, 3)).padding(padding);
            testing::check(&layer, &[&[3, 4, 2]]);
            testing::check(&layer.strides((1, 2)), &[&[3, 4, 1]]);
        }
    }

    #[test]
    fn windows_that_do_not_fit_are_explained() {
        testing::fails(
            &AveragePooling2D::new((2, 5)),
            &[4, 4, 1],
            "pool_size 5 does not fit into an input of 4 places along this axis: use a smaller one, padding \"same\", or \
             larger inputs",
        );
        testing::fails(&AveragePooling2D::new(0), &[4, 4, 1], "pool_size must be positive, got 0");
    }

    #[test]
    fn places_beyond_the_edge_do_not_count() {
        let layer = AveragePooling2D::new(2).padding(Padding::Same);
        let x = [1.0, 2.0, 4.0, 3.0, 4.0, 8.0, 5.0, 7.0, 6.0];
        assert_eq!(testing::infer(&layer, &[3, 3, 1], &x), [2.5, 6.0, 6.0, 6.0]);
    }
}
