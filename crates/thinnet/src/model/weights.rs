//! The variables' values, in and out.

use ndarray::{ArrayD, IxDyn};

use super::Sequential;
use crate::error::{Error, Result};

impl Sequential {
    /// The values of all variables, in the order of the layers, in Keras's shapes.
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn get_weights(&mut self) -> Result<Vec<ArrayD<f32>>> {
        self.build()?;
        let parameters = &self.built()?.parameters;
        let array = |entry: &crate::engine::Entry| {
            let values = parameters.values()[entry.range.clone()].to_vec();
            ArrayD::from_shape_vec(IxDyn(&entry.shape), values)
                .map_err(|error| Error::Data(error.to_string()))
        };
        parameters.entries.iter().map(array).collect()
    }

    /// The names of all variables, `LAYER/VARIABLE`, in the order of [`get_weights`](Self::get_weights).
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn weight_names(&mut self) -> Result<Vec<String>> {
        self.build()?;
        Ok(self.built()?.parameters.entries.iter().map(|entry| entry.name.clone()).collect())
    }

    /// Sets the weights to zero that layers have learned to do without
    /// ([`VariationalDropout`](crate::layers::VariationalDropout)), and says how many elements of all variables these are.
    /// What the model predicts does not change, with [`predict_mc`](Self::predict_mc) either: there these weights counted as zero
    /// before, without noise. Training may bring them back.
    ///
    /// ```
    /// use thinnet::prelude::*;
    /// let layer = VariationalDropout::new(3).kl_weight(1e-3).initial_log_variance(20.0);
    /// let mut model = Sequential::new().add(layer.input_shape([4]));
    /// assert_eq!(model.prune()?, 12);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn prune(&mut self) -> Result<usize> {
        self.build()?;
        let Some(built) = &mut self.built else { return Err(Error::Usage("the model is not built".into())) };
        let values = built.parameters.values();
        let mut removable = Vec::new();
        for layer in &built.plan.layers {
            let Some((penalty, variables)) = layer.penalty(values) else { continue };
            for (variable, range) in layer.ranges.iter().enumerate() {
                let elements = 0..range.len();
                let of_variable = elements.filter(|&e| penalty.is_removable(variables, variable, e));
                removable.extend(of_variable.map(|element| range.start + element));
            }
        }
        let (_, values) = built.parameters.values_mut();
        removable.iter().for_each(|&place| values[place] = 0.0);
        Ok(removable.len())
    }

    /// Replaces the values of all variables, in the order of [`get_weights`](Self::get_weights).
    ///
    /// # Errors
    /// Where there are more or fewer arrays than variables, or one has another shape; nothing is changed then.
    pub fn set_weights(&mut self, weights: &[ArrayD<f32>]) -> Result<()> {
        self.build()?;
        let Some(built) = &mut self.built else { return Err(Error::Usage("the model is not built".into())) };
        let entries = &built.parameters.entries;
        if weights.len() != entries.len() {
            let (expected, came) = (entries.len(), weights.len());
            return Err(Error::Data(format!("expected {expected} arrays, one a variable, got {came}")));
        }
        if let Some((entry, array)) =
            entries.iter().zip(weights).find(|(entry, array)| entry.shape != array.shape())
        {
            let (name, expected, came) = (&entry.name, &entry.shape, array.shape());
            return Err(Error::Data(format!("{name}: expected shape {expected:?}, got {came:?}")));
        }
        let (entries, values) = built.parameters.values_mut();
        for (entry, array) in entries.iter().zip(weights) {
            let values = &mut values[entry.range.clone()];
            values.iter_mut().zip(array).for_each(|(value, &new)| *value = new);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ArrayD, IxDyn};

    use crate::prelude::*;
    use crate::uncertainty::Sampling;

    #[test]
    fn pruning_changes_no_prediction_and_leaves_no_noise() {
        let array =
            |shape: &[usize], values: &[f32]| ArrayD::from_shape_vec(IxDyn(shape), values.to_vec()).unwrap();
        let kernel = array(&[3, 2], &[0.5, -1.0, 2.0, 0.75, 0.01, 0.02]);
        let x = Array2::from_shape_fn((5, 3), |(i, j)| (i * 3 + j) as f32 / 4.0 - 1.0);
        // ln α: 3.4, 0, 1.7, 3.6, 6.2 and −2.2; then all above 3.
        for (log_sigma2, removable) in [([2.0, 0.0, 3.1, 3.0, -3.0, -10.0], 3), ([20.0; 6], 6)] {
            let mut model = Sequential::new().add(VariationalDropout::new(2).kl_weight(0.0).input_shape([3]));
            let weights = [kernel.clone(), array(&[3, 2], &log_sigma2), array(&[2], &[0.5, 0.0])];
            model.set_weights(&weights).unwrap();
            let predictions = |model: &mut Sequential| {
                let by_networks = [false, true].map(|shared| {
                    let prediction = model.predict_mc(&x, Sampling::new(4).shared_masks(shared)).unwrap();
                    (prediction.mean, prediction.variance)
                });
                (model.predict(&x).unwrap(), by_networks)
            };
            let before = predictions(&mut model);
            let is_noisy =
                before.1.each_ref().map(|(_, variance)| variance.iter().any(|&variance| variance > 0.0));
            assert_eq!(is_noisy, [removable < 6; 2]);
            assert_eq!(model.prune().unwrap(), removable);
            let zeros = model.get_weights().unwrap()[0].iter().filter(|&&weight| weight == 0.0).count();
            assert_eq!(zeros, removable);
            assert_eq!(predictions(&mut model), before);
        }
    }
}
