//! The error function.

use std::f32::consts::FRAC_2_SQRT_PI;

use super::{exp_m1, polynomial};
use crate::isa::Arithmetic;

/// erf(x) / x by x² for |x| ≤ 1; relative error 4e-8
const NEAR: [f32; 6] =
    [FRAC_2_SQRT_PI, -0.376_123_55, 0.112_804_115, -0.026_717_708, 0.004_924_789, -0.000_566_015_3];
/// ln(1 − erf(x)) / x for 1 ≤ x ≤ 4; error of erf 4e-10
const FAR: [f32; 7] = [
    -1.128_697_2,
    -0.634_958_3,
    -0.106_549_11,
    0.024_025_51,
    -0.003_764_660_3,
    0.000_352_332_16,
    -0.000_014_133_838,
];

/// 2/√π · ∫₀ˣ e^(−t²) dt
#[inline(always)]
pub(crate) fn erf<A: Arithmetic>(x: f32) -> f32 {
    let size = x.abs();
    // 1 − erf(4) is 1.5e-8, which f32 cannot tell from 0.
    let far = if size > 4.0 { 4.0 } else { size };
    let near = if size > 1.0 { 1.0 } else { size };
    let outer = -exp_m1::<A>(far * polynomial::<A, 7>(far, FAR));
    let inner = near * polynomial::<A, 6>(near * near, NEAR);
    (if size > 1.0 { outer } else { inner }).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, close, samples};
    use super::*;

    /// The series Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)), which in f64 is good to 1e-10 for |x| ≤ 4.
    fn series(x: f64) -> f64 {
        let (mut power, mut sum) = (x, x);
        for n in 1..100 {
            power *= -x * x / f64::from(n);
            sum += power / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn erf_is_precise_everywhere() {
        for erf in both!(erf) {
            for x in samples(-4.0, 4.0) {
                close(x, erf(x), series(f64::from(x)), 6.0, 1.2e-38);
            }
            for x in samples(4.0, f32::INFINITY) {
                assert_eq!((erf(x), erf(-x)), (1.0, -1.0));
            }
            assert!(erf(f32::NAN).is_nan());
            assert!(erf(-0.0).is_sign_negative());
        }
    }
}
