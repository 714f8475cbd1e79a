//! Regularizers: what is added to the loss for a variable or an output.

use serde::{Deserialize, Serialize};

use crate::config::{named_enum, not_negative};

named_enum! {
    /// A regularizer, by Keras's class names or `l1`, `l2`, `l1_l2`.
    ///
    /// ```
    /// use thinnet::regularizers::{L2, Regularizer};
    /// let regularizer = Regularizer::from(L2::new(0.5));
    /// assert_eq!(regularizer.penalty(&[1.0, 2.0]), 2.5);
    /// ```
    Regularizer("regularizer", "keras.regularizers") { L1 = "l1", L2 = "l2", L1L2 = "l1_l2" }
}

/// l1·Σ|w|
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct L1 {
    /// Its weight. Default: 0.01.
    pub l1: f64,
}

/// l2·Σw², without ½
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct L2 {
    /// Its weight. Default: 0.01.
    pub l2: f64,
}

/// l1·Σ|w| + l2·Σw²
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct L1L2 {
    /// The weight of the absolute values. Default: 0.
    pub l1: f64,
    /// The weight of the squares. Default: 0.
    pub l2: f64,
}

impl Default for L1 {
    fn default() -> Self {
        Self { l1: 0.01 }
    }
}

impl Default for L2 {
    fn default() -> Self {
        Self { l2: 0.01 }
    }
}

impl L1 {
    /// With this weight.
    pub fn new(l1: f64) -> Self {
        Self { l1 }
    }
}

impl L2 {
    /// With this weight.
    pub fn new(l2: f64) -> Self {
        Self { l2 }
    }
}

impl L1L2 {
    /// With these weights.
    pub fn new(l1: f64, l2: f64) -> Self {
        Self { l1, l2 }
    }
}

impl Regularizer {
    fn weights(&self) -> (f64, f64) {
        match *self {
            Self::L1(L1 { l1 }) => (l1, 0.0),
            Self::L2(L2 { l2 }) => (0.0, l2),
            Self::L1L2(L1L2 { l1, l2 }) => (l1, l2),
        }
    }

    /// Checks that the weights are numbers that are not negative.
    ///
    /// # Errors
    /// What was expected and what came.
    pub fn check(&self) -> Result<(), String> {
        let (l1, l2) = self.weights();
        not_negative("l1", l1)?;
        not_negative("l2", l2)
    }

    /// What is added to the loss.
    pub fn penalty(&self, values: &[f32]) -> f64 {
        /// Sums side by side, so that they can share a vector register.
        const LANES: usize = 8;
        let (l1, l2) = self.weights();
        let (mut absolutes, mut squares) = ([0.0_f64; LANES], [0.0_f64; LANES]);
        for chunk in values.chunks(LANES) {
            for (lane, &value) in chunk.iter().enumerate() {
                absolutes[lane] += f64::from(value.abs());
                squares[lane] += f64::from(value) * f64::from(value);
            }
        }
        l1 * absolutes.iter().sum::<f64>() + l2 * squares.iter().sum::<f64>()
    }

    /// Adds the penalty's gradient; at zero, that of |w| is zero.
    pub fn add_gradient(&self, values: &[f32], gradient: &mut [f32]) {
        let (l1, l2) = self.weights();
        let (l1, l2) = (l1 as f32, 2.0 * l2 as f32);
        for (gradient, &value) in gradient.iter_mut().zip(values) {
            let sign = f32::from(i8::from(value > 0.0) - i8::from(value < 0.0));
            *gradient += l1 * sign + l2 * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn penalties_are_their_definitions() {
        let values: Vec<f32> = (-10..11).map(|value| value as f32 / 4.0).collect();
        let absolute: f64 = values.iter().map(|&v| f64::from(v.abs())).sum();
        let square: f64 = values.iter().map(|&v| f64::from(v * v)).sum();
        assert_eq!(Regularizer::from(L1::new(0.3)).penalty(&values), 0.3 * absolute);
        assert_eq!(Regularizer::from(L2::new(0.3)).penalty(&values), 0.3 * square);
        assert_eq!(Regularizer::from(L1L2::new(0.1, 0.2)).penalty(&values), 0.1 * absolute + 0.2 * square);
    }

    #[test]
    fn gradients_are_slopes_of_the_penalty() {
        let regularizer = Regularizer::from(L1L2::new(0.1, 0.2));
        for value in [-1.5_f32, -0.2, 0.4, 2.0] {
            let mut gradient = [1.0];
            regularizer.add_gradient(&[value], &mut gradient);
            let h = 1e-2;
            let slope =
                (regularizer.penalty(&[value + h]) - regularizer.penalty(&[value - h])) / f64::from(2.0 * h);
            assert!((f64::from(gradient[0]) - 1.0 - slope).abs() < 1e-5);
        }
        let mut at_zero = [0.0];
        regularizer.add_gradient(&[0.0], &mut at_zero);
        assert_eq!(at_zero, [0.0]);
    }

    #[test]
    fn names_and_tables_are_read_and_keras_json_is_written() {
        let read = |text: &str| serde_json::from_str::<Regularizer>(text);
        assert_eq!(read("\"l2\"").unwrap(), L2::new(0.01).into());
        assert_eq!(read("{\"class\": \"L1L2\", \"l1\": 0.5}").unwrap(), L1L2::new(0.5, 0.0).into());
        let written = serde_json::to_string(&Regularizer::from(L2::new(0.1))).unwrap();
        let keras =
            r#"{"module":"keras.regularizers","class_name":"L2","config":{"l2":0.1},"registered_name":null}"#;
        assert_eq!(written, keras);
        assert_eq!(read(keras).unwrap(), L2::new(0.1).into());
        assert_eq!(
            read("\"l3\"").unwrap_err().to_string(),
            "unknown regularizer `l3`: known are l1, l2, l1_l2"
        );
    }
}
