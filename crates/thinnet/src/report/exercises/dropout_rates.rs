//! Exercise 1: the same network with several dropout rates.

use std::path::Path;

use maud::html;

use super::{ExerciseText, write_comparison};
use crate::error::Result;
use crate::files::write_whole;
use crate::report::curves::Curves;
use crate::report::discussion::{
    about_intervals, best_by_validation, cell, certainty, course, courses, every_epoch, mean, tested,
    turning_sentence, with_interval, write_figure,
};
use crate::report::figure::{Across, Figure, Joined, Panel, Point, Points, Scale};
use crate::report::html::{again, folded, page, table};
use crate::report::measures::Measure;
use crate::report::pairs::{Against, listed};
use crate::report::statistics::mean_interval;
use crate::report::{ModelRuns, RunResult, aligned};

/// The same network with several dropout rates, the first of which is 0.
#[derive(Clone, Debug)]
pub struct DropoutRates {
    /// The rates, ascending.
    pub rates: Vec<RateRuns>,
    /// How it was run.
    pub text: ExerciseText,
}

/// The runs of one rate.
#[derive(Clone, Debug)]
pub struct RateRuns {
    /// The rate.
    pub rate: f64,
    /// Its runs, one a seed.
    pub model: ModelRuns,
    /// The accuracy of each run's network on the digits it was trained on, with dropout off.
    pub training_accuracy: Vec<f64>,
}

impl RateRuns {
    /// Training accuracy with dropout off − validation accuracy, of each run.
    fn gaps_without_dropout(&self) -> Option<Vec<f64>> {
        let runs = self.model.runs.iter().zip(&self.training_accuracy);
        runs.map(|(run, accuracy)| Some(accuracy - run.last("val_accuracy")?)).collect()
    }
}

const MEASURES: [Measure; 2] = [Measure::TEST_ACCURACY, Measure::GAP];

impl DropoutRates {
    fn models(&self) -> Vec<&ModelRuns> {
        self.rates.iter().map(|rate| &rate.model).collect()
    }

    fn seeds(&self) -> usize {
        self.rates.first().map_or(0, |rate| rate.model.runs.len())
    }

    /// The place of the rate with the lowest mean validation loss.
    pub fn best(&self) -> usize {
        best_by_validation(self.models()).unwrap_or(0)
    }

    /// The cells of the table, with its head.
    fn rows(&self) -> Vec<Vec<String>> {
        let head = ["", "training", "dropout off", "validation", "train − val", "test accuracy", "test loss"];
        let row = |rate: &RateRuns| {
            let of = |value: fn(&RunResult) -> Option<f64>| cell(&rate.model, 4, value);
            vec![
                rate.model.name.clone(),
                of(|run| run.last("accuracy")),
                with_interval(&rate.training_accuracy, 4),
                of(|run| run.last("val_accuracy")),
                of(RunResult::gap),
                of(|run| Measure::TEST_ACCURACY.value(run)),
                of(|run| Measure::TEST_LOSS.value(run)),
            ]
        };
        std::iter::once(head.map(str::to_owned).to_vec()).chain(self.rates.iter().map(row)).collect()
    }

    /// The table as aligned text.
    pub fn table(&self) -> String {
        aligned(&self.rows())
    }

    /// A number of each rate, as [`course`] takes it.
    fn along(&self, value: impl Fn(&RateRuns) -> Option<f64>) -> Vec<(String, f64)> {
        self.rates.iter().filter_map(|rate| Some((rate.model.name.clone(), value(rate)?))).collect()
    }

    /// What happened, in whole sentences.
    pub fn discussion(&self) -> Vec<String> {
        let of = |value: fn(&RunResult) -> Option<f64>| self.along(|rate| mean(&rate.model, value));
        let training = of(|run| run.last("accuracy"));
        let without = self.along(|rate| Some(mean_interval(&rate.training_accuracy).0));
        let mut sentences = vec![format!(
            "Training accuracy, measured with dropout on, {}. With dropout off, that of the same networks on the same digits {}.",
            course(&training, 4),
            course(&without, 4)
        )];
        sentences.extend(turning_sentence(&courses(self.models())));
        sentences.push(format!("Validation accuracy {}.", course(&of(|run| run.last("val_accuracy")), 4)));
        let gaps = of(RunResult::gap);
        let clean = self.along(|rate| Some(mean_interval(&rate.gaps_without_dropout()?).0));
        let negative: Vec<String> =
            gaps.iter().filter(|(_, gap)| *gap < 0.0).map(|(name, _)| name.clone()).collect();
        let mut text = format!("The gap between training and validation accuracy {}", course(&gaps, 4));
        if !negative.is_empty() {
            text += &format!(
                "; it is negative at {}: training accuracy is a mean over the epoch, in which the network goes on learning, and at \
                 rates above 0 that of thinned networks; validation accuracy is that of the whole network after the epoch",
                listed(&negative)
            );
        }
        sentences.push(format!("{text}. With dropout off on both sides, it {}.", course(&clean, 4)));
        let RateRuns { model, .. } = &self.rates[self.best()];
        sentences.push(format!(
            "The lowest validation loss is that of {} ({}); its test accuracy is {}. Test accuracy {}.",
            model.name,
            cell(model, 4, |run| run.last("val_loss")),
            cell(model, 4, |run| Measure::TEST_ACCURACY.value(run)),
            course(&of(|run| Measure::TEST_ACCURACY.value(run)), 4)
        ));
        sentences
    }

    /// Which differences are real, in whole sentences.
    pub fn verdict(&self) -> Vec<String> {
        certainty(&self.models(), &MEASURES, Against::All)
    }

    /// The figure of test accuracy and of the gap against the rate.
    fn against_rate(&self) -> Figure {
        let points = |values: &dyn Fn(&RateRuns) -> Option<Vec<f64>>| -> Vec<Point> {
            let point = |rate: &RateRuns| Some(Point::new(rate.rate, mean_interval(&values(rate)?)));
            self.rates.iter().filter_map(point).collect()
        };
        let panel = |name: &str, points| Panel {
            name: name.into(),
            across: Across::Varied("dropout rate".into(), Scale::Linear),
            points,
            ..Panel::default()
        };
        let accuracy = Points {
            label: "test accuracy".into(),
            color: 2,
            joined: Joined::Solid,
            points: points(&|rate| Measure::TEST_ACCURACY.of(&rate.model)),
        };
        let dropped = Points {
            label: "gap, training with dropout on".into(),
            color: 0,
            joined: Joined::Dashed,
            points: points(&|rate| Measure::GAP.of(&rate.model)),
        };
        let whole = Points {
            label: "gap, dropout off".into(),
            color: 1,
            joined: Joined::Solid,
            points: points(&RateRuns::gaps_without_dropout),
        };
        let accuracies = self.along(|rate| mean(&rate.model, |run| Measure::TEST_ACCURACY.value(run)));
        Figure {
            title: format!("Test accuracy {}", course(&accuracies, 4)),
            names: [&dropped, &whole, &accuracy].map(|points| points.label.clone()).to_vec(),
            panels: vec![
                panel("test accuracy", vec![accuracy]),
                panel("train − validation", vec![dropped, whole]),
            ],
            phases: false,
        }
    }

    /// Writes `comparison.csv`, `curves.*`, `rates.*` (SVG and PNG) and `report.html` into a folder.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write_comparison(self.models(), folder)?;
        let runs = courses(self.models());
        let curves = Curves::new(&runs).figure();
        let against_rate = self.against_rate();
        write_figure(&curves, folder, "curves")?;
        write_figure(&against_rate, folder, "rates")?;
        let models = self.models();
        let body = html! {
            h2 { "What was run" }
            p {
                "The tutorial's network (128 and 64 units with ReLU) with one dropout rate behind both hidden layers: "
                (listed(&self.rates.iter().map(|rate| rate.rate.to_string()).collect::<Vec<_>>())) ". " (self.text.epochs)
                " epochs each, " (self.seeds()) @if self.seeds() == 1 { " seed" } @else { " seeds" } ", on " (self.text.data) "."
            }
            @if let Some(rate) = self.rates.last() { (folded("The network", &html! { pre { (rate.model.summary) } })) }
            h2 { "What happened" }
            ul { @for sentence in self.discussion() { li { (sentence) } } }
            (curves.markup("Dashed: training, with dropout on; solid: validation.")?)
            (against_rate.markup("A gap with dropout off compares whole networks with whole networks.")?)
            (table(&self.rows()))
            p.quiet { "After the last epoch. Training: the accuracy on the digits that are trained on, dropout on; dropout off: of the trained network on the same digits." }
            h2 { "How sure is that" }
            (about_intervals(self.seeds()))
            @for paragraph in self.verdict() { p { (paragraph) } }
            (tested(&models, &MEASURES, Against::All))
            h2 { "Where to look closer" }
            p { "Every run has a folder of its own, " code { "RATE/SEED" } ", with its model and its own report." }
            (every_epoch(models.iter().copied()))
            (again(&self.text.command))
        };
        let page = page("Exercise 1: what the dropout rate does", &body);
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }
}
