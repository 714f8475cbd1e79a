//! Measuring.

use std::borrow::Cow;

use super::{BuiltModel, Compiled, Sequential, pool_of};
use crate::data::{Data, Features, TargetRows, Targets};
use crate::engine::{CheckedTargets, Inputs, Objective, Parameters, Phase, Plan, Runner, Samples, Totals};
use crate::error::{Error, Result};
use crate::history::Logs;
use crate::losses::{Loss, TargetKind};
use crate::shape::Shape;
use crate::uncertainty::Predictive;

/// Samples that are worked on at once where no gradient is needed. Results do not depend on it.
const INFERENCE_BATCH: usize = 256;

impl Sequential {
    /// The loss and the metrics, with dropout and noise off: `model.evaluate(&data)?["accuracy"]`.
    ///
    /// # Errors
    /// Where the model is not compiled, there is no sample, or the data do not fit the model.
    pub fn evaluate<'a>(&mut self, data: impl Into<Data<'a>>) -> Result<Logs> {
        let data = data.into();
        let (built, compiled) = (self.built()?, self.compiled()?);
        if data.is_empty() {
            return Err(Error::Data("expected at least one sample to evaluate, got none".into()));
        }
        check_features(built, &data.x)?;
        let data = self.standardized(data)?;
        let targets = check_data(built, &compiled.objective, &data)?;
        self.evaluate_checked(&data.x, &targets, None)
    }

    /// Makes sure that samples can be measured, without measuring them.
    pub(crate) fn check(&self, data: &Data) -> Result<()> {
        let (built, compiled) = (self.built()?, self.compiled()?);
        check_features(built, &data.x)?;
        let data = self.standardized(data.into())?;
        check_data(built, &compiled.objective, &data).map(drop)
    }

    pub(super) fn evaluate_checked(
        &mut self,
        features: &Features,
        targets: &CheckedTargets,
        weights: Option<&[f32]>,
    ) -> Result<Logs> {
        let threads = self.thread_count();
        let (Some(BuiltModel { parameters, plan, .. }), Some(Compiled { objective, .. })) =
            (&self.built, &self.compiled)
        else {
            return Err(Error::Usage("the model is not compiled: call compile() first".into()));
        };
        let batch_size = INFERENCE_BATCH.min(features.len());
        let mut runner =
            Runner::new(plan, parameters, Some(objective), Phase::Inference, batch_size, threads);
        let pool = pool_of(&mut self.pool, runner.threads())?;
        runner.prepare(pool, plan, parameters);
        let penalty = penalty(plan, parameters);
        let mut totals = Totals::new(objective);
        let order: Vec<u32> = (0..features.len() as u32).collect();
        for order in order.chunks(batch_size) {
            let samples =
                Samples { inputs: Inputs::All(features), targets: Some(targets), weights, order, first: 0 };
            runner.evaluate(pool, plan, parameters, objective, samples, penalty, &mut totals);
        }
        Ok(totals.logs(objective))
    }

    /// The loss and the metrics of what several networks said ([`predict_mc`](Self::predict_mc), an
    /// [`Ensemble`](crate::uncertainty::Ensemble)): those of their mean, or of their mean probabilities where the outputs are
    /// logits.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use thinnet::prelude::*;
    /// let mut model = Sequential::new().add(Dropout::new(0.5).input_shape([3])).add(Dense::new(2).activation(Softmax));
    /// model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
    /// let prediction = model.predict_mc(&Array2::<f32>::ones((4, 3)), 100)?;
    /// let logs = model.evaluate_predictive(&prediction, &array![0_u8, 0, 1, 1])?;
    /// assert_eq!(logs["accuracy"], 0.5);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and for predictions of another shape than the model's.
    pub fn evaluate_predictive<'a>(
        &self,
        prediction: &Predictive,
        y: impl Into<Targets<'a>>,
    ) -> Result<Logs> {
        let (built, Compiled { objective, .. }, y) = (self.built()?, self.compiled()?, y.into());
        let (output, outputs) = (&built.plan.output, prediction.for_loss());
        let rows = outputs.shape()[0];
        if &outputs.shape()[1..] != output.axes() || rows != y.len() || rows == 0 {
            return Err(Error::Data(format!(
                "expected predictions of shape {output} for {} targets, got {:?}",
                y.len(),
                outputs.shape()
            )));
        }
        let y = self.standardized_targets(y)?;
        let targets = check_objective(built, objective, &y)?;
        let (ones, mut losses) = (vec![1.0; rows], vec![0.0; rows]);
        let targets = match &targets {
            CheckedTargets::Classes(classes) => TargetRows::Classes(classes),
            CheckedTargets::Values { values, .. } => TargetRows::Values(values),
        };
        let mut outputs: Vec<f32> = outputs.into_iter().collect();
        if let Some(scale) = self.target_scale() {
            scale.apply(&mut outputs);
        }
        let outputs = &outputs[..];
        objective.loss.evaluate(false, output, outputs, targets, &ones, &mut losses, None);
        let loss = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / rows as f64;
        let mut logs = Logs::from([("loss".to_owned(), loss + penalty(&built.plan, &built.parameters))]);
        for ((metric, name), &len) in
            objective.metrics.iter().zip(&objective.names).zip(&objective.state_lens)
        {
            let mut state = vec![0.0; len];
            metric.update(&mut state, output, outputs, targets, &ones);
            logs.insert(name.clone(), metric.result(&state));
        }
        Ok(logs)
    }

    /// What layers report of their variables: rates that are learned.
    pub(super) fn reports(&self) -> Logs {
        let Some(BuiltModel { parameters, plan, .. }) = &self.built else { return Logs::new() };
        let (entries, values) = (&parameters.entries, parameters.values());
        let layers = plan.layers.iter().enumerate().filter_map(|(index, layer)| {
            let (penalty, variables) = layer.penalty(values)?;
            let (what, value) = penalty.report(variables)?;
            let entry = entries.iter().find(|entry| entry.layer == index)?;
            let (name, _) = entry.name.rsplit_once('/')?;
            Some((format!("{name}_{what}"), value))
        });
        layers.collect()
    }
}

/// What the regularizers, and the layers for several variables together, add to the loss.
fn penalty(plan: &Plan, parameters: &Parameters) -> f64 {
    let (entries, values) = (&parameters.entries, parameters.values());
    let penalties = entries.iter().filter(|entry| entry.trainable).map(|entry| {
        let own = entry.regularizer.as_ref().map(|own| own.penalty(&values[entry.range.clone()]));
        let layer = &plan.layers[entry.layer];
        let coupled = layer.penalty(values).and_then(|(penalty, variables)| {
            let place = layer.ranges.iter().position(|range| *range == entry.range)?;
            Some(penalty.value(variables, place, 0..entry.range.len()))
        });
        own.unwrap_or(0.0) + coupled.unwrap_or(0.0)
    });
    penalties.sum()
}

/// Samples must have the model's input shape and finite values.
pub(super) fn check_features(built: &BuiltModel, features: &Features) -> Result<()> {
    let (expected, came) = (&built.input, features.sample_shape());
    if expected != came {
        let hint = if expected.len() == came.len() {
            "reshape the data, or start the model with Input::new(shape) and Flatten or Reshape"
        } else {
            "give the first layer the data's shape"
        };
        return Err(Error::Data(format!("expected samples of shape {expected}, got {came}: {hint}")));
    }
    features.check_finite()
}

/// Samples and targets must fit the model, the loss, the metrics and each other.
pub(super) fn check_data<'a>(
    built: &BuiltModel,
    objective: &Objective,
    data: &'a Data<'_>,
) -> Result<CheckedTargets<'a>> {
    check_features(built, &data.x)?;
    data.check()?;
    check_objective(built, objective, &data.y)
}

/// Labels must be able to outweigh what layers' penalties reward.
pub(super) fn check_penalties(built: &BuiltModel, samples: usize) -> Result<()> {
    let BuiltModel { planned, plan, .. } = built;
    let classes = class_count(&plan.output);
    for (name, layer) in planned.iter().zip(&plan.layers) {
        if let Some(penalty) = &layer.penalty {
            let checked = penalty.check_labels(classes, samples);
            checked.map_err(|message| Error::Data(format!("{name}: {message}")))?;
        }
    }
    Ok(())
}

/// Targets must fit the model, the loss and the metrics.
fn check_objective<'a>(
    built: &BuiltModel,
    objective: &Objective,
    y: &'a Targets<'_>,
) -> Result<CheckedTargets<'a>> {
    let targets = check_targets(built, &*objective.loss, y)?;
    let kind = match &targets {
        CheckedTargets::Classes(_) => TargetKind::Classes,
        CheckedTargets::Values { len: 1, .. } => TargetKind::Values(Shape::from(1)),
        CheckedTargets::Values { .. } => TargetKind::Values(built.plan.output.clone()),
    };
    for metric in &objective.metrics {
        metric
            .check(&built.plan.output, &kind)
            .map_err(|message| Error::Data(format!("{}: {message}", metric.name())))?;
    }
    Ok(targets)
}

fn check_targets<'a>(
    built: &BuiltModel,
    loss: &dyn Loss,
    targets: &'a Targets<'_>,
) -> Result<CheckedTargets<'a>> {
    let output = &built.plan.output;
    match targets {
        Targets::Classes(classes) => match loss.check(output, &TargetKind::Classes) {
            Ok(()) => check_classes(classes, class_count(output)),
            // Integers may be numbers to predict.
            Err(message) => match loss.check(output, &TargetKind::Values(Shape::from(1))) {
                Ok(()) => {
                    let values = classes.iter().map(|&class| class as f32).collect::<Vec<_>>();
                    Ok(CheckedTargets::Values { len: 1, values: Cow::Owned(values) })
                }
                Err(_) => Err(Error::Data(message)),
            },
        },
        Targets::Values { sample, values } => {
            if let Err(message) = loss.check(output, &TargetKind::Values(sample.clone())) {
                // Class numbers may come as floats: many a program writes all its arrays so.
                let whole = sample.len() == 1 && values.iter().all(|value| value.fract() == 0.0);
                if !whole || loss.check(output, &TargetKind::Classes).is_err() {
                    return Err(Error::Data(message));
                }
                let classes: Vec<i64> = values.iter().map(|&value| value as i64).collect();
                return check_classes(&classes, class_count(output));
            }
            targets.check_finite()?;
            Ok(CheckedTargets::Values { len: sample.len(), values: Cow::Borrowed(&values[..]) })
        }
    }
}

pub(super) fn class_count(output: &Shape) -> usize {
    // One output is the probability of class 1.
    if output.len() == 1 { 2 } else { output.last() }
}

fn check_classes(classes: &[i64], count: usize) -> Result<CheckedTargets<'static>> {
    let check = |(sample, &class): (usize, &i64)| match u32::try_from(class) {
        Ok(valid) if (valid as usize) < count => Ok(valid),
        _ => Err(Error::Data(format!(
            "expected class numbers from 0 to {}, got {class} (sample {sample}): number the classes from 0, \
             or give the last layer more units",
            count - 1
        ))),
    };
    Ok(CheckedTargets::Classes(classes.iter().enumerate().map(check).collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};

    use crate::prelude::*;

    /// What the error asks for is enough.
    #[test]
    fn learned_rates_need_labels_that_outweigh_their_entropy() {
        let layer = || ConcreteDropout::new(Dense::new(3).activation(Softmax));
        let fit = |layer: ConcreteDropout, samples: usize| {
            let mut model = Sequential::new().add(layer.input_shape([20]));
            model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
            let (x, y) = (Array2::<f32>::ones((samples, 20)), Array1::from_elem(samples, 1_u8));
            model.fit((&x, &y), Fit::new().epochs(1).verbose(false)).map_err(|error| error.to_string())
        };
        let told = |samples| fit(layer().classification(0.1, samples), samples);
        let why = "concrete_dropout: integer labels cannot tell what its rate should be: the entropy of its masks lowers the \
                   loss by up to 6.93, more than the ln 3 = 1.10 that 3 labels tell. ";
        let more = "Train on at least 13 samples, or give a smaller dropout_regularizer";
        assert_eq!(told(2).unwrap_err(), format!("{why}{more}"));
        assert!(told(12).is_err());
        assert!(told(13).is_ok());
        let fixed = |samples| fit(layer().classification(0.1, samples), 40);
        let samples = "Its `samples` must be at least 13, got 2; 40 are trained on";
        assert_eq!(fixed(2).unwrap_err(), format!("{why}{samples}"));
        assert!(fixed(13).is_ok());
        let given = |weight: f64| fit(layer().classification(0.1, 40).dropout_regularizer(weight), 40);
        let smaller = "Its dropout_regularizer must be at most 0.0792, got 0.5";
        assert_eq!(given(0.5).unwrap_err(), format!("{why}{smaller}"));
        assert!(given(0.0792).is_ok());
    }
}
