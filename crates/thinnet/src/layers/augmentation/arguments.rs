//! Arguments that several layers have.

use serde::{Deserialize, Serialize};

use crate::config::{Argument, words};
use crate::data::augmentation::{Border, FillMode, Resampling, image_size};
use crate::shape::Shape;

words! {
    /// How a place between pixels gets its value.
    ///
    /// ```
    /// use thinnet::layers::{Interpolation, RandomRotation};
    /// let labels = RandomRotation::new(0.1).interpolation(Interpolation::Nearest);
    /// ```
    Interpolation("interpolation") {
        /// From the four pixels around it, by their distances.
        Bilinear = "bilinear",
        /// From the nearest pixel.
        Nearest = "nearest",
    }
}

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

/// How a layer looks up the pixels of images of a shape.
pub(super) fn resampling(
    input: &Shape,
    fill_mode: &Argument<FillMode>,
    interpolation: &Argument<Interpolation>,
    fill_value: f64,
) -> Result<Resampling, String> {
    let [height, width, channels] = image_size(input)?;
    if !fill_value.is_finite() {
        return Err(format!("fill_value must be finite, got {fill_value}"));
    }
    let (border, fill) = (Border::layer(*fill_mode.get()?), fill_value as f32);
    let nearest = *interpolation.get()? == Interpolation::Nearest;
    Ok(Resampling { height, width, channels, border, fill, nearest })
}

/// The builder methods of layers that look pixels up.
macro_rules! lookup_methods {
    () => {
        /// What lies beyond the edge. `constant` blends with `fill_value` at the edge, `wrap` lets the first pixel follow
        /// the last one. Default: `reflect`.
        #[must_use]
        pub fn fill_mode(
            mut self,
            fill_mode: impl Into<$crate::config::Argument<$crate::data::augmentation::FillMode>>,
        ) -> Self {
            self.fill_mode = fill_mode.into();
            self
        }

        /// How a place between pixels gets its value. Default: `bilinear`.
        #[must_use]
        pub fn interpolation(
            mut self,
            interpolation: impl Into<$crate::config::Argument<$crate::layers::Interpolation>>,
        ) -> Self {
            self.interpolation = interpolation.into();
            self
        }

        /// The value beyond the edge for the fill mode `constant`. Default: 0.
        #[must_use]
        pub fn fill_value(mut self, fill_value: f64) -> Self {
            self.fill_value = fill_value;
            self
        }

        $crate::layers::seed_method!();
    };
}
pub(super) use lookup_methods;
