//! NumPy's `.npz`: several arrays in a zip archive, stored (`numpy.savez`) or deflated (`numpy.savez_compressed`).

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::CrcReader;
use flate2::bufread::DeflateDecoder;

use super::{Source, npy};
use crate::data::AnyArray;
use crate::error::{Error, Result};

/// An archive of arrays.
///
/// ```no_run
/// let mut archive = thinnet::data::formats::npz::Npz::open("boston.npz")?;
/// println!("{:?}", archive.names().collect::<Vec<_>>());
/// let (x, y) = (archive.read("x")?, archive.read("y")?);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Debug)]
pub struct Npz {
    path: PathBuf,
    file: BufReader<File>,
    members: Vec<Member>,
}

/// An entry of the central directory.
#[derive(Clone, Debug)]
struct Member {
    /// Without `.npy`.
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    /// Where its local header begins.
    offset: u64,
}

const END: [u8; 4] = *b"PK\x05\x06";
const END_64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const END_64: [u8; 4] = *b"PK\x06\x06";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// The length of the end record without its comment.
const END_LENGTH: u64 = 22;
/// Its comment's length is 16 bits.
const LONGEST_COMMENT: u64 = u16::MAX as u64;
/// An archive of arrays with a directory longer than this is damaged.
const LONGEST_DIRECTORY: u64 = 1 << 28;

impl Npz {
    /// Opens an archive and reads its directory.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read, [`Error::File`] where it is not a zip archive.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let file = File::open(&path).map_err(Error::io("read", &path))?;
        let mut archive = Self { path, file: BufReader::new(file), members: Vec::new() };
        archive.members = archive.directory()?;
        Ok(archive)
    }

    /// The arrays' names, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// Reads an array.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is no array of that name, [`Error::File`] where it is damaged or packed in a way
    /// that NumPy does not use.
    pub fn read(&mut self, name: &str) -> Result<AnyArray> {
        match self.members.iter().find(|member| member.name == name) {
            Some(member) => self.member(&member.clone()),
            None => Err(Error::unknown("array", name, self.names())),
        }
    }

    /// Reads the array of an archive that has one.
    ///
    /// # Errors
    /// As [`read`](Self::read), and where there is none or more than one.
    pub fn read_only_one(&mut self) -> Result<AnyArray> {
        match &self.members[..] {
            [member] => self.member(&member.clone()),
            [] => Err(Error::file(&self.path, "the archive holds no array")),
            _ => {
                let names = self.names().collect::<Vec<_>>().join(", ");
                let hint = format!("{}:NAME", self.path.display());
                Err(Error::file(&self.path, format!("holds several arrays ({names}): say which, as {hint}")))
            }
        }
    }

    fn member(&mut self, member: &Member) -> Result<AnyArray> {
        let start = member.offset;
        let header: [u8; 30] = self.at(start, 30, "a local header")?.try_into().expect("30 bytes");
        if header[..4] != LOCAL {
            return Err(self.error(start, "expected a local header (PK 03 04)"));
        }
        if member.flags & 1 != 0 {
            return Err(self.error(start, format!("array `{}` is encrypted", member.name)));
        }
        let skipped = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let begin = start + 30 + skipped;
        self.seek(SeekFrom::Start(begin))?;

        let packed = self.file.by_ref().take(member.packed);
        let unpacked: Box<dyn BufRead + '_> = match member.method {
            0 => Box::new(packed),
            8 => Box::new(BufReader::new(DeflateDecoder::new(packed))),
            other => {
                let message = format!("expected stored or deflated arrays (0 or 8), got method {other}");
                return Err(self.error(start, message));
            }
        };
        let mut checked = CrcReader::new(unpacked);
        let within = format!("array `{}`", member.name);
        let array = npy::parse(&mut Source::new(&self.path, &mut checked, None).within(within))?;
        let sum = checked.crc().sum();
        drop(checked);
        if sum != member.crc {
            return Err(self
                .error(begin, format!("array `{}` does not have its checksum: it is damaged", member.name)));
        }
        Ok(array)
    }

    /// Reads the central directory, which the end record points to.
    fn directory(&mut self) -> Result<Vec<Member>> {
        let length = self.seek(SeekFrom::End(0))?;
        let tail_start = length.saturating_sub(END_LENGTH + LONGEST_COMMENT);
        let tail = self.at(tail_start, length - tail_start, "the end record")?;
        let place = tail.windows(END_LENGTH as usize).rposition(|window| window[..4] == END);
        let Some(place) = place else {
            return Err(self
                .error(length, "expected a zip archive, found no end record: not an archive, or cut short"));
        };
        let end = &tail[place..];
        let (mut size, mut start) = (u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
        let locator = (tail_start + place as u64).checked_sub(20);
        if let Some(locator) = locator {
            let locator = self.at(locator, 20, "the end record's locator")?;
            if locator[..4] == END_64_LOCATOR {
                let end = self.at(u64_at(&locator, 8), 56, "the 64-bit end record")?;
                if end[..4] != END_64 {
                    return Err(self.error(u64_at(&locator, 8), "expected a 64-bit end record (PK 06 06)"));
                }
                (size, start) = (u64_at(&end, 40), u64_at(&end, 48));
            }
        }
        if size > LONGEST_DIRECTORY || start.checked_add(size).is_none_or(|end| end > length) {
            return Err(
                self.error(start, format!("expected a directory of {size} bytes, the file has {length}"))
            );
        }
        let bytes = self.at(start, size, "the directory")?;
        let mut members = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let offset = start + (bytes.len() - rest.len()) as u64;
            let (member, length) = Member::parse(rest).map_err(|message| self.error(offset, message))?;
            members.extend(member);
            rest = &rest[length..];
        }
        Ok(members)
    }

    fn at(&mut self, offset: u64, length: u64, what: &str) -> Result<Vec<u8>> {
        self.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        self.file.by_ref().take(length).read_to_end(&mut bytes).map_err(Error::io("read", &self.path))?;
        if (bytes.len() as u64) < length {
            let message = format!("expected {length} bytes of {what}, the file ends after {}", bytes.len());
            return Err(self.error(offset, message));
        }
        Ok(bytes)
    }

    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        match to {
            SeekFrom::Start(offset) if i64::try_from(offset).is_err() => {
                Err(self.error(offset, "expected an offset within the file"))
            }
            _ => self.file.seek(to).map_err(Error::io("read", &self.path)),
        }
    }

    fn error(&self, offset: u64, message: impl std::fmt::Display) -> Error {
        Error::file(&self.path, format!("byte {offset}: {message}"))
    }
}

impl Member {
    /// The entry that `bytes` begin with, unless it is not an array's, and its length.
    fn parse(bytes: &[u8]) -> Result<(Option<Self>, usize), String> {
        if bytes.len() < 46 || bytes[..4] != CENTRAL {
            return Err("expected an entry of the directory (PK 01 02)".to_owned());
        }
        let [name_length, extra_length, comment_length] =
            [28, 30, 32].map(|at| usize::from(u16_at(bytes, at)));
        let length = 46 + name_length + extra_length + comment_length;
        if bytes.len() < length {
            return Err(format!(
                "expected an entry of {length} bytes, the directory ends after {}",
                bytes.len()
            ));
        }
        let name = String::from_utf8_lossy(&bytes[46..46 + name_length]);
        let Some(name) = name.strip_suffix(".npy") else { return Ok((None, length)) };
        let mut member = Self {
            name: name.to_owned(),
            flags: u16_at(bytes, 8),
            method: u16_at(bytes, 10),
            crc: u32_at(bytes, 16),
            packed: u64::from(u32_at(bytes, 20)),
            offset: u64::from(u32_at(bytes, 42)),
        };
        let extra = &bytes[46 + name_length..][..extra_length];
        member.widen(u32_at(bytes, 24), extra).ok_or("expected 64-bit sizes in the entry's extra field")?;
        Ok((Some(member), length))
    }

    /// Takes what did not fit into 32 bits from the extra field, where it stands in this order: unpacked size, packed
    /// size, offset; each only where its 32-bit field is full.
    fn widen(&mut self, unpacked: u32, mut extra: &[u8]) -> Option<()> {
        let full = u64::from(u32::MAX);
        if unpacked != u32::MAX && self.packed != full && self.offset != full {
            return Some(());
        }
        loop {
            let (head, rest) = extra.split_at_checked(4)?;
            let (field, rest) = rest.split_at_checked(usize::from(u16_at(head, 2)))?;
            if u16_at(head, 0) != 1 {
                extra = rest;
                continue;
            }
            let mut wide = field.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
            if unpacked == u32::MAX {
                wide.next()?;
            }
            for narrow in [&mut self.packed, &mut self.offset] {
                if *narrow == full {
                    *narrow = wide.next()?;
                }
            }
            return Some(());
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// The archive and the array's name in `FILE.npz:NAME`.
pub(crate) fn split_path(path: &str) -> Option<(&str, &str)> {
    let (archive, name) = path.rsplit_once(':')?;
    archive.to_lowercase().ends_with(".npz").then_some((archive, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    /// Made with NumPy: `numpy.savez("stored.npz", x=numpy.float32([[1, 2], [3, 4]]), y=numpy.int64([0, 1]))` and
    /// `numpy.savez_compressed` of the same.
    const STORED: &[u8] = include_bytes!("../../../tests/data/stored.npz");
    const DEFLATED: &[u8] = include_bytes!("../../../tests/data/deflated.npz");

    fn with_archive<T>(bytes: &[u8], test: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("arrays.npz");
        std::fs::write(&path, bytes).unwrap();
        test(&path)
    }

    /// Everything in the archive.
    fn read_all(path: &Path) -> Result<Vec<AnyArray>> {
        let mut archive = Npz::open(path)?;
        let names: Vec<String> = archive.names().map(str::to_owned).collect();
        names.iter().map(|name| archive.read(name)).collect()
    }

    #[test]
    fn stored_and_deflated_archives_of_numpy_are_read() {
        for bytes in [STORED, DEFLATED] {
            with_archive(bytes, |path| {
                let mut archive = Npz::open(path).unwrap();
                assert_eq!(archive.names().collect::<Vec<_>>(), ["x", "y"]);
                let x = AnyArray::F32(array![[1.0, 2.0], [3.0, 4.0]].into_dyn());
                assert_eq!(archive.read("x").unwrap(), x);
                assert_eq!(archive.read("y").unwrap(), AnyArray::I64(array![0, 1].into_dyn()));
                assert_eq!(archive.read("z").unwrap_err().to_string(), "unknown array `z`: known are x, y");
                let several = archive.read_only_one().unwrap_err().to_string();
                assert!(several.contains("holds several arrays (x, y): say which"), "{several}");
                let by_name = crate::data::load_array(format!("{}:x", path.display())).unwrap();
                assert_eq!(by_name, x);
            });
        }
    }

    #[test]
    fn damage_is_told_by_the_checksum() {
        let mut bytes = STORED.to_vec();
        let one = 1.0_f32.to_le_bytes();
        let place = bytes.windows(4).position(|window| window == one).unwrap();
        bytes[place + 3] ^= 1;
        let message = with_archive(&bytes, |path| read_all(path).unwrap_err().to_string());
        assert!(message.ends_with("array `x` does not have its checksum: it is damaged"), "{message}");
    }

    #[test]
    fn sizes_beyond_32_bits_come_from_the_extra_field() {
        let narrow = Member {
            name: "x".to_owned(),
            flags: 0,
            method: 0,
            crc: 0,
            packed: u64::from(u32::MAX),
            offset: u64::from(u32::MAX),
        };
        let wide = [&[9, 9, 1, 0, 7][..], &[1, 0, 24, 0], &[1; 8], &[2; 8], &[3; 8]].concat();
        let mut member = narrow.clone();
        member.widen(u32::MAX, &wide).unwrap();
        assert_eq!(member.packed, 0x0202_0202_0202_0202);
        assert_eq!(member.offset, 0x0303_0303_0303_0303);
        assert!(narrow.clone().widen(u32::MAX, &wide[..20]).is_none());
    }

    #[test]
    fn what_is_no_archive_is_told() {
        let message = with_archive(b"not an archive", |path| read_all(path).unwrap_err().to_string());
        assert!(message.ends_with("found no end record: not an archive, or cut short"), "{message}");
    }

    proptest! {
        #[test]
        fn truncated_archives_are_errors(cut in 0..10_000_usize, deflated: bool) {
            let bytes = if deflated { DEFLATED } else { STORED };
            prop_assert!(with_archive(&bytes[..cut % bytes.len()], |path| read_all(path).is_err()));
        }

        #[test]
        fn mutated_archives_are_arrays_or_errors(
            changes in proptest::collection::vec((0..10_000_usize, any::<u8>()), 1..4), deflated: bool,
        ) {
            let mut bytes = if deflated { DEFLATED } else { STORED }.to_vec();
            for (at, value) in changes {
                let length = bytes.len();
                bytes[at % length] = value;
            }
            let _ = with_archive(&bytes, read_all);
        }
    }
}
