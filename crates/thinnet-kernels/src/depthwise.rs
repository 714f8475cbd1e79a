//! Convolution channel by channel, of channels-last maps: each channel has a kernel of its own.

use crate::isa::{Arithmetic, dispatch};

/// Where the windows of a kernel lie in a map, and the elements of one channel in a window.
#[derive(Clone, Debug)]
pub struct Taps {
    origins: Vec<u32>,
    offsets: Vec<u32>,
    channels: usize,
}

impl Taps {
    /// The windows of `kernel` = (rows, columns) at every place of `output` = (rows, columns) in a map of `width`
    /// columns.
    ///
    /// # Panics
    /// Where a window begins, or reaches from its origin, beyond 2³² elements.
    pub fn new(
        output: [usize; 2],
        kernel: [usize; 2],
        strides: [usize; 2],
        dilation: [usize; 2],
        width: usize,
        channels: usize,
    ) -> Self {
        let places = |[rows, columns]: [usize; 2], [down, right]: [usize; 2]| {
            let at = move |row: usize, column: usize| {
                let place = (row * down * width + column * right) * channels;
                u32::try_from(place).expect("a map has at most 2³² elements")
            };
            (0..rows).flat_map(|row| (0..columns).map(move |column| at(row, column))).collect()
        };
        Self { origins: places(output, strides), offsets: places(kernel, dilation), channels }
    }
}

#[inline(always)]
fn forward_body<A: Arithmetic>(taps: &Taps, x: &[f32], kernel: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let channels = taps.channels;
    for (&origin, y) in taps.origins.iter().zip(y.chunks_exact_mut(channels)) {
        match bias {
            Some(bias) => y.copy_from_slice(bias),
            None => y.fill(0.0),
        }
        for (&offset, weights) in taps.offsets.iter().zip(kernel.chunks_exact(channels)) {
            let x = &x[origin as usize + offset as usize..][..channels];
            for ((y, &x), &weight) in y.iter_mut().zip(x).zip(weights) {
                *y = A::mul_add(x, weight, *y);
            }
        }
    }
}

#[inline(always)]
fn backward_body<A: Arithmetic>(taps: &Taps, kernel: &[f32], dy: &[f32], dx: &mut [f32]) {
    let channels = taps.channels;
    for (&origin, dy) in taps.origins.iter().zip(dy.chunks_exact(channels)) {
        for (&offset, weights) in taps.offsets.iter().zip(kernel.chunks_exact(channels)) {
            let dx = &mut dx[origin as usize + offset as usize..][..channels];
            for ((dx, &dy), &weight) in dx.iter_mut().zip(dy).zip(weights) {
                *dx = A::mul_add(dy, weight, *dx);
            }
        }
    }
}

#[inline(always)]
fn gradient_body<A: Arithmetic>(taps: &Taps, x: &[f32], dy: &[f32], gradient: &mut [f32]) {
    let channels = taps.channels;
    for (&origin, dy) in taps.origins.iter().zip(dy.chunks_exact(channels)) {
        for (&offset, sums) in taps.offsets.iter().zip(gradient.chunks_exact_mut(channels)) {
            let x = &x[origin as usize + offset as usize..][..channels];
            for ((sum, &x), &dy) in sums.iter_mut().zip(x).zip(dy) {
                *sum = A::mul_add(x, dy, *sum);
            }
        }
    }
}

dispatch! {
    /// y\[window, c\] = Σ x\[window, tap, c\]·kernel\[tap, c\] + bias\[c\]
    pub fn forward(taps: &Taps, x: &[f32], kernel: &[f32], bias: Option<&[f32]>, y: &mut [f32]) = forward_body
}

dispatch! {
    /// dx\[window, tap, c\] += dy\[window, c\]·kernel\[tap, c\]
    pub fn backward(taps: &Taps, kernel: &[f32], dy: &[f32], dx: &mut [f32]) = backward_body
}

dispatch! {
    /// gradient\[tap, c\] += Σ x\[window, tap, c\]·dy\[window, c\], summed over the windows in their order
    pub fn gradient(taps: &Taps, x: &[f32], dy: &[f32], gradient: &mut [f32]) = gradient_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::{on_every_set, sizes};

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 31 + seed * 17) % 23) as f32 / 8.0 - 1.375).collect()
    }

    #[test]
    fn agree_with_the_plain_loops() {
        agree([[2, 3], [3, 2], [2, 1], [1, 2]], 19, true);
        for case in 0..12 {
            let [a, b, c, d, e, f, g, h, channels] = sizes(case, [5, 5, 3, 3, 3, 3, 3, 3, 40]);
            agree([[a, b], [c, d], [e, f], [g, h]], channels, case % 2 == 0);
        }
    }

    fn agree([output, kernel, strides, dilation]: [[usize; 2]; 4], channels: usize, biased: bool) {
        let extent =
            |axis: usize| (output[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
        let (height, width) = (extent(0), extent(1));
        let (windows, taps_of_each) = (output[0] * output[1], kernel[0] * kernel[1]);
        let taps = Taps::new(output, kernel, strides, dilation, width, channels);
        let (x, weights) = (numbers(height * width * channels, 1), numbers(taps_of_each * channels, 2));
        let (bias, dy) = (numbers(channels, 3), numbers(windows * channels, 4));
        let bias = biased.then_some(&bias[..]);
        let mut y = bias.map_or(vec![0.0; dy.len()], |bias| bias.repeat(windows));
        let (mut dx, mut sums) = (vec![0.5; x.len()], vec![0.25; weights.len()]);
        for window in 0..windows {
            for tap in 0..taps_of_each {
                for c in 0..channels {
                    let row = window / output[1] * strides[0] + tap / kernel[1] * dilation[0];
                    let column = window % output[1] * strides[1] + tap % kernel[1] * dilation[1];
                    let at = (row * width + column) * channels + c;
                    y[window * channels + c] += x[at] * weights[tap * channels + c];
                    dx[at] += dy[window * channels + c] * weights[tap * channels + c];
                    sums[tap * channels + c] += x[at] * dy[window * channels + c];
                }
            }
        }
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        on_every_set(|| {
            let mut by_input = vec![0.5; x.len()];
            let (mut out, mut by_kernel) = (vec![f32::NAN; y.len()], vec![0.25; sums.len()]);
            forward(&taps, &x, &weights, bias, &mut out);
            backward(&taps, &weights, &dy, &mut by_input);
            gradient(&taps, &x, &dy, &mut by_kernel);
            assert!(close(&out, &y) && close(&by_input, &dx) && close(&by_kernel, &sums));
            [out, by_input, by_kernel].concat()
        });
    }
}
