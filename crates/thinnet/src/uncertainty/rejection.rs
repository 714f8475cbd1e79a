//! What is won by leaving the doubtful to others.

use crate::error::{Error, Result};

/// The accuracy on what is left when the most uncertain samples are rejected (handed to a person, say). El-Yaniv & Wiener
/// 2010, "On the foundations of noise-free selective classification".
///
/// Among samples of equal uncertainty none goes first: what is told of a part of them is the mean over all orders.
///
/// ```
/// use thinnet::uncertainty::Rejection;
///
/// let curve = Rejection::new(&[0.1, 0.2, 0.9, 0.8], &[true, true, false, true])?;
/// assert_eq!(curve.accuracy(0.0), 0.75);
/// assert_eq!(curve.accuracy(0.25), 1.0);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// After each group of equal uncertainty, from the surest on: how many samples so far, and how many of them are right.
    groups: Vec<(usize, usize)>,
}

impl Rejection {
    /// From each sample's uncertainty and whether it was predicted right.
    ///
    /// # Errors
    /// [`Error::Data`] for no samples, different numbers of them, or an uncertainty that is NaN.
    pub fn new(uncertainties: &[f64], right: &[bool]) -> Result<Self> {
        if uncertainties.is_empty() || uncertainties.len() != right.len() {
            return Err(Error::Data(format!(
                "expected one uncertainty for each of one prediction or more, got {} for {}",
                uncertainties.len(),
                right.len()
            )));
        }
        if uncertainties.iter().any(|uncertainty| uncertainty.is_nan()) {
            return Err(Error::Data("expected uncertainties that are numbers, got NaN".into()));
        }
        let mut samples: Vec<(f64, bool)> =
            uncertainties.iter().copied().zip(right.iter().copied()).collect();
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut count, mut correct) = (0, 0);
        let group = |group: &[(f64, bool)]| {
            count += group.len();
            correct += group.iter().filter(|(_, right)| *right).count();
            (count, correct)
        };
        Ok(Self { groups: samples.chunk_by(|a, b| a.0 == b.0).map(group).collect() })
    }

    /// The number of samples.
    fn count(&self) -> usize {
        self.groups.last().map_or(0, |group| group.0)
    }

    /// The accuracy on the surest samples when a share `rejected` of all, from 0 to 1, is rejected; one sample is always
    /// kept.
    pub fn accuracy(&self, rejected: f64) -> f64 {
        let kept = (self.count() as f64 * (1.0 - rejected)).clamp(1.0, self.count() as f64);
        let at = self.groups.partition_point(|&(count, _)| (count as f64) < kept).min(self.groups.len() - 1);
        let before = at.checked_sub(1).map_or((0, 0), |before| self.groups[before]);
        let (count, correct) = self.groups[at];
        let share = (kept - before.0 as f64) / (count - before.0) as f64;
        (before.1 as f64 + share * (correct - before.1) as f64) / kept
    }

    /// The area under the risk-coverage curve, lower is better: the mean error over all numbers of samples that may be kept.
    /// Geifman & El-Yaniv 2017, "Selective classification for deep neural networks".
    pub fn aurc(&self) -> f64 {
        let count = self.count();
        let error = |kept: usize| 1.0 - self.accuracy(1.0 - kept as f64 / count as f64);
        (1..=count).map(error).sum::<f64>() / count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_are_left_to_chance() {
        let curve = Rejection::new(&[0.5, 0.5, 0.5, 0.5], &[true, false, true, false]).unwrap();
        for rejected in [0.0, 0.1, 0.5, 0.9, 1.0] {
            assert!((curve.accuracy(rejected) - 0.5).abs() < 1e-12);
        }
        assert!((curve.aurc() - 0.5).abs() < 1e-12);
        // Errors by the number that is kept: 0, 0, 1/3, 2/4.
        let curve = Rejection::new(&[4.0, 1.0, 3.0, 2.0], &[false, true, false, true]).unwrap();
        assert!((curve.aurc() - (1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12);
        assert_eq!((curve.accuracy(0.5), curve.accuracy(1.0)), (1.0, 1.0));
        assert!(Rejection::new(&[], &[]).is_err() && Rejection::new(&[1.0], &[]).is_err());
        assert!(Rejection::new(&[f64::NAN], &[true]).is_err());
    }

    proptest! {
        /// Nothing beats rejecting exactly the wrong ones first, and nothing does worse than the opposite.
        #[test]
        fn areas_lie_between_the_best_and_the_worst(
            samples in prop::collection::vec((0.0_f64..1.0, any::<bool>()), 1..60),
        ) {
            let (uncertainties, right): (Vec<f64>, Vec<bool>) = samples.iter().copied().unzip();
            let by = |score: &dyn Fn(bool) -> f64| {
                let scores: Vec<f64> = right.iter().map(|&right| score(right)).collect();
                Rejection::new(&scores, &right).unwrap().aurc()
            };
            let area = Rejection::new(&uncertainties, &right).unwrap().aurc();
            let (best, worst) = (by(&|right| f64::from(u8::from(!right))), by(&|right| f64::from(u8::from(right))));
            prop_assert!(best <= area + 1e-12 && area <= worst + 1e-12, "{best} {area} {worst}");
        }
    }
}
