//! Running a test on every instruction set that the machine has.

use std::cell::Cell;

use super::Isa;
use crate::philox;

thread_local! {
    static CHOSEN: Cell<Option<Isa>> = const { Cell::new(None) };
}

/// The set that this thread's kernels use at the moment, if a test chose one.
pub(crate) fn chosen() -> Option<Isa> {
    CHOSEN.get()
}

/// The sets that this processor has.
pub(crate) fn available() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|set| set.is_available())
}

/// Calls `work` with the kernels of each set in turn. The numbers that it gives must be the same to the bit on all sets with
/// fused multiply-add.
#[track_caller]
pub(crate) fn on_every_set(work: impl Fn() -> Vec<f32>) {
    let mut fused: Option<(Isa, Vec<f32>)> = None;
    for set in available() {
        CHOSEN.set(Some(set));
        let numbers = work();
        CHOSEN.set(None);
        if set == Isa::Portable {
            continue;
        }
        if let Some((first, expected)) = &fused {
            assert_eq!(numbers.len(), expected.len());
            for (place, (number, expected)) in numbers.iter().zip(expected).enumerate() {
                let same = number.to_bits() == expected.to_bits() || number.is_nan() && expected.is_nan();
                assert!(same, "number {place}: {number:e} on {set}, {expected:e} on {first}");
            }
        } else {
            fused = Some((set, numbers));
        }
    }
}

/// Numbers from −½ to ½ by chance.
pub(crate) fn random(seed: u32, len: usize) -> Vec<f32> {
    let words = (0..len.div_ceil(4) as u32).flat_map(|block| philox::block([seed, 0], [block, 0, 0, 0]));
    words.take(len).map(|word| word as f32 / u32::MAX as f32 - 0.5).collect()
}

/// Sizes by chance, from 1 to `most`.
pub(crate) fn sizes<const N: usize>(case: u32, most: [usize; N]) -> [usize; N] {
    std::array::from_fn(|size| {
        let [word, ..] = philox::block([case, 1], [size as u32, 0, 0, 0]);
        1 + word as usize % most[size]
    })
}
