//! As many multiplications and additions as the processor can do: what kernels are measured against.

use crate::isa::{Arithmetic, Fused, Separate, dispatch};

/// Floating-point operations (a multiplication and an addition are two) of one round of [`multiply_adds`].
pub const OPERATIONS: usize = 2 * CHAINS * LANES;

/// Sums in a round, of eight numbers each. Each waits for itself alone: a fused multiply-add takes four or five cycles and
/// two begin in each, so that eight to ten sums in registers keep the units busy.
const CHAINS: usize = 12;
const LANES: usize = 8;

/// How many sums the registers of an instruction set hold at a time, beside the operands.
trait Chains: Arithmetic {
    fn run(rounds: usize, a: f32, b: f32) -> f32;
}

impl Chains for Fused {
    #[inline(always)]
    fn run(rounds: usize, a: f32, b: f32) -> f32 {
        sum::<Self, CHAINS>(rounds, a, b)
    }
}

impl Chains for Separate {
    /// Vectors of four numbers: half as many fit, so each half runs by itself.
    #[inline(always)]
    fn run(rounds: usize, a: f32, b: f32) -> f32 {
        let half = sum::<Self, { CHAINS / 2 }>(rounds, a, b);
        // Hidden, or the compiler would see that it has this sum already.
        half + sum::<Self, { CHAINS / 2 }>(rounds, std::hint::black_box(a), b)
    }
}

#[inline(always)]
fn sum<A: Arithmetic, const N: usize>(rounds: usize, a: f32, b: f32) -> f32 {
    let mut sums = [[1.0_f32; LANES]; N];
    for _ in 0..rounds {
        for sum in sums.as_flattened_mut() {
            *sum = A::mul_add(*sum, a, b);
        }
    }
    sums.as_flattened().iter().sum()
}

#[inline(always)]
fn multiply_adds_body<A: Chains>(rounds: usize, a: f32, b: f32) -> f32 {
    A::run(rounds, a, b)
}

dispatch! {
    /// Does [`OPERATIONS`] floating-point operations on registers in each round, independent of each other and of memory:
    /// x ← a·x + b for 96 numbers that start at 1. Gives their sum, so that nothing is left out.
    ///
    /// ```
    /// use thinnet_kernels::peak::multiply_adds;
    /// assert_eq!(multiply_adds(2, 0.5, 1.0), 96.0 * 1.75);
    /// ```
    pub fn multiply_adds(rounds: usize, a: f32, b: f32) -> f32 = multiply_adds_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_is_one_multiply_add_for_each_number() {
        for (rounds, x) in [(0, 1.0_f32), (1, 1.5), (2, 1.75), (5, 1.96875)] {
            let numbers = (OPERATIONS / 2) as f32;
            assert_eq!(multiply_adds(rounds, 0.5, 1.0), x * numbers, "{rounds} rounds");
        }
    }
}
