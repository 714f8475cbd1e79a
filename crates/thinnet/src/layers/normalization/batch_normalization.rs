//! `BatchNormalization`: channels with mean 0 and variance 1 over the batch.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thinnet_kernels::normalization::{column_products, column_sums, columns_backward, normalize_columns};

use super::{axis, check_epsilon, normalization_methods};
use crate::config::Argument;
use crate::constraints::Constraint;
use crate::engine::{Context, Variables};
use crate::initializers::Initializer;
use crate::layers::{
    Base, BatchSums, Built, Gradients, Layer, Operation, Transform, Variable, base_methods, layer_methods,
};
use crate::regularizers::Regularizer;
use crate::shape::Shape;

/// Normalizes each channel: γ·(x − μ)/√(σ² + ε) + β. In training, μ and σ² are the mean and the variance (divided by the
/// count) of the channel over the batch and all its places, and the moving averages go on by
/// m ← m·momentum + μ·(1 − momentum). In inference, and in Monte-Carlo prediction, μ and σ² are the moving averages and stay
/// as they are; so they do in training where the layer is not `trainable`.
///
/// Ioffe & Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal covariate shift".
///
/// Variables: `gamma`, `beta` (unless switched off), `moving_mean`, `moving_variance`, each of (channels). The sums over the
/// batch have a fixed order: the bits do not depend on the number of threads.
///
/// ```
/// use thinnet::prelude::*;
/// let layer = BatchNormalization::new().momentum(0.9);
/// let built = layer.build(&Shape::from([8, 8, 16])).unwrap();
/// assert_eq!(built.variables.len(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchNormalization {
    #[serde(skip)]
    base: Base,
    axis: i64,
    momentum: f64,
    epsilon: f64,
    center: bool,
    scale: bool,
    beta_initializer: Argument<Initializer>,
    gamma_initializer: Argument<Initializer>,
    moving_mean_initializer: Argument<Initializer>,
    moving_variance_initializer: Argument<Initializer>,
    beta_regularizer: Option<Argument<Regularizer>>,
    gamma_regularizer: Option<Argument<Regularizer>>,
    beta_constraint: Option<Argument<Constraint>>,
    gamma_constraint: Option<Argument<Constraint>>,
    /// Whether several machines share their statistics: there is but one here.
    synchronized: bool,
    /// Keras's batch renormalization (Ioffe 2017) is refused when the layer is built; its momentum is kept for Keras's
    /// sake.
    renorm: bool,
    renorm_momentum: f64,
}

impl Default for BatchNormalization {
    fn default() -> Self {
        Self {
            base: Base::default(),
            axis: -1,
            momentum: 0.99,
            epsilon: 1e-3,
            center: true,
            scale: true,
            beta_initializer: "zeros".into(),
            gamma_initializer: "ones".into(),
            moving_mean_initializer: "zeros".into(),
            moving_variance_initializer: "ones".into(),
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
            synchronized: false,
            renorm: false,
            renorm_momentum: 0.99,
        }
    }
}

impl BatchNormalization {
    /// Over the last axis.
    pub fn new() -> Self {
        Self::default()
    }

    base_methods!();

    /// The channels' axis: 1 is a sample's first (0 would be the batch's), −1 the last. Default: −1.
    #[must_use]
    pub fn axis(mut self, axis: i64) -> Self {
        self.axis = axis;
        self
    }

    /// What the moving averages keep of themselves in a step, in \[0, 1\]. Default: 0.99.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// How the moving mean starts. Default: `zeros`.
    #[must_use]
    pub fn moving_mean_initializer(mut self, initializer: impl Into<Argument<Initializer>>) -> Self {
        self.moving_mean_initializer = initializer.into();
        self
    }

    /// How the moving variance starts. Default: `ones`.
    #[must_use]
    pub fn moving_variance_initializer(mut self, initializer: impl Into<Argument<Initializer>>) -> Self {
        self.moving_variance_initializer = initializer.into();
        self
    }

    normalization_methods!();
}

impl Layer for BatchNormalization {
    layer_methods!("BatchNormalization");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let axis = axis(self.axis, input)?;
        check_epsilon(self.epsilon)?;
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(format!("momentum must be in [0, 1], got {}", self.momentum));
        }
        if self.renorm {
            return Err("renorm must be false: batch renormalization is not known here".into());
        }
        if input.is_empty() {
            return Err(format!("expected samples with elements, got samples of shape {input}"));
        }
        let channels = input.axes()[axis];
        let mut variables = self.gamma_and_beta(&[channels])?;
        for (name, initializer) in [
            ("moving_mean", &self.moving_mean_initializer),
            ("moving_variance", &self.moving_variance_initializer),
        ] {
            let variable = Variable::weights(name, vec![channels], initializer, None, None)?;
            variables.push(Variable { trainable: false, ..variable });
        }
        let normalize = Normalize {
            len: input.len(),
            channels,
            repeat: input.axes()[axis + 1..].iter().product(),
            momentum: self.momentum,
            epsilon: self.epsilon,
            center: self.center,
            scale: self.scale,
            frozen: !self.base.trainable,
        };
        let operations = vec![Operation::transform(normalize, 0..variables.len())];
        Ok(Built { output: input.clone(), variables, operations, penalty: None })
    }
}

/// The operation. Elements are rows of columns; each channel has `repeat` neighbouring columns.
#[derive(Debug)]
struct Normalize {
    len: usize,
    channels: usize,
    repeat: usize,
    momentum: f64,
    epsilon: f64,
    center: bool,
    scale: bool,
    /// Whether the moving averages are used in training too.
    frozen: bool,
}

impl Normalize {
    fn columns(&self) -> usize {
        self.channels * self.repeat
    }

    /// The places of the moving mean and the moving variance.
    fn moving(&self) -> [usize; 2] {
        let first = usize::from(self.scale) + usize::from(self.center);
        [first, first + 1]
    }

    fn uses_batch(&self, cx: &Context) -> bool {
        cx.is_training() && !self.frozen
    }

    /// How many numbers of a channel a batch has.
    fn count(&self, batch_size: usize) -> f64 {
        (batch_size * (self.len / self.channels)) as f64
    }

    /// The sum of a channel's columns, from sums of all columns.
    fn of_channel(&self, sums: &[f64], channel: usize) -> f64 {
        sums[channel * self.repeat..(channel + 1) * self.repeat].iter().sum()
    }

    /// A channel's mean and variance over the batch.
    fn moments(&self, sums: &[f64], batch_size: usize, channel: usize) -> [f64; 2] {
        let (plain, squares) = sums.split_at(self.columns());
        let count = self.count(batch_size);
        let mean = self.of_channel(plain, channel) / count;
        [mean, (self.of_channel(squares, channel) / count - mean * mean).max(0.0)]
    }

    /// Writes each column's mean and 1/√(σ² + ε).
    fn statistics(&self, cx: &Context, variables: Variables, mean: &mut [f32], inverse: &mut [f32]) {
        let [moving_mean, moving_variance] = self.moving().map(|place| variables.get(place));
        for channel in 0..self.channels {
            let [of_mean, of_variance] = if self.uses_batch(cx) {
                self.moments(variables.forward_sums(), cx.batch_size, channel)
            } else {
                [f64::from(moving_mean[channel]), f64::from(moving_variance[channel])]
            };
            let columns = channel * self.repeat..(channel + 1) * self.repeat;
            mean[columns.clone()].fill(of_mean as f32);
            inverse[columns].fill((1.0 / (of_variance + self.epsilon).sqrt()) as f32);
        }
    }

    /// Multiplies each column by its channel's γ.
    fn apply_gamma(&self, variables: Variables, columns: &mut [f32]) {
        if self.scale {
            for (columns, &gamma) in columns.chunks_exact_mut(self.repeat).zip(variables.get(0)) {
                columns.iter_mut().for_each(|column| *column *= gamma);
            }
        }
    }
}

impl Transform for Normalize {
    fn output_len(&self) -> usize {
        self.len
    }

    fn scratch(&self, _: usize) -> usize {
        4 * self.columns()
    }

    fn cost(&self) -> usize {
        2 * self.len
    }

    fn forward(&self, cx: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let (mean, rest) = scratch.split_at_mut(self.columns());
        let (scale, rest) = rest.split_at_mut(self.columns());
        let offset = &mut rest[..self.columns()];
        self.statistics(cx, variables, mean, scale);
        self.apply_gamma(variables, scale);
        offset.fill(0.0);
        if self.center {
            let beta = variables.get(usize::from(self.scale));
            offset.chunks_exact_mut(self.repeat).zip(beta).for_each(|(columns, &beta)| columns.fill(beta));
        }
        normalize_columns(x, mean, scale, offset, y);
    }

    fn backward(
        &self,
        cx: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (mean, rest) = scratch.split_at_mut(self.columns());
        let (scale, rest) = rest.split_at_mut(self.columns());
        let (offset, rest) = rest.split_at_mut(self.columns());
        let slope = &mut rest[..self.columns()];
        self.statistics(cx, variables, mean, scale);
        offset.fill(0.0);
        slope.fill(0.0);
        if self.uses_batch(cx) {
            let (plain, products) = variables.backward_sums().split_at(self.columns());
            let count = self.count(cx.batch_size);
            for channel in 0..self.channels {
                let columns = channel * self.repeat..(channel + 1) * self.repeat;
                offset[columns.clone()].fill((self.of_channel(plain, channel) / count) as f32);
                let inverse = scale[columns.start];
                slope[columns].fill((self.of_channel(products, channel) / count) as f32 * inverse);
            }
        }
        self.apply_gamma(variables, scale);
        columns_backward(x, dy, [mean, scale, offset, slope], dx);
    }

    fn gradients(&self) -> Gradients<'_> {
        match self.batch_sums() {
            Some(sums) if self.scale || self.center => Gradients::BySums(sums),
            _ => Gradients::None,
        }
    }

    fn batch_sums(&self) -> Option<&dyn BatchSums> {
        (!self.frozen).then_some(self)
    }
}

impl BatchSums for Normalize {
    fn count(&self) -> usize {
        2 * self.columns()
    }

    fn forward_sums(&self, x: &[f32], sums: &mut [f64]) {
        column_sums(x, sums);
    }

    fn backward_sums(
        &self,
        cx: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        scratch: &mut [f32],
        sums: &mut [f64],
    ) {
        let (mean, rest) = scratch.split_at_mut(self.columns());
        let scale = &mut rest[..self.columns()];
        self.statistics(cx, variables, mean, scale);
        column_products(x, mean, scale, dy, sums);
    }

    fn gradient(&self, variable: usize, start: usize, sums: &[f64], out: &mut [f32]) {
        let (plain, products) = sums.split_at(self.columns());
        let sums = if self.scale && variable == 0 { products } else { plain };
        for (channel, out) in (start..).zip(out) {
            *out = self.of_channel(sums, channel) as f32;
        }
    }

    fn learn(&self, batch_size: usize, sums: &[f64], values: &mut [f32], variables: &[Range<usize>]) {
        for channel in 0..self.channels {
            let of_batch = self.moments(sums, batch_size, channel);
            for (place, of_batch) in self.moving().into_iter().zip(of_batch) {
                let value = &mut values[variables[place].start + channel];
                *value = (f64::from(*value) * self.momentum + of_batch * (1.0 - self.momentum)) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        let layer = BatchNormalization::new();
        testing::check(&layer, &[&[1], &[5], &[2, 3, 4]]);
        testing::check(&layer.clone().axis(1).epsilon(0.1), &[&[3, 2], &[2, 2, 3]]);
        testing::check(&layer.clone().center(false), &[&[2, 3]]);
        testing::check(&layer.clone().scale(false).momentum(0.5), &[&[2, 3]]);
        testing::check(&layer.center(false).scale(false), &[&[2, 3]]);
    }

    #[test]
    fn behaves_where_it_is_frozen() {
        // Its variables have no gradient then, so none is compared: `check` asks only those that training changes.
        let mut built = BatchNormalization::new().trainable(false).build(&[3].into()).unwrap();
        let Operation::Transform { operation, .. } = built.operations.remove(0) else {
            panic!("a transform")
        };
        assert!(operation.batch_sums().is_none());
        assert!(matches!(operation.gradients(), Gradients::None));
    }

    #[test]
    fn a_batch_gets_mean_zero_and_variance_one() {
        let layer = BatchNormalization::new().center(false).scale(false).epsilon(0.0);
        let x: Vec<f32> = (0..40).map(|i| (i * i % 37) as f32).collect();
        let y = testing::train(&layer, &[4, 2], &testing::training(0), &x);
        for channel in 0..2 {
            let of_channel: Vec<f64> = y.iter().skip(channel).step_by(2).map(|&y| f64::from(y)).collect();
            let mean = of_channel.iter().sum::<f64>() / 20.0;
            let variance = of_channel.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / 20.0;
            assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5, "{mean} {variance}");
        }
    }

    #[test]
    fn bad_arguments_are_explained() {
        let layer = BatchNormalization::new();
        testing::fails(
            &layer.clone().axis(3),
            &[4, 2],
            "axis must be in 1..=2 or -2..=-1 for an input of (None, 4, 2), got 3",
        );
        testing::fails(&layer.clone().momentum(1.5), &[4], "momentum must be in [0, 1], got 1.5");
        testing::fails(&layer.epsilon(-1.0), &[4], "epsilon must be a number from 0 on, got -1");
    }
}
