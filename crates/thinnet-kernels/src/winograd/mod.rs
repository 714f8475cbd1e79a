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

use std::ops::Range;

use filtering::{Input, InputAdjoint, Kernel, KernelAdjoint, Output, OutputAdjoint, both};
pub use products::{Kept, Points, accumulate, multiply};

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

    /// Where the places of a tile's input lie.
    #[inline(always)]
    fn inputs(&self, tile: usize, channels: usize) -> [[Option<usize>; INPUT]; INPUT] {
        places(self.corner(tile), self.before, self.input, channels)
    }

    /// Which of a tile's outputs have nothing but zeros in their window, given which places of the input have more.
    #[inline(always)]
    fn blanks(&self, tile: usize, on: &[u32]) -> [[bool; OUTPUT]; OUTPUT] {
        let mut rows = [0_u32; INPUT];
        for (row, places) in rows.iter_mut().zip(self.inputs(tile, 1)) {
            for (column, place) in places.into_iter().enumerate() {
                *row |= place.map_or(0, |place| on[place]) << column;
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

    /// Where the places of a tile's output lie.
    #[inline(always)]
    fn outputs(&self, tile: usize, channels: usize) -> [[Option<usize>; OUTPUT]; OUTPUT] {
        places(self.corner(tile), [0; 2], self.output, channels)
    }
}

/// Where the places of a tile lie in a map that has a frame before it; `None` outside of the map.
#[inline(always)]
fn places<const N: usize>(
    corner: [usize; 2],
    before: [usize; 2],
    map: [usize; 2],
    channels: usize,
) -> [[Option<usize>; N]; N] {
    // Plain loops: closures within closures are not inlined.
    let mut places = [[None; N]; N];
    for (row, places) in places.iter_mut().enumerate() {
        let row = (corner[0] + row).wrapping_sub(before[0]);
        for (column, place) in places.iter_mut().enumerate() {
            let column = (corner[1] + column).wrapping_sub(before[1]);
            if row < map[0] && column < map[1] {
                *place = Some((row * map[1] + column) * channels);
            }
        }
    }
    places
}

/// Some channels of a place of a map; zeros outside of the map and beyond the last channel.
#[inline(always)]
fn load<V: Vector>(map: &[f32], place: Option<usize>, channel: usize, channels: usize) -> V {
    let Some(place) = place else { return V::splat(0.0) };
    V::load_part(&map[place + channel..place + channels])
}

/// Some channels of all places of a tile.
#[inline(always)]
fn load_tile<V: Vector, const N: usize>(
    map: &[f32],
    places: &[[Option<usize>; N]; N],
    channel: usize,
    channels: usize,
) -> [[V; N]; N] {
    let mut tile = [[V::splat(0.0); N]; N];
    for row in 0..N {
        for column in 0..N {
            tile[row][column] = load(map, places[row][column], channel, channels);
        }
    }
    tile
}

/// Writes some channels of a place of a map; nothing outside of the map and beyond the last channel.
#[inline(always)]
fn store<V: Vector>(map: &mut [f32], place: Option<usize>, channel: usize, channels: usize, vector: V) {
    let Some(place) = place else { return };
    vector.store_part(&mut map[place + channel..place + channels]);
}

/// Reads a tile's channels at all points: points are `step` apart.
#[inline(always)]
fn gather<V: Vector>(points: &[f32], step: usize, at: usize) -> [[V; INPUT]; INPUT] {
    let mut tile = [[V::splat(0.0); INPUT]; INPUT];
    for (point, vector) in tile.as_flattened_mut().iter_mut().enumerate() {
        *vector = V::load(&points[point * step + at..]);
    }
    tile
}

/// Writes a tile's channels at all points.
#[inline(always)]
fn scatter<V: Vector>(points: &mut [f32], step: usize, at: usize, tile: &[[V; INPUT]; INPUT]) {
    for (point, vector) in tile.as_flattened().iter().enumerate() {
        vector.store(&mut points[point * step + at..]);
    }
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
        let places = tiles.inputs(tile, at.channels);
        for channel in (0..at.channels).step_by(A::Vector::LANES) {
            let inputs = load_tile::<A::Vector, INPUT>(x, &places, channel, at.channels);
            scatter(points, at.step, index * at.stride + channel, &both::<Input, _, _, _>(&inputs));
        }
    }
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
        let places = tiles.outputs(tile, at.channels);
        for channel in (0..at.channels).step_by(A::Vector::LANES) {
            let gradients = load_tile::<A::Vector, OUTPUT>(dy, &places, channel, at.channels);
            scatter(
                points,
                at.step,
                index * at.stride + channel,
                &both::<OutputAdjoint, _, _, _>(&gradients),
            );
        }
    }
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
        let places = tiles.outputs(tile, at.channels);
        let blanks = on.map_or([[false; OUTPUT]; OUTPUT], |on| tiles.blanks(tile, on));
        for channel in (0..at.channels).step_by(A::Vector::LANES) {
            let products = gather::<A::Vector>(points, at.step, index * at.stride + channel);
            let outputs = both::<Output, _, _, _>(&products);
            let bias = load(bias.unwrap_or_default(), bias.map(|_| 0), channel, at.channels);
            let outputs = outputs.as_flattened().iter().zip(blanks.as_flattened());
            for (place, (vector, blank)) in places.as_flattened().iter().zip(outputs) {
                let sum = if *blank { bias } else { vector.add(bias) };
                store(y, *place, channel, at.channels, sum);
            }
        }
    }
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
        let places = tiles.inputs(tile, at.channels);
        for channel in (0..at.channels).step_by(A::Vector::LANES) {
            let products = gather::<A::Vector>(points, at.step, index * at.stride + channel);
            let gradients = both::<InputAdjoint, _, _, _>(&products);
            for (place, vector) in places.as_flattened().iter().zip(gradients.as_flattened()) {
                // Neighbouring tiles share inputs.
                let before = load(dx, *place, channel, at.channels);
                store(dx, *place, channel, at.channels, vector.add(before));
            }
        }
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
            scatter(packed, inputs * COLUMNS, input * COLUMNS + column, &tile);
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
            scatter(packed, outputs * COLUMNS, output * COLUMNS + column, &tile);
        }
    }
}

#[inline(always)]
fn kernel_gradient_body<A: Arithmetic>(points: &[f32], inputs: usize, outputs: usize, gradient: &mut [f32]) {
    let stride = outputs.next_multiple_of(COLUMNS);
    for input in 0..inputs {
        for output in (0..outputs).step_by(A::Vector::LANES) {
            let tile = gather::<A::Vector>(points, inputs * stride, input * stride + output);
            let weights = both::<KernelAdjoint, _, _, _>(&tile);
            for (tap, vector) in weights.as_flattened().iter().enumerate() {
                store(gradient, Some((tap * inputs + input) * outputs), output, outputs, *vector);
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
    /// Adds the gradient by the inputs of some tiles to that by a sample's map, by the adjoint of what [`transform_input`] does.
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
