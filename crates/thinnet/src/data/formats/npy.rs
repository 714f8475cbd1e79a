//! NumPy's `.npy`: one array.
//!
//! A file is `\x93NUMPY`, two bytes for the version, the length of the header (16 bits in version 1, 32 in 2 and 3), the
//! header (a Python dictionary with `descr`, `fortran_order` and `shape`), and the elements.

use std::io::Write;
use std::path::Path;

use ndarray::{ArrayBase, Data, Dimension};

use super::numbers::Kind;
use super::{Numbers, Source};
use crate::data::AnyArray;
use crate::error::{Error, Result};
use crate::files::write_whole;

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// Longer headers are those of structured types, or damaged.
const LONGEST_HEADER: u32 = 1 << 16;

/// Reads a `.npy` file of version 1, 2 or 3: floats of 32 or 64 bits, integers of any width, or truth values, of either byte
/// order, in C or Fortran order.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read; [`Error::File`] where it is not a
/// whole `.npy` file or its type is none of these, with the offset and what was expected there.
pub fn read(path: impl AsRef<Path>) -> Result<AnyArray> {
    parse(&mut Source::open(path)?)
}

/// Reads a `.npy` file from memory; `path` is for messages.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(path: impl AsRef<Path>, bytes: &[u8]) -> Result<AnyArray> {
    parse(&mut Source::memory(path, bytes))
}

pub(super) fn parse(source: &mut Source<'_>) -> Result<AnyArray> {
    let magic: [u8; 6] = source.array("the .npy magic number")?;
    if magic != MAGIC {
        return Err(source.error_at(0, "expected a .npy file (\\x93NUMPY), got something else"));
    }
    let [major, minor] = source.array("the .npy version")?;
    let length = match major {
        1 => u32::from(u16::from_le_bytes(source.array("the header's length")?)),
        2 | 3 => u32::from_le_bytes(source.array("the header's length")?),
        _ => return Err(source.error_at(6, format!("expected .npy version 1, 2 or 3, got {major}.{minor}"))),
    };
    let start = if major == 1 { 10 } else { 12 };
    if length > LONGEST_HEADER {
        let message = format!("expected a header of at most {LONGEST_HEADER} bytes, got {length}");
        return Err(source.error_at(8, message));
    }
    let header = source.bytes(u64::from(length), "the header")?;
    let header = String::from_utf8_lossy(&header);
    let Header { descr, fortran, shape } = Header::parse(&header).map_err(|(at, expected)| {
        source.error_at(start + at as u64, format!("expected {expected} in the header"))
    })?;
    let (kind, big_endian) = element(descr).ok_or_else(|| {
        let known = "float32, float64, int8 to int64, uint8 to uint64 and bool";
        source.error_at(
            start,
            format!("elements of type `{descr}` are not supported: convert them to one of {known}"),
        )
    })?;
    Numbers { kind, big_endian, shape, fortran }.read(source)
}

/// What NumPy's name of a type means, and whether it is big-endian.
fn element(descr: &str) -> Option<(Kind, bool)> {
    let (order, name) = match descr.as_bytes().first()? {
        b'<' | b'>' | b'|' | b'=' => descr.split_at(1),
        _ => ("=", descr),
    };
    let kind = match name {
        "b1" | "?" => Kind::Bool,
        "u1" => Kind::U8,
        "u2" => Kind::U16,
        "u4" => Kind::U32,
        "u8" => Kind::U64,
        "i1" => Kind::I8,
        "i2" => Kind::I16,
        "i4" => Kind::I32,
        "i8" => Kind::I64,
        "f4" => Kind::F32,
        "f8" => Kind::F64,
        _ => return None,
    };
    let big_endian = order == ">" || (order == "=" && cfg!(target_endian = "big"));
    Some((kind, big_endian))
}

/// The header's three entries.
#[derive(Debug, PartialEq)]
struct Header<'a> {
    descr: &'a str,
    fortran: bool,
    shape: Vec<usize>,
}

/// Where in the header something else was expected, and what.
type Unexpected = (usize, &'static str);

impl<'a> Header<'a> {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, its keys in any order.
    fn parse(text: &'a str) -> Result<Self, Unexpected> {
        let mut literal = Literal { text, at: 0 };
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        literal.expect('{', "`{`")?;
        while !literal.take('}') {
            let at = literal.at;
            let key = literal.string()?;
            literal.expect(':', "`:`")?;
            match key {
                "descr" => descr = Some(literal.string()?),
                "fortran_order" => fortran = Some(literal.truth()?),
                "shape" => shape = Some(literal.tuple()?),
                _ => return Err((at, "one of the keys `descr`, `fortran_order` and `shape`")),
            }
            if !literal.take(',') {
                literal.expect('}', "`,` or `}`")?;
                break;
            }
        }
        if !literal.rest().is_empty() {
            return Err((literal.at, "nothing but spaces after the dictionary"));
        }
        let missing = |key| (literal.at, key);
        Ok(Header {
            descr: descr.ok_or(missing("the key `descr`"))?,
            fortran: fortran.ok_or(missing("the key `fortran_order`"))?,
            shape: shape.ok_or(missing("the key `shape`"))?,
        })
    }
}

/// What is left to read of a Python literal.
struct Literal<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Literal<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    fn take(&mut self, token: char) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, token: char, name: &'static str) -> Result<(), Unexpected> {
        if self.take(token) { Ok(()) } else { Err((self.at, name)) }
    }

    fn string(&mut self) -> Result<&'a str, Unexpected> {
        let quote = if self.take('\'') {
            '\''
        } else if self.take('"') {
            '"'
        } else {
            return Err((self.at, "a string"));
        };
        let text = &self.text[self.at..];
        let end = text.find(quote).ok_or((self.at, "the end of a string"))?;
        self.at += end + 1;
        Ok(&text[..end])
    }

    fn truth(&mut self) -> Result<bool, Unexpected> {
        let rest = self.rest();
        for (word, truth) in [("True", true), ("False", false)] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(truth);
            }
        }
        Err((self.at, "True or False"))
    }

    fn tuple(&mut self) -> Result<Vec<usize>, Unexpected> {
        let mut sizes = Vec::new();
        self.expect('(', "`(`")?;
        while !self.take(')') {
            let rest = self.rest();
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            sizes.push(rest[..digits].parse().map_err(|_| (self.at, "a size"))?);
            self.at += digits;
            // Python 2 wrote long integers so.
            self.take('L');
            if !self.take(',') {
                self.expect(')', "`,` or `)`")?;
                break;
            }
        }
        Ok(sizes)
    }
}

/// An element type that can be written.
pub trait Element: Copy + private::Sealed {
    /// NumPy's name of the type, little-endian.
    const DESCR: &'static str;

    /// Writes the element, little-endian.
    ///
    /// # Errors
    /// Those of `out`.
    fn write(self, out: &mut dyn Write) -> std::io::Result<()>;
}

mod private {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($type:ty: $descr:literal),*) => {$(
        impl private::Sealed for $type {}

        impl Element for $type {
            const DESCR: &'static str = $descr;

            fn write(self, out: &mut dyn Write) -> std::io::Result<()> {
                out.write_all(&self.to_le_bytes())
            }
        }
    )*};
}
elements!(f32: "<f4", f64: "<f8", u8: "|u1", i32: "<i4", i64: "<i8", u32: "<u4", u64: "<u8");

/// Writes an array as a `.npy` file of version 1, in C order, whole or not at all.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("predictions.npy");
/// use thinnet::data::formats::npy;
///
/// let predictions = ndarray::array![[0.9_f32, 0.1], [0.2, 0.8]];
/// npy::write(&path, &predictions)?;
/// assert_eq!(npy::read(&path)?.into_f32(), predictions.into_dyn());
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] with what the operating system says.
pub fn write<T: Element, S: Data<Elem = T>, D: Dimension>(
    path: impl AsRef<Path>,
    array: &ArrayBase<S, D>,
) -> Result<()> {
    write_whole(path, |out| {
        out.write_all(&header(T::DESCR, array.shape()))?;
        array.iter().try_for_each(|element| element.write(out))
    })
}

/// Writes an array of a known shape part by part, in C order, so that it need not lie in memory: `fill` is given what
/// writes the next elements. The file appears when all are there, or not at all.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("samples.npy");
/// use thinnet::data::formats::npy;
///
/// npy::write_parts(&path, &[2, 3], |write| {
///     write(&[1.0_f32, 2.0, 3.0])?;
///     write(&[4.0, 5.0, 6.0])
/// })?;
/// let whole = ndarray::array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// assert_eq!(npy::read(&path)?.into_f32(), whole.into_dyn());
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// Those of `fill`; [`Error::Io`] with what the operating system says; [`Error::Data`] where `fill`
/// writes another number of elements than the shape has.
pub fn write_parts<T: Element>(
    path: impl AsRef<Path>,
    shape: &[usize],
    fill: impl FnOnce(&mut dyn FnMut(&[T]) -> Result<()>) -> Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let (expected, mut written) = (shape.iter().product::<usize>(), 0);
    let mut outcome = Ok(());
    let file = write_whole(path, |out| {
        out.write_all(&header(T::DESCR, shape))?;
        outcome = fill(&mut |part| {
            written += part.len();
            part.iter().try_for_each(|element| element.write(out)).map_err(Error::io("write", path))
        });
        if outcome.is_ok() && written != expected {
            let message = format!("expected {expected} elements for shape {shape:?}, got {written}");
            outcome = Err(Error::Data(message));
        }
        // Whatever it was, the file must not appear.
        if outcome.is_err() { Err(std::io::Error::other("not complete")) } else { Ok(()) }
    });
    outcome.and(file)
}

/// All that comes before the elements: a multiple of 64 bytes.
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    // Python needs the comma in a tuple of one.
    let sizes: String = match shape {
        [size] => format!("{size},"),
        _ => shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let unpadded = MAGIC.len() + 4 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    // An array has far fewer axes than would make this overflow.
    let length = u16::try_from(text.len()).expect("a header is short");
    [&MAGIC[..], &[1, 0], &length.to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, array};
    use proptest::prelude::*;

    fn file(version: u8, header: &str, elements: &[u8]) -> Vec<u8> {
        let length = header.len() as u32;
        let length = if version == 1 { &length.to_le_bytes()[..2] } else { &length.to_le_bytes()[..] };
        [&MAGIC[..], &[version, 0], length, header.as_bytes(), elements].concat()
    }

    fn message(bytes: &[u8]) -> String {
        from_bytes("x.npy", bytes).unwrap_err().to_string()
    }

    #[test]
    fn every_version_type_and_byte_order_is_read() {
        let expected = AnyArray::I64(array![1, -2].into_dyn());
        for (descr, elements) in [
            ("<i2", vec![1, 0, 254, 255]),
            (">i2", vec![0, 1, 255, 254]),
            ("|i1", vec![1, 254]),
            ("<i4", [1_i32.to_le_bytes(), (-2_i32).to_le_bytes()].concat()),
            (">i8", [1_i64.to_be_bytes(), (-2_i64).to_be_bytes()].concat()),
        ] {
            for version in 1..=3 {
                let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2,), }}   \n");
                assert_eq!(from_bytes("x.npy", &file(version, &header, &elements)).unwrap(), expected);
            }
        }
        let read = |descr: &str, elements: &[u8]| {
            let header = format!("{{'shape': (2,), 'fortran_order': False, 'descr': '{descr}'}}");
            from_bytes("x.npy", &file(1, &header, elements)).unwrap()
        };
        assert_eq!(read("|b1", &[0, 1]), AnyArray::U8(array![0, 1].into_dyn()));
        assert_eq!(read(">u2", &[0, 1, 255, 255]), AnyArray::I64(array![1, 65535].into_dyn()));
        let doubles = [1.5_f64.to_be_bytes(), (-2.0_f64).to_be_bytes()].concat();
        assert_eq!(read(">f8", &doubles), AnyArray::F32(array![1.5, -2.0].into_dyn()));
    }

    #[test]
    fn fortran_order_is_turned_into_standard_order() {
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
        let array = from_bytes("x.npy", &file(1, header, &[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(array, AnyArray::U8(array![[1, 2, 3], [4, 5, 6]].into_dyn()));
        let AnyArray::U8(array) = array else { unreachable!() };
        assert!(array.is_standard_layout());
    }

    #[test]
    fn what_is_written_is_numpys_own_form() {
        // python -c "import numpy, io; b = io.BytesIO(); numpy.save(b, numpy.float32([[1, 2]])); print(b.getvalue())"
        let header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
        let mut expected = header.to_vec();
        expected.resize(127, b' ');
        expected.push(b'\n');
        expected.extend([0, 0, 128, 63, 0, 0, 0, 64]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        write(&path, &array![[1.0_f32, 2.0]]).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), expected);
    }

    #[test]
    fn shapes_of_any_rank_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        for shape in [vec![], vec![0], vec![5], vec![2, 3], vec![2, 0, 3], vec![2, 1, 3, 1]] {
            let array = Array::from_shape_fn(shape, |index| index.as_array_view().sum() as i64);
            write(&path, &array).unwrap();
            assert_eq!(read(&path).unwrap(), AnyArray::I64(array));
        }
        let transposed = array![[1_u8, 2, 3], [4, 5, 6]].reversed_axes();
        write(&path, &transposed).unwrap();
        assert_eq!(read(&path).unwrap(), AnyArray::U8(transposed.into_dyn()));
    }

    #[test]
    fn parts_that_are_not_the_whole_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let short = write_parts(&path, &[2, 2], |write| write(&[1_u8, 2, 3])).unwrap_err().to_string();
        assert_eq!(short, "expected 4 elements for shape [2, 2], got 3");
        let stopped = write_parts::<u8>(&path, &[2, 2], |_| Err(Error::Interrupted));
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let nowhere = write_parts(folder.path().join("none/x.npy"), &[1], |write| write(&[1_u8]));
        assert!(nowhere.unwrap_err().to_string().contains("none/x.npy"));
        write_parts(&path, &[2, 1, 2], |write| [[1_u8, 2], [3, 4]].iter().try_for_each(|part| write(part)))
            .unwrap();
        assert_eq!(read(&path).unwrap(), AnyArray::U8(array![[[1, 2]], [[3, 4]]].into_dyn()));
    }

    #[test]
    fn malformed_files_are_told_by_offset_and_expectation() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
        for (bytes, expected) in [
            (b"PK\x03\x04....".to_vec(), "byte 0: expected a .npy file (\\x93NUMPY), got something else"),
            (file(4, header, &[]), "byte 6: expected .npy version 1, 2 or 3, got 4.0"),
            (
                file(1, header, &[0; 11]),
                "byte 67: expected 12 bytes of f32 values (3), the data end after 11",
            ),
            (file(1, header, &[0; 13]), "byte 79: expected the end of the data, more follows"),
            (file(1, "{'descr': <f4}", &[]), "byte 20: expected a string in the header"),
            (file(1, "{'shape': (-1,)}", &[]), "byte 21: expected a size in the header"),
            (file(1, "{'shape': ()}", &[]), "byte 23: expected the key `descr` in the header"),
            (
                file(1, &header.replace("<f4", "<c8"), &[]),
                "byte 10: elements of type `<c8` are not supported: convert them to one of float32, float64, int8 \
                 to int64, uint8 to uint64 and bool",
            ),
            (
                file(2, &header.replace("3,", "1152921504606846976, 8"), &[]),
                "byte 89: an array of 1152921504606846976 × 8 elements is larger than any file",
            ),
        ] {
            assert_eq!(message(&bytes), format!("x.npy: {expected}"));
        }
    }

    proptest! {
        #[test]
        fn any_header_is_an_array_or_an_error(header in "[{}()',: a-z0-9<>|L\\PC]{0,60}", version in 0..5_u8) {
            let _ = from_bytes("x.npy", &file(version, &header, &[0; 8]));
        }

        #[test]
        fn truncated_files_are_errors_and_mutated_ones_an_array_or_an_error(
            cut in 0..160_usize, at in 0..160_usize, value in any::<u8>(),
        ) {
            let mut bytes = [&header("<f8", &[2, 2])[..], &[7; 32]].concat();
            prop_assert!(from_bytes("x.npy", &bytes[..cut.min(159)]).is_err());
            bytes[at] = value;
            let _ = from_bytes("x.npy", &bytes);
        }
    }
}
