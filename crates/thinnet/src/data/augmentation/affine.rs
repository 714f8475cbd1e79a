//! Images seen through an affine map: rotated, moved, sheared, zoomed.
//!
//! A pixel of the output is looked up in the input at a place that need not be a pixel: between pixels the values are
//! interpolated, beyond the edge they are made up ([`FillMode`]).

use crate::config::words;

words! {
    /// What lies beyond an image's edge.
    ///
    /// ```
    /// use thinnet::data::augmentation::{FillMode, ImageDataGenerator};
    /// // By value or by Keras's word.
    /// assert_eq!(
    ///     ImageDataGenerator::new().fill_mode("reflect"),
    ///     ImageDataGenerator::new().fill_mode(FillMode::Reflect),
    /// );
    /// ```
    FillMode("fill mode") {
        /// The nearest pixel: `a a a a | a b c d | d d d d`.
        Nearest = "nearest",
        /// One value: `k k k k | a b c d | k k k k`.
        Constant = "constant",
        /// The image mirrored at its edge: `d c b a | a b c d | d c b a`.
        Reflect = "reflect",
        /// The image once more: `a b c d | a b c d | a b c d`.
        Wrap = "wrap",
    }
}

/// A map from a place in the output to a place in the input, both as (row, column) in pixels from the first pixel's
/// middle.
///
/// ```
/// use thinnet::data::augmentation::Affine;
/// // Each output pixel is what lies one row below it in the input: the image moves up.
/// let up = Affine { rows: [1.0, 0.0, 1.0], columns: [0.0, 1.0, 0.0] };
/// assert_eq!(up.at(2.0, 5.0), (3.0, 5.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// The input's row is `rows[0]`·row + `rows[1]`·column + `rows[2]`.
    pub rows: [f64; 3],
    /// The input's column is `columns[0]`·row + `columns[1]`·column + `columns[2]`.
    pub columns: [f64; 3],
}

impl Affine {
    /// The place in the input.
    pub fn at(&self, row: f64, column: f64) -> (f64, f64) {
        // In SciPy's order: where a place lies just on the edge, rounding decides what is beyond it.
        let along = |[by_row, by_column, offset]: [f64; 3]| offset + by_row * row + by_column * column;
        (along(self.rows), along(self.columns))
    }

    /// The same linear map with its fixed point at (`row`, `column`), moved by the offsets that it has.
    #[must_use]
    pub fn about(self, row: f64, column: f64) -> Self {
        let about = |[by_row, by_column, offset]: [f64; 3], fixed: f64| {
            [by_row, by_column, offset + fixed - by_row * row - by_column * column]
        };
        Self { rows: about(self.rows, row), columns: about(self.columns, column) }
    }
}

/// What lies beyond the edge, in the finer distinctions of `scipy.ndimage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Border {
    Nearest,
    Reflect,
    /// Places beyond the outermost pixels' middles are filled; none is blended with the fill value.
    Constant,
    /// Pixels beyond the edge have the fill value, and places between them and the image are interpolated.
    GridConstant,
    /// The first pixel lies on the last one: a period of one pixel less than the image's size.
    Wrap,
    /// The first pixel follows the last one: a period of the image's size.
    GridWrap,
}

impl Border {
    /// As `scipy.ndimage` and so Keras's `ImageDataGenerator` understand the word.
    pub(crate) fn scipy(mode: FillMode) -> Self {
        match mode {
            FillMode::Nearest => Self::Nearest,
            FillMode::Reflect => Self::Reflect,
            FillMode::Constant => Self::Constant,
            FillMode::Wrap => Self::Wrap,
        }
    }

    /// As Keras's layers understand the word.
    pub(crate) fn layer(mode: FillMode) -> Self {
        match mode {
            FillMode::Nearest => Self::Nearest,
            FillMode::Reflect => Self::Reflect,
            FillMode::Constant => Self::GridConstant,
            FillMode::Wrap => Self::GridWrap,
        }
    }
}

/// The pixels along an axis that a place is between, and their weights.
#[derive(Clone, Copy)]
struct Between {
    index: [usize; 2],
    weight: [f32; 2],
}

impl Between {
    const BEYOND: Self = Self { index: [0; 2], weight: [0.0; 2] };

    fn pixel(index: usize) -> Self {
        Self { index: [index; 2], weight: [1.0, 0.0] }
    }
}

/// How images of one size are looked up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resampling {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) border: Border,
    /// The value of what is filled with a constant.
    pub(crate) fill: f32,
    /// Whether to take the nearest pixel instead of interpolating.
    pub(crate) nearest: bool,
}

impl Resampling {
    /// The elements of an image.
    pub(crate) fn len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Writes the image that `map` finds in `x` to `out`. No image may be empty.
    pub(crate) fn apply(&self, map: &Affine, x: &[f32], out: &mut [f32]) {
        match self.channels {
            1 => self.gather::<1>(map, x, out),
            3 => self.gather::<3>(map, x, out),
            4 => self.gather::<4>(map, x, out),
            channels => self.each(map, |pixel, taps, weights| {
                let fill = self.fill * (1.0 - weights.iter().sum::<f32>());
                for (channel, out) in out[pixel * channels..][..channels].iter_mut().enumerate() {
                    let sum = |sum, tap| sum + weights[tap] * x[taps[tap] * channels + channel];
                    *out = (0..4).fold(fill, sum);
                }
            }),
        }
    }

    fn gather<const CHANNELS: usize>(&self, map: &Affine, x: &[f32], out: &mut [f32]) {
        let (x, _) = x.as_chunks::<CHANNELS>();
        let (out, _) = out.as_chunks_mut::<CHANNELS>();
        let constant = matches!(self.border, Border::Constant | Border::GridConstant);
        self.each(map, |pixel, taps, [a, b, c, d]| {
            let fill = if constant { self.fill * (1.0 - (a + b + c + d)) } else { 0.0 };
            let [xa, xb, xc, xd] = taps.map(|tap| &x[tap]);
            let value =
                |channel| fill + a * xa[channel] + b * xb[channel] + c * xc[channel] + d * xd[channel];
            out[pixel] = std::array::from_fn(value);
        });
    }

    /// The transpose of [`apply`](Self::apply)'s linear part: adds to `dx` what each input pixel gave to the output.
    pub(crate) fn adjoint(&self, map: &Affine, dy: &[f32], dx: &mut [f32]) {
        let channels = self.channels;
        self.each(map, |pixel, taps, weights| {
            let dy = &dy[pixel * channels..][..channels];
            for (tap, weight) in taps.into_iter().zip(weights) {
                for (dx, dy) in dx[tap * channels..][..channels].iter_mut().zip(dy) {
                    *dx += weight * dy;
                }
            }
        });
    }

    /// Calls `f` with each output pixel, the four input pixels around its place, and their weights.
    #[inline(always)]
    fn each(&self, map: &Affine, mut f: impl FnMut(usize, [usize; 4], [f32; 4])) {
        let (height, width) = (self.height, self.width);
        let (bottom, right) = ((height - 1) as f64, (width - 1) as f64);
        // Most places lie within: no question about the border there.
        let inside = |place: f64, last: f64| !self.nearest && place >= 0.0 && place < last;
        for row in 0..height {
            for column in 0..width {
                let (y, x) = map.at(row as f64, column as f64);
                let (rows, columns) = if inside(y, bottom) && inside(x, right) {
                    (within(y), within(x))
                } else {
                    (self.between(y, height), self.between(x, width))
                };
                let [top, bottom] = rows.index.map(|row| row * width);
                let [left, right] = columns.index;
                let taps = [top + left, top + right, bottom + left, bottom + right];
                let ([a, b], [c, d]) = (rows.weight, columns.weight);
                f(row * width + column, taps, [a * c, a * d, b * c, b * d]);
            }
        }
    }

    /// The pixels that a place along an axis of `len` pixels is between.
    fn between(&self, place: f64, len: usize) -> Between {
        let last = (len - 1) as f64;
        let place = match self.border {
            // The edge's pixels go on: as if the place were on the edge.
            Border::Nearest => place.clamp(0.0, last),
            Border::Constant if !(0.0..=last).contains(&place) => return Between::BEYOND,
            Border::Wrap if len == 1 => 0.0,
            Border::Wrap if place < 0.0 => place + last * ((-place / last).trunc() + 1.0),
            Border::Wrap if place > last => place - last * (place / last).trunc(),
            _ => place,
        };
        if self.nearest {
            let pixel = self.pixel((place + 0.5).floor(), len);
            return pixel.map_or(Between::BEYOND, Between::pixel);
        }
        let before = place.floor();
        let beyond = (place - before) as f32;
        let first = self.pixel(before, len);
        let second = self.pixel(before + 1.0, len);
        let weight = |pixel: Option<usize>, weight| if pixel.is_some() { weight } else { 0.0 };
        Between {
            index: [first.unwrap_or(0), second.unwrap_or(0)],
            weight: [weight(first, 1.0 - beyond), weight(second, beyond)],
        }
    }

    /// The pixel that stands for one with a whole number, which may lie beyond the edge.
    fn pixel(&self, index: f64, len: usize) -> Option<usize> {
        let last = len - 1;
        if index >= 0.0 && index <= last as f64 {
            return Some(index as usize);
        }
        match self.border {
            // What is left of the last pixel has no weight but for rounding.
            Border::Nearest | Border::Constant | Border::Wrap => Some((index.max(0.0) as usize).min(last)),
            Border::GridConstant => None,
            Border::GridWrap => Some((index.rem_euclid(len as f64) as usize).min(last)),
            Border::Reflect => {
                let period = (2 * len) as f64;
                let folded = (index.rem_euclid(period) as usize).min(2 * len - 1);
                Some(folded.min(2 * len - 1 - folded))
            }
        }
    }
}

/// The pixels that a place is between that is known to lie within the image.
#[inline(always)]
fn within(place: f64) -> Between {
    let before = place as usize;
    let beyond = (place - before as f64) as f32;
    Between { index: [before, before + 1], weight: [1.0 - beyond, beyond] }
}

#[cfg(test)]
mod tests {
    use super::super::reference::{cases, close, floats, image, sizes};
    use super::*;

    /// Each border, interpolated and not, for maps that reach beyond the image's edges several times over.
    #[test]
    fn places_are_looked_up_as_by_scipy() {
        for case in cases("lookups") {
            let border = match case["mode"].as_str().unwrap() {
                "nearest" => Border::Nearest,
                "reflect" => Border::Reflect,
                "constant" => Border::Constant,
                "grid-constant" => Border::GridConstant,
                "wrap" => Border::Wrap,
                "grid-wrap" => Border::GridWrap,
                other => panic!("unknown mode {other}"),
            };
            let [height, width] = sizes(&case["shape"])[..] else { panic!("two axes") };
            let offset = floats(&case["offset"]);
            let row = |axis: usize| {
                let linear = floats(&case["matrix"][axis]);
                [linear[0], linear[1], offset[axis]]
            };
            let map = Affine { rows: row(0), columns: row(1) };
            let fill = case["cval"].as_f64().unwrap() as f32;
            let nearest = case["order"] == 0;
            let planes = [0, 1].map(|index| image(height * width, index));
            let wanted = [0, 1].map(|index: usize| floats(&case["channels"][index]));
            // The two images as channels of one, repeated for each of the numbers of channels that have their own loop.
            for channels in 1..=5 {
                let resampling = Resampling { height, width, channels, border, fill, nearest };
                let interleave = |e: usize| planes[e % channels % 2][e / channels];
                let x: Vec<f32> = (0..resampling.len()).map(interleave).collect();
                let want: Vec<f64> = (0..x.len()).map(|e| wanted[e % channels % 2][e / channels]).collect();
                let mut out = vec![f32::NAN; x.len()];
                resampling.apply(&map, &x, &mut out);
                close(&(&resampling, map), &out, &want);
            }
        }
    }

    /// ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩
    #[test]
    fn the_adjoint_is_the_transpose() {
        let map = Affine { rows: [1.7, 0.6, -5.13], columns: [-0.8, 2.3, -3.42] };
        use Border::{Constant, GridConstant, GridWrap, Nearest, Reflect, Wrap};
        for border in [Constant, GridConstant, GridWrap, Nearest, Reflect, Wrap] {
            for (channels, nearest) in [(1, false), (2, false), (3, true), (3, false)] {
                let resampling = Resampling { height: 5, width: 6, channels, border, fill: 0.0, nearest };
                let (x, dy) = (image(30 * channels, 0), image(30 * channels, 1));
                let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
                resampling.apply(&map, &x, &mut y);
                resampling.adjoint(&map, &dy, &mut dx);
                let dot = |a: &[f32], b: &[f32]| {
                    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
                };
                let (forward, back) = (dot(&y, &dy), dot(&x, &dx));
                assert!((forward - back).abs() < 1e-4, "{border:?}: {forward} and {back}");
            }
        }
    }

    #[test]
    fn places_that_are_no_numbers_or_far_away_do_no_harm() {
        let x = image(12, 0);
        for far in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 1e19] {
            for mode in [FillMode::Nearest, FillMode::Constant, FillMode::Reflect, FillMode::Wrap] {
                for (border, nearest) in
                    [(Border::scipy(mode), false), (Border::layer(mode), false), (Border::layer(mode), true)]
                {
                    let resampling =
                        Resampling { height: 3, width: 4, channels: 1, border, fill: 0.0, nearest };
                    let map = Affine { rows: [1.0, 0.0, far], columns: [0.0, far, 0.0] };
                    let mut out = vec![0.0; 12];
                    resampling.apply(&map, &x, &mut out);
                    resampling.adjoint(&map, &x, &mut out);
                }
            }
        }
    }
}
