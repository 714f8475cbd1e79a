//! Initializers: how variables start.

mod orthogonal;
mod variance_scaling;

use serde::{Deserialize, Serialize};

use crate::config::{named_enum, not_negative};
use crate::random::{Domain, Draws, Stream};

pub use orthogonal::Orthogonal;
pub use variance_scaling::{
    Distribution, FanMode, GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform,
    VarianceScaling,
};

named_enum! {
    /// An initializer, by Keras's class names or their snake case: `glorot_uniform`, `he_normal`, `zeros` …
    ///
    /// ```
    /// use thinnet::initializers::{HeNormal, Initializer};
    /// use thinnet::random::{Domain, Stream};
    ///
    /// let mut kernel = [0.0; 20_000];
    /// Initializer::from(HeNormal::default()).fill(&[200, 100], Stream::new(1, Domain::OwnSeed), &mut kernel);
    /// let variance = kernel.iter().map(|w| w * w).sum::<f32>() / 20_000.0;
    /// assert!((variance - 2.0 / 200.0).abs() < 1e-3);
    /// ```
    Initializer("initializer", "keras.initializers") {
        Zeros = "zeros",
        Ones = "ones",
        Constant = "constant",
        RandomUniform = "random_uniform" | "uniform",
        RandomNormal = "random_normal" | "normal",
        TruncatedNormal = "truncated_normal",
        VarianceScaling = "variance_scaling",
        GlorotUniform = "glorot_uniform",
        GlorotNormal = "glorot_normal",
        HeUniform = "he_uniform",
        HeNormal = "he_normal",
        LecunUniform = "lecun_uniform",
        LecunNormal = "lecun_normal",
        Orthogonal = "orthogonal",
    }
}

/// All zeros.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Zeros {}

/// All ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ones {}

/// The same value everywhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Constant {
    /// The value. Default: 0.
    pub value: f64,
}

impl Constant {
    /// With this value.
    pub fn new(value: f64) -> Self {
        Self { value }
    }
}

/// Uniform in [minval, maxval).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RandomUniform {
    /// The lower bound. Default: −0.05.
    pub minval: f64,
    /// The upper bound. Default: 0.05.
    pub maxval: f64,
    /// A seed of its own; else the values come from the model's seed.
    pub seed: Option<u64>,
}

/// Normal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RandomNormal {
    /// The mean. Default: 0.
    pub mean: f64,
    /// The standard deviation. Default: 0.05.
    pub stddev: f64,
    /// A seed of its own; else the values come from the model's seed.
    pub seed: Option<u64>,
}

/// Normal, but drawn again where it is more than two standard deviations from the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TruncatedNormal {
    /// The mean. Default: 0.
    pub mean: f64,
    /// The standard deviation before truncation. Default: 0.05.
    pub stddev: f64,
    /// A seed of its own; else the values come from the model's seed.
    pub seed: Option<u64>,
}

impl Default for RandomUniform {
    fn default() -> Self {
        Self { minval: -0.05, maxval: 0.05, seed: None }
    }
}

impl Default for RandomNormal {
    fn default() -> Self {
        Self { mean: 0.0, stddev: 0.05, seed: None }
    }
}

impl Default for TruncatedNormal {
    fn default() -> Self {
        Self { mean: 0.0, stddev: 0.05, seed: None }
    }
}

impl RandomUniform {
    /// With these bounds.
    pub fn new(minval: f64, maxval: f64) -> Self {
        Self { minval, maxval, ..Self::default() }
    }
}

impl RandomNormal {
    /// With this mean and standard deviation.
    pub fn new(mean: f64, stddev: f64) -> Self {
        Self { mean, stddev, ..Self::default() }
    }
}

impl TruncatedNormal {
    /// With this mean and standard deviation.
    pub fn new(mean: f64, stddev: f64) -> Self {
        Self { mean, stddev, ..Self::default() }
    }
}

macro_rules! seed_method {
    ($($name:ident)*) => {$(
        impl $name {
            /// A seed of its own: the same values wherever it stands. Default: drawn from the model's seed.
            #[must_use]
            pub fn seed(mut self, seed: u64) -> Self {
                self.seed = Some(seed);
                self
            }
        }
    )*};
}
seed_method! {
    RandomUniform RandomNormal TruncatedNormal VarianceScaling GlorotUniform GlorotNormal HeUniform HeNormal
    LecunUniform LecunNormal Orthogonal
}

impl Initializer {
    /// Checks the arguments against a variable's shape.
    ///
    /// # Errors
    /// What was expected and what came.
    pub fn check(&self, shape: &[usize]) -> Result<(), String> {
        match self {
            Self::Constant(Constant { value }) if !value.is_finite() => {
                Err(format!("value must be finite, got {value}"))
            }
            Self::RandomUniform(RandomUniform { minval, maxval, .. })
                if minval.partial_cmp(maxval).is_none_or(|o| o.is_gt()) =>
            {
                Err(format!("minval must not be above maxval, got {minval} and {maxval}"))
            }
            Self::RandomNormal(RandomNormal { stddev, .. })
            | Self::TruncatedNormal(TruncatedNormal { stddev, .. }) => not_negative("stddev", *stddev),
            Self::VarianceScaling(VarianceScaling { scale, .. }) if !(scale.is_finite() && *scale > 0.0) => {
                Err(format!("scale must be positive, got {scale}"))
            }
            Self::Orthogonal(_) if shape.len() < 2 => {
                Err(format!("orthogonal values need a variable with at least two axes, got shape {shape:?}"))
            }
            _ => Ok(()),
        }
    }

    /// Writes the initial values of a variable of this shape. An initializer with a seed of its own does not use
    /// `stream`.
    pub fn fill(&self, shape: &[usize], stream: Stream, out: &mut [f32]) {
        let draws = |seed: &Option<u64>| {
            let stream = seed.map_or(stream, |seed| Stream::new(seed, Domain::OwnSeed));
            stream.at(0, 0)
        };
        match self {
            Self::Zeros(_) => out.fill(0.0),
            Self::Ones(_) => out.fill(1.0),
            Self::Constant(Constant { value }) => out.fill(*value as f32),
            Self::RandomUniform(RandomUniform { minval, maxval, seed }) => {
                uniform(*minval, *maxval, &mut draws(seed), out);
            }
            Self::RandomNormal(RandomNormal { mean, stddev, seed }) => {
                normal(*mean, *stddev, &mut draws(seed), out)
            }
            Self::TruncatedNormal(TruncatedNormal { mean, stddev, seed }) => {
                truncated_normal(*mean, *stddev, &mut draws(seed), out);
            }
            Self::Orthogonal(Orthogonal { gain, seed }) => {
                orthogonal::fill(shape, *gain, &mut draws(seed), out)
            }
            Self::VarianceScaling(scaling) => scaling.fill(shape, &mut draws(&scaling.seed), out),
            Self::GlorotUniform(GlorotUniform { seed }) => {
                GlorotUniform::SCALING.fill(shape, &mut draws(seed), out)
            }
            Self::GlorotNormal(GlorotNormal { seed }) => {
                GlorotNormal::SCALING.fill(shape, &mut draws(seed), out)
            }
            Self::HeUniform(HeUniform { seed }) => HeUniform::SCALING.fill(shape, &mut draws(seed), out),
            Self::HeNormal(HeNormal { seed }) => HeNormal::SCALING.fill(shape, &mut draws(seed), out),
            Self::LecunUniform(LecunUniform { seed }) => {
                LecunUniform::SCALING.fill(shape, &mut draws(seed), out)
            }
            Self::LecunNormal(LecunNormal { seed }) => {
                LecunNormal::SCALING.fill(shape, &mut draws(seed), out)
            }
        }
    }
}

fn uniform(low: f64, high: f64, draws: &mut Draws, out: &mut [f32]) {
    out.iter_mut().for_each(|value| *value = (low + (high - low) * draws.uniform()) as f32);
}

fn normal(mean: f64, stddev: f64, draws: &mut Draws, out: &mut [f32]) {
    out.iter_mut().for_each(|value| *value = (mean + stddev * draws.normal()) as f32);
}

fn truncated_normal(mean: f64, stddev: f64, draws: &mut Draws, out: &mut [f32]) {
    for value in out {
        let mut deviation = draws.normal();
        while deviation.abs() > 2.0 {
            deviation = draws.normal();
        }
        *value = (mean + stddev * deviation) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(initializer: impl Into<Initializer>, shape: &[usize]) -> Vec<f64> {
        let initializer = initializer.into();
        initializer.check(shape).unwrap();
        let mut out = vec![f32::NAN; shape.iter().product()];
        initializer.fill(shape, Stream::new(7, Domain::Initializer(0)), &mut out);
        out.into_iter().map(f64::from).collect()
    }

    /// Mean and variance within five standard errors: a false alarm in about one of a million tests.
    #[track_caller]
    fn moments(values: &[f64], mean: f64, variance: f64, kurtosis: f64) {
        let count = values.len() as f64;
        let came = values.iter().sum::<f64>() / count;
        assert!((came - mean).abs() < 5.0 * (variance / count).sqrt(), "mean {came}, expected {mean}");
        let came = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let error = variance * ((kurtosis - 1.0) / count).sqrt();
        assert!((came - variance).abs() < 5.0 * error, "variance {came}, expected {variance}");
    }

    #[test]
    fn constants() {
        assert_eq!(values(Zeros::default(), &[3]), [0.0; 3]);
        assert_eq!(values(Ones::default(), &[3]), [1.0; 3]);
        assert_eq!(values(Constant::new(0.5), &[3]), [0.5; 3]);
    }

    #[test]
    fn uniform_and_normal_have_their_moments_and_bounds() {
        let shape = [400, 300];
        let uniform = values(RandomUniform::new(-1.0, 3.0), &shape);
        moments(&uniform, 1.0, 16.0 / 12.0, 1.8);
        assert!(uniform.iter().all(|value| (-1.0..=3.0).contains(value)));
        moments(&values(RandomNormal::new(0.5, 0.2), &shape), 0.5, 0.04, 3.0);
        let truncated = values(TruncatedNormal::new(0.0, 1.0), &shape);
        // The variance of a standard normal truncated at ±2 is 0.7737, its kurtosis 2.37.
        moments(&truncated, 0.0, 0.773_741_3, 2.37);
        assert!(truncated.iter().all(|value| value.abs() <= 2.0));
    }

    #[test]
    fn scaled_variances_follow_the_fans() {
        let (dense, conv) = ([400, 300], [3, 3, 60, 200]);
        for (shape, fan_in, fan_out) in [(&dense[..], 400.0, 300.0), (&conv[..], 540.0, 1800.0)] {
            let glorot = 2.0 / (fan_in + fan_out);
            moments(&values(GlorotUniform::default(), shape), 0.0, glorot, 1.8);
            moments(&values(GlorotNormal::default(), shape), 0.0, glorot, 2.37);
            moments(&values(HeUniform::default(), shape), 0.0, 2.0 / fan_in, 1.8);
            moments(&values(HeNormal::default(), shape), 0.0, 2.0 / fan_in, 2.37);
            moments(&values(LecunUniform::default(), shape), 0.0, 1.0 / fan_in, 1.8);
            moments(&values(LecunNormal::default(), shape), 0.0, 1.0 / fan_in, 2.37);
            let scaling = VarianceScaling { scale: 3.0, mode: FanMode::FanOut, ..VarianceScaling::default() };
            moments(&values(scaling, shape), 0.0, 3.0 / fan_out, 2.37);
        }
    }

    #[test]
    fn a_seed_of_its_own_gives_the_same_values_everywhere() {
        let fill = |seed: Option<u64>, stream: u64| {
            let mut out = [0.0; 8];
            let initializer = Initializer::from(GlorotUniform { seed });
            initializer.fill(&[2, 4], Stream::new(stream, Domain::Initializer(1)), &mut out);
            out
        };
        assert_eq!(fill(Some(3), 1), fill(Some(3), 2));
        assert_ne!(fill(Some(3), 1), fill(Some(4), 1));
        assert_ne!(fill(None, 1), fill(None, 2));
    }

    #[test]
    fn keras_forms_are_read_and_written() {
        let read = |text: &str| serde_json::from_str::<Initializer>(text);
        assert_eq!(read("\"he_normal\"").unwrap(), HeNormal::default().into());
        let keras = r#"{"module":"keras.initializers","class_name":"GlorotUniform","config":{"seed":null},"registered_name":null}"#;
        assert_eq!(read(keras).unwrap(), GlorotUniform::default().into());
        assert_eq!(serde_json::to_string(&Initializer::from(GlorotUniform::default())).unwrap(), keras);
        let message = read("\"glorot_unifrom\"").unwrap_err().to_string();
        assert_eq!(message, "unknown initializer `glorot_unifrom`: did you mean `glorot_uniform`?");
    }

    #[test]
    fn bad_arguments_are_explained() {
        for (initializer, message) in [
            (Initializer::from(RandomUniform::new(1.0, 0.0)), "minval must not be above maxval, got 1 and 0"),
            (RandomNormal::new(0.0, -1.0).into(), "stddev must be a number that is not negative, got -1"),
            (
                Orthogonal::default().into(),
                "orthogonal values need a variable with at least two axes, got shape [5]",
            ),
        ] {
            assert_eq!(initializer.check(&[5]).unwrap_err(), message);
        }
    }
}
