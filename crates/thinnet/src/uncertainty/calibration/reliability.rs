//! Accuracy against confidence.

use std::cmp::Ordering;

use super::Forecast;

/// Samples of similar confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Confidences above this (in an adaptive diagram, from this on).
    pub low: f32,
    /// Confidences up to this one.
    pub high: f32,
    /// How many samples.
    pub count: usize,
    /// Their mean confidence; 0 for none.
    pub confidence: f64,
    /// The share of them that is right; 0 for none.
    pub accuracy: f64,
}

/// A reliability diagram: how often predictions of some confidence are right.
///
/// ```
/// use ndarray::array;
/// use thinnet::uncertainty::{Forecast, Reliability};
///
/// let forecast = Forecast::new(array![[0.75, 0.25], [0.75, 0.25], [1.0, 0.0]], &[0, 1, 0])?;
/// let diagram = Reliability::new(&forecast, 4);
/// assert_eq!((diagram.bins()[2].count, diagram.bins()[2].accuracy), (2, 0.5));
/// assert!((diagram.error() - 2.0 / 3.0 * 0.25).abs() < 1e-12);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    bins: Vec<Bin>,
}

impl Reliability {
    /// The usual number of bins.
    pub const BINS: usize = 15;

    /// Over `bins` bins of equal width, (low, high\]: a confidence on an edge belongs to the bin below it. Naeini, Cooper &
    /// Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning"; Guo et al. 2017, "On calibration of
    /// modern neural networks".
    pub fn new(forecast: &Forecast, bins: usize) -> Self {
        let bins = bins.max(1);
        // Edges are rounded as confidences are, so that 0.2 lies on an edge of 0.2.
        let edge = |bin: usize| (bin as f64 / bins as f64) as f32;
        let edges: Vec<f32> = (0..=bins).map(edge).collect();
        let mut groups = vec![Group::default(); bins];
        for (confidence, right) in forecast.decisions() {
            let above = edges.partition_point(|&edge| edge < confidence);
            groups[above.clamp(1, bins) - 1].add(confidence, right);
        }
        let bins = groups.into_iter().zip(edges.windows(2));
        Self { bins: bins.map(|(group, edges)| group.bin(edges[0], edges[1])).collect() }
    }

    /// Over at most `bins` bins of equally many samples, give or take one. Nguyen & O'Connor 2015, "Posterior calibration and
    /// exploratory analysis for natural language processing models".
    pub fn adaptive(forecast: &Forecast, bins: usize) -> Self {
        let mut decisions: Vec<(f32, bool)> = forecast.decisions().collect();
        // Among equal confidences wrong ones come first, so that the samples' order does not matter.
        decisions.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
        let (count, bins) = (decisions.len(), bins.clamp(1, decisions.len()));
        let bin = |bin: usize| {
            let members = &decisions[bin * count / bins..(bin + 1) * count / bins];
            let mut group = Group::default();
            members.iter().for_each(|&(confidence, right)| group.add(confidence, right));
            group.bin(members[0].0, members[members.len() - 1].0)
        };
        Self { bins: (0..bins).map(bin).collect() }
    }

    /// The bins, in order of confidence.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// The calibration error: the mean over the samples of |accuracy − confidence| of their bin.
    pub fn error(&self) -> f64 {
        let count: usize = self.bins.iter().map(|bin| bin.count).sum();
        let gaps = self.bins.iter().map(|bin| bin.count as f64 * (bin.accuracy - bin.confidence).abs());
        gaps.sum::<f64>() / count as f64
    }

    /// Whether confidence is above accuracy, on the whole.
    pub fn is_overconfident(&self) -> bool {
        let gaps = self.bins.iter().map(|bin| bin.count as f64 * (bin.confidence - bin.accuracy));
        gaps.sum::<f64>() > 0.0
    }
}

#[derive(Clone, Default)]
struct Group {
    count: usize,
    right: usize,
    confidence: f64,
}

impl Group {
    fn add(&mut self, confidence: f32, right: bool) {
        self.count += 1;
        self.right += usize::from(right);
        self.confidence += f64::from(confidence);
    }

    fn bin(self, low: f32, high: f32) -> Bin {
        let of = self.count.max(1) as f64;
        let (confidence, accuracy) = (self.confidence / of, self.right as f64 / of);
        Bin { low, high, count: self.count, confidence, accuracy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    /// Two classes; the first is said with this confidence, and right or not.
    fn forecast(decisions: &[(f32, bool)]) -> Forecast {
        let p = |(sample, class): (usize, usize)| {
            let confidence = decisions[sample].0;
            if class == 0 { confidence } else { 1.0 - confidence }
        };
        let labels: Vec<i64> = decisions.iter().map(|&(_, right)| i64::from(!right)).collect();
        Forecast::new(Array2::from_shape_fn((decisions.len(), 2), p), &labels).unwrap()
    }

    #[test]
    fn an_edge_belongs_to_the_bin_below() {
        for bins in [5, 10, 15, 20] {
            for edge in bins / 2 + 1..=bins {
                let confidence = (edge as f64 / bins as f64) as f32;
                let diagram = Reliability::new(&forecast(&[(confidence, true)]), bins);
                let at = diagram.bins().iter().position(|bin| bin.count == 1);
                assert_eq!(at, Some(edge - 1), "{confidence} of {bins} bins");
                if edge < bins {
                    let above = f32::from_bits(confidence.to_bits() + 1);
                    let diagram = Reliability::new(&forecast(&[(above, true)]), bins);
                    assert_eq!(diagram.bins()[edge].count, 1, "just above {confidence}");
                }
            }
        }
    }

    /// By hand: bins (0.6, 0.8] with confidences 0.7 and 0.8 of which one is right, and (0.8, 1] with 0.9, wrong.
    #[test]
    fn the_error_is_that_of_the_definition() {
        let forecast = forecast(&[(0.7, true), (0.8, false), (0.9, false)]);
        let error = Reliability::new(&forecast, 5).error();
        assert!((error - (2.0 * 0.25 + 0.9) / 3.0).abs() < 1e-7, "{error}");
        // In bins of one sample each: 0.3, 0.8 and 0.9 off.
        let adaptive = Reliability::adaptive(&forecast, 3).error();
        assert!((adaptive - (0.3 + 0.8 + 0.9) / 3.0).abs() < 1e-7, "{adaptive}");
        // One bin: a third is right, 0.8 was said.
        assert!((Reliability::adaptive(&forecast, 1).error() - (0.8 - 1.0 / 3.0)).abs() < 1e-7);
        assert!(Reliability::new(&forecast, 15).is_overconfident());
    }

    proptest! {
        /// Errors lie within [0, 1], finer equal bins never make them smaller, and the samples' order does not matter.
        #[test]
        fn errors_obey_their_laws(
            decisions in prop::collection::vec((0.5_f32..=1.0, any::<bool>()), 1..80), turn in 0..80_usize,
        ) {
            let given = forecast(&decisions);
            let coarse = Reliability::new(&given, 5).error();
            let fine = Reliability::new(&given, 15).error();
            prop_assert!((0.0..=1.0).contains(&coarse) && coarse <= fine + 1e-9, "{coarse} {fine}");
            let whole = (given.accuracy() - decisions.iter().map(|d| f64::from(d.0)).sum::<f64>() / decisions.len() as f64).abs();
            prop_assert!((Reliability::new(&given, 1).error() - whole).abs() < 1e-9);
            let mut turned = decisions.clone();
            turned.rotate_left(turn % decisions.len());
            prop_assert!((Reliability::adaptive(&given, 15).error() - Reliability::adaptive(&forecast(&turned), 15).error()).abs() < 1e-9);
            let counts: Vec<usize> = Reliability::adaptive(&given, 15).bins().iter().map(|bin| bin.count).collect();
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
        }
    }
}
