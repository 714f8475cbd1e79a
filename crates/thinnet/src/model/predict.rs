//! Predicting.

use ndarray::{ArrayD, IxDyn};

use super::evaluate::check_features;
use super::{BuiltModel, Sequential, pool_of};
use crate::data::Features;
use crate::engine::{Outputs, Phase};
use crate::error::{Error, Result};

/// f32 of what thinned networks have in common that are kept at most: 256 MiB.
const MOST_KEPT: usize = 1 << 26;

impl Sequential {
    /// The model's output for each sample, with dropout and noise off; the first axis counts the samples.
    ///
    /// # Errors
    /// Where the model is not built or the samples have another shape than its input.
    pub fn predict<'a>(&mut self, x: impl Into<Features<'a>>) -> Result<ArrayD<f32>> {
        let features = x.into();
        let shape = self.check_inputs(&features)?;
        let features = self.standardized_inputs(features)?;
        let mut output = vec![0.0; shape.iter().product()];
        if !features.is_empty() {
            let threads = self.thread_count();
            let BuiltModel { parameters, plan, .. } =
                self.built.as_ref().ok_or_else(|| Error::Usage("the model is not built".into()))?;
            let kept = self.outputs.take().filter(|kept| kept.suits(plan, features.len(), threads));
            let mut outputs =
                kept.unwrap_or_else(|| Outputs::new(plan, Phase::Inference, features.len(), threads));
            let pool = pool_of(&mut self.pool, outputs.threads())?;
            outputs.prepare(pool, plan, parameters, features.len());
            let mut states: Vec<()> = outputs.tasks().map(|_| ()).collect();
            outputs.write(pool, plan, parameters, &features, 0, &mut output, &mut states, |(), _| {});
            self.outputs = Some(outputs);
        }
        if let Some(scale) = self.target_scale() {
            scale.invert(&mut output);
        }
        ArrayD::from_shape_vec(IxDyn(&shape), output).map_err(|error| Error::Data(error.to_string()))
    }

    /// Builds the model, checks inputs, and gives the shape of their outputs.
    pub(crate) fn check_inputs(&mut self, features: &Features) -> Result<Vec<usize>> {
        self.build()?;
        let built = self.built()?;
        check_features(built, features)?;
        Ok([&[features.len()], built.plan.output.axes()].concat())
    }

    /// The outputs of a number of thinned networks for some inputs, one network after the other; `step` is what the draws of each
    /// depend on. The inputs are cut into parts of some rows, whose states, made by `state`, `add` gets together with a
    /// network's outputs for them, side by side. `each` gets a network's outputs for all inputs. Inputs come standardized where the model wants
    /// them so; `add` gets the network's own outputs, `each` gets them in the targets' units.
    pub(crate) fn thinned_outputs<T: Send>(
        &mut self,
        features: &Features,
        shared_masks: bool,
        steps: impl Iterator<Item = u64>,
        state: impl Fn(usize) -> T,
        add: impl Fn(&mut T, &[f32]) + Sync,
        mut each: impl FnMut(&[f32]) -> Result<()>,
    ) -> Result<Vec<T>> {
        let (phase, threads) = (Phase::MonteCarlo { shared: shared_masks }, self.thread_count());
        let BuiltModel { parameters, plan, .. } =
            self.built.as_ref().ok_or_else(|| Error::Usage("the model is not built".into()))?;
        if features.is_empty() {
            return Ok(Vec::new());
        }
        let mut outputs = Outputs::new(plan, phase, features.len(), threads);
        let scale = self.standardization.as_ref().and_then(|standardization| standardization.y.as_ref());
        let pool = pool_of(&mut self.pool, outputs.threads())?;
        outputs.prepare(pool, plan, parameters, features.len());
        outputs.keep(pool, plan, parameters, features, MOST_KEPT);
        let mut states: Vec<T> = outputs.tasks().map(state).collect();
        let mut output = vec![0.0; features.len() * plan.output.len()];
        for step in steps {
            outputs.write(pool, plan, parameters, features, step, &mut output, &mut states, &add);
            if let Some(scale) = scale {
                scale.invert(&mut output);
            }
            each(&output)?;
        }
        Ok(states)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, Axis, Slice};

    use super::*;
    use crate::prelude::*;

    fn dense() -> Sequential {
        Sequential::new().add(Dense::new(24).activation(Relu).input_shape([60]))
    }

    fn inputs(samples: usize) -> Array2<f32> {
        Array2::from_shape_fn((samples, 60), |(i, j)| ((i * 31 + j * 17 + i * j) % 23) as f32 / 11.0 - 1.0)
    }

    /// With draws before and behind everything, in one branch or the other, in a matrix product, and without any.
    fn models() -> Vec<Sequential> {
        let convolution = Conv2D::new(8, 3).padding(Padding::Same).activation(Relu);
        let branch = || Residual::new().add(Dense::new(24).activation(Tanh));
        vec![
            Sequential::new().add(Dropout::new(0.5).input_shape([60])).add(Dense::new(2)),
            dense().add(Dropout::new(0.5)).add(Dense::new(24)).add(Dropout::new(0.2)).add(Dense::new(2)),
            dense().add(Dense::new(4)).add(GaussianNoise::new(0.1)),
            dense().add(branch().add(Dropout::new(0.5)).add(Dense::new(24))).add(Dense::new(3)),
            dense().add(branch().projection(Dropout::new(0.5))).add(Dense::new(3)),
            dense().add(branch().add(StochasticDepth::new(0.5))).add(Dense::new(3)),
            dense().add(DropConnect::new(5, 0.3)).add(Dense::new(2).activation(Softmax)),
            Sequential::new().add(DropConnect::new(5, 0.3).input_shape([60])),
            dense().add(Dropout::new(0.0)).add(Dense::new(2)),
            Sequential::new()
                .add(Reshape::new([6, 5, 2]).input_shape([60]))
                .add(convolution)
                .add(BatchNormalization::new())
                .add(SpatialDropout2D::new(0.3))
                .add(MaxPooling2D::new(2))
                .add(Flatten::new())
                .add(Dense::new(3)),
        ]
    }

    /// What networks have in common may be kept for all inputs, for some, or for none.
    #[test]
    fn what_thinned_networks_have_in_common_does_not_change_their_bits() {
        let x = inputs(300);
        let features = Features::from(&x);
        for (index, mut model) in models().into_iter().enumerate() {
            model.build().unwrap();
            let BuiltModel { parameters, plan, .. } = model.built.as_ref().unwrap();
            for (threads, shared) in [(1, false), (3, true)] {
                let mut pool = None;
                let mut outputs = |most: usize| {
                    let mut outputs = Outputs::new(plan, Phase::MonteCarlo { shared }, 300, threads);
                    let pool = pool_of(&mut pool, threads).unwrap();
                    outputs.prepare(pool, plan, parameters, 300);
                    outputs.keep(pool, plan, parameters, &features, most);
                    let mut states: Vec<()> = outputs.tasks().map(|_| ()).collect();
                    let networks = (1 << 63..(1 << 63) + 8).map(|step| {
                        let mut y = vec![f32::NAN; 300 * plan.output.len()];
                        outputs.write(
                            pool,
                            plan,
                            parameters,
                            &features,
                            step,
                            &mut y,
                            &mut states,
                            |(), _| {},
                        );
                        y
                    });
                    networks.collect::<Vec<_>>()
                };
                let anew = outputs(0);
                assert_eq!(outputs(usize::MAX), anew, "model {index}, {threads} threads");
                assert_eq!(outputs(200 * 24), anew, "model {index}, {threads} threads");
                let differ = anew.iter().any(|outputs| *outputs != anew[0]);
                assert_eq!(differ, plan.first_draw().is_some(), "model {index}");
            }
        }
    }

    /// Whatever changes the weights: what was made of the old ones must not be used again.
    #[test]
    fn predictions_follow_the_weights() {
        let (x, y) = (inputs(70), Array1::from_shape_fn(70, |i| (i % 3) as u8));
        let model = || {
            let mut model = models().pop().unwrap();
            model.compile("sgd", "mse", [""; 0]).unwrap();
            model
        };
        let folder = tempfile::tempdir().unwrap();
        let (weights, state) = (folder.path().join("weights.safetensors"), folder.path().join("state"));
        let mut other = Sequential::new().seed(7);
        model().layers().iter().for_each(|layer| other.push(layer.clone()));
        other.compile("sgd", "mse", [""; 0]).unwrap();
        other.save(&weights).unwrap();
        other.save_state(&state, &serde_json::json!({}), &Default::default()).unwrap();
        let theirs = other.get_weights().unwrap();
        let targets = Array2::from_shape_fn((70, 3), |(i, j)| f32::from(u8::from(usize::from(y[i]) == j)));
        let one_step = || Fit::new().batch_size(70).verbose(false);
        type Change<'a> = &'a dyn Fn(&mut Sequential) -> Result<()>;
        let changes: [(&str, Change); 6] = [
            ("set_weights", &|model| model.set_weights(&theirs)),
            ("load_weights", &|model| model.load_weights(&weights)),
            ("load_state", &|model| model.load_state(&state).map(drop)),
            ("fit", &|model| model.fit((&x, &targets), one_step()).map(drop)),
            ("train_on_batch", &|model| model.train_on_batch((&x, &targets)).map(drop)),
            ("compile and fit", &|model| {
                model.compile("adam", "mse", [""; 0])?;
                model.fit((&x, &targets), one_step()).map(drop)
            }),
        ];
        for (name, change) in changes {
            let mut model = model();
            let before = model.predict(&x).unwrap();
            change(&mut model).unwrap();
            let after = model.predict(&x).unwrap();
            let mut fresh = models().pop().unwrap();
            fresh.set_weights(&model.get_weights().unwrap()).unwrap();
            assert!(before != after, "{name}");
            assert_eq!(fresh.predict(&x).unwrap(), after, "{name}");
            // Other numbers of inputs, and back.
            for samples in [1, 70, 3] {
                let first = Slice::from(..samples);
                let part = model.predict(x.slice_axis(Axis(0), first)).unwrap();
                assert_eq!(part, after.slice_axis(Axis(0), first), "{name}");
            }
        }
    }
}
