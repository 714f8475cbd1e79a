//! What layers give: the values that flow between them.

use ndarray::{ArrayD, IxDyn};

use super::evaluate::check_features;
use super::{BuiltModel, Sequential, pool_of};
use crate::data::Features;
use crate::engine::{Outputs, Phase, Plan, PlannedLayer};
use crate::error::{Error, Result};
use crate::layers::{Built, Needs, Operation};
use crate::shape::Shape;
use crate::uncertainty::Sampling;

/// Inputs that are worked on at once. Results do not depend on it.
const BATCH: usize = 256;

/// What one layer gave for some inputs that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct LayerValues<'a> {
    /// The layer's place among those that were asked for.
    pub layer: usize,
    /// Which thinned network it was, from 0; 0 with dropout off.
    pub network: usize,
    /// The place of the first of the inputs among all.
    pub first: usize,
    /// The outputs, one input's after the other.
    pub values: &'a [f32],
}

/// A layer whose output is wanted: a plan of its own that starts from the data or from another wanted layer's output.
struct Tap {
    /// The layer's place among those asked for.
    layer: usize,
    /// The tap whose output it reads; none for the data.
    source: Option<usize>,
    plan: Plan,
}

impl Sequential {
    /// The names of all layers, those within a `Residual` behind it as `RESIDUAL/LAYER`.
    ///
    /// ```
    /// use thinnet::prelude::*;
    /// let block = Residual::new().add(Dense::new(4).activation(Relu)).add(Dense::new(4));
    /// let mut model = Sequential::new().add(block.input_shape([4])).add(Dense::new(2));
    /// assert_eq!(model.layer_names()?, ["residual", "residual/dense", "residual/dense_1", "dense"]);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn layer_names(&mut self) -> Result<Vec<String>> {
        self.build()?;
        Ok(self.built()?.planned.clone())
    }

    /// The shape of one sample's output of a layer, also of one within a `Residual`.
    ///
    /// # Errors
    /// Where the model cannot be built or has no layer of that name.
    pub fn layer_output_shape(&mut self, layer: &str) -> Result<Shape> {
        self.build()?;
        let built = self.built()?;
        let index = find(built, layer)?;
        Ok(self.flat(built)[index].built.output.clone())
    }

    /// The hidden layers that end in an activation function, by name: those that one usually looks into. Where there are none,
    /// all hidden layers with variables, else the last layer.
    ///
    /// ```
    /// use thinnet::layers::ReLU;
    /// use thinnet::prelude::*;
    /// let mut model = Sequential::new()
    ///     .add(Dense::new(8).activation(Relu).input_shape([4]))
    ///     .add(Dropout::new(0.2))
    ///     .add(Dense::new(8))
    ///     .add(BatchNormalization::new())
    ///     .add(ReLU::new())
    ///     .add(Dense::new(2).activation(Softmax));
    /// assert_eq!(model.activation_layers()?, ["dense", "re_lu"]);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn activation_layers(&mut self) -> Result<Vec<String>> {
        self.build()?;
        let built = self.built()?;
        let mut flat = self.flat(built);
        let last = flat.pop().map(|layer| layer.name).unwrap_or_default();
        let names = |is_wanted: fn(&Built) -> bool| -> Vec<String> {
            let wanted = flat.iter().filter(|layer| is_wanted(layer.built));
            wanted.map(|layer| layer.name.clone()).collect()
        };
        let with_activation = names(ends_in_activation);
        let with_variables = names(|built| !built.variables.is_empty());
        let found = [with_activation, with_variables].into_iter().find(|names| !names.is_empty());
        Ok(found.unwrap_or_else(|| vec![last]))
    }

    /// What a layer gives for each sample, with dropout and noise off; the first axis counts the samples. It is what a model
    /// that ends in that layer predicts, to the bit.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use thinnet::prelude::*;
    /// let mut model = Sequential::new()
    ///     .add(Dense::new(8).activation(Relu).name("hidden").input_shape([4]))
    ///     .add(Dropout::new(0.5))
    ///     .add(Dense::new(2).activation(Softmax));
    /// let hidden = model.activations(&Array2::<f32>::ones((3, 4)), "hidden")?;
    /// assert_eq!(hidden.shape(), [3, 8]);
    /// assert!(hidden.iter().all(|&value| value >= 0.0));
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where there is no layer of that name, and as [`predict`](Self::predict).
    pub fn activations<'a>(&mut self, x: impl Into<Features<'a>>, layer: &str) -> Result<ArrayD<f32>> {
        let x = x.into();
        let shape = self.layer_output_shape(layer)?;
        let mut all = Vec::with_capacity(x.len() * shape.len());
        self.activations_each(&x, &[layer], None, |part| {
            all.extend_from_slice(part.values);
            Ok(())
        })?;
        let shape = IxDyn(&[&[x.len()], shape.axes()].concat());
        ArrayD::from_shape_vec(shape, all).map_err(|error| Error::Data(error.to_string()))
    }

    /// Hands `each` what some layers give, for a few inputs at a time: with dropout and noise off, or on, in as many thinned
    /// networks one after the other as `sampling` says (those of [`predict_mc`](Self::predict_mc)). Each layer is computed
    /// once, and memory does not grow with the number of inputs.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use thinnet::prelude::*;
    /// let mut model = Sequential::new().add(Dropout::new(0.5).input_shape([100])).add(Dense::new(1));
    /// let (mut zeros, x) = (0, Array2::<f32>::ones((10, 100)));
    /// model.activations_each(&x, &["dropout"], Sampling::new(20), |part| {
    ///     zeros += part.values.iter().filter(|&&value| value == 0.0).count();
    ///     Ok(())
    /// })?;
    /// assert!((9_500..10_500).contains(&zeros), "about half of 20,000");
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`activations`](Self::activations), and those of `each`, which end it.
    pub fn activations_each<'a>(
        &mut self,
        x: impl Into<Features<'a>>,
        layers: &[impl AsRef<str>],
        sampling: impl Into<Option<Sampling>>,
        mut each: impl FnMut(LayerValues) -> Result<()>,
    ) -> Result<()> {
        let (features, sampling) = (x.into(), sampling.into());
        sampling.iter().try_for_each(Sampling::check)?;
        self.build()?;
        check_features(self.built()?, &features)?;
        let taps = self.taps(layers)?;
        let phase = match &sampling {
            Some(sampling) => Phase::MonteCarlo { shared: sampling.is_shared() },
            None => Phase::Inference,
        };
        if features.is_empty() {
            return Ok(());
        }
        let (inputs, threads) = (BATCH.min(features.len()), self.thread_count());
        let mut runs: Vec<Outputs> =
            taps.iter().map(|tap| Outputs::new(&tap.plan, phase, inputs, threads)).collect();
        let mut values: Vec<Vec<f32>> =
            taps.iter().map(|tap| vec![0.0; inputs * tap.plan.output.len()]).collect();
        let pool = pool_of(&mut self.pool, runs.iter().map(Outputs::threads).max().unwrap_or(1))?;
        let Some(BuiltModel { parameters, .. }) = &self.built else {
            return Err(Error::Usage("the model is not built".into()));
        };
        for network in 0..sampling.map_or(1, |sampling| sampling.samples()) {
            let step = sampling.map_or(0, |sampling| sampling.step(network));
            for first in (0..features.len()).step_by(BATCH) {
                let count = BATCH.min(features.len() - first);
                for (index, (tap, run)) in taps.iter().zip(&mut runs).enumerate() {
                    let (before, rest) = values.split_at_mut(index);
                    let x = match tap.source {
                        Some(source) => {
                            let shape = &taps[source].plan.output;
                            Features::floats(shape.clone(), &before[source][..count * shape.len()])
                        }
                        None => features.slice(first..first + count),
                    };
                    run.prepare(pool, &tap.plan, parameters, count);
                    run.begin_at(first);
                    let mut states: Vec<()> = run.tasks().map(|_| ()).collect();
                    let values = &mut rest[0][..count * tap.plan.output.len()];
                    run.write(pool, &tap.plan, parameters, &x, step, values, &mut states, |(), _| {});
                    each(LayerValues { layer: tap.layer, network, first, values })?;
                }
            }
        }
        Ok(())
    }

    /// Plans for the outputs of some layers, each behind the one that it reads.
    fn taps(&self, layers: &[impl AsRef<str>]) -> Result<Vec<Tap>> {
        let built = self.built()?;
        let flat = self.flat(built);
        let planned = self.planned(&flat, &built.parameters);
        let mut paths = Vec::new();
        follow(&mut built.answers.iter(), Vec::new(), &mut paths);
        let mut wanted = Vec::new();
        for (layer, name) in layers.iter().enumerate() {
            let index = find(built, name.as_ref())?;
            wanted.push(Wanted { layer, output: &flat[index].built.output, path: &paths[index] });
        }
        // What is read before what reads it.
        wanted.sort_by_key(|wanted| wanted.path.len());
        let tap = |(place, Wanted { layer, path, .. }): (usize, &Wanted)| {
            let is_before = |other: &usize| {
                let other = wanted[*other].path;
                other.len() < path.len() && path.starts_with(other)
            };
            let source = (0..place).rev().find(is_before);
            let input = source.map_or(&built.input, |source| wanted[source].output);
            let done = source.map_or(0, |source| wanted[source].path.len());
            let own: Vec<PlannedLayer> = path[done..].iter().map(|&index| planned[index].clone()).collect();
            Tap { layer: *layer, source, plan: Plan::new(input, &own) }
        };
        Ok(wanted.iter().enumerate().map(tap).collect())
    }
}

/// A layer that was asked for.
struct Wanted<'a> {
    layer: usize,
    output: &'a Shape,
    /// All layers that run to give its output, itself the last or followed by those within it.
    path: &'a [usize],
}

/// For each layer, those within a layer behind it, all that run to give its output: those of a `Residual`'s other branch do not.
fn follow(layers: &mut dyn Iterator<Item = &Built>, mut path: Vec<usize>, paths: &mut Vec<Vec<usize>>) {
    for built in layers {
        let own = paths.len();
        paths.push(Vec::new());
        for operation in &built.operations {
            if let Operation::Residual { stack, projection } = operation {
                for branch in [stack, projection] {
                    follow(&mut branch.iter().map(|nested| &nested.built), path.clone(), paths);
                }
            }
        }
        // In the branches' paths the layer that holds them is not: it runs behind them.
        path.extend(own..paths.len());
        paths[own].clone_from(&path);
    }
}

/// Whether the last thing that a layer does is an activation function: an operation that works in place and whose backward pass
/// must know where it was, which masks and noise do not.
fn ends_in_activation(built: &Built) -> bool {
    match built.operations.last() {
        Some(Operation::InPlace(operation)) => !operation.is_random() && operation.needs() != Needs::Nothing,
        _ => false,
    }
}

fn find(built: &BuiltModel, layer: &str) -> Result<usize> {
    let names = || built.planned.iter().map(String::as_str);
    names().position(|name| name == layer).ok_or_else(|| Error::unknown("layer", layer, names()))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ArrayD, IxDyn};

    use super::*;
    use crate::prelude::*;

    fn inputs(shape: &[usize]) -> ArrayD<f32> {
        let mut at = 0_u32;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            at += 1;
            (at.wrapping_mul(2_654_435_761) >> 20) as f32 / 4096.0 - 0.3
        })
    }

    /// A network with every way in which the engine fuses layers: bias, activation and mask in one buffer, rectifiers and masks
    /// behind maxima, views, batch statistics, filtered convolutions.
    fn layers() -> Vec<Box<dyn Layer>> {
        vec![
            Box::new(GaussianNoise::new(0.1).input_shape([12, 12, 1])),
            Box::new(Conv2D::new(16, 3).padding(Padding::Same).activation(Relu)),
            Box::new(SpatialDropout2D::new(0.3)),
            Box::new(MaxPooling2D::new(2)),
            Box::new(Conv2D::new(32, 3).padding(Padding::Same)),
            Box::new(BatchNormalization::new()),
            Box::new(ReLU::new()),
            Box::new(MaxPooling2D::new(2)),
            Box::new(Flatten::new()),
            Box::new(Dense::new(33).activation(Relu)),
            Box::new(Dropout::new(0.5)),
            Box::new(Dense::new(20).activation("gelu")),
            Box::new(AlphaDropout::new(0.2)),
            Box::new(Dense::new(5).activation(Softmax)),
        ]
    }

    fn stack(layers: &[Box<dyn Layer>], threads: usize) -> Sequential {
        let mut model = Sequential::new().threads(threads);
        layers.iter().for_each(|layer| model.push(layer.clone()));
        model
    }

    #[test]
    fn every_layer_gives_what_a_model_that_ends_there_predicts() {
        let (x, layers) = (inputs(&[300, 12, 12, 1]), layers());
        let mut whole = stack(&layers, 2);
        let names = whole.layer_names().unwrap();
        let mut together: Vec<Vec<f32>> = vec![Vec::new(); names.len()];
        let collect = |part: LayerValues| {
            let rows = (300 - part.first).min(BATCH);
            assert_eq!(together[part.layer].len(), part.first * part.values.len() / rows);
            together[part.layer].extend_from_slice(part.values);
            Ok(())
        };
        whole.activations_each(&x, &names, None, collect).unwrap();
        for (count, name) in (1..).zip(&names) {
            let mut truncated = stack(&layers[..count], 1);
            let expected = truncated.predict(&x).unwrap();
            assert_eq!(whole.activations(&x, name).unwrap(), expected, "{name}");
            assert_eq!(&together[count - 1], expected.as_slice().unwrap(), "{name}, all at once");
        }
        assert_eq!(whole.activations(&x, names.last().unwrap()).unwrap(), whole.predict(&x).unwrap());
    }

    /// The mean over the samples handed out is that of the truncated model's [`Sequential::predict_mc_each`], network by network.
    #[test]
    fn with_dropout_on_the_networks_are_those_of_monte_carlo_prediction() {
        let (x, layers) = (inputs(&[260, 12, 12, 1]), layers());
        let names = stack(&layers, 1).layer_names().unwrap();
        for sampling in [Sampling::new(2).seed(7), Sampling::new(2).shared_masks(true)] {
            let mut together: Vec<Vec<f32>> = vec![Vec::new(); names.len()];
            let collect = |part: LayerValues| {
                together[part.layer].extend_from_slice(part.values);
                Ok(())
            };
            stack(&layers, 3).activations_each(&x, &names, sampling, collect).unwrap();
            for (count, name) in (1..).zip(&names) {
                let mut expected = Vec::new();
                let each = |outputs: ndarray::ArrayViewD<f32>| {
                    expected.extend(outputs.iter().copied());
                    Ok(())
                };
                stack(&layers[..count], 1).predict_mc_each(&x, sampling, each).unwrap();
                assert_eq!(together[count - 1], expected, "{name}");
            }
        }
    }

    #[test]
    fn layers_within_residual_blocks_work_too() {
        let dense = |units: usize| Dense::new(units).activation(Relu);
        let inner = Residual::new().add(dense(6)).add(Dropout::new(0.4)).add(dense(8));
        let block = Residual::new().add(dense(8)).add(inner).projection(Dense::new(8));
        let mut model = Sequential::new().add(dense(10).input_shape([7])).add(block).add(Dense::new(3));
        let x = inputs(&[40, 7]);
        let names = model.layer_names().unwrap();
        let expected = [
            "dense",
            "residual",
            "residual/dense",
            "residual/residual",
            "residual/residual/dense",
            "residual/residual/dropout",
            "residual/residual/dense_1",
            "residual/dense_1",
            "dense_1",
        ];
        assert_eq!(names, expected);
        let mut of = std::collections::BTreeMap::new();
        let collect = |part: LayerValues| {
            of.insert(expected[part.layer], part.values.to_vec());
            Ok(())
        };
        model.activations_each(&x, &names, Sampling::new(1), collect).unwrap();
        let sum = |a: &str, b: &str| -> Vec<f32> { of[a].iter().zip(&of[b]).map(|(a, b)| a + b).collect() };
        assert_eq!(of["residual"], sum("residual/residual", "residual/dense_1"));
        assert_eq!(of["residual/residual"], sum("residual/dense", "residual/residual/dense_1"));
        let weights = model.get_weights().unwrap();
        let names_of_weights = model.weight_names().unwrap();
        let weight = |name: &str| {
            let place = names_of_weights.iter().position(|other| other == name).unwrap();
            &weights[place]
        };
        let kernel: Array2<f32> =
            weight("residual/residual/dense_1/kernel").clone().into_dimensionality().unwrap();
        let dropped = Array2::from_shape_vec((40, 6), of["residual/residual/dropout"].clone()).unwrap();
        let plain = dropped.dot(&kernel).mapv(|value: f32| value.max(0.0));
        let got = &of["residual/residual/dense_1"];
        assert!(plain.iter().zip(got).all(|(a, b)| (a - b).abs() < 1e-5));
        // Alone, each layer gives what it gives among all.
        let mut alone = Vec::new();
        let collect = |part: LayerValues| {
            alone.extend_from_slice(part.values);
            Ok(())
        };
        model.activations_each(&x, &["residual/residual/dense_1"], Sampling::new(1), collect).unwrap();
        assert_eq!(&alone, got);
    }

    #[test]
    fn layers_to_look_into_are_found() {
        let mut linear = Sequential::new().add(Dense::new(3).input_shape([4])).add(Dense::new(2));
        assert_eq!(linear.activation_layers().unwrap(), ["dense"]);
        let mut single = Sequential::new().add(Dense::new(3).activation(Relu).input_shape([4]));
        assert_eq!(single.activation_layers().unwrap(), ["dense"]);
        let mut convolutional = stack(&layers(), 1);
        let expected = ["conv2d", "re_lu", "dense", "dense_1"];
        assert_eq!(convolutional.activation_layers().unwrap(), expected);
    }

    #[test]
    fn a_layer_that_is_not_there_is_named_with_the_nearest() {
        let mut model =
            Sequential::new().add(Dense::new(3).name("hidden").input_shape([4])).add(Dense::new(2));
        let message = |result: Result<ArrayD<f32>>| result.unwrap_err().to_string();
        let x = inputs(&[2, 4]);
        assert_eq!(message(model.activations(&x, "hiden")), "unknown layer `hiden`: did you mean `hidden`?");
        let error = message(model.activations(&inputs(&[2, 5]), "hidden"));
        assert!(error.starts_with("expected samples of shape (None, 4), got (None, 5)"), "{error}");
        let none = model.activations_each(&x, &["hidden"], Sampling::new(0), |_| Ok(()));
        assert_eq!(none.unwrap_err().to_string(), "expected at least one Monte-Carlo sample, got 0");
        assert_eq!(model.activations(&inputs(&[0, 4]), "hidden").unwrap().shape(), [0, 3]);
        let stopped = model.activations_each(&x, &["hidden"], None, |_| Err(Error::Interrupted));
        assert!(matches!(stopped, Err(Error::Interrupted)));
    }
}
