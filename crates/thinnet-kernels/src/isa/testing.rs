//! Running a test on every instruction set that the machine has.

use std::cell::Cell;

use super::Isa;

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
