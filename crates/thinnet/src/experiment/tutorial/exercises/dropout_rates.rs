//! Exercise 1: dropout rates.

use super::{ExerciseOptions, Model, about, network, relu, trained_on};
use crate::data::{Data, Dataset};
use crate::error::Result;
use crate::experiment::{Experiment, Job, Outcome};
use crate::report::{DropoutRates, ModelRuns, RateRuns};

/// None, and the exercise's rates.
const RATES: [f64; 5] = [0.0, 0.1, 0.3, 0.5, 0.7];

/// Exercise 1: the tutorial's network on MNIST with several dropout rates.
///
/// # Errors
/// As [`run_all`](crate::experiment::run_all).
pub fn dropout_rates(options: &ExerciseOptions) -> Result<DropoutRates> {
    let data = fixed(options, 0.0).data()?;
    let models = models(options, &data);
    let finish = |job: &Job, mut outcome: Outcome| {
        let accuracy = training_accuracy(&mut outcome, &data)?;
        Ok((outcome.result(job.experiment.seed), accuracy))
    };
    let results = options.train(&models, finish)?;
    let rates = RATES.into_iter().zip(models).zip(results).map(|((rate, model), (summary, runs))| {
        let (runs, training_accuracy) = runs.into_iter().unzip();
        RateRuns { rate, model: ModelRuns { name: model.name, summary, runs }, training_accuracy }
    });
    Ok(DropoutRates { rates: rates.collect(), text: options.text(about("MNIST", "digits", &data)) })
}

/// The accuracy on the digits that were trained on, with dropout off.
fn training_accuracy(outcome: &mut Outcome, data: &Dataset) -> Result<f64> {
    let Data { x, y } = data.train.slice(0..trained_on(data.train.len()));
    let rows = x.clone().reshaped(outcome.model.input_shape()?.clone()).unwrap_or(x);
    let logs = outcome.model.evaluate((&rows, &y))?;
    Ok(logs.get("accuracy").copied().unwrap_or(f64::NAN))
}

/// The models of the fixed rates.
pub(super) fn models<'a>(options: &ExerciseOptions, data: &'a Dataset) -> Vec<Model<'a>> {
    RATES.map(|rate| Model { name: format!("rate {rate}"), experiment: fixed(options, rate), data }).into()
}

/// The network with one fixed rate.
pub(super) fn fixed(options: &ExerciseOptions, rate: f64) -> Experiment {
    options.experiment("mnist", network(relu, rate))
}

#[cfg(test)]
mod tests {
    use super::super::tests::options;
    use super::*;

    /// The exercise is the experiment file's, but for the rate.
    #[test]
    fn the_experiment_file_is_one_of_them() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments/exercise-1-dropout-rate.toml");
        let of_file = Experiment::from_file(path, &[]).unwrap();
        let whole = ExerciseOptions { epochs: 20, samples: None, ..options() };
        let expected = fixed(&whole, 0.5);
        assert_eq!(of_file.model.layers, expected.model.layers);
        assert_eq!((of_file.seed, of_file.fit, of_file.data), (expected.seed, expected.fit, expected.data));
    }

    #[test]
    fn training_accuracy_without_dropout_is_that_of_the_whole_network() {
        let study = dropout_rates(&ExerciseOptions { samples: Some(200), epochs: 8, ..options() }).unwrap();
        assert_eq!(study.rates.iter().map(|rate| rate.rate).collect::<Vec<_>>(), RATES);
        for rate in &study.rates {
            assert_eq!((rate.model.runs.len(), rate.training_accuracy.len()), (2, 2));
            let shares = rate.training_accuracy.iter().map(|accuracy| accuracy * 160.0);
            assert!(
                shares.map(|share| (share - share.round()).abs()).all(|rest| rest < 1e-3),
                "of 160 digits"
            );
        }
        // After eight epochs of two steps, thinned networks at rate 0.7 know less than the whole one does.
        let dropped = study.rates[4].model.runs[0].history["accuracy"].last().unwrap();
        assert!(study.rates[4].training_accuracy[0] > *dropped);
    }
}
