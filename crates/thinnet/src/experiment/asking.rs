//! What an experiment asks of its data.

use super::values::{self, Values};
use super::{CompileConfig, Experiment, complete_layer};
use crate::data::Dataset;
use crate::error::Result;
use crate::model::Fit;

impl Experiment {
    /// The experiment with what its model's layers ask of the data: the shape of a sample, where the first layer says no input
    /// shape, and the number of samples that are trained on, where a layer's prior is weighed against them or an expression
    /// names them.
    ///
    /// # Errors
    /// Where a layer cannot be read, an expression has no value, or no samples are left to train on.
    pub fn with_input_of(mut self, data: &Dataset) -> Result<Self> {
        if self.is_open() {
            let values = Values::new(&self.values)?.with_samples(self.training_samples(data)?);
            for (index, layer) in self.model.layers.iter_mut().enumerate() {
                values.fill(&format!("model.layers.{index}"), layer)?;
            }
            values.fill("compile.optimizer", &mut self.compile.optimizer)?;
            values.fill("compile.loss", &mut self.compile.loss)?;
        }
        for index in self.asking()? {
            let mut layer = self.layer(index)?;
            layer.tell_samples(self.training_samples(data)?);
            if index == 0 && layer.base().input_shape.is_none() {
                layer.base_mut().input_shape = Some(data.train.x.sample_shape().axes().to_vec());
            }
            self.model.layers[index] = complete_layer(&*layer);
        }
        Ok(self)
    }

    /// The experiment with what its model's layers ask of the data, which are read only where one does.
    ///
    /// # Errors
    /// As [`data`](Self::data) and [`with_input_of`](Self::with_input_of).
    pub fn with_input_shape(self) -> Result<Self> {
        if !self.is_open() && self.asking()?.is_empty() {
            return Ok(self);
        }
        let data = self.data()?;
        self.with_input_of(&data)
    }

    /// How many of the data's training samples are trained on; the others validate.
    pub(super) fn training_samples(&self, data: &Dataset) -> Result<usize> {
        Fit::new().validation_split(self.fit.validation_split).training_samples(data.train.len())
    }

    /// Whether expressions wait for the number of training samples.
    fn is_open(&self) -> bool {
        let CompileConfig { optimizer, loss, .. } = &self.compile;
        self.model.layers.iter().chain([optimizer, loss]).any(values::is_open)
    }

    /// The places of the layers that ask something of the data.
    fn asking(&self) -> Result<Vec<usize>> {
        let mut asking = Vec::new();
        for index in 0..self.model.layers.len() {
            let mut layer = self.layer(index)?;
            if layer.tell_samples(1) || (index == 0 && layer.base().input_shape.is_none()) {
                asking.push(index);
            }
        }
        Ok(asking)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::data::datasets;

    #[test]
    fn layers_are_told_how_many_samples_are_trained_on() {
        let text = r#"
            data.dataset = "mnist"
            data.samples = 500
            compile.loss = "sparse_categorical_crossentropy"
            fit.validation_split = 0.2
            [model]
            layers = [
                { class = "VariationalDropout", units = 4, input_shape = [784] },
                { class = "ConcreteDropout", length_scale = 0.5, layer = { class = "Dense", units = 10 } },
            ]
        "#;
        let read = |sets: &[String]| Experiment::from_toml(text, Path::new("."), sets).unwrap();
        let message = read(&[]).model().unwrap_err().to_string();
        assert!(
            message.contains("kl_weight must be given: 1/N for N training samples, got none"),
            "{message}"
        );
        assert!(message.contains("length_scale needs samples, the number of training samples"), "{message}");
        let told = read(&[]).with_input_shape().unwrap();
        assert_eq!(told.model.layers[0]["kl_weight"], 1.0 / 400.0);
        assert_eq!(told.model.layers[1]["samples"], 400);
        let none = read(&["data.samples=1".into()]).with_input_of(&datasets::mnist().unwrap());
        assert!(none.is_ok(), "the data that are given count, not those of the file");
        let message = read(&["data.samples=1".into()]).with_input_shape().unwrap_err().to_string();
        assert!(message.starts_with("validation_split 0.2 of 1 samples leaves 0 for training"), "{message}");
    }
}
