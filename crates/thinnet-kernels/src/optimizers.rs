//! One step of each optimizer, as one pass over the values, their gradient and what is remembered of each.
//!
//! `keep` is 1 − learning rate × weight decay: what is left of a value before the step (1 without decay).

use crate::isa::{Arithmetic, dispatch};

/// Loops over slices of one length, so that the compiler can leave the bounds' checks out and use vectors.
macro_rules! each {
    (|$w:ident, $g:ident $(, $slot:ident)*| $body:block) => {
        let len = $w.len();
        let $g = &$g[..len];
        $(let $slot = &mut $slot[..len];)*
        for i in 0..len {
            let $w = &mut $w[i];
            let $g = $g[i];
            $(let $slot = &mut $slot[i];)*
            $body
        }
    };
}

#[inline(always)]
fn sgd_body<A: Arithmetic>(w: &mut [f32], g: &[f32], rate: f32, keep: f32) {
    each!(|w, g| {
        *w = A::mul_add(-rate, g, *w * keep);
    });
}

dispatch! {
    /// w ← w·keep − rate·g
    pub fn sgd(w: &mut [f32], g: &[f32], rate: f32, keep: f32) = sgd_body
}

#[inline(always)]
fn momentum_body<A: Arithmetic>(
    w: &mut [f32],
    g: &[f32],
    velocity: &mut [f32],
    rate: f32,
    momentum: f32,
    nesterov: bool,
    keep: f32,
) {
    if nesterov {
        each!(|w, g, velocity| {
            let step = -rate * g;
            *velocity = A::mul_add(momentum, *velocity, step);
            *w = *w * keep + A::mul_add(momentum, *velocity, step);
        });
    } else {
        each!(|w, g, velocity| {
            *velocity = A::mul_add(momentum, *velocity, -rate * g);
            *w = *w * keep + *velocity;
        });
    }
}

dispatch! {
    /// v ← momentum·v − rate·g; w ← w·keep + v, or with Nesterov's momentum w·keep + momentum·v − rate·g
    pub fn momentum(
        w: &mut [f32],
        g: &[f32],
        velocity: &mut [f32],
        rate: f32,
        momentum: f32,
        nesterov: bool,
        keep: f32,
    ) = momentum_body
}

#[inline(always)]
fn adam_body<A: Arithmetic>(w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], c: &Adam) {
    let Adam { step, one_minus_beta_1, one_minus_beta_2, epsilon, keep } = *c;
    each!(|w, g, m, v| {
        *m = A::mul_add(g - *m, one_minus_beta_1, *m);
        *v = A::mul_add(A::mul_add(g, g, -*v), one_minus_beta_2, *v);
        *w = *w * keep - step * *m / (v.sqrt() + epsilon);
    });
}

#[inline(always)]
fn amsgrad_body<A: Arithmetic>(
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    largest: &mut [f32],
    c: &Adam,
) {
    let Adam { step, one_minus_beta_1, one_minus_beta_2, epsilon, keep } = *c;
    each!(|w, g, m, v, largest| {
        *m = A::mul_add(g - *m, one_minus_beta_1, *m);
        *v = A::mul_add(A::mul_add(g, g, -*v), one_minus_beta_2, *v);
        *largest = if *v > *largest { *v } else { *largest };
        *w = *w * keep - step * *m / (largest.sqrt() + epsilon);
    });
}

/// What a step of Adam depends on.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// rate·√(1 − β₂ᵗ)/(1 − β₁ᵗ)
    pub step: f32,
    /// 1 − β₁
    pub one_minus_beta_1: f32,
    /// 1 − β₂
    pub one_minus_beta_2: f32,
    /// Added to the root.
    pub epsilon: f32,
    /// See the module's text.
    pub keep: f32,
}

dispatch! {
    /// m ← m + (g − m)(1 − β₁); v ← v + (g² − v)(1 − β₂); w ← w·keep − step·m/(√v + ε)
    pub fn adam(w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], c: &Adam) = adam_body
}

dispatch! {
    /// [`adam`] with the largest v so far under the root.
    pub fn amsgrad(
        w: &mut [f32],
        g: &[f32],
        m: &mut [f32],
        v: &mut [f32],
        largest: &mut [f32],
        c: &Adam,
    ) = amsgrad_body
}

/// What a step of Nadam depends on.
#[derive(Clone, Copy, Debug)]
pub struct Nadam {
    /// rate·uₜ₊₁/(1 − Π uᵢ up to t + 1)
    pub of_momentum: f32,
    /// rate·(1 − uₜ)/(1 − Π uᵢ up to t)
    pub of_gradient: f32,
    /// 1/(1 − β₂ᵗ)
    pub correction: f32,
    /// 1 − β₁
    pub one_minus_beta_1: f32,
    /// 1 − β₂
    pub one_minus_beta_2: f32,
    /// Added to the root.
    pub epsilon: f32,
    /// See the module's text.
    pub keep: f32,
}

#[inline(always)]
fn nadam_body<A: Arithmetic>(w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], c: &Nadam) {
    let Nadam { of_momentum, of_gradient, correction, one_minus_beta_1, one_minus_beta_2, epsilon, keep } =
        *c;
    each!(|w, g, m, v| {
        *m = A::mul_add(g - *m, one_minus_beta_1, *m);
        *v = A::mul_add(A::mul_add(g, g, -*v), one_minus_beta_2, *v);
        let step = A::mul_add(of_momentum, *m, of_gradient * g);
        *w = *w * keep - step / ((*v * correction).sqrt() + epsilon);
    });
}

dispatch! {
    /// Adam with Nesterov's momentum: w ← w·keep − (of_momentum·m + of_gradient·g)/(√(v·correction) + ε)
    pub fn nadam(w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], c: &Nadam) = nadam_body
}

/// What a step of RMSprop depends on.
#[derive(Clone, Copy, Debug)]
pub struct RmsProp {
    /// The learning rate.
    pub rate: f32,
    /// ρ
    pub rho: f32,
    /// Added under the root.
    pub epsilon: f32,
    /// See the module's text.
    pub keep: f32,
}

#[inline(always)]
fn rmsprop_body<A: Arithmetic>(w: &mut [f32], g: &[f32], v: &mut [f32], c: &RmsProp) {
    let RmsProp { rate, rho, epsilon, keep } = *c;
    each!(|w, g, v| {
        *v = A::mul_add(rho, *v, (1.0 - rho) * g * g);
        *w = *w * keep - rate * g / (*v + epsilon).sqrt();
    });
}

dispatch! {
    /// v ← ρ·v + (1 − ρ)·g²; w ← w·keep − rate·g/√(v + ε)
    pub fn rmsprop(w: &mut [f32], g: &[f32], v: &mut [f32], c: &RmsProp) = rmsprop_body
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its operands as plain slices and sizes")]
fn rmsprop_general_body<A: Arithmetic>(
    w: &mut [f32],
    g: &[f32],
    v: &mut [f32],
    mean: &mut [f32],
    velocity: &mut [f32],
    centered: bool,
    momentum: f32,
    c: &RmsProp,
) {
    let RmsProp { rate, rho, epsilon, keep } = *c;
    let centre = if centered { 1.0 } else { 0.0 };
    each!(|w, g, v, mean, velocity| {
        *v = A::mul_add(rho, *v, (1.0 - rho) * g * g);
        *mean = A::mul_add(rho, *mean, (1.0 - rho) * g);
        let variance = *v - centre * *mean * *mean;
        // Rounding makes that of a steady gradient less than nothing.
        let variance = if variance < 0.0 { 0.0 } else { variance };
        *velocity = A::mul_add(momentum, *velocity, rate * g / (variance + epsilon).sqrt());
        *w = *w * keep - *velocity;
    });
}

dispatch! {
    /// [`rmsprop`] with momentum, and where `centered` is set with the gradient's variance in place of its square.
    pub fn rmsprop_general(
        w: &mut [f32],
        g: &[f32],
        v: &mut [f32],
        mean: &mut [f32],
        velocity: &mut [f32],
        centered: bool,
        momentum: f32,
        c: &RmsProp,
    ) = rmsprop_general_body
}

#[inline(always)]
fn adagrad_body<A: Arithmetic>(
    w: &mut [f32],
    g: &[f32],
    sum: &mut [f32],
    rate: f32,
    epsilon: f32,
    keep: f32,
) {
    each!(|w, g, sum| {
        *sum = A::mul_add(g, g, *sum);
        *w = *w * keep - rate * g / (*sum + epsilon).sqrt();
    });
}

dispatch! {
    /// s ← s + g²; w ← w·keep − rate·g/√(s + ε)
    pub fn adagrad(w: &mut [f32], g: &[f32], sum: &mut [f32], rate: f32, epsilon: f32, keep: f32) = adagrad_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::on_every_set;

    const LEN: usize = 37;

    type Kernel<'a> = &'a dyn Fn(&mut [f32], &[f32], [&mut [f32]; 3]);

    /// A few steps of a kernel and of a plain version in f64.
    #[track_caller]
    fn check(kernel: Kernel, plain: &dyn Fn(&mut f64, f64, &mut [f64; 3])) {
        on_every_set(|| {
            let mut w: Vec<f32> = (0..LEN).map(|i| (i as f32 * 0.7).sin()).collect();
            let mut slots = [vec![0.1_f32; LEN], vec![0.1; LEN], vec![0.1; LEN]];
            let mut expected: Vec<(f64, [f64; 3])> =
                w.iter().map(|&w| (f64::from(w), [0.1_f32.into(); 3])).collect();
            for step in 0..5 {
                let g: Vec<f32> = (0..LEN).map(|i| ((i * 3 + step) as f32).cos()).collect();
                let [a, b, c] = &mut slots;
                kernel(&mut w, &g, [a, b, c]);
                for ((w, slots), &g) in expected.iter_mut().zip(&g) {
                    plain(w, f64::from(g), slots);
                }
            }
            for (came, (expected, _)) in w.iter().zip(&expected) {
                assert!((f64::from(*came) - expected).abs() < 1e-5, "{came}, expected {expected}");
            }
            slots.into_iter().fold(w, |all, slot| [all, slot].concat())
        });
    }

    /// Whose variance is nothing, but for rounding.
    #[test]
    fn centred_rmsprop_of_a_steady_gradient_stays_finite() {
        let c = RmsProp { rate: 1e-3, rho: 0.9, epsilon: 1e-7, keep: 1.0 };
        let g: Vec<f32> = (0..LEN).map(|i| 0.3 + 1.7 * i as f32).collect();
        on_every_set(|| {
            let mut w = vec![0.0; LEN];
            let [mut v, mut mean, mut velocity] = [const { [0.0; LEN] }; 3];
            for _ in 0..300 {
                rmsprop_general(&mut w, &g, &mut v, &mut mean, &mut velocity, true, 0.0, &c);
            }
            assert!(w.iter().all(|w| w.is_finite()), "{w:?}");
            w
        });
    }

    #[test]
    fn kernels_agree_with_their_formulas() {
        check(&|w, g, _| sgd(w, g, 0.1, 0.99), &|w, g, _| *w = *w * 0.99 - 0.1 * g);
        for nesterov in [false, true] {
            check(&|w, g, [v, ..]| momentum(w, g, v, 0.1, 0.9, nesterov, 0.99), &|w, g, [v, ..]| {
                *v = 0.9 * *v - 0.1 * g;
                *w = *w * 0.99 + if nesterov { 0.9 * *v - 0.1 * g } else { *v };
            });
        }
        let c =
            Adam { step: 0.05, one_minus_beta_1: 0.1, one_minus_beta_2: 0.001, epsilon: 1e-7, keep: 0.99 };
        check(&|w, g, [m, v, _]| adam(w, g, m, v, &c), &|w, g, [m, v, _]| {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            *w = *w * 0.99 - 0.05 * *m / (v.sqrt() + 1e-7);
        });
        check(&|w, g, [m, v, l]| amsgrad(w, g, m, v, l, &c), &|w, g, [m, v, l]| {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            *l = l.max(*v);
            *w = *w * 0.99 - 0.05 * *m / (l.sqrt() + 1e-7);
        });
        let c = RmsProp { rate: 0.01, rho: 0.9, epsilon: 1e-7, keep: 0.99 };
        check(&|w, g, [v, ..]| rmsprop(w, g, v, &c), &|w, g, [v, ..]| {
            *v = 0.9 * *v + 0.1 * g * g;
            *w = *w * 0.99 - 0.01 * g / (*v + 1e-7).sqrt();
        });
        for centered in [false, true] {
            check(
                &|w, g, [v, m, s]| rmsprop_general(w, g, v, m, s, centered, 0.8, &c),
                &|w, g, [v, m, s]| {
                    *v = 0.9 * *v + 0.1 * g * g;
                    *m = 0.9 * *m + 0.1 * g;
                    let variance = if centered { *v - *m * *m } else { *v };
                    *s = 0.8 * *s + 0.01 * g / (variance + 1e-7).sqrt();
                    *w = *w * 0.99 - *s;
                },
            );
        }
        check(&|w, g, [s, ..]| adagrad(w, g, s, 0.1, 1e-7, 0.99), &|w, g, [s, ..]| {
            *s += g * g;
            *w = *w * 0.99 - 0.1 * g / (*s + 1e-7).sqrt();
        });
        let c = Nadam {
            of_momentum: 0.02,
            of_gradient: 0.01,
            correction: 3.0,
            one_minus_beta_1: 0.1,
            one_minus_beta_2: 0.001,
            epsilon: 1e-7,
            keep: 0.99,
        };
        check(&|w, g, [m, v, _]| nadam(w, g, m, v, &c), &|w, g, [m, v, _]| {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            *w = *w * 0.99 - (0.02 * *m + 0.01 * g) / ((*v * 3.0).sqrt() + 1e-7);
        });
    }
}
