//! Convolution with kernels of 3 × 3 by Winograd's minimal filtering F(4×4, 3×3): Lavin & Gray 2016, "Fast algorithms for
//! convolutional neural networks".
//!
//! The output is cut into tiles of 4 × 4. A tile needs 6 × 6 inputs, which are transformed to 36 points (`BᵀdB`); there
//! the convolution is a product with the transformed kernel (`GgGᵀ`), summed over the channels; and the sums are
//! transformed to the outputs (`AᵀmA`). That takes 36 multiplications where the definition takes 144.
//!
//! The backward pass is the adjoint of each step, so that both gradients share the transformed gradient by the output
//! (`A·dy·Aᵀ`). The error is a few times that of the direct sums (see the tests).
//!
//! A sample's result does not depend on the other samples. One call runs on one thread and allocates nothing.

mod filtering;
mod products;
mod square;

use std::ops::Range;

use filtering::{Input, InputAdjoint, Kernel, KernelAdjoint, Output, OutputAdjoint, both};
pub use products::{Kept, Points, accumulate, multiply};

use self::square::{Square, load_square, store_square};
use crate::isa::{Arithmetic, MOST_LANES, Vector, dispatch};
use crate::tile::COLUMNS;

/// The side of a tile of the output.
const OUTPUT: usize = 4;
/// The side of the part of the input that it needs.
const INPUT: usize = 6;
/// The side of the kernel.
const KERNEL: usize = 3;
/// The points at which products are computed.
pub const POINTS: usize = INPUT * INPUT;

/// How the maps of a convolution with a kernel of 3 × 3 and strides of 1 are cut into tiles.
#[derive(Clone, Copy, Debug)]
pub struct Tiles {
    input: [usize; 2],
    output: [usize; 2],
    before: [usize; 2],
}

impl Tiles {
    /// Maps of (rows, columns), with zeros before the first row and column.
    pub fn new(input: [usize; 2], output: [usize; 2], before: [usize; 2]) -> Self {
        Self { input, output, before }
    }

    /// How many tiles a map has.
    pub fn count(&self) -> usize {
        self.output[0].div_ceil(OUTPUT) * self.output[1].div_ceil(OUTPUT)
    }

    /// Where a tile's outputs begin.
    #[inline(always)]
    fn corner(&self, tile: usize) -> [usize; 2] {
        let columns = self.output[1].div_ceil(OUTPUT);
        [tile / columns * OUTPUT, tile % columns * OUTPUT]
    }

    /// What a tile needs of the input.
    #[inline(always)]
    fn input(&self, tile: usize, channels: usize) -> Square<INPUT> {
        Square::new(self.corner(tile), self.before, self.input, channels)
    }

    /// Which of a tile's outputs have nothing but zeros in their window, given which places of the input have more.
    #[inline(always)]
    fn blanks(&self, tile: usize, on: &[u32]) -> [[bool; OUTPUT]; OUTPUT] {
        let mut rows = [0_u32; INPUT];
        let input = self.input(tile, 1);
        for (row, bits) in rows.iter_mut().enumerate() {
            for column in (0..INPUT).filter(|&column| input.has(row, column)) {
                *bits |= on[input.place(row, column)] << column;
            }
        }
        let mut blanks = [[false; OUTPUT]; OUTPUT];
        for (row, blanks) in blanks.iter_mut().enumerate() {
            let window = rows[row] | rows[row + 1] | rows[row + 2];
            for (column, blank) in blanks.iter_mut().enumerate() {
                *blank = window >> column & 0b111 == 0;
            }
        }
        blanks
    }

    /// A tile's output.
    #[inline(always)]
    fn output(&self, tile: usize, channels: usize) -> Square<OUTPUT> {
        Square::new(self.corner(tile), [0; 2], self.output, channels)
    }
}

/// Reads a tile's channels at all points: points are `step` apart.
#[inline(always)]
fn gather<V: Vector>(points: &[f32], step: usize) -> [[V; INPUT]; INPUT] {
    load_square(points, INPUT * step, step)
}

/// Writes a tile's channels at all points.
#[inline(always)]
fn scatter<V: Vector>(points: &mut [f32], step: usize, tile: &[[V; INPUT]; INPUT]) {
    store_square(points, INPUT * step, step, tile);
}

/// Calls `$work::<V, WHOLE>` for the vectors of some channels: whole ones, and what is left.
macro_rules! by_vector {
    ($arithmetic:ident, $channels:expr, $channel:ident, $work:ident($($argument:expr),* $(,)?)) => {
        for $channel in (0..$channels).step_by($arithmetic::Vector::LANES) {
            if $channel + $arithmetic::Vector::LANES <= $channels {
                $work::<$arithmetic::Vector, true>($($argument),*);
            } else {
                $work::<$arithmetic::Vector, false>($($argument),*);
            }
        }
    };
}

#[inline(always)]
fn input_tile<V: Vector, const WHOLE: bool>(
    square: &Square<INPUT>,
    x: &[f32],
    channel: usize,
    points: &mut [f32],
    step: usize,
) {
    scatter(points, step, &both::<Input, _, _, _>(&square.load::<V, WHOLE>(x, channel)));
}

#[inline(always)]
fn transform_input_body<A: Arithmetic>(
    tiles: &Tiles,
    range: Range<usize>,
    x: &[f32],
    points: &mut [f32],
    at: &Points,
) {
    for (index, tile) in range.enumerate() {
        let square = tiles.input(tile, at.channels);
        let points = &mut points[index * at.stride..];
        by_vector!(A, at.channels, channel, input_tile(&square, x, channel, &mut points[channel..], at.step));
    }
}

#[inline(always)]
fn gradient_tile<V: Vector, const WHOLE: bool>(
    square: &Square<OUTPUT>,
    dy: &[f32],
    channel: usize,
    points: &mut [f32],
    step: usize,
) {
    scatter(points, step, &both::<OutputAdjoint, _, _, _>(&square.load::<V, WHOLE>(dy, channel)));
}

#[inline(always)]
fn transform_gradient_body<A: Arithmetic>(
    tiles: &Tiles,
    range: Range<usize>,
    dy: &[f32],
    points: &mut [f32],
    at: &Points,
) {
    for (index, tile) in range.enumerate() {
        let square = tiles.output(tile, at.channels);
        let points = &mut points[index * at.stride..];
        by_vector!(
            A,
            at.channels,
            channel,
            gradient_tile(&square, dy, channel, &mut points[channel..], at.step)
        );
    }
}

#[inline(always)]
fn output_tile<V: Vector, const WHOLE: bool>(
    square: &Square<OUTPUT>,
    points: &[f32],
    step: usize,
    bias: Option<&[f32]>,
    blanks: Option<&[[bool; OUTPUT]; OUTPUT]>,
    channel: usize,
    y: &mut [f32],
) {
    let bias = bias.map_or(V::splat(0.0), |bias| V::load_part(&bias[channel..]));
    let mut outputs = both::<Output, V, _, _>(&gather(points, step));
    for output in outputs.as_flattened_mut() {
        *output = output.add(bias);
    }
    if let Some(blanks) = blanks {
        for (output, &blank) in outputs.as_flattened_mut().iter_mut().zip(blanks.as_flattened()) {
            if blank {
                *output = bias;
            }
        }
    }
    square.store::<V, WHOLE>(y, channel, &outputs);
}

#[inline(always)]
fn output_body<A: Arithmetic>(
    tiles: &Tiles,
    range: Range<usize>,
    points: &[f32],
    at: &Points,
    bias: Option<&[f32]>,
    on: Option<&[u32]>,
    y: &mut [f32],
) {
    for (index, tile) in range.enumerate() {
        let square = tiles.output(tile, at.channels);
        let points = &points[index * at.stride..];
        let blanks = on.map(|on| tiles.blanks(tile, on));
        let blanks = blanks.as_ref();
        by_vector!(
            A,
            at.channels,
            channel,
            output_tile(&square, &points[channel..], at.step, bias, blanks, channel, y)
        );
    }
}

#[inline(always)]
fn input_gradient_tile<V: Vector, const WHOLE: bool>(
    square: &Square<INPUT>,
    shared: &Square<INPUT>,
    points: &[f32],
    step: usize,
    channel: usize,
    dx: &mut [f32],
) {
    let mut gradients = both::<InputAdjoint, V, _, _>(&gather(points, step));
    let before = shared.load::<V, WHOLE>(dx, channel);
    for (gradient, &before) in gradients.as_flattened_mut().iter_mut().zip(before.as_flattened()) {
        *gradient = gradient.add(before);
    }
    square.store::<V, WHOLE>(dx, channel, &gradients);
}

#[inline(always)]
fn input_gradient_body<A: Arithmetic>(
    tiles: &Tiles,
    range: Range<usize>,
    points: &[f32],
    at: &Points,
    dx: &mut [f32],
) {
    for (index, tile) in range.enumerate() {
        let square = tiles.input(tile, at.channels);
        // Neighbouring tiles share inputs. The first of them writes what the next adds to.
        let [rows, columns] = tiles.corner(tile).map(|place| if place > 0 { INPUT - OUTPUT } else { 0 });
        let shared = square.first(rows, columns);
        let points = &points[index * at.stride..];
        by_vector!(
            A,
            at.channels,
            channel,
            input_gradient_tile(&square, &shared, &points[channel..], at.step, channel, dx)
        );
    }
}

/// f32 of a panel that [`pack`] or [`pack_adjoint`] writes, for products over `depth` channels.
pub fn panel_len(depth: usize) -> usize {
    POINTS * depth * COLUMNS
}

/// How many panels there are for a number of columns.
pub fn panels(columns: usize) -> usize {
    columns.div_ceil(COLUMNS)
}

/// The transformed kernel of some channels: `at(tap, lane)` are the weights.
#[inline(always)]
fn transformed_kernel<V: Vector>(at: impl Fn(usize, usize) -> f32) -> [[V; INPUT]; INPUT] {
    let mut weights = [[V::splat(0.0); KERNEL]; KERNEL];
    for (tap, vector) in weights.as_flattened_mut().iter_mut().enumerate() {
        let mut lanes = [0.0; MOST_LANES];
        for (lane, weight) in lanes.iter_mut().enumerate().take(V::LANES) {
            *weight = at(tap, lane);
        }
        *vector = V::load(&lanes);
    }
    both::<Kernel, _, _, _>(&weights)
}

#[inline(always)]
fn pack_body<A: Arithmetic>(kernel: &[f32], inputs: usize, outputs: usize, panel: usize, packed: &mut [f32]) {
    for input in 0..inputs {
        for column in (0..COLUMNS).step_by(A::Vector::LANES) {
            let first = panel * COLUMNS + column;
            let at = |tap: usize, lane: usize| {
                if first + lane < outputs {
                    kernel[(tap * inputs + input) * outputs + first + lane]
                } else {
                    0.0
                }
            };
            let tile = transformed_kernel::<A::Vector>(at);
            scatter(&mut packed[input * COLUMNS + column..], inputs * COLUMNS, &tile);
        }
    }
}

#[inline(always)]
fn pack_adjoint_body<A: Arithmetic>(
    kernel: &[f32],
    inputs: usize,
    outputs: usize,
    panel: usize,
    packed: &mut [f32],
) {
    for output in 0..outputs {
        for column in (0..COLUMNS).step_by(A::Vector::LANES) {
            let first = panel * COLUMNS + column;
            let at = |tap: usize, lane: usize| {
                if first + lane < inputs {
                    kernel[(tap * inputs + first + lane) * outputs + output]
                } else {
                    0.0
                }
            };
            let tile = transformed_kernel::<A::Vector>(at);
            scatter(&mut packed[output * COLUMNS + column..], outputs * COLUMNS, &tile);
        }
    }
}

#[inline(always)]
fn kernel_gradient_body<A: Arithmetic>(points: &[f32], inputs: usize, outputs: usize, gradient: &mut [f32]) {
    let stride = outputs.next_multiple_of(COLUMNS);
    for input in 0..inputs {
        for output in (0..outputs).step_by(A::Vector::LANES) {
            let tile = gather::<A::Vector>(&points[input * stride + output..], inputs * stride);
            let weights = both::<KernelAdjoint, _, _, _>(&tile);
            for (tap, vector) in weights.as_flattened().iter().enumerate() {
                let place = (tap * inputs + input) * outputs;
                vector.store_part(&mut gradient[place + output..place + outputs]);
            }
        }
    }
}

dispatch! {
    /// Transforms the inputs of some tiles of a sample's map. The first is written as tile 0 of the points.
    pub fn transform_input(
        tiles: &Tiles,
        range: Range<usize>,
        x: &[f32],
        points: &mut [f32],
        at: &Points,
    ) = transform_input_body
}

dispatch! {
    /// Transforms the gradient by some tiles of a sample's output, by the adjoint of what [`output`] does.
    pub fn transform_gradient(
        tiles: &Tiles,
        range: Range<usize>,
        dy: &[f32],
        points: &mut [f32],
        at: &Points,
    ) = transform_gradient_body
}

dispatch! {
    /// Some tiles of a sample's output from the products, with a bias. Where the input has nothing but zeros, as around a
    /// digit, rounding leaves sums of almost zero, and a rectifier behind would take half of them for positive: `on`, what
    /// [`find_places`] found, makes these sums exact.
    pub fn output(
        tiles: &Tiles,
        range: Range<usize>,
        points: &[f32],
        at: &Points,
        bias: Option<&[f32]>,
        on: Option<&[u32]>,
        y: &mut [f32],
    ) = output_body
}

dispatch! {
    /// The gradient by a sample's map from that by its tiles' inputs, by the adjoint of what [`transform_input`] does. Tiles come
    /// in their order: each writes the places that none before it reached, and adds to the others.
    pub fn input_gradient(
        tiles: &Tiles,
        range: Range<usize>,
        points: &[f32],
        at: &Points,
        dx: &mut [f32],
    ) = input_gradient_body
}

dispatch! {
    /// Transforms the weights of a panel of sixteen outputs for the forward pass: `kernel` is (3, 3, inputs, outputs), the
    /// panel gets [`panel_len`]`(inputs)` numbers.
    pub fn pack(kernel: &[f32], inputs: usize, outputs: usize, panel: usize, packed: &mut [f32]) = pack_body
}

dispatch! {
    /// Transforms the weights of a panel of sixteen inputs for the gradient by the input: [`panel_len`]`(outputs)` numbers.
    pub fn pack_adjoint(
        kernel: &[f32],
        inputs: usize,
        outputs: usize,
        panel: usize,
        packed: &mut [f32],
    ) = pack_adjoint_body
}

dispatch! {
    /// The gradient by the kernel from what [`accumulate`] summed up.
    pub fn kernel_gradient(points: &[f32], inputs: usize, outputs: usize, gradient: &mut [f32]) = kernel_gradient_body
}

#[inline(always)]
fn find_kept_body<A: Arithmetic>(x: &[f32], channels: usize, kept: &mut [u32]) -> usize {
    let mut count = 0;
    for first in (0..channels).step_by(A::Vector::LANES) {
        let lanes = A::Vector::LANES.min(channels - first);
        let mut found = [0.0_f32; MOST_LANES];
        // Most channels are found at the first places.
        for places in x.chunks(16 * channels) {
            let mut any = A::Vector::load(&found);
            for place in places.chunks_exact(channels) {
                any = any.or(A::Vector::load_part(&place[first..first + lanes]));
            }
            any.store(&mut found);
            // The sign of a zero is not counted.
            if found[..lanes].iter().all(|&bits| bits.to_bits() << 1 != 0) {
                break;
            }
        }
        for (lane, bits) in found[..lanes].iter().enumerate() {
            if bits.to_bits() << 1 != 0 {
                kept[count] = (first + lane) as u32;
                count += 1;
            }
        }
    }
    count
}

/// Writes 1 for each place of a map of `channels` channels that is not zero in all of them, else 0, and says whether any
/// is 0.
pub fn find_places(x: &[f32], channels: usize, on: &mut [u32]) -> bool {
    let mut any = false;
    for (place, on) in x.chunks_exact(channels).zip(on) {
        *on = u32::from(place.iter().any(|&value| value != 0.0));
        any |= *on == 0;
    }
    any
}

dispatch! {
    /// Writes which of `channels` channels are not zero all over a sample's map, and says how many.
    pub fn find_kept(x: &[f32], channels: usize, kept: &mut [u32]) -> usize = find_kept_body
}

#[cfg(test)]
mod tests;
