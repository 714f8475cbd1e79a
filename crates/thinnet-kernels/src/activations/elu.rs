//! Exponential linear units.

use super::{map, map_gradient};
use crate::isa::{Arithmetic, dispatch};
use crate::math::exp_m1;

#[inline(always)]
fn elu_body<A: Arithmetic>(alpha: f32, scale: f32, x: &mut [f32]) {
    let bottom = alpha * scale;
    map(x, |x| {
        let below = bottom * exp_m1::<A>(if x > 0.0 { 0.0 } else { x });
        if x > 0.0 { scale * x } else { below }
    });
}

#[inline(always)]
fn elu_backward_body<A: Arithmetic>(alpha: f32, scale: f32, y: &[f32], dy: &mut [f32]) {
    let bottom = alpha * scale;
    map_gradient(y, dy, |y, dy| dy * if y > 0.0 { scale } else { y + bottom });
}

dispatch! {
    /// `scale`·x above zero, `scale`·`alpha`·(eˣ − 1) below
    pub fn elu(alpha: f32, scale: f32, x: &mut [f32]) = elu_body
}

dispatch! {
    /// The gradient of [`elu`] from its output, for `alpha` ≥ 0 and `scale` > 0.
    pub fn elu_backward(alpha: f32, scale: f32, y: &[f32], dy: &mut [f32]) = elu_backward_body
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, inputs};
    use super::*;
    use crate::isa::testing::on_every_set;

    #[test]
    fn elu_is_its_formula_and_its_slope() {
        for (alpha, scale) in [(1.0, 1.0), (0.5, 1.0), (1.673_263_2, 1.050_701), (0.0, 1.0)] {
            on_every_set(|| {
                let x = inputs();
                let mut y = x.clone();
                elu(alpha, scale, &mut y);
                let mut dy = vec![2.0; x.len()];
                elu_backward(alpha, scale, &y, &mut dy);
                let (alpha, scale) = (f64::from(alpha), f64::from(scale));
                for (i, &x) in x.iter().enumerate() {
                    let v = f64::from(x);
                    close(x, y[i], scale * if v > 0.0 { v } else { alpha * v.exp_m1() }, 0.0);
                    // Far below, the output has no more digits that tell how far: an absolute error.
                    close(x, dy[i], 2.0 * scale * if v > 0.0 { 1.0 } else { alpha * v.exp() }, 1e-6);
                }

                [y, dy].concat()
            });
        }
    }
}
