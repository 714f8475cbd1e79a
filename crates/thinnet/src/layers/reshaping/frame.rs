//! Margins around maps, and the operation that adds or removes them.

use serde::{Deserialize, Serialize};

use crate::engine::{Context, Variables};
use crate::layers::Transform;

/// Rows before and after, and columns before and after. One number stands for all four, two stand for (rows, columns).
///
/// ```
/// use thinnet::layers::Margins;
/// assert_eq!(Margins::from(1), Margins::from([[1, 1], [1, 1]]));
/// assert_eq!(Margins::from([1, 2]), Margins::from([[1, 1], [2, 2]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Forms", into = "[[usize; 2]; 2]")]
pub struct Margins(pub [[usize; 2]; 2]);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number, a list of two, or two lists of two")]
enum Forms {
    All(usize),
    RowsAndColumns([usize; 2]),
    Each([[usize; 2]; 2]),
}

impl From<Forms> for Margins {
    fn from(form: Forms) -> Self {
        match form {
            Forms::All(size) => size.into(),
            Forms::RowsAndColumns(sizes) => sizes.into(),
            Forms::Each(sizes) => sizes.into(),
        }
    }
}

impl From<Margins> for [[usize; 2]; 2] {
    fn from(Margins(sizes): Margins) -> Self {
        sizes
    }
}

impl From<usize> for Margins {
    fn from(size: usize) -> Self {
        Self([[size; 2]; 2])
    }
}

impl From<[usize; 2]> for Margins {
    fn from([rows, columns]: [usize; 2]) -> Self {
        Self([[rows; 2], [columns; 2]])
    }
}

impl From<[[usize; 2]; 2]> for Margins {
    fn from(sizes: [[usize; 2]; 2]) -> Self {
        Self(sizes)
    }
}

/// A map within a larger one.
#[derive(Debug)]
pub(super) struct Frame {
    /// Rows, and elements of a row, of the inner map.
    pub(super) inner: [usize; 2],
    /// The same of the outer one.
    pub(super) outer: [usize; 2],
    /// Rows, and elements of a row, before the inner map.
    pub(super) before: [usize; 2],
    /// Whether the outer map is the input.
    pub(super) crops: bool,
}

impl Frame {
    fn len([rows, row]: [usize; 2]) -> usize {
        rows * row
    }

    /// Calls `f` for each row with its start in the inner and in the outer map.
    fn rows(&self, mut f: impl FnMut(usize, usize)) {
        for row in 0..self.inner[0] {
            f(row * self.inner[1], (self.before[0] + row) * self.outer[1] + self.before[1]);
        }
    }

    fn surround(&self, inner: &[f32], outer: &mut [f32]) {
        outer.fill(0.0);
        let samples =
            inner.chunks_exact(Self::len(self.inner)).zip(outer.chunks_exact_mut(Self::len(self.outer)));
        for (inner, outer) in samples {
            let len = self.inner[1];
            self.rows(|from, to| outer[to..to + len].copy_from_slice(&inner[from..from + len]));
        }
    }

    fn crop(&self, outer: &[f32], inner: &mut [f32]) {
        let samples =
            inner.chunks_exact_mut(Self::len(self.inner)).zip(outer.chunks_exact(Self::len(self.outer)));
        for (inner, outer) in samples {
            let len = self.inner[1];
            self.rows(|to, from| inner[to..to + len].copy_from_slice(&outer[from..from + len]));
        }
    }
}

impl Transform for Frame {
    fn output_len(&self) -> usize {
        Self::len(if self.crops { self.inner } else { self.outer })
    }

    fn scratch(&self, _: usize) -> usize {
        0
    }

    fn cost(&self) -> usize {
        0
    }

    fn forward(&self, _: &Context, _: Variables, x: &[f32], y: &mut [f32], _: &mut [f32]) {
        if self.crops { self.crop(x, y) } else { self.surround(x, y) }
    }

    fn backward(&self, _: &Context, _: Variables, _: &[f32], dy: &[f32], dx: &mut [f32], _: &mut [f32]) {
        if self.crops { self.surround(dy, dx) } else { self.crop(dy, dx) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_read_in_all_three_forms() {
        let read = |text: &str| serde_json::from_str::<Margins>(text).unwrap();
        assert_eq!(read("2"), Margins([[2, 2], [2, 2]]));
        assert_eq!(read("[1, 2]"), Margins([[1, 1], [2, 2]]));
        assert_eq!(read("[[1, 2], [3, 4]]"), Margins([[1, 2], [3, 4]]));
    }
}
