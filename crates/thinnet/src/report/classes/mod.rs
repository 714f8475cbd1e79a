//! Which classes a model tells well, which it takes for which, and where it was surest and wrong.

mod page;

use std::path::Path;

use ndarray::{Array2, ArrayView2};

pub(super) use page::{details, mistakes};

use super::statistics::{mean_interval, share_interval};
use crate::error::Result;
use crate::files::write_whole;
use crate::metrics::confusion_matrix;

/// How a model classified the test samples.
///
/// ```
/// use ndarray::array;
/// use thinnet::report::Classes;
///
/// let probabilities = array![[0.9_f32, 0.1], [0.2, 0.8], [0.7, 0.3]];
/// let names = ["cat".to_owned(), "dog".to_owned()];
/// let classes = Classes::new(probabilities.view(), &[0, 1, 1], &names)?;
/// assert_eq!(classes.confusion, array![[1, 0], [1, 1]]);
/// assert_eq!((classes.mistakes[0].sample, classes.mistakes[0].predicted), (2, 0));
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Classes {
    /// What each class is called, by number.
    pub names: Vec<String>,
    /// How many samples of each class (row) were predicted as each class (column).
    pub confusion: Array2<u64>,
    /// The wrong predictions, the surest first: at most [`MISTAKES`](Self::MISTAKES).
    pub mistakes: Vec<Mistake>,
}

/// A wrong prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mistake {
    /// The sample's place in the test data.
    pub sample: usize,
    /// What it is.
    pub label: usize,
    /// What the model said.
    pub predicted: usize,
    /// With which probability it said so.
    pub probability: f32,
    /// The probability that the model gave to what it is.
    pub of_label: f32,
}

/// The accuracy within a class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassAccuracy {
    /// The class.
    pub name: String,
    /// The share of its samples that were predicted right; the mean over the runs.
    pub accuracy: f64,
    /// Its 95 % interval. Of one run: for the number of samples ([`share_interval`]); of several: of the mean over them
    /// ([`mean_interval`]).
    pub interval: (f64, f64),
    /// How many samples it has.
    pub samples: u64,
}

impl Classes {
    /// How many mistakes are kept.
    pub const MISTAKES: usize = 20;

    /// What follows from the probability of each class (column) for each sample (row). Of equal probabilities the first
    /// counts, as in [`Accuracy`](crate::metrics::Accuracy).
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where samples and labels differ in number, or a label is none of the classes.
    pub fn new(probabilities: ArrayView2<f32>, labels: &[i64], names: &[String]) -> Result<Self> {
        let likeliest = |row: ndarray::ArrayView1<f32>| {
            let first =
                |best: usize, (class, value): (usize, &f32)| if *value > row[best] { class } else { best };
            row.iter().enumerate().fold(0, first)
        };
        let predictions: Vec<usize> = probabilities.outer_iter().map(likeliest).collect();
        let confusion = confusion_matrix(labels, &predictions, names.len())?;
        let wrong =
            labels.iter().zip(&predictions).enumerate().filter_map(|(sample, (&label, &predicted))| {
                // A label that is none of the classes was an error above.
                let label = usize::try_from(label).ok().filter(|&label| label != predicted)?;
                let probability = |class: usize| probabilities[[sample, class]];
                Some(Mistake {
                    sample,
                    label,
                    predicted,
                    probability: probability(predicted),
                    of_label: probability(label),
                })
            });
        let mut mistakes: Vec<Mistake> = wrong.collect();
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        mistakes.truncate(Self::MISTAKES);
        Ok(Self { names: names.to_vec(), confusion, mistakes })
    }

    /// The number of samples, and how many of them were predicted right.
    pub fn count(&self) -> (u64, u64) {
        (self.confusion.sum(), self.confusion.diag().sum())
    }

    /// The accuracy within each class over some runs, by class number. A class without samples is left out.
    pub fn accuracies(runs: &[Self]) -> Vec<ClassAccuracy> {
        let Some(first) = runs.first() else { return Vec::new() };
        let of_class = |(class, name): (usize, &String)| {
            let count = |run: &Self| (run.confusion[[class, class]], run.confusion.row(class).sum());
            let (right, samples) = count(first);
            if samples == 0 {
                return None;
            }
            let share = |(right, of): (u64, u64)| right as f64 / of as f64;
            let (accuracy, interval) = if runs.len() == 1 {
                (share((right, samples)), share_interval(right, samples))
            } else {
                let (mean, half) =
                    mean_interval(&runs.iter().map(|run| share(count(run))).collect::<Vec<_>>());
                (mean, ((mean - half).max(0.0), (mean + half).min(1.0)))
            };
            Some(ClassAccuracy { name: name.clone(), accuracy, interval, samples })
        };
        first.names.iter().enumerate().filter_map(of_class).collect()
    }

    /// The confusion matrix over some runs: the sum of theirs.
    pub fn total(runs: &[Self]) -> Array2<u64> {
        let classes = runs.first().map_or(0, |run| run.names.len());
        runs.iter().fold(Array2::zeros((classes, classes)), |sum, run| sum + &run.confusion)
    }

    /// Writes the confusion matrix over some runs: a row for each class, a column for each prediction.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_csv(runs: &[Self], path: impl AsRef<Path>) -> Result<()> {
        let Some(Self { names, .. }) = runs.first() else { return Ok(()) };
        write_whole(path, |out| {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(std::iter::once("class").chain(names.iter().map(String::as_str)))?;
            for (name, row) in names.iter().zip(Self::total(runs).outer_iter()) {
                csv.write_record(std::iter::once(name.clone()).chain(row.iter().map(ToString::to_string)))?;
            }
            csv.flush()
        })
    }

    /// What the numbers say, in whole sentences.
    pub fn verdict(runs: &[Self]) -> Vec<String> {
        let Some(first) = runs.first() else { return Vec::new() };
        let accuracies = Self::accuracies(runs);
        let mut sentences = Vec::new();
        let (samples, right) = first.count();
        if runs.len() == 1 && samples > 0 {
            let (low, high) = share_interval(right, samples);
            sentences.push(format!(
                "{right} of {samples} test samples are told right: {:.1} %, with a 95 % interval from {:.1} to {:.1} % for \
                 that number of samples.",
                100.0 * right as f64 / samples as f64,
                100.0 * low,
                100.0 * high
            ));
        }
        let by_accuracy = |a: &&ClassAccuracy, b: &&ClassAccuracy| a.accuracy.total_cmp(&b.accuracy);
        let (best, worst) = (accuracies.iter().max_by(by_accuracy), accuracies.iter().min_by(by_accuracy));
        if let (Some(best), Some(worst)) = (best, worst)
            && best.accuracy > worst.accuracy
        {
            let described = |class: &ClassAccuracy| {
                let (low, high) = class.interval;
                format!("“{}” ({:.2}, 95 % interval {low:.2} to {high:.2})", class.name, class.accuracy)
            };
            let (this, that) = (described(best), described(worst));
            sentences.push(match best.interval.0 > worst.interval.1 {
                true => format!("The class told best is {this}, the one told worst {that}."),
                false => format!(
                    "The class told best is {this}, the one told worst {that}: the intervals meet, so that chance may have \
                     put them in this order."
                ),
            });
        }
        let total = Self::total(runs);
        let wrong =
            total.indexed_iter().filter(|((label, predicted), count)| label != predicted && **count > 0);
        // The first of equal ones.
        let most = wrong.fold(None, |most: Option<((usize, usize), u64)>, (at, &count)| match most {
            Some((_, before)) if before >= count => most,
            _ => Some((at, count)),
        });
        if let Some(((label, predicted), count)) = most {
            let (of, over) = (total.row(label).sum(), if runs.len() > 1 { ", over all seeds" } else { "" });
            let (name, taken) = (&first.names[label], &first.names[predicted]);
            sentences.push(format!(
                "The commonest mistake: “{name}” taken for “{taken}”, {count} of {of} samples{over}."
            ));
        }
        sentences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn names() -> Vec<String> {
        ["cat", "dog", "a, \"b\""].map(str::to_owned).into()
    }

    fn classes(confusion: Array2<u64>) -> Classes {
        Classes { names: names(), confusion, mistakes: Vec::new() }
    }

    #[test]
    fn the_surest_mistakes_come_first_and_right_answers_are_none() {
        let probabilities = array![
            [0.6_f32, 0.3, 0.1],
            [0.9, 0.05, 0.05],
            [0.0, 0.01, 0.99],
            [0.4, 0.4, 0.2],
            [0.1, 0.8, 0.1]
        ];
        let classes = Classes::new(probabilities.view(), &[1, 2, 2, 1, 0], &names()).unwrap();
        assert_eq!(classes.confusion, array![[0, 1, 0], [2, 0, 0], [1, 0, 1]]);
        assert_eq!(classes.mistakes.iter().map(|mistake| mistake.sample).collect::<Vec<_>>(), [1, 4, 0, 3]);
        let expected = Mistake { sample: 1, label: 2, predicted: 0, probability: 0.9, of_label: 0.05 };
        assert_eq!(classes.mistakes[0], expected);
        assert_eq!(classes.count(), (5, 1));
        let many = Array2::from_shape_fn((50, 3), |(_, class)| if class == 0 { 0.8 } else { 0.1 });
        let classes = Classes::new(many.view(), &[1; 50], &names()).unwrap();
        assert_eq!(classes.mistakes.len(), Classes::MISTAKES);
        assert!(Classes::new(probabilities.view(), &[0; 4], &names()).is_err());
        assert!(Classes::new(probabilities.view(), &[3; 5], &names()).is_err());
    }

    #[test]
    fn one_run_has_intervals_for_its_samples_and_several_for_their_mean() {
        let one = [classes(array![[8, 2, 0], [0, 0, 0], [0, 0, 4]])];
        let accuracies = Classes::accuracies(&one);
        assert_eq!(accuracies.len(), 2, "a class without samples has no accuracy");
        assert_eq!((accuracies[0].accuracy, accuracies[0].interval), (0.8, share_interval(8, 10)));
        let two = [one[0].clone(), classes(array![[6, 4, 0], [0, 0, 0], [0, 0, 4]])];
        let (mean, half) = mean_interval(&[0.8, 0.6]);
        let first = &Classes::accuracies(&two)[0];
        assert_eq!((first.accuracy, first.interval), (mean, ((mean - half).max(0.0), 1.0)));
        assert_eq!(Classes::total(&two), array![[14, 6, 0], [0, 0, 0], [0, 0, 8]]);
        assert!(Classes::accuracies(&[]).is_empty() && Classes::total(&[]).is_empty());
    }

    #[test]
    fn the_verdict_says_what_chance_may_have_done() {
        let clear = Classes::verdict(&[classes(array![[90, 10, 0], [30, 50, 20], [0, 5, 95]])]).join(" ");
        let expected = "235 of 300 test samples are told right: 78.3 %, with a 95 % interval from 73.3 to 82.6 % for that \
                        number of samples. The class told best is “a, \"b\"” (0.95, 95 % interval 0.89 to 0.98), the one told \
                        worst “dog” (0.50, 95 % interval 0.40 to 0.60). The commonest mistake: “dog” taken for “cat”, 30 of \
                        100 samples.";
        assert_eq!(clear, expected);
        let few = Classes::verdict(&[classes(array![[9, 1, 0], [1, 8, 1], [0, 0, 10]])]).join(" ");
        assert!(few.contains("chance may have put them in this order"), "{few}");
        let perfect = Classes::verdict(&[classes(array![[9, 0, 0], [0, 8, 0], [0, 0, 1]])]);
        assert_eq!(perfect.len(), 1, "{perfect:?}");
        assert!(Classes::verdict(&[]).is_empty());
        let none = Classes::verdict(&[classes(Array2::zeros((3, 3)))]);
        assert!(none.is_empty(), "{none:?}");
    }

    #[test]
    fn the_file_quotes_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("confusion.csv");
        Classes::write_csv(&[classes(array![[8, 2, 0], [0, 0, 0], [0, 0, 4]])], &path).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let expected = "class,cat,dog,\"a, \"\"b\"\"\"\ncat,8,2,0\ndog,0,0,0\n\"a, \"\"b\"\"\",0,0,4\n";
        assert_eq!(text, expected);
    }
}
