//! Where the files of data sets are, and how they get there.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::OnProgress;
use super::catalogue::{Entry, Origin, RemoteFile, find};
use super::download::{Download, Failure};
use crate::data::Dataset;
use crate::data::formats::Source;
use crate::error::{Error, Result};

/// The folders that hold data sets, and the server that has those which are not here.
///
/// ```
/// use thinnet::datasets::{self, Store};
///
/// let store = Store::from_env();
/// for entry in datasets::list() {
///     println!("{}: {} ({})", entry.name, entry.description, entry.licence);
///     if !store.has(entry)? {
///         println!("  to be downloaded, {} bytes", entry.download_bytes());
///     }
/// }
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) data: Option<PathBuf>,
    pub(super) cache: Option<PathBuf>,
    mirror: Option<String>,
    /// How `curl` is started.
    pub(super) curl: fn() -> Command,
}

/// A file that [`Store::fetch`] made sure of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The file.
    pub path: PathBuf,
    /// Whether it was not there before.
    pub downloaded: bool,
}

/// What [`Store::verify`] found out about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The published file's name.
    pub file: String,
    /// Where it is; `None` where it is missing or part of the program.
    pub path: Option<PathBuf>,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
    /// What is to be said of it where nothing is wrong but its bytes were not compared with the published ones.
    pub note: Option<String>,
}

impl Store {
    /// What the environment says: `THINNET_DATA`, `THINNET_CACHE` and `THINNET_MIRROR`, as described for
    /// [the module](super).
    pub fn from_env() -> Self {
        Self::from_variables(|name| env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn from_variables<V: AsRef<OsStr>>(variable: impl Fn(&str) -> Option<V>) -> Self {
        let folder = |name| variable(name).map(|value| PathBuf::from(value.as_ref()));
        let cache = folder("THINNET_CACHE")
            .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("thinnet")))
            .or_else(|| folder("HOME").map(|home| home.join(".cache/thinnet")))
            .or_else(|| folder("LOCALAPPDATA").map(|cache| cache.join("thinnet")));
        let mirror = variable("THINNET_MIRROR").map(|value| value.as_ref().to_string_lossy().into_owned());
        Self { data: folder("THINNET_DATA"), cache, mirror, curl: || Command::new("curl") }
    }

    /// A store that downloads into a folder and looks nowhere else, whatever the environment says.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self { cache: Some(cache.into()), ..Self::from_variables(|_| None::<&OsStr>) }
    }

    /// Looks first in a folder that already has data sets, as `THINNET_DATA` does. Nothing is ever written there.
    pub fn data_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Downloads from another server, as `THINNET_MIRROR` does: below the URL is a folder for each data set.
    pub fn mirror(mut self, url: impl Into<String>) -> Self {
        self.mirror = Some(url.into());
        self
    }

    /// A data set by its name, downloaded if need be.
    ///
    /// # Errors
    /// As [`datasets::load`](super::load).
    pub fn load(&self, name: &str, progress: OnProgress<'_>) -> Result<Dataset> {
        let entry = find(name)?;
        (entry.load)(entry, self, progress)
    }

    /// Whether all files of a data set are here.
    ///
    /// # Errors
    /// [`Error::Dataset`] where `THINNET_DATA` names no folder.
    pub fn has(&self, entry: &Entry) -> Result<bool> {
        if let Origin::Archive { archive, .. } = &entry.origin {
            return Ok(self.unpacked(entry, archive)?.is_some());
        }
        for file in files(entry) {
            if self.locate(entry, file)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes sure that all files of a data set are here: downloads what is missing, and what is damaged in the cache anew.
    /// The files in their published order; none where the data set is part of the program.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an unknown name; [`Error::Dataset`] where a file can be had nowhere, with what to put where;
    /// [`Error::Io`] where the cache cannot be written.
    pub fn fetch(&self, name: &str, progress: OnProgress<'_>) -> Result<Vec<Fetched>> {
        let entry = find(name)?;
        self.fetch_entry(entry, progress)
    }

    pub(super) fn fetch_entry(&self, entry: &Entry, progress: OnProgress<'_>) -> Result<Vec<Fetched>> {
        if let Origin::Archive { archive, .. } = &entry.origin {
            self.remove_damaged(entry, archive)?;
            return self.obtain_unpacked(entry, archive, progress);
        }
        for file in files(entry) {
            if let Some(path) = self.locate(entry, file)?
                && self.cache.as_ref().is_some_and(|cache| path.starts_with(cache))
                && problem(file, &path).is_some()
            {
                std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            }
        }
        self.obtain(entry, progress)
    }

    /// Compares a data set's files, or what is part of the program, with the published checksums.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an unknown name; [`Error::Dataset`] where `THINNET_DATA` names no folder. What is wrong with
    /// a file is part of the result.
    pub fn verify(&self, name: &str) -> Result<Vec<Verified>> {
        let entry = find(name)?;
        if let Origin::Embedded { verify } = entry.origin {
            return Ok(verify());
        }
        self.verify_files(entry)
    }

    pub(super) fn verify_files(&self, entry: &Entry) -> Result<Vec<Verified>> {
        if let Origin::Archive { archive, .. } = &entry.origin {
            return self.verify_unpacked(entry, archive);
        }
        files(entry)
            .iter()
            .map(|file| {
                let path = self.locate(entry, file)?;
                let problem = match &path {
                    Some(path) => problem(file, path),
                    None => Some("missing".to_owned()),
                };
                Ok(Verified { file: file.name.to_owned(), path, problem, note: None })
            })
            .collect()
    }

    /// The files of a data set, downloaded if need be, unchecked if they were here.
    pub(super) fn paths(&self, entry: &Entry, progress: OnProgress<'_>) -> Result<Vec<PathBuf>> {
        let files = self.obtain(entry, progress)?;
        Ok(files.into_iter().map(|file| file.path).collect())
    }

    fn obtain(&self, entry: &Entry, progress: OnProgress<'_>) -> Result<Vec<Fetched>> {
        let mut fetched = Vec::new();
        for file in files(entry) {
            let found = match self.locate(entry, file)? {
                Some(path) => Fetched { path, downloaded: false },
                None => {
                    let RemoteFile { name, bytes, md5, .. } = *file;
                    Fetched { path: self.download(entry, (name, bytes, md5), progress)?, downloaded: true }
                }
            };
            fetched.push(found);
        }
        Ok(fetched)
    }

    /// Where a file is, with or without `.gz`.
    fn locate(&self, entry: &Entry, file: &RemoteFile) -> Result<Option<PathBuf>> {
        let unpacked = file.name.strip_suffix(".gz").unwrap_or(file.name);
        let folders = self.folders(entry)?;
        let mut candidates =
            folders.iter().flat_map(|folder| [file.name, unpacked].map(|name| folder.join(name)));
        Ok(candidates.find(|path| path.is_file()))
    }

    /// The folders that may hold a data set's files, the first choice first.
    pub(super) fn folders(&self, entry: &Entry) -> Result<Vec<PathBuf>> {
        if let Some(data) = &self.data
            && !data.is_dir()
        {
            let message =
                format!("cannot be looked for: THINNET_DATA names {}, which is not a folder", data.display());
            return Err(Error::Dataset { name: entry.name.to_owned(), message });
        }
        Ok(self.data.iter().chain(&self.cache).map(|folder| folder.join(entry.folder())).collect())
    }

    /// Downloads a file, of a name, a length and an MD5 sum, into the cache from the first server that has it.
    pub(super) fn download(
        &self,
        entry: &Entry,
        (name, bytes, md5): (&str, u64, &str),
        progress: OnProgress<'_>,
    ) -> Result<PathBuf> {
        let Some(cache) = &self.cache else {
            return Err(self.missing(entry, "there is no home folder to download it to"));
        };
        let folder = cache.join(entry.folder());
        std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let path = folder.join(name);
        let mut reasons = Vec::new();
        for url in self.urls(entry) {
            let url = url + name;
            let download = Download { name, bytes, md5, url: &url, target: &path, curl: self.curl };
            match download.run(progress) {
                Ok(()) => return Ok(path),
                Err(Failure::Here(error)) => return Err(error),
                Err(Failure::There(reason)) => reasons.push(format!("{url}: {reason}")),
            }
        }
        Err(self.missing(entry, &reasons.join("; ")))
    }

    /// The folders on the web that have the data set's files.
    fn urls(&self, entry: &Entry) -> Vec<String> {
        match (&self.mirror, &entry.origin) {
            (Some(mirror), _) => vec![format!("{}/{}/", mirror.trim_end_matches('/'), entry.folder())],
            (None, Origin::Download { mirrors, .. } | Origin::Archive { mirrors, .. }) => {
                super::owned(mirrors)
            }
            (None, Origin::Embedded { .. }) => Vec::new(),
        }
    }

    /// Says why a data set cannot be had, and which files to put where.
    fn missing(&self, entry: &Entry, reason: &str) -> Error {
        let urls = self.urls(entry);
        let from = urls.first().map_or(entry.source, String::as_str);
        let folder = entry.folder();
        let place = match (&self.data, &self.cache) {
            (Some(place), _) | (None, Some(place)) => format!("into {}", place.join(folder).display()),
            (None, None) => {
                format!("into a folder {folder} and name the folder that it is in by THINNET_DATA")
            }
        };
        let what = match &entry.origin {
            Origin::Archive { archive, .. } => {
                let names = archive.files.iter().map(|file| file.name).collect::<Vec<_>>().join(", ");
                format!("{names}, unpacked from {from}{},", archive.name)
            }
            _ => {
                let absent =
                    files(entry).iter().filter(|file| !matches!(self.locate(entry, file), Ok(Some(_))));
                format!("{} from {from}", absent.map(|file| file.name).collect::<Vec<_>>().join(", "))
            }
        };
        let message = format!("cannot be downloaded ({reason}): put {what} {place}");
        Error::Dataset { name: entry.name.to_owned(), message }
    }
}

fn files(entry: &Entry) -> &'static [RemoteFile] {
    match entry.origin {
        Origin::Download { files, .. } => files,
        Origin::Embedded { .. } | Origin::Archive { .. } => &[],
    }
}

/// What is wrong with a file, if anything: its contents are compared, since some repack the published files.
fn problem(file: &RemoteFile, path: &Path) -> Option<String> {
    match Source::open(path).and_then(Source::md5) {
        Ok(found) if found == file.contents_md5 => None,
        Ok(found) => Some(format!("expected contents of MD5 {}, got {found}", file.contents_md5)),
        Err(Error::File { message, .. }) => Some(message),
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::mnist_format;
    use super::super::test_server::{Server, direct_curl, good, has_curl, response};
    use super::*;
    use crate::data::Targets;

    /// The four files of a data set of one pixel, gzipped: three samples to train on, two to test on.
    fn tiny_files() -> [(&'static str, Vec<u8>); 4] {
        [
            ("train-images.gz", &[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 51, 255][..]),
            ("train-labels.gz", &[0, 0, 8, 1, 0, 0, 0, 3, 2, 1, 0]),
            ("test-images.gz", &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2]),
            ("test-labels.gz", &[0, 0, 8, 1, 0, 0, 0, 2, 0, 1]),
        ]
        .map(|(name, contents)| (name, gzip(contents, Compression::best())))
    }

    fn gzip(contents: &[u8], level: Compression) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), level);
        encoder.write_all(contents).unwrap();
        encoder.finish().unwrap()
    }

    fn gunzip(bytes: &[u8]) -> Vec<u8> {
        let mut contents = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut contents).unwrap();
        contents
    }

    /// The catalogue's entry for it; it lives as long as the tests.
    fn tiny() -> Entry {
        let md5 = |bytes: &[u8]| -> &'static str { Box::leak(format!("{:x}", md5::compute(bytes)).into()) };
        let files = tiny_files().map(|(name, bytes)| RemoteFile {
            name,
            bytes: bytes.len() as u64,
            md5: md5(&bytes),
            contents_md5: md5(&gunzip(&bytes)),
        });
        Entry {
            name: "tiny",
            description: "a pixel",
            sample: &[1, 1],
            train: 3,
            test: 2,
            class_names: &["a", "b", "c"],
            source: "this file",
            licence: "none",
            origin: Origin::Download { mirrors: &[], files: Box::leak(Box::new(files)) },
            load: mnist_format::load,
        }
    }

    fn tiny_server() -> Server {
        Server::start(|request| {
            let file = tiny_files().into_iter().find(|(name, _)| request.path == format!("/tiny/{name}"));
            file.map_or_else(|| response("404 Not Found", b""), |(_, bytes)| good(&bytes, request))
        })
    }

    fn store(cache: &Path, mirror: &str) -> Store {
        Store { curl: direct_curl, ..Store::new(cache).mirror(mirror) }
    }

    #[test]
    fn a_data_set_is_downloaded_once_and_read_from_the_cache() {
        if !has_curl("store::a_data_set_is_downloaded_once_and_read_from_the_cache") {
            return;
        }
        let (server, cache, entry) = (tiny_server(), tempfile::tempdir().unwrap(), tiny());
        let store = store(cache.path(), &server.url);
        assert!(!store.has(&entry).unwrap());
        for _ in 0..2 {
            let tiny = (entry.load)(&entry, &store, &mut |_| ()).unwrap();
            let Targets::Classes(labels) = &tiny.train.y else { panic!("labels are classes") };
            assert_eq!(labels[..], [2, 1, 0]);
            let mut pixel = [0.0];
            tiny.train.x.gather(2, &mut pixel);
            assert_eq!(pixel, [1.0]);
            assert_eq!((tiny.test.len(), tiny.class_names.len()), (2, 3));
        }
        assert!(store.has(&entry).unwrap());
        assert_eq!(server.requests().len(), 4);
    }

    #[test]
    fn fetching_replaces_what_is_damaged_in_the_cache() {
        if !has_curl("store::fetching_replaces_what_is_damaged_in_the_cache") {
            return;
        }
        let (server, cache, entry) = (tiny_server(), tempfile::tempdir().unwrap(), tiny());
        let store = store(cache.path(), &server.url);
        let fetched = store.fetch_entry(&entry, &mut |_| ()).unwrap();
        assert!(fetched.iter().all(|file| file.downloaded));

        fs::write(&fetched[1].path, b"damaged").unwrap();
        let problems = |store: &Store| {
            let verified = store.verify_files(&entry).unwrap();
            verified.into_iter().map(|file| file.problem.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(problems(&store), [false, true, false, false]);
        assert!((entry.load)(&entry, &store, &mut |_| ()).is_err());
        let again = store.fetch_entry(&entry, &mut |_| ()).unwrap();
        assert_eq!(again.iter().map(|file| file.downloaded).collect::<Vec<_>>(), [false, true, false, false]);
        assert_eq!(problems(&store), [false; 4]);
    }

    #[test]
    fn a_folder_of_repacked_or_unpacked_files_needs_no_network() {
        let (data, cache, entry) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tiny());
        fs::create_dir(data.path().join("tiny")).unwrap();
        for (name, bytes) in tiny_files() {
            let contents = gunzip(&bytes);
            let (name, bytes) = match name.strip_suffix("-labels.gz") {
                Some(half) => (format!("{half}-labels"), contents),
                None => (name.to_owned(), gzip(&contents, Compression::none())),
            };
            fs::write(data.path().join("tiny").join(name), bytes).unwrap();
        }
        let store = store(cache.path(), "http://127.0.0.1:1").data_folder(data.path());
        assert_eq!((entry.load)(&entry, &store, &mut |_| ()).unwrap().train.len(), 3);
        assert!(store.verify_files(&entry).unwrap().iter().all(|file| file.problem.is_none()));
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[test]
    fn offline_the_error_says_which_files_to_put_where() {
        let (cache, entry) = (tempfile::tempdir().unwrap(), tiny());
        let mut store = store(cache.path(), "http://127.0.0.1:1/");
        store.curl = || Command::new("/nowhere/curl");
        fs::create_dir(cache.path().join("tiny")).unwrap();
        fs::write(cache.path().join("tiny/train-images.gz"), &tiny_files()[0].1).unwrap();
        let expected = |place: &Path| {
            format!(
                "data set `tiny` cannot be downloaded (http://127.0.0.1:1/tiny/train-labels.gz: downloading needs the \
                 program `curl`: install it): put train-labels.gz, test-images.gz, test-labels.gz from \
                 http://127.0.0.1:1/tiny/ into {}",
                place.join("tiny").display()
            )
        };
        let message = |store: &Store| (entry.load)(&entry, store, &mut |_| ()).unwrap_err().to_string();
        assert_eq!(message(&store), expected(cache.path()));

        let data = tempfile::tempdir().unwrap();
        store = store.data_folder(data.path());
        assert_eq!(message(&store), expected(data.path()));
        store = store.data_folder("/nowhere");
        let folder =
            "data set `tiny` cannot be looked for: THINNET_DATA names /nowhere, which is not a folder";
        assert_eq!(message(&store), folder);
    }

    #[test]
    fn the_environment_names_the_folders() {
        let cache = |variables: &[(&str, &str)]| {
            let value =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            Store::from_variables(value).cache
        };
        let home = ("HOME", "/home/ada");
        assert_eq!(cache(&[home]), Some("/home/ada/.cache/thinnet".into()));
        assert_eq!(cache(&[home, ("XDG_CACHE_HOME", "/cache")]), Some("/cache/thinnet".into()));
        assert_eq!(cache(&[home, ("THINNET_CACHE", "/own")]), Some("/own".into()));
        assert_eq!(cache(&[]), None);
    }
}
