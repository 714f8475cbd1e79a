//! How sure a mean is.

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
