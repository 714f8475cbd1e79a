//! Pictures: PNG and JPEG.
//!
//! A picture is an array of bytes of shape (height, width, channels), from 0 (black) to 255. Channels are one (gray), two
//! (gray, opacity), three (red, green, blue) or four (red, green, blue, opacity): see [`ColorMode`] for one's own choice
//! of them, and [`Interpolation`] for other sizes. Where a file says how a picture is to be turned (Exif), it is not, as
//! with Keras's `load_img`.

mod color_mode;
mod jpeg;
mod png;
mod resize;

use std::path::Path;

use ndarray::Array3;

use crate::error::{Error, Result};
use crate::shape::Shape;

pub use color_mode::ColorMode;
pub use resize::Interpolation;

/// Larger pictures, in bytes, are refused before memory is asked for.
const MOST_BYTES: u64 = 1 << 28;

/// Reads a picture of shape (height, width, channels) from a PNG or JPEG file. Its first bytes tell which it is, not its
/// name.
///
/// PNG: gray, gray with opacity, RGB, RGBA and palettes, the last as RGB or RGBA; 16 bits are reduced to their upper 8, and
/// fewer than 8 stretched to 0 to 255. JPEG: gray and colour, baseline and progressive.
///
/// ```no_run
/// let cat = thinnet::data::load_image("cat.jpg")?;
/// let (height, width, channels) = cat.dim();
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] where the file cannot be read; [`Error::File`] where it is not a PNG or JPEG file, is damaged, or is in a
/// mode that is not read (CMYK).
pub fn load_image(path: impl AsRef<Path>) -> Result<Array3<u8>> {
    let path = path.as_ref();
    from_bytes(path, &std::fs::read(path).map_err(Error::io("read", path))?)
}

/// Reads a picture from memory; `path` is for messages.
///
/// # Errors
/// As [`load_image`].
pub fn from_bytes(path: impl AsRef<Path>, bytes: &[u8]) -> Result<Array3<u8>> {
    let read = match bytes {
        [0x89, b'P', b'N', b'G', ..] => png::read(bytes),
        [0xff, 0xd8, ..] => jpeg::read(bytes),
        [] => Err("not a picture: the file is empty".to_owned()),
        _ => {
            let start = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
            Err(format!("not a picture: expected a PNG (89 50 4e 47) or JPEG (ff d8) file, got {start}"))
        }
    };
    read.map_err(|message| Error::file(path, message))
}

/// How samples of a shape are to be read as pictures: (height, width, channels) as they are; without channels, one; the rows one
/// after the other, a square of one channel or of three. None for samples that are no pictures.
///
/// ```
/// use thinnet::data::formats::image::picture_size;
/// assert_eq!(picture_size(&[28, 28].into()), Some((28, 28, 1)));
/// assert_eq!(picture_size(&784.into()), Some((28, 28, 1)));
/// assert_eq!(picture_size(&3072.into()), Some((32, 32, 3)));
/// assert_eq!(picture_size(&13.into()), None);
/// ```
pub fn picture_size(sample: &Shape) -> Option<(usize, usize, usize)> {
    let square = |length: usize| (length > 0 && length.isqrt().pow(2) == length).then(|| length.isqrt());
    match *sample.axes() {
        [height, width] => Some((height, width, 1)),
        [height, width, channels] => Some((height, width, channels)),
        [length] => {
            let of_colour =
                (length % 3 == 0).then(|| square(length / 3)).flatten().map(|side| (side, side, 3));
            of_colour.or_else(|| square(length).map(|side| (side, side, 1)))
        }
        _ => None,
    }
}

/// Refuses pictures that are too large.
pub(crate) fn check_size(height: usize, width: usize, channels: usize) -> Result<(), String> {
    let bytes =
        [height, width, channels].iter().fold(1, |bytes: u64, &axis| bytes.saturating_mul(axis as u64));
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let most = MOST_BYTES >> 20;
    Err(format!("expected a picture of at most {most} MiB of pixels, got {height}×{width}×{channels}"))
}

/// Rows of pixels as an array.
fn array(height: usize, width: usize, channels: usize, pixels: Vec<u8>) -> Result<Array3<u8>, String> {
    Array3::from_shape_vec((height, width, channels), pixels)
        .map_err(|error| format!("the picture is damaged: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_told_by_its_first_bytes() {
        let message = |bytes: &[u8]| from_bytes("x.png", bytes).unwrap_err().to_string();
        let gif = "x.png: not a picture: expected a PNG (89 50 4e 47) or JPEG (ff d8) file, got 47 49 46 38";
        assert_eq!(message(b"GIF89a"), gif);
        assert_eq!(message(b""), "x.png: not a picture: the file is empty");
        assert!(message(b"P").ends_with("got 50"));
        let missing = load_image("/nowhere/x.png").unwrap_err().to_string();
        assert!(missing.starts_with("cannot read /nowhere/x.png: "), "{missing}");
    }
}
