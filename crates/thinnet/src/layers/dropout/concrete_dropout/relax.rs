//! The relaxed mask.

use thinnet_kernels::concrete;

use super::rates;
use crate::engine::{Context, Variables};
use crate::layers::dropout::Source;
use crate::layers::{ByShard, Gradients, Transform};
use crate::random::Stream;

/// The relaxed mask. Its one variable is the logit.
#[derive(Debug)]
pub(super) struct Relax {
    pub(super) source: Source,
    pub(super) len: usize,
    /// Draws of a sample: its elements, or its channels.
    pub(super) draws: usize,
    pub(super) temperature: f64,
}

impl Relax {
    /// Writes what is kept of the elements of a row.
    fn draw(&self, cx: &Context, logit: f32, row: usize, kept: &mut [f32]) {
        let rest = Stream::counter(cx.step, cx.place(row));
        concrete::kept(self.source.key(cx), rest, logit, (1.0 / self.temperature) as f32, kept);
    }

    /// out ← from·(1 − z)/(1 − p), for both directions.
    fn mask(&self, cx: &Context, variables: Variables, from: &[f32], out: &mut [f32], scratch: &mut [f32]) {
        if !cx.draws() {
            return out.copy_from_slice(from);
        }
        let logit = variables.get(0)[0];
        let scale = (1.0 / rates(logit)[1]) as f32;
        let kept = &mut scratch[..self.draws];
        let rows = from.chunks_exact(self.len).zip(out.chunks_exact_mut(self.len));
        for (row, (from, out)) in rows.enumerate() {
            self.draw(cx, logit, row, kept);
            for (from, out) in from.chunks_exact(self.draws).zip(out.chunks_exact_mut(self.draws)) {
                out.iter_mut().zip(from).zip(&*kept).for_each(|((out, x), kept)| *out = x * kept * scale);
            }
        }
    }
}

impl Transform for Relax {
    fn output_len(&self) -> usize {
        self.len
    }

    fn scratch(&self, _: usize) -> usize {
        self.draws
    }

    fn cost(&self) -> usize {
        // Two logarithms and an exponential for each draw.
        self.len + 16 * self.draws
    }

    fn is_random(&self, cx: &Context) -> bool {
        cx.draws()
    }

    fn forward(&self, cx: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.mask(cx, variables, x, y, scratch);
    }

    fn backward(
        &self,
        cx: &Context,
        variables: Variables,
        _: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        self.mask(cx, variables, dy, dx, scratch);
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByShard(self)
    }
}

impl ByShard for Relax {
    /// By the logit: x·(1 − z)/(1 − p)·(p − z/t), since dp = p(1 − p) and dz = z(1 − z)/t.
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
        let logit = variables.get(0)[0];
        let [p, q] = rates(logit);
        let (p, inverse) = (p as f32, (1.0 / self.temperature) as f32);
        let kept = &mut scratch[..self.draws];
        let mut sum = 0.0;
        for (row, (x, dy)) in x.chunks_exact(self.len).zip(dy.chunks_exact(self.len)).enumerate() {
            self.draw(cx, logit, row, kept);
            kept.iter_mut().for_each(|kept| *kept *= p - (1.0 - *kept) * inverse);
            for (x, dy) in x.chunks_exact(self.draws).zip(dy.chunks_exact(self.draws)) {
                let terms = x.iter().zip(dy).zip(&*kept);
                sum += terms.map(|((x, dy), slope)| f64::from(x * dy) * f64::from(*slope)).sum::<f64>();
            }
        }
        sums[0] += (sum / q) as f32;
        if let Some(dx) = dx {
            self.backward(cx, variables, x, dy, dx, scratch);
        }
    }

    fn scratch(&self, _: usize) -> usize {
        self.draws
    }
}
