//! Pictures of other sizes.

use ndarray::{Array3, Zip};

use crate::config::words;

words! {
    /// How a place between pixels gets its value: Keras's `interpolation`.
    ///
    /// ```
    /// use thinnet::layers::{Interpolation, RandomRotation};
    /// let labels = RandomRotation::new(0.1).interpolation(Interpolation::Nearest);
    /// ```
    Interpolation("interpolation") {
        /// From the four pixels around it, by their distances.
        Bilinear = "bilinear",
        /// From the nearest pixel.
        Nearest = "nearest",
    }
}

impl Interpolation {
    /// A picture, of shape (height, width, channels), in another size. Pixels are squares: the middle of the first pixel is
    /// half a pixel from the edge, in both sizes, as with TensorFlow's `tf.image.resize` (without antialiasing). Where a picture
    /// gets smaller, `Bilinear` still reads four pixels; Pillow, with which Keras's `flow_from_directory` resizes, averages all
    /// that a new one covers. Values are rounded.
    ///
    /// ```
    /// use ndarray::array;
    /// use thinnet::data::formats::image::Interpolation;
    ///
    /// let edge = array![[[0_u8], [100]]];
    /// assert_eq!(Interpolation::Bilinear.resize(&edge, 1, 4), array![[[0], [25], [75], [100]]]);
    /// assert_eq!(Interpolation::Nearest.resize(&edge, 1, 4), array![[[0], [0], [100], [100]]]);
    /// ```
    ///
    /// # Panics
    /// If the picture has no pixels.
    #[must_use]
    pub fn resize(self, image: &Array3<u8>, height: usize, width: usize) -> Array3<u8> {
        let (old_height, old_width, channels) = image.dim();
        if (old_height, old_width) == (height, width) {
            return image.clone();
        }
        assert!(old_height > 0 && old_width > 0, "expected a picture with pixels");
        let rows = places(old_height, height);
        let columns = places(old_width, width);
        let mut resized = Array3::zeros((height, width, channels));
        Zip::indexed(&mut resized).for_each(|(y, x, channel), out| {
            let (row, column) = (&rows[y], &columns[x]);
            let at = |y, x| f32::from(image[[y, x, channel]]);
            *out = match self {
                Self::Nearest => image[[row.nearest, column.nearest, channel]],
                Self::Bilinear => {
                    let between =
                        |y| at(y, column.low) + (at(y, column.high) - at(y, column.low)) * column.share;
                    let (upper, lower) = (between(row.low), between(row.high));
                    (upper + (lower - upper) * row.share).round() as u8
                }
            };
        });
        resized
    }
}

/// Where a pixel of the new size lies in the old one, along one axis.
struct Place {
    nearest: usize,
    /// Its neighbours, and how far it is from the lower one to the higher.
    low: usize,
    high: usize,
    share: f32,
}

fn places(old: usize, new: usize) -> Vec<Place> {
    let scale = old as f32 / new as f32;
    let place = |index: usize| {
        let middle = (index as f32 + 0.5) * scale;
        let at = (middle - 0.5).clamp(0.0, (old - 1) as f32);
        let low = at as usize;
        Place {
            nearest: (middle as usize).min(old - 1),
            low,
            high: (low + 1).min(old - 1),
            share: at - low as f32,
        }
    };
    (0..new).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of shape (3, 4, 2), as in tools/image_reference.py.
    fn pattern() -> Array3<u8> {
        Array3::from_shape_fn((3, 4, 2), |(y, x, c)| (((y * 4 + x) * 2 + c) * 37 + 11) as u8)
    }

    fn check(interpolation: Interpolation, (height, width): (usize, usize), expected: &[f32]) {
        let resized = interpolation.resize(&pattern(), height, width);
        assert_eq!(resized.dim(), (height, width, 2));
        for (found, expected) in resized.iter().zip(expected) {
            assert!((f32::from(*found) - expected).abs() <= 0.5001, "{found} is not {expected}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn numbers_are_tensorflows() {
        use Interpolation::{Bilinear, Nearest};
        check(Bilinear, (1, 1), &[162.0, 199.0]);
        check(Nearest, (1, 1), &[199.0, 236.0]);
        check(Bilinear, (2, 2), &[58.0, 95.0, 174.0, 115.0, 118.0, 155.0, 138.0, 79.0]);
        check(Nearest, (2, 2), &[85.0, 122.0, 233.0, 14.0, 165.0, 202.0, 57.0, 94.0]);
        check(Bilinear, (5, 7), &[
            11.0, 48.0, 37.428577, 74.42857, 79.71429, 116.71429, 122.0, 159.0, 164.28574, 182.99997, 206.57144, 78.99997,
            233.0, 14.0, 27.000002, 64.0, 53.428577, 90.42857, 95.71429, 132.7143, 138.0, 175.0, 172.97144, 198.99997,
            156.74284, 94.99997, 146.59999, 30.000002, 51.0, 88.0, 77.42857, 114.42857, 119.71429, 156.7143, 162.0, 199.0,
            185.99997, 222.99997, 81.99997, 118.99997, 17.0, 54.0, 75.00001, 112.00001, 101.42858, 138.42857, 143.7143,
            180.7143, 186.0, 146.19998, 209.99997, 104.3714, 105.99998, 88.142845, 41.000008, 78.00001, 91.0, 128.0,
            117.42857, 154.42857, 159.7143, 196.7143, 202.0, 111.0, 225.99997, 25.285728, 121.99997, 67.57144, 57.0, 94.0,
        ]);
        check(Nearest, (3, 9), &[
            11.0, 48.0, 11.0, 48.0, 85.0, 122.0, 85.0, 122.0, 159.0, 196.0, 159.0, 196.0, 159.0, 196.0, 233.0, 14.0, 233.0,
            14.0, 51.0, 88.0, 51.0, 88.0, 125.0, 162.0, 125.0, 162.0, 199.0, 236.0, 199.0, 236.0, 199.0, 236.0, 17.0, 54.0,
            17.0, 54.0, 91.0, 128.0, 91.0, 128.0, 165.0, 202.0, 165.0, 202.0, 239.0, 20.0, 239.0, 20.0, 239.0, 20.0, 57.0,
            94.0, 57.0, 94.0,
        ]);
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            assert_eq!(interpolation.resize(&pattern(), 3, 4), pattern());
        }
    }
}
