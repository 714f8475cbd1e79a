//! The tutorial's "Understanding Dropout Behavior": what `Dropout` does in training and in inference.
//!
//! Dropout is inverted: in training kept units are scaled by 1 / (1 − rate), so that in inference nothing is scaled at all.

use ndarray::{Array2, array};
use thinnet::callbacks::BatchEnd;
use thinnet::prelude::*;

fn main() -> thinnet::Result<()> {
    let mut model = Sequential::new().add(Dropout::new(0.5).input_shape([8]));
    println!("inference: {}", model.predict(&Array2::<f32>::ones((1, 8)))?);

    // In training, the mean output over many steps is the input: what is dropped is made up for by what is kept.
    let mut model = Sequential::new()
        .add(Dropout::new(0.5).input_shape([8]))
        .add(Dense::new(1).kernel_initializer("ones").trainable(false));
    model.compile(SGD::new(0.0), "mae", [] as [&str; 0])?;
    let (x, y) = (Array2::<f32>::ones((1, 8)), array![[0.0_f32]]);
    let mut sums = Sums::default();
    model.fit((&x, &y), Fit::new().epochs(1000).verbose(false).callback(&mut sums))?;
    let mean = sums.0.iter().sum::<f64>() / sums.0.len() as f64;
    println!("training: first sums of the eight outputs {:?}, mean of 1,000 {mean:.2}", &sums.0[..5]);
    Ok(())
}

/// The sums of the outputs, one a step: with target 0 they are the mean absolute error.
#[derive(Debug, Default)]
struct Sums(Vec<f64>);

impl Callback for Sums {
    fn on_batch_end(&mut self, _: &mut Training, batch: &BatchEnd) -> thinnet::Result<()> {
        self.0.push(batch.loss());
        Ok(())
    }
}
