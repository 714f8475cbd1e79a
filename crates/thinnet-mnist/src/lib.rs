//! The MNIST digits, all 70,000, inside the program.
//!
//! ```
//! let mnist = thinnet_mnist::load();
//! let first = &mnist.train_images[..thinnet_mnist::IMAGE];
//! assert_eq!(mnist.train_labels[0], 5);
//! assert_eq!(first.iter().filter(|&&pixel| pixel > 0).count(), 166);
//! ```
//!
//! The data are Y. LeCun's, C. Cortes's and C. Burges's, under CC BY-SA 3.0: see `LICENSE` beside this crate's manifest.

#![forbid(unsafe_code)]

use std::num::NonZero;
use std::sync::Mutex;
use std::thread;

use ruzstd::decoding::FrameDecoder;

/// The rows of an image, and the columns.
pub const SIDE: usize = 28;
/// The pixels of an image.
pub const IMAGE: usize = SIDE * SIDE;
/// The number of training digits.
pub const TRAIN: usize = 60_000;
/// The number of test digits.
pub const TEST: usize = 10_000;
/// The number of classes: the digits 0 to 9.
pub const CLASSES: usize = 10;

/// The images of one frame.
const FRAME: usize = 10_000;

static TRAIN_IMAGES: [&[u8]; TRAIN / FRAME] = [
    include_bytes!("../data/train-images-0.zst"),
    include_bytes!("../data/train-images-1.zst"),
    include_bytes!("../data/train-images-2.zst"),
    include_bytes!("../data/train-images-3.zst"),
    include_bytes!("../data/train-images-4.zst"),
    include_bytes!("../data/train-images-5.zst"),
];
static TEST_IMAGES: &[u8] = include_bytes!("../data/test-images.zst");
/// Those of training first.
static LABELS: &[u8] = include_bytes!("../data/labels.zst");

/// The data set, as in the four published files without their headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mnist {
    /// [`TRAIN`] images of [`SIDE`] rows of [`SIDE`] pixels, 0 (background) to 255 (ink).
    pub train_images: Vec<u8>,
    /// [`TRAIN`] labels, 0 to 9.
    pub train_labels: Vec<u8>,
    /// [`TEST`] images.
    pub test_images: Vec<u8>,
    /// [`TEST`] labels.
    pub test_labels: Vec<u8>,
}

/// Unpacks the data set: 55 MB, on as many threads as the machine has cores.
pub fn load() -> Mnist {
    let mut train_images = vec![0; TRAIN * IMAGE];
    let mut test_images = vec![0; TEST * IMAGE];
    let mut train_labels = vec![0; TRAIN + TEST];

    let mut frames = vec![(LABELS, train_labels.as_mut_slice()), (TEST_IMAGES, test_images.as_mut_slice())];
    frames.extend(TRAIN_IMAGES.into_iter().zip(train_images.chunks_exact_mut(FRAME * IMAGE)));
    unpack(frames);

    let test_labels = train_labels.split_off(TRAIN);
    Mnist { train_images, train_labels, test_images, test_labels }
}

/// Unpacks each frame into its place. Threads take the next frame that nobody has, the last first.
fn unpack(frames: Vec<(&[u8], &mut [u8])>) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(frames.len());
    let frames = Mutex::new(frames);
    let next = || frames.lock().expect("no thread panics while it takes a frame").pop();
    let work = || {
        while let Some((packed, place)) = next() {
            let written = FrameDecoder::new().decode_all(packed, place);
            // The frames are part of the program, and the tests have read all of them.
            assert_eq!(written.expect("an embedded frame is intact"), place.len());
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The MD5 sum of an IDX file of bytes.
    fn idx_md5(sizes: &[u32], contents: &[u8]) -> String {
        let mut file = vec![0, 0, 8, sizes.len() as u8];
        file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        file.extend(contents);
        format!("{:x}", md5::compute(file))
    }

    #[test]
    fn the_published_files_can_be_made_again_byte_for_byte() {
        let mnist = load();
        let train_images = idx_md5(&[60_000, 28, 28], &mnist.train_images);
        assert_eq!(train_images, "6bbc9ace898e44ae57da46a324031adb");
        assert_eq!(idx_md5(&[60_000], &mnist.train_labels), "a25bea736e30d166cdddb491f175f624");
        assert_eq!(idx_md5(&[10_000, 28, 28], &mnist.test_images), "2646ac647ad5339dbf082846283269ea");
        assert_eq!(idx_md5(&[10_000], &mnist.test_labels), "27ae3e4e09519cfbb04c329615203637");
    }

    #[test]
    fn the_packed_data_leave_room_in_a_crate_of_10_mib() {
        let frames = TRAIN_IMAGES.iter().copied().chain([TEST_IMAGES, LABELS]);
        assert!(frames.map(<[u8]>::len).sum::<usize>() < 10 * 1024 * 1024 - 200_000);
    }
}
