//! One line for every element.

use crate::isa::{Arithmetic, dispatch};

#[inline(always)]
fn affine_body<A: Arithmetic>(scale: f32, offset: f32, x: &mut [f32]) {
    for x in x {
        *x = A::mul_add(scale, *x, offset);
    }
}

dispatch! {
    /// x ← `scale`·x + `offset`
    pub fn affine(scale: f32, offset: f32, x: &mut [f32]) = affine_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::on_every_set;

    #[test]
    fn every_element_is_scaled_and_moved() {
        on_every_set(|| {
            let mut x: Vec<f32> = (0..21).map(|i| i as f32).collect();
            affine(0.5, -3.0, &mut x);
            assert!(x.iter().enumerate().all(|(i, &y)| y == 0.5 * i as f32 - 3.0));
            x
        });
    }
}
