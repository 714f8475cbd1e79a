//! Compiling: the optimizer, the loss and the metrics.

use super::{Compiled, Sequential};
use crate::engine::{Objective, Optimization};
use crate::error::{Error, Result};
use crate::losses::IntoLoss;
use crate::metrics::{Direction, IntoMetric, Metric};
use crate::optimizers::IntoOptimizer;

impl Sequential {
    /// Builds the model and chooses how it is trained. Each argument may be given by value or by Keras's name:
    /// `compile("adam", "sparse_categorical_crossentropy", ["accuracy"])`.
    ///
    /// Compiling again starts the optimizer anew; the variables keep their values.
    ///
    /// # Errors
    /// Everything that is wrong with the layers, an unknown name, a bad argument, a metric's name that logs have for something
    /// else.
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
        let names = names_in_logs(&metrics)?;
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

/// What logs call the metrics: their own names, with the first free number where an earlier one is called so.
fn names_in_logs(metrics: &[Box<dyn Metric>]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for metric in metrics {
        let own = metric.name();
        if own.is_empty() || own.starts_with("val_") || ["loss", "learning_rate", "epoch"].contains(&own) {
            let message = "expected a name that is not empty, nor `loss`, `learning_rate` or `epoch`, nor begins with `val_`";
            return Err(Error::config(
                format!("{}.name", metric.class_name()),
                format!("{message}: logs have these for something else, got {own:?}"),
            ));
        }
        let mut name = own.to_owned();
        let mut number = 0;
        while names.contains(&name) {
            number += 1;
            name = format!("{own}_{number}");
        }
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::prelude::*;

    /// What logs have beside the loss, of a model with these metrics.
    fn logged(metrics: impl IntoIterator<Item = Value>) -> crate::Result<Vec<String>> {
        let mut model = Sequential::new().add(Dense::new(1).input_shape([2]));
        model.compile("sgd", "mse", metrics)?;
        Ok(model.log_names()?.skip(1).map(str::to_owned).collect())
    }

    #[test]
    fn no_two_metrics_have_one_name() {
        let named = || json!({"class": "MeanAbsoluteError", "name": "mse_1"});
        let mse = || json!("mse");
        assert_eq!(logged([mse(), mse(), mse()]).unwrap(), ["mse", "mse_1", "mse_2"]);
        assert_eq!(logged([mse(), named(), mse()]).unwrap(), ["mse", "mse_1", "mse_2"]);
        assert_eq!(logged([mse(), mse(), named()]).unwrap(), ["mse", "mse_1", "mse_1_1"]);
    }

    #[test]
    fn names_that_logs_have_for_something_else_are_refused() {
        for name in ["", "loss", "learning_rate", "epoch", "val_loss"] {
            let message =
                logged([json!({"class": "MeanAbsoluteError", "name": name})]).unwrap_err().to_string();
            let expected = "MeanAbsoluteError.name: expected a name that is not empty, nor `loss`, `learning_rate` or `epoch`, \
                            nor begins with `val_`: logs have these for something else, got ";
            assert_eq!(message, format!("{expected}{name:?}"));
        }
    }
}
