//! Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011): a counter-based random number generator.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::isa::{Arithmetic, Separate, dispatch};
#[cfg(target_arch = "x86_64")]
use crate::isa::{Fused, FusedWide};

/// From one word to the next, where words are fractions of their number: 2⁻³².
pub(crate) const STEP: f32 = 1.0 / 4_294_967_296.0;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

const ROUNDS: usize = 10;

/// Four random words for a key and a counter.
#[inline]
pub fn block(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let [mut k0, mut k1] = key;
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    for _ in 0..ROUNDS {
        let a = u64::from(MULTIPLIERS[0]) * u64::from(c0);
        let b = u64::from(MULTIPLIERS[1]) * u64::from(c2);
        (c0, c1, c2, c3) = ((b >> 32) as u32 ^ c1 ^ k0, b as u32, (a >> 32) as u32 ^ c3 ^ k1, a as u32);
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

/// Blocks that are computed together.
const BLOCKS: usize = 32;

/// Their words.
pub(crate) const GROUP: usize = 4 * BLOCKS;

/// The keys of all rounds, each in 64 bits, as vectors want them.
pub(crate) struct Keys([[u64; 2]; ROUNDS]);

impl Keys {
    #[inline(always)]
    fn new(mut key: [u32; 2]) -> Self {
        let mut keys = [[0; 2]; ROUNDS];
        for of_round in &mut keys {
            *of_round = key.map(u64::from);
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        Self(keys)
    }
}

/// The first two words of the counters of a group's blocks, one after the other, where those of the first are zero.
///
/// What differs from group to group is added in registers: a vector that is read right after its numbers were written
/// one by one has to wait for them.
pub(crate) struct Counters([[u32; BLOCKS]; 2]);

impl Counters {
    #[inline(always)]
    fn new(of_block: impl Fn(usize) -> [u32; 2]) -> Self {
        let mut counters = [[0; BLOCKS]; 2];
        let [c0, c1] = &mut counters;
        for (block, (c0, c1)) in c0.iter_mut().zip(c1).enumerate() {
            [*c0, *c1] = of_block(block);
        }
        Self(counters)
    }

    /// Of the blocks of one row.
    #[inline(always)]
    fn consecutive() -> Self {
        Self::new(|block| [block as u32, 0])
    }
}

/// How an instruction set computes a group of blocks. Integers: the words are the same on every one.
pub(crate) trait Groups: Arithmetic {
    /// The words of some blocks in their order, whose counters are `counters` + `first` and then `rest`: element e is word
    /// e % 4 of block e / 4.
    fn words(keys: &Keys, counters: &Counters, first: [u32; 2], rest: [u32; 2]) -> [u32; GROUP];

    /// x ← x·`scale` where the word is at least `threshold`, else 0.
    #[inline(always)]
    fn keep(x: &mut [f32], words: &[u32], threshold: u32, scale: f32) {
        for (x, &word) in x.iter_mut().zip(words) {
            *x = if word >= threshold { *x * scale } else { 0.0 };
        }
    }
}

impl Groups for Separate {
    #[inline(always)]
    fn words(
        Keys(keys): &Keys,
        Counters([c0, c1]): &Counters,
        first: [u32; 2],
        [c2, c3]: [u32; 2],
    ) -> [u32; GROUP] {
        let key = keys[0].map(|key| key as u32);
        let mut words = [0; GROUP];
        for ((out, &c0), &c1) in words.as_chunks_mut::<4>().0.iter_mut().zip(c0).zip(c1) {
            *out = block(key, [c0.wrapping_add(first[0]), c1.wrapping_add(first[1]), c2, c3]);
        }
        words
    }
}

#[cfg(target_arch = "x86_64")]
impl Groups for Fused {
    #[inline(always)]
    fn words(keys: &Keys, counters: &Counters, first: [u32; 2], rest: [u32; 2]) -> [u32; GROUP] {
        // SAFETY: `Fused` stands only in functions that are compiled for AVX2 (see `dispatch!`).
        unsafe { avx2::words(keys, counters, first, rest) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Groups for FusedWide {
    #[inline(always)]
    fn words(keys: &Keys, counters: &Counters, first: [u32; 2], rest: [u32; 2]) -> [u32; GROUP] {
        // SAFETY: `FusedWide` stands only in functions that are compiled for AVX-512 (see `dispatch!`).
        unsafe { avx512::words(keys, counters, first, rest) }
    }

    #[inline(always)]
    fn keep(x: &mut [f32], words: &[u32], threshold: u32, scale: f32) {
        // SAFETY: as in `words`.
        unsafe { avx512::keep(x, words, threshold, scale) }
    }
}

/// Calls `f` with each chunk of at most [`GROUP`] elements of `data` and the words that stand at its elements.
#[inline(always)]
pub(crate) fn zip<A: Groups, T>(
    key: [u32; 2],
    [row, c2, c3]: [u32; 3],
    data: &mut [T],
    mut f: impl FnMut(&mut [T], &[u32; GROUP]),
) {
    let (keys, counters) = (Keys::new(key), Counters::consecutive());
    // One place that calls `f`: what is called once is inlined, and so compiled for the instruction set around it.
    for (index, chunk) in data.chunks_mut(GROUP).enumerate() {
        f(chunk, &A::words(&keys, &counters, [(index * BLOCKS) as u32, row], [c2, c3]));
    }
}

/// Where the random words of some rows stand: element e of row r at word e % 4 of the block with the counter
/// \[e / 4, rest\[0\] + r · stride, rest\[1\], rest\[2\]\].
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// Elements of a row.
    pub len: usize,
    /// Philox's key.
    pub key: [u32; 2],
    /// The last three words of the first row's counters.
    pub rest: [u32; 3],
    /// 1, or 0 where all rows have the same words.
    pub stride: u32,
}

/// Calls `f` with parts of rows, or with some short rows, and the words that stand at their elements.
#[inline(always)]
pub(crate) fn zip_rows<A: Groups>(
    rows: Rows,
    data: &mut [f32],
    mut f: impl FnMut(&mut [f32], &[u32; GROUP]),
) {
    let Rows { len, key, rest: [first, c2, c3], stride } = rows;
    if len == 0 {
        return;
    }
    let blocks = len.div_ceil(4);
    let (together, groups) = ((BLOCKS / blocks).max(1), blocks.div_ceil(BLOCKS));
    let keys = Keys::new(key);
    let counters = if together > 1 {
        Counters::new(|index| [(index % blocks) as u32, stride * (index / blocks) as u32])
    } else {
        Counters::consecutive()
    };
    for (index, data) in data.chunks_mut(together * len).enumerate() {
        let row = first.wrapping_add(stride.wrapping_mul((index * together) as u32));
        for group in 0..groups {
            let mut words = A::words(&keys, &counters, [(group * BLOCKS) as u32, row], [c2, c3]);
            if together > 1 {
                close_gaps(&mut words, blocks, len);
            }
            let end = data.len().min((group + 1) * GROUP);
            f(&mut data[group * GROUP..end], &words);
        }
    }
}

/// Moves the words of rows of some blocks together, so that each row begins behind the `len` words of the one before.
#[inline(always)]
fn close_gaps(words: &mut [u32; GROUP], blocks: usize, len: usize) {
    if 4 * blocks == len {
        return;
    }
    for row in 1..BLOCKS / blocks {
        for block in 0..blocks {
            let of_block: [u32; 4] = words.as_chunks().0[row * blocks + block];
            words[row * len + 4 * block..][..4].copy_from_slice(&of_block);
        }
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
    use crate::isa::testing::on_every_set;

    #[test]
    fn filling_gives_the_words_of_consecutive_blocks() {
        let (key, rest) = ([0xdead_beef, 7], [5, u32::MAX, 11]);
        on_every_set(|| {
            for count in [0, 1, 3, 4, 31, 32, 33, 100, 1000] {
                let mut out = vec![0; count];
                fill(key, rest, &mut out);
                for (e, word) in out.into_iter().enumerate() {
                    assert_eq!(word, block(key, [(e / 4) as u32, rest[0], rest[1], rest[2]])[e % 4]);
                }
            }
            vec![]
        });
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
