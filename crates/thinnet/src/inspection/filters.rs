//! What a model's first layer looks for.

use crate::data::formats::image::picture_size;
use crate::error::Result;
use crate::model::Sequential;

/// The weights of a model's first layer as pictures: of each unit the weights by which it multiplies the input (Srivastava et al.
/// 2014, figure 7), of each kernel of a convolution its weights.
///
/// ```
/// use thinnet::inspection::Filters;
/// use thinnet::prelude::*;
/// let mut model = Sequential::new()
///     .add(Flatten::new().input_shape([28, 28]))
///     .add(Dense::new(16).activation(Relu))
///     .add(Dense::new(10).activation(Softmax));
/// let filters = Filters::of(&mut model)?.expect("28 × 28 is a picture");
/// assert_eq!((filters.count(), filters.height, filters.width, filters.channels), (16, 28, 28, 1));
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Filters {
    /// The layer's name.
    pub layer: String,
    /// Rows of a picture.
    pub height: usize,
    /// Columns of a picture.
    pub width: usize,
    /// 1, or 3 for red, green and blue.
    pub channels: usize,
    /// The pictures, one after the other, channels last.
    values: Vec<f32>,
}

impl Filters {
    /// Those of a model; none where its first variables are no kernel over a picture.
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn of(model: &mut Sequential) -> Result<Option<Self>> {
        let input = model.input_shape()?.clone();
        let names = model.weight_names()?;
        // What normalizes the input before leaves its shape.
        let Some(place) = names.iter().position(|name| name.ends_with("/kernel")) else { return Ok(None) };
        let kernel = model.get_weights()?.swap_remove(place);
        let (height, width, channels) = match (kernel.shape(), picture_size(&input)) {
            (&[inputs, _], Some(size)) if inputs == input.len() => size,
            (&[height, width, channels, _], _) => (height, width, channels),
            _ => return Ok(None),
        };
        if !matches!(channels, 1 | 3) {
            return Ok(None);
        }
        // Each filter lies in a column.
        let count = kernel.shape().last().copied().unwrap_or(1);
        let weights: Vec<f32> = kernel.iter().copied().collect();
        let values = (0..count).flat_map(|filter| weights[filter..].iter().step_by(count).copied()).collect();
        let layer = names[place].trim_end_matches("/kernel").to_owned();
        Ok(Some(Self { layer, height, width, channels, values }))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len() / (self.height * self.width * self.channels)
    }

    /// A filter's weights: rows, columns, channels.
    pub fn get(&self, filter: usize) -> &[f32] {
        let len = self.height * self.width * self.channels;
        &self.values[filter * len..][..len]
    }

    /// A size that only one weight in two hundred exceeds.
    pub fn scale(&self) -> f32 {
        let mut sizes: Vec<f32> =
            self.values.iter().map(|value| value.abs()).filter(|size| size.is_finite()).collect();
        sizes.sort_by(f32::total_cmp);
        sizes.get((sizes.len() * 199) / 200).copied().unwrap_or(0.0)
    }

    /// How much a filter's weights resemble those two places across or down, as a correlation: about 0 for noise, the more the
    /// filter consists of strokes and spots the higher. (Neighbours resemble each other in any network that learned from
    /// smooth pictures.) 0 for filters that are smaller or all of one weight.
    ///
    /// The mean product of the deviations of such two weights from the filter's mean, over the variance of its weights.
    pub fn coherence(&self, filter: usize) -> f64 {
        const DISTANCE: usize = 2;
        let (weights, channels) = (self.get(filter), self.channels);
        let count = weights.len() as f64;
        let mean = weights.iter().map(|&weight| f64::from(weight)).sum::<f64>() / count;
        let variance = weights.iter().map(|&weight| (f64::from(weight) - mean).powi(2)).sum::<f64>() / count;
        let at = |row: usize, column: usize, channel: usize| {
            f64::from(weights[(row * self.width + column) * channels + channel]) - mean
        };
        let (mut products, mut pairs) = (0.0, 0_usize);
        for row in 0..self.height {
            for column in 0..self.width {
                for channel in 0..channels {
                    let across =
                        (column + DISTANCE < self.width).then(|| at(row, column + DISTANCE, channel));
                    let down = (row + DISTANCE < self.height).then(|| at(row + DISTANCE, column, channel));
                    for other in [across, down].into_iter().flatten() {
                        products += at(row, column, channel) * other;
                        pairs += 1;
                    }
                }
            }
        }
        if variance > 0.0 && pairs > 0 { products / pairs as f64 / variance } else { 0.0 }
    }

    /// The mean coherence of all filters.
    pub fn mean_coherence(&self) -> f64 {
        let count = self.count();
        (0..count).map(|filter| self.coherence(filter)).sum::<f64>() / count.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;
    use crate::prelude::*;

    #[test]
    fn a_dense_layer_s_filters_are_its_columns() {
        let mut model = Sequential::new().add(Dense::new(3).input_shape([4])).add(Dense::new(2));
        let mut weights = model.get_weights().unwrap();
        weights[0] = ArrayD::from_shape_fn(weights[0].raw_dim(), |at| (at[0] * 10 + at[1]) as f32);
        model.set_weights(&weights).unwrap();
        let filters = Filters::of(&mut model).unwrap().unwrap();
        assert_eq!((filters.count(), filters.height, filters.width), (3, 2, 2));
        assert_eq!(filters.get(1), [1.0, 11.0, 21.0, 31.0]);
        assert_eq!(filters.layer, "dense");
    }

    #[test]
    fn a_convolution_s_filters_are_its_kernels() {
        let mut model = Sequential::new().add(Conv2D::new(5, (3, 2)).input_shape([8, 8, 3]));
        let weights = model.get_weights().unwrap();
        let filters = Filters::of(&mut model).unwrap().unwrap();
        assert_eq!((filters.count(), filters.height, filters.width, filters.channels), (5, 3, 2, 3));
        for (filter, kernel) in weights[0].axis_iter(ndarray::Axis(3)).enumerate() {
            assert_eq!(filters.get(filter), kernel.iter().copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_no_picture_has_no_filters() {
        let none = |mut model: Sequential| Filters::of(&mut model).unwrap().is_none();
        assert!(none(Sequential::new().add(Dense::new(3).input_shape([13]))));
        assert!(none(Sequential::new().add(Conv2D::new(3, 3).input_shape([8, 8, 2]))));
        assert!(none(Sequential::new().add(Flatten::new().input_shape([8, 8]))));
    }

    #[test]
    fn strokes_are_coherent_and_noise_is_not() {
        let noise =
            Sequential::new().add(Dense::new(400).kernel_initializer("random_normal").input_shape([784]));
        let filters = Filters::of(&mut { noise }).unwrap().unwrap();
        // 400 filters of 1,456 pairs each: the mean's standard error is below 0.002.
        assert!(filters.mean_coherence().abs() < 0.01, "{}", filters.mean_coherence());
        let coherence = |weight: fn(usize, usize) -> bool| {
            let mut model = Sequential::new().add(Dense::new(1).input_shape([16]));
            let mut weights = model.get_weights().unwrap();
            let sign = |at: usize| if weight(at / 4, at % 4) { 1.0 } else { -1.0 };
            weights[0] = ArrayD::from_shape_fn(weights[0].raw_dim(), |at| sign(at[0]));
            model.set_weights(&weights).unwrap();
            Filters::of(&mut model).unwrap().unwrap().coherence(0)
        };
        assert_eq!(coherence(|_, column| column % 2 == 0), 1.0);
        assert_eq!(coherence(|_, column| column < 2), 0.0, "down they are alike, across they are opposite");
        assert_eq!(coherence(|row, column| (row / 2 + column / 2) % 2 == 0), -1.0);
        assert_eq!(coherence(|_, _| true), 0.0, "all weights are one");
    }
}
