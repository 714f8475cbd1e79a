//! CIFAR-100: 60,000 small colour photographs in a hundred classes.

use super::catalogue::{Archive, ArchivedFile, Entry, Origin};
use super::{Store, cifar, on_terminal};
use crate::data::Dataset;
use crate::error::Result;

const LABELS: cifar::Labels = &[("coarse label", 20), ("fine label", 100)];

pub(super) static ENTRY: Entry = Entry {
    name: "cifar100",
    description: "colour photographs in a hundred classes",
    sample: &[cifar::SIDE, cifar::SIDE, 3],
    train: 50_000,
    test: 10_000,
    class_names: &FINE,
    source: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009: \
             https://www.cs.toronto.edu/~kriz/cifar.html",
    licence: "none stated",
    origin: Origin::Archive {
        mirrors: &["https://www.cs.toronto.edu/~kriz/"],
        archive: Archive {
            name: "cifar-100-binary.tar.gz",
            bytes: 168_513_733,
            md5: "03b5dce01913d631647c71ecec9e9cb8",
            folder: "cifar-100-binary",
            files: &[
                ArchivedFile { name: "train.bin", bytes: 153_700_000 },
                ArchivedFile { name: "test.bin", bytes: 30_740_000 },
            ],
            check: |file, path| cifar::check(LABELS, file, path),
        },
    },
    load: |entry, store, progress| cifar::load(entry, store, (LABELS, 1), &FINE, progress),
};

/// Which of an image's two labels is its class, as in Keras's `cifar100.load_data(label_mode=...)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelMode {
    /// One of 100 classes, 500 training images each.
    #[default]
    Fine,
    /// One of 20 groups of five fine classes.
    Coarse,
}

/// CIFAR-100: 50,000 photographs to train on and 10,000 to test on, of shape (32, 32, 3), red, green and blue scaled to
/// [0, 1], with class numbers 0 to 99 (fine) or 0 to 19 (coarse). By name, `cifar100`, the labels are the fine ones.
/// A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
///
/// It is found or downloaded (169 MB) as [the module](super) says.
///
/// ```no_run
/// use thinnet::datasets::{self, LabelMode};
///
/// let fine = datasets::cifar100(LabelMode::Fine)?;
/// assert_eq!(fine.class_names[1], "aquarium_fish");
/// let coarse = datasets::cifar100(LabelMode::Coarse)?;
/// assert_eq!(coarse.class_names[1], "fish");
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// [`Error::Dataset`](crate::Error::Dataset) where files are neither here nor can be downloaded,
/// [`Error::File`](crate::Error::File) where they are damaged.
pub fn cifar100(label_mode: LabelMode) -> Result<Dataset> {
    let (label, names) = match label_mode {
        LabelMode::Coarse => (0, &COARSE[..]),
        LabelMode::Fine => (1, &FINE[..]),
    };
    cifar::load(&ENTRY, &Store::from_env(), (LABELS, label), names, &mut on_terminal())
}

#[rustfmt::skip]
static COARSE: [&str; 20] = [
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices",
    "household_furniture", "insects", "large_carnivores", "large_man-made_outdoor_things",
    "large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates",
    "people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
];

#[rustfmt::skip]
static FINE: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_numbered_in_alphabetical_order() {
        assert!(FINE.is_sorted() && COARSE.is_sorted());
    }
}
