//! Initializers whose variance follows from the number of inputs and outputs.

use serde::{Deserialize, Serialize};

use super::{truncated_normal, uniform};
use crate::random::Draws;

/// Which connections the variance is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FanMode {
    /// The inputs of a unit.
    #[default]
    FanIn,
    /// The outputs that an input goes to.
    FanOut,
    /// The mean of the two.
    FanAvg,
}

/// What the values are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Normal, truncated at two standard deviations.
    #[default]
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
    /// Uniform.
    Uniform,
}

/// Values with variance `scale` / fan.
///
/// A kernel (…, in, out) has the product of its leading axes as its receptive field: fan in is field × in, fan out is
/// field × out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VarianceScaling {
    /// Default: 1.
    pub scale: f64,
    /// Default: fan in.
    pub mode: FanMode,
    /// Default: truncated normal.
    pub distribution: Distribution,
    /// A seed of its own; else the values come from the model's seed.
    pub seed: Option<u64>,
}

impl Default for VarianceScaling {
    fn default() -> Self {
        Self { scale: 1.0, mode: FanMode::FanIn, distribution: Distribution::TruncatedNormal, seed: None }
    }
}

/// The standard deviation of a standard normal that is truncated at ±2.
const TRUNCATED_STDDEV: f64 = 0.879_625_661_034_239_8;

impl VarianceScaling {
    pub(super) fn fill(&self, shape: &[usize], draws: &mut Draws, out: &mut [f32]) {
        let (fan_in, fan_out) = fans(shape);
        let fan = match self.mode {
            FanMode::FanIn => fan_in,
            FanMode::FanOut => fan_out,
            FanMode::FanAvg => (fan_in + fan_out) / 2.0,
        };
        let variance = self.scale / fan.max(1.0);
        match self.distribution {
            Distribution::TruncatedNormal => {
                truncated_normal(0.0, variance.sqrt() / TRUNCATED_STDDEV, draws, out);
            }
            Distribution::UntruncatedNormal => super::normal(0.0, variance.sqrt(), draws, out),
            Distribution::Uniform => {
                let limit = (3.0 * variance).sqrt();
                uniform(-limit, limit, draws, out);
            }
        }
    }
}

fn fans(shape: &[usize]) -> (f64, f64) {
    match shape {
        [] => (1.0, 1.0),
        [size] => (*size as f64, *size as f64),
        [field @ .., inputs, outputs] => {
            let field: usize = field.iter().product();
            ((field * inputs) as f64, (field * outputs) as f64)
        }
    }
}

macro_rules! scaled {
    ($($(#[$meta:meta])* $name:ident: $scale:literal, $mode:ident, $distribution:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            /// A seed of its own; else the values come from the model's seed.
            pub seed: Option<u64>,
        }

        impl $name {
            pub(super) const SCALING: VarianceScaling = VarianceScaling {
                scale: $scale,
                mode: FanMode::$mode,
                distribution: Distribution::$distribution,
                seed: None,
            };
        }
    )*};
}
scaled! {
    /// Uniform with variance 2 / (fan in + fan out) (Glorot & Bengio 2010).
    GlorotUniform: 1.0, FanAvg, Uniform;
    /// Truncated normal with variance 2 / (fan in + fan out) (Glorot & Bengio 2010).
    GlorotNormal: 1.0, FanAvg, TruncatedNormal;
    /// Uniform with variance 2 / fan in (He et al. 2015).
    HeUniform: 2.0, FanIn, Uniform;
    /// Truncated normal with variance 2 / fan in (He et al. 2015).
    HeNormal: 2.0, FanIn, TruncatedNormal;
    /// Uniform with variance 1 / fan in (LeCun et al. 1998).
    LecunUniform: 1.0, FanIn, Uniform;
    /// Truncated normal with variance 1 / fan in (LeCun et al. 1998); what SELU wants.
    LecunNormal: 1.0, FanIn, TruncatedNormal;
}
