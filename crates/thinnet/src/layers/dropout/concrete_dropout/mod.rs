//! `ConcreteDropout`: dropout whose rate is learned.

mod prior;
mod relax;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::prior::Prior;
use self::relax::Relax;
use super::Source;
use crate::config::not_negative;
use crate::initializers::{Constant, Initializer};
use crate::layers::arguments::map;
use crate::layers::wrapped::Wrapped;
use crate::layers::{Base, Built, Layer, Operation, Variable, base_methods, layer_methods, seed_method};
use crate::shape::Shape;

/// Dropout before the layer that it wraps, with a rate p that is trained together with the weights: the relaxed mask is
/// differentiable by the rate's logit. In training an input x becomes x·(1 − z)/(1 − p), with
///
/// z = σ((ln p − ln(1 − p) + ln u − ln(1 − u)) / t), u uniform in (0, 1), at temperature t.
///
/// The loss gains w·ΣW²/(1 − p) + d·K·(p ln p + (1 − p) ln(1 − p)), with the wrapped layer's kernel W and its K inputs: the
/// first term keeps the rate from rising for nothing, the second, the entropy's, keeps it from falling to zero. What w and d
/// should be follows from a prior of the weights, its `length_scale` l, and the number N of training samples:
/// [`classification`](Self::classification), and with the `precision` of the targets [`regression`](Self::regression). An
/// experiment knows N by itself: `{ class = "ConcreteDropout", length_scale = 0.01, layer = … }`. Without a length scale, w is
/// `weight_regularizer` and d `dropout_regularizer`. In inference dropout is off.
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
    weight_regularizer: Option<f64>,
    dropout_regularizer: Option<f64>,
    length_scale: Option<f64>,
    precision: Option<f64>,
    samples: Option<usize>,
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
            weight_regularizer: None,
            dropout_regularizer: None,
            length_scale: None,
            precision: None,
            samples: None,
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

    /// w, the weight of ΣW²/(1 − p), in place of what a length scale asks for. Default: 10⁻⁶ where there is none, as in the
    /// authors' program.
    #[must_use]
    pub fn weight_regularizer(mut self, weight: f64) -> Self {
        self.weight_regularizer = Some(weight);
        self
    }

    /// d, the weight of the entropy term of each input, in place of what a length scale asks for. Default: 10⁻⁵ where there is
    /// none, as in the authors' program.
    #[must_use]
    pub fn dropout_regularizer(mut self, weight: f64) -> Self {
        self.dropout_regularizer = Some(weight);
        self
    }

    /// What the mean squared error asks for: w = l²/(τN) and d = 2/(τN), for a prior length scale l, a precision τ of the
    /// targets (the inverse of their noise's variance) and N training samples. In a configuration: `length_scale`,
    /// `precision`, `samples`.
    #[must_use]
    pub fn regression(self, length_scale: f64, precision: f64, samples: usize) -> Self {
        Self { precision: Some(precision), ..self.classification(length_scale, samples) }
    }

    /// What a cross-entropy asks for: w = l²/N and d = 1/N, for a prior length scale l and N training samples. (The
    /// authors leave out d's factor 2 and keep w as it is.) In a configuration: `length_scale`, `samples`.
    #[must_use]
    pub fn classification(self, length_scale: f64, samples: usize) -> Self {
        Self { length_scale: Some(length_scale), samples: Some(samples), ..self }
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
        if !(f32::MIN_POSITIVE..=f32::MAX).contains(&(temperature as f32)) {
            return Err(format!("temperature must be from 1.2e-38 to 3.4e38, got {temperature:?}"));
        }
        let [of_weights, weight] = self.regularizers()?;
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
        let samples = self.samples.filter(|_| self.dropout_regularizer.is_none());
        let prior = Prior { kernel, logit, of_weights, of_rate: weight * draws as f64, weight, samples };
        built.penalty = Some(Arc::new(prior));
        Ok(built)
    }

    fn tell_samples(&mut self, samples: usize) -> bool {
        let asks = self.length_scale.is_some() && self.samples.is_none();
        if asks {
            self.samples = Some(samples);
        }
        asks
    }
}

impl ConcreteDropout {
    /// w and d, checked.
    fn regularizers(&self) -> Result<[f64; 2], String> {
        let weights = match self.length_scale {
            Some(length_scale) => self.of_prior(length_scale)?,
            None => {
                let given = [("precision", self.precision.is_some()), ("samples", self.samples.is_some())];
                if let Some((name, _)) = given.into_iter().find(|(_, given)| *given) {
                    return Err(format!("{name} goes with a length_scale, got none"));
                }
                [1e-6, 1e-5]
            }
        };
        let weights =
            [self.weight_regularizer.unwrap_or(weights[0]), self.dropout_regularizer.unwrap_or(weights[1])];
        for (name, weight) in ["weight_regularizer", "dropout_regularizer"].into_iter().zip(weights) {
            not_negative(name, weight)?;
        }
        Ok(weights)
    }

    /// w and d of a prior length scale.
    fn of_prior(&self, length_scale: f64) -> Result<[f64; 2], String> {
        for (name, value) in [("length_scale", Some(length_scale)), ("precision", self.precision)] {
            if let Some(value) = value.filter(|value| !(*value > 0.0 && value.is_finite())) {
                return Err(format!("{name} must be positive, got {value}"));
            }
        }
        let samples = match self.samples {
            Some(samples) if samples > 0 => samples as f64,
            came => {
                let came = came.map_or("none".to_owned(), |samples| samples.to_string());
                return Err(format!(
                    "length_scale needs samples, the number of training samples, at least 1: got {came}"
                ));
            }
        };
        Ok(match self.precision {
            Some(precision) => [length_scale.powi(2) / (precision * samples), 2.0 / (precision * samples)],
            None => [length_scale.powi(2) / samples, 1.0 / samples],
        })
    }
}

/// p and 1 − p, each to its own precision.
fn rates(logit: f32) -> [f64; 2] {
    let logit = f64::from(logit);
    [1.0 / (1.0 + (-logit).exp()), 1.0 / (1.0 + logit.exp())]
}

#[cfg(test)]
mod tests;
