//! Monte-Carlo dropout.

use ndarray::{ArrayViewD, IxDyn};

use super::distribution::Distribution;
use super::predictive::Moments;
use super::{Predictive, Sampling};
use crate::data::Features;
use crate::error::{Error, Result};
use crate::model::Sequential;

impl Sequential {
    /// Predicts with a number of thinned networks, each with dropout and noise on and, if not told otherwise, with masks of
    /// its own for each input ([`Sampling`]); everything else is as in [`predict`](Self::predict): batch statistics stay
    /// frozen.
    ///
    /// Gal & Ghahramani 2016, "Dropout as a Bayesian approximation". The same seed gives the same bits, for any number of
    /// threads. Memory does not grow with the number of samples. For a model without dropout
    /// ([`is_stochastic`](Self::is_stochastic)) all samples are the same and every variance is 0.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use thinnet::prelude::*;
    /// use thinnet::uncertainty::Sampling;
    /// let mut model = Sequential::new()
    ///     .add(Dense::new(16).activation(Relu).input_shape([3]))
    ///     .add(Dropout::new(0.5))
    ///     .add(Dense::new(1));
    /// let x = Array2::<f32>::ones((2, 3));
    /// let prediction = model.predict_mc(&x, 100)?;
    /// assert_eq!(prediction.mean.shape(), [2, 1]);
    /// assert!(prediction.variance[[0, 0]] > 0.0);
    /// // The same thinned networks for both inputs, which are equal:
    /// let smooth = model.predict_mc(&x, Sampling::new(100).shared_masks(true).seed(7))?;
    /// assert_eq!(smooth.mean[[0, 0]], smooth.mean[[1, 0]]);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and for no samples.
    pub fn predict_mc<'a>(
        &mut self,
        x: impl Into<Features<'a>>,
        sampling: impl Into<Sampling>,
    ) -> Result<Predictive> {
        self.predict_mc_each(x, sampling, |_| Ok(()))
    }

    /// As [`predict_mc`](Self::predict_mc), and gives `each` the outputs of every thinned network for all inputs, one network
    /// after the other.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use thinnet::prelude::*;
    /// let mut model = Sequential::new().add(Dropout::new(0.5).input_shape([3])).add(Dense::new(1));
    /// let mut highest = f32::MIN;
    /// model.predict_mc_each(&Array2::<f32>::ones((2, 3)), 100, |outputs| {
    ///     highest = highest.max(outputs[[0, 0]]);
    ///     Ok(())
    /// })?;
    /// assert!(highest > 0.0);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`predict_mc`](Self::predict_mc), and those of `each`, which end the sampling.
    pub fn predict_mc_each<'a>(
        &mut self,
        x: impl Into<Features<'a>>,
        sampling: impl Into<Sampling>,
        mut each: impl FnMut(ArrayViewD<f32>) -> Result<()>,
    ) -> Result<Predictive> {
        let (features, sampling) = (x.into(), sampling.into());
        sampling.check()?;
        let shape = self.check_inputs(&features)?;
        let features = self.standardized_inputs(features)?;
        let outputs = shape.last().copied().unwrap_or(1);
        let distribution = Distribution::of(self, outputs);
        let of_rows = |rows: usize| Moments::new(&[&[rows], &shape[1..]].concat(), distribution);
        let steps = (0..sampling.samples()).map(|sample| sampling.step(sample));
        let parts =
            self.thinned_outputs(&features, sampling.is_shared(), steps, of_rows, Moments::add, |outputs| {
                let view = ArrayViewD::from_shape(IxDyn(&shape), outputs);
                each(view.map_err(|error| Error::Data(error.to_string()))?)
            })?;
        let networks = if parts.is_empty() { 0 } else { sampling.samples() };
        let mut moments = Moments::joined(&shape, distribution, networks, parts);
        if let Some(scale) = self.target_scale() {
            moments.invert(scale);
        }
        moments.finish()
    }

    /// Whether the outputs are probabilities, or their logits: see [`Predictive::is_classification`]. False for a model that was
    /// neither built nor compiled.
    pub fn gives_probabilities(&self) -> bool {
        Distribution::of(self, 1) != Distribution::Real
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis};

    use crate::prelude::*;
    use crate::schedules::{Linear, Rate};
    use crate::uncertainty::Sampling;

    fn inputs() -> Array2<f32> {
        Array2::from_shape_fn((600, 4), |(i, j)| ((i * 7 + j * 5) % 11) as f32 / 5.0)
    }

    /// Of one linear unit behind dropout, mean and variance are known.
    #[test]
    fn mean_and_variance_are_those_of_the_masks() {
        let mut model = Sequential::new()
            .add(Dropout::new(0.25).input_shape([4]))
            .add(Dense::new(1).use_bias(false).kernel_initializer("ones"));
        let x = inputs();
        let samples = 2000;
        let prediction = model.predict_mc(&x, samples).unwrap();
        for (row, (mean, variance)) in
            x.rows().into_iter().zip(prediction.mean.iter().zip(&prediction.variance))
        {
            let expected = row.iter().map(|&x| f64::from(x)).sum::<f64>();
            let of_masks = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() * 0.25 / 0.75;
            // Six standard errors: of 600 rows one would fail by chance once in a million.
            let error = 6.0 * (of_masks / samples as f64).sqrt() + 1e-5;
            assert!((f64::from(*mean) - expected).abs() < error, "{mean} {expected}");
            assert!(
                (f64::from(*variance) - of_masks).abs() < 0.25 * of_masks + 1e-6,
                "{variance} {of_masks}"
            );
        }
    }

    fn network(threads: usize) -> Sequential {
        Sequential::new()
            .threads(threads)
            .add(Dense::new(64).activation(Relu).input_shape([4]))
            .add(Dropout::new(0.5))
            .add(Dense::new(64).activation(Relu))
            .add(GaussianNoise::new(0.1))
            .add(Dropout::new(0.2).noise_shape([-1, 1]).seed(3))
            .add(Dense::new(2).activation(Softmax))
    }

    #[test]
    fn the_bits_depend_on_neither_threads_nor_the_inputs_behind() {
        let x = inputs();
        for sampling in [Sampling::new(5), Sampling::new(5).shared_masks(true).seed(9)] {
            let one = network(1).predict_mc(&x, sampling).unwrap();
            let three = network(3).predict_mc(&x, sampling).unwrap();
            assert_eq!((&one.mean, &one.variance), (&three.mean, &three.variance));
            assert_eq!(one.mutual_information().unwrap(), three.mutual_information().unwrap());
            let part = network(1).predict_mc(x.view().split_at(Axis(0), 300).0, sampling).unwrap();
            assert_eq!(part.mean, one.mean.view().split_at(Axis(0), 300).0);
        }
    }

    /// With shared masks each input goes through the networks that it would meet as the only one.
    #[test]
    fn shared_masks_are_the_same_for_all_inputs() {
        let x = inputs();
        let shared = network(2).predict_mc(&x, Sampling::new(4).shared_masks(true)).unwrap();
        let apart = network(2).predict_mc(&x, 4).unwrap();
        let mut others = 0;
        for place in [0, 1, 299, 599] {
            let only =
                network(1).predict_mc(x.view().slice_axis(Axis(0), (place..=place).into()), 4).unwrap();
            assert_eq!(only.mean.index_axis(Axis(0), 0), shared.mean.index_axis(Axis(0), place));
            others += usize::from(only.mean.index_axis(Axis(0), 0) != apart.mean.index_axis(Axis(0), place));
        }
        assert_eq!(others, 3, "otherwise only the first input has those masks");
    }

    #[test]
    fn seeds_choose_other_samples_and_repeat_their_own() {
        let x = inputs();
        let mean = |sampling: Sampling| network(1).predict_mc(&x, sampling).unwrap().mean;
        let means = [None, Some(1), Some(2)].map(|seed| {
            let sampling = seed.map_or(Sampling::new(3), |seed| Sampling::new(3).seed(seed));
            assert_eq!(mean(sampling), mean(sampling));
            mean(sampling)
        });
        assert!(means[0] != means[1] && means[1] != means[2] && means[0] != means[2]);
    }

    #[test]
    fn mean_and_variance_are_those_of_the_samples_handed_out() {
        let (x, mut all) = (inputs(), Vec::new());
        let prediction = network(2)
            .predict_mc_each(&x, 7, |outputs| {
                all.push(outputs.to_owned());
                Ok(())
            })
            .unwrap();
        assert_eq!(all.len(), 7);
        for (index, (&mean, &variance)) in prediction.mean.iter().zip(&prediction.variance).enumerate() {
            let values: Vec<f64> = all.iter().map(|a| f64::from(a.as_slice().unwrap()[index])).collect();
            let expected = values.iter().sum::<f64>() / 7.0;
            let spread = values.iter().map(|value| (value - expected).powi(2)).sum::<f64>() / 7.0;
            assert!((f64::from(mean) - expected).abs() < 1e-6);
            assert!((f64::from(variance) - spread).abs() < 1e-6);
        }
        let stopped = network(1).predict_mc_each(&x, 7, |_| Err(crate::Error::Interrupted));
        assert!(matches!(stopped, Err(crate::Error::Interrupted)));
    }

    #[test]
    fn a_model_that_draws_nothing_says_so() {
        let of = |layer: Dropout| Sequential::new().add(layer.input_shape([4])).add(Dense::new(1));
        assert!(of(Dropout::new(0.1)).is_stochastic().unwrap());
        assert!(!of(Dropout::new(0.0)).is_stochastic().unwrap());
        let mut model = Sequential::new().add(RandomFlip::new("horizontal").input_shape([4, 4, 1]));
        assert!(!model.is_stochastic().unwrap());
        let layers: [fn(Rate) -> Box<dyn Layer>; 3] = [
            |rate| Box::new(DropConnect::new(2, rate)),
            |rate| Box::new(MultiSampleDropout::new(rate, 4, Dense::new(2))),
            |rate| Box::new(Residual::new().add(Dense::new(4)).add(StochasticDepth::new(rate))),
        ];
        for layer in layers {
            let rates: [Rate; 4] =
                [0.0.into(), 0.1.into(), Linear::new(0.5, 0.0, 10).into(), Linear::new(0.0, 0.5, 10).into()];
            let is_stochastic = rates.map(|rate| {
                let mut model = Sequential::new().add(Input::new([4]));
                model.push(layer(rate));
                model.is_stochastic().unwrap()
            });
            assert_eq!(is_stochastic, [false, true, false, true], "{:?}", layer(0.0.into()));
        }
    }

    #[test]
    fn batch_statistics_stay_frozen() {
        let mut model = Sequential::new()
            .add(BatchNormalization::new().input_shape([4]))
            .add(Dense::new(3))
            .add(BatchNormalization::new());
        let x = inputs();
        let expected = model.predict(&x).unwrap();
        let before = model.get_weights().unwrap();
        let prediction = model.predict_mc(&x, 3).unwrap();
        assert_eq!(model.get_weights().unwrap(), before);
        assert_eq!(prediction.mean, expected);
        assert!(prediction.variance.iter().all(|&variance| variance == 0.0));
    }

    #[test]
    fn no_samples_are_an_error() {
        let mut model = Sequential::new().add(Dense::new(1).input_shape([4]));
        let message = model.predict_mc(&inputs(), 0).unwrap_err().to_string();
        assert_eq!(message, "expected at least one Monte-Carlo sample, got 0");
    }
}
