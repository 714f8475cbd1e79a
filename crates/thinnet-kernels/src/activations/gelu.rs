//! Gaussian error linear units.

use std::f32::consts::FRAC_1_SQRT_2;

use super::{map, map_gradient};
use crate::isa::{Arithmetic, dispatch};
use crate::math::{erf, exp, sigmoid};

/// 1 / √(2π)
const DENSITY: f32 = 0.398_942_3;
/// 2·√(2/π)
const STEEPNESS: f32 = 1.595_769_2;
/// The cubic term of the approximation.
const CUBIC: f32 = 0.044_715;

#[inline(always)]
fn gelu_body<A: Arithmetic>(x: &mut [f32]) {
    map(x, |x| 0.5 * x * (1.0 + erf::<A>(x * FRAC_1_SQRT_2)));
}

#[inline(always)]
fn gelu_backward_body<A: Arithmetic>(x: &[f32], dy: &mut [f32]) {
    map_gradient(x, dy, |x, dy| {
        let below = 0.5 * (1.0 + erf::<A>(x * FRAC_1_SQRT_2));
        let density = DENSITY * exp::<A>(-0.5 * x * x);
        dy * A::mul_add(x, density, below)
    });
}

/// ½·(1 + tanh(u)) is the logistic function of 2u.
#[inline(always)]
fn gate<A: Arithmetic>(x: f32) -> f32 {
    sigmoid::<A>(STEEPNESS * x * A::mul_add(CUBIC, x * x, 1.0))
}

#[inline(always)]
fn approximate_gelu_body<A: Arithmetic>(x: &mut [f32]) {
    map(x, |x| x * gate::<A>(x));
}

#[inline(always)]
fn approximate_gelu_backward_body<A: Arithmetic>(x: &[f32], dy: &mut [f32]) {
    map_gradient(x, dy, |x, dy| {
        let gate = gate::<A>(x);
        let inner = STEEPNESS * A::mul_add(3.0 * CUBIC, x * x, 1.0);
        dy * (gate * A::mul_add(x * (1.0 - gate), inner, 1.0))
    });
}

dispatch! {
    /// x·Φ(x), Φ the normal distribution's cumulative function
    pub fn gelu(x: &mut [f32]) = gelu_body
}

dispatch! {
    /// The gradient of [`gelu`] from its input.
    pub fn gelu_backward(x: &[f32], dy: &mut [f32]) = gelu_backward_body
}

dispatch! {
    /// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
    pub fn approximate_gelu(x: &mut [f32]) = approximate_gelu_body
}

dispatch! {
    /// The gradient of [`approximate_gelu`] from its input.
    pub fn approximate_gelu_backward(x: &[f32], dy: &mut [f32]) = approximate_gelu_backward_body
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, derivative, inputs};
    use super::*;
    use crate::isa::testing::on_every_set;

    fn approximate(x: f64) -> f64 {
        0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
    }

    /// x·Φ(x), with Φ's series around 0 and Laplace's continued fraction further out.
    fn exact(x: f64) -> f64 {
        let density = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
        if x.abs() > 3.0 {
            let tail =
                density / (1..200).rev().fold(x.abs(), |fraction, n| x.abs() + f64::from(n) / fraction);
            return x * if x > 0.0 { 1.0 - tail } else { tail };
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..100 {
            term *= x * x / f64::from(2 * n + 1);
            sum += term;
        }
        x * (0.5 + density * sum)
    }

    #[track_caller]
    fn check(forward: fn(&mut [f32]), backward: fn(&[f32], &mut [f32]), formula: fn(f64) -> f64) {
        on_every_set(|| {
            let x = inputs();
            let mut y = x.clone();
            forward(&mut y);
            let mut dy = vec![2.0; x.len()];
            backward(&x, &mut dy);
            for (i, &x) in x.iter().enumerate() {
                close(x, y[i], formula(f64::from(x)), 5e-7);
                close(x, dy[i], 2.0 * derivative(formula, f64::from(x)), 2e-6);
            }

            [y, dy].concat()
        });
    }

    #[test]
    fn both_forms_are_their_formulas_and_their_slopes() {
        check(gelu, gelu_backward, exact);
        check(approximate_gelu, approximate_gelu_backward, approximate);
    }
}
