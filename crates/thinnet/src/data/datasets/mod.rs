//! Data sets by name: MNIST and a sample of CIFAR-10 are part of the program, the others are found in a folder or downloaded once.
//!
//! A file of a data set is looked for
//!
//! 1. in the folder that the environment variable `THINNET_DATA` names, in the data set's own folder there
//!    (`$THINNET_DATA/fashion-mnist/train-images-idx3-ubyte.gz`, or the same unpacked, without `.gz`);
//! 2. in the cache: `$THINNET_CACHE`, or else `thinnet` in `$XDG_CACHE_HOME` or `~/.cache`, again in the data set's
//!    folder;
//! 3. on the network, with the program `curl`; what arrives is compared with the published checksum and put into the
//!    cache. A download that is cut off goes on where it stopped. `THINNET_MIRROR` names another server, one with
//!    the same folders.
//!
//! Whatever is read is checked: contents that are not the published ones, byte for byte, are an error.
//!
//! CIFAR-10 and CIFAR-100 are published as archives. What is downloaded is unpacked in the cache, into the folder that
//! the archive has (`cifar-10-batches-bin`, `cifar-100-binary`), which is also the one that is looked for in
//! `$THINNET_DATA`. Checksums are published for the archives only, so of files that were unpacked elsewhere the format
//! is checked, not the bytes; [`Store::is_own_copy`] and [`Store::verify`] say so.

mod archive;
mod catalogue;
mod cifar;
mod cifar10;
mod cifar100;
mod cifar10_sample;
mod download;
mod fashion_mnist;
mod mnist;
mod mnist_format;
mod progress;
mod store;
#[cfg(test)]
mod test_server;

pub use catalogue::{Archive, ArchivedFile, Entry, Origin, RemoteFile, find, list};
pub use cifar10::cifar10;
pub use cifar10_sample::cifar10_sample;
pub use cifar100::{LabelMode, cifar100};
pub use fashion_mnist::fashion_mnist;
pub use mnist::mnist;
pub use progress::{OnProgress, Progress, on_terminal};
pub use store::{Fetched, Store, Verified};

use super::{Data, Dataset, Features, Targets};
use crate::error::Result;
use crate::shape::Shape;

/// A data set by its name; [`list`] has all names.
///
/// ```
/// let mnist = thinnet::datasets::load("mnist")?;
/// assert_eq!(mnist.test.len(), 10_000);
/// let error = thinnet::datasets::load("minst").unwrap_err();
/// assert_eq!(error.to_string(), "unknown dataset `minst`: did you mean `mnist`?");
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for an unknown name, [`Error::Dataset`](crate::Error::Dataset) where files
/// are neither here nor can be downloaded, [`Error::File`](crate::Error::File) where they are damaged.
pub fn load(name: &str) -> Result<Dataset> {
    Store::from_env().load(name, &mut progress::on_terminal())
}

/// Images of bytes, scaled to [0, 1], with their class numbers.
fn images(sample: impl Into<Shape>, pixels: Vec<u8>, labels: &[u8]) -> Data<'static> {
    let classes: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
    Data { x: Features::bytes(sample, pixels, 1.0 / 255.0), y: Targets::Classes(classes.into()) }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
