//! Registers of AVX2.

use std::arch::x86_64::*;

use super::Vector;

/// A register of AVX2. Only kernels that [`dispatch!`](crate::isa::dispatch) compiled with AVX2 and FMA use it.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(pub(in crate::isa) __m256);

impl Vector for Avx2 {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: runs only within kernels for AVX2, which run only where the processor has it.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load_from(from: *const f32) -> Self {
        // SAFETY: as in `splat`; the caller's promise.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store_to(self, to: *mut f32) {
        // SAFETY: as in `splat`; the caller's promise.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `splat`; FMA is there wherever these kernels run.
        Self(unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn above(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn equals(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn is_nan(self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0) })
    }

    #[inline(always)]
    fn and(self, mask: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm256_and_ps(self.0, mask.0) })
    }

    #[inline(always)]
    fn without(self, mask: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm256_andnot_ps(mask.0, self.0) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: as in `splat`.
        Self(unsafe { _mm256_or_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn signs(self) -> u32 {
        // SAFETY: as in `splat`.
        unsafe { _mm256_movemask_ps(self.0) as u32 }
    }

    #[inline(always)]
    fn interleave(self, other: Self) -> [Self; 2] {
        // SAFETY: as in `splat`.
        unsafe {
            // Unpacking takes turns within each half.
            let (low, high) = (_mm256_unpacklo_ps(self.0, other.0), _mm256_unpackhi_ps(self.0, other.0));
            [Self(_mm256_permute2f128_ps::<0x20>(low, high)), Self(_mm256_permute2f128_ps::<0x31>(low, high))]
        }
    }

    #[inline(always)]
    fn load_part(from: &[f32]) -> Self {
        if from.len() >= Self::LANES {
            return Self::load(from);
        }
        let mask = &MASKS[Self::LANES - from.len()..][..Self::LANES];
        // SAFETY: as in `splat`; the mask has as many numbers as a register, and lets as many be read as the slice has.
        unsafe { Self(_mm256_maskload_ps(from.as_ptr(), _mm256_loadu_si256(mask.as_ptr().cast()))) }
    }

    /// In parts of four, two and one: a masked store takes dozens of operations on some processors.
    #[inline(always)]
    fn store_part(self, to: &mut [f32]) {
        if to.len() >= Self::LANES {
            return self.store(to);
        }
        let (count, mut to) = (to.len(), to.as_mut_ptr());
        // SAFETY: as in `splat`; the parts are as long together as the slice.
        unsafe {
            let mut rest = _mm256_castps256_ps128(self.0);
            if count & 4 != 0 {
                _mm_storeu_ps(to, rest);
                (rest, to) = (_mm256_extractf128_ps::<1>(self.0), to.add(4));
            }
            if count & 2 != 0 {
                _mm_storel_epi64(to.cast(), _mm_castps_si128(rest));
                (rest, to) = (_mm_movehl_ps(rest, rest), to.add(2));
            }
            if count & 1 != 0 {
                _mm_store_ss(to, rest);
            }
        }
    }
}

/// From place 8 − n on, all bits of n numbers, and no bit of those behind them.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
