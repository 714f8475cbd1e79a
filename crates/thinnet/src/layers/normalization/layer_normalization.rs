//! `LayerNormalization`: samples, or parts of them, with mean 0 and variance 1.

use serde::{Deserialize, Serialize};
use thinnet_kernels::normalization::{row_backward, row_moments};

use super::{axis, check_epsilon, normalization_methods};
use crate::config::{Argument, Axes};
use crate::constraints::Constraint;
use crate::engine::{Context, Variables};
use crate::initializers::Initializer;
use crate::layers::{
    Base, Built, ByShard, Gradients, Layer, Operation, Transform, Variable, base_methods, layer_methods,
};
use crate::regularizers::Regularizer;
use crate::shape::Shape;

/// Normalizes each sample over some axes: γ·(x − μ)/√(σ² + ε) + β with the mean μ and the variance σ² over these axes, in
/// training and in inference alike.
///
/// Ba, Kiros & Hinton 2016, "Layer normalization".
///
/// Variables: `gamma` and `beta` (unless switched off), both of the axes' sizes.
///
/// ```
/// use thinnet::prelude::*;
/// let layer = LayerNormalization::new().axis([1, 2, 3]);
/// let built = layer.build(&Shape::from([8, 8, 16])).unwrap();
/// assert_eq!(built.variables[0].shape, [8, 8, 16]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LayerNormalization {
    #[serde(skip)]
    base: Base,
    axis: Axes,
    epsilon: f64,
    center: bool,
    scale: bool,
    beta_initializer: Argument<Initializer>,
    gamma_initializer: Argument<Initializer>,
    beta_regularizer: Option<Argument<Regularizer>>,
    gamma_regularizer: Option<Argument<Regularizer>>,
    beta_constraint: Option<Argument<Constraint>>,
    gamma_constraint: Option<Argument<Constraint>>,
    /// Keras's variant without a mean is refused when the layer is built.
    rms_scaling: bool,
}

impl Default for LayerNormalization {
    fn default() -> Self {
        Self {
            base: Base::default(),
            axis: Axes::One(-1),
            epsilon: 1e-3,
            center: true,
            scale: true,
            beta_initializer: "zeros".into(),
            gamma_initializer: "ones".into(),
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
            rms_scaling: false,
        }
    }
}

impl LayerNormalization {
    /// Over the last axis.
    pub fn new() -> Self {
        Self::default()
    }

    base_methods!();

    /// The axes that mean and variance are taken over. Default: −1, the last.
    #[must_use]
    pub fn axis(mut self, axis: impl Into<Axes>) -> Self {
        self.axis = axis.into();
        self
    }

    normalization_methods!();
}

impl Layer for LayerNormalization {
    layer_methods!("LayerNormalization");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let numbers = self.axis.as_slice();
        let mut axes = numbers.iter().map(|&number| axis(number, input)).collect::<Result<Vec<_>, _>>()?;
        axes.sort_unstable();
        axes.dedup();
        if axes.len() != numbers.len() || axes.is_empty() {
            return Err(format!("axis must be one axis or several different ones, got {numbers:?}"));
        }
        check_epsilon(self.epsilon)?;
        if self.rms_scaling {
            return Err("rms_scaling must be false: it is not known here".into());
        }
        if input.is_empty() {
            return Err(format!("expected samples with elements, got samples of shape {input}"));
        }
        let shape: Vec<usize> = axes.iter().map(|&axis| input.axes()[axis]).collect();
        let variables = self.gamma_and_beta(&shape)?;
        let normalize = Normalize {
            len: input.len(),
            row: shape.iter().product(),
            order: order(input, &axes)?,
            epsilon: self.epsilon as f32,
            center: self.center,
            scale: self.scale,
        };
        let operations = vec![Operation::transform(normalize, 0..variables.len())];
        Ok(Built { output: input.clone(), variables, operations, penalty: None })
    }
}

/// The elements of a sample in an order where those that are normalized together are neighbours; none where they are
/// already.
fn order(input: &Shape, axes: &[usize]) -> Result<Option<Vec<u32>>, String> {
    let kept: Vec<usize> = (0..input.rank()).filter(|axis| !axes.contains(axis)).collect();
    if kept.iter().all(|axis| axis < &axes[0]) {
        return Ok(None);
    }
    if u32::try_from(input.len()).is_err() {
        return Err(format!("a sample of {input} is too large for this axis: use the last ones"));
    }
    let strides: Vec<usize> =
        (0..input.rank()).map(|axis| input.axes()[axis + 1..].iter().product()).collect();
    let mut order = vec![0_u32];
    for &axis in kept.iter().chain(axes) {
        let (places, stride) = (input.axes()[axis], strides[axis]);
        let along = |&start: &u32| (0..places).map(move |place| start + (place * stride) as u32);
        order = order.iter().flat_map(along).collect();
    }
    Ok(Some(order))
}

#[derive(Debug)]
struct Normalize {
    len: usize,
    /// Elements that are normalized together.
    row: usize,
    order: Option<Vec<u32>>,
    epsilon: f32,
    center: bool,
    scale: bool,
}

impl Normalize {
    fn gamma<'a>(&self, variables: Variables<'a>) -> Option<&'a [f32]> {
        self.scale.then(|| variables.get(0))
    }

    fn beta<'a>(&self, variables: Variables<'a>) -> Option<&'a [f32]> {
        self.center.then(|| variables.get(usize::from(self.scale)))
    }

    /// A sample with neighbours that are normalized together, in `memory` where it has another order.
    fn ordered<'a>(&self, sample: &'a [f32], memory: &'a mut [f32]) -> &'a [f32] {
        let Some(order) = &self.order else { return sample };
        for (value, &place) in memory.iter_mut().zip(order) {
            *value = sample[place as usize];
        }
        &memory[..self.len]
    }

    /// Calls `f` with memory for a sample in the order of [`ordered`](Self::ordered), and puts it into the sample's own.
    fn write_sample(&self, sample: &mut [f32], memory: &mut [f32], f: impl FnOnce(&mut [f32])) {
        let Some(order) = &self.order else { return f(sample) };
        f(&mut memory[..self.len]);
        for (&value, &place) in memory.iter().zip(order) {
            sample[place as usize] = value;
        }
    }

    /// A row's mean and 1/√(σ² + ε).
    fn statistics(&self, row: &[f32]) -> (f32, f32) {
        let [mean, variance] = row_moments(row);
        (mean, 1.0 / (variance + self.epsilon).sqrt())
    }
}

impl Transform for Normalize {
    fn output_len(&self) -> usize {
        self.len
    }

    fn scratch(&self, _: usize) -> usize {
        if self.order.is_some() { 3 * self.len } else { 0 }
    }

    fn cost(&self) -> usize {
        4 * self.len
    }

    fn forward(&self, _: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let (memory, rest) = scratch.split_at_mut(scratch.len().min(self.len));
        let (gamma, beta) = (self.gamma(variables), self.beta(variables));
        for (x, y) in x.chunks_exact(self.len).zip(y.chunks_exact_mut(self.len)) {
            let x = self.ordered(x, memory);
            self.write_sample(y, rest, |y| {
                for (x, y) in x.chunks_exact(self.row).zip(y.chunks_exact_mut(self.row)) {
                    let (mean, scale) = self.statistics(x);
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - mean) * scale);
                    if let Some(gamma) = gamma {
                        y.iter_mut().zip(gamma).for_each(|(y, &gamma)| *y *= gamma);
                    }
                    if let Some(beta) = beta {
                        y.iter_mut().zip(beta).for_each(|(y, &beta)| *y += beta);
                    }
                }
            });
        }
    }

    fn backward(
        &self,
        _: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        let part = scratch.len().min(self.len);
        let (of_x, rest) = scratch.split_at_mut(part);
        let (of_dy, of_dx) = rest.split_at_mut(part);
        let gamma = self.gamma(variables);
        let samples = x.chunks_exact(self.len).zip(dy.chunks_exact(self.len));
        for ((x, dy), dx) in samples.zip(dx.chunks_exact_mut(self.len)) {
            let (x, dy) = (self.ordered(x, of_x), self.ordered(dy, of_dy));
            self.write_sample(dx, of_dx, |dx| {
                let rows = x.chunks_exact(self.row).zip(dy.chunks_exact(self.row));
                for ((x, dy), dx) in rows.zip(dx.chunks_exact_mut(self.row)) {
                    let (mean, scale) = self.statistics(x);
                    row_backward(x, dy, gamma, mean, scale, dx);
                }
            });
        }
    }

    fn gradients(&self) -> Gradients<'_> {
        if self.scale || self.center { Gradients::ByShard(self) } else { Gradients::None }
    }
}

impl ByShard for Normalize {
    fn gradient(
        &self,
        cx: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: Option<&mut [f32]>,
        sums: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (gamma, beta) = sums.split_at_mut(if self.scale { self.row } else { 0 });
        let (of_x, of_dy) = scratch.split_at_mut(scratch.len().min(self.len));
        for (x, dy) in x.chunks_exact(self.len).zip(dy.chunks_exact(self.len)) {
            let (x, dy) = (self.ordered(x, of_x), self.ordered(dy, of_dy));
            for (x, dy) in x.chunks_exact(self.row).zip(dy.chunks_exact(self.row)) {
                let (mean, scale) = self.statistics(x);
                for ((gamma, &x), &dy) in gamma.iter_mut().zip(x).zip(dy) {
                    *gamma += dy * ((x - mean) * scale);
                }
                beta.iter_mut().zip(dy).for_each(|(beta, &dy)| *beta += dy);
            }
        }
        if let Some(dx) = dx {
            self.backward(cx, variables, x, dy, dx, scratch);
        }
    }

    fn scratch(&self, rows: usize) -> usize {
        let ordered = if self.order.is_some() { 2 * self.len } else { 0 };
        ordered.max(Transform::scratch(self, rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        let layer = LayerNormalization::new();
        testing::check(&layer, &[&[5], &[2, 3, 4]]);
        for axes in [[1, 2].into(), [3, 1].into(), Axes::One(1), Axes::One(2)] {
            testing::check(&layer.clone().axis(axes), &[&[2, 3, 2]]);
        }
        testing::check(&layer.clone().center(false).epsilon(0.1), &[&[2, 3]]);
        testing::check(&layer.clone().scale(false).axis([-1, -2]), &[&[2, 3]]);
        testing::check(&layer.scale(false).center(false).axis(1), &[&[3, 2]]);
    }

    #[test]
    fn elements_are_normalized_with_those_along_the_axes() {
        let layer = LayerNormalization::new().axis(1).epsilon(0.0);
        let y = testing::infer(&layer.scale(false).center(false), &[2, 2], &[1.0, 10.0, 3.0, 30.0]);
        assert_eq!(y, [-1.0, -1.0, 1.0, 1.0]);
    }

    #[test]
    fn bad_arguments_are_explained() {
        let layer = LayerNormalization::new();
        testing::fails(
            &layer.clone().axis([1, -2]),
            &[4, 2],
            "axis must be one axis or several different ones, got [1, -2]",
        );
        testing::fails(
            &layer.clone().axis(0),
            &[4, 2],
            "axis must be in 1..=2 or -2..=-1 for an input of (None, 4, 2), got 0",
        );
        testing::fails(&layer.epsilon(f64::NAN), &[4], "epsilon must be a number from 0 on, got NaN");
    }
}
