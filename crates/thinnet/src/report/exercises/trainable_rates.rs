//! Exercise 3: rates that are learned.

use std::path::Path;

use maud::html;

use super::{ExerciseText, write_comparison};
use crate::error::Result;
use crate::files::write_whole;
use crate::model::thousands;
use crate::report::curves::Curves;
use crate::report::discussion::{
    about_intervals, cell, certainty, course, courses, every_epoch, mean, tested, turning_sentence,
    write_figure,
};
use crate::report::figure::{Across, Figure, Joined, Panel, Point, Points, Scale};
use crate::report::html::{again, folded, page, table};
use crate::report::learned_rates;
use crate::report::measures::Measure;
use crate::report::pairs::{Against, p_value};
use crate::report::statistics::{LEVEL, holm, mean_interval, paired_test};
use crate::report::{ModelRuns, RunResult, aligned};

/// Concrete dropout beside fixed rates, and its rates by the number of training samples.
#[derive(Clone, Debug)]
pub struct TrainableRates {
    /// The network whose rates are learned.
    pub concrete: ModelRuns,
    /// The fixed rate of the lowest validation loss, and rate 0 where it is another.
    pub fixed: Vec<ModelRuns>,
    /// What each learned rate is of, in the order of the layers.
    pub places: Vec<String>,
    /// The learned rates with fewer and with all samples, ascending.
    pub sizes: Vec<RatesOfSize>,
    /// How it was run.
    pub text: ExerciseText,
}

/// The runs with some number of training samples.
#[derive(Clone, Debug)]
pub struct RatesOfSize {
    /// How many samples there are to train on.
    pub samples: usize,
    /// The runs.
    pub model: ModelRuns,
}

const MEASURES: [Measure; 2] = [Measure::TEST_ACCURACY, Measure::TEST_LOSS];

impl TrainableRates {
    fn models(&self) -> Vec<&ModelRuns> {
        std::iter::once(&self.concrete).chain(&self.fixed).collect()
    }

    fn seeds(&self) -> usize {
        self.concrete.runs.len()
    }

    /// The names of the learned rates in the history, in the order of the layers.
    fn columns(&self) -> Vec<String> {
        let layers = learned_rates::learners(&courses([&self.concrete]));
        layers.into_iter().map(|layer| format!("{layer}_rate")).collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let head = ["", "training", "validation", "train − val", "test accuracy", "test loss"];
        let row = |model: &ModelRuns| {
            let of = |value: fn(&RunResult) -> Option<f64>| cell(model, 4, value);
            vec![
                model.name.clone(),
                of(|run| run.last("accuracy")),
                of(|run| run.last("val_accuracy")),
                of(RunResult::gap),
                of(|run| Measure::TEST_ACCURACY.value(run)),
                of(|run| Measure::TEST_LOSS.value(run)),
            ]
        };
        let models = self.models();
        std::iter::once(head.map(str::to_owned).to_vec()).chain(models.into_iter().map(row)).collect()
    }

    /// The learned rates at the end of training, by the number of samples.
    fn rate_rows(&self) -> Vec<Vec<String>> {
        let columns = self.columns();
        let head = ["training samples"].into_iter().map(str::to_owned);
        let head = head.chain(self.places.iter().map(|place| format!("rate {place}")));
        let row = |size: &RatesOfSize| {
            let rates = columns.iter().map(|column| cell(&size.model, 4, |run| run.last(column)));
            let accuracy = cell(&size.model, 4, |run| Measure::TEST_ACCURACY.value(run));
            std::iter::once(thousands(size.samples)).chain(rates).chain([accuracy]).collect()
        };
        std::iter::once(head.chain(["test accuracy".into()]).collect())
            .chain(self.sizes.iter().map(row))
            .collect()
    }

    /// Both tables as aligned text.
    pub fn table(&self) -> String {
        format!("{}\n{}", aligned(&self.rows()), aligned(&self.rate_rows()))
    }

    /// What happened, in whole sentences.
    pub fn discussion(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for (place, column) in self.places.iter().zip(self.columns()) {
            let end = cell(&self.concrete, 4, |run| run.last(&column));
            let late = mean(&self.concrete, |run| {
                let rates = run.history.get(&column)?;
                // Fewer epochs have no quarter.
                let last = rates.len().checked_sub(1).filter(|last| *last >= 3)?;
                Some(rates[last] - rates[last * 3 / 4])
            });
            let moved = late.map_or_else(String::new, |late| {
                let moved = match format!("{:.4}", late.abs()).as_str() {
                    "0.0000" => "stood still".to_owned(),
                    size => format!("{} by {size}", if late < 0.0 { "fell" } else { "rose" }),
                };
                format!("; over the last quarter of the training it {moved}")
            });
            sentences.push(format!("The learned rate {place} ends at {end}{moved}."));
        }
        sentences.extend(turning_sentence(&courses(self.models())));
        sentences.extend(self.against_samples());
        sentences
    }

    /// How each rate changes with the number of samples.
    fn against_samples(&self) -> Vec<String> {
        let [first, .., last_size] = &self.sizes[..] else { return Vec::new() };
        let columns = self.columns();
        let ends = |size: &RatesOfSize, column: &str| -> Vec<f64> {
            size.model.runs.iter().filter_map(|run| run.last(column)).collect()
        };
        let tests: Vec<_> = columns
            .iter()
            .map(|column| paired_test(&ends(first, column), &ends(last_size, column)))
            .collect();
        let ps = holm(&tests.iter().map(|test| test.p).collect::<Vec<_>>());
        let sentence = |(index, (place, column)): (usize, (&String, &String))| {
            let means: Vec<(String, f64)> = self
                .sizes
                .iter()
                .map(|size| {
                    (format!("{} samples", thousands(size.samples)), mean_interval(&ends(size, column)).0)
                })
                .collect();
            let certainty = match self.seeds() {
                0 | 1 => String::new(),
                seeds => {
                    let told = if ps[index] <= LEVEL {
                        "the difference is more than chance explains"
                    } else {
                        "chance alone may explain the difference"
                    };
                    format!(
                        "; from {} to {} samples {told} (paired t-test over {seeds} seeds, p after Holm's \
                         correction for {} rates: {})",
                        thousands(first.samples),
                        thousands(last_size.samples),
                        columns.len(),
                        p_value(ps[index])
                    )
                }
            };
            format!("With more samples, the rate {place} {}{certainty}.", course(&means, 4))
        };
        self.places.iter().zip(&columns).enumerate().map(sentence).collect()
    }

    /// Which differences are real, in whole sentences.
    pub fn verdict(&self) -> Vec<String> {
        certainty(&self.models(), &MEASURES, Against::All)
    }

    /// The figure of the rates' paths, a panel for each number of samples.
    fn paths(&self) -> Option<Figure> {
        let mut runs = courses(self.sizes.iter().map(|size| &size.model));
        for (run, size) in runs.iter_mut().zip(&self.sizes) {
            run.name = format!("{} samples", thousands(size.samples));
        }
        let names: Vec<String> = self.places.iter().map(|place| format!("rate {place}")).collect();
        learned_rates::figure(&runs, &names)
    }

    /// The figure of learned rates against the number of training samples; none where there is but one.
    fn by_samples(&self) -> Option<Figure> {
        if self.sizes.len() < 2 {
            return None;
        }
        let columns = self.columns();
        let samples: Vec<f64> = self.sizes.iter().map(|size| size.samples as f64).collect();
        let points = |(color, (place, column)): (usize, (&String, &String))| {
            let point = |size: &RatesOfSize| {
                let ends: Vec<f64> = size.model.runs.iter().filter_map(|run| run.last(column)).collect();
                Point::new(size.samples as f64, mean_interval(&ends))
            };
            let points = self.sizes.iter().map(point).collect();
            Points { label: format!("rate {place}"), color, joined: Joined::Solid, points }
        };
        let points: Vec<Points> = self.places.iter().zip(&columns).enumerate().map(points).collect();
        let fall =
            points.iter().filter(|points| points.points.windows(2).all(|pair| pair[1].value < pair[0].value));
        let title = match (fall.count(), points.len()) {
            (falling, all) if falling == all => {
                "Every learned rate falls as the training data grow".to_owned()
            }
            (falling, all) => {
                format!("{falling} of {all} learned rates fall with every growth of the training data")
            }
        };
        let names = points.iter().map(|points| points.label.clone()).collect();
        let panel = Panel {
            name: "learned rate".into(),
            across: Across::Varied("training samples".into(), Scale::of(&samples)),
            points,
            ..Panel::default()
        };
        Some(Figure { title, panels: vec![panel], names, phases: false })
    }

    /// Writes `comparison.csv`, `rates.csv`, `curves.*`, `paths.*`, with several numbers of samples `rates.*` (SVG and PNG), and
    /// `report.html` into a folder.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let models = self.models();
        write_comparison(models.iter().copied(), folder)?;
        self.write_rates(folder)?;
        let runs = courses(models.iter().copied());
        let curves = Curves::new(&runs).figure();
        let paths = self.paths();
        let by_samples = self.by_samples();
        write_figure(&curves, folder, "curves")?;
        if let Some(by_samples) = &by_samples {
            write_figure(by_samples, folder, "rates")?;
        }
        if let Some(paths) = &paths {
            write_figure(paths, folder, "paths")?;
        }
        let body = html! {
            h2 { "What was run" }
            p {
                "The tutorial's network with concrete dropout before each of its three dense layers, whose rates are trained with the "
                "weights (Gal, Hron & Kendall 2017; cross-entropy, length scale 0.01, initial rate 0.1), beside the same network with "
                "one fixed rate behind both hidden layers: of those of exercise 1 the one of the lowest validation loss. "
                (self.text.epochs) " epochs each, " (self.seeds()) @if self.seeds() == 1 { " seed" } @else { " seeds" } ", on "
                (self.text.data) ". With fewer samples, each epoch has as many steps as with all."
            }
            @for model in &models { (folded(&model.name, &html! { pre { (model.summary) } })) }
            h2 { "What happened" }
            ul { @for sentence in self.discussion() { li { (sentence) } } }
            (table(&self.rows()))
            (curves.markup("Dashed: training, solid: validation. The loss is that of the data alone, without what concrete dropout adds.")?)
            @if let Some(paths) = &paths {
                (paths.markup("The rates after each epoch.")?)
            }
            h3 { "Rates and the number of training samples" }
            @if let Some(by_samples) = &by_samples { (by_samples.markup("Rates at the end of training.")?) }
            (table(&self.rate_rows()))
            h2 { "How sure is that" }
            (about_intervals(self.seeds()))
            @for paragraph in self.verdict() { p { (paragraph) } }
            (tested(&models, &MEASURES, Against::All))
            h2 { "Where to look closer" }
            p { "Every run has a folder of its own, " code { "MODEL/SEED" } ", with its model and its own report." }
            (every_epoch(models.iter().copied()))
            (again(&self.text.command))
        };
        let page = page("Exercise 3: dropout rates that are learned", &body);
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }

    /// Writes each run's learned rates.
    fn write_rates(&self, folder: &Path) -> Result<()> {
        let columns = self.columns();
        write_whole(folder.join("rates.csv"), |out| {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(["samples", "seed"].into_iter().chain(columns.iter().map(String::as_str)))?;
            for size in &self.sizes {
                for run in &size.model.runs {
                    let rate =
                        |column: &String| run.last(column).map_or_else(String::new, |rate| rate.to_string());
                    let head = [size.samples.to_string(), run.seed.to_string()];
                    csv.write_record(head.into_iter().chain(columns.iter().map(rate)))?;
                }
            }
            csv.flush()
        })
    }
}
