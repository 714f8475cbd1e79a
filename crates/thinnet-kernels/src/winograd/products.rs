//! The products at each of the 36 points: small matrix products over the tiles' channels.

use super::POINTS;
use crate::isa::{Arithmetic, Vector, dispatch};
use crate::tile::{COLUMNS, ROWS, by_rows, groups, pair, store_pair};

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
    let (depth, panels, groups) = (from.channels, to.channels.div_ceil(COLUMNS), groups(tiles, ROWS));
    assert!(kept.channels.len() >= kept.counts.len() * depth, "a list for each sample");
    for (&count, channels) in kept.counts.iter().zip(kept.channels.chunks(depth.max(1))) {
        let channels = &channels[..count as usize];
        assert!(channels.iter().all(|&channel| (channel as usize) < depth), "channels of the operand");
    }
    for point in 0..POINTS {
        for panel in 0..panels {
            let weights = packed[(panel * POINTS + point) * depth * COLUMNS..].as_chunks::<COLUMNS>().0;
            let weights = &weights[..depth];
            for (sample, &count) in kept.counts.iter().enumerate() {
                let channels = &kept.channels[sample * depth..][..count as usize];
                for (row, rows) in groups.clone() {
                    let row = sample * tiles + row;
                    let x = &x[point * from.step + row * from.stride..];
                    let out = &mut out[point * to.step + row * to.stride + panel * COLUMNS..];
                    by_rows!(rows, store_tile::<A>(x, from.stride, channels, weights, out, to.stride));
                }
            }
        }
    }
}

#[inline(always)]
fn store_tile<A: Arithmetic, const N: usize>(
    x: &[f32],
    stride: usize,
    channels: &[u32],
    weights: &[[f32; COLUMNS]],
    out: &mut [f32],
    out_stride: usize,
) {
    let depth = weights.len();
    let x = &x[..(N - 1) * stride + depth];
    let out = &mut out[..(N - 1) * out_stride + COLUMNS];
    let sums = tile::<A, N>(x, stride, channels, weights);
    for (row, &sums) in sums.iter().enumerate() {
        store_pair(sums, out[row * out_stride..].first_chunk_mut().expect("rows hold whole panels"));
    }
}

/// The products of `N` rows with a panel of weights, over some channels: each below the number of weights, to which x has
/// `N` whole rows.
#[inline(always)]
fn tile<A: Arithmetic, const N: usize>(
    x: &[f32],
    stride: usize,
    channels: &[u32],
    weights: &[[f32; COLUMNS]],
) -> [[A::Vector; 2]; N] {
    let mut sums = [[A::Vector::splat(0.0); 2]; N];
    for &channel in channels {
        let channel = channel as usize;
        // SAFETY: every channel of every list was compared with the number of weights.
        let weights = pair::<A::Vector>(unsafe { weights.get_unchecked(channel) });
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: as above; x reaches to the last row's last channel.
            let x = A::Vector::splat(unsafe { *x.get_unchecked(row * stride + channel) });
            *sums = [x.mul_add(weights[0], sums[0]), x.mul_add(weights[1], sums[1])];
        }
    }
    sums
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
    let (depth, groups) = (from.channels, groups(from.channels, ROWS));
    for point in 0..POINTS {
        let x = &x[point * from.step..][..tiles * from.stride];
        let dy = &dy[point * to.step..][..tiles * to.stride];
        let gradient = &mut gradient[point * depth * to.stride..][..depth * to.stride];
        for column in (0..to.channels).step_by(COLUMNS) {
            for (channel, channels) in groups.clone() {
                let gradient = &mut gradient[channel * to.stride + column..];
                by_rows!(
                    channels,
                    add_outer::<A>(&x[channel..], from.stride, &dy[column..], to.stride, gradient)
                );
            }
        }
    }
}

/// Adds Σ x\[tile, ..N\]·dy\[tile, ..16\] over the tiles to `N` rows of the gradient.
#[inline(always)]
fn add_outer<A: Arithmetic, const N: usize>(
    x: &[f32],
    stride: usize,
    dy: &[f32],
    column_stride: usize,
    gradient: &mut [f32],
) {
    let sums = outer::<A, N>(x, stride, dy, column_stride);
    for (row, sums) in sums.iter().enumerate() {
        let gradient = gradient[row * column_stride..].first_chunk_mut().expect("rows hold whole panels");
        let before = pair::<A::Vector>(gradient);
        store_pair([before[0].add(sums[0]), before[1].add(sums[1])], gradient);
    }
}

/// Returned by value: the compiler then keeps all sums in registers, which it does not where they are added to memory in
/// the same function.
#[inline(always)]
fn outer<A: Arithmetic, const N: usize>(
    x: &[f32],
    stride: usize,
    dy: &[f32],
    column_stride: usize,
) -> [[A::Vector; 2]; N] {
    let mut sums = [[A::Vector::splat(0.0); 2]; N];
    for (x, dy) in x.chunks(stride).zip(dy.chunks(column_stride)) {
        let (Some(x), Some(dy)) = (x.first_chunk::<N>(), dy.first_chunk::<COLUMNS>()) else { break };
        let dy = pair::<A::Vector>(dy);
        for (sums, &x) in sums.iter_mut().zip(x) {
            let x = A::Vector::splat(x);
            *sums = [x.mul_add(dy[0], sums[0]), x.mul_add(dy[1], sums[1])];
        }
    }
    sums
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
