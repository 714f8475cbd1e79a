//! `GlobalAveragePooling2D`: the mean of whole maps.

use super::pool::{Kind, Pool};
use crate::layers::Built;
use crate::layers::arguments::{Axis, DataFormat, map};
use crate::shape::Shape;

super::global_pooling! {
    /// The mean of each channel: (rows, columns, channels) becomes (channels), or (1, 1, channels) where `keepdims` is set.
    ///
    /// ```
    /// use thinnet::layers::{Layer, GlobalAveragePooling2D};
    /// let built = GlobalAveragePooling2D::new().build(&[7, 7, 4].into()).unwrap();
    /// assert_eq!(built.output, 4.into());
    /// ```
    GlobalAveragePooling2D = "GlobalAveragePooling2D", Average, map
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&GlobalAveragePooling2D::new(), &[&[1, 1, 3], &[3, 2, 2]]);
        testing::check(&GlobalAveragePooling2D::new().keepdims(true), &[&[3, 2, 2]]);
    }
}
