//! Monte-Carlo dropout.

use ndarray::{ArrayD, IxDyn};

use crate::data::Features;
use crate::engine::Phase;
use crate::error::{Error, Result};
use crate::model::Sequential;

/// What a number of thinned networks say: the mean and the variance of their outputs, both of shape (inputs, …).
#[derive(Clone, Debug)]
pub struct MonteCarlo {
    /// The mean over the networks.
    pub mean: ArrayD<f32>,
    /// The variance over the networks, divided by their number.
    pub variance: ArrayD<f32>,
}

/// The first step that draws are made for: training does not come so far.
const FIRST_STEP: u64 = 1 << 63;

impl Sequential {
    /// Predicts with `samples` thinned networks, each with dropout and noise on and masks of its own for each input;
    /// everything else is as in [`predict`](Self::predict): batch statistics stay frozen.
    ///
    /// Gal & Ghahramani 2016, "Dropout as a Bayesian approximation". The same seed gives the same bits, for any number of
    /// threads. Memory does not grow with the number of samples.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use thinnet::prelude::*;
    /// let mut model = Sequential::new()
    ///     .add(Dense::new(16).activation(Relu).input_shape([3]))
    ///     .add(Dropout::new(0.5))
    ///     .add(Dense::new(1));
    /// let prediction = model.predict_mc(&Array2::<f32>::ones((2, 3)), 100)?;
    /// assert_eq!(prediction.mean.shape(), [2, 1]);
    /// assert!(prediction.variance[[0, 0]] > 0.0);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and for no samples.
    pub fn predict_mc<'a>(&mut self, x: impl Into<Features<'a>>, samples: usize) -> Result<MonteCarlo> {
        if samples == 0 {
            return Err(Error::Usage("expected at least one Monte-Carlo sample, got 0".into()));
        }
        let features = x.into();
        let shape = self.check_inputs(&features)?;
        let len = shape.iter().product();
        let mut output = vec![0.0_f32; len];
        // The running mean and the sum of squared deviations from it (Welford 1962).
        let (mut means, mut squares) = (vec![0.0_f64; len], vec![0.0_f64; len]);
        if let Some(mut runner) = self.output_runner(Phase::MonteCarlo, features.len())? {
            for sample in 0..samples {
                self.outputs(&mut runner, &features, FIRST_STEP + sample as u64, &mut output)?;
                for ((mean, square), &y) in means.iter_mut().zip(&mut squares).zip(&output) {
                    let before = f64::from(y) - *mean;
                    *mean += before / (sample + 1) as f64;
                    *square += before * (f64::from(y) - *mean);
                }
            }
        }
        let array = |values: Vec<f64>| {
            let values = values.into_iter().map(|value| value as f32).collect();
            ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|error| Error::Data(error.to_string()))
        };
        squares.iter_mut().for_each(|square| *square /= samples as f64);
        Ok(MonteCarlo { mean: array(means)?, variance: array(squares)? })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis};

    use crate::prelude::*;

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

    #[test]
    fn the_bits_depend_on_neither_threads_nor_the_inputs_behind() {
        let network = |threads: usize| {
            Sequential::new()
                .threads(threads)
                .add(Dense::new(64).activation(Relu).input_shape([4]))
                .add(Dropout::new(0.5))
                .add(Dense::new(64).activation(Relu))
                .add(GaussianNoise::new(0.1))
                .add(Dense::new(2))
        };
        let x = inputs();
        let one = network(1).predict_mc(&x, 5).unwrap();
        let three = network(3).predict_mc(&x, 5).unwrap();
        assert_eq!((&one.mean, &one.variance), (&three.mean, &three.variance));
        let part = network(1).predict_mc(x.view().split_at(Axis(0), 300).0, 5).unwrap();
        assert_eq!(part.mean, one.mean.view().split_at(Axis(0), 300).0);
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
