//! `DropConnect`: a Dense layer whose weights are dropped one by one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thinnet_kernels::dropout;

use super::Source;
use crate::activations::Activation;
use crate::engine::{Context, Variables};
use crate::layers::weights::Weights;
use crate::layers::{
    Base, Built, ByShard, Gradients, InPlace, Layer, Needs, Operation, Transform, activation_methods,
    base_methods, layer_methods, seed_method, weight_methods,
};
use crate::random::{Domain, Stream};
use crate::schedules::Rate;
use crate::shape::Shape;

/// `activation((M ∘ kernel)ᵀx + m ∘ bias)`, where each weight and each bias of each sample is dropped in training with
/// probability `rate`; what is kept is not scaled.
///
/// In inference, a unit's input is taken as normal, with the mean q·(Wᵀx + b) and the variance q·rate·((W²)ᵀx² + b²) that the masks
/// give it, q = 1 − rate, and the output is the mean of the activation over `samples` such numbers. The numbers are the same
/// for all units and samples, come in pairs ±z and have variance 1, so that inference is a function and exact for a linear
/// activation.
///
/// Wan, Zeiler, Zhang, LeCun & Fergus 2013, "Regularization of neural networks using DropConnect" (algorithms 1 and 2).
///
/// Variables: `kernel` (inputs, units) and, unless switched off, `bias` (units). A step draws inputs·units numbers for each
/// sample: meant for the last hidden layers.
///
/// ```
/// use thinnet::prelude::*;
/// let layer = DropConnect::new(128, 0.5).activation(Relu);
/// assert_eq!(layer.build(&Shape::from(64)).unwrap().output, Shape::from(128));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DropConnect {
    #[serde(skip)]
    base: Base,
    units: usize,
    rate: Rate,
    #[serde(flatten)]
    weights: Weights,
    samples: usize,
    seed: Option<u64>,
}

impl Default for DropConnect {
    /// Without units: they must be given.
    fn default() -> Self {
        Self {
            base: Base::default(),
            units: 0,
            rate: Rate::default(),
            weights: Weights::default(),
            samples: 100,
            seed: None,
        }
    }
}

impl DropConnect {
    /// A layer of `units` outputs whose weights are dropped at a rate in [0, 1]: a number, or a schedule, whose last rate is
    /// that of inference.
    pub fn new(units: usize, rate: impl Into<Rate>) -> Self {
        Self { units, rate: rate.into(), ..Self::default() }
    }

    /// Over how many numbers inference takes the mean of the activation; even. Default: 100 (the paper: 1,000, not in pairs).
    #[must_use]
    pub fn samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }

    seed_method!();

    base_methods!();

    activation_methods!();

    weight_methods!(
        "kernel" in weights,
        kernel_initializer = "glorot_uniform", kernel_regularizer, kernel_constraint);
}

impl Layer for DropConnect {
    layer_methods!("DropConnect");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let &[inputs] = input.axes() else {
            return Err(format!("expected samples of shape (inputs), got {input}: put a Flatten before"));
        };
        if self.units == 0 || inputs == 0 {
            return Err(format!("expected at least one input and one unit, got {inputs} and {}", self.units));
        }
        self.rate.check()?;
        if self.samples == 0 || self.samples % 2 == 1 {
            return Err(format!("samples must be an even number from 2 on, got {}", self.samples));
        }
        let activation = *self.weights.activation.get()?;
        activation.check()?;
        if matches!(activation, Activation::Softmax | Activation::LogSoftmax) {
            return Err("activation must work on each unit alone: put a softmax in a layer behind".into());
        }
        let variables = self.weights.variables(vec![inputs, self.units], self.units)?;
        let output = Shape::from(self.units);
        let function = match activation.operation(&output) {
            Some(Operation::InPlace(function)) => Some(function),
            _ => None,
        };
        let connect = Connect {
            source: Source::new(self.seed),
            rate: self.rate.clone(),
            inputs,
            units: self.units,
            use_bias: self.weights.use_bias,
            function: function.clone(),
            normals: normals(self.samples / 2),
        };
        let mut operations = vec![Operation::transform(connect, 0..variables.len())];
        operations.extend(function.map(|function| Operation::in_place(WhileDrawing(function))));
        Built::weighted(
            output,
            variables,
            operations,
            &Activation::Linear.into(),
            self.weights.activity_regularizer.as_ref(),
        )
    }
}

/// The positive halves of pairs of normal numbers, scaled to variance 1; always the same ones.
fn normals(pairs: usize) -> Vec<f32> {
    let mut draws = Stream::new(0, Domain::OwnSeed).at(u64::MAX, 0);
    let normals: Vec<f64> = (0..pairs).map(|_| draws.normal()).collect();
    let deviation = (normals.iter().map(|z| z * z).sum::<f64>() / pairs as f64).sqrt();
    normals.into_iter().map(|z| (z / deviation) as f32).collect()
}

/// An activation that the transform before it has applied already where nothing is drawn.
#[derive(Debug)]
struct WhileDrawing(Arc<dyn InPlace>);

impl InPlace for WhileDrawing {
    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn keeps_sign(&self) -> bool {
        self.0.keeps_sign()
    }

    fn is_active(&self, cx: &Context) -> bool {
        cx.draws()
    }

    fn scratch(&self) -> usize {
        self.0.scratch()
    }

    fn forward(&self, cx: &Context, x: &mut [f32], scratch: &mut [f32]) {
        self.0.forward(cx, x, scratch);
    }

    fn backward(&self, cx: &Context, x: &[f32], y: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        self.0.backward(cx, x, y, dy, scratch);
    }
}

#[derive(Debug)]
struct Connect {
    source: Source,
    rate: Rate,
    inputs: usize,
    units: usize,
    use_bias: bool,
    /// The activation; none for the identity.
    function: Option<Arc<dyn InPlace>>,
    normals: Vec<f32>,
}

/// Where a row's units stand in inference.
struct Units<'a> {
    mean: &'a mut [f32],
    deviation: &'a mut [f32],
}

impl Connect {
    /// Elements of a mask: those of the kernel, then those of the bias.
    fn mask_len(&self) -> usize {
        (self.inputs + usize::from(self.use_bias)) * self.units
    }

    /// Writes a row's mask, of zeros and ones.
    fn draw(&self, cx: &Context, row: usize, mask: &mut [f32]) {
        let (rest, rate) = (Stream::counter(cx.step, cx.place(row)), self.rate.at(cx.step));
        dropout::multipliers(self.source.key(cx), rest, dropout::threshold(rate), 1.0, mask);
    }

    /// Each input's weights.
    fn weights<'a>(&self, variables: Variables<'a>) -> impl Iterator<Item = &'a [f32]> {
        variables.get(0).chunks_exact(self.units)
    }

    /// 1 − rate and the variance of a mask's element, in inference.
    fn moments(&self) -> [f32; 2] {
        let rate = self.rate.at(u64::MAX);
        [(1.0 - rate) as f32, (rate * (1.0 - rate)) as f32]
    }

    /// The mean and the deviation of a row's units.
    fn units(&self, variables: Variables, x: &[f32], units: &mut Units) {
        let [mean, variance] = self.moments();
        units.mean.fill(0.0);
        units.deviation.fill(0.0);
        let ones = [1.0];
        let inputs = x.iter().zip(self.weights(variables));
        let bias = ones.iter().zip(self.use_bias.then(|| variables.get(1)));
        for (x, weights) in inputs.chain(bias) {
            for ((of_mean, of_variance), w) in units.mean.iter_mut().zip(&mut *units.deviation).zip(weights) {
                *of_mean += x * w * mean;
                *of_variance += x * w * (x * w) * variance;
            }
        }
        units.deviation.iter_mut().for_each(|variance| *variance = variance.sqrt());
    }

    /// ±z for each pair.
    fn numbers(&self) -> impl Iterator<Item = f32> {
        self.normals.iter().flat_map(|&z| [z, -z])
    }
}

impl Transform for Connect {
    fn output_len(&self) -> usize {
        self.units
    }

    fn scratch(&self, _: usize) -> usize {
        self.mask_len() + 7 * self.units + self.function.as_ref().map_or(0, |function| function.scratch())
    }

    fn cost(&self) -> usize {
        4 * self.mask_len()
    }

    fn is_random(&self) -> bool {
        true
    }

    fn forward(&self, cx: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let rows = x.chunks_exact(self.inputs).zip(y.chunks_exact_mut(self.units));
        if cx.draws() {
            let mask = &mut scratch[..self.mask_len()];
            for (row, (x, y)) in rows.enumerate() {
                self.draw(cx, row, mask);
                y.fill(0.0);
                if self.use_bias {
                    let of_bias = &mask[self.inputs * self.units..];
                    y.iter_mut().zip(variables.get(1)).zip(of_bias).for_each(|((y, b), m)| *y = b * m);
                }
                for ((x, weights), mask) in x.iter().zip(self.weights(variables)).zip(mask.chunks(self.units))
                {
                    y.iter_mut().zip(weights).zip(mask).for_each(|((y, w), m)| *y += x * w * m);
                }
            }
            return;
        }
        let (mean, scratch) = scratch.split_at_mut(self.units);
        let (deviation, scratch) = scratch.split_at_mut(self.units);
        let (value, scratch) = scratch.split_at_mut(self.units);
        let mut units = Units { mean, deviation };
        for (x, y) in rows {
            self.units(variables, x, &mut units);
            let Some(function) = &self.function else {
                y.copy_from_slice(units.mean);
                continue;
            };
            y.fill(0.0);
            let share = 0.5 / self.normals.len() as f32;
            for z in self.numbers() {
                let places = units.mean.iter().zip(&*units.deviation);
                value
                    .iter_mut()
                    .zip(places)
                    .for_each(|(value, (mean, deviation))| *value = mean + deviation * z);
                function.forward(cx, value, scratch);
                y.iter_mut().zip(&*value).for_each(|(y, value)| *y += value * share);
            }
        }
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
        let rows = x.chunks_exact(self.inputs).zip(dy.chunks_exact(self.units));
        let rows = rows.zip(dx.chunks_exact_mut(self.inputs));
        if cx.draws() {
            let mask = &mut scratch[..self.mask_len()];
            for (row, ((_, dy), dx)) in rows.enumerate() {
                self.draw(cx, row, mask);
                for ((dx, weights), mask) in
                    dx.iter_mut().zip(self.weights(variables)).zip(mask.chunks(self.units))
                {
                    *dx = dy.iter().zip(weights).zip(mask).map(|((dy, w), m)| dy * w * m).sum();
                }
            }
            return;
        }
        let [mean, variance] = self.moments();
        let mut parts = scratch.chunks_exact_mut(self.units);
        let mut part = || parts.next().expect("seven parts of scratch memory");
        let mut units = Units { mean: part(), deviation: part() };
        let [input, output, slope, by_mean, by_deviation] = std::array::from_fn(|_| part());
        let scratch = parts.into_remainder();
        for ((x, dy), dx) in rows {
            self.units(variables, x, &mut units);
            by_mean.copy_from_slice(dy);
            by_deviation.fill(0.0);
            if let Some(function) = &self.function {
                by_mean.fill(0.0);
                let share = 0.5 / self.normals.len() as f32;
                for z in self.numbers() {
                    let places = units.mean.iter().zip(&*units.deviation);
                    input
                        .iter_mut()
                        .zip(places)
                        .for_each(|(input, (mean, deviation))| *input = mean + deviation * z);
                    output.copy_from_slice(input);
                    function.forward(cx, output, scratch);
                    slope.copy_from_slice(dy);
                    function.backward(cx, input, output, slope, scratch);
                    for ((by_mean, by_deviation), slope) in
                        by_mean.iter_mut().zip(&mut *by_deviation).zip(&*slope)
                    {
                        *by_mean += slope * share;
                        *by_deviation += slope * share * z;
                    }
                }
            }
            for ((dx, x), weights) in dx.iter_mut().zip(x).zip(self.weights(variables)) {
                *dx = 0.0;
                for (unit, w) in weights.iter().enumerate() {
                    // A unit without variance has no deviation to change.
                    let deviation = units.deviation[unit].max(f32::MIN_POSITIVE);
                    *dx += by_mean[unit] * w * mean + by_deviation[unit] * x * w * w * variance / deviation;
                }
            }
        }
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByShard(self)
    }
}

impl ByShard for Connect {
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
        let mask = &mut scratch[..self.mask_len()];
        let rows = x.chunks_exact(self.inputs).zip(dy.chunks_exact(self.units));
        for (row, (x, dy)) in rows.enumerate() {
            self.draw(cx, row, mask);
            // The bias is the weight of an input of one.
            let inputs = x.iter().copied().chain([1.0]);
            for ((x, sums), mask) in inputs.zip(sums.chunks_mut(self.units)).zip(mask.chunks(self.units)) {
                sums.iter_mut().zip(dy).zip(mask).for_each(|((sum, dy), m)| *sum += x * dy * m);
            }
        }
        if let Some(dx) = dx {
            self.backward(cx, variables, x, dy, dx, scratch);
        }
    }

    fn scratch(&self, rows: usize) -> usize {
        Transform::scratch(self, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activations::{Relu, Softmax, Tanh};
    use crate::layers::testing::{self, inference, training};

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&DropConnect::new(3, 0.4), &[&[1], &[4]]);
        testing::check(&DropConnect::new(3, 0.5).activation(Tanh).samples(10).seed(7), &[&[4]]);
        testing::check(&DropConnect::new(2, 0.2).use_bias(false), &[&[5]]);
    }

    fn connect(layer: &DropConnect) -> Built {
        layer.build(&3.into()).unwrap()
    }

    /// Runs the layer's operations on rows of three inputs with weights of its own.
    fn run(layer: &DropConnect, cx: &Context, x: &[f32]) -> Vec<f32> {
        let arena = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5, 0.4, -0.3];
        let (mut y, mut scratch) = (vec![0.0; x.len() / 3 * 2], vec![0.0; 100]);
        for operation in connect(layer).operations {
            match operation {
                Operation::Transform { operation, .. } => {
                    operation.forward(cx, Variables::new(&arena, &[0..6, 6..8]), x, &mut y, &mut scratch);
                }
                Operation::InPlace(operation) if operation.is_active(cx) => {
                    operation.forward(cx, &mut y, &mut scratch);
                }
                _ => {}
            }
        }
        y
    }

    /// Over fresh seeds each of the eight bounds (5 standard errors) would be exceeded with a probability below 1e-6. With the few
    /// weights here a unit's input is far from normal, so that only the linear layer's mean is exact: that of ReLU lies within 0.15.
    #[test]
    fn inference_has_the_mean_of_the_masks() {
        let n = 1 << 16;
        let x = [1.0, -0.5, 2.0].repeat(n);
        for (activation, bias) in [(Activation::Linear, 0.0), (Relu.into(), 0.15)] {
            for rate in [0.3, 0.5] {
                let layer = DropConnect::new(2, rate).activation(activation).samples(1000);
                let expected = run(&layer, &inference(), &x[..3]);
                let drawn = run(&layer, &training(3), &x);
                for (unit, &expected) in expected.iter().enumerate() {
                    let of_unit = || drawn.iter().skip(unit).step_by(2).map(|&y| f64::from(y));
                    let mean = of_unit().sum::<f64>() / n as f64;
                    let variance = of_unit().map(|y| (y - mean).powi(2)).sum::<f64>() / n as f64;
                    let error = (mean - f64::from(expected)).abs();
                    let bound = bias + 5.0 * (variance / n as f64).sqrt();
                    assert!(error < bound, "{activation:?}, {rate}: {mean}, expected {expected}");
                }
            }
        }
    }

    #[test]
    fn each_weight_of_each_sample_has_its_draw() {
        let (cx, rate) = (training(3), 0.4);
        let x = [1.0, -0.5, 2.0].repeat(4);
        let y = run(&DropConnect::new(2, rate), &cx, &x);
        for (row, y) in y.chunks(2).enumerate() {
            let mut draws = cx.stream.at(3, row);
            let mut kept = || f32::from(u8::from(f64::from(draws.word()) / 2f64.powi(32) >= rate));
            let mut expected = [0.0; 2];
            let terms = [[0.5, -1.0], [-1.0, -0.125], [-1.5, 3.0], [0.4, -0.3]];
            for term in terms {
                (0..2).for_each(|unit| expected[unit] += term[unit] * kept());
            }
            assert!(
                y.iter().zip(expected).all(|(y, expected)| (y - expected).abs() < 1e-6),
                "{y:?} {expected:?}"
            );
        }
    }

    #[test]
    fn bad_arguments_are_explained() {
        for (layer, message) in [
            (DropConnect::new(0, 0.5), "expected at least one input and one unit, got 3 and 0"),
            (DropConnect::new(2, 1.5), "rate must be in [0, 1] (the fraction that is dropped), got 1.5"),
            (DropConnect::new(2, 0.5).samples(3), "samples must be an even number from 2 on, got 3"),
            (
                DropConnect::new(2, 0.5).activation(Softmax),
                "activation must work on each unit alone: put a softmax in a layer behind",
            ),
        ] {
            testing::fails(&layer, &[3], message);
        }
        let message = "expected samples of shape (inputs), got (None, 2, 2): put a Flatten before";
        testing::fails(&DropConnect::new(2, 0.5), &[2, 2], message);
    }
}
