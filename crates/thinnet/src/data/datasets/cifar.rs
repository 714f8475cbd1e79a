//! The binary format of CIFAR-10 and CIFAR-100.
//!
//! A file is records of the same length without a header. A record is a byte for each label (one in CIFAR-10, the coarse
//! and the fine one in CIFAR-100) and 32×32 pixels: 1024 bytes of red, 1024 of green, 1024 of blue, row by row.

use std::path::Path;

use super::catalogue::{ArchivedFile, Entry, Origin};
use super::store::Store;
use super::{OnProgress, images};
use crate::data::formats::Source;
use crate::data::{Data, Dataset};
use crate::error::{Error, Result};

/// The rows of an image, and the columns.
pub(super) const SIDE: usize = 32;
/// The pixels of an image.
const PLANE: usize = SIDE * SIDE;

/// The labels that a record begins with: what each is called, and how many classes it tells apart.
pub(super) type Labels = &'static [(&'static str, u8)];

/// Finds or downloads the files, of which the last is to test on, and reads the images and the label of number `label`.
pub(super) fn load(
    entry: &Entry,
    store: &Store,
    (labels, label): (Labels, usize),
    class_names: &[&str],
    progress: OnProgress<'_>,
) -> Result<Dataset> {
    let Origin::Archive { archive, .. } = &entry.origin else {
        unreachable!("CIFAR is published as archives")
    };
    let files = store.unpacked_files(entry, archive, progress)?;
    let mut halves = [Batch::default(), Batch::default()];
    for (index, (unpacked, published)) in files.iter().zip(archive.files).enumerate() {
        let half = &mut halves[usize::from(index + 1 == archive.files.len())];
        let mut source = Source::open(&unpacked.path)?;
        let sum = half.read(&mut source, records(labels, published), labels, label)?;
        if let Some(expected) = unpacked.md5.as_ref().filter(|expected| **expected != sum) {
            let message = format!(
                "expected contents of MD5 {expected}, got {sum}: damaged, remove the folder to get it anew"
            );
            return Err(Error::file(&unpacked.path, message));
        }
    }
    let [train, test] = halves.map(Batch::into_data);
    Ok(Dataset { name: entry.name.to_owned(), class_names: super::owned(class_names), train, test })
}

/// Checks that a file has the right length and labels in their range.
pub(super) fn check(labels: Labels, file: &ArchivedFile, path: &Path) -> Result<()> {
    let mut source = Source::open(path)?;
    (0..records(labels, file)).try_for_each(|image| record(&mut source, labels, image).map(drop))?;
    source.end()
}

/// How many records a file has.
fn records(labels: Labels, file: &ArchivedFile) -> usize {
    file.bytes as usize / (labels.len() + 3 * PLANE)
}

/// Images with one label each, as they are read.
#[derive(Default)]
struct Batch {
    /// Channels last.
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Batch {
    /// Adds the records that a source consists of, and gives the MD5 sum of its contents.
    fn read(
        &mut self,
        source: &mut Source<'_>,
        records: usize,
        labels: Labels,
        label: usize,
    ) -> Result<String> {
        let mut sum = md5::Context::new();
        for image in 0..records {
            let record = record(source, labels, image)?;
            sum.consume(&record);
            self.labels.push(record[label]);
            let planes = &record[labels.len()..];
            let (red, rest) = planes.split_at(PLANE);
            let (green, blue) = rest.split_at(PLANE);
            let pixels = red.iter().zip(green).zip(blue);
            self.pixels.extend(pixels.flat_map(|((&red, &green), &blue)| [red, green, blue]));
        }
        source.end()?;
        Ok(format!("{:x}", sum.finalize()))
    }

    fn into_data(self) -> Data<'static> {
        images([SIDE, SIDE, 3], self.pixels, &self.labels)
    }
}

/// The next record, with labels in their range.
fn record(source: &mut Source<'_>, labels: Labels, image: usize) -> Result<Vec<u8>> {
    let length = labels.len() + 3 * PLANE;
    let record = source.bytes(length as u64, &format!("image {image}"))?;
    for (index, (&found, (what, classes))) in record.iter().zip(labels).enumerate() {
        if found >= *classes {
            let last = classes - 1;
            let message = format!("expected the {what} of image {image}, 0 to {last}, got {found}");
            return Err(source.error_at((image * length + index) as u64, message));
        }
    }
    Ok(record)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::Targets;

    const TWO: Labels = &[("coarse label", 20), ("fine label", 100)];

    /// Records whose pixels tell the image, the channel and the place.
    pub(in super::super) fn file(labels: Labels, images: usize) -> Vec<u8> {
        let record = |image: usize| {
            let of_label = labels.iter().map(move |&(_, classes)| (image % usize::from(classes)) as u8);
            of_label
                .chain((0..3 * PLANE).map(move |at| (image * 50 + at / PLANE * 10 + at % PLANE % 7) as u8))
        };
        (0..images).flat_map(record).collect()
    }

    fn read(bytes: &[u8], records: usize) -> Result<Batch> {
        let mut batch = Batch::default();
        batch.read(&mut Source::memory("batch.bin", bytes), records, TWO, 1)?;
        Ok(batch)
    }

    fn message(bytes: &[u8], records: usize) -> String {
        read(bytes, records).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn planes_become_channels_last_and_the_chosen_label_is_taken() {
        let mut bytes = file(TWO, 3);
        bytes[3074] = 7;
        bytes[3075] = 42;
        let batch = read(&bytes, 3).unwrap();
        assert_eq!(batch.labels, [0, 42, 2]);
        // Image 1, row 1, column 3: place 35 of each plane.
        let at = |channel: usize| batch.pixels[3072 + (32 + 3) * 3 + channel];
        assert_eq!([0, 1, 2].map(at), [50, 60, 70]);
        assert_eq!([0, 1, 2].map(at), [0, 1, 2].map(|channel| bytes[3074 + 2 + channel * 1024 + 35]));
        let data = batch.into_data();
        assert_eq!(data.x.sample_shape().axes(), [32, 32, 3]);
        let mut image = [0.0; 3072];
        data.x.gather(1, &mut image);
        assert_eq!(image[(32 + 3) * 3 + 2], 70.0 * (1.0 / 255.0));
        let Targets::Classes(classes) = data.y else { panic!("labels are classes") };
        assert_eq!(classes[..], [0, 42, 2]);
    }

    #[test]
    fn malformed_files_are_told_by_offset_and_expectation() {
        let mut bytes = file(TWO, 3);
        let short = "batch.bin: byte 6148: expected 3074 bytes of image 2, the data end after 3073";
        assert_eq!(message(&bytes[..3 * 3074 - 1], 3), short);
        let long = "batch.bin: byte 6148: expected the end of the data, more follows";
        assert_eq!(message(&bytes, 2), long);
        bytes[3075] = 100;
        let label = "batch.bin: byte 3075: expected the fine label of image 1, 0 to 99, got 100";
        assert_eq!(message(&bytes, 3), label);
        bytes[3074] = 20;
        let label = "batch.bin: byte 3074: expected the coarse label of image 1, 0 to 19, got 20";
        assert_eq!(message(&bytes, 3), label);
    }

    proptest! {
        #[test]
        fn mutated_files_are_whole_or_an_error(
            length in 0..=3 * 3074_usize,
            whole in any::<bool>(),
            changes in proptest::collection::vec((any::<usize>(), any::<u8>(), 0..3_u8), 0..6),
        ) {
            let mut bytes = file(TWO, 3);
            if !whole {
                bytes.truncate(length);
            }
            for (at, value, kind) in changes {
                let at = at % bytes.len().max(1);
                match kind {
                    _ if bytes.is_empty() => {}
                    0 => bytes[at] = value,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, value),
                }
            }
            let right_length = bytes.len() == 3 * 3074;
            match read(&bytes, 3) {
                Ok(batch) => {
                    prop_assert!(right_length && batch.labels.iter().all(|&label| label < 100));
                    prop_assert_eq!(batch.pixels.len(), 3 * 3072);
                }
                Err(Error::File { message, .. }) => prop_assert!(message.starts_with("byte ")),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
