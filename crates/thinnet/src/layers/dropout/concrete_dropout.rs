//! `ConcreteDropout`: dropout whose rate is learned.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thinnet_kernels::concrete;

use super::Source;
use crate::engine::{Context, Variables};
use crate::initializers::{Constant, Initializer};
use crate::layers::arguments::map;
use crate::layers::wrapped::Wrapped;
use crate::layers::{
    Base, Built, ByShard, Gradients, Layer, Operation, Penalty, Transform, Variable, base_methods,
    layer_methods, seed_method,
};
use crate::random::Stream;
use crate::regularizers::{L2, Regularizer};
use crate::shape::Shape;

/// Dropout before the layer that it wraps, with a rate p that is trained together with the weights: the relaxed mask is
/// differentiable by the rate's logit. In training an input x becomes x·(1 − z)/(1 − p), with
///
/// z = σ((ln p − ln(1 − p) + ln u − ln(1 − u)) / t), u uniform in (0, 1), at temperature t.
///
/// The loss gains w·ΣW²/(1 − p) + d·K·(p ln p + (1 − p) ln(1 − p)), with the wrapped layer's kernel W and its K inputs: the
/// first term keeps the rate from rising for nothing, the second, the entropy's, keeps it from falling to zero. w is
/// `weight_regularizer`, d `dropout_regularizer`; see [`regression`](Self::regression) and
/// [`classification`](Self::classification) for what they should be. In inference dropout is off.
///
/// Element-wise (default) each input has a draw of its own, K is their number and t = 0.1. The `spatial` form, for
/// convolutions, has a draw for each channel of a sample's map, K is the number of channels and t = ⅔: its authors warn that
/// the element-wise form weighs the entropy wrongly there.
///
/// Gal, Hron & Kendall 2017, "Concrete dropout". Variables: those of the wrapped layer, and `p_logit` (1). The history
/// reports each layer's rate after each epoch as `LAYER_rate`: `concrete_dropout_rate`.
///
/// ```
/// use thinnet::prelude::*;
/// let layer = ConcreteDropout::new(Dense::new(512).activation(Relu)).classification(1e-2, 60_000);
/// let built = layer.build(&Shape::from(784)).unwrap();
/// let names: Vec<_> = built.variables.iter().map(|variable| variable.name).collect();
/// assert_eq!(names, ["kernel", "bias", "p_logit"]);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ConcreteDropout {
    #[serde(skip)]
    base: Base,
    layer: Wrapped,
    weight_regularizer: f64,
    dropout_regularizer: f64,
    initial_rate: f64,
    temperature: Option<f64>,
    spatial: bool,
    seed: Option<u64>,
}

impl Default for ConcreteDropout {
    /// Without a layer: it must be given.
    fn default() -> Self {
        Self {
            base: Base::default(),
            layer: Wrapped::default(),
            weight_regularizer: 1e-6,
            dropout_regularizer: 1e-5,
            initial_rate: 0.1,
            temperature: None,
            spatial: false,
            seed: None,
        }
    }
}

impl ConcreteDropout {
    /// Before this layer, which must have a kernel: Dense, Conv2D …
    pub fn new(layer: impl Layer + 'static) -> Self {
        Self { layer: Wrapped::new(layer), ..Self::default() }
    }

    /// w, the weight of ΣW²/(1 − p). Default: 10⁻⁶, as in the authors' program.
    #[must_use]
    pub fn weight_regularizer(mut self, weight: f64) -> Self {
        self.weight_regularizer = weight;
        self
    }

    /// d, the weight of the entropy term of each input. Default: 10⁻⁵, as in the authors' program.
    #[must_use]
    pub fn dropout_regularizer(mut self, weight: f64) -> Self {
        self.dropout_regularizer = weight;
        self
    }

    /// What the mean squared error asks for: w = l²/(τN) and d = 2/(τN), for a prior length scale l, a precision τ of the
    /// targets (the inverse of their noise's variance) and N training samples.
    #[must_use]
    pub fn regression(self, length_scale: f64, precision: f64, samples: usize) -> Self {
        let scaled = precision * samples as f64;
        self.weight_regularizer(length_scale * length_scale / scaled).dropout_regularizer(2.0 / scaled)
    }

    /// What a cross-entropy asks for: w = l²/N and d = 1/N, for a prior length scale l and N training samples. (The
    /// authors leave out d's factor 2 and keep w as it is.)
    #[must_use]
    pub fn classification(self, length_scale: f64, samples: usize) -> Self {
        let samples = samples as f64;
        self.weight_regularizer(length_scale * length_scale / samples).dropout_regularizer(1.0 / samples)
    }

    /// The rate that training begins with, within (0, 1). Default: 0.1.
    #[must_use]
    pub fn initial_rate(mut self, rate: f64) -> Self {
        self.initial_rate = rate;
        self
    }

    /// The temperature t: near 0, masks are nearly zeros and ones. Default: 0.1, and ⅔ in the spatial form.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Whether whole channels of maps are dropped. Default: false.
    #[must_use]
    pub fn spatial(mut self, spatial: bool) -> Self {
        self.spatial = spatial;
        self
    }

    seed_method!();

    base_methods!();
}

impl Layer for ConcreteDropout {
    layer_methods!("ConcreteDropout");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let rate = self.initial_rate;
        if !(rate > 0.0 && rate < 1.0) {
            return Err(format!("initial_rate must be within (0, 1), where its logit is finite, got {rate}"));
        }
        let temperature = self.temperature.unwrap_or(if self.spatial { 2.0 / 3.0 } else { 0.1 });
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(format!("temperature must be positive, got {temperature}"));
        }
        for (name, weight) in [
            ("weight_regularizer", self.weight_regularizer),
            ("dropout_regularizer", self.dropout_regularizer),
        ] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(format!("{name} must be a number that is not negative, got {weight}"));
            }
        }
        let draws = if self.spatial { map(input)?[2] } else { input.len() };
        let (mut built, kernel) = self.layer.build("ConcreteDropout", input)?;
        let logit = built.variables.len();
        built.variables.push(Variable {
            name: "p_logit",
            shape: vec![1],
            initializer: Initializer::from(Constant { value: (rate / (1.0 - rate)).ln() }),
            regularizer: None,
            constraint: None,
            trainable: true,
        });
        let relax = Relax { source: Source::new(self.seed), len: input.len(), draws, temperature };
        built.operations.insert(0, Operation::transform(relax, logit..logit + 1));
        let (of_weights, of_rate) = (self.weight_regularizer, self.dropout_regularizer * draws as f64);
        built.penalty = Some(Arc::new(Prior { kernel, logit, of_weights, of_rate }));
        Ok(built)
    }
}

/// p and 1 − p, each to its own precision.
fn rates(logit: f32) -> [f64; 2] {
    let logit = f64::from(logit);
    [1.0 / (1.0 + (-logit).exp()), 1.0 / (1.0 + logit.exp())]
}

/// The relaxed mask. Its one variable is the logit.
#[derive(Debug)]
struct Relax {
    source: Source,
    len: usize,
    /// Draws of a sample: its elements, or its channels.
    draws: usize,
    temperature: f64,
}

impl Relax {
    /// Writes what is kept of the elements of a row.
    fn draw(&self, cx: &Context, logit: f32, row: usize, kept: &mut [f32]) {
        let rest = Stream::counter(cx.step, cx.place(row));
        concrete::kept(self.source.key(cx), rest, logit, (1.0 / self.temperature) as f32, kept);
    }

    /// out ← from·(1 − z)/(1 − p), for both directions.
    fn mask(&self, cx: &Context, variables: Variables, from: &[f32], out: &mut [f32], scratch: &mut [f32]) {
        if !cx.draws() {
            return out.copy_from_slice(from);
        }
        let logit = variables.get(0)[0];
        let scale = (1.0 / rates(logit)[1]) as f32;
        let kept = &mut scratch[..self.draws];
        let rows = from.chunks_exact(self.len).zip(out.chunks_exact_mut(self.len));
        for (row, (from, out)) in rows.enumerate() {
            self.draw(cx, logit, row, kept);
            for (from, out) in from.chunks_exact(self.draws).zip(out.chunks_exact_mut(self.draws)) {
                out.iter_mut().zip(from).zip(&*kept).for_each(|((out, x), kept)| *out = x * kept * scale);
            }
        }
    }
}

impl Transform for Relax {
    fn output_len(&self) -> usize {
        self.len
    }

    fn scratch(&self, _: usize) -> usize {
        self.draws
    }

    fn cost(&self) -> usize {
        // Two logarithms and an exponential for each draw.
        self.len + 16 * self.draws
    }

    fn is_random(&self) -> bool {
        true
    }

    fn forward(&self, cx: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.mask(cx, variables, x, y, scratch);
    }

    fn backward(
        &self,
        cx: &Context,
        variables: Variables,
        _: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        self.mask(cx, variables, dy, dx, scratch);
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByShard(self)
    }
}

impl ByShard for Relax {
    /// By the logit: x·(1 − z)/(1 − p)·(p − z/t), since dp = p(1 − p) and dz = z(1 − z)/t.
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
        let logit = variables.get(0)[0];
        let [p, q] = rates(logit);
        let (p, inverse) = (p as f32, (1.0 / self.temperature) as f32);
        let kept = &mut scratch[..self.draws];
        let mut sum = 0.0;
        for (row, (x, dy)) in x.chunks_exact(self.len).zip(dy.chunks_exact(self.len)).enumerate() {
            self.draw(cx, logit, row, kept);
            kept.iter_mut().for_each(|kept| *kept *= p - (1.0 - *kept) * inverse);
            for (x, dy) in x.chunks_exact(self.draws).zip(dy.chunks_exact(self.draws)) {
                let terms = x.iter().zip(dy).zip(&*kept);
                sum += terms.map(|((x, dy), slope)| f64::from(x * dy) * f64::from(*slope)).sum::<f64>();
            }
        }
        sums[0] += (sum / q) as f32;
        if let Some(dx) = dx {
            self.backward(cx, variables, x, dy, dx, scratch);
        }
    }

    fn scratch(&self, _: usize) -> usize {
        self.draws
    }
}

/// What the loss gains.
#[derive(Debug)]
struct Prior {
    /// The places of the variables.
    kernel: usize,
    logit: usize,
    /// w
    of_weights: f64,
    /// d·K
    of_rate: f64,
}

impl Penalty for Prior {
    fn value(&self, variables: Variables, variable: usize, range: Range<usize>) -> f64 {
        let logit = variables.get(self.logit)[0];
        let [p, q] = rates(logit);
        if variable == self.kernel {
            self.of_weights / q * squares(&variables.get(variable)[range])
        } else if variable == self.logit {
            // p ln p and q ln q go to zero with p and q.
            let term = |share: f64| if share > 0.0 { share * share.ln() } else { 0.0 };
            self.of_rate * (term(p) + term(q))
        } else {
            0.0
        }
    }

    fn add_gradient(&self, variables: Variables, variable: usize, start: usize, gradient: &mut [f32]) {
        let logit = variables.get(self.logit)[0];
        let [p, q] = rates(logit);
        if variable == self.kernel {
            let weight = (2.0 * self.of_weights / q) as f32;
            let values = &variables.get(variable)[start..];
            gradient.iter_mut().zip(values).for_each(|(gradient, value)| *gradient += weight * value);
        } else if variable == self.logit {
            let of_weights = self.of_weights * squares(variables.get(self.kernel)) * p / q;
            gradient[0] += (of_weights + self.of_rate * f64::from(logit) * p * q) as f32;
        }
    }

    fn report(&self, variables: Variables) -> Option<(&'static str, f64)> {
        Some(("rate", rates(variables.get(self.logit)[0])[0]))
    }
}

/// Σw²
fn squares(values: &[f32]) -> f64 {
    Regularizer::from(L2::new(1.0)).penalty(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{self, training};
    use crate::layers::{Conv2D, Dense, Dropout};

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&ConcreteDropout::new(Dense::new(3)), &[&[4], &[3, 2]]);
        testing::check(&ConcreteDropout::new(Dense::new(2).use_bias(false)).seed(7), &[&[5]]);
        let spatial = ConcreteDropout::new(Conv2D::new(2, 2)).spatial(true);
        testing::check(&spatial, &[&[3, 3, 2]]);
    }

    #[test]
    fn the_penalty_is_the_papers_and_its_gradient_is_its_slope() {
        let layer = ConcreteDropout::new(Dense::new(3)).weight_regularizer(0.02).dropout_regularizer(0.3);
        let kernel = [0.5_f32, -1.0, 0.25, 2.0, -0.5, 1.5];
        let squares: f64 = kernel.iter().map(|&w| f64::from(w * w)).sum();
        for logit in [-3.0_f32, -0.5, 0.0, 1.25] {
            let values = [&kernel[..], &[7.0; 3], &[logit]].concat();
            let p = 1.0 / (1.0 + f64::from(-logit).exp());
            let entropy = p * p.ln() + (1.0 - p) * (1.0 - p).ln();
            let expected = 0.02 * squares / (1.0 - p) + 0.3 * 2.0 * entropy;
            let came = testing::penalty(&layer, &[2], &values);
            assert!((came - expected).abs() < 1e-9, "{came}, expected {expected}");
        }
        testing::check_penalty(&layer, &[2]);
        testing::check_penalty(&ConcreteDropout::new(Conv2D::new(2, 2)).spatial(true), &[3, 3, 2]);
    }

    /// P(z > ½) = p, whatever the temperature. ±4.89 standard deviations of the binomial distribution: over fresh seeds one of
    /// the four would be exceeded with a probability of 4e-6.
    #[test]
    fn half_or_more_is_dropped_as_often_as_the_rate_says() {
        for rate in [0.1, 0.5] {
            for temperature in [0.1, 2.0 / 3.0] {
                let (rows, len) = (1 << 10, 64);
                let kept = Relax { source: Source::new(None), len, draws: len, temperature };
                let logit = [f64::ln(rate / (1.0 - rate)) as f32];
                let (mut y, mut scratch) = (vec![0.0; rows * len], vec![0.0; len]);
                let variables = Variables::new(&logit, std::slice::from_ref(&(0..1)));
                kept.forward(&training(4), variables, &vec![1.0; rows * len], &mut y, &mut scratch);
                let half = 0.5 / (1.0 - rate) as f32;
                let (dropped, n) = (y.iter().filter(|&&y| y < half).count() as f64, (rows * len) as f64);
                let deviation = (dropped - n * rate) / (n * rate * (1.0 - rate)).sqrt();
                assert!(deviation.abs() < 4.89, "rate {rate}, temperature {temperature}: {dropped} of {n}");
            }
        }
    }

    #[test]
    fn weights_of_the_penalty_come_from_the_prior() {
        let of = |layer: ConcreteDropout| (layer.weight_regularizer, layer.dropout_regularizer);
        assert_eq!(of(ConcreteDropout::default().regression(0.1, 4.0, 100)), (0.1 * 0.1 / 400.0, 0.005));
        assert_eq!(of(ConcreteDropout::default().classification(0.1, 100)), (0.1 * 0.1 / 100.0, 0.01));
    }

    #[test]
    fn bad_arguments_are_explained() {
        let dense = || ConcreteDropout::new(Dense::new(3));
        for (layer, message) in [
            (ConcreteDropout::default(), "ConcreteDropout wraps a layer: give it as `layer`"),
            (
                ConcreteDropout::new(Dropout::new(0.5)),
                "ConcreteDropout must wrap a layer with one kernel, such as Dense or Conv2D, got Dropout",
            ),
            (
                ConcreteDropout::new(dense()),
                "ConcreteDropout must wrap a layer with one kernel, such as Dense or Conv2D, got ConcreteDropout",
            ),
            (ConcreteDropout::new(Dense::new(0)), "Dense: units must be a positive integer, got 0"),
            (
                dense().initial_rate(0.0),
                "initial_rate must be within (0, 1), where its logit is finite, got 0",
            ),
            (dense().temperature(0.0), "temperature must be positive, got 0"),
            (
                dense().weight_regularizer(-1.0),
                "weight_regularizer must be a number that is not negative, got -1",
            ),
            (
                dense().spatial(true),
                "expected maps of shape (rows, columns, channels), got samples of shape (None, 4): for images \
                 without an axis of channels, put a Reshape before",
            ),
        ] {
            testing::fails(&layer, &[4], message);
        }
    }
}
