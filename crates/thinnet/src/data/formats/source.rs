//! A file as its parser reads it: forwards, knowing how far it is.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};

/// Bytes that come in order from a file, from a gzip file's contents or from memory.
pub(crate) struct Source<'a> {
    path: PathBuf,
    /// What the bytes are a part of, where that is not the file itself: `the unpacked data`, `member x.npy`.
    within: Option<String>,
    reader: Box<dyn BufRead + 'a>,
    offset: u64,
    /// The bytes still to come, where that is known.
    remaining: Option<u64>,
}

impl<'a> Source<'a> {
    /// A file. What is gzipped is unpacked, whatever the file's name.
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Source<'static>> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::io("read", path))?;
        let metadata = file.metadata().map_err(Error::io("read", path))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let start = reader.fill_buf().map_err(Error::io("read", path))?;
        if start.starts_with(&[0x1f, 0x8b]) {
            let reader = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader));
            return Ok(Source::new(path, reader, None).within("the unpacked data"));
        }
        // The length of a pipe or a device says nothing.
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Source::new(path, reader, length))
    }

    /// Bytes in memory; `path` is for messages.
    pub(crate) fn memory(path: impl AsRef<Path>, bytes: &'a [u8]) -> Self {
        Self::new(path, Cursor::new(bytes), Some(bytes.len() as u64))
    }

    /// What `reader` gives, `remaining` bytes if that is known; `path` is for messages.
    pub(crate) fn new(path: impl AsRef<Path>, reader: impl BufRead + 'a, remaining: Option<u64>) -> Self {
        Self { path: path.as_ref().to_owned(), within: None, reader: Box::new(reader), offset: 0, remaining }
    }

    /// Says in messages what the offset counts in.
    pub(crate) fn within(mut self, part: impl Into<String>) -> Self {
        self.within = Some(part.into());
        self
    }

    /// The file's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The MD5 sum of the contents.
    pub(crate) fn md5(mut self) -> Result<String> {
        let mut sum = md5::Context::new();
        loop {
            let length = match self.reader.fill_buf() {
                Ok([]) => return Ok(format!("{:x}", sum.finalize())),
                Ok(bytes) => {
                    sum.consume(bytes);
                    bytes.len()
                }
                Err(error) => return Err(self.broken(0, error)),
            };
            self.reader.consume(length);
            self.offset += length as u64;
        }
    }

    /// The contents, but no more than the first `most` bytes.
    pub(crate) fn up_to(mut self, most: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self.reader.by_ref().take(most).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.broken(bytes.len() as u64, error)),
        }
    }

    /// An error at the present offset.
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> Error {
        self.error_at(self.offset, message)
    }

    /// An error at an offset.
    pub(crate) fn error_at(&self, offset: u64, message: impl std::fmt::Display) -> Error {
        match &self.within {
            Some(part) => Error::file(&self.path, format!("byte {offset} of {part}: {message}")),
            None => Error::file(&self.path, format!("byte {offset}: {message}")),
        }
    }

    /// The next `N` bytes; `what` they are is for the message.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let bytes = self.bytes(N as u64, what)?;
        Ok(bytes.try_into().expect("as many bytes as asked for"))
    }

    /// The next `len` bytes. Memory grows with what arrives, not with what is asked for.
    pub(crate) fn bytes(&mut self, len: u64, what: &str) -> Result<Vec<u8>> {
        let short = |source: &Self, got: u64| {
            source.error(format!("expected {len} bytes of {what}, the data end after {got}"))
        };
        if let Some(remaining) = self.remaining {
            if len > remaining {
                return Err(short(self, remaining));
            }
            self.remaining = Some(remaining - len);
        }
        let mut bytes = Vec::new();
        if self.remaining.is_some() {
            let room = usize::try_from(len).unwrap_or(usize::MAX);
            bytes.try_reserve_exact(room).map_err(|error| self.error(format!("{what}: {error}")))?;
        }
        let read = self.reader.by_ref().take(len).read_to_end(&mut bytes);
        if let Err(error) = read {
            return Err(self.broken(bytes.len() as u64, error));
        }
        if (bytes.len() as u64) < len {
            return Err(short(self, bytes.len() as u64));
        }
        self.offset += len;
        Ok(bytes)
    }

    /// Makes sure that nothing follows. For packed data this is also what checks their checksum.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.reader.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(self.error("expected the end of the data, more follows")),
            Err(error) => Err(self.broken(0, error)),
        }
    }

    /// An error of the reader itself, `after` some bytes: the disk's, or of what unpacks.
    fn broken(&self, after: u64, error: std::io::Error) -> Error {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            InvalidData | InvalidInput | UnexpectedEof => {
                self.error_at(self.offset + after, format!("the packed data are damaged: {error}"))
            }
            _ => Error::io("read", &self.path)(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(contents: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(contents).unwrap();
        encoder.finish().unwrap()
    }

    fn open(bytes: &[u8]) -> (tempfile::TempDir, Source<'static>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        std::fs::write(&path, bytes).unwrap();
        let source = Source::open(&path).unwrap();
        (folder, source)
    }

    #[test]
    fn gzipped_files_are_unpacked_by_their_contents() {
        for bytes in [b"contents".to_vec(), gzip(b"contents")] {
            let (_folder, mut source) = open(&bytes);
            assert_eq!(source.bytes(8, "test").unwrap(), b"contents");
            source.end().unwrap();
        }
    }

    #[test]
    fn a_claim_beyond_the_end_costs_no_memory() {
        for bytes in [b"contents".to_vec(), gzip(b"contents")] {
            let (_folder, mut source) = open(&bytes);
            let message = source.bytes(1 << 60, "pixels").unwrap_err().to_string();
            assert!(message.ends_with("bytes of pixels, the data end after 8"), "{message}");
        }
    }

    #[test]
    fn a_damaged_gzip_file_is_told_by_its_checksum() {
        let mut bytes = gzip(b"contents");
        let checksum = bytes.len() - 5;
        bytes[checksum] ^= 1;
        let (_folder, mut source) = open(&bytes);
        let read = source.bytes(8, "test").and_then(|_| source.end());
        let message = read.unwrap_err().to_string();
        assert!(message.contains("byte 8 of the unpacked data: the packed data are damaged"), "{message}");
    }

    proptest! {
        #[test]
        fn truncated_gzip_files_are_errors_and_mutated_ones_never_pass_unseen(
            cut in 2..10_000_usize, at in 2..10_000_usize, flip in 1..=255_u8,
        ) {
            let contents: Vec<u8> = (0..=255).cycle().take(1000).collect();
            let read = |bytes: &[u8]| open(bytes).1.up_to(2000);
            let mut bytes = gzip(&contents);
            prop_assert!(read(&bytes[..cut % bytes.len()]).is_err() || cut % bytes.len() < 2);
            let at = at % bytes.len();
            bytes[at] ^= flip;
            // What is changed may be the header's date, or no gzip file any more: but never other contents.
            if let Ok(unpacked) = read(&bytes) && bytes.starts_with(&[0x1f, 0x8b]) {
                prop_assert_eq!(unpacked, contents);
            }
        }
    }
}
