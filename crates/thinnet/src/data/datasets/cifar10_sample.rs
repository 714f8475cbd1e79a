//! A sample of CIFAR-10, part of the program.

use thinnet_cifar_sample::{CLASSES, SIDE, TEST, TRAIN};

use super::catalogue::{Entry, Origin};
use super::{Verified, images, owned};
use crate::data::Dataset;
use crate::error::Result;

pub(super) static ENTRY: Entry = Entry {
    name: "cifar10-sample",
    description: "a sample of CIFAR-10, a tenth of it, for trying things out; JPEG copies, not the published bytes",
    sample: &[SIDE, SIDE, 3],
    train: TRAIN,
    test: TEST,
    class_names: &CLASSES,
    source: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009: \
             https://www.cs.toronto.edu/~kriz/cifar.html",
    licence: "none stated",
    origin: Origin::Embedded { verify },
    load: |_, _, _| cifar10_sample(),
};

/// A sample of CIFAR-10: 5,000 of its photographs to train on and 1,000 of its photographs to test on, as many of each
/// class, of shape (32, 32, 3), red, green and blue scaled to [0, 1], with class numbers 0 to 9.
///
/// It is part of the program, for trying out networks without a download; what is measured on it says little of the
/// whole data set, [`cifar10`](super::cifar10()). The pictures are JPEG copies, so their bytes are not the published ones.
/// CIFAR-10 is of A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
///
/// ```
/// let sample = thinnet::datasets::cifar10_sample()?;
/// assert_eq!((sample.train.len(), sample.test.len()), (5_000, 1_000));
/// assert_eq!(sample.train.x.sample_shape().axes(), [32, 32, 3]);
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// None today; the result is there so that all data sets are had in the same way.
pub fn cifar10_sample() -> Result<Dataset> {
    let sample = thinnet_cifar_sample::load();
    Ok(Dataset {
        name: ENTRY.name.to_owned(),
        class_names: owned(&CLASSES),
        train: images([SIDE, SIDE, 3], sample.train_images, &sample.train_labels),
        test: images([SIDE, SIDE, 3], sample.test_images, &sample.test_labels),
    })
}

/// There are no published bytes to compare the sample with; that it can be unpacked is what can be said.
fn verify() -> Vec<Verified> {
    let sample = thinnet_cifar_sample::load();
    let found = sample.train_labels.len() + sample.test_labels.len();
    vec![Verified {
        file: "sample.bin".to_owned(),
        path: None,
        problem: (found != TRAIN + TEST).then(|| format!("expected {} pictures, got {found}", TRAIN + TEST)),
        note: Some("right format; JPEG copies, not the published bytes".to_owned()),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Targets;

    #[test]
    fn the_sample_says_that_it_is_one() {
        assert!(ENTRY.description.contains("sample") && ENTRY.name.contains("sample"));
        let [verified] = &verify()[..] else { panic!("one file") };
        assert_eq!(verified.problem, None);
        assert!(verified.note.as_ref().unwrap().contains("not the published bytes"));
    }

    #[test]
    fn pictures_are_scaled_and_labelled() {
        let sample = cifar10_sample().unwrap();
        let Targets::Classes(labels) = &sample.test.y else { panic!("labels are classes") };
        assert!((0..10).all(|class| labels.iter().filter(|&&label| label == class).count() == 100));
        let mut image = [0.0; SIDE * SIDE * 3];
        sample.train.x.gather(0, &mut image);
        assert!(
            image.iter().all(|value| (0.0..=1.0).contains(value)) && image.iter().any(|&value| value > 0.5)
        );
        assert_eq!(sample.class_names, super::super::cifar10::CLASSES);
    }
}
