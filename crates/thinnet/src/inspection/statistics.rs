//! What a layer gives, summed up over many inputs.

use ndarray::Array2;
use thinnet_kernels::dense;

use super::Histogram;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// What a layer gives for many inputs, summed up in one pass.
///
/// A *unit* is an element of the output's last axis: a neuron of a Dense layer, a channel of a map. Each place of a map counts as
/// an observation of its channels, so that a unit has (inputs × places) of them.
///
/// Its definitions are those of Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting",
/// section 7.2, and of the literature on dead rectifiers: *sparsity* is the share of activations that are exactly 0, a *dead unit*
/// one that was 0 in every observation.
///
/// ```
/// use ndarray::array;
/// use thinnet::inspection::ActivationStatistics;
/// // Three units, two inputs:
/// let statistics = ActivationStatistics::of(&array![[1.0, 0.0, 2.0], [3.0, 0.0, 0.0]].into_dyn())?;
/// assert_eq!(statistics.dead_share(), 1.0 / 3.0);
/// assert_eq!(statistics.sparsity(), 0.5);
/// assert_eq!(statistics.units()[0].mean, 2.0);
/// assert_eq!(statistics.correlations().unwrap()[[0, 2]], -1.0);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ActivationStatistics {
    shape: Shape,
    observations: u64,
    /// What is subtracted before sums of squares are taken, so that these lose no digits: each unit's mean over the first rows.
    pivot: Vec<f32>,
    /// Each unit's sum, less the pivot.
    sums: Vec<f64>,
    /// Each unit's sum of squares, less the pivot.
    squares: Vec<f64>,
    /// The sums of products of each two units, less the pivot; none for layers with too many units.
    products: Option<Vec<f64>>,
    zeros: Vec<u64>,
    largest: Vec<f32>,
    histogram: Histogram,
    inputs: u64,
    centred: Vec<f32>,
    block: Vec<f32>,
}

/// One unit over all observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// Its mean activation.
    pub mean: f64,
    /// The standard deviation of its activation.
    pub deviation: f64,
    /// The share of observations in which it was not 0.
    pub active: f64,
    /// Its largest activation.
    pub largest: f32,
}

impl Unit {
    /// Whether it was 0 in every observation.
    pub fn is_dead(&self) -> bool {
        self.active == 0.0
    }
}

/// Rows whose products are summed in f32 before they are added to the sums in f64.
const BLOCK_ROWS: usize = 512;

impl ActivationStatistics {
    /// Correlations are taken of so many units at most: their matrix has the square of that.
    pub const MOST_CORRELATED: usize = 2048;

    /// Of nothing yet, for a layer whose output has this shape.
    pub fn new(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        let units = shape.last();
        let has_products = units <= Self::MOST_CORRELATED;
        let square = if has_products { units * units } else { 0 };
        Self {
            shape,
            observations: 0,
            pivot: Vec::new(),
            sums: vec![0.0; units],
            squares: vec![0.0; units],
            products: has_products.then(|| vec![0.0; square]),
            zeros: vec![0; units],
            largest: vec![f32::NEG_INFINITY; units],
            histogram: Histogram::default(),
            inputs: 0,
            centred: Vec::new(),
            block: vec![0.0; square],
        }
    }

    /// Of an array whose first axis counts the inputs.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn of(activations: &ndarray::ArrayD<f32>) -> Result<Self> {
        let mut statistics = Self::new(Shape::from(activations.shape().get(1..).unwrap_or_default()));
        let standard = activations.as_standard_layout();
        statistics.add(standard.as_slice().unwrap_or_default())?;
        Ok(statistics)
    }

    /// Takes in what the layer gave for some more inputs, one after the other.
    ///
    /// # Errors
    /// Values that are no whole number of outputs, or one that is NaN or infinite.
    pub fn add(&mut self, values: &[f32]) -> Result<()> {
        let (len, units) = (self.shape.len(), self.shape.last());
        if len == 0 || !values.len().is_multiple_of(len) {
            return Err(Error::Data(format!(
                "expected outputs of shape {}, got {} numbers",
                self.shape,
                values.len()
            )));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::Data(format!(
                "the layer gives {} (input {}, unit {}): the model has weights that are NaN or far too large",
                values[at],
                self.inputs as usize + at / len,
                at % units
            )));
        }
        for input in values.chunks_exact(len) {
            for row in input.chunks_exact(units) {
                for ((&value, zeros), largest) in row.iter().zip(&mut self.zeros).zip(&mut self.largest) {
                    *zeros += u64::from(value == 0.0);
                    *largest = largest.max(value);
                    self.histogram.add(value);
                }
            }
            self.inputs += 1;
        }
        for rows in values.chunks(BLOCK_ROWS * units) {
            self.add_products(rows);
        }
        Ok(())
    }

    /// Takes in some rows' sums, squares and products.
    fn add_products(&mut self, rows: &[f32]) {
        let units = self.shape.last();
        let count = rows.len() / units;
        if self.pivot.is_empty() {
            let mean = |unit: usize| {
                let of_unit = rows[unit..].iter().step_by(units);
                (of_unit.map(|&value| f64::from(value)).sum::<f64>() / count as f64) as f32
            };
            self.pivot = (0..units).map(mean).collect();
        }
        self.observations += count as u64;
        self.centred.clear();
        for row in rows.chunks_exact(units) {
            self.centred.extend(row.iter().zip(&self.pivot).map(|(value, pivot)| value - pivot));
        }
        for row in self.centred.chunks_exact(units) {
            for ((&value, sum), square) in row.iter().zip(&mut self.sums).zip(&mut self.squares) {
                *sum += f64::from(value);
                *square += f64::from(value) * f64::from(value);
            }
        }
        if let Some(products) = &mut self.products {
            dense::gradient(&self.centred, units, &[&self.centred], units, false, &mut self.block);
            products.iter_mut().zip(&self.block).for_each(|(sum, &part)| *sum += f64::from(part));
        }
    }

    /// The shape of the layer's output for one input.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// How many inputs there were.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// How many observations there are of each unit.
    pub fn observations(&self) -> u64 {
        self.observations
    }

    /// Each unit by itself.
    pub fn units(&self) -> Vec<Unit> {
        let count = self.observations as f64;
        let unit = |unit: usize| {
            let offset = self.sums[unit] / count;
            Unit {
                mean: f64::from(self.pivot.get(unit).copied().unwrap_or(0.0)) + offset,
                deviation: (self.squares[unit] / count - offset * offset).max(0.0).sqrt(),
                active: 1.0 - self.zeros[unit] as f64 / count,
                largest: self.largest[unit],
            }
        };
        (0..self.shape.last()).map(unit).collect()
    }

    /// All activations, of all units.
    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// The share of units that were 0 in every observation.
    pub fn dead_share(&self) -> f64 {
        let dead = self.zeros.iter().filter(|&&zeros| zeros == self.observations).count();
        dead as f64 / self.shape.last() as f64
    }

    /// The share of activations that are exactly 0.
    pub fn sparsity(&self) -> f64 {
        self.zeros.iter().sum::<u64>() as f64 / (self.observations as f64 * self.shape.last() as f64)
    }

    /// The mean of all activations.
    pub fn mean(&self) -> f64 {
        let units = self.units();
        units.iter().map(|unit| unit.mean).sum::<f64>() / units.len() as f64
    }

    /// The correlation (Pearson's) of each two units over all observations: NaN where one of them never changes. None for layers of
    /// more than [`MOST_CORRELATED`](Self::MOST_CORRELATED) units.
    pub fn correlations(&self) -> Option<Array2<f64>> {
        let (products, units, count) = (self.products.as_ref()?, self.shape.last(), self.observations as f64);
        let covariance = |a: usize, b: usize| products[a * units + b] - self.sums[a] * self.sums[b] / count;
        // Of a unit that never changes, rounding may leave a trace.
        let deviations: Vec<f64> = self
            .units()
            .iter()
            .map(|unit| if unit.deviation > 1e-7 * unit.mean.abs() { unit.deviation } else { 0.0 })
            .collect();
        Some(Array2::from_shape_fn((units, units), |(a, b)| {
            let scale = deviations[a] * deviations[b] * count;
            match a == b {
                true if scale > 0.0 => 1.0,
                _ if scale > 0.0 => (covariance(a, b) / scale).clamp(-1.0, 1.0),
                _ => f64::NAN,
            }
        }))
    }

    /// The mean absolute correlation of pairs of different units that both change; none without such a pair.
    pub fn mean_correlation(&self) -> Option<f64> {
        let correlations = self.correlations()?;
        let pairs = correlations.indexed_iter().filter(|((a, b), value)| a < b && value.is_finite());
        let (count, sum) =
            pairs.fold((0_usize, 0.0), |(count, sum), (_, value)| (count + 1, sum + value.abs()));
        (count > 0).then(|| sum / count as f64)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::*;
    use crate::random::{Domain, Stream};

    /// Rectified noise on top of an offset, with one dead unit and one that never changes.
    fn activations(shape: &[usize]) -> ArrayD<f32> {
        let mut draws = Stream::new(3, Domain::Shuffle).at(0, 0);
        let units = *shape.last().unwrap();
        let (mut at, mut before) = (0, 0.0);
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            let unit = at % units;
            at += 1;
            let noise = draws.normal() as f32;
            let value = if unit == 1 { 0.7 * before + noise } else { noise };
            before = value;
            match unit {
                2 => 0.0,
                3 => 1234.5,
                4 => 100.0 + value,
                _ => value.max(0.0),
            }
        })
    }

    /// One column of values for each unit.
    fn columns(activations: &ArrayD<f32>) -> Vec<Vec<f64>> {
        let units = *activations.shape().last().unwrap();
        let values: Vec<f64> = activations.iter().map(|&value| f64::from(value)).collect();
        (0..units).map(|unit| values[unit..].iter().step_by(units).copied().collect()).collect()
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn the_numbers_are_those_of_the_plain_definitions() {
        for shape in [&[1500, 7][..], &[40, 6, 5, 7]] {
            let activations = activations(shape);
            let statistics = ActivationStatistics::of(&activations).unwrap();
            let columns = columns(&activations);
            let observations = columns[0].len();
            assert_eq!(statistics.observations(), observations as u64);
            assert_eq!(statistics.inputs(), shape[0] as u64);
            let deviation = |values: &[f64]| {
                mean(&values.iter().map(|v| (v - mean(values)).powi(2)).collect::<Vec<_>>()).sqrt()
            };
            for (unit, column) in statistics.units().iter().zip(&columns) {
                assert!((unit.mean - mean(column)).abs() < 1e-6 * (1.0 + mean(column)), "{unit:?}");
                assert!((unit.deviation - deviation(column)).abs() < 1e-5, "{unit:?} {}", deviation(column));
                let active =
                    column.iter().filter(|value| **value != 0.0).count() as f64 / observations as f64;
                assert!((unit.active - active).abs() < 1e-12);
                assert_eq!(f64::from(unit.largest), column.iter().copied().fold(f64::MIN, f64::max));
                assert_eq!(unit.is_dead(), column.iter().all(|value| *value == 0.0));
            }
            assert_eq!(statistics.dead_share(), 1.0 / 7.0);
            let zeros = activations.iter().filter(|value| **value == 0.0).count();
            assert_eq!(statistics.sparsity(), zeros as f64 / activations.len() as f64);
            assert_eq!(statistics.histogram().zeros(), zeros as u64);
            assert_eq!(statistics.histogram().count(), activations.len() as u64);
            let all = columns.concat();
            assert!((statistics.mean() - mean(&all)).abs() < 1e-4);
            let correlations = statistics.correlations().unwrap();
            let mut sizes = Vec::new();
            for a in 0..7 {
                for b in 0..7 {
                    let products = columns[a].iter().zip(&columns[b]);
                    let (x, y) = (mean(&columns[a]), mean(&columns[b]));
                    let covariance = mean(&products.map(|(a, b)| (a - x) * (b - y)).collect::<Vec<_>>());
                    let expected = covariance / (deviation(&columns[a]) * deviation(&columns[b]));
                    let got = correlations[[a, b]];
                    if [2, 3].contains(&a) || [2, 3].contains(&b) {
                        assert!(got.is_nan(), "{a} {b} {got}");
                    } else {
                        assert!((got - expected).abs() < 1e-5, "{a} {b} {got} {expected}");
                        if a < b {
                            sizes.push(expected.abs())
                        }
                    }
                }
            }
            assert!((statistics.mean_correlation().unwrap() - mean(&sizes)).abs() < 1e-5);
        }
    }

    #[test]
    fn inputs_may_come_in_parts() {
        let activations = activations(&[1000, 7]);
        let values = activations.as_slice().unwrap();
        let whole = ActivationStatistics::of(&activations).unwrap();
        let mut parts = ActivationStatistics::new(7);
        values.chunks(256 * 7).for_each(|part| parts.add(part).unwrap());
        assert_eq!(parts.histogram(), whole.histogram());
        assert_eq!(parts.sparsity(), whole.sparsity());
        let difference = parts.correlations().unwrap() - whole.correlations().unwrap();
        assert!(difference.iter().all(|value| value.is_nan() || value.abs() < 1e-6));
    }

    #[test]
    fn a_unit_that_never_changes_is_correlated_with_none() {
        let mut statistics = ActivationStatistics::new(4);
        for input in 0..50 {
            statistics.add(&[if input % 5 == 0 { 1.0 } else { 0.0 }, 1.0, 2.0, 3.0]).unwrap();
        }
        assert!((statistics.sparsity() - 0.2).abs() < 1e-12);
        assert_eq!(statistics.mean_correlation(), None, "only one unit changes");
    }

    #[test]
    fn what_is_no_output_is_an_error() {
        let mut statistics = ActivationStatistics::new([2, 3]);
        let message = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(
            message(statistics.add(&[0.0; 7])),
            "expected outputs of shape (None, 2, 3), got 7 numbers"
        );
        statistics.add(&[0.0; 6]).unwrap();
        let mut values = [1.0; 12];
        values[10] = f32::NAN;
        assert_eq!(
            message(statistics.add(&values)),
            "the layer gives NaN (input 2, unit 1): the model has weights that are NaN or far too large"
        );
    }

    #[test]
    fn correlations_of_too_many_units_are_left_out() {
        let mut statistics = ActivationStatistics::new(ActivationStatistics::MOST_CORRELATED + 1);
        statistics.add(&vec![1.0; 2 * (ActivationStatistics::MOST_CORRELATED + 1)]).unwrap();
        assert!(statistics.correlations().is_none() && statistics.mean_correlation().is_none());
    }
}
