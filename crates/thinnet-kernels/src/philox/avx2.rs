//! Sixteen blocks at a time in AVX2 registers.

use std::arch::x86_64::*;

use super::{BLOCKS, GROUP, MULTIPLIERS, WEYL};

/// Registers for each word of the counter.
const REGISTERS: usize = 4;

/// See [`Groups::words`](super::Groups::words).
///
/// A register holds one word of four blocks, each in the low half of 64 bits as `vpmuludq` wants it; what a product
/// leaves in the high half is never looked at. (Eight words a register would need more instructions: there is no
/// 32 × 32 → 64 multiplication of odd elements.)
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn words(key: [u32; 2], c0: &[u32; BLOCKS], c1: &[u32; BLOCKS], rest: [u32; 2]) -> [u32; GROUP] {
    let splat = |word: u32| _mm256_set1_epi64x(i64::from(word));
    let multipliers = MULTIPLIERS.map(splat);
    let [c2, c3] = rest.map(splat);
    // The middle two blocks of each four change places: unpacking at the end puts them back.
    let of_register = |words: &[u32; BLOCKS], register: usize| {
        let [a, b, c, d] = words.as_chunks::<4>().0[register].map(i64::from);
        _mm256_set_epi64x(d, b, c, a)
    };
    let mut blocks: [[__m256i; 4]; REGISTERS] =
        std::array::from_fn(|register| [of_register(c0, register), of_register(c1, register), c2, c3]);
    let mut key = key;
    let mut round = || {
        let [k0, k1] = key.map(splat);
        for c in &mut blocks {
            let a = _mm256_mul_epu32(multipliers[0], c[0]);
            let b = _mm256_mul_epu32(multipliers[1], c[2]);
            *c = [
                _mm256_xor_si256(_mm256_srli_epi64::<32>(b), _mm256_xor_si256(c[1], k0)),
                b,
                _mm256_xor_si256(_mm256_srli_epi64::<32>(a), _mm256_xor_si256(c[3], k1)),
                a,
            ];
        }
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    };
    // Ten rounds, written out: the compiler does not unroll so long a loop, and half of the first two is constant.
    round();
    round();
    round();
    round();
    round();
    round();
    round();
    round();
    round();
    round();
    let pair = |low, high| _mm256_blend_epi32::<0b1010_1010>(low, _mm256_slli_epi64::<32>(high));
    let ordered = blocks.map(|c| {
        let (low, high) = (pair(c[0], c[1]), pair(c[2], c[3]));
        [_mm256_unpacklo_epi64(low, high), _mm256_unpackhi_epi64(low, high)]
    });
    // SAFETY: both are plain integers of the same size (or this does not compile), without padding.
    unsafe { std::mem::transmute::<[[__m256i; 2]; REGISTERS], [u32; GROUP]>(ordered) }
}
