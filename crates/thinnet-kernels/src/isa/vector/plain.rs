//! Plain Rust.

use super::Vector;

const LANES: usize = 8;

/// Plain Rust, two roundings.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f32; LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }
}

impl Vector for Plain {
    const LANES: usize = LANES;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    unsafe fn load_from(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { *from.cast() })
    }

    #[inline(always)]
    unsafe fn store_to(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { *to.cast() = self.0 }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.multiply(b).add(c)
    }

    #[inline(always)]
    fn above(self, other: Self) -> Self {
        self.zip(other, |a, b| mask(a > b))
    }

    #[inline(always)]
    fn equals(self, other: Self) -> Self {
        self.zip(other, |a, b| mask(a == b))
    }

    #[inline(always)]
    fn is_nan(self) -> Self {
        self.zip(self, |a, _| mask(a.is_nan()))
    }

    #[inline(always)]
    fn and(self, mask: Self) -> Self {
        self.zip(mask, |a, b| f32::from_bits(a.to_bits() & b.to_bits()))
    }

    #[inline(always)]
    fn without(self, mask: Self) -> Self {
        self.zip(mask, |a, b| f32::from_bits(a.to_bits() & !b.to_bits()))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| f32::from_bits(a.to_bits() | b.to_bits()))
    }

    #[inline(always)]
    fn signs(self) -> u32 {
        (0..LANES).map(|lane| u32::from(self.0[lane].is_sign_negative()) << lane).sum()
    }

    #[inline(always)]
    fn interleave(self, other: Self) -> [Self; 2] {
        let turns =
            |first: usize| Self(std::array::from_fn(|lane| [self, other][lane % 2].0[first + lane / 2]));
        [turns(0), turns(LANES / 2)]
    }
}

/// All bits or none.
#[inline(always)]
fn mask(condition: bool) -> f32 {
    f32::from_bits(u32::from(condition).wrapping_neg())
}
