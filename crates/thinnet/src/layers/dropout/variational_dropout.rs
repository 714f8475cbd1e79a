//! `VariationalDropout`: a Dense layer whose weights have learned Gaussian noise.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thinnet_kernels::add::add_rows;
use thinnet_kernels::dense;
use thinnet_kernels::normal;

use super::Source;
use crate::config::{Argument, words};
use crate::engine::{Context, Variables};
use crate::initializers::{Constant, Initializer};
use crate::layers::weights::Weights;
use crate::layers::{
    Base, Built, ByShard, Gradients, Layer, Operation, Penalty, Transform, Variable, activation_methods,
    base_methods, layer_methods, seed_method, weight_methods,
};
use crate::random::Stream;
use crate::shape::Shape;

words! {
    /// What has noise of its own.
    VariationalForm("form of variational dropout") {
        /// Each weight: sparse variational dropout (Molchanov, Ashukha & Vetrov 2017). A variable `log_sigma2` (inputs, units) holds
        /// ln σ², and α = σ²/w².
        Sparse = "sparse",
        /// The layer: one α ≤ 1 for all weights (Kingma, Salimans & Welling 2015). A variable `log_alpha` (1) holds ln α.
        Layer = "layer",
    }
}

/// `activation(xW + bias)` with weights w·N(1, α) in training, whose noise is learned. By the local reparametrization, a unit's
/// input is drawn for each sample: N(xW + b, x²·σ²), where σ² = α·w² is the variance of a weight. Inference takes the means;
/// in the sparse form, weights with ln α ≥ `threshold` count as zero there.
///
/// The loss gains `kl_weight` times the divergence of the weights from the log-uniform prior, for each weight
///
/// - sparse: −(k₁·σ(k₂ + k₃·ln α) − ½·ln(1 + 1/α) − k₁), k = (0.63576, 1.87320, 1.48695);
/// - layer: −(½·ln α + c₁α + c₂α² + c₃α³), c = (1.16145124, −1.50204118, 0.58629921); α counts as at most 1.
///
/// `kl_weight` should be 1/N for N training samples and a cross-entropy. Both from Kingma, Salimans & Welling 2015, "Variational
/// dropout and the local reparameterization trick", and Molchanov, Ashukha & Vetrov 2017, "Variational dropout sparsifies deep
/// neural networks". Of the sparse form, the history reports the share of weights that can be removed as `LAYER_sparsity`
/// ([`prune`](crate::model::Sequential::prune) removes them); of the other, α as `LAYER_alpha`.
///
/// Variables: `kernel` (inputs, units), `log_sigma2` or `log_alpha`, and, unless switched off, `bias` (units).
///
/// ```
/// use thinnet::prelude::*;
/// let layer = VariationalDropout::new(100).activation(Relu).kl_weight(1.0 / 60_000.0);
/// assert_eq!(layer.build(&Shape::from(784)).unwrap().variables[1].shape, [784, 100]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VariationalDropout {
    #[serde(skip)]
    base: Base,
    units: usize,
    form: Argument<VariationalForm>,
    kl_weight: f64,
    threshold: f64,
    initial_log_variance: f64,
    #[serde(flatten)]
    weights: Weights,
    seed: Option<u64>,
}

impl Default for VariationalDropout {
    /// Without units: they must be given.
    fn default() -> Self {
        Self {
            base: Base::default(),
            units: 0,
            form: VariationalForm::Sparse.into(),
            kl_weight: 0.0,
            threshold: 3.0,
            initial_log_variance: -10.0,
            weights: Weights::default(),
            seed: None,
        }
    }
}

impl VariationalDropout {
    /// A layer of `units` outputs, in the sparse form.
    pub fn new(units: usize) -> Self {
        Self { units, ..Self::default() }
    }

    /// What has noise of its own. Default: each weight, `sparse`.
    #[must_use]
    pub fn form(mut self, form: impl Into<Argument<VariationalForm>>) -> Self {
        self.form = form.into();
        self
    }

    /// What the divergence from the prior counts in the loss: 1/N for N training samples. Default: 0.
    #[must_use]
    pub fn kl_weight(mut self, weight: f64) -> Self {
        self.kl_weight = weight;
        self
    }

    /// From which ln α on a weight can be removed, in the sparse form. Default: 3.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// What ln σ² (or ln α) starts with. Default: −10.
    #[must_use]
    pub fn initial_log_variance(mut self, value: f64) -> Self {
        self.initial_log_variance = value;
        self
    }

    seed_method!();

    base_methods!();

    activation_methods!();

    weight_methods!(
        "kernel" in weights,
        kernel_initializer = "glorot_uniform", kernel_regularizer, kernel_constraint);
}

impl Layer for VariationalDropout {
    layer_methods!("VariationalDropout");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let &[inputs] = input.axes() else {
            return Err(format!("expected samples of shape (inputs), got {input}: put a Flatten before"));
        };
        let units = self.units;
        if units == 0 || inputs == 0 {
            return Err(format!("expected at least one input and one unit, got {inputs} and {units}"));
        }
        if !(self.kl_weight >= 0.0 && self.kl_weight.is_finite()) {
            return Err(format!("kl_weight must be a number that is not negative, got {}", self.kl_weight));
        }
        for (name, value) in
            [("threshold", self.threshold), ("initial_log_variance", self.initial_log_variance)]
        {
            if !value.is_finite() {
                return Err(format!("{name} must be a finite number, got {value}"));
            }
        }
        let sparse = *self.form.get()? == VariationalForm::Sparse;
        let mut variables = self.weights.variables(vec![inputs, units], units)?;
        let noise = Variable {
            name: if sparse { "log_sigma2" } else { "log_alpha" },
            shape: if sparse { vec![inputs, units] } else { vec![1] },
            initializer: Initializer::from(Constant { value: self.initial_log_variance }),
            regularizer: None,
            constraint: None,
            trainable: true,
        };
        variables.insert(NOISE, noise);
        let posterior = Posterior { sparse, threshold: self.threshold, kl_weight: self.kl_weight };
        let source = Source::new(self.seed);
        let noisy = Noisy { source, inputs, units, use_bias: self.weights.use_bias, posterior };
        let operations = vec![Operation::transform(noisy, 0..variables.len())];
        let built = self.weights.built(Shape::from(units), variables, operations)?;
        Ok(Built { penalty: Some(Arc::new(posterior)), ..built })
    }
}

/// The places of the variables.
const KERNEL: usize = 0;
const NOISE: usize = 1;
const BIAS: usize = 2;

/// What is added to w² before its logarithm, and to variances before their root.
const TINY: f32 = 1e-8;

/// How weights and their noise belong together.
#[derive(Clone, Copy, Debug)]
struct Posterior {
    sparse: bool,
    threshold: f64,
    kl_weight: f64,
}

impl Posterior {
    /// ln α of a weight, in the sparse form.
    fn log_alpha(weight: f32, log_sigma2: f32) -> f64 {
        f64::from(log_sigma2) - f64::from(weight * weight + TINY).ln()
    }

    /// The layer's α in the other form, and whether ln α moves it.
    fn alpha(variables: Variables) -> (f64, bool) {
        let log_alpha = f64::from(variables.get(NOISE)[0]);
        (log_alpha.exp().min(1.0), log_alpha < 0.0)
    }

    /// Writes each weight's variance.
    fn variances(self, variables: Variables, out: &mut [f32]) {
        if self.sparse {
            out.iter_mut().zip(variables.get(NOISE)).for_each(|(out, log_sigma2)| *out = log_sigma2.exp());
        } else {
            let alpha = Self::alpha(variables).0 as f32;
            out.iter_mut().zip(variables.get(KERNEL)).for_each(|(out, w)| *out = alpha * w * w);
        }
    }

    /// Writes the weights of inference.
    fn means(self, variables: Variables, out: &mut [f32]) {
        out.copy_from_slice(variables.get(KERNEL));
        for (element, out) in out.iter_mut().enumerate() {
            if self.is_removable(variables, KERNEL, element) {
                *out = 0.0;
            }
        }
    }
}

impl Penalty for Posterior {
    fn value(&self, variables: Variables, variable: usize, range: Range<usize>) -> f64 {
        let [kernel, noise] = [variables.get(KERNEL), variables.get(NOISE)];
        if variable != NOISE {
            return 0.0;
        }
        if !self.sparse {
            let (a, _) = Self::alpha(variables);
            let [c1, c2, c3] = LAYER;
            let of_each = 0.5 * a.ln() + a * (c1 + a * (c2 + a * c3));
            return -self.kl_weight * kernel.len() as f64 * of_each;
        }
        let [k1, k2, k3] = SPARSE;
        let pairs = kernel[range.clone()].iter().zip(&noise[range]);
        let of_pair = |(&w, &s): (&f32, &f32)| {
            let log_alpha = Self::log_alpha(w, s);
            k1 - k1 * logistic(k2 + k3 * log_alpha) + 0.5 * (-log_alpha).exp().ln_1p()
        };
        self.kl_weight * pairs.map(of_pair).sum::<f64>()
    }

    fn add_gradient(&self, variables: Variables, variable: usize, start: usize, gradient: &mut [f32]) {
        let [kernel, noise] = [variables.get(KERNEL), variables.get(NOISE)];
        if !self.sparse {
            let (a, moves) = Self::alpha(variables);
            if variable == NOISE && moves {
                let [c1, c2, c3] = LAYER;
                let slope = 0.5 + a * (c1 + a * (2.0 * c2 + a * 3.0 * c3));
                gradient[0] -= (self.kl_weight * kernel.len() as f64 * slope) as f32;
            }
            return;
        }
        if variable > NOISE {
            return;
        }
        let [k1, k2, k3] = SPARSE;
        for ((gradient, &w), &s) in gradient.iter_mut().zip(&kernel[start..]).zip(&noise[start..]) {
            let log_alpha = Self::log_alpha(w, s);
            let gate = logistic(k2 + k3 * log_alpha);
            let slope = -k1 * k3 * gate * (1.0 - gate) - 0.5 * logistic(-log_alpha);
            let inner = if variable == NOISE { 1.0 } else { f64::from(-2.0 * w / (w * w + TINY)) };
            *gradient += (self.kl_weight * slope * inner) as f32;
        }
    }

    fn report(&self, variables: Variables) -> Option<(&'static str, f64)> {
        if !self.sparse {
            return Some(("alpha", Self::alpha(variables).0));
        }
        let len = variables.get(KERNEL).len();
        let removable = (0..len).filter(|&element| self.is_removable(variables, KERNEL, element)).count();
        Some(("sparsity", removable as f64 / len as f64))
    }

    fn is_removable(&self, variables: Variables, variable: usize, element: usize) -> bool {
        let [kernel, noise] = [variables.get(KERNEL), variables.get(NOISE)];
        self.sparse
            && variable == KERNEL
            && Self::log_alpha(kernel[element], noise[element]) >= self.threshold
    }
}

/// k₁, k₂, k₃
const SPARSE: [f64; 3] = [0.635_76, 1.873_20, 1.486_95];
/// c₁, c₂, c₃
const LAYER: [f64; 3] = [1.161_451_24, -1.502_041_18, 0.586_299_21];

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Rows that are worked on at once: their memory does not grow with the batch.
const BLOCK: usize = 32;

#[derive(Debug)]
struct Noisy {
    source: Source,
    inputs: usize,
    units: usize,
    use_bias: bool,
    posterior: Posterior,
}

/// Scratch memory by what it is for.
struct Parts<'a> {
    /// The weights' variances; their gradient.
    variances: &'a mut [f32],
    by_variances: &'a mut [f32],
    /// Of a block of rows: x², the units' deviations with their noise, and what the gradient needs of them.
    squares: &'a mut [f32],
    deviations: &'a mut [f32],
    noise: &'a mut [f32],
    by_squares: &'a mut [f32],
}

impl Noisy {
    fn scratch_len(&self) -> usize {
        let (inputs, units) = (self.inputs, self.units);
        2 * inputs * units + 2 * BLOCK * (inputs + units)
    }

    fn parts<'a>(&self, scratch: &'a mut [f32]) -> Parts<'a> {
        let (variances, rest) = scratch.split_at_mut(self.inputs * self.units);
        let (by_variances, rest) = rest.split_at_mut(self.inputs * self.units);
        let (squares, rest) = rest.split_at_mut(BLOCK * self.inputs);
        let (by_squares, rest) = rest.split_at_mut(BLOCK * self.inputs);
        let (deviations, rest) = rest.split_at_mut(BLOCK * self.units);
        let (noise, _) = rest.split_at_mut(BLOCK * self.units);
        Parts { variances, by_variances, squares, deviations, noise, by_squares }
    }

    /// Writes x², the units' deviations and normal numbers for a block of rows from `first` on.
    fn draw(&self, cx: &Context, first: usize, x: &[f32], parts: &mut Parts) {
        let rows = x.len() / self.inputs;
        let Parts { variances, squares, deviations, noise, .. } = parts;
        squares.iter_mut().zip(x).for_each(|(square, x)| *square = x * x);
        let len = rows * self.units;
        let squares = &squares[..x.len()];
        dense::forward(squares, self.inputs, variances, self.units, None, &mut deviations[..len]);
        deviations[..len].iter_mut().for_each(|variance| *variance = (*variance + TINY).sqrt());
        noise.fill(0.0);
        for (row, noise) in noise[..len].chunks_exact_mut(self.units).enumerate() {
            let rest = Stream::counter(cx.step, cx.place(first + row));
            normal::add(self.source.key(cx), rest, 1.0, noise);
        }
    }

    /// In place of the deviations, the loss's gradient by the units' variances.
    fn by_variances(dy: &[f32], parts: &mut Parts) {
        for ((deviation, noise), dy) in parts.deviations.iter_mut().zip(&*parts.noise).zip(dy) {
            *deviation = dy * noise / (2.0 * *deviation);
        }
    }
}

impl Transform for Noisy {
    fn output_len(&self) -> usize {
        self.units
    }

    fn scratch(&self, _: usize) -> usize {
        self.scratch_len()
    }

    fn cost(&self) -> usize {
        2 * self.inputs * self.units
    }

    fn is_random(&self) -> bool {
        true
    }

    fn takes_all_rows(&self) -> bool {
        // Each call computes all variances.
        true
    }

    fn forward(&self, cx: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let mut parts = self.parts(scratch);
        let draws = cx.draws();
        if draws {
            self.posterior.variances(variables, parts.variances);
        } else {
            self.posterior.means(variables, parts.variances);
        }
        let blocks = x.chunks(BLOCK * self.inputs).zip(y.chunks_mut(BLOCK * self.units));
        for (block, (x, y)) in blocks.enumerate() {
            let kernel = if draws { variables.get(KERNEL) } else { &*parts.variances };
            let bias = self.use_bias.then(|| variables.get(BIAS));
            dense::forward(x, self.inputs, kernel, self.units, bias, y);
            if draws {
                self.draw(cx, block * BLOCK, x, &mut parts);
                let noise = parts.deviations.iter().zip(&*parts.noise);
                y.iter_mut().zip(noise).for_each(|(y, (deviation, noise))| *y += deviation * noise);
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
        let mut parts = self.parts(scratch);
        let draws = cx.draws();
        if draws {
            self.posterior.variances(variables, parts.variances);
        } else {
            self.posterior.means(variables, parts.variances);
        }
        let blocks = x.chunks(BLOCK * self.inputs).zip(dy.chunks(BLOCK * self.units));
        for (block, ((x, dy), dx)) in blocks.zip(dx.chunks_mut(BLOCK * self.inputs)).enumerate() {
            let kernel = if draws { variables.get(KERNEL) } else { &*parts.variances };
            dense::backward(dy, self.units, kernel, self.inputs, dx);
            if draws {
                self.draw(cx, block * BLOCK, x, &mut parts);
                Self::by_variances(dy, &mut parts);
                let Parts { variances, deviations, by_squares, .. } = &mut parts;
                let (deviations, by_squares) = (&deviations[..dy.len()], &mut by_squares[..x.len()]);
                dense::backward(deviations, self.units, variances, self.inputs, by_squares);
                let terms = x.iter().zip(&*by_squares);
                dx.iter_mut().zip(terms).for_each(|(dx, (x, by_square))| *dx += 2.0 * x * by_square);
            }
        }
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByShard(self)
    }
}

impl ByShard for Noisy {
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
        let (inputs, units) = (self.inputs, self.units);
        let (by_kernel, rest) = sums.split_at_mut(inputs * units);
        let (by_noise, by_bias) = rest.split_at_mut(if self.posterior.sparse { inputs * units } else { 1 });
        if self.use_bias {
            add_rows(dy, by_bias);
        }
        let mut parts = self.parts(scratch);
        self.posterior.variances(variables, parts.variances);
        for (block, (x, dy)) in x.chunks(BLOCK * inputs).zip(dy.chunks(BLOCK * units)).enumerate() {
            self.draw(cx, block * BLOCK, x, &mut parts);
            Self::by_variances(dy, &mut parts);
            let Parts { squares, deviations, by_variances, .. } = &mut parts;
            dense::gradient(x, inputs, &[dy], units, true, by_kernel);
            let (squares, deviations) = (&squares[..x.len()], &deviations[..dy.len()]);
            dense::gradient(squares, inputs, &[deviations], units, block > 0, by_variances);
        }
        if self.posterior.sparse {
            let terms = parts.by_variances.iter().zip(&*parts.variances);
            by_noise.iter_mut().zip(terms).for_each(|(sum, (by, variance))| *sum += by * variance);
        } else {
            let (alpha, moves) = Posterior::alpha(variables);
            let mut by_log_alpha = 0.0;
            let terms = variables.get(KERNEL).iter().zip(&*parts.variances).zip(&*parts.by_variances);
            for (sum, ((w, variance), by)) in by_kernel.iter_mut().zip(terms) {
                *sum += by * 2.0 * alpha as f32 * w;
                by_log_alpha += f64::from(by * variance);
            }
            by_noise[0] += if moves { by_log_alpha as f32 } else { 0.0 };
        }
        if let Some(dx) = dx {
            self.backward(cx, variables, x, dy, dx, scratch);
        }
    }

    fn scratch(&self, _: usize) -> usize {
        self.scratch_len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activations::Tanh;
    use crate::layers::testing::{self, inference, training};

    #[test]
    fn behaves_as_a_layer() {
        for form in [VariationalForm::Sparse, VariationalForm::Layer] {
            testing::check(&VariationalDropout::new(3).form(form), &[&[1], &[4]]);
            let layer = VariationalDropout::new(2).form(form).use_bias(false).activation(Tanh).seed(7);
            testing::check(&layer, &[&[5]]);
        }
    }

    const WEIGHTS: [f32; 4] = [0.5, -1.0, 2.0, 0.75];

    /// The variables of two inputs and two units.
    fn values(form: VariationalForm, noise: f32) -> Vec<f32> {
        match form {
            VariationalForm::Sparse => {
                [&WEIGHTS[..], &[noise, noise - 1.0, noise + 1.0, noise], &[0.5, 0.0]].concat()
            }
            VariationalForm::Layer => [&WEIGHTS[..], &[noise], &[0.5, 0.0]].concat(),
        }
    }

    fn ranges(form: VariationalForm) -> [Range<usize>; 3] {
        match form {
            VariationalForm::Sparse => [0..4, 4..8, 8..10],
            VariationalForm::Layer => [0..4, 4..5, 5..7],
        }
    }

    #[test]
    fn the_penalty_is_the_papers_and_its_gradient_is_its_slope() {
        for form in [VariationalForm::Sparse, VariationalForm::Layer] {
            let layer = VariationalDropout::new(2).form(form).kl_weight(0.5);
            for noise in [-4.0, -0.5, 1.5] {
                let values = values(form, noise);
                let of_alpha = |log_alpha: f64| match form {
                    VariationalForm::Sparse => {
                        let gate = 1.0 / (1.0 + (-(1.87320 + 1.48695 * log_alpha)).exp());
                        0.63576 + 0.5 * (1.0 + (-log_alpha).exp()).ln() - 0.63576 * gate
                    }
                    VariationalForm::Layer => {
                        let a = log_alpha.exp().min(1.0);
                        -(0.5 * a.ln() + 1.161_451_24 * a - 1.502_041_18 * a * a + 0.586_299_21 * a * a * a)
                    }
                };
                let each = (0..4).map(|element| match form {
                    VariationalForm::Sparse => of_alpha(
                        f64::from(values[4 + element]) - f64::from(WEIGHTS[element].powi(2) + TINY).ln(),
                    ),
                    VariationalForm::Layer => of_alpha(f64::from(values[4])),
                });
                let expected = 0.5 * each.sum::<f64>();
                let came = testing::penalty(&layer, &[2], &values);
                assert!((came - expected).abs() < 1e-6, "{form:?}: {came}, expected {expected}");
                let penalty = layer.build(&2.into()).unwrap().penalty.unwrap();
                let ranges = ranges(form);
                for (variable, range) in ranges.iter().enumerate() {
                    for e in range.clone() {
                        let mut gradient = [0.0];
                        let variables = Variables::new(&values, &ranges);
                        penalty.add_gradient(variables, variable, e - range.start, &mut gradient);
                        let at = |h: f32| {
                            let mut moved = values.clone();
                            moved[e] += h;
                            testing::penalty(&layer, &[2], &moved)
                        };
                        let h = 1.0 / 128.0;
                        let slope =
                            (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * f64::from(h));
                        let error = (f64::from(gradient[0]) - slope).abs();
                        assert!(error < 1e-4, "{form:?}, element {e}: {}, expected {slope}", gradient[0]);
                    }
                }
            }
        }
    }

    /// Over fresh seeds each of the eight bounds (5 standard errors) would be exceeded with a probability below 1e-6.
    #[test]
    fn units_have_the_mean_and_the_variance_of_noisy_weights() {
        let (n, x) = (1 << 16, [1.0_f32, -0.5]);
        for form in [VariationalForm::Sparse, VariationalForm::Layer] {
            let (values, ranges) = (values(form, -0.5), ranges(form));
            let built = VariationalDropout::new(2).form(form).build(&2.into()).unwrap();
            let Operation::Transform { operation, .. } = &built.operations[0] else { unreachable!() };
            let (mut y, mut scratch) = (vec![0.0; 2 * n], vec![0.0; operation.scratch(n)]);
            let variables = Variables::new(&values, &ranges);
            operation.forward(&training(1), variables, &x.repeat(n), &mut y, &mut scratch);
            for unit in 0..2 {
                let of_weight = |input: usize| match form {
                    VariationalForm::Sparse => f64::from(values[4 + 2 * input + unit]).exp(),
                    VariationalForm::Layer => (-0.5_f64).exp() * f64::from(WEIGHTS[2 * input + unit].powi(2)),
                };
                let variance = of_weight(0) + 0.25 * of_weight(1);
                let mean = f64::from(WEIGHTS[unit] - 0.5 * WEIGHTS[2 + unit]) + [0.5, 0.0][unit];
                let came = || y.iter().skip(unit).step_by(2).map(|&y| f64::from(y));
                let of_mean = came().sum::<f64>() / n as f64;
                let of_variance = came().map(|y| (y - mean).powi(2)).sum::<f64>() / n as f64;
                let error = 5.0 / (n as f64).sqrt();
                assert!((of_mean - mean).abs() < error * variance.sqrt(), "{of_mean}, expected {mean}");
                assert!(
                    (of_variance / variance - 1.0).abs() < error * 2f64.sqrt(),
                    "{of_variance}, {variance}"
                );
            }
        }
    }

    #[test]
    fn weights_without_information_count_as_zero_in_inference() {
        // ln α: 3.1 + 1.39, 2.1, 4.1 − 1.39, 3.1 + 0.58.
        let values = values(VariationalForm::Sparse, 3.1);
        let ranges = ranges(VariationalForm::Sparse);
        let built = VariationalDropout::new(2).build(&2.into()).unwrap();
        let Operation::Transform { operation, .. } = &built.operations[0] else { unreachable!() };
        let (mut y, mut scratch) = ([0.0; 2], vec![0.0; operation.scratch(1)]);
        let variables = Variables::new(&values, &ranges);
        operation.forward(&inference(), variables, &[1.0, 10.0], &mut y, &mut scratch);
        assert_eq!(y, [20.5, -1.0]);
        assert_eq!(built.penalty.unwrap().report(variables), Some(("sparsity", 0.5)));
    }

    #[test]
    fn bad_arguments_are_explained() {
        for (layer, message) in [
            (VariationalDropout::new(0), "expected at least one input and one unit, got 3 and 0"),
            (
                VariationalDropout::new(2).kl_weight(-1.0),
                "kl_weight must be a number that is not negative, got -1",
            ),
            (
                VariationalDropout::new(2).form("sprase"),
                "unknown form of variational dropout `sprase`: did you mean `sparse`?",
            ),
            (
                VariationalDropout::new(2).threshold(f64::INFINITY),
                "threshold must be a finite number, got inf",
            ),
        ] {
            testing::fails(&layer, &[3], message);
        }
    }
}
