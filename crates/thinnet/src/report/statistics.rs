//! How sure a mean is.

/// The chance of calling any difference of a family real that is none.
pub(crate) const LEVEL: f64 = 0.05;

/// Student's t for a two-sided 95 % interval, by degrees of freedom from 1 (any table of the distribution).
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// Student's t for a two-sided 95 % interval with `freedom` degrees of freedom; infinite without any.
pub fn student_t(freedom: usize) -> f64 {
    match freedom {
        0 => f64::INFINITY,
        1..=30 => T[freedom - 1],
        // The first terms of its expansion around the normal distribution's 1.96, good to 0.001 from here on.
        _ => {
            let (z, n) = (1.959_964_f64, freedom as f64);
            z + (z.powi(3) + z) / (4.0 * n) + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * n * n)
        }
    }
}

/// The mean and half its 95 % interval, which is infinite for a single value.
///
/// ```
/// let (mean, half) = thinnet::report::statistics::mean_interval(&[1.0, 2.0, 3.0]);
/// assert_eq!(mean, 2.0);
/// assert!((half - 4.303 / 3_f64.sqrt()).abs() < 1e-3);
/// ```
pub fn mean_interval(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return (mean, f64::INFINITY);
    }
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, student_t(values.len() - 1) * (variance / count).sqrt())
}

/// The probability of a t at least as far from 0 as this one where the true difference is none: Student's distribution with
/// `freedom` degrees of freedom, two-sided. 1 without any; NaN for a t that is NaN.
///
/// M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4.
///
/// ```
/// use thinnet::report::statistics::student_p;
/// assert!((student_p(2.776, 4) - 0.05).abs() < 1e-4);
/// ```
pub fn student_p(t: f64, freedom: usize) -> f64 {
    if freedom == 0 {
        return 1.0;
    }
    let angle = (t.abs() / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    // The terms cosᵏ times a running product: from cos¹ on in steps of 2 for odd degrees, from 1 on for even ones.
    let mut term = if odd { cosine } else { 1.0 };
    let mut sum = 0.0;
    let first = if odd { 1 } else { 0 };
    for power in (first..freedom.saturating_sub(1)).step_by(2) {
        sum += term;
        term *= cosine * cosine * (power + 1) as f64 / (power + 2) as f64;
    }
    let within = if odd { (angle + sine * sum) * 2.0 / std::f64::consts::PI } else { sine * sum };
    (1.0 - within).clamp(0.0, 1.0)
}

/// What values say of the difference of their means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DifferenceTest {
    /// The mean difference, first minus second.
    pub difference: f64,
    /// Half its 95 % interval; infinite where there are too few values.
    pub half: f64,
    /// The probability of a difference at least as large by chance alone: a t-test, two-sided. NaN where a value is NaN or infinite.
    pub p: f64,
}

/// A paired t-test. Values that belong together (of the same seed) are at the same place.
///
/// ```
/// let test = thinnet::report::statistics::paired_test(&[1.1, 2.3, 3.2], &[1.0, 2.0, 3.0]);
/// assert!((test.difference - 0.2).abs() < 1e-12 && (test.p - 0.0742).abs() < 1e-4);
/// ```
pub fn paired_test(first: &[f64], second: &[f64]) -> DifferenceTest {
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    let (difference, half) = mean_interval(&differences);
    let freedom = differences.len().saturating_sub(1);
    // Equal differences leave no doubt of one that is not 0.
    let error = half / student_t(freedom);
    let p = if difference == 0.0 { 1.0 } else { student_p(difference / error, freedom) };
    DifferenceTest { difference, half, p }
}

/// A t-test of values that do not belong together, whose variances may differ; the degrees of freedom are rounded down: B. L. Welch,
/// "The Generalization of Student's Problem when Several Different Population Variances are Involved", 1947.
///
/// ```
/// let test = thinnet::report::statistics::welch_test(&[3.0, 4.0, 1.0, 2.1], &[4.9, 5.5, 5.6, 6.1, 5.2]);
/// assert!((test.difference + 2.935).abs() < 1e-9 && (test.p - 0.0220).abs() < 1e-3);
/// ```
pub fn welch_test(first: &[f64], second: &[f64]) -> DifferenceTest {
    let [(mean, variance, count), (other, others, counted)] = [first, second].map(|values| {
        let (count, mean) = (values.len() as f64, mean_interval(values).0);
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        // Of the mean.
        (mean, squares / (count - 1.0) / count, count)
    });
    let difference = mean - other;
    if first.len() < 2 || second.len() < 2 {
        return DifferenceTest { difference, half: f64::INFINITY, p: 1.0 };
    }
    let sum = variance + others;
    if sum == 0.0 {
        // Equal values leave no doubt of a difference that is not 0.
        return DifferenceTest { difference, half: 0.0, p: if difference == 0.0 { 1.0 } else { 0.0 } };
    }
    let freedom = sum * sum / (variance * variance / (count - 1.0) + others * others / (counted - 1.0));
    let freedom = (freedom as usize).max(1);
    let error = sum.sqrt();
    DifferenceTest { difference, half: student_t(freedom) * error, p: student_p(difference / error, freedom) }
}

/// Probabilities of several tests, so large that those of 0.05 or less hold together with 95 % certainty: S. Holm, "A Simple
/// Sequentially Rejective Multiple Test Procedure", 1979. One that is NaN is of no test, and stays NaN.
///
/// ```
/// assert_eq!(thinnet::report::statistics::holm(&[0.25, 0.0625, 0.5]), [0.5, 0.1875, 0.5]);
/// ```
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).filter(|&index| !ps[index].is_nan()).collect();
    order.sort_by(|&a, &b| ps[a].total_cmp(&ps[b]));
    let tests = order.len();
    let mut adjusted = vec![f64::NAN; ps.len()];
    let mut least = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        least = least.max(((tests - rank) as f64 * ps[index]).min(1.0));
        adjusted[index] = least;
    }
    adjusted
}

/// The 95 % interval of a share of which `right` of `of` samples are known: Wilson's, which also holds near 0 and 1. From 0 to
/// 1 without samples. E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
///
/// ```
/// let (low, high) = thinnet::report::statistics::share_interval(8, 10);
/// assert!((low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4);
/// ```
pub fn share_interval(right: u64, of: u64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    const Z: f64 = 1.959_964;
    let (count, share) = (of as f64, right as f64 / of as f64);
    let middle = share + Z * Z / (2.0 * count);
    let half = Z * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    let scale = 1.0 + Z * Z / count;
    // Rounding may leave a hair's breadth outside.
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_s_t_is_the_table_s() {
        for (freedom, expected) in
            [(1, 12.706), (4, 2.776), (30, 2.042), (40, 2.021), (60, 2.000), (120, 1.980)]
        {
            assert!((student_t(freedom) - expected).abs() < 1e-3, "{freedom}");
        }
    }

    /// Each degree's 5 % is where the table says; the closed forms of one and two degrees hold to rounding.
    #[test]
    fn probabilities_are_student_s() {
        for freedom in 1..=60 {
            let p = student_p(student_t(freedom), freedom);
            assert!((p - 0.05).abs() < 2e-4, "{freedom}: {p}");
        }
        for t in [-3.0_f64, 0.0, 0.5, 40.0] {
            let one = 1.0 - 2.0 / std::f64::consts::PI * t.abs().atan();
            assert!((student_p(t, 1) - one).abs() < 1e-14, "{t}");
            let two = 1.0 - t.abs() / (2.0 + t * t).sqrt();
            assert!((student_p(t, 2) - two).abs() < 1e-14, "{t}");
        }
        assert_eq!((student_p(f64::INFINITY, 4), student_p(9.0, 0)), (0.0, 1.0));
        assert!(student_p(f64::NAN, 4).is_nan());
    }

    #[test]
    fn pairs_without_spread_or_without_a_second_one_are_no_riddle() {
        assert_eq!(paired_test(&[1.0, 2.0], &[1.0, 2.0]).p, 1.0);
        assert_eq!(paired_test(&[1.5, 2.5], &[1.0, 2.0]).p, 0.0);
        assert_eq!(paired_test(&[1.5], &[1.0]).p, 1.0);
        assert!(paired_test(&[1.5, f64::NAN], &[1.0, 2.0]).p.is_nan());
    }

    #[test]
    fn values_that_do_not_belong_together_are_tested_by_their_own_spread() {
        assert_eq!(welch_test(&[1.0, 1.0], &[1.0, 1.0]).p, 1.0);
        assert_eq!(welch_test(&[2.0, 2.0], &[1.0, 1.0]).p, 0.0);
        assert_eq!(
            (welch_test(&[2.0], &[1.0, 1.5]).p, welch_test(&[2.0], &[1.0, 1.5]).half),
            (1.0, f64::INFINITY)
        );
        // With equal spreads and counts, Student's test of two samples: 4 degrees of freedom.
        let test = welch_test(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0]);
        assert!((test.p - student_p(1.5_f64.sqrt(), 4)).abs() < 1e-12, "{test:?}");
    }

    /// Of true null hypotheses, 5 % fall to a paired test, and 5 % of families of ten to Holm's: within five standard errors of
    /// 10,000 and 2,000.
    #[test]
    fn chance_is_called_an_effect_as_seldom_as_promised() {
        use crate::random::{Domain, Stream};
        let mut draws = Stream::new(2, Domain::Shuffle).at(0, 0);
        let mut p = || {
            let mut five = || (0..5).map(|_| draws.normal()).collect::<Vec<_>>();
            paired_test(&five(), &five()).p
        };
        let single = (0..10_000).filter(|_| p() <= 0.05).count();
        assert!((391..=609).contains(&single), "{single}");
        let families = (0..2_000).filter(|_| {
            let ps: Vec<f64> = (0..10).map(|_| p()).collect();
            holm(&ps).iter().any(|&p| p <= 0.05)
        });
        let families = families.count();
        assert!((51..=149).contains(&families), "{families}");
    }

    #[test]
    fn holm_keeps_the_order_of_probabilities() {
        assert_eq!(holm(&[0.01, 0.02, 0.021]), [0.03, 0.04, 0.04]);
        assert!(holm(&[]).is_empty());
        let [first, none, last] = holm(&[0.02, -f64::NAN, 0.03])[..] else { panic!("one each") };
        assert!(first == 0.04 && none.is_nan() && last == 0.04);
    }

    /// Of intervals of five normal draws, 95 % cover the mean: between 93.9 and 96.1 % of 10,000, five standard errors.
    #[test]
    fn intervals_cover_the_mean_as_often_as_they_say() {
        use crate::random::{Domain, Stream};
        let mut draws = Stream::new(1, Domain::Shuffle).at(0, 0);
        let covered = (0..10_000).filter(|_| {
            let values: Vec<f64> = (0..5).map(|_| draws.normal()).collect();
            let (mean, half) = mean_interval(&values);
            mean.abs() < half
        });
        let covered = covered.count();
        assert!((9_390..=9_610).contains(&covered), "{covered}");
    }
}
