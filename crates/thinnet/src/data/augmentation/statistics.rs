//! What the feature-wise options know of the training data.

use super::zca::Products;
use super::{ImageDataGenerator, image_size};
use crate::data::Features;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// The most elements of an image for which there is a whitening matrix: 32 × 32 × 3. The time grows with the third power.
const MOST_ELEMENTS: usize = 3072;

/// Statistics of the training data; those that no option asked for are missing.
#[derive(Debug, PartialEq)]
pub(super) struct Statistics {
    sample: Shape,
    pub(super) mean: Option<Vec<f32>>,
    pub(super) std: Option<Vec<f32>>,
    pub(super) zca: Option<Vec<f32>>,
}

impl Statistics {
    /// Of some images, changed at random if there are a number of rounds and a seed.
    pub(super) fn of(
        datagen: &ImageDataGenerator,
        x: &Features,
        augment: Option<(usize, u64)>,
    ) -> Result<Self> {
        let place = |message| Error::config("augmentation", message);
        let sample = x.sample_shape();
        datagen.check_arguments().map_err(place)?;
        let size @ [height, width, channels] = image_size(sample).map_err(place)?;
        if datagen.zca_whitening && sample.len() > MOST_ELEMENTS {
            return Err(place(format!(
                "zca_whitening is for images of at most {MOST_ELEMENTS} elements (32 × 32 × 3), got {} in samples of \
                 {sample}: shrink them or use featurewise_std_normalization",
                sample.len()
            )));
        }
        let (rounds, seed) = augment.unwrap_or((1, 0));
        if x.is_empty() || rounds == 0 {
            return Err(Error::Data(
                "expected at least one image (and one round) to fit to, got none".into(),
            ));
        }
        if let Some((index, element)) = x.find_non_finite() {
            return Err(Error::Data(format!(
                "images to fit to must be finite: element {element} of sample {index} is not"
            )));
        }

        let resampling = datagen.resampling(size);
        let each = |visit: &mut dyn FnMut(&mut [f32])| {
            let (mut image, mut changed) = (vec![0.0; sample.len()], vec![0.0; sample.len()]);
            for round in 0..rounds as u64 {
                for index in 0..x.len() {
                    x.gather(index, &mut image);
                    if let Some(scale) = datagen.rescale {
                        image.iter_mut().for_each(|x| *x *= scale as f32);
                    }
                    if augment.is_some() {
                        let transform = datagen.random_transform(seed, round, index, height, width);
                        transform.apply(&resampling, &image, &mut changed);
                        visit(&mut changed);
                    } else {
                        visit(&mut image);
                    }
                }
            }
        };
        let pixels = (rounds * x.len() * height * width) as f64;
        // A channel's mean of f(value).
        let channel_means = |f: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; channels];
            each(&mut |image| {
                for pixel in image.chunks_exact(channels) {
                    for (channel, (sum, &x)) in sums.iter_mut().zip(pixel).enumerate() {
                        *sum += f(channel, f64::from(x));
                    }
                }
            });
            sums.into_iter().map(|sum| sum / pixels).collect::<Vec<f64>>()
        };
        let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
        let mut statistics = Self { sample: sample.clone(), mean: None, std: None, zca: None };
        if datagen.centers_features() {
            let means = channel_means(&|_, x| x);
            if datagen.scales_features() {
                let variances = channel_means(&|channel, x| (x - means[channel]).powi(2));
                statistics.std = Some(single(&variances.into_iter().map(f64::sqrt).collect::<Vec<_>>()));
            }
            statistics.mean = Some(single(&means));
        }
        if datagen.zca_whitening {
            let mut products = Products::new(sample.len());
            each(&mut |image| {
                statistics.apply(datagen, channels, image, &mut []);
                products.add(image);
            });
            statistics.zca = Some(products.whitening(datagen.zca_epsilon));
        }
        Ok(statistics)
    }

    /// Whether these are what the options need for samples of this shape.
    pub(super) fn check(&self, datagen: &ImageDataGenerator, sample: &Shape) -> Result<(), String> {
        let [_, _, channels] = image_size(sample)?;
        let [_, _, own] = image_size(&self.sample)?;
        if channels != own || (datagen.zca_whitening && sample.len() != self.sample.len()) {
            return Err(format!("fit was called with samples of {}, got samples of {sample}", self.sample));
        }
        let there = [
            (datagen.centers_features(), self.mean.is_some()),
            (datagen.scales_features(), self.std.is_some()),
            (datagen.zca_whitening, self.zca.is_some()),
        ];
        if there.into_iter().any(|(needed, known)| needed && !known) {
            return Err("options were turned on after fit was called: call it again".into());
        }
        Ok(())
    }

    /// Centres, scales and whitens an image as the options say. `scratch` has its length where there is whitening.
    pub(super) fn apply(
        &self,
        datagen: &ImageDataGenerator,
        channels: usize,
        x: &mut [f32],
        scratch: &mut [f32],
    ) {
        for pixel in x.chunks_exact_mut(channels) {
            if let Some(mean) = self.mean.as_ref().filter(|_| datagen.centers_features()) {
                pixel.iter_mut().zip(mean).for_each(|(x, mean)| *x -= mean);
            }
            if let Some(std) = self.std.as_ref().filter(|_| datagen.scales_features()) {
                pixel.iter_mut().zip(std).for_each(|(x, std)| *x /= std + 1e-6);
            }
        }
        if let Some(matrix) = self.zca.as_ref().filter(|_| datagen.zca_whitening) {
            let scratch = &mut scratch[..x.len()];
            scratch.copy_from_slice(x);
            x.fill(0.0);
            for (factor, row) in scratch.iter().zip(matrix.chunks_exact(x.len())) {
                x.iter_mut().zip(row).for_each(|(x, w)| *x += factor * w);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(sample: &[usize], count: usize) -> Features<'static> {
        let len = count * sample.iter().product::<usize>();
        Features::floats(sample, (0..len).map(|e| (e * 7 % 11) as f32).collect::<Vec<f32>>())
    }

    fn fit(mut datagen: ImageDataGenerator, x: Features) -> Result<ImageDataGenerator, String> {
        datagen.fit(x).map_err(|error| error.to_string())?;
        Ok(datagen)
    }

    #[test]
    fn what_cannot_be_fitted_to_is_explained() {
        let centered = || ImageDataGenerator::new().featurewise_center(true);
        for (datagen, x, message) in [
            (
                centered(),
                features(&[4, 4, 1], 0),
                "expected at least one image (and one round) to fit to, got none",
            ),
            (
                centered(),
                Features::floats([1, 2], vec![0.0, 1.0, 2.0, f32::NAN]),
                "images to fit to must be finite: element 1 of sample 1 is not",
            ),
            (
                centered().zca_whitening(true),
                features(&[64, 64, 3], 1),
                "augmentation: zca_whitening is for images of at most 3072 elements (32 × 32 × 3), got 12288 in samples \
                 of (None, 64, 64, 3): shrink them or use featurewise_std_normalization",
            ),
        ] {
            assert_eq!(fit(datagen, x).unwrap_err(), message);
        }
        assert!(centered().fit_augmented(features(&[4, 4], 3), 0, 1).is_err());
    }

    #[test]
    fn statistics_of_other_images_or_options_are_refused() {
        let datagen = fit(ImageDataGenerator::new().zca_whitening(true), features(&[2, 2, 3], 40)).unwrap();
        assert_eq!(datagen.check(&[2, 2, 3].into()), Ok(()));
        let other = datagen.check(&[3, 2, 3].into()).unwrap_err();
        let message = "fit was called with samples of (None, 2, 2, 3), got samples of (None, 3, 2, 3)";
        assert_eq!(other, message);
        let more = datagen.zca_whitening(false).featurewise_std_normalization(true);
        let message = "options were turned on after fit was called: call it again";
        assert_eq!(more.check(&[2, 2, 3].into()).unwrap_err(), message);
        // Means of channels do for images of any size.
        let centered =
            fit(ImageDataGenerator::new().featurewise_center(true), features(&[2, 2, 3], 4)).unwrap();
        assert_eq!(centered.check(&[9, 8, 3].into()), Ok(()));
    }

    #[test]
    fn fitting_to_changed_images_sees_the_changes() {
        // All of the image is pushed out by its edge: only rows of zeros and of tens are left.
        let x = Features::floats([2, 1], [[0.0f32, 10.0]; 50].concat());
        let mut datagen =
            ImageDataGenerator::new().featurewise_std_normalization(true).height_shift_range([1.0]);
        datagen.fit(&x).unwrap();
        assert_eq!((datagen.mean(), datagen.std()), (Some(&[5.0][..]), Some(&[5.0][..])));
        datagen.fit_augmented(&x, 2, 7).unwrap();
        let ups = (0..100).filter(|i| datagen.random_transform(7, i / 50, (i % 50) as usize, 2, 1).ty > 0.0);
        let mean = ups.count() as f32 / 10.0;
        assert!((datagen.mean().unwrap()[0] - mean).abs() < 1e-5, "{:?}, {mean}", datagen.mean());
    }
}
