//! Deep ensembles.

use super::Predictive;
use super::distribution::Distribution;
use super::predictive::Moments;
use crate::data::Features;
use crate::error::{Error, Result};
use crate::model::Sequential;

/// Several models of one kind, trained apart (with different seeds, say), that predict together. Lakshminarayanan, Pritzel &
/// Blundell 2017, "Simple and scalable predictive uncertainty estimation using deep ensembles".
///
/// ```
/// use ndarray::Array2;
/// use thinnet::prelude::*;
/// use thinnet::uncertainty::Ensemble;
///
/// let model = |seed| Sequential::new().seed(seed).add(Dense::new(3).activation(Softmax).input_shape([4]));
/// let mut ensemble = Ensemble::new([model(1), model(2), model(3)])?;
/// let prediction = ensemble.predict(&Array2::<f32>::ones((5, 4)))?;
/// assert_eq!((prediction.networks(), prediction.mean.shape()), (3, &[5, 3][..]));
/// assert!(prediction.mutual_information()?[0] > 0.0);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Debug)]
pub struct Ensemble {
    models: Vec<Sequential>,
}

impl Ensemble {
    /// Of these models, one at least.
    ///
    /// # Errors
    /// Where there is no model, one cannot be built, or their inputs or outputs differ.
    pub fn new(models: impl IntoIterator<Item = Sequential>) -> Result<Self> {
        let mut models: Vec<Sequential> = models.into_iter().collect();
        let mut first = None;
        for (index, model) in models.iter_mut().enumerate() {
            let shapes = (model.input_shape()?.clone(), model.output_shape()?.clone());
            let kind = Distribution::of(model, shapes.1.last());
            let (expected, expected_kind) = first.get_or_insert_with(|| (shapes.clone(), kind));
            if *expected != shapes {
                return Err(Error::Data(format!(
                    "the models of an ensemble need the same inputs and outputs: the first has {} and {}, model {} has {} \
                     and {}",
                    expected.0,
                    expected.1,
                    index + 1,
                    shapes.0,
                    shapes.1
                )));
            }
            if *expected_kind != kind {
                return Err(Error::Data(format!(
                    "the models of an ensemble need outputs of one kind (probabilities, logits or numbers): those of the \
                     first and of model {} differ",
                    index + 1
                )));
            }
        }
        match models.is_empty() {
            true => Err(Error::Usage("an ensemble needs one model at least".into())),
            false => Ok(Self { models }),
        }
    }

    /// The models.
    pub fn models(&mut self) -> &mut [Sequential] {
        &mut self.models
    }

    /// What the models say together, each with dropout off.
    ///
    /// # Errors
    /// As [`Sequential::predict`].
    pub fn predict<'a>(&mut self, x: impl Into<Features<'a>>) -> Result<Predictive> {
        let x = x.into();
        together(self.models.iter_mut(), &x)
    }
}

impl Sequential {
    /// What the model says with dropout off, as what a single network says: variances and mutual information are 0.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predictive<'a>(&mut self, x: impl Into<Features<'a>>) -> Result<Predictive> {
        let x = x.into();
        together(std::iter::once(self), &x)
    }
}

fn together<'m>(models: impl Iterator<Item = &'m mut Sequential>, x: &Features) -> Result<Predictive> {
    let mut moments = None;
    for model in models {
        let outputs = model.predict(x)?;
        let last = outputs.shape().last().copied().unwrap_or(1);
        let moments =
            moments.get_or_insert_with(|| Moments::new(outputs.shape(), Distribution::of(model, last)));
        moments.add(outputs.as_slice().unwrap_or_default());
    }
    moments.ok_or_else(|| Error::Usage("an ensemble needs one model at least".into()))?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use ndarray::Array2;

    fn model(seed: u64, units: usize, activation: Activation) -> Sequential {
        Sequential::new().seed(seed).add(Dense::new(units).activation(activation).input_shape([4]))
    }

    #[test]
    fn the_mean_is_that_of_its_members() {
        let x = Array2::from_shape_fn((3, 4), |(i, j)| (i * j) as f32 / 3.0);
        let members = [1, 2].map(|seed| model(seed, 3, Softmax).predict(&x).unwrap());
        let together =
            Ensemble::new([model(1, 3, Softmax), model(2, 3, Softmax)]).unwrap().predict(&x).unwrap();
        assert!((&together.mean - &((&members[0] + &members[1]) / 2.0)).iter().all(|d| d.abs() < 1e-6));
        let alone = model(1, 3, Softmax).predictive(&x).unwrap();
        assert_eq!(alone.mean, members[0]);
        assert!(alone.mutual_information().unwrap().iter().all(|&information| information == 0.0));
    }

    /// Whatever the outputs are, one network's loss and metrics are those that it has as a model.
    #[test]
    fn one_network_is_measured_as_a_model_is() {
        let x = Array2::from_shape_fn((30, 4), |(i, j)| ((i * 5 + j * 3) % 7) as f32 / 7.0);
        let classes = ndarray::Array1::from_shape_fn(30, |i| (i % 3) as u8);
        let values = Array2::from_shape_fn((30, 1), |(i, _)| (i % 2) as f32);
        let logits = |class: &str| serde_json::json!({"class": class, "from_logits": true});
        for (units, activation, loss, y) in [
            (3, Softmax, "sparse_categorical_crossentropy".into(), Targets::from(&classes)),
            (3, Linear, logits("SparseCategoricalCrossentropy"), Targets::from(&classes)),
            (1, Sigmoid, "binary_crossentropy".into(), Targets::from(&values)),
            (1, Linear, logits("BinaryCrossentropy"), Targets::from(&values)),
            (1, Linear, "mse".into(), Targets::from(&values)),
        ] {
            let dense = Dense::new(units).activation(activation).kernel_regularizer(L2::new(0.01));
            let mut model = Sequential::new().add(dense.input_shape([4]));
            let metric = if activation == Linear && units == 1 { "mae" } else { "accuracy" };
            model.compile("sgd", loss, [metric]).unwrap();
            let expected = model.evaluate((&x, &y)).unwrap();
            let prediction = model.predictive(&x).unwrap();
            let logs = model.evaluate_predictive(&prediction, &y).unwrap();
            assert!((logs["loss"] - expected["loss"]).abs() < 1e-5, "{activation:?}: {logs:?} {expected:?}");
            assert!((logs[metric] - expected[metric]).abs() < 1e-5, "{activation:?}: {logs:?} {expected:?}");
            assert!(model.evaluate_predictive(&prediction, y.slice(0..29)).is_err());
        }
    }

    #[test]
    fn what_cannot_predict_together_is_explained() {
        assert!(Ensemble::new([]).is_err());
        let shapes = Ensemble::new([model(1, 3, Softmax), model(1, 2, Softmax)]).unwrap_err().to_string();
        assert!(
            shapes.ends_with("the first has (None, 4) and (None, 3), model 2 has (None, 4) and (None, 2)"),
            "{shapes}"
        );
        let kinds = Ensemble::new([model(1, 3, Softmax), model(1, 3, Relu.into())]).unwrap_err().to_string();
        assert!(kinds.contains("of one kind"), "{kinds}");
    }
}
