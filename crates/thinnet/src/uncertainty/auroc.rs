//! How well a number tells two kinds of samples apart.

use crate::error::{Error, Result};

/// The area under the ROC curve: the probability that a positive sample scores higher than a negative one, ties counted half.
/// It is exact, unlike the metric [`AUC`](crate::metrics::AUC), which looks at some thresholds. 0.5 for guesses, 1 where every
/// positive scores above every negative.
///
/// With the uncertainties of known and of unknown data it measures how well the unknown is noticed; Hendrycks & Gimpel 2017,
/// "A baseline for detecting misclassified and out-of-distribution examples in neural networks".
///
/// ```
/// use thinnet::uncertainty::auroc;
/// assert_eq!(auroc(&[0.1, 0.2], &[0.2, 0.3])?, 0.875);
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] where one of the kinds has no sample, or a score is NaN.
pub fn auroc(negatives: &[f64], positives: &[f64]) -> Result<f64> {
    if negatives.is_empty() || positives.is_empty() {
        let message = "an AUROC needs samples of both kinds, one at least of each";
        return Err(Error::Data(message.into()));
    }
    if negatives.iter().chain(positives).any(|score| score.is_nan()) {
        return Err(Error::Data("an AUROC needs scores that are numbers, got NaN".into()));
    }
    let mut sorted = negatives.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Twice the negatives below, and once those that are equal: whole numbers, so that the sum is exact.
    let beaten = |&score: &f64| {
        let below = sorted.partition_point(|&negative| negative < score);
        let up_to = below + sorted[below..].partition_point(|&negative| negative <= score);
        (below + up_to) as u64
    };
    let beaten: u64 = positives.iter().map(beaten).sum();
    Ok(beaten as f64 / (2.0 * negatives.len() as f64 * positives.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn extremes_are_exact_and_mistakes_are_errors() {
        assert_eq!(auroc(&[0.0, 1.0], &[2.0, 3.0]).unwrap(), 1.0);
        assert_eq!(auroc(&[2.0, 3.0], &[0.0, 1.0]).unwrap(), 0.0);
        assert_eq!(auroc(&[1.0; 3], &[1.0; 5]).unwrap(), 0.5);
        assert_eq!(auroc(&[-0.0], &[0.0]).unwrap(), 0.5);
        assert_eq!(auroc(&[f64::NEG_INFINITY], &[f64::INFINITY]).unwrap(), 1.0);
        assert!(auroc(&[], &[1.0]).is_err() && auroc(&[1.0], &[]).is_err());
        assert!(auroc(&[1.0], &[f64::NAN]).unwrap_err().to_string().ends_with("got NaN"));
    }

    proptest! {
        /// Few different values, so that there are ties.
        #[test]
        fn it_is_the_share_of_pairs_in_order(
            negatives in prop::collection::vec(0..6_u8, 1..40), positives in prop::collection::vec(0..6_u8, 1..40),
        ) {
            let pair = |n: u8, p: u8| if p > n { 1.0 } else if p == n { 0.5 } else { 0.0 };
            let wins: f64 = negatives.iter().flat_map(|&n| positives.iter().map(move |&p| pair(n, p))).sum();
            let floats = |values: &[u8]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
            let (negatives, positives) = (floats(&negatives), floats(&positives));
            let area = auroc(&negatives, &positives).unwrap();
            prop_assert_eq!(area, wins / (negatives.len() * positives.len()) as f64);
            prop_assert!((area + auroc(&positives, &negatives).unwrap() - 1.0).abs() < 1e-12);
            let monotone = |values: &[f64]| values.iter().map(|value| value.exp()).collect::<Vec<_>>();
            prop_assert_eq!(auroc(&monotone(&negatives), &monotone(&positives)).unwrap(), area);
        }
    }
}
