//! Rectifiers.

use super::{map, map_gradient};
use crate::isa::{Arithmetic, Vector, dispatch};

/// With explicit vectors: the compiler makes masked stores of a plain loop, which are many times slower.
#[inline(always)]
fn relu_body<A: Arithmetic>(x: &mut [f32]) {
    for x in x.chunks_mut(A::Vector::LANES) {
        let value = A::Vector::load_part(x);
        let kept = value.above(A::Vector::splat(0.0)).or(value.is_nan());
        value.and(kept).store_part(x);
    }
}

#[inline(always)]
fn leaky_relu_body<A: Arithmetic>(slope: f32, x: &mut [f32]) {
    map(x, |x| x * if x < 0.0 { slope } else { 1.0 });
}

#[inline(always)]
fn bounded_relu_body<A: Arithmetic>(slope: f32, max: f32, threshold: f32, x: &mut [f32]) {
    map(x, |x| {
        // Without a slope the left side is 0, also at −∞.
        let below = if slope == 0.0 { 0.0 } else { slope * (x - threshold) };
        let above = if x > max { max } else { x };
        if x <= threshold { below } else { above }
    });
}

#[inline(always)]
fn relu_backward_body<A: Arithmetic>(y: &[f32], dy: &mut [f32]) {
    for (y, dy) in y.chunks(A::Vector::LANES).zip(dy.chunks_mut(A::Vector::LANES)) {
        let on = A::Vector::load_part(y).above(A::Vector::splat(0.0));
        A::Vector::load_part(dy).and(on).store_part(dy);
    }
}

#[inline(always)]
fn bounded_relu_backward_body<A: Arithmetic>(slope: f32, max: f32, y: &[f32], dy: &mut [f32]) {
    map_gradient(y, dy, |y, dy| {
        let below = if slope == 0.0 { 0.0 } else { slope * dy };
        let above = if y < max { dy } else { 0.0 };
        if y > 0.0 { above } else { below }
    });
}

dispatch! {
    /// max(x, 0)
    pub fn relu(x: &mut [f32]) = relu_body
}

dispatch! {
    /// x above zero, `slope`·x below
    pub fn leaky_relu(slope: f32, x: &mut [f32]) = leaky_relu_body
}

dispatch! {
    /// min(x, `max`) above `threshold`, `slope`·(x − `threshold`) up to it. `max` may be infinite.
    pub fn bounded_relu(slope: f32, max: f32, threshold: f32, x: &mut [f32]) = bounded_relu_body
}

dispatch! {
    /// The gradient of [`relu`], from the sign of its output.
    pub fn relu_backward(y: &[f32], dy: &mut [f32]) = relu_backward_body
}

dispatch! {
    /// The gradient of [`bounded_relu`] from its output, for a positive `max` and a threshold that is not negative; with
    /// an infinite `max` that of [`leaky_relu`] too, and then the output's sign is enough.
    pub fn bounded_relu_backward(slope: f32, max: f32, y: &[f32], dy: &mut [f32]) = bounded_relu_backward_body
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, inputs};
    use super::*;
    use crate::isa::testing::on_every_set;

    #[test]
    fn every_form_is_its_formula_and_its_slope() {
        let infinite = f32::INFINITY;
        for (slope, max, threshold) in
            [(0.0, infinite, 0.0), (0.25, infinite, 0.0), (0.0, 6.0, 0.0), (0.25, 6.0, 0.5), (0.0, 1.0, 2.0)]
        {
            on_every_set(|| {
                let x = inputs();
                let mut forms = vec![x.clone()];
                bounded_relu(slope, max, threshold, &mut forms[0]);
                if max == infinite {
                    forms.push(x.clone());
                    leaky_relu(slope, &mut forms[1]);
                }
                if max == infinite && slope == 0.0 {
                    forms.push(x.clone());
                    relu(&mut forms[2]);
                }
                let mut dy = vec![3.0; x.len()];
                bounded_relu_backward(slope, max, &forms[0], &mut dy);
                if max == infinite && slope == 0.0 {
                    let mut same = vec![3.0; x.len()];
                    relu_backward(&forms[0], &mut same);
                    assert_eq!(dy, same);
                }
                for (i, &x) in x.iter().enumerate() {
                    let want = if x > threshold { x.min(max) } else { slope * (x - threshold) };
                    for y in &forms {
                        close(x, y[i], f64::from(want), 0.0);
                    }
                    if x != threshold && x != max {
                        let want = if x > max.max(threshold) {
                            0.0
                        } else if x > threshold {
                            3.0
                        } else {
                            3.0 * slope
                        };
                        // Above the threshold, but cut off at once.
                        let want = if x > threshold && x > max { 0.0 } else { want };
                        assert_eq!(dy[i], want, "slope at {x}");
                    }
                }
                forms.into_iter().flatten().chain(dy).collect()
            });
        }
    }

    #[test]
    fn the_ends_are_clean_and_nan_goes_through() {
        let mut x = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN];
        relu(&mut x);
        assert_eq!(x[..2], [0.0, f32::INFINITY]);
        assert!(x[2].is_nan());
        let mut x = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN];
        bounded_relu(0.0, 6.0, 0.0, &mut x);
        assert_eq!(x[..2], [0.0, 6.0]);
        assert!(x[2].is_nan());
    }
}
