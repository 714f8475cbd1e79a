//! Sums of slices.

use crate::isa::dispatch;

#[inline(always)]
fn add_body<A>(x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

dispatch! {
    /// y ← y + x
    pub fn add(x: &[f32], y: &mut [f32]) = add_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_added() {
        let (x, mut y) = ([1.0; 21], [2.5; 21]);
        add(&x, &mut y);
        assert_eq!(y, [3.5; 21]);
    }
}
