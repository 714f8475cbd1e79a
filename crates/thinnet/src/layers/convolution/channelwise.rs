//! The operation of depthwise convolutions: each channel with kernels of its own.

use thinnet_kernels::add::add_rows;
use thinnet_kernels::depthwise::{Taps, backward, forward, gradient};

use crate::engine::{Context, Variables};
use crate::layers::arguments::Axis;
use crate::layers::{ByShard, Gradients, Transform};

/// Cross-correlation of each channel of a channels-last map with `multiplier` kernels of its own: the kernel is (rows,
/// columns, channels, multiplier), the output's channel c·multiplier + m is the channel c by its kernel m.
#[derive(Debug)]
pub(super) struct Channelwise {
    axes: [Axis; 2],
    channels: usize,
    multiplier: usize,
    use_bias: bool,
    taps: Taps,
    /// Rows and columns of the input with its surroundings.
    padded: [usize; 2],
}

impl Channelwise {
    pub(super) fn new(axes: [Axis; 2], channels: usize, multiplier: usize, use_bias: bool) -> Self {
        let of = |f: fn(&Axis) -> usize| axes.each_ref().map(f);
        let padded = of(|axis| (axis.before + axis.input).max(axis.reach()));
        let (kernel, strides, dilation) = (of(|a| a.kernel), of(|a| a.stride), of(|a| a.dilation));
        let taps = Taps::new(of(|a| a.output), kernel, strides, dilation, padded[1], channels * multiplier);
        Self { axes, channels, multiplier, use_bias, taps, padded }
    }

    fn outputs(&self) -> usize {
        self.channels * self.multiplier
    }

    fn input_len(&self) -> usize {
        self.axes[0].input * self.axes[1].input * self.channels
    }

    fn padded_len(&self) -> usize {
        self.padded[0] * self.padded[1] * self.outputs()
    }

    /// Calls `f` with each row of the input and its place in the padded map.
    fn rows(&self, mut f: impl FnMut(std::ops::Range<usize>, std::ops::Range<usize>)) {
        let [rows, columns] = &self.axes;
        let (len, wide) = (columns.input * self.channels, columns.input * self.outputs());
        for row in 0..rows.input {
            let start = ((rows.before + row) * self.padded[1] + columns.before) * self.outputs();
            f(row * len..(row + 1) * len, start..start + wide);
        }
    }

    /// The input with its surroundings, each channel as often as it has kernels.
    fn pad(&self, x: &[f32], map: &mut [f32]) {
        self.rows(|from, to| match self.multiplier {
            1 => map[to].copy_from_slice(&x[from]),
            multiplier => {
                for (copies, &x) in map[to].chunks_exact_mut(multiplier).zip(&x[from]) {
                    copies.fill(x);
                }
            }
        });
    }
}

impl Transform for Channelwise {
    fn output_len(&self) -> usize {
        self.axes[0].output * self.axes[1].output * self.outputs()
    }

    fn scratch(&self, _: usize) -> usize {
        self.padded_len()
    }

    fn cost(&self) -> usize {
        self.output_len() * self.axes[0].kernel * self.axes[1].kernel
    }

    fn forward(&self, _: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let map = &mut scratch[..self.padded_len()];
        map.fill(0.0);
        let bias = self.use_bias.then(|| variables.get(1));
        for (x, y) in x.chunks_exact(self.input_len()).zip(y.chunks_exact_mut(self.output_len())) {
            self.pad(x, map);
            forward(&self.taps, map, variables.get(0), bias, y);
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
        let map = &mut scratch[..self.padded_len()];
        for (dx, dy) in dx.chunks_exact_mut(self.input_len()).zip(dy.chunks_exact(self.output_len())) {
            map.fill(0.0);
            backward(&self.taps, variables.get(0), dy, map);
            self.rows(|to, from| match self.multiplier {
                1 => dx[to].copy_from_slice(&map[from]),
                multiplier => {
                    for (dx, copies) in dx[to].iter_mut().zip(map[from].chunks_exact(multiplier)) {
                        *dx = copies.iter().sum();
                    }
                }
            });
        }
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByShard(self)
    }
}

impl ByShard for Channelwise {
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
        let (kernel, bias) = sums.split_at_mut(self.axes[0].kernel * self.axes[1].kernel * self.outputs());
        let map = &mut scratch[..self.padded_len()];
        map.fill(0.0);
        for (x, dy) in x.chunks_exact(self.input_len()).zip(dy.chunks_exact(self.output_len())) {
            self.pad(x, map);
            gradient(&self.taps, map, dy, kernel);
        }
        if self.use_bias {
            add_rows(dy, bias);
        }
        if let Some(dx) = dx {
            self.backward(cx, variables, x, dy, dx, scratch);
        }
    }

    fn scratch(&self, rows: usize) -> usize {
        self.padded_len().max(Transform::scratch(self, rows))
    }
}
