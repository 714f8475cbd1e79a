//! The operation of convolutions: products of windows with a kernel.

use thinnet_kernels::add::add_rows;
use thinnet_kernels::convolution::{Windows, forward, gradient, pack, packed_len};

use crate::engine::{Context, Variables};
use crate::layers::arguments::Axis;
use crate::layers::{ByShard, Gradients, Prepare, Transform};

/// Cross-correlation of channels-last maps with a kernel (rows, columns, inputs of a group, outputs), and a bias.
#[derive(Debug)]
pub(super) struct Convolution {
    axes: [Axis; 2],
    inputs: usize,
    outputs: usize,
    groups: usize,
    use_bias: bool,
    /// Windows of a group's channels in the input, surrounded by zeros where that is needed.
    windows: Windows,
    /// Rows and columns of the input with its surroundings.
    padded: [usize; 2],
    /// The same for the gradient by the input: windows in the spread gradient by the output.
    back_windows: Windows,
    spread: [usize; 2],
}

impl Convolution {
    pub(super) fn new(axes: [Axis; 2], inputs: usize, outputs: usize, groups: usize, use_bias: bool) -> Self {
        let of = |f: fn(&Axis) -> usize| axes.each_ref().map(f);
        let (kernel, strides, dilation) = (of(|a| a.kernel), of(|a| a.stride), of(|a| a.dilation));
        let padded = of(|axis| (axis.before + axis.input).max(axis.reach()));
        let spread = of(|axis| axis.input + axis.extent() - 1);
        let windows =
            Windows::new(of(|a| a.output), kernel, strides, dilation, padded[1], inputs, inputs / groups);
        let back_windows =
            Windows::new(of(|a| a.input), kernel, [1, 1], dilation, spread[1], outputs, outputs / groups);
        Self { axes, inputs, outputs, groups, use_bias, windows, padded, back_windows, spread }
    }

    /// Inputs and outputs of a group.
    fn of_group(&self) -> [usize; 2] {
        [self.inputs / self.groups, self.outputs / self.groups]
    }

    fn input_len(&self) -> usize {
        self.axes[0].input * self.axes[1].input * self.inputs
    }

    fn taps(&self) -> usize {
        self.axes[0].kernel * self.axes[1].kernel
    }

    /// Elements of the input with its surroundings; 0 where it has none.
    fn padded_len(&self) -> usize {
        let same = self.axes.iter().zip(self.padded).all(|(axis, padded)| axis.input == padded);
        if same { 0 } else { self.padded[0] * self.padded[1] * self.inputs }
    }

    fn spread_len(&self) -> usize {
        self.spread[0] * self.spread[1] * self.outputs
    }

    /// The input with its surroundings, in `map` where it has any.
    fn pad<'a>(&self, x: &'a [f32], map: &'a mut [f32]) -> &'a [f32] {
        if map.is_empty() {
            return x;
        }
        let [rows, columns] = &self.axes;
        let (row, padded) = (columns.input * self.inputs, self.padded[1] * self.inputs);
        for (index, x) in x.chunks_exact(row).enumerate() {
            let start = (rows.before + index) * padded + columns.before * self.inputs;
            map[start..start + row].copy_from_slice(x);
        }
        map
    }

    /// f32 of a group's packed weights for the forward pass.
    fn packed_len(&self) -> usize {
        packed_len(self.windows.depth(), self.of_group()[1])
    }

    /// f32 of a group's packed weights for the gradient by the input.
    fn back_packed_len(&self) -> usize {
        packed_len(self.back_windows.depth(), self.of_group()[0])
    }

    /// The gradient by the output, with zeros between and around, as the kernel's mirror image reads it.
    fn spread(&self, dy: &[f32], map: &mut [f32]) {
        let [rows, columns] = &self.axes;
        let place = |axis: &Axis, index: usize| index * axis.stride + axis.extent() - 1 - axis.before;
        for (row, dy) in dy.chunks_exact(columns.output * self.outputs).enumerate() {
            let start = place(rows, row) * self.spread[1];
            for (column, dy) in dy.chunks_exact(self.outputs).enumerate() {
                let at = (start + place(columns, column)) * self.outputs;
                map[at..at + self.outputs].copy_from_slice(dy);
            }
        }
    }
}

impl Transform for Convolution {
    fn output_len(&self) -> usize {
        self.axes[0].output * self.axes[1].output * self.outputs
    }

    fn scratch(&self, _: usize) -> usize {
        self.padded_len().max(self.spread_len())
    }

    fn cost(&self) -> usize {
        self.windows.count() * self.windows.depth() * self.outputs
    }

    fn forward(&self, _: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let [inputs, outputs] = self.of_group();
        let map = &mut scratch[..self.padded_len()];
        map.fill(0.0);
        for (x, y) in x.chunks_exact(self.input_len()).zip(y.chunks_exact_mut(self.output_len())) {
            let x = self.pad(x, map);
            let packed = variables.prepared().chunks_exact(self.packed_len()).take(self.groups);
            for (group, packed) in packed.enumerate() {
                let bias = self.use_bias.then(|| &variables.get(1)[group * outputs..]);
                let (x, y) = (&x[group * inputs..], &mut y[group * outputs..]);
                forward(&self.windows, x, packed, outputs, bias, y, self.outputs);
            }
        }
    }

    fn backward(
        &self,
        _: &Context,
        variables: Variables,
        _: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        let [inputs, outputs] = self.of_group();
        let packed = &variables.prepared()[self.groups * self.packed_len()..];
        let map = &mut scratch[..self.spread_len()];
        map.fill(0.0);
        for (dx, dy) in dx.chunks_exact_mut(self.input_len()).zip(dy.chunks_exact(self.output_len())) {
            self.spread(dy, map);
            for (group, packed) in packed.chunks_exact(self.back_packed_len()).enumerate() {
                let (dy, dx) = (&map[group * outputs..], &mut dx[group * inputs..]);
                forward(&self.back_windows, dy, packed, inputs, None, dx, self.inputs);
            }
        }
    }

    fn preparation(&self) -> Option<&dyn Prepare> {
        Some(self)
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByShard(self)
    }
}

impl Prepare for Convolution {
    fn parts(&self, backward: bool) -> Vec<usize> {
        let mut parts = vec![self.packed_len(); self.groups];
        if backward {
            parts.extend(vec![self.back_packed_len(); self.groups]);
        }
        parts
    }

    fn prepare(&self, variables: Variables, part: usize, out: &mut [f32]) {
        let ([inputs, outputs], kernel) = (self.of_group(), variables.get(0));
        if part < self.groups {
            let at = |element: usize, column: usize| kernel[element * self.outputs + part * outputs + column];
            return pack(self.windows.depth(), outputs, at, out);
        }
        let first = (part - self.groups) * outputs;
        // Element (tap, output) of a window meets the kernel's tap at the other end.
        let at = |element: usize, input: usize| {
            let (tap, output) = (self.taps() - 1 - element / outputs, element % outputs);
            kernel[(tap * inputs + input) * self.outputs + first + output]
        };
        pack(self.back_windows.depth(), inputs, at, out);
    }
}

impl ByShard for Convolution {
    fn gradient(
        &self,
        cx: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: Option<&mut [f32]>,
        sums: &mut [f32],
        scratch: &mut [f32],
    ) {
        let [inputs, outputs] = self.of_group();
        let (kernel, bias) = sums.split_at_mut(self.taps() * inputs * self.outputs);
        let map = &mut scratch[..self.padded_len()];
        map.fill(0.0);
        for (x, dy) in x.chunks_exact(self.input_len()).zip(dy.chunks_exact(self.output_len())) {
            let x = self.pad(x, map);
            for group in 0..self.groups {
                let (x, first) = (&x[group * inputs..], group * outputs);
                let (dy, kernel) = (&dy[first..], &mut kernel[first..]);
                gradient(&self.windows, x, dy, outputs, self.outputs, kernel, self.outputs);
            }
        }
        if self.use_bias {
            add_rows(dy, bias);
        }
        if let Some(dx) = dx {
            self.backward(cx, variables, x, dy, dx, scratch);
        }
    }

    fn scratch(&self, rows: usize) -> usize {
        Transform::scratch(self, rows)
    }
}
