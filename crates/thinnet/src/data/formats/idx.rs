//! IDX, the format of MNIST and of the data sets made in its image.
//!
//! A file is two zero bytes, a byte for the type, a byte for the number of axes, their sizes as 32-bit integers, and the
//! elements; all big-endian.

use std::path::Path;

use super::numbers::Kind;
use super::{Numbers, Source};
use crate::data::AnyArray;
use crate::error::Result;

/// Reads an IDX file, plain or gzipped.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) where the file cannot be read; [`Error::File`](crate::Error::File) where it is not a
/// whole IDX file, with the offset and what was expected there.
pub fn read(path: impl AsRef<Path>) -> Result<AnyArray> {
    parse(&mut Source::open(path)?)
}

/// Reads an IDX file from memory; `path` is for messages.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(path: impl AsRef<Path>, bytes: &[u8]) -> Result<AnyArray> {
    parse(&mut Source::memory(path, bytes))
}

fn parse(source: &mut Source<'_>) -> Result<AnyArray> {
    let [zero, zero_too, kind, axes] = source.array("the IDX magic number")?;
    if [zero, zero_too] != [0, 0] {
        return Err(
            source.error_at(0, format!("expected an IDX file (00 00 …), got {zero:02x} {zero_too:02x}"))
        );
    }
    let kind = match kind {
        0x08 => Kind::U8,
        0x09 => Kind::I8,
        0x0b => Kind::I16,
        0x0c => Kind::I32,
        0x0d => Kind::F32,
        0x0e => Kind::F64,
        other => {
            let expected = "expected an IDX type, one of 08 09 0b 0c 0d 0e";
            return Err(source.error_at(2, format!("{expected}, got {other:02x}")));
        }
    };
    let mut shape = Vec::new();
    for axis in 0..axes {
        let size = source.array(&format!("the size of axis {axis}"))?;
        shape.push(u32::from_be_bytes(size) as usize);
    }
    Numbers { kind, big_endian: true, shape, fortran: false }.read(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    fn message(bytes: &[u8]) -> String {
        from_bytes("digits", bytes).unwrap_err().to_string()
    }

    #[test]
    fn each_type_is_read() {
        let header = |kind: u8| [0, 0, kind, 1, 0, 0, 0, 2];
        let read = |kind, values: &[u8]| from_bytes("digits", &[&header(kind), values].concat()).unwrap();
        assert_eq!(read(0x08, &[1, 255]), AnyArray::U8(array![1, 255].into_dyn()));
        assert_eq!(read(0x09, &[1, 255]), AnyArray::I64(array![1, -1].into_dyn()));
        assert_eq!(read(0x0b, &[0, 1, 255, 0]), AnyArray::I64(array![1, -256].into_dyn()));
        assert_eq!(read(0x0c, &[0, 0, 0, 1, 255, 255, 255, 254]), AnyArray::I64(array![1, -2].into_dyn()));
        let floats = [1.5_f32.to_be_bytes(), (-2.0_f32).to_be_bytes()].concat();
        assert_eq!(read(0x0d, &floats), AnyArray::F32(array![1.5, -2.0].into_dyn()));
        let doubles = [1.5_f64.to_be_bytes(), (-2.0_f64).to_be_bytes()].concat();
        assert_eq!(read(0x0e, &doubles), AnyArray::F32(array![1.5, -2.0].into_dyn()));
    }

    #[test]
    fn malformed_files_are_told_by_offset_and_expectation() {
        assert_eq!(message(b"GIF8"), "digits: byte 0: expected an IDX file (00 00 …), got 47 49");
        let kind = "digits: byte 2: expected an IDX type, one of 08 09 0b 0c 0d 0e, got 07";
        assert_eq!(message(&[0, 0, 7, 1]), kind);
        let header = "digits: byte 4: expected 4 bytes of the size of axis 0, the data end after 2";
        assert_eq!(message(&[0, 0, 8, 1, 0, 0]), header);
        let short = "digits: byte 8: expected 3 bytes of u8 values (3), the data end after 2";
        assert_eq!(message(&[0, 0, 8, 1, 0, 0, 0, 3, 1, 2]), short);
        let long = "digits: byte 9: expected the end of the data, more follows";
        assert_eq!(message(&[0, 0, 8, 1, 0, 0, 0, 1, 1, 2]), long);
        let huge = [&[0, 0, 14, 3][..], &[255; 12]].concat();
        assert!(message(&huge).contains("larger than any file"), "{}", message(&huge));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_array_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = from_bytes("digits", &bytes);
            let _ = from_bytes("digits", &[&[0, 0, 8][..], &bytes].concat());
        }

        #[test]
        fn truncated_and_mutated_files_are_an_array_or_an_error(
            cut in 0..30_usize, at in 0..30_usize, value in any::<u8>(),
        ) {
            let mut file = [&[0, 0, 12, 2, 0, 0, 0, 2, 0, 0, 0, 2][..], &[7; 16]].concat();
            prop_assert!(from_bytes("digits", &file[..cut.min(27)]).is_err());
            let at = at.min(27);
            file[at] = value;
            let _ = from_bytes("digits", &file);
        }
    }
}
