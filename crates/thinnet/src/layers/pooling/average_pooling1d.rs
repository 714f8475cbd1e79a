//! `AveragePooling1D`: the mean of windows of sequences.

use super::pool::{Kind, Pool};
use crate::layers::Built;
use crate::layers::arguments::{DataFormat, Padding, Single};
use crate::shape::Shape;

super::pooling_1d! {
    /// The mean of each window, channel by channel: (steps, channels) becomes (steps', channels), where steps' =
    /// ⌊(steps − size) / stride⌋ + 1 for padding "valid" and ⌈steps / stride⌉ for "same".
    ///
    /// What a window has beyond the edge does not count.
    ///
    /// ```
    /// use thinnet::layers::{Layer, AveragePooling1D};
    /// let built = AveragePooling1D::new(2).build(&[9, 4].into()).unwrap();
    /// assert_eq!(built.output, [4, 4].into());
    /// ```
    AveragePooling1D = "AveragePooling1D", Average
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        for padding in [Padding::Valid, Padding::Same] {
            let layer = AveragePooling1D::new(3).padding(padding);
            testing::check(&layer, &[&[3, 1], &[7, 2]]);
            testing::check(&layer.strides(2), &[&[6, 2]]);
        }
    }

    #[test]
    fn windows_that_do_not_fit_are_explained() {
        testing::fails(
            &AveragePooling1D::new(5),
            &[4, 1],
            "pool_size 5 does not fit into an input of 4 places along this axis: use a smaller one, padding \"same\", or \
             larger inputs",
        );
    }
}
