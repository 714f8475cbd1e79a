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
