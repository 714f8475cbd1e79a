//! MNIST: 70,000 handwritten digits, part of the program.

use thinnet_mnist::SIDE;

use super::images;
use crate::data::Dataset;
use crate::error::Result;

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
        name: "mnist".to_owned(),
        class_names: (0..thinnet_mnist::CLASSES).map(|digit| digit.to_string()).collect(),
        train: images([SIDE, SIDE], mnist.train_images, &mnist.train_labels),
        test: images([SIDE, SIDE], mnist.test_images, &mnist.test_labels),
    })
}

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
}
