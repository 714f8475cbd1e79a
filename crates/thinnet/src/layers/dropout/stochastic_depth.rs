//! `StochasticDepth`: residual branches that are left out at random.

use serde::{Deserialize, Serialize};
use thinnet_kernels::dropout;

use super::Source;
use crate::engine::{Context, Phase};
use crate::layers::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods, seed_method};
use crate::random::Stream;
use crate::schedules::Rate;
use crate::shape::Shape;

/// Leaves a residual branch out at random: the last layer of a [`Residual`](crate::layers::Residual)'s stack. Block l of L
/// survives with probability
///
/// p = 1 − rate·l/L,
///
/// which falls linearly with depth to 1 − `rate`. In training, the branch is multiplied by 1 with probability p, else by 0: one
/// draw for the whole batch. In inference it is multiplied by p. Monte-Carlo prediction draws for each input, or, with shared
/// masks, once for all inputs of a sample.
///
/// Huang, Sun, Liu, Sedra & Weinberger 2016, "Deep networks with stochastic depth", where the last block survives with
/// probability ½.
///
/// A branch that is left out is not computed, neither forward nor backward: its variables have no gradient in that step but
/// those of their regularizers, and a BatchNormalization in it learns no statistics.
///
/// ```
/// use thinnet::prelude::*;
/// let mut model = Sequential::new().add(Dense::new(32).input_shape([8]));
/// for block in 1..=6 {
///     model.push(Box::new(
///         Residual::new()
///             .add(Dense::new(32).activation(Relu))
///             .add(Dense::new(32))
///             .add(StochasticDepth::new(0.5).depth([block, 6])),
///     ));
/// }
/// assert!(model.build().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StochasticDepth {
    #[serde(skip)]
    base: Base,
    rate: Rate,
    depth: [usize; 2],
    seed: Option<u64>,
}

impl Default for StochasticDepth {
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl StochasticDepth {
    /// With the rate of the last block, in [0, 1]: a number, or a schedule, whose last rate is that of inference. In a
    /// configuration, its default is 0.5.
    pub fn new(rate: impl Into<Rate>) -> Self {
        Self { base: Base::default(), rate: rate.into(), depth: [1, 1], seed: None }
    }

    /// The block's place l among all L, counted from 1: its rate is `rate`·l/L. Default: \[1, 1\], the whole rate.
    #[must_use]
    pub fn depth(mut self, depth: [usize; 2]) -> Self {
        self.depth = depth;
        self
    }

    seed_method!();

    base_methods!();
}

impl Layer for StochasticDepth {
    layer_methods!("StochasticDepth");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        self.rate.check()?;
        let [place, blocks] = self.depth;
        if place == 0 || place > blocks {
            return Err(format!(
                "depth must be a block's place and the number of blocks, [1, 6] to [6, 6] for six, got [{place}, {blocks}]"
            ));
        }
        if self.rate.highest() == 0.0 {
            return Ok(Built::view(input.clone()));
        }
        let (source, rate) = (Source::new(self.seed), self.rate.clone());
        let (len, depth) = (input.len(), place as f64 / blocks as f64);
        Ok(Built::in_place(input, LeaveOut { source, rate, len, depth }))
    }
}

#[derive(Debug)]
struct LeaveOut {
    source: Source,
    rate: Rate,
    /// Elements of a sample.
    len: usize,
    depth: f64,
}

impl LeaveOut {
    /// The block's rate.
    fn rate(&self, cx: &Context) -> f64 {
        self.rate.at(if cx.draws() { cx.step } else { u64::MAX }) * self.depth
    }

    /// Whether each sample has a draw of its own.
    fn draws_each(cx: &Context) -> bool {
        cx.phase == Phase::MonteCarlo { shared: false }
    }

    /// What the branch of the sample at a place is multiplied by.
    fn factor(&self, cx: &Context, place: usize) -> f32 {
        let rate = self.rate(cx);
        if !cx.draws() {
            return (1.0 - rate) as f32;
        }
        let (rest, mut factor) = (Stream::counter(cx.step, place), [0.0]);
        dropout::multipliers(self.source.key(cx), rest, dropout::threshold(rate), 1.0, &mut factor);
        factor[0]
    }
}

impl InPlace for LeaveOut {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn keeps_sign(&self) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        true
    }

    fn is_active(&self, cx: &Context) -> bool {
        self.rate(cx) > 0.0
    }

    fn leaves_out(&self, cx: &Context) -> bool {
        cx.draws() && !Self::draws_each(cx) && self.factor(cx, 0) == 0.0
    }

    fn forward(&self, cx: &Context, x: &mut [f32], _: &mut [f32]) {
        // Else one draw for all samples: that of place 0.
        let (len, first) = if Self::draws_each(cx) { (self.len, cx.first) } else { (x.len().max(1), 0) };
        for (row, x) in x.chunks_exact_mut(len).enumerate() {
            match self.factor(cx, first + row) {
                1.0 => {}
                // Not a product: a branch that is left out adds nothing even where it is infinite.
                0.0 => x.fill(0.0),
                factor => x.iter_mut().for_each(|x| *x *= factor),
            }
        }
    }

    fn backward(&self, cx: &Context, _x: &[f32], _y: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        self.forward(cx, dy, scratch);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array3, ArrayViewD, Axis};

    use super::*;
    use crate::engine::{Profile, Work};
    use crate::layers::testing::{self, infer, training};
    use crate::prelude::*;
    use crate::schedules::Linear;
    use crate::uncertainty::Sampling;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&StochasticDepth::new(0.5), &[&[1], &[3, 5]]);
        testing::check(&StochasticDepth::new(0.4).depth([2, 3]).seed(7), &[&[4]]);
        testing::check(&StochasticDepth::new(Linear::new(0.0, 0.5, 14)), &[&[4]]);
    }

    /// ±4.89 standard deviations of the binomial distribution: over fresh seeds one of the three would be exceeded with a
    /// probability of 3e-6.
    #[test]
    fn survival_falls_linearly_with_depth_in_training_and_scales_in_inference() {
        for (block, survival) in [(1, 0.875), (2, 0.75), (4, 0.5)] {
            let layer = StochasticDepth::new(0.5).depth([block, 4]);
            assert_eq!(infer(&layer, &[2], &[1.0, -2.0]), [survival, -2.0 * survival]);
            let (steps, p) = (1 << 12, f64::from(survival));
            let mut survived = 0;
            for step in 0..steps {
                let y = testing::train(&layer, &[2], &training(step), &[1.0, -2.0, 3.0, 4.0]);
                assert!(y == [1.0, -2.0, 3.0, 4.0] || y == [0.0; 4], "one draw for the batch: {y:?}");
                survived += u64::from(y[0] != 0.0);
            }
            let deviation = (survived as f64 - steps as f64 * p) / (steps as f64 * p * (1.0 - p)).sqrt();
            assert!(deviation.abs() < 4.89, "block {block}: {survived} of {steps}");
        }
    }

    #[test]
    fn the_ends_of_the_rate() {
        assert_eq!(testing::train(&StochasticDepth::new(0.0), &[2], &training(0), &[1.0, 2.0]), [1.0, 2.0]);
        assert_eq!(testing::train(&StochasticDepth::new(1.0), &[2], &training(0), &[1.0, 2.0]), [0.0; 2]);
    }

    /// Trains a model with a block whose branch is left out at this rate, for eight steps.
    fn train_block(rate: f64, threads: usize) -> (Sequential, Profile, History) {
        let branch = Residual::new()
            .add(Conv1D::new(6, 3).padding("same").activation(Relu).kernel_regularizer("l2"))
            .add(BatchNormalization::new())
            .add(Dense::new(6))
            .add(StochasticDepth::new(rate));
        let mut model = Sequential::new()
            .threads(threads)
            .add(Dense::new(6).input_shape([5, 6]))
            .add(branch)
            .add(GlobalAveragePooling1D::new())
            .add(Dense::new(1));
        model.compile("sgd", "mse", [""; 0]).unwrap();
        let x = Array3::from_shape_fn((96, 5, 6), |(i, j, k)| ((i * 7 + j * 5 + k * 3) % 11) as f32 / 11.0);
        let y = Array2::from_shape_fn((96, 1), |(i, _)| (i % 4) as f32);
        let mut profile = Profile::new();
        let fit = Fit::new().epochs(4).batch_size(48).verbose(false).profile(&mut profile);
        let history = model.fit((&x, &y), fit).unwrap();
        (model, profile, history)
    }

    #[test]
    fn a_branch_that_is_left_out_is_neither_computed_nor_trained() {
        let (mut model, profile, _) = train_block(1.0, 2);
        let names = profile.layers().to_vec();
        for (layer, name) in names.iter().enumerate() {
            let works = [Work::Forward(layer), Work::Backward(layer)];
            let seconds: f64 = works.iter().flat_map(|&work| profile.seconds(work)).sum();
            assert_eq!(seconds > 0.0, !name.starts_with("residual/"), "{name}");
        }
        let mut untrained = Sequential::from_json(&model.to_json().unwrap()).unwrap();
        let names = untrained.weight_names().unwrap();
        let before = untrained.get_weights().unwrap();
        for ((name, before), after) in names.iter().zip(before).zip(model.get_weights().unwrap()) {
            // The kernel's regularizer goes on.
            let is_still = name.starts_with("residual/") && name != "residual/conv1d/kernel";
            assert_eq!(before == after, is_still, "{name}");
        }
    }

    /// Of 600 draws all or none survive with a probability of 1e-180.
    #[test]
    fn monte_carlo_prediction_draws_for_each_input_unless_masks_are_shared() {
        let model = |threads: usize| {
            let branch = Residual::new().add(Dense::new(2)).add(StochasticDepth::new(0.5));
            Sequential::new().threads(threads).add(branch.input_shape([2]))
        };
        let x = Array2::<f32>::ones((600, 2));
        for shared in [false, true] {
            let sampling = Sampling::new(8).shared_masks(shared);
            let mut alike = 0;
            let each = |outputs: ArrayViewD<f32>| {
                let first = outputs.index_axis(Axis(0), 0);
                alike += usize::from(outputs.outer_iter().all(|row| row == first));
                Ok(())
            };
            let one = model(1).predict_mc_each(&x, sampling, each).unwrap();
            assert_eq!(alike, if shared { 8 } else { 0 });
            let three = model(3).predict_mc(&x, sampling).unwrap();
            assert_eq!((one.mean, one.variance), (three.mean, three.variance));
        }
    }

    #[test]
    fn the_same_bits_for_any_threads_where_some_steps_leave_out() {
        let (mut one, profile, history) = train_block(0.5, 1);
        let layer = profile.layers().iter().position(|name| name == "residual/dense").unwrap();
        let computed = profile.seconds(Work::Forward(layer)).iter().filter(|&&seconds| seconds > 0.0).count();
        assert!(0 < computed && computed < 8, "{computed} of 8 steps");
        let (mut three, _, of_three) = train_block(0.5, 3);
        assert_eq!(history, of_three);
        assert_eq!(one.get_weights().unwrap(), three.get_weights().unwrap());
    }

    #[test]
    fn bad_arguments_are_explained() {
        for depth in [[0, 3], [4, 3], [0, 0]] {
            let message = format!(
                "depth must be a block's place and the number of blocks, [1, 6] to [6, 6] for six, got [{}, {}]",
                depth[0], depth[1]
            );
            testing::fails(&StochasticDepth::new(0.5).depth(depth), &[3], &message);
        }
        let message = "rate must be in [0, 1] (the fraction that is dropped), got 1.5";
        testing::fails(&StochasticDepth::new(1.5), &[3], message);
    }
}
