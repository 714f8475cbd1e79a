//! MNIST: 70,000 handwritten digits, part of the program.

use thinnet_mnist::{CLASSES, SIDE, TEST, TRAIN};

use super::catalogue::{Entry, Origin};
use super::{Verified, images, owned};
use crate::data::Dataset;
use crate::error::Result;

pub(super) static ENTRY: Entry = Entry {
    name: "mnist",
    description: "handwritten digits",
    sample: &[SIDE, SIDE],
    train: TRAIN,
    test: TEST,
    class_names: &DIGITS,
    source: "Y. LeCun, C. Cortes, C. Burges: http://yann.lecun.com/exdb/mnist/",
    licence: "CC BY-SA 3.0",
    origin: Origin::Embedded { verify },
    load: |_, _, _| mnist(),
};

static DIGITS: [&str; CLASSES] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The MNIST digits: 60,000 to train on and 10,000 to test on, 28×28 pixels scaled to [0, 1], with class numbers 0 to 9.
///
/// They are part of the program: nothing is read or downloaded. Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0.
///
/// ```
/// let mnist = thinnet::datasets::mnist()?;
/// assert_eq!((mnist.train.len(), mnist.test.len()), (60_000, 10_000));
/// assert_eq!(mnist.train.x.sample_shape().axes(), [28, 28]);
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// None today; the result is there so that all data sets are had in the same way.
pub fn mnist() -> Result<Dataset> {
    let mnist = thinnet_mnist::load();
    Ok(Dataset {
        name: ENTRY.name.to_owned(),
        class_names: owned(&DIGITS),
        train: images([SIDE, SIDE], mnist.train_images, &mnist.train_labels),
        test: images([SIDE, SIDE], mnist.test_images, &mnist.test_labels),
    })
}

/// Compares the digits with the published files, whose headers are put before them.
fn verify() -> Vec<Verified> {
    let mnist = thinnet_mnist::load();
    let side = SIDE as u32;
    [
        ("train-images-idx3-ubyte", &mnist.train_images, vec![TRAIN as u32, side, side]),
        ("train-labels-idx1-ubyte", &mnist.train_labels, vec![TRAIN as u32]),
        ("t10k-images-idx3-ubyte", &mnist.test_images, vec![TEST as u32, side, side]),
        ("t10k-labels-idx1-ubyte", &mnist.test_labels, vec![TEST as u32]),
    ]
    .into_iter()
    .zip(PUBLISHED_MD5)
    .map(|((file, contents, sizes), published)| {
        let mut sum = md5::Context::new();
        sum.consume([0, 0, 8, sizes.len() as u8]);
        sizes.iter().for_each(|size| sum.consume(size.to_be_bytes()));
        sum.consume(contents);
        let found = format!("{:x}", sum.finalize());
        let problem = (found != published).then(|| format!("expected MD5 {published}, got {found}"));
        Verified { file: file.to_owned(), path: None, problem, note: None }
    })
    .collect()
}

/// Of the four published files, unpacked.
const PUBLISHED_MD5: [&str; 4] = [
    "6bbc9ace898e44ae57da46a324031adb",
    "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea",
    "27ae3e4e09519cfbb04c329615203637",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Targets;

    #[test]
    fn digits_have_their_published_labels_and_pixels_from_0_to_1() {
        let mnist = mnist().unwrap();
        let Targets::Classes(labels) = &mnist.train.y else { panic!("labels are classes") };
        assert_eq!(labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        let counts = labels.iter().fold([0; 10], |mut counts, &label| {
            counts[label as usize] += 1;
            counts
        });
        assert_eq!(counts, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
        let mut image = [0.0; SIDE * SIDE];
        mnist.test.x.gather(0, &mut image);
        assert_eq!(image.iter().copied().fold(0.0, f32::max), 1.0);
        assert_eq!(mnist.class_names.len(), 10);
    }

    #[test]
    fn the_embedded_digits_are_the_published_ones() {
        let verified = verify();
        assert_eq!(verified.len(), 4);
        assert!(verified.iter().all(|file| file.problem.is_none()), "{verified:?}");
    }
}
