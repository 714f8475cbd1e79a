//! `Dense`: a matrix product, a bias and an activation.

use serde::{Deserialize, Serialize};
use thinnet_kernels::add::{add, add_rows};
use thinnet_kernels::dense::{backward, forward, gradient};

use super::weights::Weights;
use super::{
    Base, Built, ByPiece, Gradients, Layer, Operation, Transform, activation_methods, base_methods,
    layer_methods, weight_methods,
};
use crate::engine::{Batch, Context, Variables};
use crate::shape::Shape;

/// `activation(x · kernel + bias)`, along the last axis: (…, inputs) becomes (…, units).
///
/// Variables: `kernel` (inputs, units) and, unless switched off, `bias` (units).
///
/// ```
/// use thinnet::prelude::*;
/// let layer = Dense::new(64).activation(Relu).kernel_regularizer(L2::new(0.001));
/// let built = layer.build(&Shape::from(784)).unwrap();
/// assert_eq!(built.output, Shape::from(64));
/// assert_eq!(built.variables[0].shape, [784, 64]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dense {
    #[serde(skip)]
    base: Base,
    units: usize,
    #[serde(flatten)]
    weights: Weights,
}

impl Dense {
    /// A layer of `units` outputs.
    pub fn new(units: usize) -> Self {
        Self { units, ..Self::default() }
    }

    base_methods!();

    activation_methods!();

    weight_methods!(
        "kernel" in weights,
        kernel_initializer = "glorot_uniform", kernel_regularizer, kernel_constraint);
}

impl Layer for Dense {
    layer_methods!("Dense");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let Some((&inputs, leading)) = input.axes().split_last() else {
            return Err("expected samples with at least one axis, got scalars: reshape them to (1)".into());
        };
        if self.units == 0 {
            return Err("units must be a positive integer, got 0".into());
        }
        if inputs == 0 {
            return Err(format!("expected at least one input, got samples of shape {input}"));
        }
        let variables = self.weights.variables(vec![inputs, self.units], self.units)?;
        let output = Shape::from([leading, &[self.units]].concat());
        let rows = leading.iter().product();
        let affine = Affine { rows, inputs, units: self.units, use_bias: self.weights.use_bias };
        let operations = vec![Operation::transform(affine, 0..variables.len())];
        self.weights.built(output, variables, operations)
    }
}

/// x · kernel + bias
#[derive(Debug)]
struct Affine {
    /// Rows of a sample: 1 unless samples have more than one axis.
    rows: usize,
    inputs: usize,
    units: usize,
    use_bias: bool,
}

/// The places of the variables.
const KERNEL: usize = 0;
const BIAS: usize = 1;

impl Transform for Affine {
    fn output_len(&self) -> usize {
        self.rows * self.units
    }

    fn scratch(&self, _: usize) -> usize {
        0
    }

    fn cost(&self) -> usize {
        self.rows * self.inputs * self.units
    }

    fn forward(&self, _: &Context, variables: Variables, x: &[f32], y: &mut [f32], _: &mut [f32]) {
        let bias = self.use_bias.then(|| variables.get(BIAS));
        forward(x, self.inputs, variables.get(KERNEL), self.units, bias, y);
    }

    fn backward(
        &self,
        _: &Context,
        variables: Variables,
        _: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        _: &mut [f32],
    ) {
        backward(dy, self.units, variables.get(KERNEL), self.inputs, dx);
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByPiece(self)
    }
}

impl ByPiece for Affine {
    fn grain(&self, variable: usize) -> usize {
        // Rows of the kernel, of so many inputs that columns of x are worth copying and dy is worth reading.
        if variable == KERNEL { 64 * self.units } else { self.units.min(64) }
    }

    fn gradient(&self, variable: usize, start: usize, batch: Batch, out: &mut [f32], scratch: &mut [f32]) {
        if variable == BIAS {
            out.fill(0.0);
            for (_, dy) in batch.parts() {
                if out.len() == self.units {
                    add_rows(dy, out);
                } else {
                    dy.chunks_exact(self.units).for_each(|row| add(&row[start..start + out.len()], out));
                }
            }
            return;
        }
        let mut parts = batch.parts();
        if let (Some((x, dy)), None, true) =
            (parts.next(), parts.next(), out.len() == self.inputs * self.units)
        {
            return gradient(x, self.inputs, &[dy], self.units, false, out);
        }
        // The piece's columns of x, copied together: in place they would lie too far apart for the cache.
        let (first, inputs) = (start / self.units, out.len() / self.units);
        let mut parts = batch.parts();
        let mut accumulate = false;
        loop {
            let (mut of_dy, mut count, mut filled) = ([&[][..]; PARTS], 0, 0);
            for (x, dy) in parts.by_ref().take(PARTS) {
                let columns = scratch[filled..].chunks_exact_mut(inputs);
                for (to, row) in columns.zip(x.chunks_exact(self.inputs)) {
                    to.copy_from_slice(&row[first..first + inputs]);
                }
                filled += x.len() / self.inputs * inputs;
                of_dy[count] = dy;
                count += 1;
            }
            if count == 0 {
                return;
            }
            gradient(&scratch[..filled], inputs, &of_dy[..count], self.units, accumulate, out);
            accumulate = true;
        }
    }

    fn scratch(&self, variable: usize, len: usize, batch_size: usize) -> usize {
        if variable == BIAS { 0 } else { len / self.units * batch_size * self.rows }
    }
}

/// Shards whose sums are computed at once.
const PARTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activations::Tanh;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Dense::new(3), &[&[1], &[4], &[3, 2]]);
        testing::check(&Dense::new(2).use_bias(false).activation(Tanh), &[&[5]]);
    }

    #[test]
    fn a_bad_activity_regularizer_is_explained() {
        testing::fails(
            &Dense::new(3).activity_regularizer(crate::regularizers::L2::new(-100.0)),
            &[4],
            "activity_regularizer: l2 must be a number that is not negative, got -100",
        );
    }
}
