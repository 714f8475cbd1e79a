//! Data sets whose files come together in an archive.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;

use super::OnProgress;
use super::catalogue::{Archive, Entry, Origin};
use super::store::{Fetched, Store, Verified};
use crate::data::formats::Source;
use crate::error::{Error, Result};
use crate::files::write_whole;

/// Beside the files that were unpacked from the published archive: their MD5 sums, in the form of `md5sum`.
const SUMS: &str = "MD5SUMS";
/// Checksums are published for the archive only.
const UNCOMPARED: &str = "right format, but not known to be the published bytes";

/// A file that was unpacked, here or by the user.
pub(super) struct Unpacked {
    pub(super) path: PathBuf,
    /// Its MD5 sum as it came out of the published archive; `None` in a copy of the user's own.
    pub(super) md5: Option<String>,
}

impl Store {
    /// Whether a data set is here only as a copy of which nothing but the format can be checked: one that was not
    /// unpacked from the published archive by [`fetch`](Self::fetch).
    ///
    /// # Errors
    /// As [`has`](Self::has).
    pub fn is_own_copy(&self, entry: &Entry) -> Result<bool> {
        let Origin::Archive { archive, .. } = &entry.origin else { return Ok(false) };
        Ok(self.unpacked(entry, archive)?.is_some_and(|folder| !folder.join(SUMS).is_file()))
    }

    /// The folder that has all files of the archive.
    pub(super) fn unpacked(&self, entry: &Entry, archive: &Archive) -> Result<Option<PathBuf>> {
        // The archive is still there where unpacking it was cut off.
        let complete = |folder: &PathBuf| {
            archive.files.iter().all(|file| folder.join(file.name).is_file())
                && !self
                    .packed(archive)
                    .is_some_and(|packed| packed.parent() == Some(folder) && packed.is_file())
        };
        Ok(self.folders(entry)?.into_iter().find(complete))
    }

    /// Where the archive is put.
    fn packed(&self, archive: &Archive) -> Option<PathBuf> {
        self.cache.as_ref().map(|cache| cache.join(archive.folder).join(archive.name))
    }

    /// The archive's files, downloaded and unpacked if need be.
    pub(super) fn obtain_unpacked(
        &self,
        entry: &Entry,
        archive: &Archive,
        progress: OnProgress<'_>,
    ) -> Result<Vec<Fetched>> {
        let in_folder = |folder: &Path, downloaded| {
            let fetched = |name| Fetched { path: folder.join(name), downloaded };
            archive.files.iter().map(|file| fetched(file.name)).collect()
        };
        if let Some(folder) = self.unpacked(entry, archive)? {
            return Ok(in_folder(&folder, false));
        }
        let packed = match self.packed(archive) {
            Some(packed) if is_published(archive, &packed)? => packed,
            _ => self.download(entry, (archive.name, archive.bytes, archive.md5), progress)?,
        };
        let folder = packed.parent().unwrap_or(Path::new("."));
        unpack(archive, &packed, folder)?;
        fs::remove_file(&packed).map_err(Error::io("remove", &packed))?;
        Ok(in_folder(folder, true))
    }

    /// The archive's files with the sums that they must have.
    pub(super) fn unpacked_files(
        &self,
        entry: &Entry,
        archive: &Archive,
        progress: OnProgress<'_>,
    ) -> Result<Vec<Unpacked>> {
        let files = self.obtain_unpacked(entry, archive, progress)?;
        let folder = files.first().and_then(|file| file.path.parent()).unwrap_or(Path::new("."));
        let mut sums = read_sums(folder)?;
        let with_sum =
            |(path, name)| Unpacked { path, md5: sums.as_mut().and_then(|sums| sums.remove(name)) };
        Ok(files
            .into_iter()
            .map(|file| file.path)
            .zip(archive.files.iter().map(|file| file.name))
            .map(with_sum)
            .collect())
    }

    /// Compares the archive's files with what was in it, or checks the format of those that did not come from it.
    pub(super) fn verify_unpacked(&self, entry: &Entry, archive: &Archive) -> Result<Vec<Verified>> {
        let folder = self.unpacked(entry, archive)?;
        let sums = folder.as_deref().map(read_sums).transpose()?.flatten();
        let verified = |file: &super::ArchivedFile| {
            let path = folder.as_ref().map(|folder| folder.join(file.name));
            let sum = sums.as_ref().and_then(|sums| sums.get(file.name));
            let checked = match (&path, sum) {
                (None, _) => Err("missing".to_owned()),
                (Some(path), Some(sum)) => compare(path, sum).map(|()| None),
                (Some(path), None) => {
                    (archive.check)(file, path).map(|()| Some(UNCOMPARED.to_owned())).map_err(said)
                }
            };
            let (note, problem) = match checked {
                Ok(note) => (note, None),
                Err(problem) => (None, Some(problem)),
            };
            Verified { file: file.name.to_owned(), path, problem, note }
        };
        Ok(archive.files.iter().map(verified).collect())
    }

    /// Removes from the cache what is not as it should be.
    pub(super) fn remove_damaged(&self, entry: &Entry, archive: &Archive) -> Result<()> {
        for file in self.verify_unpacked(entry, archive)? {
            if let Verified { path: Some(path), problem: Some(_), .. } = file
                && self.cache.as_ref().is_some_and(|cache| path.starts_with(cache))
            {
                fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            }
        }
        Ok(())
    }
}

/// Whether a file is there and is the published archive.
fn is_published(archive: &Archive, path: &Path) -> Result<bool> {
    if !path.is_file() {
        return Ok(false);
    }
    let contents = fs::read(path).map_err(Error::io("read", path))?;
    Ok(format!("{:x}", md5::compute(contents)) == archive.md5)
}

/// Unpacks the files that are read into a folder, and writes their sums once all are there.
fn unpack(archive: &Archive, packed: &Path, folder: &Path) -> Result<()> {
    let damaged = |error: std::io::Error| Error::file(packed, format!("cannot be unpacked: {error}"));
    let file = File::open(packed).map_err(Error::io("read", packed))?;
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::with_capacity(1 << 16, file)));
    let mut sums = HashMap::new();
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        let wanted = |file: &&super::ArchivedFile| path == Path::new(archive.folder).join(file.name);
        let Some(file) = archive.files.iter().find(wanted) else { continue };
        if entry.size() != file.bytes {
            let (path, bytes, size) = (path.display(), file.bytes, entry.size());
            return Err(Error::file(packed, format!("{path}: expected {bytes} bytes, got {size}")));
        }
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).map_err(damaged)?;
        sums.insert(file.name, format!("{:x}", md5::compute(&contents)));
        write_whole(folder.join(file.name), |out| out.write_all(&contents))?;
    }
    if let Some(absent) = archive.files.iter().find(|file| !sums.contains_key(file.name)) {
        return Err(Error::file(packed, format!("expected a file {}/{}", archive.folder, absent.name)));
    }
    write_whole(folder.join(SUMS), |out| {
        archive.files.iter().try_for_each(|file| writeln!(out, "{}  {}", sums[file.name], file.name))
    })
}

/// The sums in a folder, by file, where there are any.
fn read_sums(folder: &Path) -> Result<Option<HashMap<String, String>>> {
    let path = folder.join(SUMS);
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    let line = |line: &str| {
        let (sum, name) = line.split_once("  ")?;
        Some((name.to_owned(), sum.to_owned()))
    };
    let malformed = || Error::file(&path, "expected lines of an MD5 sum, two spaces and a name");
    text.lines().map(line).collect::<Option<_>>().map(Some).ok_or_else(malformed)
}

fn compare(path: &Path, expected: &str) -> Result<(), String> {
    match Source::open(path).and_then(Source::md5).map_err(said)? {
        found if found == expected => Ok(()),
        found => Err(format!("expected contents of MD5 {expected}, got {found}")),
    }
}

/// What is wrong, without the file that it is about.
fn said(error: Error) -> String {
    match error {
        Error::File { message, .. } => message,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::cifar::{self, Labels};
    use super::super::test_server::{Server, direct_curl, good, has_curl, response};
    use super::super::{Archive, ArchivedFile};
    use super::*;
    use crate::data::Targets;

    const LABELS: Labels = &[("label", 10)];
    const RECORD: usize = 3073;
    const FILES: &[ArchivedFile] = &[
        ArchivedFile { name: "one.bin", bytes: 2 * RECORD as u64 },
        ArchivedFile { name: "two.bin", bytes: 3 * RECORD as u64 },
        ArchivedFile { name: "test.bin", bytes: RECORD as u64 },
    ];

    fn contents(file: &ArchivedFile) -> Vec<u8> {
        cifar::tests::file(LABELS, file.bytes as usize / RECORD)
    }

    /// A gzipped tar file with a file that nobody wants in it.
    fn archive(files: &[ArchivedFile]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut append = |name: &str, contents: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(contents.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("tiny-bin/{name}"), contents).unwrap();
        };
        append("readme.html", b"<html>");
        files.iter().for_each(|file| append(file.name, &contents(file)));
        tar.into_inner().unwrap().finish().unwrap()
    }

    /// A catalogue entry for an archive; it lives as long as the tests.
    fn entry(archive: &[u8]) -> Entry {
        Entry {
            name: "tiny",
            description: "a few pictures",
            sample: &[32, 32, 3],
            train: 5,
            test: 1,
            class_names: &["a", "b", "c"],
            source: "this file",
            licence: "none",
            origin: Origin::Archive {
                mirrors: &[],
                archive: Archive {
                    name: "tiny.tar.gz",
                    bytes: archive.len() as u64,
                    md5: Box::leak(format!("{:x}", md5::compute(archive)).into()),
                    folder: "tiny-bin",
                    files: FILES,
                    check: |file, path| cifar::check(LABELS, file, path),
                },
            },
            load: |entry, store, progress| {
                cifar::load(entry, store, (LABELS, 0), entry.class_names, progress)
            },
        }
    }

    fn server(archive: Vec<u8>) -> Server {
        Server::start(move |request| match request.path.as_str() {
            "/tiny-bin/tiny.tar.gz" => good(&archive, request),
            _ => response("404 Not Found", b""),
        })
    }

    fn store(cache: &Path, mirror: &str) -> Store {
        let mut store = Store::new(cache).mirror(mirror);
        store.curl = direct_curl;
        store
    }

    /// What is wrong with each file, and what is said of it otherwise.
    fn verified(store: &Store, entry: &Entry) -> Vec<(Option<String>, Option<String>)> {
        store.verify_files(entry).unwrap().into_iter().map(|file| (file.problem, file.note)).collect()
    }

    #[test]
    fn an_archive_is_downloaded_and_unpacked_once() {
        if !has_curl("archive::an_archive_is_downloaded_and_unpacked_once") {
            return;
        }
        let packed = archive(FILES);
        let (cache, entry) = (tempfile::tempdir().unwrap(), entry(&packed));
        let server = server(packed);
        let store = store(cache.path(), &server.url);
        assert!(!store.has(&entry).unwrap());
        for _ in 0..2 {
            let tiny = (entry.load)(&entry, &store, &mut |_| ()).unwrap();
            let Targets::Classes(labels) = &tiny.train.y else { panic!("labels are classes") };
            assert_eq!(labels[..], [0, 1, 0, 1, 2]);
            assert_eq!((tiny.train.len(), tiny.test.len()), (5, 1));
        }
        assert!(store.has(&entry).unwrap() && !store.is_own_copy(&entry).unwrap());
        assert_eq!(verified(&store, &entry), [const { (None, None) }; 3]);
        assert_eq!(server.requests().len(), 1);
        let mut names: Vec<_> = fs::read_dir(cache.path().join("tiny-bin")).unwrap().collect();
        names.sort_by_key(|file| file.as_ref().unwrap().file_name());
        let names = names.iter().map(|file| file.as_ref().unwrap().file_name().into_string().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["MD5SUMS", "one.bin", "test.bin", "two.bin"]);
    }

    #[test]
    fn what_is_damaged_in_the_cache_is_told_and_had_anew() {
        if !has_curl("archive::what_is_damaged_in_the_cache_is_told_and_had_anew") {
            return;
        }
        let packed = archive(FILES);
        let (cache, entry) = (tempfile::tempdir().unwrap(), entry(&packed));
        let server = server(packed);
        let store = store(cache.path(), &server.url);
        let fetched = store.fetch_entry(&entry, &mut |_| ()).unwrap();
        assert!(fetched.iter().all(|file| file.downloaded));
        let mut bytes = fs::read(&fetched[1].path).unwrap();
        bytes[100] ^= 1;
        fs::write(&fetched[1].path, bytes).unwrap();
        let message = (entry.load)(&entry, &store, &mut |_| ()).unwrap_err().to_string();
        assert!(message.contains("two.bin: expected contents of MD5 "), "{message}");
        let problems: Vec<_> = verified(&store, &entry).iter().map(|file| file.0.is_some()).collect();
        assert_eq!(problems, [false, true, false]);
        store.fetch_entry(&entry, &mut |_| ()).unwrap();
        assert_eq!(verified(&store, &entry), [const { (None, None) }; 3]);
        assert_eq!(server.requests().len(), 2);
    }

    #[test]
    fn an_archive_in_the_cache_is_unpacked_without_the_network() {
        let packed = archive(FILES);
        let (cache, entry) = (tempfile::tempdir().unwrap(), entry(&packed));
        let folder = cache.path().join("tiny-bin");
        fs::create_dir(&folder).unwrap();
        // As after unpacking was cut off: the files may be of any age.
        FILES.iter().for_each(|file| fs::write(folder.join(file.name), contents(file)).unwrap());
        fs::write(folder.join("tiny.tar.gz"), packed).unwrap();
        let store = store(cache.path(), "http://127.0.0.1:1");
        assert!(!store.has(&entry).unwrap());
        assert_eq!((entry.load)(&entry, &store, &mut |_| ()).unwrap().train.len(), 5);
        assert!(!folder.join("tiny.tar.gz").exists() && !store.is_own_copy(&entry).unwrap());
    }

    #[test]
    fn a_copy_with_other_bytes_is_read_and_said_to_be_one() {
        let entry = entry(&archive(FILES));
        let (data, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = data.path().join("tiny-bin");
        fs::create_dir(&folder).unwrap();
        for file in FILES {
            let mut bytes = contents(file);
            bytes[200] ^= 1;
            fs::write(folder.join(file.name), bytes).unwrap();
        }
        let store = store(cache.path(), "http://127.0.0.1:1").data_folder(data.path());
        assert_eq!((entry.load)(&entry, &store, &mut |_| ()).unwrap().train.len(), 5);
        assert!(store.is_own_copy(&entry).unwrap());
        let all = verified(&store, &entry);
        assert!(all.iter().all(|file| *file == (None, Some(UNCOMPARED.to_owned()))), "{all:?}");

        let mut short = contents(&FILES[1]);
        short.pop();
        fs::write(folder.join("two.bin"), short).unwrap();
        let expected = "byte 6146: expected 3073 bytes of image 2, the data end after 3072";
        assert_eq!(verified(&store, &entry)[1], (Some(expected.to_owned()), None));
        let message = (entry.load)(&entry, &store, &mut |_| ()).unwrap_err().to_string();
        assert_eq!(message, format!("{}: {expected}", folder.join("two.bin").display()));
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[test]
    fn offline_the_error_says_which_files_to_put_where() {
        let (cache, entry) = (tempfile::tempdir().unwrap(), entry(&archive(FILES)));
        let mut store = store(cache.path(), "http://127.0.0.1:1/");
        store.curl = || Command::new("/nowhere/curl");
        let message = (entry.load)(&entry, &store, &mut |_| ()).unwrap_err().to_string();
        let expected = format!(
            "data set `tiny` cannot be downloaded (http://127.0.0.1:1/tiny-bin/tiny.tar.gz: downloading needs the \
             program `curl`: install it): put one.bin, two.bin, test.bin, unpacked from \
             http://127.0.0.1:1/tiny-bin/tiny.tar.gz, into {}",
            cache.path().join("tiny-bin").display()
        );
        assert_eq!(message, expected);
    }

    #[test]
    fn an_archive_without_its_files_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.tar.gz");
        let message = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let entry = entry(bytes);
            let Origin::Archive { archive, .. } = &entry.origin else { panic!("an archive") };
            let message = unpack(archive, &path, folder.path()).unwrap_err().to_string();
            message.strip_prefix(&format!("{}: ", path.display())).unwrap().to_owned()
        };
        assert_eq!(message(&archive(&FILES[..2])), "expected a file tiny-bin/test.bin");
        let long = ArchivedFile { name: "one.bin", bytes: 3 * RECORD as u64 };
        assert_eq!(message(&archive(&[long])), "tiny-bin/one.bin: expected 6146 bytes, got 9219");
        let whole = archive(FILES);
        assert!(message(&whole[..whole.len() / 2]).starts_with("cannot be unpacked: "));
        assert!(message(b"no archive").starts_with("cannot be unpacked: "));
        assert!(!folder.path().join(SUMS).exists());
    }
}
