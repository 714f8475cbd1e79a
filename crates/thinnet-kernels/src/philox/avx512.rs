//! Thirty-two blocks at a time in AVX-512 registers.

use std::arch::x86_64::*;

use super::{BLOCKS, Counters, GROUP, Keys, MULTIPLIERS};

/// Registers for each word of the counter.
const REGISTERS: usize = BLOCKS / 8;

/// See [`Groups::words`](super::Groups::words).
///
/// A register holds one word of eight blocks, each in the low half of 64 bits as `vpmuludq` wants it; what a product
/// leaves in the high half is never looked at. (Sixteen words a register would need more instructions: there is no
/// 32 × 32 → 64 multiplication of odd elements.)
#[inline]
#[target_feature(enable = "avx512f,avx2")]
pub(super) fn words(
    Keys(keys): &Keys,
    Counters(counters): &Counters,
    first: [u32; 2],
    rest: [u32; 2],
) -> [u32; GROUP] {
    let splat = |word: u32| _mm512_set1_epi64(i64::from(word));
    let multipliers = MULTIPLIERS.map(splat);
    let [c2, c3] = rest.map(splat);
    // Unpacking at the end puts this order right.
    let order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    let counter = |word: usize, register: usize| {
        let words: &[u32; 8] = &counters[word].as_chunks().0[register];
        // SAFETY: eight words are read where there are eight.
        let words = unsafe { _mm256_loadu_si256(words.as_ptr().cast()) };
        let words = _mm256_add_epi32(words, _mm256_set1_epi32(first[word].cast_signed()));
        _mm512_permutexvar_epi64(order, _mm512_cvtepu32_epi64(words))
    };
    let mut blocks: [[__m512i; 4]; REGISTERS] =
        std::array::from_fn(|register| [counter(0, register), counter(1, register), c2, c3]);
    for key in keys {
        let [k0, k1] = key.map(|key| _mm512_set1_epi64(key.cast_signed()));
        for c in &mut blocks {
            let a = _mm512_mul_epu32(multipliers[0], c[0]);
            let b = _mm512_mul_epu32(multipliers[1], c[2]);
            *c = [
                _mm512_xor_si512(_mm512_srli_epi64::<32>(b), _mm512_xor_si512(c[1], k0)),
                b,
                _mm512_xor_si512(_mm512_srli_epi64::<32>(a), _mm512_xor_si512(c[3], k1)),
                a,
            ];
        }
    }
    let pair = |low, high| _mm512_mask_blend_epi32(0xAAAA, low, _mm512_slli_epi64::<32>(high));
    let ordered = blocks.map(|c| {
        let (low, high) = (pair(c[0], c[1]), pair(c[2], c[3]));
        [_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high)]
    });
    // SAFETY: both are plain integers of the same size (or this does not compile), without padding.
    unsafe { std::mem::transmute::<[[__m512i; 2]; REGISTERS], [u32; GROUP]>(ordered) }
}

/// See [`Groups::keep`](super::Groups::keep).
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn keep(x: &mut [f32], words: &[u32], threshold: u32, scale: f32) {
    let (threshold, scale) = (_mm512_set1_epi32(threshold.cast_signed()), _mm512_set1_ps(scale));
    for (x, words) in x.chunks_mut(16).zip(words.chunks(16)) {
        let there = ((1_u32 << x.len().min(words.len())) - 1) as __mmask16;
        // SAFETY: only what both chunks have is read, and only that is written.
        unsafe {
            let words = _mm512_maskz_loadu_epi32(there, words.as_ptr().cast());
            let kept = _mm512_mask_cmpge_epu32_mask(there, words, threshold);
            let scaled = _mm512_maskz_mul_ps(kept, _mm512_maskz_loadu_ps(there, x.as_ptr()), scale);
            _mm512_mask_storeu_ps(x.as_mut_ptr(), there, scaled);
        }
    }
}
