//! Logarithms.

use super::{LN_2, polynomial};
use crate::isa::Arithmetic;

/// (ln(1 + f) − f + f²/2) / f³ for √½ ≤ 1 + f ≤ √2; relative error of ln: 8e-10
const TAIL: [f32; 9] = [
    0.333_333_1,
    -0.249_999_87,
    0.200_022_24,
    -0.166_692_55,
    0.142_186_87,
    -0.123_842_41,
    0.118_728_06,
    -0.117_906_06,
    0.069_166_25,
];

/// Natural logarithm: −∞ at 0, NaN below
#[inline(always)]
pub(crate) fn ln<A: Arithmetic>(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let bits = if tiny { x * 8_388_608.0 } else { x }.to_bits();
    // The mantissa is taken from √½ to √2 instead of from 1 to 2, so that the logarithm of numbers around 1 does not cancel.
    let offset = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits());
    let exponent = (offset.cast_signed() >> 23) - if tiny { 23 } else { 0 };
    let mantissa =
        f32::from_bits((offset & 0x007F_FFFF).wrapping_add(std::f32::consts::FRAC_1_SQRT_2.to_bits()));
    let n = exponent as f32;
    let f = mantissa - 1.0;
    let square = f * f;
    let tail = A::mul_add(square * f, polynomial::<A, 9>(f, TAIL), n * LN_2[1]);
    let y = A::mul_add(n, LN_2[0], A::mul_add(-0.5, square, tail) + f);
    let finite = if x == f32::INFINITY { x } else { y };
    let positive = if x == 0.0 { f32::NEG_INFINITY } else { finite };
    if x >= 0.0 { positive } else { f32::NAN }
}

/// ln(1 + x), precise near zero
#[inline(always)]
pub(crate) fn ln_1p<A: Arithmetic>(x: f32) -> f32 {
    let sum = 1.0 + x;
    // What the addition lost, to first order.
    let lost = (x - (sum - 1.0)) / sum;
    let y = ln::<A>(sum) + lost;
    if sum == f32::INFINITY || sum == 0.0 { ln::<A>(sum) } else { y }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, close, samples};
    use super::*;

    #[test]
    fn logarithms_are_precise_everywhere() {
        for ln in both!(ln) {
            for x in samples(f32::from_bits(1), f32::MAX) {
                close(x, ln(x), f64::from(x).ln(), 3.0, 0.0);
            }
        }
        for ln_1p in both!(ln_1p) {
            for x in samples(-1.0 + f32::EPSILON, f32::MAX) {
                close(x, ln_1p(x), f64::from(x).ln_1p(), 4.0, 0.0);
            }
        }
    }

    #[test]
    fn the_ends_are_those_of_std() {
        for ln in both!(ln) {
            assert_eq!(
                [ln(0.0), ln(-0.0), ln(f32::INFINITY)],
                [f32::NEG_INFINITY, f32::NEG_INFINITY, f32::INFINITY]
            );
            assert!(ln(-1.0).is_nan() && ln(f32::NEG_INFINITY).is_nan() && ln(f32::NAN).is_nan());
        }
        for ln_1p in both!(ln_1p) {
            assert_eq!([ln_1p(-1.0), ln_1p(f32::INFINITY)], [f32::NEG_INFINITY, f32::INFINITY]);
            assert!(ln_1p(-2.0).is_nan() && ln_1p(f32::NAN).is_nan());
        }
    }
}
