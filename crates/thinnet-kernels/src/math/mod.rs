//! Elementary functions that the compiler can vectorize: branch-free, of our own making, the same bits on every
//! machine of one instruction set.
//!
//! Errors are a few roundings, at most 4·10⁻⁷ relative (the tests say how many, against f64). Infinities and NaN go in and come
//! out as in `std`. An exponential below the smallest normal number is zero: arithmetic on subnormal numbers is slow.

mod erf;
mod exp;
mod log;
mod trigonometry;

pub(crate) use erf::erf;
pub(crate) use exp::{exp, exp_m1, sigmoid, tanh};
pub(crate) use log::{ln, ln_1p};
pub(crate) use trigonometry::cos_sin_turns;

use crate::isa::Arithmetic;

/// ln 2 in two parts: products of the first with small integers are exact.
const LN_2: [f32; 2] = [0.693_359_4, -0.000_212_194_44];

/// A polynomial by Horner's rule; the constant coefficient comes first.
#[inline(always)]
fn polynomial<A: Arithmetic, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for k in (0..N - 1).rev() {
        sum = A::mul_add(sum, x, coefficients[k]);
    }
    sum
}

#[cfg(test)]
mod testing {
    /// A function with two roundings, and with one where kernels have that: exact everywhere, if slow without FMA.
    macro_rules! both {
        ($function:ident) => {
            [
                $function::<crate::isa::Separate> as fn(f32) -> f32,
                #[cfg(target_arch = "x86_64")]
                $function::<crate::isa::Fused>,
            ]
        };
    }
    pub(crate) use both;

    /// Every 997th bit pattern of f32 in `low..=high`, both ends included.
    pub(crate) fn samples(low: f32, high: f32) -> impl Iterator<Item = f32> {
        (0..=u32::MAX)
            .step_by(997)
            .map(f32::from_bits)
            .filter(move |x| (low..=high).contains(x))
            .chain([low, high])
    }

    /// Asserts that `got` is within `roundings` of `want` (a rounding is a relative 2⁻²⁴), or within `absolute`.
    #[track_caller]
    pub(crate) fn close(x: f32, got: f32, want: f64, roundings: f64, absolute: f64) {
        let unit = f64::from(f32::EPSILON) * want.abs().max(f64::from(f32::MIN_POSITIVE)) / 2.0;
        let error = (f64::from(got) - want).abs();
        let limit = (roundings * unit).max(absolute);
        // A value that f32 cannot hold is right as an infinity.
        let overflow = got.is_infinite() && want.abs() > f64::from(f32::MAX) && (want > 0.0) == (got > 0.0);
        assert!(
            error <= limit || overflow,
            "f({x:e}) = {got:e}, want {want:e}: off by {:.1} roundings",
            error / unit
        );
    }
}
