//! Convolutions with kernels of 3 × 3 by Winograd's filtering: a quarter of the products.

use std::ops::Range;

use thinnet_kernels::add::add_rows;
use thinnet_kernels::buffer::as_words;
use thinnet_kernels::winograd::{
    Kept, POINTS, Points, Tiles, accumulate, find_kept, find_places, input_gradient, kernel_gradient,
    multiply, output, pack, pack_adjoint, panel_len, panels, transform_gradient, transform_input,
};

use crate::engine::{Context, Variables};
use crate::layers::arguments::Axis;
use crate::layers::{ByShard, Gradients, Prepare, Transform};

/// Tiles that are worked on at once: what they become stays in the second-level cache.
const BLOCK: usize = 48;
/// f32 of transformed tiles that are worked on at once.
const BLOCK_LEN: usize = 3 << 15;

/// Cross-correlation of channels-last maps with a kernel (3, 3, inputs, outputs) and strides of 1, and a bias.
///
/// Channels that are zero all over a sample's map are left out of its sums: those that SpatialDropout dropped, and those
/// whose units are all off.
#[derive(Debug)]
pub(super) struct Filtering {
    tiles: Tiles,
    inputs: usize,
    outputs: usize,
    use_bias: bool,
    input_len: usize,
    output_len: usize,
    /// Samples that are worked on at once; 1 where a sample's tiles are worked on in several blocks.
    samples: usize,
    /// Tiles of a sample that are worked on at once.
    block: usize,
    /// The transformed tiles of a block.
    of_inputs: Points,
    of_outputs: Points,
}

/// The memory of a call.
struct Memory<'a> {
    /// Transformed tiles of inputs, and of outputs.
    inputs: &'a mut [f32],
    outputs: &'a mut [f32],
    /// The channels to sum over, for each sample of a block: how many, and which.
    counts: &'a mut [u32],
    kept: &'a mut [u32],
    /// The places of an input that are not zero in all channels.
    on: &'a mut [u32],
}

impl Filtering {
    pub(super) fn new([rows, columns]: [Axis; 2], inputs: usize, outputs: usize, use_bias: bool) -> Self {
        let of = |f: fn(&Axis) -> usize| [f(&rows), f(&columns)];
        let tiles = Tiles::new(of(|a| a.input), of(|a| a.output), of(|a| a.before));
        let (count, channels) =
            (tiles.count(), Points::new(1, inputs).stride + Points::new(1, outputs).stride);
        let most = (BLOCK_LEN / (POINTS * channels)).clamp(6, BLOCK);
        let blocks = count.div_ceil(most);
        let (samples, block) = ((most / count).max(1), count.div_ceil(blocks));
        Self {
            tiles,
            inputs,
            outputs,
            use_bias,
            input_len: rows.input * columns.input * inputs,
            output_len: rows.output * columns.output * outputs,
            samples,
            block,
            of_inputs: Points::new(samples * block, inputs),
            of_outputs: Points::new(samples * block, outputs),
        }
    }

    /// Whether it takes less time than the products of all windows, by what both were measured to take: products of
    /// sixteen numbers, and for each tile the transforms of its channels.
    pub(super) fn pays(axes: &[Axis; 2], inputs: usize, outputs: usize, groups: usize) -> bool {
        let plain = |axis: &Axis| axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1;
        let places: usize = axes.iter().map(|axis| axis.output).product();
        let tiles: usize = axes.iter().map(|axis| axis.output.div_ceil(4)).product();
        let direct = places * 9 * inputs * outputs;
        let filtered = tiles * (40 * inputs * outputs + 600 * (inputs + outputs));
        axes.iter().all(plain) && groups == 1 && filtered < direct
    }

    /// The blocks that samples are worked on in: (samples, tiles of each).
    fn blocks(&self, rows: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let count = self.tiles.count();
        let samples =
            (0..rows).step_by(self.samples).map(move |first| first..(first + self.samples).min(rows));
        samples.flat_map(move |samples| {
            let tiles =
                (0..count).step_by(self.block).map(move |first| first..(first + self.block).min(count));
            tiles.map(move |tiles| (samples.clone(), tiles))
        })
    }

    fn kernel_len(&self) -> usize {
        9 * self.inputs * self.outputs
    }

    fn lists_len(&self) -> usize {
        self.samples * (1 + self.inputs.max(self.outputs)) + self.places()
    }

    /// Places of an input.
    fn places(&self) -> usize {
        self.input_len / self.inputs
    }

    fn memory<'a>(&self, scratch: &'a mut [f32]) -> Memory<'a> {
        let (inputs, rest) = scratch.split_at_mut(self.of_inputs.total());
        let (outputs, rest) = rest.split_at_mut(self.of_outputs.total());
        let (counts, kept) = as_words(&mut rest[..self.lists_len()]).split_at_mut(self.samples);
        let (kept, on) = kept.split_at_mut(kept.len() - self.places());
        Memory { inputs, outputs, counts, kept, on }
    }

    /// Finds the channels that are not zero in each sample of a block.
    fn find<'a>(maps: &[f32], channels: usize, counts: &'a mut [u32], kept: &'a mut [u32]) -> Kept<'a> {
        let maps = maps.chunks_exact(maps.len() / counts.len());
        for ((map, count), list) in maps.zip(&mut *counts).zip(kept.chunks_exact_mut(channels)) {
            *count = find_kept(map, channels, list) as u32;
        }
        Kept { counts, channels: kept }
    }

    /// Writes the gradient by the input and adds that by the transformed kernel, as far as they are asked for.
    fn gradients_of(
        &self,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        mut dx: Option<&mut [f32]>,
        mut sums: Option<&mut [f32]>,
        scratch: &mut [f32],
    ) {
        let memory = self.memory(scratch);
        let packed = &variables.prepared()[panels(self.outputs) * panel_len(self.inputs)..];
        for (samples, tiles) in self.blocks(dy.len() / self.output_len) {
            let places = tiles.len() * self.of_inputs.stride;
            let out_places = tiles.len() * self.of_outputs.stride;
            for (index, sample) in samples.clone().enumerate() {
                let dy = &dy[sample * self.output_len..][..self.output_len];
                let points = &mut memory.outputs[index * out_places..];
                transform_gradient(&self.tiles, tiles.clone(), dy, points, &self.of_outputs);
            }
            if let Some(sums) = &mut sums {
                for (index, sample) in samples.clone().enumerate() {
                    let x = &x[sample * self.input_len..][..self.input_len];
                    let points = &mut memory.inputs[index * places..];
                    transform_input(&self.tiles, tiles.clone(), x, points, &self.of_inputs);
                }
                let (x, dy) = (&*memory.inputs, &*memory.outputs);
                accumulate(samples.len() * tiles.len(), x, &self.of_inputs, dy, &self.of_outputs, sums);
            }
            if let Some(dx) = &mut dx {
                let maps = &dy[samples.start * self.output_len..samples.end * self.output_len];
                let kept = Self::find(maps, self.outputs, &mut memory.counts[..samples.len()], memory.kept);
                let (from, to) = (&self.of_outputs, &self.of_inputs);
                multiply(tiles.len(), memory.outputs, from, kept, packed, memory.inputs, to);
                for (index, sample) in samples.enumerate() {
                    let dx = &mut dx[sample * self.input_len..][..self.input_len];
                    let points = &memory.inputs[index * places..];
                    input_gradient(&self.tiles, tiles.clone(), points, &self.of_inputs, dx);
                }
            }
        }
    }
}

impl Transform for Filtering {
    fn output_len(&self) -> usize {
        self.output_len
    }

    fn scratch(&self, _: usize) -> usize {
        self.of_inputs.total() + self.of_outputs.total() + self.lists_len()
    }

    fn cost(&self) -> usize {
        self.output_len * 9 * self.inputs
    }

    fn forward(&self, _: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let memory = self.memory(scratch);
        let bias = self.use_bias.then(|| variables.get(1));
        for (samples, tiles) in self.blocks(x.len() / self.input_len) {
            let places = tiles.len() * self.of_inputs.stride;
            for (index, sample) in samples.clone().enumerate() {
                let x = &x[sample * self.input_len..][..self.input_len];
                let points = &mut memory.inputs[index * places..];
                transform_input(&self.tiles, tiles.clone(), x, points, &self.of_inputs);
            }
            let maps = &x[samples.start * self.input_len..samples.end * self.input_len];
            let kept = Self::find(maps, self.inputs, &mut memory.counts[..samples.len()], memory.kept);
            let (from, to) = (&self.of_inputs, &self.of_outputs);
            multiply(tiles.len(), memory.inputs, from, kept, variables.prepared(), memory.outputs, to);
            let places = tiles.len() * self.of_outputs.stride;
            for (index, sample) in samples.enumerate() {
                let x = &x[sample * self.input_len..][..self.input_len];
                let on = find_places(x, self.inputs, memory.on).then_some(&*memory.on);
                let y = &mut y[sample * self.output_len..][..self.output_len];
                let points = &memory.outputs[index * places..];
                output(&self.tiles, tiles.clone(), points, &self.of_outputs, bias, on, y);
            }
        }
    }

    fn backward(
        &self,
        _: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        self.gradients_of(variables, x, dy, Some(dx), None, scratch);
    }

    fn preparation(&self) -> Option<&dyn Prepare> {
        Some(self)
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByShard(self)
    }
}

impl Prepare for Filtering {
    fn parts(&self, backward: bool) -> Vec<usize> {
        let mut parts = vec![panel_len(self.inputs); panels(self.outputs)];
        if backward {
            parts.extend(vec![panel_len(self.outputs); panels(self.inputs)]);
        }
        parts
    }

    fn prepare(&self, variables: Variables, part: usize, out: &mut [f32]) {
        let (inputs, outputs, kernel) = (self.inputs, self.outputs, variables.get(0));
        match part.checked_sub(panels(outputs)) {
            None => pack(kernel, inputs, outputs, part, out),
            Some(part) => pack_adjoint(kernel, inputs, outputs, part, out),
        }
    }
}

impl ByShard for Filtering {
    fn gradient(
        &self,
        _: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: Option<&mut [f32]>,
        sums: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (gradient, points) = sums.split_at_mut(sums.len() - ByShard::sums(self));
        self.gradients_of(variables, x, dy, dx, Some(points), scratch);
        if self.use_bias {
            add_rows(dy, &mut gradient[self.kernel_len()..]);
        }
    }

    fn sums(&self) -> usize {
        POINTS * self.inputs * self.of_outputs.stride
    }

    fn finish(&self, sums: &mut [f32]) {
        let (gradient, points) = sums.split_at_mut(sums.len() - ByShard::sums(self));
        kernel_gradient(points, self.inputs, self.outputs, &mut gradient[..self.kernel_len()]);
    }

    fn scratch(&self, rows: usize) -> usize {
        Transform::scratch(self, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::arguments::Padding;
    use crate::layers::convolution::product::Convolution;
    use crate::layers::testing;

    fn axes(sides: [usize; 2], padding: Padding) -> [Axis; 2] {
        sides.map(|side| Axis::new("kernel_size", side, [3, 1, 1], padding).unwrap())
    }

    fn numbers(len: usize, step: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * step + i / 31 * 7) % 64) as f32 / 32.0 - 1.0).collect()
    }

    #[test]
    fn it_agrees_with_the_products_of_windows() {
        for (sides, padding, [inputs, outputs]) in [
            ([13, 13], Padding::Valid, [32, 64]),
            ([5, 22], Padding::Same, [9, 33]),
            // A sample's tiles in several blocks.
            ([33, 30], Padding::Same, [16, 16]),
        ] {
            let axes = axes(sides, padding);
            let rows = 7;
            let input_len = sides[0] * sides[1] * inputs;
            let mut arena = numbers(9 * inputs * outputs, 37);
            arena.extend(numbers(outputs, 11));
            let ranges = [0..9 * inputs * outputs, 9 * inputs * outputs..arena.len()];
            let mut x = numbers(rows * input_len, 29);
            // A channel that was dropped.
            x[input_len..2 * input_len].iter_mut().step_by(inputs).for_each(|x| *x = 0.0);
            let filtering = Filtering::new(axes, inputs, outputs, true);
            let products = Convolution::new(axes, inputs, outputs, 1, true);
            let dy = numbers(rows * filtering.output_len, 41);
            let [found, expected] = [&filtering as &dyn Both, &products].map(|operation| {
                let variables = Variables::new(&arena, &ranges);
                let mut prepared = Vec::new();
                for (part, len) in operation.parts(true).into_iter().enumerate() {
                    let mut out = vec![f32::NAN; len];
                    operation.prepare(variables, part, &mut out);
                    prepared.extend(out);
                }
                let variables = variables.with_prepared(&prepared);
                let cx = testing::training(0);
                let len = Transform::scratch(operation, rows).max(ByShard::scratch(operation, rows));
                let mut scratch = vec![f32::NAN; len];
                let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
                operation.forward(&cx, variables, &x, &mut y, &mut scratch);
                let mut sums = vec![0.0; arena.len() + operation.sums()];
                // As blocks of a shard come.
                for rows in [0..3, 3..6, 6..7] {
                    let of_x = rows.start * input_len..rows.end * input_len;
                    let of_y = rows.start * filtering.output_len..rows.end * filtering.output_len;
                    let (x, dy, dx) = (&x[of_x.clone()], &dy[of_y], Some(&mut dx[of_x]));
                    operation.gradient(&cx, variables, x, dy, dx, &mut sums, &mut scratch);
                }
                operation.finish(&mut sums);
                sums.truncate(arena.len());
                [y, dx, sums]
            });
            for (what, (found, expected)) in ["y", "dx", "gradient"].iter().zip(found.iter().zip(&expected)) {
                let largest = expected.iter().fold(0.0_f32, |largest, e| largest.max(e.abs()));
                for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
                    let close = (found - expected).abs() < 2e-5 * largest;
                    assert!(close, "{what}[{place}] of {sides:?}: {found}, {expected} (largest {largest})");
                }
            }
        }
    }

    /// All that a convolution does.
    trait Both: Transform + ByShard + Prepare {}

    impl<T: Transform + ByShard + Prepare> Both for T {}

    #[test]
    fn it_pays_for_many_channels_and_places_only() {
        let pays = |side, padding, inputs, outputs| {
            Filtering::pays(&axes([side, side], padding), inputs, outputs, 1)
        };
        assert!(pays(32, Padding::Same, 32, 32));
        assert!(pays(13, Padding::Valid, 32, 64));
        assert!(pays(7, Padding::Same, 512, 512));
        assert!(!pays(32, Padding::Same, 3, 32));
        assert!(!pays(2, Padding::Same, 64, 64));
        assert!(!Filtering::pays(&axes([32, 32], Padding::Same), 32, 32, 2));
        let strided = Axis::new("kernel_size", 32, [3, 2, 1], Padding::Same).unwrap();
        assert!(!Filtering::pays(&[strided; 2], 32, 32, 1));
    }
}
