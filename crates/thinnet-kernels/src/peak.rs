//! As many multiplications and additions as the processor can do: what kernels are measured against.

use crate::isa::{Arithmetic, Separate, Vector, dispatch};
#[cfg(target_arch = "x86_64")]
use crate::isa::{Fused, FusedWide};
use crate::tile::COLUMNS;

/// Floating-point operations (a multiplication and an addition are two) of one round of [`multiply_adds`].
pub const OPERATIONS: usize = 2 * SUMS * COLUMNS;

/// Sums in a round, of sixteen numbers each. Each waits for itself alone: a fused multiply-add takes four or five cycles and
/// two begin in each, so that eight to ten registers keep the units busy.
const SUMS: usize = 12;

/// How many of the sums the registers of an instruction set hold at a time, beside the operands.
trait Held: Arithmetic {
    fn run(rounds: usize, a: f32, b: f32) -> f32;
}

/// All sums, as many at a time as are held.
#[inline(always)]
fn in_parts<A: Arithmetic, const HELD: usize>(rounds: usize, a: f32, b: f32) -> f32 {
    let mut total = 0.0;
    for _ in 0..SUMS / HELD {
        // Hidden, or the compiler would see that it has this sum already.
        total += sum::<A, HELD>(rounds, std::hint::black_box(a), b);
    }
    total
}

impl Held for Separate {
    #[inline(always)]
    fn run(rounds: usize, a: f32, b: f32) -> f32 {
        in_parts::<Self, 3>(rounds, a, b)
    }
}

#[cfg(target_arch = "x86_64")]
impl Held for Fused {
    #[inline(always)]
    fn run(rounds: usize, a: f32, b: f32) -> f32 {
        in_parts::<Self, 6>(rounds, a, b)
    }
}

#[cfg(target_arch = "x86_64")]
impl Held for FusedWide {
    #[inline(always)]
    fn run(rounds: usize, a: f32, b: f32) -> f32 {
        in_parts::<Self, 12>(rounds, a, b)
    }
}

#[inline(always)]
fn sum<A: Arithmetic, const N: usize>(rounds: usize, a: f32, b: f32) -> f32 {
    let (a, b) = (A::Panel::splat(a), A::Panel::splat(b));
    let mut sums = [A::Panel::splat(1.0); N];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = sum.mul_add(a, b);
        }
    }
    let mut numbers = [[0.0; COLUMNS]; N];
    for (sum, numbers) in sums.into_iter().zip(&mut numbers) {
        sum.store(numbers);
    }
    numbers.as_flattened().iter().sum()
}

#[inline(always)]
fn multiply_adds_body<A: Held>(rounds: usize, a: f32, b: f32) -> f32 {
    A::run(rounds, a, b)
}

dispatch! {
    /// Does [`OPERATIONS`] floating-point operations on registers in each round, independent of each other and of memory:
    /// x ← a·x + b for 192 numbers that start at 1. Gives their sum, so that nothing is left out.
    ///
    /// ```
    /// use thinnet_kernels::peak::multiply_adds;
    /// assert_eq!(multiply_adds(2, 0.5, 1.0), 192.0 * 1.75);
    /// ```
    pub fn multiply_adds(rounds: usize, a: f32, b: f32) -> f32 = multiply_adds_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::on_every_set;

    #[test]
    fn each_round_is_one_multiply_add_for_each_number() {
        for (rounds, x) in [(0, 1.0_f32), (1, 1.5), (2, 1.75), (5, 1.96875)] {
            on_every_set(|| {
                let numbers = (OPERATIONS / 2) as f32;
                assert_eq!(multiply_adds(rounds, 0.5, 1.0), x * numbers, "{rounds} rounds");
                vec![]
            });
        }
    }
}
