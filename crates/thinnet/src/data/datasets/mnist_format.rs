//! Data sets of four IDX files: images and labels to train on, images and labels to test on.

use std::path::Path;

use super::catalogue::{Entry, Origin, RemoteFile};
use super::store::Store;
use super::{OnProgress, images, owned};
use crate::data::formats::{Source, idx};
use crate::data::{AnyArray, Data, Dataset};
use crate::error::{Error, Result};

/// Finds or downloads the files, in the order given above, and reads them.
pub(super) fn load(entry: &Entry, store: &Store, progress: OnProgress<'_>) -> Result<Dataset> {
    let Origin::Download { files: [train_images, train_labels, test_images, test_labels], .. } =
        &entry.origin
    else {
        unreachable!("a data set in MNIST's format has four files")
    };
    let paths = store.paths(entry, progress)?;
    let [train_images_path, train_labels_path, test_images_path, test_labels_path] = &paths[..] else {
        unreachable!("there is a path for each file")
    };
    let half = |count, images: (&RemoteFile, &Path), labels: (&RemoteFile, &Path)| {
        let shape = [&[count], entry.sample].concat();
        read_half(entry, &shape, images, labels)
    };
    Ok(Dataset {
        name: entry.name.to_owned(),
        class_names: owned(entry.class_names),
        train: half(entry.train, (train_images, train_images_path), (train_labels, train_labels_path))?,
        test: half(entry.test, (test_images, test_images_path), (test_labels, test_labels_path))?,
    })
}

fn read_half(
    entry: &Entry,
    shape: &[usize],
    images_file: (&RemoteFile, &Path),
    labels_file: (&RemoteFile, &Path),
) -> Result<Data<'static>> {
    let pixels = read(images_file.0, images_file.1, shape)?;
    let labels = read(labels_file.0, labels_file.1, &shape[..1])?;
    Ok(images(entry.sample, pixels, &labels))
}

/// Reads a file and checks its shape and that its contents are the published ones.
fn read(file: &RemoteFile, path: &Path, shape: &[usize]) -> Result<Vec<u8>> {
    let contents = contents(path, shape)?;
    // The parser's complaint comes first: it knows what is wrong, the checksum only that something is.
    let array = idx::from_bytes(path, &contents)?;
    let AnyArray::U8(array) = array else {
        return Err(Error::file(path, "expected bytes, got other numbers"));
    };
    if array.shape() != shape {
        let message = format!("expected an array of shape {shape:?}, got {:?}", array.shape());
        return Err(Error::file(path, message));
    }
    let found = format!("{:x}", md5::compute(&contents));
    if found != file.contents_md5 {
        let expected = format!("contents of MD5 {}", file.contents_md5);
        let message =
            format!("expected {expected}, got {found}: damaged or another file, remove it to get it anew");
        return Err(Error::file(path, message));
    }
    Ok(array.into_raw_vec_and_offset().0)
}

/// The file's unpacked contents, of which no more are read than a whole file has.
fn contents(path: &Path, shape: &[usize]) -> Result<Vec<u8>> {
    let header = 4 + 4 * shape.len();
    let length = header + shape.iter().product::<usize>();
    Source::open(path)?.up_to(length as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [u8; 11] = [0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 4];
    const FILE: RemoteFile =
        RemoteFile { name: "labels", bytes: 0, md5: "", contents_md5: "910dc395d66bd06798ab2cc62cd7fbb8" };

    fn read_bytes(bytes: &[u8]) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels");
        std::fs::write(&path, bytes).unwrap();
        read(&FILE, &path, &[3])
    }

    #[test]
    fn only_the_published_contents_will_do() {
        assert_eq!(read_bytes(&LABELS).unwrap(), [9, 0, 4]);
        let message = |bytes: &[u8]| read_bytes(bytes).unwrap_err().to_string();
        let changed = [&LABELS[..10], &[5]].concat();
        assert!(message(&changed).contains("expected contents of MD5 "), "{}", message(&changed));
        assert!(
            message(&LABELS[..10])
                .contains("byte 8: expected 3 bytes of u8 values (3), the data end after 2")
        );
        let fewer = message(&[0, 0, 8, 1, 0, 0, 0, 2, 9, 0]);
        assert!(fewer.ends_with("expected an array of shape [3], got [2]"), "{fewer}");
    }
}
