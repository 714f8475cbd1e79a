//! eˣ and what is made of it.

use super::{LN_2, polynomial};
use crate::isa::Arithmetic;

/// (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2; relative error of eʳ − 1: 1.4e-8
const TAIL: [f32; 5] = [0.5, 0.166_665_43, 0.041_666_284, 0.008_366_57, 0.001_394_642_2];
/// 1.5·2²³: adding it rounds to an integer, which then lies in the low bits.
const ROUND: f32 = 12_582_912.0;

/// x = n·ln 2 + r: (n, eʳ − 1), |r| ≤ ln 2 / 2
#[inline(always)]
fn reduce<A: Arithmetic>(x: f32) -> (i32, f32) {
    let shifted = A::mul_add(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = A::mul_add(n, -LN_2[1], A::mul_add(n, -LN_2[0], x));
    let integer = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
    (integer, A::mul_add(r * r, polynomial::<A, 5>(r, TAIL), r))
}

/// 2ⁿ for −127 < n < 128
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23).cast_unsigned())
}

/// eˣ
#[inline(always)]
pub(crate) fn exp<A: Arithmetic>(x: f32) -> f32 {
    let high = if x > 89.0 { 89.0 } else { x };
    let clamped = if high < -88.0 { -88.0 } else { high };
    let (n, m1) = reduce::<A>(clamped);
    // In two steps, since 2¹²⁸ is not a number of its own.
    let half = n >> 1;
    let y = (1.0 + m1) * power_of_two(half) * power_of_two(n.wrapping_sub(half));
    if y < f32::MIN_POSITIVE { 0.0 } else { y }
}

/// eˣ − 1, precise near zero
#[inline(always)]
pub(crate) fn exp_m1<A: Arithmetic>(x: f32) -> f32 {
    let high = if x > 89.0 { 89.0 } else { x };
    let clamped = if high < -30.0 { -30.0 } else { high };
    let (n, m1) = reduce::<A>(clamped);
    let half = n >> 1;
    let (a, b) = (power_of_two(half), power_of_two(n.wrapping_sub(half)));
    // (2ⁿ·eʳ − 1) = b·(a·(eʳ − 1) + a − 1/b)
    let inverse = power_of_two(half.wrapping_sub(n));
    b * A::mul_add(a, m1, a - inverse)
}

/// 1 / (1 + e⁻ˣ)
#[inline(always)]
pub(crate) fn sigmoid<A: Arithmetic>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<A>(-x))
}

/// Hyperbolic tangent
#[inline(always)]
pub(crate) fn tanh<A: Arithmetic>(x: f32) -> f32 {
    let t = exp_m1::<A>(-2.0 * x.abs());
    (-t / (2.0 + t)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, close, samples};
    use super::*;

    fn check<const N: usize>(
        both: [fn(f32) -> f32; N],
        want: fn(f64) -> f64,
        low: f32,
        high: f32,
        roundings: f64,
    ) {
        for function in both {
            for x in samples(low, high) {
                close(x, function(x), want(f64::from(x)), roundings, 1.2e-38);
            }
        }
    }

    #[test]
    fn exponentials_are_precise_everywhere() {
        check(both!(exp), f64::exp, f32::NEG_INFINITY, f32::INFINITY, 3.0);
        check(both!(exp_m1), f64::exp_m1, f32::NEG_INFINITY, f32::INFINITY, 5.0);
    }

    #[test]
    fn sigmoid_and_tanh_are_precise_everywhere() {
        check(both!(sigmoid), |x| 1.0 / (1.0 + (-x).exp()), f32::NEG_INFINITY, f32::INFINITY, 5.0);
        check(both!(tanh), f64::tanh, f32::NEG_INFINITY, f32::INFINITY, 7.0);
    }

    #[test]
    fn nan_stays_nan_and_zero_keeps_its_sign() {
        for functions in [both!(exp), both!(exp_m1), both!(sigmoid), both!(tanh)] {
            for function in functions {
                assert!(function(f32::NAN).is_nan());
            }
        }
        assert!(both!(tanh).into_iter().all(|tanh| tanh(-0.0).is_sign_negative()));
    }
}
