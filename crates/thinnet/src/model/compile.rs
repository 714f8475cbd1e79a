//! Compiling: the optimizer, the loss and the metrics.

use super::{Compiled, Sequential};
use crate::engine::{Objective, Optimization};
use crate::error::{Error, Result};
use crate::losses::IntoLoss;
use crate::metrics::{Direction, IntoMetric};
use crate::optimizers::IntoOptimizer;

impl Sequential {
    /// Builds the model and chooses how it is trained. Each argument may be given by value or by Keras's name:
    /// `compile("adam", "sparse_categorical_crossentropy", ["accuracy"])`.
    ///
    /// Compiling again starts the optimizer anew; the variables keep their values.
    ///
    /// # Errors
    /// Everything that is wrong with the layers, an unknown name, a bad argument.
    pub fn compile<M: IntoMetric>(
        &mut self,
        optimizer: impl IntoOptimizer,
        loss: impl IntoLoss,
        metrics: impl IntoIterator<Item = M>,
    ) -> Result<()> {
        self.build()?;
        let optimizer = optimizer.into_optimizer()?;
        let loss = loss.into_loss()?;
        let metrics = metrics.into_iter().map(IntoMetric::into_metric).collect::<Result<Vec<_>>>()?;
        let mut names: Vec<String> = Vec::new();
        for metric in &metrics {
            let earlier = metrics[..names.len()].iter().filter(|other| other.name() == metric.name()).count();
            let suffix = if earlier > 0 { format!("_{earlier}") } else { String::new() };
            names.push(format!("{}{suffix}", metric.name()));
        }
        let built = self.built.as_ref().expect("just built");
        let linked = built.plan.link.is_some() && loss.link() == built.plan.link;
        let state_lens = metrics.iter().map(|metric| metric.state_len(&built.plan.output)).collect();
        let objective = Objective { loss, metrics: self.measured(&metrics), names, state_lens, linked };
        let optimization = Optimization::new(optimizer, built.parameters.values().len());
        self.compiled = Some(Compiled { objective, metrics, optimization });
        self.batch_runner = None;
        Ok(())
    }

    /// The learning rate of the next step.
    ///
    /// # Errors
    /// Where the model is not compiled.
    pub fn learning_rate(&self) -> Result<f64> {
        let optimization = &self.compiled()?.optimization;
        Ok(optimization.optimizer.base().learning_rate.at(optimization.iterations))
    }

    /// Replaces the learning rate, or its schedule, by a constant.
    ///
    /// # Errors
    /// Where the model is not compiled.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        self.compiled()?;
        let compiled = self.compiled.as_mut().expect("just checked");
        compiled.optimization.optimizer.base_mut().learning_rate = learning_rate.into();
        Ok(())
    }

    /// The optimizer's steps so far.
    pub fn iterations(&self) -> u64 {
        self.compiled.as_ref().map_or(0, |compiled| compiled.optimization.iterations)
    }

    /// How the model was compiled, in Keras's JSON: `optimizer`, `loss`, `metrics`.
    ///
    /// # Errors
    /// Where the model is not compiled.
    pub fn compile_config(&self) -> Result<serde_json::Value> {
        Ok(self.compiled()?.config())
    }

    /// What logs call the loss and the metrics.
    pub(crate) fn log_names(&self) -> Result<impl Iterator<Item = &str>> {
        let names = self.compiled()?.objective.names.iter().map(String::as_str);
        Ok(std::iter::once("loss").chain(names))
    }

    /// The same names, and which way each gets better, where that is known.
    pub(crate) fn log_directions(&self) -> Result<impl Iterator<Item = (&str, Option<Direction>)>> {
        let metrics = self.compiled()?.objective.metrics.iter().map(|metric| metric.direction());
        Ok(self.log_names()?.zip(std::iter::once(Some(Direction::Down)).chain(metrics)))
    }

    pub(super) fn compiled(&self) -> Result<&Compiled> {
        self.compiled
            .as_ref()
            .ok_or_else(|| Error::Usage("the model is not compiled: call compile() first".into()))
    }
}
