//! How much is changed.

use serde::{Deserialize, Serialize};

/// How much is changed at random: a number for both directions, or a lower and an upper limit.
///
/// ```
/// use thinnet::layers::RandomTranslation;
/// // Up to a tenth up or down; up to a fifth to the right, but not to the left.
/// let layer = RandomTranslation::new(0.1, (0.0, 0.2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Factor {
    /// Between minus and plus this number.
    Symmetric(f64),
    /// Between these.
    Between([f64; 2]),
}

impl Default for Factor {
    fn default() -> Self {
        Self::Symmetric(0.0)
    }
}

impl From<f64> for Factor {
    fn from(factor: f64) -> Self {
        Self::Symmetric(factor)
    }
}

impl From<(f64, f64)> for Factor {
    fn from((lower, upper): (f64, f64)) -> Self {
        Self::Between([lower, upper])
    }
}

impl From<[f64; 2]> for Factor {
    fn from(limits: [f64; 2]) -> Self {
        Self::Between(limits)
    }
}

impl Factor {
    /// The lower and the upper limit, where all that was given is `allowed`.
    pub(super) fn limits(
        self,
        name: &str,
        expected: &str,
        allowed: impl Fn(f64) -> bool,
    ) -> Result<[f64; 2], String> {
        let (given, limits) = match self {
            Self::Symmetric(factor) => (vec![factor], [-factor.abs(), factor.abs()]),
            Self::Between([a, b]) => (vec![a, b], [a.min(b), a.max(b)]),
        };
        match given.iter().find(|&&factor| !allowed(factor)) {
            Some(factor) => Err(format!("{name} must be {expected}, got {factor}")),
            None => Ok(limits),
        }
    }
}
