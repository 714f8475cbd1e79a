//! Several models, looked into side by side.

use super::{ActivationStatistics, Filters};
use crate::data::Features;
use crate::error::{Error, Result};
use crate::model::Sequential;
use crate::uncertainty::Sampling;

/// What is looked at in each model.
///
/// ```
/// use ndarray::Array2;
/// use thinnet::inspection::{ActivationStudy, Group, Inspection};
/// use thinnet::prelude::*;
///
/// let model = |rate: f64| {
///     let hidden = Dense::new(16).activation(Relu).input_shape([4]);
///     Sequential::new().add(hidden).add(Dropout::new(rate)).add(Dense::new(3).activation(Softmax))
/// };
/// let x = Array2::<f32>::ones((20, 4));
/// let mut models = [model(0.0), model(0.5)];
/// let layers = Inspection::common_layers(&mut models)?;
/// let inspection = Inspection { x: (&x).into(), layers: &layers, sampling: None };
/// let mut groups = Vec::new();
/// for (name, model) in ["without", "with dropout"].into_iter().zip(&mut models) {
///     groups.push(Group { name: name.into(), models: vec![inspection.look(name, model, &mut |_| Ok(()))?] });
/// }
/// let study = ActivationStudy { layers, groups, inputs: x.nrows(), networks: None };
/// assert_eq!(study.layers, ["dense"]);
/// // In inference dropout changes nothing, and the two have the same weights.
/// let sparsity = |group: usize| study.groups[group].models[0].layers[0].measures.sparsity;
/// assert_eq!(sparsity(0), sparsity(1));
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inspection<'a> {
    /// The inputs.
    pub x: Features<'a>,
    /// The layers, by name; see [`Sequential::layer_names`].
    pub layers: &'a [String],
    /// With dropout and noise on, in these thinned networks; none for dropout off.
    pub sampling: Option<Sampling>,
}

/// Models side by side, on the same inputs.
#[derive(Clone, Debug)]
pub struct ActivationStudy {
    /// The layers, by name.
    pub layers: Vec<String>,
    /// The models, those of one kind together: the first group is compared with each other one.
    pub groups: Vec<Group>,
    /// How many inputs there were.
    pub inputs: usize,
    /// How many thinned networks; none for dropout off.
    pub networks: Option<usize>,
}

/// Models of one kind, trained with different seeds.
#[derive(Clone, Debug)]
pub struct Group {
    /// What the kind is called.
    pub name: String,
    /// The models. Those at the same place in two groups are a pair, trained alike but for what the groups differ in.
    pub models: Vec<Inspected>,
}

/// What was seen in a model.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The model's name.
    pub name: String,
    /// Each layer.
    pub layers: Vec<InspectedLayer>,
    /// The first layer's weights, where they are pictures.
    pub filters: Option<Filters>,
}

/// What was seen of a layer.
#[derive(Clone, Debug)]
pub struct InspectedLayer {
    /// All that was summed up.
    pub statistics: ActivationStatistics,
    /// The numbers of it that are compared.
    pub measures: Measures,
    /// The share of activations that are exactly 0, of each input; with dropout on, the mean over the thinned networks.
    pub zeros: Vec<f64>,
    /// Where there is but one input, the layer's output for it; with dropout on, the mean over the thinned networks.
    pub output: Option<Vec<f32>>,
}

/// Numbers of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// See [`ActivationStatistics::dead_share`].
    pub dead_share: f64,
    /// See [`ActivationStatistics::sparsity`].
    pub sparsity: f64,
    /// See [`ActivationStatistics::mean`].
    pub mean: f64,
    /// See [`ActivationStatistics::mean_correlation`].
    pub correlation: Option<f64>,
}

impl From<&ActivationStatistics> for Measures {
    fn from(statistics: &ActivationStatistics) -> Self {
        Self {
            dead_share: statistics.dead_share(),
            sparsity: statistics.sparsity(),
            mean: statistics.mean(),
            correlation: statistics.mean_correlation(),
        }
    }
}

impl Inspection<'_> {
    /// The layers that one usually looks into ([`Sequential::activation_layers`]) and that all models have under one name.
    ///
    /// # Errors
    /// Where there are none, no models, or one that cannot be built.
    pub fn common_layers(models: &mut [Sequential]) -> Result<Vec<String>> {
        let Some((first, others)) = models.split_first_mut() else {
            return Err(Error::Usage("expected at least one model, got none".into()));
        };
        let mut common = first.activation_layers()?;
        for other in others {
            let names = other.layer_names()?;
            common.retain(|layer| names.contains(layer));
        }
        match common.is_empty() {
            true => Err(Error::Usage(format!(
                "the models have no hidden layers of one name: the first has {}; say which to look into",
                first.layer_names()?.join(", ")
            ))),
            false => Ok(common),
        }
    }

    /// Looks into a model. `watch` is called now and then with the number of inputs seen so far, and may end it with an error.
    ///
    /// # Errors
    /// No inputs or some that do not fit the model, a layer that it does not have, activations that are not finite, and those of
    /// `watch`.
    pub fn look(
        &self,
        name: &str,
        model: &mut Sequential,
        watch: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Inspected> {
        if self.x.is_empty() {
            return Err(Error::Data("expected at least one input, got none".into()));
        }
        let mut statistics = Vec::new();
        for layer in self.layers {
            statistics.push(ActivationStatistics::new(model.layer_output_shape(layer)?));
        }
        let networks = self.sampling.map_or(1, |sampling| sampling.samples());
        let mut outputs: Option<Vec<Vec<f64>>> = (self.x.len() == 1)
            .then(|| statistics.iter().map(|layer| vec![0.0; layer.shape().len()]).collect());
        let mut zeros = vec![vec![0.0; self.x.len()]; self.layers.len()];
        let of_layer =
            |layer: usize, error: Error| Error::Data(format!("{name}, {}: {error}", self.layers[layer]));
        model.activations_each(&self.x, self.layers, self.sampling, |part| {
            statistics[part.layer].add(part.values).map_err(|error| of_layer(part.layer, error))?;
            let len = statistics[part.layer].shape().len();
            for (share, output) in zeros[part.layer][part.first..].iter_mut().zip(part.values.chunks(len)) {
                let count = output.iter().filter(|value| **value == 0.0).count();
                *share += count as f64 / (len * networks) as f64;
            }
            if let Some(outputs) = &mut outputs {
                let sums = outputs[part.layer].iter_mut().zip(part.values);
                sums.for_each(|(sum, &value)| *sum += f64::from(value) / networks as f64);
            }
            watch(part.network * self.x.len() + part.first)
        })?;
        let mut outputs = outputs.map(Vec::into_iter);
        let layers = statistics.into_iter().zip(zeros).map(|(statistics, zeros)| InspectedLayer {
            measures: Measures::from(&statistics),
            statistics,
            zeros,
            output: outputs
                .as_mut()
                .and_then(Iterator::next)
                .map(|sums| sums.iter().map(|&sum| sum as f32).collect()),
        });
        Ok(Inspected { name: name.into(), layers: layers.collect(), filters: Filters::of(model)? })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::prelude::*;

    fn model(names: [&str; 2]) -> Sequential {
        Sequential::new()
            .add(Dense::new(8).activation(Relu).name(names[0]).input_shape([4]))
            .add(Dropout::new(0.5))
            .add(Dense::new(8).activation(Relu).name(names[1]))
            .add(Dense::new(3).activation(Softmax))
    }

    fn look(model: &mut Sequential, x: &Array2<f32>, sampling: Option<Sampling>) -> Inspected {
        let layers = ["a".to_owned(), "dropout".to_owned()];
        let inspection = Inspection { x: x.into(), layers: &layers, sampling };
        inspection.look("m", model, &mut |_| Ok(())).unwrap()
    }

    #[test]
    fn of_one_input_the_output_is_kept() {
        let x = Array2::from_shape_fn((1, 4), |(_, feature)| feature as f32 - 1.0);
        let mut model = model(["a", "b"]);
        let expected = model.activations(&x, "a").unwrap();
        let off = look(&mut model, &x, None);
        assert_eq!(off.layers[0].output.as_deref(), expected.as_slice());
        assert_eq!(off.layers[0].statistics.observations(), 1);
        assert_eq!(off.layers[0].measures.correlation, None, "one observation has no correlation");
        // With dropout on, the mean over the networks comes near what inference gives: within six standard errors.
        let on = look(&mut model, &x, Some(Sampling::new(4000)));
        for (mean, plain) in on.layers[1].output.as_ref().unwrap().iter().zip(&expected) {
            assert!((mean - plain).abs() <= 6.0 * plain / 4000_f32.sqrt() + 1e-6, "{mean} {plain}");
        }
        let x = Array2::ones((2, 4));
        assert!(look(&mut model, &x, None).layers[0].output.is_none());
    }

    #[test]
    fn each_input_has_its_share_of_zeros() {
        let x = Array2::from_shape_fn((300, 4), |(i, j)| ((i * 7 + j * 5) % 13) as f32 / 6.0 - 1.0);
        let mut model = model(["a", "b"]);
        let activations = model.activations(&x, "a").unwrap();
        let shares = |input: ndarray::ArrayViewD<f32>| {
            input.iter().filter(|value| **value == 0.0).count() as f64 / input.len() as f64
        };
        let expected: Vec<f64> = activations.outer_iter().map(shares).collect();
        assert_eq!(look(&mut model, &x, None).layers[0].zeros, expected);
        for layer in look(&mut model, &x, Some(Sampling::new(3))).layers {
            let mean = layer.zeros.iter().sum::<f64>() / 300.0;
            assert!(layer.zeros.len() == 300 && (mean - layer.measures.sparsity).abs() < 1e-12);
        }
    }

    #[test]
    fn only_layers_that_all_have_are_compared() {
        let common = |models: &mut [Sequential]| Inspection::common_layers(models);
        assert_eq!(common(&mut [model(["a", "b"]), model(["b", "c"])]).unwrap(), ["b"]);
        let error = common(&mut [model(["a", "b"]), model(["c", "d"])]).unwrap_err().to_string();
        assert!(
            error.starts_with("the models have no hidden layers of one name: the first has a, dropout, b"),
            "{error}"
        );
        assert!(common(&mut []).is_err());
    }

    #[test]
    fn a_broken_model_is_named_with_its_layer() {
        let mut model = model(["a", "b"]);
        let mut weights = model.get_weights().unwrap();
        weights[2].fill(f32::NAN);
        model.set_weights(&weights).unwrap();
        let (layers, x) = (["a".to_owned(), "b".to_owned()], Array2::<f32>::ones((3, 4)));
        let inspection = Inspection { x: (&x).into(), layers: &layers, sampling: None };
        let error =
            inspection.look("broken.safetensors", &mut model, &mut |_| Ok(())).unwrap_err().to_string();
        assert!(error.starts_with("broken.safetensors, b: the layer gives NaN (input 0, unit 0)"), "{error}");
        let none = Inspection { x: Features::floats(4, vec![]), layers: &layers, sampling: None };
        let error = none.look("m", &mut model, &mut |_| Ok(())).unwrap_err().to_string();
        assert_eq!(error, "expected at least one input, got none");
    }
}
