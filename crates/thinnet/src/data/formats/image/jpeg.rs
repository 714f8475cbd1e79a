//! JPEG files.

use ndarray::Array3;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{array, check_size};

/// Reads a file, all of which must be there.
pub(super) fn read(bytes: &[u8]) -> Result<Array3<u8>, String> {
    let damaged = |error| format!("the picture is damaged: {error}");
    let options = DecoderOptions::default().set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (channels, space) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (1, ColorSpace::Luma),
        Some(ColorSpace::YCbCr | ColorSpace::RGB) => (3, ColorSpace::RGB),
        other => {
            let mode = other.map_or_else(|| "no mode".to_owned(), |other| format!("{other:?}"));
            return Err(format!("expected a gray or RGB picture, got {mode}: convert it to RGB"));
        }
    };
    let info = decoder.info().ok_or("the picture is damaged: it has no size")?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    check_size(height, width, channels)?;
    // The decoder makes up the last rows of a picture that was cut off.
    if !has_end(bytes) {
        return Err("the picture is damaged: the data end before it does".to_owned());
    }
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(damaged)?;
    array(height, width, channels, pixels)
}

/// Whether an end-of-image marker follows the first scan. Segments before it are stepped over, since they may hold a
/// picture of their own, the preview.
fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[marker, kind, high, low]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        if marker != 0xff {
            return false;
        }
        // A marker may have more than one ff before it.
        if kind == 0xff {
            at += 1;
            continue;
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if kind == 0xda {
            return bytes.get(at..).is_some_and(|scan| scan.windows(2).any(|pair| pair == [0xff, 0xd9]));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::from_bytes;
    use proptest::prelude::*;

    // Made by tools/image_reference.py, 20 rows of 24 pixels.
    const BASELINE: &[u8] = include_bytes!("../../../../tests/data/images/baseline.jpg");
    const PROGRESSIVE: &[u8] = include_bytes!("../../../../tests/data/images/progressive.jpg");
    const GRAY: &[u8] = include_bytes!("../../../../tests/data/images/gray.jpg");
    const CMYK: &[u8] = include_bytes!("../../../../tests/data/images/cmyk.jpg");

    /// The corners, and a pixel in the middle.
    fn pixels(bytes: &[u8]) -> Vec<u8> {
        let image = from_bytes("x.jpg", bytes).unwrap();
        assert_eq!((image.dim().0, image.dim().1), (20, 24));
        let places = [(0, 0), (0, 23), (19, 0), (19, 23), (10, 12)];
        let channels = image.dim().2;
        places.iter().flat_map(|&(y, x)| (0..channels).map(move |c| (y, x, c))).map(|at| image[at]).collect()
    }

    /// Decoders may round differently, and differ in how they enlarge the colours, which are kept at half the size.
    #[track_caller]
    fn near(found: &[u8], expected: &[u8]) {
        assert_eq!(found.len(), expected.len());
        let off = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(3), "{found:?}, expected about {expected:?}");
    }

    #[test]
    fn pictures_are_those_that_pillow_reads() {
        let colour = [46, 216, 66, 224, 219, 135, 37, 53, 130, 216, 55, 193, 136, 129, 136];
        near(&pixels(BASELINE), &colour);
        near(&pixels(PROGRESSIVE), &colour);
        near(&pixels(GRAY), &[148, 211, 57, 119, 132]);
    }

    #[test]
    fn other_modes_are_refused() {
        let message = from_bytes("x.jpg", CMYK).unwrap_err().to_string();
        assert_eq!(message, "x.jpg: expected a gray or RGB picture, got CMYK: convert it to RGB");
    }

    #[test]
    fn a_truncated_picture_is_an_error_wherever_it_is_cut() {
        for bytes in [BASELINE, PROGRESSIVE, GRAY] {
            for length in 2..bytes.len() {
                let message = from_bytes("x.jpg", &bytes[..length]).unwrap_err().to_string();
                assert!(message.starts_with("x.jpg: "), "{message}");
            }
        }
    }

    proptest! {
        #[test]
        fn mutated_files_are_a_picture_or_an_error(
            which in 0..4_usize, changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..5),
        ) {
            let mut bytes = [BASELINE, PROGRESSIVE, GRAY, CMYK][which].to_vec();
            for (at, value) in changes {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            let _ = from_bytes("x.jpg", &bytes);
        }
    }
}
