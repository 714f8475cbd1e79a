//! `MultiSampleDropout`: the loss of several dropout masks at once.

use serde::{Deserialize, Serialize};
use thinnet_kernels::add::add;
use thinnet_kernels::dropout;

use super::Source;
use crate::engine::{Context, Variables};
use crate::layers::wrapped::Wrapped;
use crate::layers::{Base, Built, Layer, Operation, Transform, base_methods, layer_methods, seed_method};
use crate::schedules::Rate;
use crate::shape::Shape;

/// The model's last layer, a [`Dense`](crate::layers::Dense) that it wraps, behind several dropout masks at once: in training, each
/// sample has `num_samples` masks, each with an output and a loss of its own by the same weights, and the sample's loss is
/// their mean. What comes before is computed once. Metrics in training are means over the masks too. In inference nothing is
/// dropped; Monte-Carlo prediction takes the first mask.
///
/// Inoue 2019, "Multi-sample dropout for accelerated training and better generalization".
///
/// Variables: those of the wrapped layer.
///
/// ```
/// use thinnet::prelude::*;
/// let mut model = Sequential::new()
///     .add(Dense::new(64).activation(Relu).input_shape([8]))
///     .add(MultiSampleDropout::new(0.5, 8, Dense::new(3).activation(Softmax)));
/// model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct MultiSampleDropout {
    #[serde(skip)]
    base: Base,
    rate: Rate,
    num_samples: usize,
    layer: Wrapped,
    seed: Option<u64>,
}

impl Default for MultiSampleDropout {
    /// Without a layer: it must be given.
    fn default() -> Self {
        let (base, layer) = (Base::default(), Wrapped::default());
        Self { base, rate: Rate::default(), num_samples: 8, layer, seed: None }
    }
}

impl MultiSampleDropout {
    /// Before this [`Dense`](crate::layers::Dense), with a rate in [0, 1], a number or a schedule, and this many masks. In a
    /// configuration, `num_samples` is 8 by default.
    pub fn new(rate: impl Into<Rate>, num_samples: usize, layer: impl Layer + 'static) -> Self {
        Self { rate: rate.into(), num_samples, layer: Wrapped::new(layer), ..Self::default() }
    }

    seed_method!();

    base_methods!();
}

impl Layer for MultiSampleDropout {
    layer_methods!("MultiSampleDropout");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let (&[inputs], copies) = (input.axes(), self.num_samples) else {
            return Err(format!("expected samples of shape (inputs), got {input}: put a Flatten before"));
        };
        self.rate.check()?;
        if copies == 0 || copies > 1 << 10 {
            return Err(format!("num_samples must be from 1 to 1024, got {copies}"));
        }
        if let Some(class) = self.layer.class_name().filter(|&class| class != "Dense") {
            return Err(format!(
                "the wrapped layer must be a Dense, which does not mix the masks, got {class}"
            ));
        }
        let (mut built, _) = self.layer.build("MultiSampleDropout", &Shape::from([copies, inputs]))?;
        let outputs = built.output.last();
        let (source, rate) = (Source::new(self.seed), self.rate.clone());
        built.operations.insert(0, Operation::transform(Spread { source, rate, inputs, copies }, 0..0));
        Ok(Built { output: Shape::from(outputs), ..built })
    }
}

/// Copies of the input, each with a mask.
#[derive(Debug)]
struct Spread {
    source: Source,
    rate: Rate,
    inputs: usize,
    copies: usize,
}

impl Spread {
    /// Masks all copies of some rows.
    fn mask(&self, cx: &Context, copies: &mut [f32]) {
        if self.is_random(cx) {
            let rate = self.rate.at(cx.step);
            let words = self.source.words(cx, self.output_len());
            dropout::scale(words, dropout::threshold(rate), (1.0 / (1.0 - rate)) as f32, copies);
        }
    }
}

impl Transform for Spread {
    fn output_len(&self) -> usize {
        self.copies * self.inputs
    }

    fn scratch(&self, rows: usize) -> usize {
        rows * self.output_len()
    }

    fn cost(&self) -> usize {
        self.output_len()
    }

    fn is_random(&self, cx: &Context) -> bool {
        cx.draws() && self.rate.at(cx.step) > 0.0
    }

    fn forward(&self, cx: &Context, _: Variables, x: &[f32], y: &mut [f32], _: &mut [f32]) {
        for (x, y) in x.chunks_exact(self.inputs).zip(y.chunks_exact_mut(self.output_len())) {
            y.chunks_exact_mut(self.inputs).for_each(|copy| copy.copy_from_slice(x));
        }
        self.mask(cx, y);
    }

    fn backward(
        &self,
        cx: &Context,
        _: Variables,
        _: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        let copies = &mut scratch[..dy.len()];
        copies.copy_from_slice(dy);
        self.mask(cx, copies);
        dx.fill(0.0);
        for (copies, dx) in copies.chunks_exact(self.output_len()).zip(dx.chunks_exact_mut(self.inputs)) {
            copies.chunks_exact(self.inputs).for_each(|copy| add(copy, dx));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Dense;
    use crate::layers::testing::{fails, train, training};
    use crate::prelude::*;
    use ndarray::{Array1, Array2};

    /// Masks of the same seed as an ordinary model's, so that the mean of their losses is known: with the copies' draws in one
    /// row, mask m of a sample is elements m·inputs on of its stream.
    #[test]
    fn the_loss_is_the_mean_over_masks_of_one_pass() {
        let x = Array2::from_shape_fn((40, 6), |(i, j)| ((i * 7 + j * 5) % 11) as f32 / 5.0 - 1.0);
        let y = Array1::from_shape_fn(40, |i| (i % 3) as u8);
        let head = || Dense::new(3).activation(Softmax);
        let compiled = |mut model: Sequential| {
            model.compile(SGD::new(0.5), "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
            model
        };
        let (copies, rate) = (5, 0.5);
        let mut model = compiled(
            Sequential::new().add(MultiSampleDropout::new(rate, copies, head()).seed(7).input_shape([6])),
        );
        let evaluated = model.evaluate((&x, &y)).unwrap();
        let weights = model.get_weights().unwrap();
        // The masked copies as data of a plain model: its loss and its step are those of all masks.
        let spread = Spread { source: Source::new(Some(7)), rate: rate.into(), inputs: 6, copies };
        let mut masked = vec![0.0; 40 * copies * 6];
        let variables = Variables::new(&[], &[]);
        spread.forward(&training(0), variables, x.as_slice().unwrap(), &mut masked, &mut []);
        let masked = Array2::from_shape_vec((40 * copies, 6), masked).unwrap();
        let repeated = Array1::from_shape_fn(40 * copies, |i| (i / copies % 3) as u8);
        let mut plain = compiled(Sequential::new().add(head().input_shape([6])));
        plain.set_weights(&weights).unwrap();
        assert_eq!(plain.evaluate((&x, &y)).unwrap()["accuracy"], evaluated["accuracy"]);
        assert!((plain.evaluate((&x, &y)).unwrap()["loss"] - evaluated["loss"]).abs() < 1e-6);
        assert_eq!(plain.predict(&x).unwrap(), model.predict(&x).unwrap());
        let [expected, came] = [plain.train_on_batch((&masked, &repeated)), model.train_on_batch((&x, &y))]
            .map(|logs| logs.unwrap());
        assert!((expected["loss"] - came["loss"]).abs() < 1e-6, "{expected:?} {came:?}");
        assert!((expected["accuracy"] - came["accuracy"]).abs() < 1e-9, "{expected:?} {came:?}");
        for (expected, came) in plain.get_weights().unwrap().iter().zip(&model.get_weights().unwrap()) {
            assert!(expected.iter().zip(came).all(|(a, b)| (a - b).abs() < 1e-6), "{expected} {came}");
        }
    }

    /// The gradient by the input: each copy's, masked as it was. The masks make the function linear, so one step is exact.
    #[test]
    fn the_gradient_by_the_input_is_the_sum_over_masks() {
        let spread = Spread { source: Source::new(None), rate: 0.4.into(), inputs: 3, copies: 4 };
        let variables = Variables::new(&[], &[]);
        let x = [0.5, -1.0, 2.0, 1.0, 0.25, -0.5];
        let dy: Vec<f32> = (0..24).map(|i| (i * 11 % 17) as f32 / 8.0 - 1.0).collect();
        let value = |x: &[f32]| {
            let mut y = vec![0.0; 24];
            spread.forward(&training(5), variables, x, &mut y, &mut []);
            y.iter().zip(&dy).map(|(y, dy)| f64::from(y * dy)).sum::<f64>()
        };
        let mut dx = [0.0; 6];
        spread.backward(&training(5), variables, &x, &dy, &mut dx, &mut [0.0; 24]);
        for e in 0..6 {
            let mut moved = x;
            moved[e] += 1.0;
            assert!((value(&moved) - value(&x) - f64::from(dx[e])).abs() < 1e-4, "element {e}");
        }
    }

    /// ±4.89 standard deviations of the binomial distribution: over a fresh seed exceeded with a probability of 1e-6.
    #[test]
    fn masks_keep_one_minus_the_rate() {
        let layer = MultiSampleDropout::new(0.3, 16, Dense::new(1).use_bias(false));
        let (rows, inputs, copies) = (256, 16, 16);
        assert_eq!(train(&layer, &[inputs], &training(0), &vec![1.0; rows * inputs]).len(), rows * copies);
        let spread = Spread { source: Source::new(None), rate: 0.3.into(), inputs, copies };
        let mut y = vec![0.0; rows * inputs * copies];
        spread.forward(&training(1), Variables::new(&[], &[]), &vec![1.0; rows * inputs], &mut y, &mut []);
        let (kept, n) = (y.iter().filter(|&&y| y > 0.0).count() as f64, y.len() as f64);
        assert!(((kept - 0.7 * n) / (n * 0.21).sqrt()).abs() < 4.89, "{kept} of {n}");
    }

    #[test]
    fn its_configuration_survives_a_round_trip() {
        let layer = MultiSampleDropout::new(0.3, 4, Dense::new(3)).seed(1);
        let value = crate::layers::to_keras(&layer);
        assert_eq!(format!("{:?}", crate::layers::from_value(&value).unwrap()), format!("{layer:?}"));
    }

    #[test]
    fn bad_arguments_are_explained() {
        let of = |rate: f64, copies| MultiSampleDropout::new(rate, copies, Dense::new(3));
        fails(&of(1.5, 2), &[4], "rate must be in [0, 1] (the fraction that is dropped), got 1.5");
        fails(&of(0.5, 0), &[4], "num_samples must be from 1 to 1024, got 0");
        for layer in [Conv1D::new(3, 3).padding("same"), Conv1D::new(3, 2)] {
            let message = "the wrapped layer must be a Dense, which does not mix the masks, got Conv1D";
            fails(&MultiSampleDropout::new(0.5, 2, layer), &[4], message);
        }
        let message = "expected samples of shape (inputs), got (None, 2, 2): put a Flatten before";
        fails(&of(0.5, 2), &[2, 2], message);
        let mut model = Sequential::new().add(of(0.5, 2).input_shape([4])).add(Dense::new(2));
        let message = model.build().unwrap_err().to_string();
        assert_eq!(
            message,
            "multi_sample_dropout: must be the model's last layer: each of its masks has a loss of its own, and there are 2"
        );
        let mut model = Sequential::new().add(Residual::new().add(of(0.5, 2)).input_shape([3]));
        let message = model.build().unwrap_err().to_string();
        assert_eq!(
            message,
            "residual: multi_sample_dropout must be the model's last layer, not one of a stack"
        );
    }
}
