//! Shapes of one sample: the batch axis is never part of a [`Shape`].

use std::fmt;

/// The sizes of one sample's axes, as in Keras's `output_shape` without its leading `None`.
///
/// ```
/// use thinnet::Shape;
/// let image = Shape::from([28, 28, 1]);
/// assert_eq!(image.len(), 784);
/// assert_eq!(image.to_string(), "(None, 28, 28, 1)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// The axes' sizes.
    pub fn axes(&self) -> &[usize] {
        &self.0
    }

    /// The number of elements of a sample; `usize::MAX` if there are more.
    pub fn len(&self) -> usize {
        self.0.iter().fold(1, |product, &axis| product.saturating_mul(axis))
    }

    /// Whether a sample has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The last axis's size: features, channels or classes. 1 for a scalar.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }
}

impl From<Vec<usize>> for Shape {
    fn from(axes: Vec<usize>) -> Self {
        Self(axes)
    }
}

impl From<&[usize]> for Shape {
    fn from(axes: &[usize]) -> Self {
        Self(axes.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(axes: [usize; N]) -> Self {
        Self(axes.to_vec())
    }
}

impl From<usize> for Shape {
    fn from(size: usize) -> Self {
        Self(vec![size])
    }
}

/// As in the summary table: `(None, 28, 28, 1)`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(None")?;
        for axis in &self.0 {
            write!(f, ", {axis}")?;
        }
        f.write_str(")")
    }
}
