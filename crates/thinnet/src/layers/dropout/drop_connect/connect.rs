//! The product with masked weights.

use std::sync::Arc;

use thinnet_kernels::dropout;

use crate::engine::{Context, Variables};
use crate::layers::dropout::Source;
use crate::layers::{ByShard, Gradients, InPlace, Transform};
use crate::random::Stream;
use crate::schedules::Rate;

/// (M ∘ W)ᵀx + m ∘ b; in inference, the mean of the activation.
#[derive(Debug)]
pub(super) struct Connect {
    pub(super) source: Source,
    pub(super) rate: Rate,
    pub(super) inputs: usize,
    pub(super) units: usize,
    pub(super) use_bias: bool,
    /// The activation; none for the identity.
    pub(super) function: Option<Arc<dyn InPlace>>,
    /// The positive halves of the normal numbers of inference.
    pub(super) normals: Vec<f32>,
}

/// Where a row's units stand in inference.
struct Units<'a> {
    mean: &'a mut [f32],
    deviation: &'a mut [f32],
}

impl Connect {
    /// Elements of a mask: those of the kernel, then those of the bias.
    fn mask_len(&self) -> usize {
        (self.inputs + usize::from(self.use_bias)) * self.units
    }

    /// Writes a row's mask, of zeros and ones.
    fn draw(&self, cx: &Context, row: usize, mask: &mut [f32]) {
        let (rest, rate) = (Stream::counter(cx.step, cx.place(row)), self.rate.at(cx.step));
        dropout::multipliers(self.source.key(cx), rest, dropout::threshold(rate), 1.0, mask);
    }

    /// Each input's weights.
    fn weights<'a>(&self, variables: Variables<'a>) -> impl Iterator<Item = &'a [f32]> {
        variables.get(0).chunks_exact(self.units)
    }

    /// 1 − rate and the variance of a mask's element, in inference.
    fn moments(&self) -> [f32; 2] {
        let rate = self.rate.at(u64::MAX);
        [(1.0 - rate) as f32, (rate * (1.0 - rate)) as f32]
    }

    /// The mean and the deviation of a row's units.
    fn units(&self, variables: Variables, x: &[f32], units: &mut Units) {
        let [mean, variance] = self.moments();
        units.mean.fill(0.0);
        units.deviation.fill(0.0);
        let ones = [1.0];
        let inputs = x.iter().zip(self.weights(variables));
        let bias = ones.iter().zip(self.use_bias.then(|| variables.get(1)));
        for (x, weights) in inputs.chain(bias) {
            for ((of_mean, of_variance), w) in units.mean.iter_mut().zip(&mut *units.deviation).zip(weights) {
                *of_mean += x * w * mean;
                *of_variance += x * w * (x * w) * variance;
            }
        }
        units.deviation.iter_mut().for_each(|variance| *variance = variance.sqrt());
    }

    /// ±z for each pair.
    fn numbers(&self) -> impl Iterator<Item = f32> {
        self.normals.iter().flat_map(|&z| [z, -z])
    }
}

impl Transform for Connect {
    fn output_len(&self) -> usize {
        self.units
    }

    fn scratch(&self, _: usize) -> usize {
        self.mask_len() + 7 * self.units + self.function.as_ref().map_or(0, |function| function.scratch())
    }

    fn cost(&self) -> usize {
        4 * self.mask_len()
    }

    fn is_random(&self, cx: &Context) -> bool {
        cx.draws() && self.rate.at(cx.step) > 0.0
    }

    fn forward(&self, cx: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let rows = x.chunks_exact(self.inputs).zip(y.chunks_exact_mut(self.units));
        if cx.draws() {
            let mask = &mut scratch[..self.mask_len()];
            for (row, (x, y)) in rows.enumerate() {
                self.draw(cx, row, mask);
                y.fill(0.0);
                if self.use_bias {
                    let of_bias = &mask[self.inputs * self.units..];
                    y.iter_mut().zip(variables.get(1)).zip(of_bias).for_each(|((y, b), m)| *y = b * m);
                }
                for ((x, weights), mask) in x.iter().zip(self.weights(variables)).zip(mask.chunks(self.units))
                {
                    y.iter_mut().zip(weights).zip(mask).for_each(|((y, w), m)| *y += x * w * m);
                }
            }
            return;
        }
        let (mean, scratch) = scratch.split_at_mut(self.units);
        let (deviation, scratch) = scratch.split_at_mut(self.units);
        let (value, scratch) = scratch.split_at_mut(self.units);
        let mut units = Units { mean, deviation };
        for (x, y) in rows {
            self.units(variables, x, &mut units);
            let Some(function) = &self.function else {
                y.copy_from_slice(units.mean);
                continue;
            };
            y.fill(0.0);
            let share = 0.5 / self.normals.len() as f32;
            for z in self.numbers() {
                let places = units.mean.iter().zip(&*units.deviation);
                value
                    .iter_mut()
                    .zip(places)
                    .for_each(|(value, (mean, deviation))| *value = mean + deviation * z);
                function.forward(cx, value, scratch);
                y.iter_mut().zip(&*value).for_each(|(y, value)| *y += value * share);
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
        let rows = x.chunks_exact(self.inputs).zip(dy.chunks_exact(self.units));
        let rows = rows.zip(dx.chunks_exact_mut(self.inputs));
        if cx.draws() {
            let mask = &mut scratch[..self.mask_len()];
            for (row, ((_, dy), dx)) in rows.enumerate() {
                self.draw(cx, row, mask);
                for ((dx, weights), mask) in
                    dx.iter_mut().zip(self.weights(variables)).zip(mask.chunks(self.units))
                {
                    *dx = dy.iter().zip(weights).zip(mask).map(|((dy, w), m)| dy * w * m).sum();
                }
            }
            return;
        }
        let [mean, variance] = self.moments();
        let mut parts = scratch.chunks_exact_mut(self.units);
        let mut part = || parts.next().expect("seven parts of scratch memory");
        let mut units = Units { mean: part(), deviation: part() };
        let [input, output, slope, by_mean, by_deviation] = std::array::from_fn(|_| part());
        let scratch = parts.into_remainder();
        for ((x, dy), dx) in rows {
            self.units(variables, x, &mut units);
            by_mean.copy_from_slice(dy);
            by_deviation.fill(0.0);
            if let Some(function) = &self.function {
                by_mean.fill(0.0);
                let share = 0.5 / self.normals.len() as f32;
                for z in self.numbers() {
                    let places = units.mean.iter().zip(&*units.deviation);
                    input
                        .iter_mut()
                        .zip(places)
                        .for_each(|(input, (mean, deviation))| *input = mean + deviation * z);
                    output.copy_from_slice(input);
                    function.forward(cx, output, scratch);
                    slope.copy_from_slice(dy);
                    function.backward(cx, input, output, slope, scratch);
                    for ((by_mean, by_deviation), slope) in
                        by_mean.iter_mut().zip(&mut *by_deviation).zip(&*slope)
                    {
                        *by_mean += slope * share;
                        *by_deviation += slope * share * z;
                    }
                }
            }
            for ((dx, x), weights) in dx.iter_mut().zip(x).zip(self.weights(variables)) {
                *dx = 0.0;
                for (unit, w) in weights.iter().enumerate() {
                    // A unit without variance has no deviation to change.
                    let deviation = units.deviation[unit].max(f32::MIN_POSITIVE);
                    *dx += by_mean[unit] * w * mean + by_deviation[unit] * x * w * w * variance / deviation;
                }
            }
        }
    }

    fn gradients(&self) -> Gradients<'_> {
        Gradients::ByShard(self)
    }
}

impl ByShard for Connect {
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
        let mask = &mut scratch[..self.mask_len()];
        let rows = x.chunks_exact(self.inputs).zip(dy.chunks_exact(self.units));
        for (row, (x, dy)) in rows.enumerate() {
            self.draw(cx, row, mask);
            // The bias is the weight of an input of one.
            let inputs = x.iter().copied().chain([1.0]);
            for ((x, sums), mask) in inputs.zip(sums.chunks_mut(self.units)).zip(mask.chunks(self.units)) {
                sums.iter_mut().zip(dy).zip(mask).for_each(|((sum, dy), m)| *sum += x * dy * m);
            }
        }
        if let Some(dx) = dx {
            self.backward(cx, variables, x, dy, dx, scratch);
        }
    }

    fn scratch(&self, rows: usize) -> usize {
        Transform::scratch(self, rows)
    }
}
