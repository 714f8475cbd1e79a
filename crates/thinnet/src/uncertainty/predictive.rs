//! What several networks say together.

use ndarray::{Array1, Array2, ArrayD, IxDyn};

use super::distribution::Distribution;
use super::interval::normal_quantile;
use crate::data::{Scale, Targets};
use crate::error::{Error, Result};

/// What a number of networks say of some inputs: thinned networks
/// ([`predict_mc`](crate::model::Sequential::predict_mc)), or the members of an ensemble. Entropies are in nats.
#[derive(Clone, Debug)]
pub struct Predictive {
    /// The mean of the networks' outputs, of shape (inputs, …).
    pub mean: ArrayD<f32>,
    /// The variance of the networks' outputs, divided by the number of networks; of the same shape.
    pub variance: ArrayD<f32>,
    networks: usize,
    distribution: Distribution,
    /// The means of the probabilities that the outputs stand for; empty where they stand for none.
    probabilities: Vec<f64>,
    expected_entropy: Vec<f64>,
}

impl Predictive {
    /// How many networks were asked.
    pub fn networks(&self) -> usize {
        self.networks
    }

    /// Whether the outputs are probabilities, or their logits: whether there are entropies. That follows from the model's
    /// last activation (softmax, sigmoid), else from the loss that it was compiled with (a cross-entropy).
    pub fn is_classification(&self) -> bool {
        self.distribution != Distribution::Real
    }

    /// The mean probability of each class: a row an input. One sigmoid output is the probability of the second of two
    /// classes.
    ///
    /// # Errors
    /// Where the outputs do not say of each input one class.
    pub fn probabilities(&self) -> Result<Array2<f32>> {
        let rank = self.mean.ndim();
        let width = self.mean.shape().get(1).copied().unwrap_or(1);
        let second = |input: usize, class: usize| {
            let p = self.probabilities[input];
            (if class == 1 { p } else { 1.0 - p }) as f32
        };
        match self.distribution {
            Distribution::Categorical { .. } if rank == 2 => {
                let p = |(input, class)| self.probabilities[input * width + class] as f32;
                Ok(Array2::from_shape_fn((self.inputs(), width), p))
            }
            Distribution::Bernoulli { .. } if rank == 2 && width == 1 => {
                Ok(Array2::from_shape_fn((self.inputs(), 2), |(input, class)| second(input, class)))
            }
            _ => Err(Error::Data(format!(
                "expected a model that says of each input one class (softmax over all outputs, or one sigmoid output), got \
                 outputs of shape {:?}{}",
                &self.mean.shape()[1..],
                if self.is_classification() {
                    " of several labels or places"
                } else {
                    " that are no probabilities"
                }
            ))),
        }
    }

    /// The mean probability that each output stands for, of shape (inputs, …): where there are several labels or places, that of
    /// each.
    ///
    /// # Errors
    /// Where the outputs are no probabilities.
    pub fn label_probabilities(&self) -> Result<ArrayD<f32>> {
        self.check_classification()?;
        let probabilities = self.probabilities.iter().map(|&p| p as f32).collect();
        ArrayD::from_shape_vec(self.mean.raw_dim(), probabilities)
            .map_err(|error| Error::Data(error.to_string()))
    }

    /// Each input's predictive entropy: that of the mean probabilities, H\[p̄\] = −Σ p̄ ln p̄. It is high where the networks
    /// are unsure, and where they disagree. Where there are several labels or places it is the sum over them.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use thinnet::prelude::*;
    /// let mut model = Sequential::new().add(Dropout::new(0.5).input_shape([3])).add(Dense::new(4).activation(Softmax));
    /// let prediction = model.predict_mc(&Array2::<f32>::ones((2, 3)), 100)?;
    /// let (total, within) = (prediction.entropy()?, prediction.expected_entropy()?);
    /// assert!(total[0] > within[0] && total[0] <= 4_f64.ln());
    /// assert_eq!(prediction.mutual_information()?[0], total[0] - within[0]);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the outputs are no probabilities.
    pub fn entropy(&self) -> Result<Array1<f64>> {
        self.check_classification()?;
        let width = self.probabilities.len() / self.inputs().max(1);
        let rows = self.probabilities.chunks_exact(width.max(1));
        Ok(rows.map(|row| self.distribution.entropy(row)).collect())
    }

    /// Each input's expected entropy: the mean of the networks' own entropies. It is what they are unsure of by themselves
    /// (aleatoric uncertainty).
    ///
    /// # Errors
    /// Where the outputs are no probabilities.
    pub fn expected_entropy(&self) -> Result<Array1<f64>> {
        self.check_classification()?;
        Ok(Array1::from_vec(self.expected_entropy.clone()))
    }

    /// Each input's mutual information between the prediction and the network: [`entropy`](Self::entropy) −
    /// [`expected_entropy`](Self::expected_entropy). It is what the networks disagree on (epistemic uncertainty), and 0 for a
    /// single one. Houlsby et al. 2011, "Bayesian active learning for classification and preference learning" (BALD); Gal
    /// 2016, "Uncertainty in deep learning", 3.3.1.
    ///
    /// # Errors
    /// Where the outputs are no probabilities.
    pub fn mutual_information(&self) -> Result<Array1<f64>> {
        // It is never negative, but for rounding.
        let mut information = self.entropy()?;
        information
            .zip_mut_with(&self.expected_entropy()?, |total, &within| *total = (*total - within).max(0.0));
        Ok(information)
    }

    /// For each output the bounds between which a share `level` of all targets is to be expected: mean ± z·√(variance +
    /// `noise_variance`), z being the normal distribution's quantile.
    ///
    /// `noise_variance` is that of the targets around the true function, 1/τ in Gal & Ghahramani 2016; with 0 the interval
    /// is that of the function.
    ///
    /// ```
    /// # use ndarray::Array2;
    /// # use thinnet::prelude::*;
    /// let mut model = Sequential::new().add(Dropout::new(0.5).input_shape([3])).add(Dense::new(1));
    /// let prediction = model.predict_mc(&Array2::<f32>::ones((2, 3)), 100)?;
    /// let (lower, upper) = prediction.interval(0.95, 0.01)?;
    /// assert!(lower[[0, 0]] < prediction.mean[[0, 0]] && prediction.mean[[0, 0]] < upper[[0, 0]]);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the outputs are probabilities, `level` is not between 0 and 1, or the variance is negative or infinite.
    pub fn interval(&self, level: f64, noise_variance: f64) -> Result<(ArrayD<f32>, ArrayD<f32>)> {
        if self.is_classification() {
            let message = "intervals are for regression: this model's outputs are probabilities";
            return Err(Error::Usage(message.into()));
        }
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::Usage(format!("expected a level between 0 and 1, such as 0.95, got {level}")));
        }
        if !(noise_variance >= 0.0 && noise_variance.is_finite()) {
            let message = format!("expected a noise variance that is not negative, got {noise_variance}");
            return Err(Error::Usage(message));
        }
        let z = normal_quantile(0.5 + level / 2.0);
        let bound = |sign: f64| {
            let mut bound = self.mean.clone();
            bound.zip_mut_with(&self.variance, |mean, &variance| {
                *mean = (f64::from(*mean) + sign * z * (f64::from(variance) + noise_variance).sqrt()) as f32;
            });
            bound
        };
        Ok((bound(-1.0), bound(1.0)))
    }

    /// The root of the mean squared error of the networks' mean, over all inputs and outputs: "MC RMSE" where the networks are
    /// samples of Monte-Carlo dropout.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use thinnet::prelude::*;
    /// let mut model = Sequential::new().add(Dropout::new(0.5).input_shape([1])).add(Dense::new(1));
    /// let prediction = model.predict_mc(&Array2::<f32>::zeros((2, 1)), 100)?;
    /// assert_eq!(prediction.root_mean_squared_error(&array![[3.0_f32], [-3.0]])?, 3.0);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where there are not as many targets as outputs, or the outputs are probabilities.
    pub fn root_mean_squared_error<'a>(&self, y: impl Into<Targets<'a>>) -> Result<f64> {
        let targets = regression_targets(self.is_classification(), self.mean.len(), &y.into())?;
        let squares = self.mean.iter().zip(&targets).map(|(&mean, y)| (f64::from(mean) - y).powi(2));
        Ok((squares.sum::<f64>() / targets.len() as f64).sqrt())
    }

    /// What a loss is measured on: the mean, or where outputs are logits those of the mean probabilities.
    pub(crate) fn for_loss(&self) -> ArrayD<f32> {
        // The logarithm of zero is no number that a loss could be computed from.
        let ln = |p: f64| p.max(f64::from(f32::MIN_POSITIVE)).ln();
        let logit = |p: f64| match self.distribution {
            Distribution::Categorical { from_logits: true, .. } => Some(ln(p)),
            Distribution::Bernoulli { from_logits: true } => Some(ln(p) - ln(1.0 - p)),
            _ => None,
        };
        let mut outputs = self.mean.clone();
        for (output, &p) in outputs.iter_mut().zip(&self.probabilities) {
            *output = logit(p).map_or(*output, |logit| logit as f32);
        }
        outputs
    }

    fn inputs(&self) -> usize {
        self.mean.shape()[0]
    }

    fn check_classification(&self) -> Result<()> {
        if self.is_classification() {
            return Ok(());
        }
        Err(Error::Usage(
            "entropies need probabilities: the model ends in neither softmax nor sigmoid, and was not compiled with a \
             cross-entropy"
                .into(),
        ))
    }
}

/// The targets of a regression with so many outputs in all.
pub(super) fn regression_targets(is_classification: bool, outputs: usize, y: &Targets) -> Result<Vec<f64>> {
    if is_classification {
        let message = "expected a regression: this model's outputs are probabilities";
        return Err(Error::Usage(message.into()));
    }
    let targets: Vec<f64> = match y {
        Targets::Classes(numbers) => numbers.iter().map(|&number| number as f64).collect(),
        Targets::Values { values, .. } => values.iter().map(|&value| f64::from(value)).collect(),
    };
    if targets.len() == outputs && outputs > 0 {
        return Ok(targets);
    }
    Err(Error::Data(format!("expected a target for each of {outputs} outputs, got {}", targets.len())))
}

/// Sums over networks, one after the other: memory does not grow with their number.
#[derive(Debug)]
pub(super) struct Moments {
    shape: Vec<usize>,
    distribution: Distribution,
    networks: usize,
    means: Vec<f64>,
    /// The sums of squared deviations from the running means (Welford 1962).
    squares: Vec<f64>,
    /// Sums of probabilities and of their entropies; empty where there are none.
    probabilities: Vec<f64>,
    entropies: Vec<f64>,
    row: Vec<f64>,
}

impl Moments {
    /// No network yet; `shape` is that of a network's outputs for all inputs.
    pub(super) fn new(shape: &[usize], distribution: Distribution) -> Self {
        let (len, inputs) = (shape.iter().product(), shape[0]);
        let (probabilities, entropies) = match distribution {
            Distribution::Real => (0, 0),
            _ => (len, inputs),
        };
        Self {
            shape: shape.to_vec(),
            distribution,
            networks: 0,
            means: vec![0.0; len],
            squares: vec![0.0; len],
            probabilities: vec![0.0; probabilities],
            entropies: vec![0.0; entropies],
            row: vec![0.0; shape[1..].iter().product()],
        }
    }

    /// What some networks say of all inputs, from what they say of parts of them, in order; `shape` is as for [`new`](Self::new).
    pub(super) fn joined(
        shape: &[usize],
        distribution: Distribution,
        networks: usize,
        parts: impl IntoIterator<Item = Self>,
    ) -> Self {
        let (mut means, mut squares) = (Vec::new(), Vec::new());
        let (mut probabilities, mut entropies) = (Vec::new(), Vec::new());
        for part in parts {
            means.extend(part.means);
            squares.extend(part.squares);
            probabilities.extend(part.probabilities);
            entropies.extend(part.entropies);
        }
        let (shape, row) = (shape.to_vec(), Vec::new());
        Self { shape, distribution, networks, means, squares, probabilities, entropies, row }
    }

    /// Adds a network's outputs.
    pub(super) fn add(&mut self, outputs: &[f32]) {
        self.networks += 1;
        let share = 1.0 / self.networks as f64;
        for ((mean, square), &y) in self.means.iter_mut().zip(&mut self.squares).zip(outputs) {
            let before = f64::from(y) - *mean;
            *mean += before * share;
            *square += before * (f64::from(y) - *mean);
        }
        let width = self.row.len();
        if width == 0 || self.probabilities.is_empty() {
            return;
        }
        let rows = outputs.chunks_exact(width).zip(self.probabilities.chunks_exact_mut(width));
        for ((outputs, sums), entropy) in rows.zip(&mut self.entropies) {
            self.distribution.probabilities(outputs, &mut self.row);
            sums.iter_mut().zip(&self.row).for_each(|(sum, p)| *sum += p);
            *entropy += self.distribution.entropy(&self.row);
        }
    }

    /// Gives standardized outputs their own units.
    pub(super) fn invert(&mut self, scale: &Scale) {
        let len = scale.mean.len().max(1);
        let rows = self.means.chunks_exact_mut(len).zip(self.squares.chunks_exact_mut(len));
        for (means, squares) in rows {
            let scales = scale.mean.iter().zip(&scale.deviation);
            for ((mean, square), (shift, deviation)) in means.iter_mut().zip(squares).zip(scales) {
                *mean = *mean * deviation + shift;
                *square *= deviation * deviation;
            }
        }
    }

    /// What all networks say together.
    pub(super) fn finish(self) -> Result<Predictive> {
        let count = self.networks.max(1) as f64;
        let array = |values: Vec<f64>| {
            let values = values.into_iter().map(|value| value as f32).collect();
            ArrayD::from_shape_vec(IxDyn(&self.shape), values).map_err(|error| Error::Data(error.to_string()))
        };
        let divided = |sums: Vec<f64>| sums.into_iter().map(|sum| sum / count).collect::<Vec<f64>>();
        Ok(Predictive {
            mean: array(self.means)?,
            variance: array(divided(self.squares))?,
            networks: self.networks,
            distribution: self.distribution,
            probabilities: divided(self.probabilities),
            expected_entropy: divided(self.entropies),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(networks: &[&[f32]], shape: &[usize], distribution: Distribution) -> Predictive {
        let mut moments = Moments::new(shape, distribution);
        networks.iter().for_each(|outputs| moments.add(outputs));
        moments.finish().unwrap()
    }

    const CATEGORICAL: Distribution = Distribution::Categorical { classes: 2, from_logits: false };

    /// Two networks: of the first input they are sure and disagree, of the second they are both unsure, of the third sure.
    #[test]
    fn entropies_tell_disagreement_from_doubt() {
        let networks: [&[f32]; 2] = [&[1.0, 0.0, 0.5, 0.5, 0.0, 1.0], &[0.0, 1.0, 0.5, 0.5, 0.0, 1.0]];
        let prediction = of(&networks, &[3, 2], CATEGORICAL);
        let ln2 = std::f64::consts::LN_2;
        assert_eq!(prediction.entropy().unwrap().to_vec(), [ln2, ln2, 0.0]);
        assert_eq!(prediction.expected_entropy().unwrap().to_vec(), [0.0, ln2, 0.0]);
        assert_eq!(prediction.mutual_information().unwrap().to_vec(), [ln2, 0.0, 0.0]);
        assert_eq!(prediction.variance[[0, 0]], 0.25);
        assert_eq!(prediction.probabilities().unwrap().row(0).to_vec(), [0.5, 0.5]);
        assert_eq!(prediction.networks(), 2);
    }

    #[test]
    fn one_sigmoid_output_is_the_second_class_and_labels_add_up() {
        let bernoulli = Distribution::Bernoulli { from_logits: false };
        let prediction = of(&[&[0.25], &[0.75]], &[1, 1], bernoulli);
        assert_eq!(prediction.probabilities().unwrap().row(0).to_vec(), [0.5, 0.5]);
        let labels = of(&[&[0.5, 0.5]], &[1, 2], bernoulli);
        assert!((labels.entropy().unwrap()[0] - 2.0 * 2_f64.ln()).abs() < 1e-15);
        assert_eq!(labels.mutual_information().unwrap()[0], 0.0);
        let message = labels.probabilities().unwrap_err().to_string();
        assert!(message.ends_with("got outputs of shape [2] of several labels or places"), "{message}");
        let logits = of(&[&[0.0, 100.0]], &[1, 2], Distribution::Bernoulli { from_logits: true });
        assert_eq!(logits.label_probabilities().unwrap().as_slice().unwrap(), [0.5, 1.0]);
        assert!(of(&[&[1.0]], &[1, 1], Distribution::Real).label_probabilities().is_err());
    }

    /// Entropies of logits are those of the probabilities, whereas mean and variance are the outputs'.
    #[test]
    fn logits_are_averaged_as_probabilities() {
        let logits = Distribution::Categorical { classes: 2, from_logits: true };
        let prediction = of(&[&[1e3, -1e3], &[-1e3, 1e3]], &[1, 2], logits);
        assert_eq!(prediction.mean[[0, 0]], 0.0);
        assert_eq!(prediction.probabilities().unwrap().row(0).to_vec(), [0.5, 0.5]);
        assert_eq!(prediction.mutual_information().unwrap()[0], std::f64::consts::LN_2);
    }

    #[test]
    fn intervals_have_the_width_of_the_normal_distribution() {
        let prediction = of(&[&[1.0], &[3.0]], &[1, 1], Distribution::Real);
        let (lower, upper) = prediction.interval(0.95, 3.0).unwrap();
        assert!((upper[[0, 0]] - 5.919_928).abs() < 1e-5 && (lower[[0, 0]] + 1.919_928).abs() < 1e-5);
        let (lower, upper) = prediction.interval(0.682_689_5, 0.0).unwrap();
        assert!((lower[[0, 0]] - 1.0).abs() < 1e-5 && (upper[[0, 0]] - 3.0).abs() < 1e-5);
        for (level, noise) in [(0.0, 0.0), (1.0, 0.0), (f64::NAN, 0.0), (0.9, -1.0), (0.9, f64::INFINITY)] {
            assert!(prediction.interval(level, noise).is_err(), "{level} {noise}");
        }
        assert!(prediction.entropy().unwrap_err().to_string().starts_with("entropies need probabilities"));
        assert!(of(&[&[1.0, 0.0]], &[1, 2], CATEGORICAL).interval(0.9, 0.0).is_err());
    }

    #[test]
    fn no_inputs_are_no_error() {
        let prediction = of(&[], &[0, 2], CATEGORICAL);
        assert_eq!(prediction.entropy().unwrap().len(), 0);
        assert_eq!(prediction.mutual_information().unwrap().len(), 0);
    }
}
