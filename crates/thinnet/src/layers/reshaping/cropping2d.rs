//! `Cropping2D`: maps without their edges.

use serde::{Deserialize, Serialize};

use super::Margins;
use super::frame::Frame;
use crate::layers::arguments::{DataFormat, map};
use crate::layers::{Base, Built, Layer, base_methods, layer_methods};
use crate::shape::Shape;

/// Takes rows and columns away around maps: (rows, columns, channels) becomes (rows − before − after, columns − before −
/// after, channels).
///
/// ```
/// use thinnet::layers::{Cropping2D, Layer};
/// let built = Cropping2D::new([[1, 0], [2, 2]]).build(&[5, 8, 3].into()).unwrap();
/// assert_eq!(built.output, [4, 4, 3].into());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cropping2D {
    #[serde(skip)]
    base: Base,
    cropping: Margins,
    data_format: DataFormat,
}

impl Default for Cropping2D {
    /// Nothing is taken away.
    fn default() -> Self {
        Self { base: Base::default(), cropping: 0.into(), data_format: DataFormat }
    }
}

impl Cropping2D {
    /// As many rows and columns as `cropping` says: one number for all sides, (rows, columns), or ((before, after),
    /// (before, after)).
    pub fn new(cropping: impl Into<Margins>) -> Self {
        Self { cropping: cropping.into(), ..Self::default() }
    }

    base_methods!();
}

impl Layer for Cropping2D {
    layer_methods!("Cropping2D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [rows, columns, channels] = map(input)?;
        let Margins([vertical, horizontal]) = self.cropping;
        let smaller = |what: &str, size: usize, [before, after]: [usize; 2]| {
            let left = size.checked_sub(before).and_then(|size| size.checked_sub(after));
            left.filter(|&left| left > 0).ok_or_else(|| {
                format!("cropping [{before}, {after}] leaves nothing of {size} {what}: crop less")
            })
        };
        let (height, width) = (smaller("rows", rows, vertical)?, smaller("columns", columns, horizontal)?);
        let frame = Frame {
            inner: [height, width * channels],
            outer: [rows, columns * channels],
            before: [vertical[0], horizontal[0] * channels],
            crops: true,
        };
        Ok(Built::transform([height, width, channels].into(), frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Cropping2D::default(), &[&[2, 3, 2]]);
        testing::check(&Cropping2D::new(1), &[&[3, 3, 1], &[4, 3, 2]]);
        testing::check(&Cropping2D::new([[1, 0], [0, 2]]), &[&[3, 4, 2]]);
    }

    #[test]
    fn what_leaves_nothing_is_refused() {
        let message = "cropping [2, 2] leaves nothing of 4 columns: crop less";
        testing::fails(&Cropping2D::new(2), &[5, 4, 1], message);
    }
}
