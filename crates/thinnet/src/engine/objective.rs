//! What training makes small, and sums of it over batches.

use crate::history::Logs;
use crate::losses::Loss;
use crate::metrics::Metric;

/// What training makes small and what it reports.
#[derive(Clone, Debug)]
pub(crate) struct Objective {
    pub(crate) loss: Box<dyn Loss>,
    pub(crate) metrics: Vec<Box<dyn Metric>>,
    /// Each metric's name in logs: its own, with a number where others have the same.
    pub(crate) names: Vec<String>,
    /// How many numbers each metric's state has.
    pub(crate) state_lens: Vec<usize>,
    /// Whether the loss is computed from what comes before the model's link.
    pub(crate) linked: bool,
}

/// Sums over batches, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Totals {
    loss: f64,
    samples: usize,
    states: Vec<f64>,
}

impl Totals {
    pub(crate) fn new(objective: &Objective) -> Self {
        Self { loss: 0.0, samples: 0, states: vec![0.0; objective.state_lens.iter().sum()] }
    }

    /// The mean of the batches' losses, weighted by their sizes.
    pub(crate) fn loss(&self) -> f64 {
        self.loss / self.samples as f64
    }

    /// The samples so far.
    pub(crate) fn samples(&self) -> usize {
        self.samples
    }

    /// Begins anew.
    pub(crate) fn clear(&mut self) {
        self.loss = 0.0;
        self.samples = 0;
        self.states.fill(0.0);
    }

    /// Adds a batch's: its loss, its number of samples, and what each of its shards counted for the metrics.
    pub(super) fn add<'a>(&mut self, loss: f64, samples: usize, metrics: impl Iterator<Item = &'a [f64]>) {
        self.loss += loss * samples as f64;
        self.samples += samples;
        for states in metrics {
            self.states.iter_mut().zip(states).for_each(|(total, state)| *total += state);
        }
    }

    /// The loss and the metrics by name.
    pub(crate) fn logs(&self, objective: &Objective) -> Logs {
        let metrics = self.metrics(objective).map(|(name, value)| (name.to_owned(), value));
        std::iter::once(("loss".to_owned(), self.loss())).chain(metrics).collect()
    }

    /// Each metric's value.
    pub(crate) fn metrics<'a>(&'a self, objective: &'a Objective) -> impl Iterator<Item = (&'a str, f64)> {
        let mut start = 0;
        objective.metrics.iter().zip(&objective.names).zip(&objective.state_lens).map(
            move |((metric, name), len)| {
                start += len;
                (name.as_str(), metric.result(&self.states[start - len..start]))
            },
        )
    }
}
