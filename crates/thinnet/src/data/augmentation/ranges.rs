//! Ranges to draw from, in the forms that Keras takes.

use serde::{Deserialize, Serialize};

use crate::random::Draws;

/// How far images are shifted.
///
/// ```
/// use thinnet::data::augmentation::ImageDataGenerator;
/// let datagen = ImageDataGenerator::new()
///     .width_shift_range(0.1) // a tenth of the width at most, to either side
///     .height_shift_range(3); // -2, -1, 0, 1 or 2 pixels
/// let steps = ImageDataGenerator::new().width_shift_range([4.0, 8.0]); // 4 or 8 pixels, to either side
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of pixels or a fraction, or a list of them")]
pub enum ShiftRange {
    /// Whole pixels: from 0 to one less than this number, to either side, all equally likely. 0: no shift.
    Pixels(i64),
    /// Uniform between minus and plus this number: a fraction of the image's size if below 1, else pixels.
    Uniform(f64),
    /// One of these, to either side, all equally likely: fractions of the image's size if all are below 1, else pixels.
    Choice(Vec<f64>),
}

impl Default for ShiftRange {
    fn default() -> Self {
        Self::Uniform(0.0)
    }
}

impl From<f64> for ShiftRange {
    fn from(range: f64) -> Self {
        Self::Uniform(range)
    }
}

impl From<i32> for ShiftRange {
    fn from(pixels: i32) -> Self {
        Self::Pixels(pixels.into())
    }
}

impl From<Vec<f64>> for ShiftRange {
    fn from(choice: Vec<f64>) -> Self {
        Self::Choice(choice)
    }
}

impl<const N: usize> From<[f64; N]> for ShiftRange {
    fn from(choice: [f64; N]) -> Self {
        Self::Choice(choice.to_vec())
    }
}

impl ShiftRange {
    pub(super) fn check(&self, name: &str) -> Result<(), String> {
        let expected = "a number of pixels or a fraction, not negative, or a list of them";
        match self {
            Self::Pixels(pixels) if *pixels < 0 => Err(format!("{name} must be {expected}, got {pixels}")),
            Self::Uniform(range) if !(*range >= 0.0 && range.is_finite()) => {
                Err(format!("{name} must be {expected}, got {range}"))
            }
            Self::Choice(choice) if choice.iter().any(|shift| !shift.is_finite()) => {
                Err(format!("{name} must be {expected}, got {choice:?}"))
            }
            _ => Ok(()),
        }
    }

    /// A shift in pixels, for an image of this size. Always takes two draws.
    pub(super) fn draw(&self, draws: &mut Draws, size: usize) -> f64 {
        let (place, side) = (draws.uniform(), draws.uniform());
        let sign = if side < 0.5 { -1.0 } else { 1.0 };
        let (shift, largest) = match self {
            Self::Pixels(0) => return 0.0,
            Self::Pixels(pixels) => return sign * (place * *pixels as f64).floor(),
            Self::Uniform(range) => ((2.0 * place - 1.0) * range, *range),
            Self::Choice(choice) if choice.is_empty() => return 0.0,
            Self::Choice(choice) => {
                let chosen = choice[((place * choice.len() as f64) as usize).min(choice.len() - 1)];
                (sign * chosen, choice.iter().copied().fold(f64::NEG_INFINITY, f64::max))
            }
        };
        if largest < 1.0 { shift * size as f64 } else { shift }
    }
}

/// How far images are zoomed: a number z for [1 − z, 1 + z], or the two limits themselves.
///
/// A zoom is how much of the input the output shows: below 1 the image is enlarged, above 1 it is shrunk.
///
/// ```
/// use thinnet::data::augmentation::ImageDataGenerator;
/// let datagen = ImageDataGenerator::new().zoom_range(0.2);
/// assert_eq!(datagen.clone().zoom_range([0.8, 1.2]).check(&[8, 8, 1].into()), Ok(()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number z for [1 - z, 1 + z], or a list of the two limits")]
pub enum ZoomRange {
    /// Between 1 minus and 1 plus this number.
    Around(f64),
    /// Between these.
    Between([f64; 2]),
}

impl Default for ZoomRange {
    fn default() -> Self {
        Self::Around(0.0)
    }
}

impl From<f64> for ZoomRange {
    fn from(range: f64) -> Self {
        Self::Around(range)
    }
}

impl From<[f64; 2]> for ZoomRange {
    fn from(limits: [f64; 2]) -> Self {
        Self::Between(limits)
    }
}

impl ZoomRange {
    pub(super) fn limits(self) -> [f64; 2] {
        match self {
            Self::Around(range) => [1.0 - range, 1.0 + range],
            Self::Between(limits) => limits,
        }
    }
}

/// A uniform number between two others, whichever is the larger.
pub(crate) fn between(draws: &mut Draws, [low, high]: [f64; 2]) -> f64 {
    low + (high - low) * draws.uniform()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Domain, Stream};

    /// 2000 draws for an image of 20 pixels. Over fresh seeds one of at most 10 values would be missing, or one of
    /// uniform draws leave out a hundredth of its range, with a probability below 1e-8.
    fn shifts(range: impl Into<ShiftRange>) -> Vec<f64> {
        let range = range.into();
        let stream = Stream::new(42, Domain::Augmentation);
        (0..2000).map(|sample| range.draw(&mut stream.at(0, sample), 20)).collect()
    }

    fn distinct(range: impl Into<ShiftRange>) -> Vec<f64> {
        let mut values = shifts(range);
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    }

    #[test]
    fn whole_numbers_are_pixels_below_them() {
        assert_eq!(distinct(3), [-2.0, -1.0, 0.0, 1.0, 2.0].map(|shift| shift + 0.0));
        assert_eq!(distinct(0), [0.0]);
        assert!(distinct(1).iter().all(|&shift| shift == 0.0));
    }

    #[test]
    fn lists_are_chosen_from_to_either_side() {
        assert_eq!(distinct([2.0, 0.5]), [-2.0, -0.5, 0.5, 2.0]);
        assert_eq!(distinct([0.1, 0.25]), [-5.0, -2.0, 2.0, 5.0]);
        assert_eq!(distinct(Vec::new()), [0.0]);
    }

    #[test]
    fn floats_are_fractions_below_one_and_pixels_from_one_on() {
        for (range, bound) in [(0.2, 4.0), (0.99, 19.8), (1.0, 1.0), (7.0, 7.0)] {
            let values = shifts(range);
            assert!(values.iter().all(|shift| shift.abs() <= bound));
            assert!(values.iter().any(|&shift| shift < -0.98 * bound), "{range}");
            assert!(values.iter().any(|&shift| shift > 0.98 * bound), "{range}");
        }
    }

    #[test]
    fn text_tells_the_forms_apart() {
        let read = |text: &str| serde_json::from_str::<ShiftRange>(text).unwrap();
        assert_eq!(read("2"), ShiftRange::Pixels(2));
        assert_eq!(read("2.0"), ShiftRange::Uniform(2.0));
        assert_eq!(read("[2, 3.5]"), ShiftRange::Choice(vec![2.0, 3.5]));
        for range in [ShiftRange::from(2), 2.0.into(), [1.0, 0.5].into()] {
            assert_eq!(read(&serde_json::to_string(&range).unwrap()), range);
        }
    }
}
