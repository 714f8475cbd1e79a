//! CIFAR-10: 60,000 small colour photographs in ten classes.

use super::catalogue::{Archive, ArchivedFile, Entry, Origin};
use super::{cifar, load};
use crate::data::Dataset;
use crate::error::Result;

const LABELS: cifar::Labels = &[("label", 10)];

pub(super) static ENTRY: Entry = Entry {
    name: "cifar10",
    description: "colour photographs of animals and vehicles",
    sample: &[cifar::SIDE, cifar::SIDE, 3],
    train: 50_000,
    test: 10_000,
    class_names: &CLASSES,
    source: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009: \
             https://www.cs.toronto.edu/~kriz/cifar.html",
    licence: "none stated",
    origin: Origin::Archive {
        mirrors: &["https://www.cs.toronto.edu/~kriz/"],
        archive: Archive {
            name: "cifar-10-binary.tar.gz",
            bytes: 170_052_171,
            md5: "c32a1d4ab5d03f1284b67883e8d87530",
            folder: "cifar-10-batches-bin",
            files: &[
                batch("data_batch_1.bin"),
                batch("data_batch_2.bin"),
                batch("data_batch_3.bin"),
                batch("data_batch_4.bin"),
                batch("data_batch_5.bin"),
                batch("test_batch.bin"),
            ],
            check: |file, path| cifar::check(LABELS, file, path),
        },
    },
    load: |entry, store, progress| cifar::load(entry, store, (LABELS, 0), entry.class_names, progress),
};

/// What the classes are called, by number.
pub(super) static CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// A file of 10,000 images.
const fn batch(name: &'static str) -> ArchivedFile {
    ArchivedFile { name, bytes: 30_730_000 }
}

/// CIFAR-10: 50,000 photographs to train on and 10,000 to test on, of shape (32, 32, 3), red, green and blue scaled to
/// [0, 1], with class numbers 0 to 9. A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
///
/// It is found or downloaded (170 MB) as [the module](super) says.
///
/// ```no_run
/// let cifar = thinnet::datasets::cifar10()?;
/// assert_eq!(cifar.train.x.sample_shape().axes(), [32, 32, 3]);
/// assert_eq!(cifar.class_names[3], "cat");
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// [`Error::Dataset`](crate::Error::Dataset) where files are neither here nor can be downloaded,
/// [`Error::File`](crate::Error::File) where they are damaged.
pub fn cifar10() -> Result<Dataset> {
    load(ENTRY.name)
}

#[cfg(test)]
mod tests {
    use crate::data::Targets;
    use crate::data::datasets::Store;

    #[test]
    fn all_of_it_is_read_where_thinnet_data_has_it() {
        let folder = std::env::var_os("THINNET_DATA").map(std::path::PathBuf::from);
        let Some(folder) = folder.filter(|folder| folder.join("cifar-10-batches-bin").is_dir()) else {
            println!(
                "skipped: cifar10::all_of_it_is_read_where_thinnet_data_has_it needs it in THINNET_DATA"
            );
            return;
        };
        let empty = tempfile::tempdir().unwrap();
        let store = Store::new(empty.path()).data_folder(folder);
        let cifar = store.load("cifar-10", &mut |_| ()).unwrap();
        for (half, each) in [(&cifar.train, 5000), (&cifar.test, 1000)] {
            let Targets::Classes(labels) = &half.y else { panic!("labels are classes") };
            assert_eq!(half.len(), 10 * each);
            assert!((0..10).all(|class| labels.iter().filter(|&&label| label == class).count() == each));
        }
        let verified = store.verify("cifar10").unwrap();
        assert_eq!(verified.len(), 6);
        assert!(verified.iter().all(|file| file.problem.is_none()), "{verified:?}");
    }
}
