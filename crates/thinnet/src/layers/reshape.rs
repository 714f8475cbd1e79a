//! Samples in another shape.

use serde::{Deserialize, Serialize};

use super::{Base, Built, Layer, base_methods, layer_methods};
use crate::shape::Shape;

/// Gives each sample another shape with the same elements in the same order. Costs nothing.
///
/// ```
/// use thinnet::layers::{Layer, Reshape};
/// let built = Reshape::new([-1, 28, 1]).build(&784.into()).unwrap();
/// assert_eq!(built.output, [28, 28, 1].into());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reshape {
    #[serde(skip)]
    base: Base,
    target_shape: Vec<i64>,
}

impl Reshape {
    /// To this shape of a sample; one entry may be −1 and is then worked out.
    pub fn new(target_shape: impl Into<Vec<i64>>) -> Self {
        Self { target_shape: target_shape.into(), ..Self::default() }
    }

    base_methods!();
}

impl Layer for Reshape {
    layer_methods!("Reshape");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let target = &self.target_shape;
        let free = target.iter().filter(|&&axis| axis == -1).count();
        if free > 1 || target.iter().any(|&axis| axis == 0 || axis < -1) {
            return Err(format!("target_shape must have positive sizes and at most one -1, got {target:?}"));
        }
        let misfit = || {
            let len = input.len();
            format!("target_shape must have the {len} elements of a sample of {input}, got {target:?}")
        };
        let known = target
            .iter()
            .filter(|&&axis| axis != -1)
            .try_fold(1usize, |product, &axis| product.checked_mul(usize::try_from(axis).ok()?))
            .ok_or_else(misfit)?;
        if !input.len().is_multiple_of(known) || (free == 0 && input.len() != known) {
            return Err(misfit());
        }
        let rest = input.len() / known;
        let output: Vec<usize> = target.iter().map(|&axis| usize::try_from(axis).unwrap_or(rest)).collect();
        Ok(Built::view(output.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Reshape::new([2, -1]), &[&[2], &[12], &[3, 4]]);
    }

    #[test]
    fn one_size_may_be_left_open() {
        for (target, output) in
            [(vec![3, 4], vec![3, 4]), (vec![-1], vec![12]), (vec![2, -1, 2], vec![2, 3, 2])]
        {
            assert_eq!(Reshape::new(target).build(&[6, 2].into()).unwrap().output, output.into());
        }
        assert_eq!(Reshape::new([]).build(&1.into()).unwrap().output, Shape::from([]));
    }

    #[test]
    fn shapes_that_do_not_fit_are_explained() {
        let fails = |target: &[i64], message| testing::fails(&Reshape::new(target), &[6, 2], message);
        fails(&[5, 2], "target_shape must have the 12 elements of a sample of (None, 6, 2), got [5, 2]");
        fails(&[5, -1], "target_shape must have the 12 elements of a sample of (None, 6, 2), got [5, -1]");
        fails(&[-1, -1], "target_shape must have positive sizes and at most one -1, got [-1, -1]");
        fails(&[0, -1], "target_shape must have positive sizes and at most one -1, got [0, -1]");
        let huge = [i64::MAX, i64::MAX];
        let message =
            format!("target_shape must have the 12 elements of a sample of (None, 6, 2), got {huge:?}");
        fails(&huge, &message);
    }
}
