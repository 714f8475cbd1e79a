//! What is measured of runs, how it is said, and the chart of several models' means with their intervals.

use std::borrow::Cow;

use super::figure::{Across, Figure, Joined, Panel, Point, Points};
use super::statistics::mean_interval;
use super::{Comparison, ModelRuns, RunResult, Versus};

/// Where a run has a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// Among its test results.
    Test(Cow<'static, str>),
    /// A column of its history, after the last epoch.
    Last(&'static str),
    /// Training accuracy − validation accuracy.
    Gap,
    /// Validation loss − training loss.
    LossGap,
    /// The epoch of the best validation loss.
    BestEpoch,
    /// The time it took.
    Seconds,
}

impl Source {
    pub(super) fn of(&self, run: &RunResult) -> Option<f64> {
        match self {
            Self::Test(name) => run.test.get(name.as_ref()).copied(),
            Self::Last(name) => run.last(name),
            Self::Gap => run.gap(),
            Self::LossGap => Some(run.last("val_loss")? - run.last("loss")?),
            Self::BestEpoch => run.best_epoch().map(|epoch| epoch as f64),
            Self::Seconds => Some(run.seconds),
        }
    }
}

/// A number that runs have, and how it is said.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    /// What it is called.
    pub(super) name: Cow<'static, str>,
    pub(super) source: Source,
    /// What differences are multiplied by when they are said, such as 100 for points.
    pub(super) scale: f64,
    /// What follows a difference, such as ` points`; may be empty.
    pub(super) unit: &'static str,
    /// The digits of a difference.
    pub(super) digits: usize,
}

impl Measure {
    /// The share of test samples that are told right.
    pub(super) const TEST_ACCURACY: Self =
        Self::in_points("test accuracy", Source::Test(Cow::Borrowed("accuracy")));
    /// The loss on the test samples.
    pub(super) const TEST_LOSS: Self = Self::plain("test loss", Source::Test(Cow::Borrowed("loss")));
    /// The loss on the validation samples after the last epoch.
    pub(super) const VALIDATION_LOSS: Self = Self::plain("validation loss", Source::Last("val_loss"));
    /// Training accuracy − validation accuracy.
    pub(super) const GAP: Self = Self::in_points("train − validation gap", Source::Gap);
    /// Validation loss − training loss, of runs without accuracy.
    const LOSS_GAP: Self = Self::plain("validation − training loss", Source::LossGap);
    /// The epoch of the best validation loss.
    pub(super) const BEST_EPOCH: Self = Self {
        name: Cow::Borrowed("best epoch"),
        source: Source::BestEpoch,
        scale: 1.0,
        unit: "",
        digits: 1,
    };

    const fn plain(name: &'static str, source: Source) -> Self {
        Self { name: Cow::Borrowed(name), source, scale: 1.0, unit: "", digits: 4 }
    }

    const fn in_points(name: &'static str, source: Source) -> Self {
        Self { name: Cow::Borrowed(name), source, scale: 100.0, unit: " points", digits: 2 }
    }

    /// Whether it is of losses, penalties included.
    pub(super) fn is_of_losses(&self) -> bool {
        match &self.source {
            Source::Test(name) => name == "loss",
            Source::Last(name) => ["loss", "val_loss"].contains(name),
            Source::LossGap => true,
            Source::Gap | Source::BestEpoch | Source::Seconds => false,
        }
    }

    /// What all runs of all models were tested for, accuracy and loss first, and how far training and validation are apart.
    pub(super) fn all(models: &[&ModelRuns]) -> Vec<Self> {
        let tested = Self::tested(models).into_iter();
        let gaps = [Self::GAP, Self::LOSS_GAP].into_iter().find(|gap| gap.is_known(models));
        tested.chain(gaps).collect()
    }

    /// What all runs of all models were tested for, accuracy and loss first.
    pub(super) fn tested(models: &[&ModelRuns]) -> Vec<Self> {
        let other = |name: String| {
            let source = Source::Test(Cow::Owned(name.clone()));
            Self { name: Cow::Owned(format!("test {name}")), ..Self::plain("", source) }
        };
        let measures = [Self::TEST_ACCURACY, Self::TEST_LOSS].into_iter();
        let measures = measures.chain(other_tests(models).into_iter().map(other));
        measures.filter(|measure| measure.is_known(models)).collect()
    }

    pub(super) fn is_known(&self, models: &[&ModelRuns]) -> bool {
        models.iter().all(|model| self.of(model).is_some_and(|values| !values.is_empty()))
    }

    /// The number of a run.
    pub(super) fn value(&self, run: &RunResult) -> Option<f64> {
        self.source.of(run)
    }

    /// The number of each run, if all have it.
    pub(super) fn of(&self, model: &ModelRuns) -> Option<Vec<f64>> {
        model.runs.iter().map(|run| self.value(run)).collect()
    }

    /// The mean over the runs, and half its interval, infinite for one run.
    pub(super) fn mean(&self, model: &ModelRuns) -> Option<(f64, f64)> {
        self.of(model).filter(|values| !values.is_empty()).map(|values| mean_interval(&values))
    }

    /// The digits of the number itself.
    pub(super) fn own_digits(&self) -> usize {
        self.digits + self.scale.log10() as usize
    }

    /// A difference in words.
    pub(super) fn said(&self, difference: f64) -> String {
        format!("{:.*}{}", self.digits, difference * self.scale, self.unit)
    }

    /// Which models have the highest and the lowest mean; `None` where a mean is no number.
    pub(super) fn extremes(&self, models: &[&ModelRuns]) -> Option<String> {
        let means = models.iter().map(|model| Some((finite(self, model)?.0, model.name.as_str())));
        let means = means.collect::<Option<Vec<(f64, &str)>>>()?;
        let order = |a: &&(f64, &str), b: &&(f64, &str)| a.0.total_cmp(&b.0);
        let (low, high) = (means.iter().min_by(order)?, means.iter().max_by(order)?);
        let seeds = models.first()?.runs.len();
        let name = match models.iter().all(|model| model.runs.len() == seeds) {
            true if seeds == 1 => self.capitalized(),
            true => format!("Mean {} over {seeds} seeds", self.name),
            false => format!("Mean {}", self.name),
        };
        let digits = self.own_digits();
        if low.0 == high.0 {
            return Some(format!("{name} is {:.digits$} for all", low.0));
        }
        Some(format!(
            "{name}: highest for “{}” ({:.digits$}), lowest for “{}” ({:.digits$})",
            high.1, high.0, low.1, low.0
        ))
    }

    /// Its name at the start of a sentence.
    pub(super) fn capitalized(&self) -> String {
        let mut letters = self.name.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }
}

/// The names of test results besides loss and accuracy, of any run.
pub(super) fn other_tests(models: &[&ModelRuns]) -> Vec<String> {
    let names = models.iter().flat_map(|model| &model.runs).flat_map(|run| run.test.keys());
    let mut names: Vec<String> =
        names.filter(|name| !["loss", "accuracy"].contains(&name.as_str())).cloned().collect();
    names.sort();
    names.dedup();
    names
}

impl Comparison {
    /// Test accuracy (without it, test loss) and the gap between training and validation of each model; where pairs are
    /// tested, all that is tested; as means with 95 % intervals. `None` where there are no intervals, or nothing was measured.
    pub(super) fn measures(&self, versus: Versus) -> Option<Figure> {
        if self.models.len() < 2 || self.models.iter().all(|model| model.runs.len() < 2) {
            return None;
        }
        let models = self.models();
        let known = |measure: &Measure| models.iter().all(|model| finite(measure, model).is_some());
        let mut measures: Vec<Measure> = match versus.tested() {
            Some(_) => self.common(),
            None => {
                let first = [Measure::TEST_ACCURACY, Measure::TEST_LOSS].into_iter().find(known);
                first.into_iter().chain([Measure::GAP]).collect()
            }
        };
        measures.retain(known);
        Some(Figure {
            title: measures.first()?.extremes(&models)?,
            panels: measures.iter().map(|measure| self.panel(measure)).collect(),
            names: self.models.iter().map(|model| model.name.clone()).collect(),
            phases: false,
        })
    }

    fn panel(&self, measure: &Measure) -> Panel {
        let of_model = |(color, model): (usize, &ModelRuns)| Points {
            label: model.name.clone(),
            color,
            joined: Joined::Not,
            points: finite(measure, model).map(|mean| Point::new(color as f64, mean)).into_iter().collect(),
        };
        let names = self.models.iter().map(|model| model.name.clone()).collect();
        Panel {
            name: measure.name.to_string(),
            across: Across::Choices("model".into(), names),
            points: self.models.iter().enumerate().map(of_model).collect(),
            ..Panel::default()
        }
    }
}

fn finite(measure: &Measure, model: &ModelRuns) -> Option<(f64, f64)> {
    measure.mean(model).filter(|(mean, _)| mean.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;
    use crate::report::RunResult;

    fn model(name: &str, accuracies: &[f64]) -> ModelRuns {
        let run = |&accuracy: &f64| RunResult {
            seed: 0,
            history: History::default(),
            test: [("accuracy".to_owned(), accuracy)].into(),
            seconds: 1.0,
        };
        ModelRuns { name: name.into(), summary: String::new(), runs: accuracies.iter().map(run).collect() }
    }

    fn title(models: Vec<ModelRuns>) -> Option<String> {
        let comparison = Comparison {
            models,
            data: String::new(),
            penalties_differ: false,
            notes: Vec::new(),
            command: String::new(),
        };
        let figure = comparison.measures(Versus::First(&[1]))?;
        assert_eq!(figure.panels.len(), 1, "without validation there is no gap");
        Some(figure.title)
    }

    #[test]
    fn the_title_says_which_is_highest_and_there_is_nothing_to_draw_without_intervals() {
        let both = title(vec![model("a", &[0.97, 0.971, 0.972]), model("b", &[0.981, 0.982, 0.983])]);
        let expected = "Mean test accuracy over 3 seeds: highest for “b” (0.9820), lowest for “a” (0.9710)";
        assert_eq!(both.as_deref(), Some(expected));
        assert_eq!(title(vec![model("a", &[0.96]), model("b", &[0.97])]), None);
        assert_eq!(title(vec![model("a", &[f64::NAN; 2]), model("b", &[0.97; 2])]), None);
    }
}
