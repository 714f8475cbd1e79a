//! Channels: gray, colour, colour with opacity.

use ndarray::{Array3, Axis};

use crate::config::words;

words! {
    /// Which channels a picture is to have: Keras's `color_mode`.
    ///
    /// ```
    /// use ndarray::array;
    /// use thinnet::data::formats::image::ColorMode;
    ///
    /// let red = array![[[255_u8, 0, 0]]];
    /// assert_eq!(ColorMode::Grayscale.convert(red.clone()), array![[[76]]]);
    /// assert_eq!(ColorMode::Rgba.convert(red), array![[[255, 0, 0, 255]]]);
    /// ```
    ColorMode("color_mode") {
        /// Red, green, blue.
        Rgb = "rgb",
        /// Red, green, blue, opacity.
        Rgba = "rgba",
        /// One channel: how light a pixel is, (299 red + 587 green + 114 blue) / 1000 (ITU-R BT.601).
        Grayscale = "grayscale",
    }
}

impl ColorMode {
    /// The number of channels.
    pub fn channels(self) -> usize {
        match self {
            Self::Grayscale => 1,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// A picture of 1 to 4 channels, as [`load_image`](super::load_image) gives it, with these channels. Opacity is left
    /// out where it is not wanted, and full where the picture has none, as in Keras.
    ///
    /// # Panics
    /// If the picture has no channel or more than four.
    #[must_use]
    pub fn convert(self, image: Array3<u8>) -> Array3<u8> {
        let (height, width, channels) = image.dim();
        assert!((1..=4).contains(&channels), "expected a picture of 1 to 4 channels, got {channels}");
        if channels == self.channels() {
            return image;
        }
        let mut converted = Array3::zeros((height, width, self.channels()));
        let pixels = image.lanes(Axis(2)).into_iter().zip(converted.lanes_mut(Axis(2)));
        for (from, mut to) in pixels {
            let (rgb, opacity) = match channels {
                1 => ([from[0]; 3], 255),
                2 => ([from[0]; 3], from[1]),
                3 => ([from[0], from[1], from[2]], 255),
                _ => ([from[0], from[1], from[2]], from[3]),
            };
            match self {
                Self::Grayscale => to[0] = if channels <= 2 { rgb[0] } else { luma(rgb) },
                Self::Rgb => to.iter_mut().zip(rgb).for_each(|(to, from)| *to = from),
                Self::Rgba => {
                    to.iter_mut().zip(rgb.into_iter().chain([opacity])).for_each(|(to, from)| *to = from)
                }
            }
        }
        converted
    }
}

/// How light a colour is, with Pillow's weights in 65536ths.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let [red, green, blue] = [red, green, blue].map(u32::from);
    ((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn luma_is_pillows() {
        let colours = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 77]];
        assert_eq!(colours.map(luma), [0, 255, 76, 150, 29, 129]);
    }

    #[test]
    fn every_mode_becomes_every_other() {
        use ColorMode::{Grayscale, Rgb, Rgba};
        let modes = |image: Array3<u8>| {
            [Grayscale, Rgb, Rgba].map(|mode| mode.convert(image.clone()).into_raw_vec_and_offset().0)
        };
        assert_eq!(modes(array![[[7]]]), [vec![7], vec![7; 3], vec![7, 7, 7, 255]]);
        assert_eq!(modes(array![[[7, 9]]]), [vec![7], vec![7; 3], vec![7, 7, 7, 9]]);
        assert_eq!(modes(array![[[10, 200, 77]]]), [vec![129], vec![10, 200, 77], vec![10, 200, 77, 255]]);
        assert_eq!(modes(array![[[10, 200, 77, 5]]]), [vec![129], vec![10, 200, 77], vec![10, 200, 77, 5]]);
    }
}
