//! Sixteen blocks at a time in AVX-512 registers.

use std::arch::x86_64::*;

use super::{BLOCKS, GROUP, MULTIPLIERS, WEYL};

/// Registers for each word of the counter.
const REGISTERS: usize = 2;

/// See [`Groups::words`](super::Groups::words).
///
/// A register holds one word of eight blocks, each in the low half of 64 bits as `vpmuludq` wants it; what a product
/// leaves in the high half is never looked at. (Sixteen words a register would need more instructions: there is no
/// 32 × 32 → 64 multiplication of odd elements.)
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn words(key: [u32; 2], c0: &[u32; BLOCKS], c1: &[u32; BLOCKS], rest: [u32; 2]) -> [u32; GROUP] {
    let splat = |word: u32| _mm512_set1_epi64(i64::from(word));
    let multipliers = MULTIPLIERS.map(splat);
    let [c2, c3] = rest.map(splat);
    // In an order that unpacking at the end puts right.
    let of_register = |words: &[u32; BLOCKS], register: usize| {
        let [a, b, c, d, e, f, g, h] = words.as_chunks::<8>().0[register].map(i64::from);
        _mm512_setr_epi64(a, e, b, f, c, g, d, h)
    };
    let mut blocks: [[__m512i; 4]; REGISTERS] =
        std::array::from_fn(|register| [of_register(c0, register), of_register(c1, register), c2, c3]);
    let mut key = key;
    let mut round = || {
        let [k0, k1] = key.map(splat);
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
    let pair = |low, high| _mm512_mask_blend_epi32(0xAAAA, low, _mm512_slli_epi64::<32>(high));
    let ordered = blocks.map(|c| {
        let (low, high) = (pair(c[0], c[1]), pair(c[2], c[3]));
        [_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high)]
    });
    // SAFETY: both are plain integers of the same size (or this does not compile), without padding.
    unsafe { std::mem::transmute::<[[__m512i; 2]; REGISTERS], [u32; GROUP]>(ordered) }
}
