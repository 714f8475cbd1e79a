//! The data sets that are known by name.

use std::path::Path;

use super::store::{Store, Verified};
use super::{OnProgress, cifar10, cifar10_sample, cifar100, fashion_mnist, mnist};
use crate::data::Dataset;
use crate::error::{Error, Result};

/// What is known of a data set without reading it.
#[derive(Debug)]
pub struct Entry {
    /// The name that it is loaded by.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub description: &'static str,
    /// The shape of a sample.
    pub sample: &'static [usize],
    /// The number of training samples.
    pub train: usize,
    /// The number of test samples.
    pub test: usize,
    /// What its classes are called.
    pub class_names: &'static [&'static str],
    /// Who made it, and where.
    pub source: &'static str,
    /// The licence that it may be used under.
    pub licence: &'static str,
    /// How one gets it.
    pub origin: Origin,
    pub(super) load: fn(&Entry, &Store, OnProgress<'_>) -> Result<Dataset>,
}

/// How one gets a data set.
#[derive(Debug)]
#[non_exhaustive]
pub enum Origin {
    /// It is part of the program.
    Embedded {
        /// Compares it with the published checksums.
        verify: fn() -> Vec<Verified>,
    },
    /// It is downloaded when it is first asked for.
    Download {
        /// Folders on the web, tried in turn; each ends in `/`.
        mirrors: &'static [&'static str],
        /// The files in them.
        files: &'static [RemoteFile],
    },
    /// An archive of its files is downloaded and unpacked when it is first asked for.
    Archive {
        /// Folders on the web, tried in turn; each ends in `/`.
        mirrors: &'static [&'static str],
        /// The archive in them.
        archive: Archive,
    },
}

/// A published file.
#[derive(Debug)]
pub struct RemoteFile {
    /// Its name.
    pub name: &'static str,
    /// Its length.
    pub bytes: u64,
    /// Its MD5 sum.
    pub md5: &'static str,
    /// The MD5 sum of its contents once unpacked.
    pub contents_md5: &'static str,
}

/// A published archive: a gzipped tar file of one folder.
#[derive(Debug)]
pub struct Archive {
    /// Its name.
    pub name: &'static str,
    /// Its length.
    pub bytes: u64,
    /// Its MD5 sum.
    pub md5: &'static str,
    /// The folder that it unpacks to.
    pub folder: &'static str,
    /// The files in that folder that are read.
    pub files: &'static [ArchivedFile],
    /// Checks the format of one of them, for copies whose bytes are not compared.
    pub(super) check: fn(&ArchivedFile, &Path) -> Result<()>,
}

/// A file of a published archive.
#[derive(Debug)]
pub struct ArchivedFile {
    /// Its name, without the folder.
    pub name: &'static str,
    /// Its length.
    pub bytes: u64,
}

impl Entry {
    /// The folder that it is looked for in, below that which `THINNET_DATA` names and below the cache.
    pub fn folder(&self) -> &'static str {
        match &self.origin {
            Origin::Archive { archive, .. } => archive.folder,
            _ => self.name,
        }
    }

    /// The bytes that are downloaded where nothing is here yet.
    pub fn download_bytes(&self) -> u64 {
        match &self.origin {
            Origin::Embedded { .. } => 0,
            Origin::Download { files, .. } => files.iter().map(|file| file.bytes).sum(),
            Origin::Archive { archive, .. } => archive.bytes,
        }
    }
}

static CATALOGUE: [&Entry; 5] =
    [&mnist::ENTRY, &fashion_mnist::ENTRY, &cifar10::ENTRY, &cifar10_sample::ENTRY, &cifar100::ENTRY];

/// All data sets that are known by name.
///
/// ```
/// let names: Vec<_> = thinnet::datasets::list().iter().map(|entry| entry.name).collect();
/// assert_eq!(names, ["mnist", "fashion-mnist", "cifar10", "cifar10-sample", "cifar100"]);
/// ```
pub fn list() -> &'static [&'static Entry] {
    &CATALOGUE
}

/// The entry of a name; `_` may stand for `-`, as in Keras's names, and either may be left out: `cifar-10` is `cifar10`.
///
/// # Errors
/// [`Error::Unknown`] with the nearest name.
pub fn find(name: &str) -> Result<&'static Entry> {
    let joined = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    let known = || CATALOGUE.iter().map(|entry| entry.name);
    let entry = CATALOGUE.iter().find(|entry| joined(entry.name) == joined(name));
    entry.copied().ok_or_else(|| Error::unknown("dataset", name, known()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_kerass_spelling_too() {
        assert_eq!(find("fashion_mnist").unwrap().name, "fashion-mnist");
        assert_eq!(find("MNIST").unwrap().name, "mnist");
        assert_eq!(["cifar10", "CIFAR-10", "cifar_10"].map(|name| find(name).unwrap().name), ["cifar10"; 3]);
        assert_eq!(find("cifar-100").unwrap().name, "cifar100");
        let near = find("fashion").unwrap_err().to_string();
        assert_eq!(near, "unknown dataset `fashion`: did you mean `fashion-mnist`?");
    }
}
