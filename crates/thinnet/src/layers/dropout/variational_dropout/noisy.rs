//! The noisy product.

use thinnet_kernels::add::add_rows;
use thinnet_kernels::{dense, normal};

use super::{BIAS, KERNEL, Posterior, TINY};
use crate::engine::{Context, Phase, Variables};
use crate::layers::dropout::Source;
use crate::layers::{ByShard, Gradients, Transform};
use crate::random::Stream;

/// Rows that are worked on at once: their memory does not grow with the batch.
const BLOCK: usize = 32;

/// Weights times inputs: by the local reparametrization, but where all inputs share one network, whose weights are drawn.
#[derive(Debug)]
pub(super) struct Noisy {
    pub(super) source: Source,
    pub(super) inputs: usize,
    pub(super) units: usize,
    pub(super) use_bias: bool,
    pub(super) posterior: Posterior,
}

/// Scratch memory by what it is for.
struct Parts<'a> {
    /// The weights' variances; their gradient, or, where there is none, the weights themselves.
    variances: &'a mut [f32],
    by_variances: &'a mut [f32],
    /// Of a block of rows: x², the units' deviations with their noise, and what the gradient needs of them.
    squares: &'a mut [f32],
    deviations: &'a mut [f32],
    noise: &'a mut [f32],
    by_squares: &'a mut [f32],
}

impl Noisy {
    fn scratch_len(&self) -> usize {
        let (inputs, units) = (self.inputs, self.units);
        2 * inputs * units + 2 * BLOCK * (inputs + units)
    }

    fn parts<'a>(&self, scratch: &'a mut [f32]) -> Parts<'a> {
        let (variances, rest) = scratch.split_at_mut(self.inputs * self.units);
        let (by_variances, rest) = rest.split_at_mut(self.inputs * self.units);
        let (squares, rest) = rest.split_at_mut(BLOCK * self.inputs);
        let (by_squares, rest) = rest.split_at_mut(BLOCK * self.inputs);
        let (deviations, rest) = rest.split_at_mut(BLOCK * self.units);
        let (noise, _) = rest.split_at_mut(BLOCK * self.units);
        Parts { variances, by_variances, squares, deviations, noise, by_squares }
    }

    /// Writes x², the units' deviations and normal numbers for a block of rows from `first` on.
    fn draw(&self, cx: &Context, first: usize, x: &[f32], parts: &mut Parts) {
        let rows = x.len() / self.inputs;
        let Parts { variances, squares, deviations, noise, .. } = parts;
        squares.iter_mut().zip(x).for_each(|(square, x)| *square = x * x);
        let len = rows * self.units;
        let squares = &squares[..x.len()];
        dense::forward(squares, self.inputs, variances, self.units, None, &mut deviations[..len]);
        // Only a gradient divides by them.
        let least = if cx.is_training() { TINY } else { 0.0 };
        deviations[..len].iter_mut().for_each(|variance| *variance = (*variance + least).sqrt());
        noise.fill(0.0);
        for (row, noise) in noise[..len].chunks_exact_mut(self.units).enumerate() {
            let rest = Stream::counter(cx.step, cx.place(first + row));
            normal::add(self.source.key(cx), rest, 1.0, noise);
        }
    }

    /// Writes the weights of the network that all inputs share.
    fn draw_weights(&self, cx: &Context, variables: Variables, variances: &[f32], weights: &mut [f32]) {
        weights.fill(0.0);
        normal::add(self.source.key(cx), Stream::counter(cx.step, cx.place(0)), 1.0, weights);
        let moments = variables.get(KERNEL).iter().zip(variances);
        let terms = weights.iter_mut().zip(moments);
        terms.for_each(|(weight, (mean, variance))| *weight = mean + variance.sqrt() * *weight);
        self.posterior.remove(variables, [weights]);
    }

    /// In place of the deviations, the loss's gradient by the units' variances.
    fn by_variances(dy: &[f32], parts: &mut Parts) {
        for ((deviation, noise), dy) in parts.deviations.iter_mut().zip(&*parts.noise).zip(dy) {
            *deviation = dy * noise / (2.0 * *deviation);
        }
    }
}

impl Transform for Noisy {
    fn output_len(&self) -> usize {
        self.units
    }

    fn scratch(&self, _: usize) -> usize {
        self.scratch_len()
    }

    fn cost(&self) -> usize {
        2 * self.inputs * self.units
    }

    fn is_random(&self, cx: &Context) -> bool {
        cx.draws()
    }

    fn takes_all_rows(&self) -> bool {
        // Each call computes all variances.
        true
    }

    fn forward(&self, cx: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let mut parts = self.parts(scratch);
        if cx.draws() {
            self.posterior.variances(variables, parts.variances);
        }
        let weights = std::mem::take(&mut parts.by_variances);
        let (kernel, draws_units) = match cx.phase {
            Phase::Training => (variables.get(KERNEL), true),
            Phase::MonteCarlo { shared: true } => {
                self.draw_weights(cx, variables, parts.variances, weights);
                (&*weights, false)
            }
            Phase::MonteCarlo { shared: false } => {
                weights.copy_from_slice(variables.get(KERNEL));
                self.posterior.remove(variables, [&mut *weights, &mut *parts.variances]);
                (&*weights, true)
            }
            Phase::Inference => {
                self.posterior.means(variables, weights);
                (&*weights, false)
            }
        };
        let blocks = x.chunks(BLOCK * self.inputs).zip(y.chunks_mut(BLOCK * self.units));
        for (block, (x, y)) in blocks.enumerate() {
            let bias = self.use_bias.then(|| variables.get(BIAS));
            dense::forward(x, self.inputs, kernel, self.units, bias, y);
            if draws_units {
                self.draw(cx, block * BLOCK, x, &mut parts);
                let noise = parts.deviations.iter().zip(&*parts.noise);
                y.iter_mut().zip(noise).for_each(|(y, (deviation, noise))| *y += deviation * noise);
            }
        }
    }

    fn backward(
        &self,
        cx: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        let mut parts = self.parts(scratch);
        let draws = cx.draws();
        if draws {
            self.posterior.variances(variables, parts.variances);
        } else {
            self.posterior.means(variables, parts.variances);
        }
        let blocks = x.chunks(BLOCK * self.inputs).zip(dy.chunks(BLOCK * self.units));
        for (block, ((x, dy), dx)) in blocks.zip(dx.chunks_mut(BLOCK * self.inputs)).enumerate() {
            let kernel = if draws { variables.get(KERNEL) } else { &*parts.variances };
            dense::backward(dy, self.units, kernel, self.inputs, dx);
            if draws {
                self.draw(cx, block * BLOCK, x, &mut parts);
                Self::by_variances(dy, &mut parts);
                let Parts { variances, deviations, by_squares, .. } = &mut parts;
                let (deviations, by_squares) = (&deviations[..dy.len()], &mut by_squares[..x.len()]);
                dense::backward(deviations, self.units, variances, self.inputs, by_squares);
                let terms = x.iter().zip(&*by_squares);
                dx.iter_mut().zip(terms).for_each(|(dx, (x, by_square))| *dx += 2.0 * x * by_square);
            }
        }
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByShard(self)
    }
}

impl ByShard for Noisy {
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
        let (inputs, units) = (self.inputs, self.units);
        let (by_kernel, rest) = sums.split_at_mut(inputs * units);
        let (by_noise, by_bias) = rest.split_at_mut(if self.posterior.sparse { inputs * units } else { 1 });
        if self.use_bias {
            add_rows(dy, by_bias);
        }
        let mut parts = self.parts(scratch);
        self.posterior.variances(variables, parts.variances);
        for (block, (x, dy)) in x.chunks(BLOCK * inputs).zip(dy.chunks(BLOCK * units)).enumerate() {
            self.draw(cx, block * BLOCK, x, &mut parts);
            Self::by_variances(dy, &mut parts);
            let Parts { squares, deviations, by_variances, .. } = &mut parts;
            dense::gradient(x, inputs, &[dy], units, true, by_kernel);
            let (squares, deviations) = (&squares[..x.len()], &deviations[..dy.len()]);
            dense::gradient(squares, inputs, &[deviations], units, block > 0, by_variances);
        }
        if self.posterior.sparse {
            let terms = parts.by_variances.iter().zip(&*parts.variances);
            by_noise.iter_mut().zip(terms).for_each(|(sum, (by, variance))| *sum += by * variance);
        } else {
            let alpha = Posterior::alpha(variables);
            let mut by_log_alpha = 0.0;
            let terms = variables.get(KERNEL).iter().zip(&*parts.variances).zip(&*parts.by_variances);
            for (sum, ((w, variance), by)) in by_kernel.iter_mut().zip(terms) {
                *sum += by * 2.0 * alpha as f32 * w;
                by_log_alpha += f64::from(by * variance);
            }
            by_noise[0] += by_log_alpha as f32;
        }
        if let Some(dx) = dx {
            self.backward(cx, variables, x, dy, dx, scratch);
        }
    }

    fn scratch(&self, _: usize) -> usize {
        self.scratch_len()
    }
}
