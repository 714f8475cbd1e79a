//! Losses as metrics.

use serde_json::{Map, Value};

use super::rows::mean;
use super::{Direction, Metric};
use crate::config::snake_case;
use crate::data::TargetRows;
use crate::losses::{self, Loss, TargetKind};
use crate::shape::Shape;

/// The mean of a loss over the samples, as a metric: what the model would be trained for with that loss, without
/// regularizers, and without sample weights where the other metrics have none.
///
/// ```
/// use thinnet::losses::Huber;
/// use thinnet::metrics::{IntoMetric, MeanLoss, MeanSquaredError};
///
/// assert_eq!(MeanLoss::new(Huber::new(0.5)).name("robust").into_metric()?.name(), "robust");
/// assert_eq!(MeanSquaredError::default().into_metric()?.name(), "mean_squared_error");
/// assert_eq!("mse".into_metric()?.name(), "mse");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MeanLoss<L> {
    name: String,
    loss: L,
}

/// The mean of squared errors.
pub type MeanSquaredError = MeanLoss<losses::MeanSquaredError>;
/// The mean of absolute errors.
pub type MeanAbsoluteError = MeanLoss<losses::MeanAbsoluteError>;
/// The mean cross-entropy of labels 0 and 1.
pub type BinaryCrossentropy = MeanLoss<losses::BinaryCrossentropy>;
/// The mean cross-entropy of one-hot targets.
pub type CategoricalCrossentropy = MeanLoss<losses::CategoricalCrossentropy>;
/// The mean cross-entropy of class numbers.
pub type SparseCategoricalCrossentropy = MeanLoss<losses::SparseCategoricalCrossentropy>;
/// The mean Kullback-Leibler divergence.
pub type KLDivergence = MeanLoss<losses::KLDivergence>;

impl<L: Loss> MeanLoss<L> {
    /// The metric of a loss, named by its class in snake case.
    pub fn new(loss: L) -> Self {
        Self { name: snake_case(loss.class_name()), loss }
    }

    /// The key in logs. Default: the class's name in snake case.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

impl<L: Loss + Default> Default for MeanLoss<L> {
    fn default() -> Self {
        Self::new(L::default())
    }
}

impl<L: Loss + Clone + 'static> Metric for MeanLoss<L> {
    fn class_name(&self) -> &'static str {
        self.loss.class_name()
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = Map::new();
        config.insert("name".into(), self.name.clone().into());
        config.extend(self.loss.config());
        config
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Down)
    }

    fn validate(&self) -> Result<(), String> {
        self.loss.validate()
    }

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        check_loss(&self.loss, output, targets)
    }

    fn state_len(&self, _outputs: &Shape) -> usize {
        2
    }

    fn update(
        &self,
        state: &mut [f64],
        outputs: &Shape,
        predictions: &[f32],
        targets: TargetRows,
        weights: &[f32],
    ) {
        add_losses(&self.loss, state, outputs, predictions, targets, weights);
    }

    fn result(&self, state: &[f64]) -> f64 {
        mean(state)
    }

    fn clone_box(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }
}

/// Whether the loss fits, integers being taken for numbers where there is but one output.
pub(super) fn check_loss(loss: &dyn Loss, output: &Shape, targets: &TargetKind) -> Result<(), String> {
    loss.check(output, targets).or_else(|message| match targets {
        TargetKind::Classes => loss.check(output, &TargetKind::Values(Shape::from(1))).map_err(|_| message),
        TargetKind::Values(_) => Err(message),
    })
}

/// Adds the rows' weighted losses to a state of (sum, weight).
pub(super) fn add_losses(
    loss: &dyn Loss,
    state: &mut [f64],
    outputs: &Shape,
    predictions: &[f32],
    targets: TargetRows,
    weights: &[f32],
) {
    // A few rows at once, on the stack: metrics are computed within the training step, which allocates nothing.
    const ROWS: usize = 64;
    let mut losses = [0.0; ROWS];
    let len = outputs.len();
    for (part, weights) in weights.chunks(ROWS).enumerate() {
        let (first, end) = (part * ROWS, part * ROWS + weights.len());
        let targets = match targets {
            TargetRows::Classes(classes) => TargetRows::Classes(&classes[first..end]),
            TargetRows::Values(values) => TargetRows::Values(&values[first * len..end * len]),
        };
        let losses = &mut losses[..weights.len()];
        loss.evaluate(false, outputs, &predictions[first * len..end * len], targets, weights, losses, None);
        for (&loss, &weight) in losses.iter().zip(weights) {
            state[0] += f64::from(weight) * f64::from(loss);
            state[1] += f64::from(weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::checks::{
        CLASSES, GUESSES, HITS, NUMBERS, PROBABILITIES, SOFT, WEIGHTS, near, value, weighted_value,
    };

    #[test]
    fn names_are_the_classes_in_snake_case() {
        assert_eq!(MeanSquaredError::default().name, "mean_squared_error");
        assert_eq!(KLDivergence::default().name, "kl_divergence");
        assert_eq!(SparseCategoricalCrossentropy::default().name, "sparse_categorical_crossentropy");
    }

    #[test]
    fn values_are_those_of_keras() {
        let numbers = TargetRows::Values(&NUMBERS);
        near(value(&MeanSquaredError::default(), 3, &GUESSES, numbers), 9.9175005);
        near(value(&MeanAbsoluteError::default(), 3, &GUESSES, numbers), 1.5084167);
        near(weighted_value(&MeanSquaredError::default(), 3, &GUESSES, numbers, &WEIGHTS), 7.9185715);
        near(weighted_value(&MeanAbsoluteError::default(), 3, &GUESSES, numbers, &WEIGHTS), 1.4238096);
        let hits = TargetRows::Values(&HITS);
        near(weighted_value(&BinaryCrossentropy::default(), 3, &PROBABILITIES, hits, &WEIGHTS), 6.52224);
        let sparse = SparseCategoricalCrossentropy::default();
        near(weighted_value(&sparse, 3, &PROBABILITIES, TargetRows::Classes(&CLASSES), &WEIGHTS), 0.34359616);
        near(value(&KLDivergence::default(), 3, &PROBABILITIES, TargetRows::Values(&SOFT)), 5.608839);
    }

    #[test]
    fn many_rows_are_the_mean_of_their_losses() {
        let predictions: Vec<f32> = (0..150).map(|row| row as f32).collect();
        let targets = vec![0.0; 150];
        let want = (0..150).map(|row| f64::from(row * row)).sum::<f64>() / 150.0;
        near(value(&MeanSquaredError::default(), 1, &predictions, TargetRows::Values(&targets)), want);
    }

    #[test]
    fn integers_are_numbers_for_a_single_output() {
        let metric = MeanAbsoluteError::default();
        assert_eq!(metric.check(&Shape::from(1), &TargetKind::Classes), Ok(()));
        assert!(metric.check(&Shape::from(10), &TargetKind::Classes).is_err());
        assert_eq!(value(&metric, 1, &[0.5, 4.0], TargetRows::Classes(&[1, 3])), 0.75);
    }
}
