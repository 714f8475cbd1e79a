//! Two vectors as one.

use super::Vector;

/// The first half of the numbers, and the second.
#[derive(Clone, Copy)]
pub(crate) struct Pair<V>(pub(in crate::isa) [V; 2]);

impl<V: Vector> Vector for Pair<V> {
    const LANES: usize = 2 * V::LANES;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([V::splat(value); 2])
    }

    #[inline(always)]
    unsafe fn load_from(from: *const f32) -> Self {
        // SAFETY: the caller promises as many numbers as both have.
        Self(unsafe { [V::load_from(from), V::load_from(from.add(V::LANES))] })
    }

    #[inline(always)]
    unsafe fn store_to(self, to: *mut f32) {
        // SAFETY: the caller promises room for as many numbers as both have.
        unsafe {
            self.0[0].store_to(to);
            self.0[1].store_to(to.add(V::LANES));
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self([self.0[0].add(other.0[0]), self.0[1].add(other.0[1])])
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        Self([self.0[0].subtract(other.0[0]), self.0[1].subtract(other.0[1])])
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        Self([self.0[0].multiply(other.0[0]), self.0[1].multiply(other.0[1])])
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self([self.0[0].mul_add(b.0[0], c.0[0]), self.0[1].mul_add(b.0[1], c.0[1])])
    }

    #[inline(always)]
    fn above(self, other: Self) -> Self {
        Self([self.0[0].above(other.0[0]), self.0[1].above(other.0[1])])
    }

    #[inline(always)]
    fn equals(self, other: Self) -> Self {
        Self([self.0[0].equals(other.0[0]), self.0[1].equals(other.0[1])])
    }

    #[inline(always)]
    fn is_nan(self) -> Self {
        Self([self.0[0].is_nan(), self.0[1].is_nan()])
    }

    #[inline(always)]
    fn and(self, mask: Self) -> Self {
        Self([self.0[0].and(mask.0[0]), self.0[1].and(mask.0[1])])
    }

    #[inline(always)]
    fn without(self, mask: Self) -> Self {
        Self([self.0[0].without(mask.0[0]), self.0[1].without(mask.0[1])])
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self([self.0[0].or(other.0[0]), self.0[1].or(other.0[1])])
    }

    #[inline(always)]
    fn signs(self) -> u32 {
        self.0[0].signs() | self.0[1].signs() << V::LANES
    }

    #[inline(always)]
    fn interleave(self, other: Self) -> [Self; 2] {
        [Self(self.0[0].interleave(other.0[0])), Self(self.0[1].interleave(other.0[1]))]
    }

    #[inline(always)]
    fn load_part(from: &[f32]) -> Self {
        let (low, high) = from.split_at(from.len().min(V::LANES));
        Self([V::load_part(low), V::load_part(high)])
    }

    #[inline(always)]
    fn store_part(self, to: &mut [f32]) {
        let (low, high) = to.split_at_mut(to.len().min(V::LANES));
        self.0[0].store_part(low);
        self.0[1].store_part(high);
    }
}
