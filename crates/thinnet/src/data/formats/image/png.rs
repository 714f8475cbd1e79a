//! PNG files.

use std::io::Cursor;

use ndarray::Array3;
use png::{ColorType, Decoder, Limits, Transformations};

use super::{MOST_BYTES, array, check_size};

/// Reads the first frame.
pub(super) fn read(bytes: &[u8]) -> Result<Array3<u8>, String> {
    let damaged = |error: png::DecodingError| format!("the picture is damaged: {error}");
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MOST_BYTES as usize });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let channels = match reader.output_color_type().0 {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        // What expanding leaves is none.
        ColorType::Indexed => return Err("the picture is damaged: it has no palette".to_owned()),
    };
    check_size(height, width, channels)?;
    let mut pixels = vec![0; height * width * channels];
    reader.next_frame(&mut pixels).map_err(damaged)?;
    // What follows has checksums too.
    reader.finish().map_err(damaged)?;
    array(height, width, channels, pixels)
}

#[cfg(test)]
mod tests {
    use super::super::from_bytes;
    use super::*;
    use png::{BitDepth, Encoder};
    use proptest::prelude::*;

    /// A file of 2×3 pixels.
    fn file(color: ColorType, depth: BitDepth, palette: Option<(&[u8], &[u8])>, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 3, 2);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if let Some((colors, opacities)) = palette {
            encoder.set_palette(colors.to_vec());
            if !opacities.is_empty() {
                encoder.set_trns(opacities.to_vec());
            }
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(data).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn values(bytes: &[u8]) -> (usize, Vec<u8>) {
        let image = from_bytes("x.png", bytes).unwrap();
        assert_eq!(image.dim().0, 2);
        assert_eq!(image.dim().1, 3);
        (image.dim().2, image.into_raw_vec_and_offset().0)
    }

    #[test]
    fn every_mode_is_read() {
        use BitDepth::{Eight, One, Sixteen};
        let count: Vec<u8> = (0..24).map(|value| value * 10).collect();
        for (color, channels) in [
            (ColorType::Grayscale, 1),
            (ColorType::GrayscaleAlpha, 2),
            (ColorType::Rgb, 3),
            (ColorType::Rgba, 4),
        ] {
            let data = &count[..6 * channels];
            assert_eq!(values(&file(color, Eight, None, data)), (channels, data.to_vec()));
            let wide: Vec<u8> = data.iter().flat_map(|&value| [value, 99]).collect();
            assert_eq!(values(&file(color, Sixteen, None, &wide)), (channels, data.to_vec()));
        }
        assert_eq!(
            values(&file(ColorType::Grayscale, One, None, &[0b1010_0000, 0b0110_0000])),
            (1, vec![255, 0, 255, 0, 255, 255])
        );
        let colors = [1, 2, 3, 4, 5, 6];
        let indices = [0, 1, 1, 1, 0, 0];
        let rgb = [1, 2, 3, 4, 5, 6, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3];
        assert_eq!(
            values(&file(ColorType::Indexed, Eight, Some((&colors, &[])), &indices)),
            (3, rgb.to_vec())
        );
        let (channels, rgba) = values(&file(ColorType::Indexed, Eight, Some((&colors, &[7, 8])), &indices));
        assert_eq!((channels, &rgba[..8]), (4, &[1, 2, 3, 7, 4, 5, 6, 8][..]));
    }

    #[test]
    fn a_claimed_size_costs_no_memory() {
        let mut bytes = file(ColorType::Rgb, BitDepth::Eight, None, &[0; 18]);
        bytes[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        let message = from_bytes("x.png", &bytes).unwrap_err().to_string();
        assert_eq!(message, "x.png: expected a picture of at most 256 MiB of pixels, got 65535×65535×3");
    }

    proptest! {
        #[test]
        fn truncated_and_mutated_files_are_a_picture_or_an_error(
            cut in 0..1000_usize, at in 0..1000_usize, value in any::<u8>(),
        ) {
            let mut bytes = file(ColorType::Rgb, BitDepth::Eight, None, &[9; 18]);
            prop_assert!(from_bytes("x.png", &bytes[..cut % bytes.len()]).is_err());
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = from_bytes("x.png", &bytes);
        }
    }
}
