//! A sample of CIFAR-10 inside the program: 5,000 of its pictures to train on and 1,000 to test on.
//!
//! ```
//! use thinnet_cifar_sample::{CLASSES, IMAGE};
//!
//! let sample = thinnet_cifar_sample::load();
//! let first = &sample.train_images[..IMAGE];
//! println!("red, green, blue of the first pixel: {:?}", &first[..3]);
//! println!("it belongs to the picture of a {}", CLASSES[usize::from(sample.train_labels[0])]);
//! ```
//!
//! The pictures are JPEG files of the originals, so their bytes are not the published ones. CIFAR-10 is A. Krizhevsky's,
//! V. Nair's and G. Hinton's; A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

#![forbid(unsafe_code)]

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// The rows of a picture, and the columns.
pub const SIDE: usize = 32;
/// The bytes of a picture: red, green and blue of each pixel, row by row.
pub const IMAGE: usize = SIDE * SIDE * 3;
/// The number of training pictures, 500 of each class.
pub const TRAIN: usize = 5_000;
/// The number of test pictures, 100 of each class.
pub const TEST: usize = 1_000;
/// What the classes are called, by label.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// See `tools/pack_cifar_sample.py`.
static PACKED: &[u8] = include_bytes!("../data/sample.bin");

/// The sample's two halves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// [`TRAIN`] pictures of [`IMAGE`] bytes.
    pub train_images: Vec<u8>,
    /// [`TRAIN`] labels, 0 to 9.
    pub train_labels: Vec<u8>,
    /// [`TEST`] pictures.
    pub test_images: Vec<u8>,
    /// [`TEST`] labels.
    pub test_labels: Vec<u8>,
}

/// Unpacks the sample: 18 MB.
pub fn load() -> Sample {
    // The bytes are part of the program, and the tests have read all of them.
    let mut pictures = pictures().expect("the embedded sample is intact");
    let test_labels = pictures.labels.split_off(TRAIN);
    let test_images = pictures.pixels.split_off(TRAIN * IMAGE);
    Sample { train_images: pictures.pixels, train_labels: pictures.labels, test_images, test_labels }
}

struct Pictures {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

/// All pictures, those of training first; `None` where the packed bytes are not as expected.
fn pictures() -> Option<Pictures> {
    let (length, rest) = PACKED.split_first_chunk()?;
    let (shared, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (count, rest) = rest.split_first_chunk()?;
    let count = u32::from_le_bytes(*count) as usize;
    let (index, mut rests) = rest.split_at_checked(3 * count)?;
    let mut pictures = Pictures { pixels: vec![0; count * IMAGE], labels: Vec::with_capacity(count) };
    let mut jpeg = shared.to_vec();
    for (&[label, low, high], pixels) in
        index.as_chunks().0.iter().zip(pictures.pixels.chunks_exact_mut(IMAGE))
    {
        let (own, others) = rests.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
        rests = others;
        jpeg.truncate(shared.len());
        jpeg.extend_from_slice(own);
        JpegDecoder::new(ZCursor::new(&jpeg)).decode_into(pixels).ok()?;
        pictures.labels.push(label);
    }
    rests.is_empty().then_some(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_as_many_pictures() {
        let sample = load();
        assert_eq!((sample.train_images.len(), sample.test_images.len()), (TRAIN * IMAGE, TEST * IMAGE));
        for (labels, each) in [(&sample.train_labels, 500), (&sample.test_labels, 100)] {
            assert!((0..10).all(|class| labels.iter().filter(|&&label| label == class).count() == each));
        }
    }

    /// The published means of CIFAR-10's training half are 0.4914, 0.4822 and 0.4465. Those of 5,000 pictures have standard
    /// errors of 0.0022 at most (pictures' own means vary by 0.15): a correct sample is off by 0.01 less than once in 100,000.
    #[test]
    fn the_colours_are_those_of_cifar_10() {
        let sample = load();
        for (channel, expected) in [0.4914, 0.4822, 0.4465].into_iter().enumerate() {
            let values = sample.train_images.iter().skip(channel).step_by(3);
            let mean =
                values.map(|&value| f64::from(value)).sum::<f64>() / (TRAIN * SIDE * SIDE) as f64 / 255.0;
            assert!((mean - expected).abs() < 0.01, "channel {channel}: {mean}");
        }
    }
}
