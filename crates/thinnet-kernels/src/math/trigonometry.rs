//! Sine and cosine of a random angle.

use super::polynomial;
use crate::isa::Arithmetic;

/// sin(t·π/2) / t by t² for |t| ≤ ½; relative error 5e-9
const SIN: [f32; 4] = [std::f32::consts::FRAC_PI_2, -0.645_963_5, 0.079_680_23, -0.004_602_177];
/// cos(t·π/2) by t² for |t| ≤ ½; error 5e-11
const COS: [f32; 5] = [1.0, -1.233_700_5, 0.253_669_2, -0.020_860_072, 0.000_903_631_7];

/// Cosine and sine of `turns` / 2³² of a full turn.
#[inline(always)]
pub(crate) fn cos_sin_turns<A: Arithmetic>(turns: u32) -> (f32, f32) {
    // The nearest quarter, and how far from it in quarters.
    let quarter = turns.wrapping_add(1 << 29) >> 30;
    let rest = turns.wrapping_sub(quarter << 30).cast_signed();
    let t = rest as f32 * (1.0 / (1u32 << 30) as f32);
    let (sin, cos) = (t * polynomial::<A, 4>(t * t, SIN), polynomial::<A, 5>(t * t, COS));
    let (x, y) = if quarter & 1 == 0 { (cos, sin) } else { (sin, cos) };
    // The cosine is negative in quarters 1 and 2, the sine in quarters 2 and 3.
    let sign = |value: f32, quarter: u32| f32::from_bits(value.to_bits() ^ ((quarter & 2) << 30));
    (sign(x, quarter.wrapping_add(1)), sign(y, quarter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Separate;

    #[test]
    fn sine_and_cosine_are_precise_all_around() {
        for function in [
            cos_sin_turns::<Separate> as fn(u32) -> (f32, f32),
            #[cfg(target_arch = "x86_64")]
            cos_sin_turns::<crate::isa::Fused>,
        ] {
            for turns in (0..=u32::MAX).step_by(99_991) {
                let angle = f64::from(turns) / 2f64.powi(32) * std::f64::consts::TAU;
                let (cos, sin) = function(turns);
                assert!((f64::from(cos) - angle.cos()).abs() < 1.5e-7, "cos of {turns:#x}: {cos}");
                assert!((f64::from(sin) - angle.sin()).abs() < 1.5e-7, "sin of {turns:#x}: {sin}");
            }
            assert_eq!(function(1 << 30), (-0.0, 1.0));
        }
    }
}
