//! Elementary functions of single numbers, with the bits that the kernels in use give: `std`'s are the platform's, which
//! differ between machines.

use crate::isa::dispatch;
use crate::math::{exp as math_exp, ln as math_ln, ln_1p as math_ln_1p};

dispatch! {
    /// eˣ
    ///
    /// ```
    /// assert_eq!(thinnet_kernels::scalar::exp(0.0), 1.0);
    /// ```
    pub fn exp(x: f32) -> f32 = math_exp
}

dispatch! {
    /// Natural logarithm: −∞ at 0, NaN below
    ///
    /// ```
    /// assert_eq!(thinnet_kernels::scalar::ln(1.0), 0.0);
    /// ```
    pub fn ln(x: f32) -> f32 = math_ln
}

dispatch! {
    /// ln(1 + x), precise near zero
    ///
    /// ```
    /// assert_eq!(thinnet_kernels::scalar::ln_1p(1e-20), 1e-20);
    /// ```
    pub fn ln_1p(x: f32) -> f32 = math_ln_1p
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::on_every_set;

    #[test]
    fn functions_are_precise_on_every_set() {
        let numbers: Vec<f32> = (-80..=80).map(|i| (i as f32 * 1.07).sinh()).collect();
        on_every_set(|| {
            let mut all = Vec::new();
            for &x in &numbers {
                let at = f64::from(x.abs());
                for (y, want) in [
                    (exp(x % 87.0), f64::from(x % 87.0).exp()),
                    (ln(x.abs()), at.ln()),
                    (ln_1p(x.abs()), at.ln_1p()),
                ] {
                    let same = f64::from(y) == want;
                    assert!(
                        same || (f64::from(y) - want).abs() <= 4e-7 * want.abs(),
                        "{x}: {y}, want {want}"
                    );
                    all.push(y);
                }
            }
            for ends in
                [exp(f32::INFINITY), exp(f32::NEG_INFINITY), exp(f32::NAN), ln(0.0), ln(-1.0), ln_1p(-1.0)]
            {
                all.push(ends);
            }
            all
        });
    }
}
