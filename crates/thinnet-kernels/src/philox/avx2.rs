//! Thirty-two blocks at a time in AVX2 registers.

use std::arch::x86_64::*;

use super::{BLOCKS, Counters, GROUP, Keys, MULTIPLIERS};

/// Registers for each word of a quarter of the counters.
const REGISTERS: usize = BLOCKS / 16;

/// See [`Groups::words`](super::Groups::words).
///
/// A register holds one word of four blocks, each in the low half of 64 bits as `vpmuludq` wants it; what a product
/// leaves in the high half is never looked at. (Eight words a register would need more instructions: there is no
/// 32 × 32 → 64 multiplication of odd elements.)
#[inline(never)]
#[target_feature(enable = "avx2")]
pub(super) fn words(
    Keys(keys): &Keys,
    Counters(counters): &Counters,
    first: [u32; 2],
    rest: [u32; 2],
) -> [u32; GROUP] {
    let splat = |word: u32| _mm256_set1_epi64x(i64::from(word));
    let multipliers = MULTIPLIERS.map(splat);
    let [c2, c3] = rest.map(splat);
    let pair = |low, high| _mm256_blend_epi32::<0b1010_1010>(low, _mm256_slli_epi64::<32>(high));
    // More registers at a time than these do not stay registers.
    let quarter = |quarter: usize| {
        let counter = |word: usize, register: usize| {
            let words: &[u32; 4] = &counters[word].as_chunks().0[quarter * REGISTERS + register];
            // SAFETY: four words are read where there are four.
            let words = unsafe { _mm_loadu_si128(words.as_ptr().cast()) };
            let words = _mm_add_epi32(words, _mm_set1_epi32(first[word].cast_signed()));
            // The middle two blocks of each four change places: unpacking at the end puts them back.
            _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_cvtepu32_epi64(words))
        };
        let mut blocks: [[__m256i; 4]; REGISTERS] =
            std::array::from_fn(|register| [counter(0, register), counter(1, register), c2, c3]);
        // Two rounds at a time: words change places, and after two the registers are where they were.
        for [first, second] in keys.as_chunks::<2>().0 {
            for key in [first, second] {
                let [k0, k1] = key.map(|key| _mm256_set1_epi64x(key.cast_signed()));
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
            }
        }
        blocks.map(|c| {
            let (low, high) = (pair(c[0], c[1]), pair(c[2], c[3]));
            [_mm256_unpacklo_epi64(low, high), _mm256_unpackhi_epi64(low, high)]
        })
    };
    // SAFETY: both are plain integers of the same size (or this does not compile), without padding.
    unsafe {
        std::mem::transmute::<[[[__m256i; 2]; REGISTERS]; 4], [u32; GROUP]>([
            quarter(0),
            quarter(1),
            quarter(2),
            quarter(3),
        ])
    }
}
