//! The logistic function, its relatives, and tanh.

use super::{map, map_gradient};
use crate::isa::{Arithmetic, dispatch};
use crate::math;

#[inline(always)]
fn sigmoid_body<A: Arithmetic>(x: &mut [f32]) {
    map(x, |x| math::sigmoid::<A>(x));
}

#[inline(always)]
fn sigmoid_backward_body<A: Arithmetic>(y: &[f32], dy: &mut [f32]) {
    map_gradient(y, dy, |y, dy| dy * (y * (1.0 - y)));
}

#[inline(always)]
fn tanh_body<A: Arithmetic>(x: &mut [f32]) {
    map(x, |x| math::tanh::<A>(x));
}

#[inline(always)]
fn tanh_backward_body<A: Arithmetic>(y: &[f32], dy: &mut [f32]) {
    map_gradient(y, dy, |y, dy| dy * ((1.0 - y) * (1.0 + y)));
}

#[inline(always)]
fn softplus_body<A: Arithmetic>(x: &mut [f32]) {
    map(x, |x| {
        let positive = if x < 0.0 { 0.0 } else { x };
        positive + math::ln_1p::<A>(math::exp::<A>(-x.abs()))
    });
}

#[inline(always)]
fn softplus_backward_body<A: Arithmetic>(y: &[f32], dy: &mut [f32]) {
    map_gradient(y, dy, |y, dy| dy * -math::exp_m1::<A>(-y));
}

#[inline(always)]
fn swish_body<A: Arithmetic>(x: &mut [f32]) {
    map(x, |x| x * math::sigmoid::<A>(x));
}

#[inline(always)]
fn swish_backward_body<A: Arithmetic>(x: &[f32], dy: &mut [f32]) {
    map_gradient(x, dy, |x, dy| {
        let s = math::sigmoid::<A>(x);
        dy * (s * A::mul_add(x, 1.0 - s, 1.0))
    });
}

dispatch! {
    /// 1 / (1 + e⁻ˣ)
    pub fn sigmoid(x: &mut [f32]) = sigmoid_body
}

dispatch! {
    /// The gradient of [`sigmoid`] from its output.
    pub fn sigmoid_backward(y: &[f32], dy: &mut [f32]) = sigmoid_backward_body
}

dispatch! {
    /// Hyperbolic tangent
    pub fn tanh(x: &mut [f32]) = tanh_body
}

dispatch! {
    /// The gradient of [`tanh`] from its output.
    pub fn tanh_backward(y: &[f32], dy: &mut [f32]) = tanh_backward_body
}

dispatch! {
    /// ln(1 + eˣ)
    pub fn softplus(x: &mut [f32]) = softplus_body
}

dispatch! {
    /// The gradient of [`softplus`] from its output.
    pub fn softplus_backward(y: &[f32], dy: &mut [f32]) = softplus_backward_body
}

dispatch! {
    /// x / (1 + e⁻ˣ)
    pub fn swish(x: &mut [f32]) = swish_body
}

dispatch! {
    /// The gradient of [`swish`] from its input.
    pub fn swish_backward(x: &[f32], dy: &mut [f32]) = swish_backward_body
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, derivative, inputs};
    use super::*;
    use crate::isa::testing::on_every_set;

    fn logistic(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    /// Values relatively, slopes up to `slack` (a slope that comes from an output near its limit has few digits).
    #[track_caller]
    fn check(
        forward: fn(&mut [f32]),
        backward: fn(&[f32], &mut [f32]),
        from_input: bool,
        formula: fn(f64) -> f64,
        slack: f64,
    ) {
        on_every_set(|| {
            let x = inputs();
            let mut y = x.clone();
            forward(&mut y);
            let mut dy = vec![2.0; x.len()];
            backward(if from_input { &x } else { &y }, &mut dy);
            for (i, &x) in x.iter().enumerate() {
                close(x, y[i], formula(f64::from(x)), 1.2e-38);
                close(x, dy[i], 2.0 * derivative(formula, f64::from(x)), slack);
            }

            [y, dy].concat()
        });
    }

    #[test]
    fn all_are_their_formulas_and_their_slopes() {
        check(sigmoid, sigmoid_backward, false, logistic, 2e-7);
        check(tanh, tanh_backward, false, f64::tanh, 1e-6);
        check(softplus, softplus_backward, false, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), 1e-10);
        check(swish, swish_backward, true, |x| x * logistic(x), 1e-6);
    }

    #[test]
    fn infinities_have_limits_and_nan_goes_through() {
        let ends = |f: fn(&mut [f32])| {
            let mut x = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN];
            f(&mut x);
            assert!(x[2].is_nan());
            [x[0], x[1]]
        };
        assert_eq!(ends(sigmoid), [0.0, 1.0]);
        assert_eq!(ends(tanh), [-1.0, 1.0]);
        assert_eq!(ends(softplus), [0.0, f32::INFINITY]);
    }
}
