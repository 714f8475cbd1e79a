//! The products at each of the 36 points: small matrix products over the tiles' channels.

use super::{POINTS, panel_len};
use crate::isa::{Arithmetic, dispatch};
use crate::tile::{
    COLUMNS, Growing, Onto, Panels, Rows, Transposed, add_listed, add_products, by_tile, columns, groups,
    store, zeros,
};

/// Where the tiles of some maps lie at each point: element (point, tile, channel) at
/// point · step + tile · stride + channel.
#[derive(Clone, Copy, Debug)]
pub struct Points {
    /// Channels of the maps.
    pub channels: usize,
    /// From tile to tile: whole panels.
    pub stride: usize,
    /// From point to point.
    pub step: usize,
}

impl Points {
    /// `tiles` tiles of `channels` channels.
    pub fn new(tiles: usize, channels: usize) -> Self {
        let stride = channels.next_multiple_of(COLUMNS);
        // A cache line more than needed: points that lie a power of two apart would push each other out of the cache.
        Self { channels, stride, step: tiles * stride + COLUMNS }
    }

    /// f32 for all points.
    pub fn total(&self) -> usize {
        POINTS * self.step
    }
}

/// For each sample, which channels are not zero all over the map: `counts[sample]` of them, from
/// `channels[sample · depth]` on, in ascending order.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// How many channels of each sample.
    pub counts: &'a [u32],
    /// Their lists, `depth` places for each sample.
    pub channels: &'a [u32],
}

#[inline(always)]
fn multiply_body<A: Arithmetic>(
    tiles: usize,
    x: &[f32],
    from: &Points,
    kept: Kept,
    packed: &[f32],
    out: &mut [f32],
    to: &Points,
) {
    let (depth, groups) = (from.channels, groups(tiles, A::TILE[0]));
    assert!(depth > 0, "a sum of something");
    let list = |sample: usize, count: u32| &kept.channels[sample * depth..][..count as usize];
    for (sample, &count) in kept.counts.iter().enumerate() {
        let all = list(sample, count).iter().all(|&channel| (channel as usize) < depth);
        assert!(all, "channels of the operand");
    }
    for point in 0..POINTS {
        for (column, width, panels) in columns::<A>(to.channels.next_multiple_of(COLUMNS)) {
            let first = (column / COLUMNS * POINTS + point) * depth * COLUMNS;
            let right = Panels::new(&packed[first..], panel_len(depth), COLUMNS);
            for (sample, &count) in kept.counts.iter().enumerate() {
                let channels = list(sample, count);
                for (row, rows) in groups.clone() {
                    let row = sample * tiles + row;
                    let x = &x[point * from.step + row * from.stride..];
                    let out = (&mut out[point * to.step + row * to.stride + column..], to.stride, width);
                    by_tile!(rows, panels, kept_tile::<A>(channels, depth, x, Rows(from.stride), right, out));
                }
            }
        }
    }
}

/// Stores products over some channels, each of which is below `depth`.
#[inline(always)]
fn kept_tile<A: Arithmetic, const ROWS: usize, const PANELS: usize>(
    channels: &[u32],
    depth: usize,
    x: &[f32],
    left: Rows,
    weights: Panels,
    (out, stride, width): (&mut [f32], usize, usize),
) {
    assert!(left.place(ROWS - 1, depth - 1) < x.len(), "rows of the operand");
    assert!(weights.reach(PANELS, depth), "weights for every channel");
    let nothing = zeros::<A, ROWS, PANELS>();
    // SAFETY: both operands reach to `depth`, and every channel of every list was compared with it. The processor has the
    // instructions of `A` (see `dispatch!`).
    let sums = unsafe {
        if channels.len() == depth {
            add_products::<A, _, ROWS, PANELS>(nothing, depth, x, left, weights)
        } else {
            add_listed::<A, _, ROWS, PANELS>(nothing, channels, x, left, weights)
        }
    };
    store::<A, ROWS, PANELS>(sums, Onto::Nothing, out, stride, width);
}

#[inline(always)]
fn accumulate_body<A: Arithmetic>(
    tiles: usize,
    x: &[f32],
    from: &Points,
    dy: &[f32],
    to: &Points,
    gradient: &mut [f32],
) {
    if tiles == 0 {
        return;
    }
    let (depth, groups) = (from.channels, groups(from.channels, A::TILE[0]));
    for point in 0..POINTS {
        let x = &x[point * from.step..][..tiles * from.stride];
        let dy = &dy[point * to.step..][..tiles * to.stride];
        let gradient = &mut gradient[point * depth * to.stride..][..depth * to.stride];
        for (column, width, panels) in columns::<A>(to.channels.next_multiple_of(COLUMNS)) {
            let right = Panels::new(&dy[column..], COLUMNS, to.stride);
            for (channel, channels) in groups.clone() {
                let gradient = (&mut gradient[channel * to.stride + column..], to.stride, width);
                let left = Transposed(from.stride);
                by_tile!(channels, panels, outer_tile::<A>(tiles, &x[channel..], left, right, gradient));
            }
        }
    }
}

/// Adds Σ x\[tile, row\]·dy\[tile, column\] over the tiles to some rows of the gradient.
#[inline(always)]
fn outer_tile<A: Arithmetic, const ROWS: usize, const PANELS: usize>(
    tiles: usize,
    x: &[f32],
    left: Transposed,
    dy: Panels,
    (gradient, stride, width): (&mut [f32], usize, usize),
) {
    assert!(left.place(ROWS - 1, tiles - 1) < x.len(), "rows of the operand");
    assert!(dy.reach(PANELS, tiles), "gradients of every tile");
    // SAFETY: both operands reach to the last tile. The processor has the instructions of `A` (see `dispatch!`).
    let sums = unsafe { add_products::<A, _, ROWS, PANELS>(zeros::<A, ROWS, PANELS>(), tiles, x, left, dy) };
    store::<A, ROWS, PANELS>(sums, Onto::Itself, gradient, stride, width);
}

dispatch! {
    /// out\[point, tile, column\] = Σ x\[point, tile, channel\]·weights\[point, channel, column\] over the channels that are
    /// kept, for samples of `tiles` tiles. `packed` is what [`pack`](super::pack()) or
    /// [`pack_adjoint`](super::pack_adjoint()) made, panel after panel.
    pub fn multiply(
        tiles: usize,
        x: &[f32],
        from: &Points,
        kept: Kept,
        packed: &[f32],
        out: &mut [f32],
        to: &Points,
    ) = multiply_body
}

dispatch! {
    /// gradient\[point, channel, column\] += Σ x\[point, tile, channel\]·dy\[point, tile, column\] over `tiles` tiles. Rows of
    /// the gradient are as far apart as those of dy.
    pub fn accumulate(
        tiles: usize,
        x: &[f32],
        from: &Points,
        dy: &[f32],
        to: &Points,
        gradient: &mut [f32],
    ) = accumulate_body
}
