//! One change of an image, as numbers.

use serde::{Deserialize, Serialize};

use super::affine::{Affine, Resampling};

/// One change of an image: Keras's `transform_parameters`, under Keras's names. The default changes nothing.
///
/// `x` is the horizontal direction, `y` the vertical one. All numbers say where an output pixel is looked up in the
/// input: with `tx` = 1 the image moves to the left by a pixel, with `zx` = 2 it becomes half as wide.
///
/// ```
/// use thinnet::data::augmentation::Transform;
/// let tilted = Transform { theta: 15.0, flip_horizontal: true, ..Transform::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transform {
    /// The rotation's angle in degrees.
    pub theta: f64,
    /// The horizontal shift in pixels.
    pub tx: f64,
    /// The vertical shift in pixels.
    pub ty: f64,
    /// The shear's angle in degrees.
    pub shear: f64,
    /// The horizontal zoom; 1 changes nothing.
    pub zx: f64,
    /// The vertical zoom; 1 changes nothing.
    pub zy: f64,
    /// Whether left and right are exchanged.
    pub flip_horizontal: bool,
    /// Whether top and bottom are exchanged.
    pub flip_vertical: bool,
    /// What is added to all values, which then stay within what the image had before.
    pub channel_shift_intensity: Option<f64>,
    /// The factor of the brightness.
    pub brightness: Option<f64>,
}

impl Default for Transform {
    fn default() -> Self {
        Self {
            theta: 0.0,
            tx: 0.0,
            ty: 0.0,
            shear: 0.0,
            zx: 1.0,
            zy: 1.0,
            flip_horizontal: false,
            flip_vertical: false,
            channel_shift_intensity: None,
            brightness: None,
        }
    }
}

impl Transform {
    /// Where the pixels of a `height` × `width` image are looked up: rotation · shift · shear · zoom about the image's
    /// middle. `None` if each stays where it is.
    pub fn affine(&self, height: usize, width: usize) -> Option<Affine> {
        let Self { theta, tx, ty, shear, zx, zy, .. } = *self;
        if [theta, tx, ty, shear] == [0.0; 4] && [zx, zy] == [1.0; 2] {
            return None;
        }
        let (sin, cos) = theta.to_radians().sin_cos();
        let (shear_sin, shear_cos) = shear.to_radians().sin_cos();
        // In (x, y), as products of the four matrices from the left; then read as (row, column) = (y, x).
        let (xx, xy) = (cos * zx, (-cos * shear_sin - sin * shear_cos) * zy);
        let (yx, yy) = (sin * zx, (-sin * shear_sin + cos * shear_cos) * zy);
        let (x, y) = (cos * tx - sin * ty, sin * tx + cos * ty);
        let middle = |size: usize| size as f64 / 2.0 - 0.5;
        let map = Affine { rows: [yy, yx, y], columns: [xy, xx, x] };
        Some(map.about(middle(height), middle(width)))
    }

    /// Writes the changed image to `out`.
    pub(super) fn apply(&self, resampling: &Resampling, x: &[f32], out: &mut [f32]) {
        match self.affine(resampling.height, resampling.width) {
            Some(map) => resampling.apply(&map, x, out),
            None => out.copy_from_slice(x),
        }
        if let Some(intensity) = self.channel_shift_intensity {
            shift_channels(intensity as f32, out);
        }
        let channels = resampling.channels;
        if self.flip_horizontal {
            flip_horizontally(resampling.width, channels, out);
        }
        if self.flip_vertical {
            flip_vertically(resampling.width * channels, out);
        }
        if let Some(factor) = self.brightness {
            brighten(factor as f32, channels, out);
        }
    }
}

/// Exchanges left and right.
pub(crate) fn flip_horizontally(width: usize, channels: usize, image: &mut [f32]) {
    for row in image.chunks_exact_mut(width * channels) {
        let (mut left, mut right) = (0, width - 1);
        while left < right {
            for channel in 0..channels {
                row.swap(left * channels + channel, right * channels + channel);
            }
            (left, right) = (left + 1, right - 1);
        }
    }
}

/// Exchanges top and bottom, given a row's length.
pub(crate) fn flip_vertically(row: usize, image: &mut [f32]) {
    let rows = image.len() / row;
    for top in 0..rows / 2 {
        let (above, below) = image.split_at_mut((rows - 1 - top) * row);
        above[top * row..][..row].swap_with_slice(&mut below[..row]);
    }
}

/// The smallest and the largest value.
fn range(image: &[f32]) -> (f32, f32) {
    let start = (f32::INFINITY, f32::NEG_INFINITY);
    image.iter().fold(start, |(low, high), &x| (low.min(x), high.max(x)))
}

fn shift_channels(intensity: f32, image: &mut [f32]) {
    let (low, high) = range(image);
    for x in image {
        *x = (*x + intensity).max(low).min(high);
    }
}

/// Multiplies bytes, as Keras does by way of the Python imaging library; a fourth channel is opacity and stays.
///
/// An image beyond 0 … 255 is brought there by its own range and back. One within 0 … 1 is taken for bytes over 255:
/// Keras would cut it to zeros.
fn brighten(factor: f32, channels: usize, image: &mut [f32]) {
    let (low, high) = range(image);
    let span = high - low;
    // A blend of values may lie beyond them by its rounding.
    let slack = 1e-6 * high.abs().max(low.abs());
    let own_range = low < -slack || high > 255.0 + slack;
    let unit = !own_range && high <= 1.0 + slack;
    for (element, x) in image.iter_mut().enumerate() {
        let byte = match (own_range, unit) {
            (true, _) if span > 0.0 => ((*x - low) / span * 255.0).trunc(),
            (true, _) => 0.0,
            // Rounded: a byte over 255 times 255 may fall just short of the byte.
            (_, true) => (*x * 255.0).round(),
            _ => x.trunc(),
        };
        let opacity = channels == 4 && element % 4 == 3;
        let bright = if opacity { byte } else { (factor * byte).clamp(0.0, 255.0).trunc() };
        *x = match (own_range, unit) {
            (true, _) => bright / 255.0 * span + low,
            (_, true) => bright / 255.0,
            _ => bright,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::affine::Border;
    use super::*;

    fn apply(transform: Transform, [height, width, channels]: [usize; 3], x: &[f32]) -> Vec<f32> {
        let resampling =
            Resampling { height, width, channels, border: Border::Nearest, fill: 0.0, nearest: false };
        let mut out = vec![f32::NAN; x.len()];
        transform.apply(&resampling, x, &mut out);
        out
    }

    #[test]
    fn the_default_changes_nothing() {
        let x = [3.0, 300.0, -1.0, 0.5];
        assert_eq!(apply(Transform::default(), [2, 1, 2], &x), x);
    }

    #[test]
    fn images_that_are_not_square_turn_about_their_middle() {
        let x: Vec<f32> = (0..15).map(|e| e as f32).collect();
        let y = apply(Transform { theta: 180.0, ..Transform::default() }, [3, 5, 1], &x);
        for (e, y) in y.into_iter().enumerate() {
            assert!((y - (14 - e) as f32).abs() < 1e-4, "{e}: {y}");
        }
    }

    #[test]
    fn flips_exchange_whole_pixels() {
        let x: Vec<f32> = (0..18).map(|e| e as f32).collect();
        let horizontal = apply(Transform { flip_horizontal: true, ..Transform::default() }, [3, 3, 2], &x);
        assert_eq!(horizontal[..6], [4.0, 5.0, 2.0, 3.0, 0.0, 1.0]);
        let vertical = apply(Transform { flip_vertical: true, ..Transform::default() }, [3, 3, 2], &x);
        assert_eq!([vertical[0], vertical[6], vertical[17]], [12.0, 6.0, 5.0]);
    }

    #[test]
    fn images_within_zero_and_one_are_brightened_as_their_bytes() {
        let bytes: Vec<f32> = (0..=255).map(|byte| byte as f32).collect();
        let unit: Vec<f32> = bytes.iter().map(|byte| byte * (1.0 / 255.0)).collect();
        for factor in [0.0, 0.4, 1.0, 1.7] {
            let transform = Transform { brightness: Some(factor), ..Transform::default() };
            let (of_bytes, of_unit) =
                (apply(transform, [16, 16, 1], &bytes), apply(transform, [16, 16, 1], &unit));
            for (byte, unit) in of_bytes.into_iter().zip(of_unit) {
                assert!((byte / 255.0 - unit).abs() < 1e-6, "{factor}: {byte}, {unit}");
            }
        }
    }

    #[test]
    fn white_that_rounding_takes_beyond_white_is_brightened_as_white() {
        let turned = |theta| Transform { theta, ..Transform::default() };
        let angles = || (1..90).map(f64::from);
        for white in [1.0, 255.0] {
            let x = [white; 64];
            let beyond = |theta: f64| apply(turned(theta), [8, 8, 1], &x).iter().any(|&x| x > white);
            assert!(angles().any(beyond), "nothing is tested");
            for theta in angles() {
                let half = Transform { brightness: Some(0.5), ..turned(theta) };
                let expected = white * (127.0 / 255.0);
                for x in apply(half, [8, 8, 1], &x) {
                    assert!((x - expected).abs() <= 1e-6 * white, "{theta}: {x}");
                }
            }
        }
    }
}
