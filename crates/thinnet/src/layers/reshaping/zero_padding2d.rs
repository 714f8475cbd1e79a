//! `ZeroPadding2D`: zeros around maps.

use serde::{Deserialize, Serialize};

use super::Margins;
use super::frame::Frame;
use crate::layers::arguments::{DataFormat, map};
use crate::layers::{Base, Built, Layer, base_methods, layer_methods};
use crate::shape::Shape;

/// Puts rows and columns of zeros around maps: (rows, columns, channels) becomes (before + rows + after, before + columns
/// + after, channels).
///
/// ```
/// use thinnet::layers::{Layer, ZeroPadding2D};
/// let built = ZeroPadding2D::new([[1, 0], [2, 2]]).build(&[4, 4, 3].into()).unwrap();
/// assert_eq!(built.output, [5, 8, 3].into());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ZeroPadding2D {
    #[serde(skip)]
    base: Base,
    padding: Margins,
    data_format: DataFormat,
}

impl Default for ZeroPadding2D {
    /// One row and one column on each side.
    fn default() -> Self {
        Self { base: Base::default(), padding: 1.into(), data_format: DataFormat }
    }
}

impl ZeroPadding2D {
    /// As many rows and columns as `padding` says: one number for all sides, (rows, columns), or ((before, after),
    /// (before, after)).
    pub fn new(padding: impl Into<Margins>) -> Self {
        Self { padding: padding.into(), ..Self::default() }
    }

    base_methods!();
}

impl Layer for ZeroPadding2D {
    layer_methods!("ZeroPadding2D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [rows, columns, channels] = map(input)?;
        let Margins([vertical, horizontal]) = self.padding;
        let larger = |size: usize, [before, after]: [usize; 2]| {
            let size = before.checked_add(after).and_then(|margin| margin.checked_add(size));
            size.filter(|size| *size < 1 << 24)
                .ok_or_else(|| format!("padding [{before}, {after}] is too large"))
        };
        let (height, width) = (larger(rows, vertical)?, larger(columns, horizontal)?);
        let frame = Frame {
            inner: [rows, columns * channels],
            outer: [height, width * channels],
            before: [vertical[0], horizontal[0] * channels],
            crops: false,
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
        testing::check(&ZeroPadding2D::default(), &[&[1, 1, 1], &[2, 3, 2]]);
        testing::check(&ZeroPadding2D::new([0, 2]), &[&[2, 1, 3]]);
        testing::check(&ZeroPadding2D::new([[1, 0], [2, 3]]), &[&[2, 3, 2]]);
    }

    #[test]
    fn the_map_lies_within_zeros() {
        let layer = ZeroPadding2D::new([[1, 0], [0, 1]]);
        assert_eq!(testing::infer(&layer, &[1, 2, 1], &[1.0, 2.0]), [0.0, 0.0, 0.0, 1.0, 2.0, 0.0]);
    }
}
