//! The one-dimensional algorithm F(4, 3) and its adjoint, on vectors of channels.
//!
//! Polynomials are multiplied by their values at 0, ±3/4, ±3/2 and ∞. With these points every constant but those of the
//! kernel's transform is exact in f32, and the error is about half of that at the usual 0, ±1, ±2, ∞.

use crate::isa::Vector;

const A1: f32 = 0.75;
const A2: f32 = A1 * A1;
const A3: f32 = A2 * A1;
const B1: f32 = 1.5;
const B2: f32 = B1 * B1;
const B3: f32 = B2 * B1;
/// 1 / Π (point − other point), for each pair of points.
const N0: f32 = 1.0 / (A2 * B2);
const NA: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
const NB: f32 = 1.0 / (2.0 * B2 * (B2 - A2));

#[inline(always)]
fn scale<V: Vector>(factor: f32, a: V) -> V {
    V::splat(factor).multiply(a)
}

/// factor·a + b
#[inline(always)]
fn mul_add<V: Vector>(factor: f32, a: V, b: V) -> V {
    V::splat(factor).mul_add(a, b)
}

/// A linear map of the values of one axis.
pub(super) trait Filter<const I: usize, const O: usize> {
    fn apply<V: Vector>(values: [V; I]) -> [V; O];
}

/// Six inputs to the six points: Bᵀd.
pub(super) struct Input;

impl Filter<6, 6> for Input {
    #[inline(always)]
    fn apply<V: Vector>(d: [V; 6]) -> [V; 6] {
        let (even_a, odd_a) = (mul_add(-B2, d[2], d[4]), mul_add(-B2, d[1], d[3]));
        let (even_b, odd_b) = (mul_add(-A2, d[2], d[4]), mul_add(-A2, d[1], d[3]));
        [
            mul_add(A2 * B2, d[0], mul_add(-(A2 + B2), d[2], d[4])),
            mul_add(A1, odd_a, even_a),
            mul_add(-A1, odd_a, even_a),
            mul_add(B1, odd_b, even_b),
            mul_add(-B1, odd_b, even_b),
            mul_add(A2 * B2, d[1], mul_add(-(A2 + B2), d[3], d[5])),
        ]
    }
}

/// The adjoint of [`Input`]: Bu.
pub(super) struct InputAdjoint;

impl Filter<6, 6> for InputAdjoint {
    #[inline(always)]
    fn apply<V: Vector>(u: [V; 6]) -> [V; 6] {
        let (sum_a, difference_a) = (u[1].add(u[2]), u[1].subtract(u[2]));
        let (sum_b, difference_b) = (u[3].add(u[4]), u[3].subtract(u[4]));
        let (first, last) = (scale(-(A2 + B2), u[0]), scale(-(A2 + B2), u[5]));
        [
            scale(A2 * B2, u[0]),
            mul_add(-A1 * B2, difference_a, mul_add(-B1 * A2, difference_b, scale(A2 * B2, u[5]))),
            mul_add(-B2, sum_a, mul_add(-A2, sum_b, first)),
            mul_add(A1, difference_a, mul_add(B1, difference_b, last)),
            u[0].add(sum_a.add(sum_b)),
            u[5],
        ]
    }
}

/// The six points to four outputs: Aᵀm.
pub(super) struct Output;

impl Filter<6, 4> for Output {
    #[inline(always)]
    fn apply<V: Vector>(m: [V; 6]) -> [V; 4] {
        let (sum_a, difference_a) = (m[1].add(m[2]), m[1].subtract(m[2]));
        let (sum_b, difference_b) = (m[3].add(m[4]), m[3].subtract(m[4]));
        [
            m[0].add(sum_a.add(sum_b)),
            mul_add(A1, difference_a, scale(B1, difference_b)),
            mul_add(A2, sum_a, scale(B2, sum_b)),
            mul_add(A3, difference_a, mul_add(B3, difference_b, m[5])),
        ]
    }
}

/// The adjoint of [`Output`]: Ay.
pub(super) struct OutputAdjoint;

impl Filter<4, 6> for OutputAdjoint {
    #[inline(always)]
    fn apply<V: Vector>(y: [V; 4]) -> [V; 6] {
        let (even_a, odd_a) = (mul_add(A2, y[2], y[0]), mul_add(A2, y[3], y[1]));
        let (even_b, odd_b) = (mul_add(B2, y[2], y[0]), mul_add(B2, y[3], y[1]));
        [
            y[0],
            mul_add(A1, odd_a, even_a),
            mul_add(-A1, odd_a, even_a),
            mul_add(B1, odd_b, even_b),
            mul_add(-B1, odd_b, even_b),
            y[3],
        ]
    }
}

/// Three weights to the six points: Gg.
pub(super) struct Kernel;

impl Filter<3, 6> for Kernel {
    #[inline(always)]
    fn apply<V: Vector>(g: [V; 3]) -> [V; 6] {
        let (even_a, even_b) = (mul_add(A2, g[2], g[0]), mul_add(B2, g[2], g[0]));
        [
            scale(N0, g[0]),
            scale(NA, mul_add(A1, g[1], even_a)),
            scale(NA, mul_add(-A1, g[1], even_a)),
            scale(NB, mul_add(B1, g[1], even_b)),
            scale(NB, mul_add(-B1, g[1], even_b)),
            g[2],
        ]
    }
}

/// The adjoint of [`Kernel`]: Gᵀu.
pub(super) struct KernelAdjoint;

impl Filter<6, 3> for KernelAdjoint {
    #[inline(always)]
    fn apply<V: Vector>(u: [V; 6]) -> [V; 3] {
        let (sum_a, difference_a) = (scale(NA, u[1].add(u[2])), scale(NA, u[1].subtract(u[2])));
        let (sum_b, difference_b) = (scale(NB, u[3].add(u[4])), scale(NB, u[3].subtract(u[4])));
        [
            mul_add(N0, u[0], sum_a.add(sum_b)),
            mul_add(A1, difference_a, scale(B1, difference_b)),
            mul_add(A2, sum_a, mul_add(B2, sum_b, u[5])),
        ]
    }
}

/// A filter of both axes of a tile: of its columns, then of its rows. Plain loops: the compiler does not inline vector
/// instructions through the closures of an array's methods.
#[inline(always)]
pub(super) fn both<F: Filter<I, O>, V: Vector, const I: usize, const O: usize>(
    tile: &[[V; I]; I],
) -> [[V; O]; O] {
    let zero = V::splat(0.0);
    let (mut half, mut whole) = ([[zero; I]; O], [[zero; O]; O]);
    for column in 0..I {
        let mut values = [zero; I];
        for row in 0..I {
            values[row] = tile[row][column];
        }
        let values = F::apply(values);
        for row in 0..O {
            half[row][column] = values[row];
        }
    }
    for row in 0..O {
        whole[row] = F::apply(half[row]);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Arithmetic, MOST_LANES, Separate};

    type Plain = <Separate as Arithmetic>::Vector;

    fn unit(index: usize, of: usize) -> Plain {
        Plain::splat(f32::from(u8::from(index == of)))
    }

    fn number(vector: Plain) -> f32 {
        let mut lanes = [0.0; MOST_LANES];
        vector.store(&mut lanes);
        let lanes = &lanes[..Plain::LANES];
        assert!(lanes.iter().all(|&lane| lane == lanes[0]));
        lanes[0]
    }

    #[test]
    fn four_outputs_of_three_weights_are_the_convolution() {
        let d = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0];
        let g = [2.0, -7.0, 1.0];
        let points = Input::apply(d.map(Plain::splat));
        let weights = Kernel::apply(g.map(Plain::splat));
        let products = std::array::from_fn(|point| points[point].multiply(weights[point]));
        for (place, y) in Output::apply(products).into_iter().map(number).enumerate() {
            let expected: f32 = (0..3).map(|tap| g[tap] * d[place + tap]).sum();
            assert!((y - expected).abs() < 1e-4, "{place}: {y} {expected}");
        }
    }

    /// ⟨f(a), b⟩ = ⟨a, f*(b)⟩ for all unit vectors.
    fn adjoint<const I: usize, const O: usize>(
        f: impl Fn([Plain; I]) -> [Plain; O],
        adjoint: impl Fn([Plain; O]) -> [Plain; I],
    ) {
        for i in 0..I {
            let forward = f(std::array::from_fn(|index| unit(index, i))).map(number);
            for (o, forward) in forward.into_iter().enumerate() {
                let back = number(adjoint(std::array::from_fn(|index| unit(index, o)))[i]);
                assert!((forward - back).abs() < 1e-6, "({i}, {o}): {forward} {back}");
            }
        }
    }

    #[test]
    fn adjoints_are_transposed() {
        adjoint(Input::apply, InputAdjoint::apply);
        adjoint(Output::apply, OutputAdjoint::apply);
        adjoint(Kernel::apply, KernelAdjoint::apply);
    }
}
