//! Direct convolution of channels-last maps: no im2col, the windows are read where they lie.
//!
//! A convolution is a matrix product whose left operand's rows are windows of the input. A window is a few runs of
//! contiguous elements (one for each row of the kernel), so the micro-kernel reads six windows side by side straight
//! from a padded map. The gradient by the input is the same product with another list of windows.
//!
//! One call runs on one thread and allocates nothing. The bits of a sum depend on neither the map's size nor the place
//! in it.

use crate::isa::{Arithmetic, dispatch};

/// Windows of the micro-kernel's tile.
const ROWS: usize = 6;
/// Output channels of the micro-kernel's tile.
const COLUMNS: usize = 16;
/// Windows whose products with a gradient are summed up in registers before they are added to the result.
const CHUNK: usize = 64;

/// Where the windows of a convolution lie in a map.
#[derive(Clone, Debug)]
pub struct Windows {
    origins: Vec<u32>,
    runs: Vec<Run>,
    depth: usize,
}

/// Contiguous elements of a window, `offset` from its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    offset: u32,
    len: u32,
}

impl Windows {
    /// The windows of `kernel` = (rows, columns) at every place of `output` = (rows, columns) in a map of `width`
    /// columns and `channels` channels, of which each window has the first `taken`.
    pub fn new(
        output: [usize; 2],
        kernel: [usize; 2],
        strides: [usize; 2],
        dilation: [usize; 2],
        width: usize,
        channels: usize,
        taken: usize,
    ) -> Self {
        let at = |row: usize, column: usize| ((row * width + column) * channels) as u32;
        let rows = 0..output[0];
        let origins = rows.flat_map(|y| (0..output[1]).map(move |x| at(y * strides[0], x * strides[1])));
        let contiguous = dilation[1] == 1 && taken == channels;
        let (taps, len) = if contiguous { (1, kernel[1] * channels) } else { (kernel[1], taken) };
        let runs = (0..kernel[0]).flat_map(|y| {
            (0..taps).map(move |x| Run { offset: at(y * dilation[0], x * dilation[1]), len: len as u32 })
        });
        Self { origins: origins.collect(), runs: runs.collect(), depth: kernel[0] * kernel[1] * taken }
    }

    /// How many windows there are.
    pub fn count(&self) -> usize {
        self.origins.len()
    }

    /// Elements of a window.
    pub fn depth(&self) -> usize {
        self.depth
    }
}

/// f32 that [`pack`] writes.
pub fn packed_len(depth: usize, columns: usize) -> usize {
    depth * columns.next_multiple_of(COLUMNS)
}

/// Lays out weights, `at(element of the window, output channel)`, as [`forward`] reads them.
pub fn pack(depth: usize, columns: usize, at: impl Fn(usize, usize) -> f32, packed: &mut [f32]) {
    let panels = packed.chunks_exact_mut(depth * COLUMNS).take(columns.div_ceil(COLUMNS));
    for (panel, values) in panels.enumerate() {
        for (element, row) in values.as_chunks_mut::<COLUMNS>().0.iter_mut().enumerate() {
            for (lane, value) in row.iter_mut().enumerate() {
                let column = panel * COLUMNS + lane;
                *value = if column < columns { at(element, column) } else { 0.0 };
            }
        }
    }
}

#[inline(always)]
fn forward_body<A: Arithmetic>(
    windows: &Windows,
    x: &[f32],
    packed: &[f32],
    columns: usize,
    bias: Option<&[f32]>,
    y: &mut [f32],
    stride: usize,
) {
    let panels = packed.chunks_exact(windows.depth * COLUMNS).take(columns.div_ceil(COLUMNS));
    for (panel, weights) in panels.enumerate() {
        let first = panel * COLUMNS;
        let width = (columns - first).min(COLUMNS);
        let mut start = [0.0; COLUMNS];
        if let Some(bias) = bias {
            start[..width].copy_from_slice(&bias[first..first + width]);
        }
        for (tile, origins) in windows.origins.chunks(ROWS).enumerate() {
            // The last tile repeats its last window; what it gives is not stored.
            let tiled = std::array::from_fn(|row| origins[row.min(origins.len() - 1)]);
            let sums = window_tile::<A>(tiled, &windows.runs, x, weights, start);
            for (row, sums) in sums.iter().enumerate().take(origins.len()) {
                let y = &mut y[(tile * ROWS + row) * stride + first..][..width];
                match <&mut [f32; COLUMNS]>::try_from(&mut *y) {
                    Ok(y) => *y = *sums,
                    Err(_) => y.copy_from_slice(&sums[..width]),
                }
            }
        }
    }
}

/// Six windows' products with a panel of weights.
#[inline(always)]
fn window_tile<A: Arithmetic>(
    origins: [u32; ROWS],
    runs: &[Run],
    x: &[f32],
    weights: &[f32],
    start: [f32; COLUMNS],
) -> [[f32; COLUMNS]; ROWS] {
    let mut sums = [start; ROWS];
    let mut rest = weights.as_chunks::<COLUMNS>().0;
    for run in runs {
        let len = run.len as usize;
        let windows: [&[f32]; ROWS] =
            std::array::from_fn(|row| &x[(origins[row] + run.offset) as usize..][..len]);
        let (weights, others) = rest.split_at(len);
        rest = others;
        for (element, weights) in weights.iter().enumerate() {
            for (sums, window) in sums.iter_mut().zip(windows) {
                let x = window[element];
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum = A::mul_add(x, weight, *sum);
                }
            }
        }
    }
    sums
}

#[inline(always)]
fn gradient_body<A: Arithmetic>(
    windows: &Windows,
    x: &[f32],
    dy: &[f32],
    columns: usize,
    stride: usize,
    gradient: &mut [f32],
    gradient_stride: usize,
) {
    let mut panel = [[0.0; COLUMNS]; CHUNK];
    for (chunk, origins) in windows.origins.chunks(CHUNK).enumerate() {
        for first in (0..columns).step_by(COLUMNS) {
            let width = (columns - first).min(COLUMNS);
            for (row, values) in panel.iter_mut().take(origins.len()).enumerate() {
                let dy = &dy[(chunk * CHUNK + row) * stride + first..][..width];
                match <&[f32; COLUMNS]>::try_from(dy) {
                    Ok(dy) => *values = *dy,
                    Err(_) => values[..width].copy_from_slice(dy),
                }
            }
            let panel = &panel[..origins.len()];
            let mut element = 0;
            for run in &windows.runs {
                let len = run.len as usize;
                for done in (0..len).step_by(ROWS) {
                    let offset = run.offset + done as u32;
                    let gradient = &mut gradient[(element + done) * gradient_stride + first..];
                    match len - done {
                        1 => {
                            gradient_tile::<A, 1>(origins, offset, x, panel, gradient, gradient_stride, width)
                        }
                        2 => {
                            gradient_tile::<A, 2>(origins, offset, x, panel, gradient, gradient_stride, width)
                        }
                        3 => {
                            gradient_tile::<A, 3>(origins, offset, x, panel, gradient, gradient_stride, width)
                        }
                        4 => {
                            gradient_tile::<A, 4>(origins, offset, x, panel, gradient, gradient_stride, width)
                        }
                        5 => {
                            gradient_tile::<A, 5>(origins, offset, x, panel, gradient, gradient_stride, width)
                        }
                        _ => gradient_tile::<A, ROWS>(
                            origins,
                            offset,
                            x,
                            panel,
                            gradient,
                            gradient_stride,
                            width,
                        ),
                    }
                }
                element += len;
            }
        }
    }
}

/// Adds the products of `N` neighbouring elements of each window with the gradients by its output.
#[inline(always)]
fn gradient_tile<A: Arithmetic, const N: usize>(
    origins: &[u32],
    offset: u32,
    x: &[f32],
    panel: &[[f32; COLUMNS]],
    gradient: &mut [f32],
    stride: usize,
    width: usize,
) {
    let sums = product_tile::<A, N>(origins, &x[offset as usize..], panel);
    for (row, sums) in sums.iter().enumerate() {
        let gradient = &mut gradient[row * stride..][..width];
        match <&mut [f32; COLUMNS]>::try_from(&mut *gradient) {
            Ok(gradient) => gradient.iter_mut().zip(sums).for_each(|(g, sum)| *g += sum),
            Err(_) => gradient.iter_mut().zip(sums).for_each(|(g, sum)| *g += sum),
        }
    }
}

/// Σ of the products of `N` neighbouring elements of each window with the gradients by its output. Returned by value: the
/// compiler then keeps all sums in registers, which it does not where they are added to memory in the same function.
#[inline(always)]
fn product_tile<A: Arithmetic, const N: usize>(
    origins: &[u32],
    x: &[f32],
    panel: &[[f32; COLUMNS]],
) -> [[f32; COLUMNS]; N] {
    let mut sums = [[0.0; COLUMNS]; N];
    for (&origin, dy) in origins.iter().zip(panel) {
        let window = &x[origin as usize..][..N];
        for (sums, &x) in sums.iter_mut().zip(window) {
            for (sum, &dy) in sums.iter_mut().zip(dy) {
                *sum = A::mul_add(x, dy, *sum);
            }
        }
    }
    sums
}

dispatch! {
    /// y\[window, column\] = Σ x\[window\]·weights + bias, for `columns` columns of rows of y that are `stride` apart.
    /// `packed` is what [`pack`] made.
    ///
    /// ```
    /// use thinnet_kernels::convolution::{Windows, forward, pack, packed_len};
    /// // A kernel of 1 × 2 over a row of three numbers.
    /// let windows = Windows::new([1, 2], [1, 2], [1, 1], [1, 1], 3, 1, 1);
    /// let mut packed = vec![0.0; packed_len(2, 1)];
    /// pack(2, 1, |element, _| [1.0, 10.0][element], &mut packed);
    /// let mut y = [0.0; 2];
    /// forward(&windows, &[1.0, 2.0, 3.0], &packed, 1, None, &mut y, 1);
    /// assert_eq!(y, [21.0, 32.0]);
    /// ```
    pub fn forward(
        windows: &Windows,
        x: &[f32],
        packed: &[f32],
        columns: usize,
        bias: Option<&[f32]>,
        y: &mut [f32],
        stride: usize,
    ) = forward_body
}

dispatch! {
    /// gradient\[element, column\] += Σ x\[window, element\]·dy\[window, column\], summed over the windows in their
    /// order. Rows of dy are `stride` apart, those of the gradient `gradient_stride`.
    pub fn gradient(
        windows: &Windows,
        x: &[f32],
        dy: &[f32],
        columns: usize,
        stride: usize,
        gradient: &mut [f32],
        gradient_stride: usize,
    ) = gradient_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Separate;
    use crate::philox;

    fn random(seed: u32, len: usize) -> Vec<f32> {
        let words = (0..len.div_ceil(4) as u32).flat_map(|block| philox::block([seed, 0], [block, 0, 0, 0]));
        words.take(len).map(|word| word as f32 / u32::MAX as f32 - 0.5).collect()
    }

    /// Every remainder of the tiles; windows whole and by channel, with strides and dilation.
    #[test]
    fn agree_with_the_plain_loops() {
        for (output, kernel, strides, dilation, channels, taken, columns) in [
            ([1, 1], [1, 1], [1, 1], [1, 1], 1, 1, 1),
            ([5, 7], [3, 3], [1, 1], [1, 1], 1, 1, 32),
            ([9, 9], [3, 3], [1, 1], [1, 1], 7, 7, 33),
            ([3, 4], [2, 5], [2, 3], [1, 1], 4, 4, 10),
            ([4, 3], [3, 2], [1, 2], [2, 3], 5, 5, 16),
            ([6, 2], [3, 3], [1, 1], [1, 1], 6, 2, 3),
        ] {
            let extent =
                |axis: usize| (output[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
            let (height, width) = (extent(0), extent(1));
            let windows = Windows::new(output, kernel, strides, dilation, width, channels, taken);
            let depth = kernel[0] * kernel[1] * taken;
            assert_eq!((windows.count(), windows.depth()), (output[0] * output[1], depth));
            let x = random(1, height * width * channels);
            let (weights, bias) = (random(2, depth * columns), random(3, columns));
            let dy = random(4, windows.count() * columns);
            let element = |window: usize, element: usize| {
                let (row, column) = (window / output[1], window % output[1]);
                let (tap, channel) = (element / taken, element % taken);
                let row = row * strides[0] + tap / kernel[1] * dilation[0];
                let column = column * strides[1] + tap % kernel[1] * dilation[1];
                f64::from(x[(row * width + column) * channels + channel])
            };
            let mut packed = vec![f32::NAN; packed_len(depth, columns)];
            pack(depth, columns, |element, column| weights[element * columns + column], &mut packed);
            for kernel in [forward, forward_body::<Separate>] {
                let mut y = vec![f32::NAN; windows.count() * columns];
                kernel(&windows, &x, &packed, columns, Some(&bias), &mut y, columns);
                for (place, &y) in y.iter().enumerate() {
                    let (window, column) = (place / columns, place % columns);
                    let products =
                        (0..depth).map(|e| element(window, e) * f64::from(weights[e * columns + column]));
                    let expected = products.sum::<f64>() + f64::from(bias[column]);
                    assert!((f64::from(y) - expected).abs() < 1e-5, "{y} {expected}");
                }
            }
            for kernel in [gradient, gradient_body::<Separate>] {
                let mut sums = vec![0.25; depth * columns];
                kernel(&windows, &x, &dy, columns, columns, &mut sums, columns);
                for (place, &sum) in sums.iter().enumerate() {
                    let (e, column) = (place / columns, place % columns);
                    let products =
                        (0..windows.count()).map(|w| element(w, e) * f64::from(dy[w * columns + column]));
                    let expected = 0.25 + products.sum::<f64>();
                    assert!((f64::from(sum) - expected).abs() < 1e-5, "{sum} {expected}");
                }
            }
        }
    }
}
