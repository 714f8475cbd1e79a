//! Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011): a counter-based random number generator.

#[cfg(target_arch = "x86_64")]
mod avx2;

#[cfg(target_arch = "x86_64")]
use crate::isa::Fused;
use crate::isa::{Arithmetic, Separate, dispatch};

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Four random words for a key and a counter.
#[inline]
pub fn block(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let [mut k0, mut k1] = key;
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    for _ in 0..10 {
        let a = u64::from(MULTIPLIERS[0]) * u64::from(c0);
        let b = u64::from(MULTIPLIERS[1]) * u64::from(c2);
        (c0, c1, c2, c3) = ((b >> 32) as u32 ^ c1 ^ k0, b as u32, (a >> 32) as u32 ^ c3 ^ k1, a as u32);
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

/// Blocks that are computed together.
const BLOCKS: usize = 16;

/// Their words.
pub(crate) const GROUP: usize = 4 * BLOCKS;

/// How an instruction set computes a group of blocks. Integers: the words are the same on every one.
pub(crate) trait Groups: Arithmetic {
    /// The words of blocks `first..first + BLOCKS` in their order: element e is word e % 4 of block `first` + e / 4.
    fn words(key: [u32; 2], first: u32, rest: [u32; 3]) -> [u32; GROUP];
}

impl Groups for Separate {
    #[inline(always)]
    fn words(key: [u32; 2], first: u32, [c1, c2, c3]: [u32; 3]) -> [u32; GROUP] {
        let mut words = [0; GROUP];
        for (i, out) in words.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            *out = block(key, [first.wrapping_add(i as u32), c1, c2, c3]);
        }
        words
    }
}

#[cfg(target_arch = "x86_64")]
impl Groups for Fused {
    #[inline(always)]
    fn words(key: [u32; 2], first: u32, rest: [u32; 3]) -> [u32; GROUP] {
        // SAFETY: `Fused` stands only in functions that are compiled for AVX2 (see `dispatch!`).
        unsafe { avx2::words(key, first, rest) }
    }
}

/// Calls `f` with each chunk of at most [`GROUP`] elements of `data` and the words that stand at its elements.
#[inline(always)]
pub(crate) fn zip<A: Groups, T>(
    key: [u32; 2],
    rest: [u32; 3],
    data: &mut [T],
    mut f: impl FnMut(&mut [T], &[u32; GROUP]),
) {
    // One place that calls `f`: what is called once is inlined, and so compiled for the instruction set around it.
    for (index, chunk) in data.chunks_mut(GROUP).enumerate() {
        f(chunk, &A::words(key, (index * BLOCKS) as u32, rest));
    }
}

#[inline(always)]
fn fill_body<A: Groups>(key: [u32; 2], rest: [u32; 3], out: &mut [u32]) {
    zip::<A, u32>(key, rest, out, |chunk, words| chunk.copy_from_slice(&words[..chunk.len()]));
}

dispatch! {
    /// Random words in order: `out[e]` is word e % 4 of `block(key, [e / 4, rest])`.
    pub fn fill(key: [u32; 2], rest: [u32; 3], out: &mut [u32]) = fill_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling_gives_the_words_of_consecutive_blocks() {
        let (key, rest) = ([0xdead_beef, 7], [5, u32::MAX, 11]);
        for count in [0, 1, 3, 4, 31, 32, 33, 100, 1000] {
            let mut out = vec![0; count];
            fill(key, rest, &mut out);
            for (e, word) in out.into_iter().enumerate() {
                assert_eq!(word, block(key, [(e / 4) as u32, rest[0], rest[1], rest[2]])[e % 4]);
            }
        }
    }

    /// The known-answer vectors of the authors' Random123 distribution.
    #[test]
    fn known_answers() {
        assert_eq!(block([0; 2], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(block([u32::MAX; 2], [u32::MAX; 4]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            block([0xa409_3822, 0x299f_31d0], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }
}
