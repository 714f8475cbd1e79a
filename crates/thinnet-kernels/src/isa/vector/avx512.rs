//! Registers of AVX-512.

use std::arch::x86_64::*;

use super::Vector;

/// A register of AVX-512. Only kernels that [`dispatch!`](crate::isa::dispatch) compiled with AVX-512 use it.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

impl Vector for Avx512 {
    const LANES: usize = 16;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: runs only within kernels for AVX-512, which run only where the processor has it.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load_from(from: *const f32) -> Self {
        // SAFETY: as in `splat`; the caller's promise.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store_to(self, to: *mut f32) {
        // SAFETY: as in `splat`; the caller's promise.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn above(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { all_bits(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0)) })
    }

    #[inline(always)]
    fn equals(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { all_bits(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, other.0)) })
    }

    #[inline(always)]
    fn is_nan(self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { all_bits(_mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0)) })
    }

    #[inline(always)]
    fn and(self, mask: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm512_and_ps(self.0, mask.0) })
    }

    #[inline(always)]
    fn without(self, mask: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm512_andnot_ps(mask.0, self.0) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm512_or_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn signs(self) -> u32 {
        // SAFETY: as in `splat`.
        u32::from(unsafe { _mm512_movepi32_mask(_mm512_castps_si512(self.0)) })
    }

    #[inline(always)]
    fn interleave(self, other: Self) -> [Self; 2] {
        // SAFETY: as in `splat`.
        unsafe {
            // The other's numbers count from sixteen.
            let first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            [first, second].map(|order| Self(_mm512_permutex2var_ps(self.0, order, other.0)))
        }
    }

    #[inline(always)]
    fn load_part(from: &[f32]) -> Self {
        // SAFETY: as in `splat`; no number beyond the slice's end is read.
        Self(unsafe { _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr()) })
    }

    #[inline(always)]
    fn store_part(self, to: &mut [f32]) {
        // SAFETY: as in `splat`; no number beyond the slice's end is written.
        unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), first(to.len()), self.0) }
    }
}

/// A bit for each of the first `count` numbers.
#[inline(always)]
fn first(count: usize) -> u16 {
    ((1_u32 << count.min(16)) - 1) as u16
}

/// All bits of the numbers of a mask, no bit of the rest.
///
/// # Safety
/// The processor has AVX-512.
#[inline(always)]
unsafe fn all_bits(mask: u16) -> __m512 {
    // SAFETY: the caller's promise.
    unsafe { _mm512_castsi512_ps(_mm512_movm_epi32(mask)) }
}
