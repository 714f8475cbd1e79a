//! Fashion-MNIST: 70,000 pictures of clothes in MNIST's format.

use super::catalogue::{Entry, Origin, RemoteFile};
use super::{load, mnist_format};
use crate::data::Dataset;
use crate::error::Result;

pub(super) static ENTRY: Entry = Entry {
    name: "fashion-mnist",
    description: "pictures of clothes",
    sample: &[28, 28],
    train: 60_000,
    test: 10_000,
    class_names: &[
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    source: "Zalando Research: https://github.com/zalandoresearch/fashion-mnist",
    licence: "MIT",
    origin: Origin::Download {
        mirrors: &[
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ],
        files: &[
            RemoteFile {
                name: "train-images-idx3-ubyte.gz",
                bytes: 26_421_880,
                md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                contents_md5: "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            },
            RemoteFile {
                name: "train-labels-idx1-ubyte.gz",
                bytes: 29_515,
                md5: "25c81989df183df01b3e8a0aad5dffbe",
                contents_md5: "9018921c3c673c538a1fc5bad174d6f9",
            },
            RemoteFile {
                name: "t10k-images-idx3-ubyte.gz",
                bytes: 4_422_102,
                md5: "bef4ecab320f06d8554ea6380940ec79",
                contents_md5: "8181f5470baa50b63fa0f6fddb340f0a",
            },
            RemoteFile {
                name: "t10k-labels-idx1-ubyte.gz",
                bytes: 5_148,
                md5: "bb300cfdad3c16e7a12a480ee83cd310",
                contents_md5: "15d484375f8d13e6eb1aabb0c3f46965",
            },
        ],
    },
    load: mnist_format::load,
};

/// Fashion-MNIST: 60,000 pictures of clothes to train on and 10,000 to test on, 28×28 pixels scaled to [0, 1], with class
/// numbers 0 to 9. Zalando Research; MIT licence.
///
/// It is found or downloaded (31 MB) as [the module](super) says.
///
/// ```no_run
/// let fashion = thinnet::datasets::fashion_mnist()?;
/// assert_eq!(fashion.class_names[9], "Ankle boot");
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// [`Error::Dataset`](crate::Error::Dataset) where files are neither here nor can be downloaded,
/// [`Error::File`](crate::Error::File) where they are damaged.
pub fn fashion_mnist() -> Result<Dataset> {
    load(ENTRY.name)
}

#[cfg(test)]
mod tests {
    use crate::data::Targets;
    use crate::data::datasets::Store;

    #[test]
    fn all_of_it_is_read_where_thinnet_data_has_it() {
        let folder = std::env::var_os("THINNET_DATA").map(std::path::PathBuf::from);
        let Some(folder) = folder.filter(|folder| folder.join("fashion-mnist").is_dir()) else {
            println!(
                "skipped: fashion_mnist::all_of_it_is_read_where_thinnet_data_has_it needs it in THINNET_DATA"
            );
            return;
        };
        let empty = tempfile::tempdir().unwrap();
        let store = Store::new(empty.path()).data_folder(folder);
        let fashion = store.load("fashion-mnist", &mut |_| ()).unwrap();
        assert_eq!((fashion.train.len(), fashion.test.len()), (60_000, 10_000));
        let Targets::Classes(labels) = &fashion.test.y else { panic!("labels are classes") };
        assert_eq!(labels[..5], [9, 2, 1, 1, 6]);
        assert!((0..10).all(|class| labels.iter().filter(|&&label| label == class).count() == 1000));
        let verified = store.verify("fashion-mnist").unwrap();
        assert!(verified.iter().all(|file| file.problem.is_none()), "{verified:?}");
    }
}
