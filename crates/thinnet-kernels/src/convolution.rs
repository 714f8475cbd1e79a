//! Direct convolution of channels-last maps: no im2col, the windows are read where they lie.
//!
//! A convolution is a matrix product whose left operand's rows are windows of the input. A window's elements lie at the same
//! places from its origin as those of every other, so the micro-kernel reads some windows side by side straight from a padded
//! map. The gradient by the input is the same product with another list of windows.
//!
//! One call runs on one thread and allocates nothing. The bits of a sum depend on neither the map's size nor the place
//! in it.

use crate::isa::{Arithmetic, dispatch};
use crate::panels::Copied;
use crate::tile::{self, COLUMNS, Left, Onto, Panels, add_products, by_tile, groups, store, zeros};

/// Windows whose products with a gradient are summed up in registers before they are added to the result.
const CHUNK: usize = 64;

/// The longest rows of a gradient that are read where they lie: a chunk of longer ones does not stay in the first-level cache.
const IN_PLACE: usize = 64;

/// Where the windows of a convolution lie in a map.
#[derive(Clone, Debug)]
pub struct Windows {
    origins: Vec<u32>,
    /// Where each element of a window lies from its origin.
    offsets: Vec<u32>,
    /// Where the last element of all lies, and one more.
    end: usize,
}

impl Windows {
    /// The windows of `kernel` = (rows, columns) at every place of `output` = (rows, columns) in a map of `width`
    /// columns and `channels` channels, of which each window has the first `taken`.
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
        taken: usize,
    ) -> Self {
        let at = |row: usize, column: usize| (row * width + column) * channels;
        let place = |place: usize| u32::try_from(place).expect("a map has at most 2³² elements");
        let rows = 0..output[0];
        let origins =
            rows.flat_map(|y| (0..output[1]).map(move |x| place(at(y * strides[0], x * strides[1]))));
        let taps = (0..kernel[0]).flat_map(|y| (0..kernel[1]).map(move |x| (y, x)));
        let offsets = taps.flat_map(|(y, x)| {
            let tap = at(y * dilation[0], x * dilation[1]);
            (0..taken).map(move |channel| place(tap + channel))
        });
        let (origins, offsets): (Vec<u32>, Vec<u32>) = (origins.collect(), offsets.collect());
        let last = origins.iter().max().zip(offsets.iter().max());
        let end = last.map_or(0, |(&origin, &offset)| {
            (origin as usize).saturating_add(offset as usize).saturating_add(1)
        });
        Self { origins, offsets, end }
    }

    /// What makes it safe to read the windows without further checks.
    fn check(&self, x: &[f32]) {
        assert!(self.end <= x.len(), "windows reach {} elements, the map has {}", self.end, x.len());
    }

    /// How many windows there are.
    pub fn count(&self) -> usize {
        self.origins.len()
    }

    /// Elements of a window.
    pub fn depth(&self) -> usize {
        self.offsets.len()
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

/// A left operand whose places are sums of a row's and a depth's: windows' origins and their elements' offsets, or the other
/// way round.
#[derive(Clone, Copy)]
struct Places<'a, const ROWS: usize> {
    rows: [usize; ROWS],
    depths: &'a [u32],
}

impl<const ROWS: usize> Left for Places<'_, ROWS> {
    #[inline(always)]
    fn row(self, row: usize) -> usize {
        self.rows[row]
    }

    #[inline(always)]
    fn depth(self, depth: usize) -> usize {
        self.depths[depth] as usize
    }
}

/// The first places of a list.
#[inline(always)]
fn leading<const ROWS: usize>(places: &[u32]) -> [usize; ROWS] {
    let mut rows = [0; ROWS];
    for (row, &place) in rows.iter_mut().zip(&places[..ROWS]) {
        *row = place as usize;
    }
    rows
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
    windows.check(x);
    let panel_step = windows.depth() * COLUMNS;
    for (first, width, panels) in tile::columns::<A>(columns) {
        let weights = &packed[first / COLUMNS * panel_step..][..panels * panel_step];
        let right = Panels::new(weights, panel_step, COLUMNS);
        let onto = bias.map_or(Onto::Nothing, |bias| Onto::Row(&bias[first..]));
        for (window, count) in groups(windows.count(), A::TILE[0]) {
            let origins = &windows.origins[window..];
            let y = (&mut y[window * stride + first..], stride, width);
            by_tile!(count, panels, window_tile::<A>(origins, &windows.offsets, x, right, onto, y));
        }
    }
}

/// Some windows' products with panels of weights. The windows lie within x.
#[inline(always)]
fn window_tile<A: Arithmetic, const ROWS: usize, const PANELS: usize>(
    origins: &[u32],
    offsets: &[u32],
    x: &[f32],
    weights: Panels,
    onto: Onto,
    (y, stride, width): (&mut [f32], usize, usize),
) {
    let left = Places::<ROWS> { rows: leading(origins), depths: offsets };
    assert!(weights.reach(PANELS, offsets.len()), "weights of a window");
    // SAFETY: the weights' reach was just checked, and `Windows::check` found all windows within x. The processor has the
    // instructions of `A` (see `dispatch!`).
    let sums = unsafe {
        add_products::<A, _, ROWS, PANELS>(zeros::<A, ROWS, PANELS>(), offsets.len(), x, left, weights)
    };
    store::<A, ROWS, PANELS>(sums, onto, y, stride, width);
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
    windows.check(x);
    let mut copied = Copied::new();
    for (chunk, origins) in windows.origins.chunks(CHUNK).enumerate() {
        for (first, width, panels) in tile::columns::<A>(columns) {
            let dy = &dy[chunk * CHUNK * stride + first..];
            let right = if width.is_multiple_of(COLUMNS) && stride <= IN_PLACE {
                Panels::new(dy, COLUMNS, stride)
            } else {
                copied.copy::<A>(dy, stride, width, origins.len(), 0);
                // SAFETY: a row for each window was just copied.
                unsafe { copied.panels() }
            };
            for (element, count) in groups(windows.depth(), A::TILE[0]) {
                let gradient = (&mut gradient[element * gradient_stride + first..], gradient_stride, width);
                let offsets = &windows.offsets[element..];
                by_tile!(count, panels, gradient_tile::<A>(offsets, origins, x, right, gradient));
            }
        }
    }
}

/// Adds the products of some elements of some windows with the gradients by their outputs. The windows lie within x.
#[inline(always)]
fn gradient_tile<A: Arithmetic, const ROWS: usize, const PANELS: usize>(
    offsets: &[u32],
    origins: &[u32],
    x: &[f32],
    panels: Panels,
    (gradient, stride, width): (&mut [f32], usize, usize),
) {
    let left = Places::<ROWS> { rows: leading(offsets), depths: origins };
    assert!(panels.reach(PANELS, origins.len()), "a row for each window");
    // SAFETY: as in `window_tile`.
    let sums = unsafe {
        add_products::<A, _, ROWS, PANELS>(zeros::<A, ROWS, PANELS>(), origins.len(), x, left, panels)
    };
    store::<A, ROWS, PANELS>(sums, Onto::Itself, gradient, stride, width);
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
mod tests;
