//! What training asks of an `ImageDataGenerator`: the random changes, and what is done to every image.

use ndarray::ArrayViewMut3;

use super::image_data_generator::PreprocessingFunction;
use super::{Augment, ImageDataGenerator, image_size};
use crate::shape::Shape;

impl Augment for ImageDataGenerator {
    fn check(&self, sample: &Shape) -> Result<(), String> {
        self.check(sample)
    }

    fn standardizes(&self) -> bool {
        self.preprocessing_function.is_some()
            || self.rescale.is_some()
            || self.samplewise_center
            || self.samplewise_std_normalization
            || self.centers_features()
    }

    fn scratch(&self, sample: &Shape) -> usize {
        if self.zca_whitening { sample.len() } else { 0 }
    }

    fn apply(
        &self,
        sample: &Shape,
        seed: u64,
        epoch: u64,
        index: usize,
        x: &[f32],
        out: &mut [f32],
        scratch: &mut [f32],
    ) {
        // A shape that `check` refused is left as it is.
        let Ok(size @ [height, width, _]) = image_size(sample) else { return out.copy_from_slice(x) };
        self.random_transform(seed, epoch, index, height, width).apply(&self.resampling(size), x, out);
        self.standardize(sample, out, scratch);
    }

    fn standardize(&self, sample: &Shape, x: &mut [f32], scratch: &mut [f32]) {
        let Ok([height, width, channels]) = image_size(sample) else { return };
        if let Some(PreprocessingFunction(function)) = &self.preprocessing_function
            && let Ok(image) = ArrayViewMut3::from_shape((height, width, channels), &mut *x)
        {
            function(image);
        }
        if let Some(scale) = self.rescale {
            x.iter_mut().for_each(|x| *x *= scale as f32);
        }
        if self.samplewise_center || self.samplewise_std_normalization {
            let mean = mean(x);
            x.iter_mut().for_each(|x| *x -= mean as f32);
        }
        if self.samplewise_std_normalization {
            let center = mean(x);
            let variance = x.iter().map(|&x| (f64::from(x) - center).powi(2)).sum::<f64>() / x.len() as f64;
            let scale = (1.0 / (variance.sqrt() + 1e-6)) as f32;
            x.iter_mut().for_each(|x| *x *= scale);
        }
        if let Some(statistics) = &self.statistics {
            statistics.apply(self, channels, x, scratch);
        }
    }
}

fn mean(x: &[f32]) -> f64 {
    x.iter().map(|&x| f64::from(x)).sum::<f64>() / x.len() as f64
}
