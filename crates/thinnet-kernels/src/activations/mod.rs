//! Activations forward and backward, on slices.
//!
//! `f(x)` overwrites x by f(x). `f_backward(known, dy)` overwrites dy by dy·f′, where `known` is the input or the
//! output, as its name says. NaN goes through, so that it is seen.

pub mod elu;
pub mod gelu;
pub mod relu;
pub mod sigmoid;
pub mod softmax;

/// x ← f(x)
///
/// `f` is called in one place: what is called once is inlined, and so compiled for the instruction set around it.
#[inline(always)]
fn map(x: &mut [f32], f: impl Fn(f32) -> f32) {
    for x in x {
        *x = f(*x);
    }
}

/// dy ← f(known, dy), for two slices of the same length
#[inline(always)]
fn map_gradient(known: &[f32], dy: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    debug_assert_eq!(known.len(), dy.len());
    for (dy, &known) in dy.iter_mut().zip(known) {
        *dy = f(known, *dy);
    }
}

#[cfg(test)]
mod testing {
    /// Inputs around zero, in the tails and far out; the odd number leaves a rest beside whole vectors.
    pub(super) fn inputs() -> Vec<f32> {
        let around = (-4000..=4000).map(|i| i as f32 / 400.0);
        around
            .chain([-100.0, -88.0, -50.0, -20.0, -1e-6, -1e-20, 1e-20, 1e-6, 20.0, 50.0, 88.0, 100.0])
            .collect()
    }

    /// Asserts that `got` is `want` up to a relative 1e-6 (and an absolute `slack`).
    #[track_caller]
    pub(super) fn close(x: f32, got: f32, want: f64, slack: f64) {
        let error = (f64::from(got) - want).abs();
        assert!(error <= 1e-6 * want.abs() + slack, "at {x:e}: {got:e}, want {want:e}");
    }

    /// The derivative of `f` by a five-point stencil.
    pub(super) fn derivative(f: impl Fn(f64) -> f64, x: f64) -> f64 {
        let h = 1e-3;
        (f(x - 2.0 * h) - 8.0 * f(x - h) + 8.0 * f(x + h) - f(x + 2.0 * h)) / (12.0 * h)
    }
}
