//! Axes as arguments.

use serde::{Deserialize, Serialize};

/// One axis or several; negative ones count from the last. A variable's first axis is 0, a sample's is 1: a layer's axis 0 is
/// the batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a whole number or a list of whole numbers")]
pub enum Axes {
    /// One axis.
    One(i64),
    /// Several axes.
    Several(Vec<i64>),
}

impl From<i64> for Axes {
    fn from(axis: i64) -> Self {
        Self::One(axis)
    }
}

impl<const N: usize> From<[i64; N]> for Axes {
    fn from(axes: [i64; N]) -> Self {
        Self::Several(axes.to_vec())
    }
}

impl Axes {
    pub(crate) fn as_slice(&self) -> &[i64] {
        match self {
            Self::One(axis) => std::slice::from_ref(axis),
            Self::Several(axes) => axes,
        }
    }
}
