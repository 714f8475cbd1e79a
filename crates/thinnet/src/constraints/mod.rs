//! Constraints: what a variable is projected to after each update.
//!
//! Norms are taken along [`Axes`]: for Dense's kernel (inputs, units), axis 0 gives the norm of each unit's incoming weights;
//! convolutions want \[0, 1, 2\].

use serde::{Deserialize, Serialize};

use crate::config::{named_enum, not_negative};

pub use crate::config::Axes;

named_enum! {
    /// A constraint, by Keras's class names or `max_norm`, `non_neg`, `unit_norm`, `min_max_norm`.
    ///
    /// ```
    /// use thinnet::constraints::{Constraint, MaxNorm};
    /// let mut kernel = [3.0, 0.3, 4.0, 0.4]; // (2, 2): the columns have norms 5 and 0.5
    /// Constraint::from(MaxNorm::new(1.0)).project(&[2, 2], &mut kernel);
    /// assert!((kernel[0] - 0.6).abs() < 1e-6 && (kernel[1] - 0.3).abs() < 1e-6);
    /// ```
    Constraint("constraint", "keras.constraints") {
        MaxNorm = "max_norm", NonNeg = "non_neg", UnitNorm = "unit_norm", MinMaxNorm = "min_max_norm",
    }
}

/// w·clip(‖w‖, 0, max)/(ε + ‖w‖), ε = 1e-7: a norm above `max_value` becomes that (Srivastava et al. 2014, section 5.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MaxNorm {
    /// The largest norm. Default: 2.
    pub max_value: f64,
    /// Along which axes. Default: 0.
    pub axis: Axes,
}

/// Negative elements become zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NonNeg {}

/// w/(ε + ‖w‖), ε = 1e-7: every norm becomes 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitNorm {
    /// Along which axes. Default: 0.
    pub axis: Axes,
}

/// w·(rate·clip(‖w‖, min, max) + (1 − rate)·‖w‖)/(ε + ‖w‖), ε = 1e-7.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MinMaxNorm {
    /// The least norm. Default: 0.
    pub min_value: f64,
    /// The largest norm. Default: 1.
    pub max_value: f64,
    /// How far towards the bounds, from 0 to 1. Default: 1.
    pub rate: f64,
    /// Along which axes. Default: 0.
    pub axis: Axes,
}

impl Default for MaxNorm {
    fn default() -> Self {
        Self { max_value: 2.0, axis: 0.into() }
    }
}

impl Default for UnitNorm {
    fn default() -> Self {
        Self { axis: 0.into() }
    }
}

impl Default for MinMaxNorm {
    fn default() -> Self {
        Self { min_value: 0.0, max_value: 1.0, rate: 1.0, axis: 0.into() }
    }
}

macro_rules! axis_method {
    ($($name:ident)*) => {$(
        impl $name {
            /// Along which axes the norm is taken. Default: 0.
            #[must_use]
            pub fn axis(mut self, axis: impl Into<Axes>) -> Self {
                self.axis = axis.into();
                self
            }
        }
    )*};
}
axis_method!(MaxNorm UnitNorm MinMaxNorm);

impl MaxNorm {
    /// With this largest norm.
    pub fn new(max_value: f64) -> Self {
        Self { max_value, ..Self::default() }
    }
}

impl MinMaxNorm {
    /// With these bounds of the norm.
    pub fn new(min_value: f64, max_value: f64) -> Self {
        Self { min_value, max_value, ..Self::default() }
    }

    /// How far towards the bounds, from 0 to 1. Default: 1.
    #[must_use]
    pub fn rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }
}

impl Constraint {
    /// Checks the arguments against a variable's shape.
    ///
    /// # Errors
    /// What was expected and what came.
    pub fn check(&self, shape: &[usize]) -> Result<(), String> {
        let axes = match self {
            Self::NonNeg(_) => return Ok(()),
            Self::UnitNorm(UnitNorm { axis }) => axis,
            Self::MaxNorm(MaxNorm { max_value, axis }) => {
                not_negative("max_value", *max_value)?;
                axis
            }
            Self::MinMaxNorm(MinMaxNorm { min_value, max_value, rate, axis }) => {
                not_negative("min_value", *min_value)?;
                not_negative("max_value", *max_value)?;
                if !(0.0..=1.0).contains(rate) {
                    return Err(format!("rate must be in [0, 1], got {rate}"));
                }
                axis
            }
        };
        let rank = shape.len() as i64;
        match axes.as_slice().iter().find(|&&axis| axis < -rank || axis >= rank) {
            None => Ok(()),
            Some(axis) => Err(format!("axis must be from {} to {}, got {axis}", -rank, rank - 1)),
        }
    }

    /// Projects a variable.
    pub fn project(&self, shape: &[usize], values: &mut [f32]) {
        match self {
            // Not `max`, which makes a NaN zero and so hides that training has diverged.
            Self::NonNeg(_) => values.iter_mut().filter(|value| **value < 0.0).for_each(|value| *value = 0.0),
            Self::MaxNorm(MaxNorm { max_value, axis }) => {
                rescale(shape, axis, values, |norm| norm.clamp(0.0, *max_value));
            }
            Self::UnitNorm(UnitNorm { axis }) => rescale(shape, axis, values, |_| 1.0),
            Self::MinMaxNorm(MinMaxNorm { min_value, max_value, rate, axis }) => {
                rescale(shape, axis, values, |norm| {
                    rate * norm.max(*min_value).min(*max_value) + (1.0 - rate) * norm
                });
            }
        }
    }
}

/// Gives every slice along the axes the norm that `wanted` makes of its norm.
fn rescale(shape: &[usize], axes: &Axes, values: &mut [f32], wanted: impl Fn(f64) -> f64) {
    const EPSILON: f64 = 1e-7;
    /// Slices side by side whose norms are taken together, so that the values are read in the order of memory.
    const TOGETHER: usize = 32;
    let rank = shape.len();
    let is_along = |axis: usize| {
        axes.as_slice().iter().any(|&along| [axis as i64, axis as i64 - rank as i64].contains(&along))
    };
    let last_is_along = rank > 0 && is_along(rank - 1);
    // The last axes of one kind are walked through as one; before them lie `outer` axes.
    let outer = (0..rank).rfind(|&axis| is_along(axis) != last_is_along).map_or(0, |axis| axis + 1);
    let inner: usize = shape[outer..].iter().product();
    let stride = |axis: usize| shape[axis + 1..].iter().product::<usize>();
    let of_kind = |along: bool| (0..outer).filter(move |&axis| is_along(axis) == along);
    let count = |along: bool| of_kind(along).map(|axis| shape[axis]).product::<usize>();
    // Where the index-th combination of the outer axes of a kind begins.
    let offset = |mut index: usize, along: bool| {
        let mut offset = 0;
        for axis in of_kind(along).rev() {
            offset += index % shape[axis] * stride(axis);
            index /= shape[axis];
        }
        offset
    };
    let (slices, rows) = (count(false), count(true));
    let columns = if last_is_along { 1 } else { inner };
    for slice in 0..slices {
        for column in (0..columns).step_by(TOGETHER) {
            let width = if last_is_along { inner } else { (columns - column).min(TOGETHER) };
            let begin = |row: usize| offset(slice, false) + offset(row, true) + column;
            let mut sums = [0.0; TOGETHER];
            for row in 0..rows {
                let squares = values[begin(row)..][..width].iter().map(|&value| f64::from(value).powi(2));
                if last_is_along {
                    sums[0] = squares.fold(sums[0], |sum, square| sum + square);
                } else {
                    sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
                }
            }
            let factors = sums.map(|sum| (wanted(sum.sqrt()) / (EPSILON + sum.sqrt())) as f32);
            for row in 0..rows {
                let values = &mut values[begin(row)..][..width];
                if last_is_along {
                    values.iter_mut().for_each(|value| *value *= factors[0]);
                } else {
                    values.iter_mut().zip(&factors).for_each(|(value, factor)| *value *= factor);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn norm(values: &[f32]) -> f64 {
        values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn max_norm_takes_the_norm_along_its_axes() {
        let start: Vec<f32> = (1..=24).map(|value| value as f32).collect();
        let shape = [2, 3, 4];
        for (axes, first) in [
            (Axes::One(0), vec![0, 12]),
            (Axes::One(-1), vec![0, 1, 2, 3]),
            (Axes::Several(vec![0, 1]), vec![0, 4, 8, 12, 16, 20]),
            (Axes::Several(vec![0, 1, 2]), (0..24).collect()),
        ] {
            let mut values = start.clone();
            Constraint::from(MaxNorm { max_value: 0.5, axis: axes }).project(&shape, &mut values);
            let slice: Vec<f32> = first.iter().map(|&index| values[index]).collect();
            assert!((norm(&slice) - 0.5).abs() < 1e-6);
        }
    }

    #[test]
    fn every_slice_gets_the_factor_of_its_own_norm() {
        let shape = [3, 2, 41, 2];
        let start: Vec<f32> = (0..492).map(|value| (value * 37 % 101) as f32 / 50.0 - 1.0).collect();
        for axes in [
            vec![0],
            vec![1],
            vec![2],
            vec![3],
            vec![0, 2],
            vec![1, 3],
            vec![0, 1],
            vec![2, 3],
            vec![0, 1, 2],
        ] {
            let place = |index: usize| [index / 164, index / 82 % 2, index / 2 % 41, index % 2];
            let slice = |index: usize| {
                let mut place = place(index);
                axes.iter().for_each(|&axis| place[axis as usize] = 0);
                place
            };
            let mut values = start.clone();
            Constraint::from(UnitNorm { axis: Axes::Several(axes.clone()) }).project(&shape, &mut values);
            for index in 0..start.len() {
                let of_slice = (0..start.len()).filter(|&other| slice(other) == slice(index));
                let of_slice: Vec<f32> = of_slice.map(|other| start[other]).collect();
                let expected = f64::from(start[index]) / (1e-7 + norm(&of_slice));
                assert!((f64::from(values[index]) - expected).abs() < 1e-6, "{axes:?} at {index}");
            }
        }
    }

    #[test]
    fn norms_within_the_bounds_stay() {
        let mut values = [0.3, 0.4];
        Constraint::from(MaxNorm::new(2.0)).project(&[2], &mut values);
        assert!((norm(&values) - 0.5).abs() < 1e-6);
        Constraint::from(UnitNorm::default()).project(&[2], &mut values);
        assert!((norm(&values) - 1.0).abs() < 1e-6);
        Constraint::from(MinMaxNorm::new(2.0, 3.0).rate(0.5)).project(&[2], &mut values);
        assert!((norm(&values) - 1.5).abs() < 1e-6);
        let mut signs = [-1.0, 2.0];
        Constraint::from(NonNeg::default()).project(&[2], &mut signs);
        assert_eq!(signs, [0.0, 2.0]);
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let shape = [1, 2];
        let constraints: [Constraint; 4] = [
            NonNeg::default().into(),
            MaxNorm::default().into(),
            UnitNorm::default().into(),
            MinMaxNorm::default().into(),
        ];
        for constraint in constraints {
            let mut values = [f32::NAN, 1.0];
            constraint.project(&shape, &mut values);
            assert!(values[0].is_nan() && values[1] > 0.0, "{constraint:?}: {values:?}");
        }
    }

    #[test]
    fn bad_arguments_are_explained() {
        for (constraint, message) in [
            (Constraint::from(MaxNorm::new(-1.0)), "max_value must be a number that is not negative, got -1"),
            (Constraint::from(UnitNorm::default().axis(2)), "axis must be from -2 to 1, got 2"),
            (Constraint::from(MinMaxNorm::new(0.0, 1.0).rate(2.0)), "rate must be in [0, 1], got 2"),
        ] {
            assert_eq!(constraint.check(&[3, 4]).unwrap_err(), message);
        }
        let axis = serde_json::json!({"class": "MaxNorm", "axis": "a"});
        assert_eq!(
            Constraint::from_value(&axis).unwrap_err().to_string(),
            "MaxNorm.axis: expected a whole number or a list of whole numbers"
        );
    }
}
