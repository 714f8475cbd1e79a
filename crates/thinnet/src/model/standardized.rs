//! What a model with a [`Standardization`] does to what comes and goes.

use serde_json::{Map, Value};

use super::Sequential;
use crate::data::{Data, Features, Scale, TargetRows, Targets};
use crate::error::{Error, Result};
use crate::losses::TargetKind;
use crate::metrics::{Direction, Metric};
use crate::shape::Shape;

impl Sequential {
    /// Inputs as the network sees them.
    pub(crate) fn standardized_inputs<'a>(&self, x: Features<'a>) -> Result<Features<'a>> {
        let Some(standardization) = &self.standardization else { return Ok(x) };
        check(&standardization.x, x.sample_shape(), "samples")?;
        x.check_finite()?;
        Ok(standardization.inputs(&x))
    }

    /// Targets as the network is to give them.
    pub(super) fn standardized_targets<'a>(&self, y: Targets<'a>) -> Result<Targets<'a>> {
        let Some(standardization) = &self.standardization else { return Ok(y) };
        if let (Some(scale), Targets::Values { sample, .. }) = (&standardization.y, &y) {
            check(scale, sample, "targets")?;
        }
        Ok(standardization.targets(&y))
    }

    /// Samples as the network sees them and is to give them.
    pub(super) fn standardized<'a>(&self, Data { x, y }: Data<'a>) -> Result<Data<'a>> {
        Ok(Data { x: self.standardized_inputs(x)?, y: self.standardized_targets(y)? })
    }

    /// The scale of the targets, where there is one.
    pub(crate) fn target_scale(&self) -> Option<&Scale> {
        self.standardization.as_ref().and_then(|standardization| standardization.y.as_ref())
    }

    /// The metrics as training measures them: in the targets' units.
    pub(super) fn measured(&self, metrics: &[Box<dyn Metric>]) -> Vec<Box<dyn Metric>> {
        let metrics = metrics.iter().cloned();
        match self.target_scale() {
            Some(scale) => metrics
                .map(|metric| Box::new(InUnits { metric, scale: scale.clone() }) as Box<dyn Metric>)
                .collect(),
            None => metrics.collect(),
        }
    }
}

fn check(scale: &Scale, sample: &Shape, what: &str) -> Result<()> {
    let (expected, came) = (scale.mean.len(), sample.len());
    if expected == came {
        return Ok(());
    }
    Err(Error::Data(format!(
        "expected {what} of {expected} elements, as those that the model standardizes by, got {came}"
    )))
}

/// A metric of the values that standardized ones stand for.
#[derive(Clone, Debug)]
struct InUnits {
    metric: Box<dyn Metric>,
    scale: Scale,
}

/// Values that are scaled back at once, on the stack.
const CHUNK: usize = 256;

impl Metric for InUnits {
    fn class_name(&self) -> &'static str {
        self.metric.class_name()
    }

    fn config(&self) -> Map<String, Value> {
        self.metric.config()
    }

    fn name(&self) -> &str {
        self.metric.name()
    }

    fn direction(&self) -> Option<Direction> {
        self.metric.direction()
    }

    fn validate(&self) -> Result<(), String> {
        self.metric.validate()
    }

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        self.metric.check(output, targets)
    }

    fn state_len(&self, outputs: &Shape) -> usize {
        self.metric.state_len(outputs)
    }

    fn update(
        &self,
        state: &mut [f64],
        outputs: &Shape,
        predictions: &[f32],
        targets: TargetRows,
        weights: &[f32],
    ) {
        let TargetRows::Values(values) = targets else {
            return self.metric.update(state, outputs, predictions, targets, weights);
        };
        let len = self.scale.mean.len();
        let mut update = |scaled: [&mut [f32]; 2], weights: &[f32]| {
            let [predictions, values] = scaled;
            self.scale.invert(predictions);
            self.scale.invert(values);
            self.metric.update(state, outputs, predictions, TargetRows::Values(values), weights);
        };
        if len > CHUNK {
            return update([&mut predictions.to_vec(), &mut values.to_vec()], weights);
        }
        let rows = CHUNK / len.max(1);
        let chunks = predictions.chunks(rows * len).zip(values.chunks(rows * len)).zip(weights.chunks(rows));
        for ((predictions, values), weights) in chunks {
            let mut scaled = [[0.0; CHUNK]; 2];
            let [a, b] = &mut scaled;
            let (a, b) = (&mut a[..predictions.len()], &mut b[..values.len()]);
            a.copy_from_slice(predictions);
            b.copy_from_slice(values);
            update([a, b], weights);
        }
    }

    fn result(&self, state: &[f64]) -> f64 {
        self.metric.result(state)
    }

    fn clone_box(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};

    use crate::data::{Data, Standardization};
    use crate::prelude::*;
    use crate::uncertainty::Sampling;

    fn samples(count: usize) -> (Array2<f32>, Array1<f32>) {
        let x = Array2::from_shape_fn((count, 3), |(i, j)| 100.0 * j as f32 + ((i * 7 + j * 5) % 11) as f32);
        let y = Array1::from_shape_fn(count, |i| 500.0 + 30.0 * x[[i, 0]] - 8.0 * x[[i, 2]]);
        (x, y)
    }

    fn network() -> Sequential {
        let mut model = Sequential::new()
            .add(Dense::new(16).activation(Relu).input_shape([3]))
            .add(Dropout::new(0.2))
            .add(Dense::new(1));
        model
            .compile(Adam::default().learning_rate(0.01), "mse", ["mae", "root_mean_squared_error"])
            .unwrap();
        model
    }

    /// The model in its own units is the plain one between a standardized world and ours.
    #[test]
    fn everything_goes_in_and_out_in_its_own_units() {
        let (x, y) = samples(300);
        let data = Data::from((&x, &y));
        let standardization = Standardization::of(&data).unwrap();
        let (z, scale) = (standardization.inputs(&data.x), standardization.y.clone().unwrap());
        let standard = Data { x: z.clone(), y: standardization.targets(&data.y) };
        let (mut plain, mut model) = (network(), network());
        model.set_standardization(standardization);
        let fit = || Fit::new().epochs(3).validation_split(0.3).verbose(false);
        let of_plain = plain.fit(&standard, fit()).unwrap();
        let of_model = model.fit(&data, fit()).unwrap();
        assert_eq!(plain.get_weights().unwrap(), model.get_weights().unwrap());
        let deviation = scale.deviation[0];
        for (name, unit) in
            [("loss", 1.0), ("val_loss", 1.0), ("mae", deviation), ("val_root_mean_squared_error", deviation)]
        {
            for (a, b) in of_plain[name].iter().zip(&of_model[name]) {
                assert!((a * unit / b - 1.0).abs() < 1e-4, "{name}: {a} {b}");
            }
        }
        let mut expected = plain.predict(&z).unwrap();
        scale.invert(expected.as_slice_mut().unwrap());
        assert_eq!(model.predict(&x).unwrap(), expected);
        let (a, b) = (plain.predict_mc(&z, 50).unwrap(), model.predict_mc(&x, 50).unwrap());
        for ((a, b), (v, w)) in a.mean.iter().zip(&b.mean).zip(a.variance.iter().zip(&b.variance)) {
            assert!((f64::from(*a) * deviation + scale.mean[0] - f64::from(*b)).abs() < 1e-2);
            assert!((f64::from(*v) * deviation.powi(2) / f64::from(*w) - 1.0).abs() < 1e-2);
        }
        let logs = model.evaluate(&data).unwrap();
        let prediction = model.predictive(&x).unwrap();
        let of_mean = model.evaluate_predictive(&prediction, &y).unwrap();
        for (name, value) in &logs {
            assert!((of_mean[name] / value - 1.0).abs() < 1e-4, "{name}");
        }
        assert!((plain.evaluate(&standard).unwrap()["loss"] / logs["loss"] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_saved_model_remembers_its_units() {
        let (x, y) = samples(60);
        let mut model = network();
        model.set_standardization(Standardization::of(&Data::from((&x, &y))).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        model.save(&path).unwrap();
        let mut loaded = Sequential::load(&path).unwrap();
        assert_eq!(loaded.standardization(), model.standardization());
        assert_eq!(loaded.predict(&x).unwrap(), model.predict(&x).unwrap());
        let sampling = Sampling::new(3).seed(1);
        assert_eq!(
            loaded.predict_mc(&x, sampling).unwrap().mean,
            model.predict_mc(&x, sampling).unwrap().mean
        );
        assert_eq!(loaded.evaluate((&x, &y)).unwrap(), model.evaluate((&x, &y)).unwrap());
        model.set_standardization(None);
        assert!(model.evaluate((&x, &y)).unwrap()["mae"] > 1.0);
    }

    #[test]
    fn samples_of_another_length_are_an_error() {
        let (x, y) = samples(60);
        let mut model = network();
        model.set_standardization(Standardization::of(&Data::from((&x, &y))).unwrap());
        let message = model.predict(&Array2::<f32>::zeros((2, 4))).unwrap_err().to_string();
        assert_eq!(
            message,
            "expected samples of shape (None, 3), got (None, 4): give the first layer the data's shape"
        );
    }
}
