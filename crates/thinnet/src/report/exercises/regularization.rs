//! Exercise 2: dropout beside other regularization.

use std::path::Path;

use maud::{Markup, html};

use super::{ExerciseText, write_comparison};
use crate::error::Result;
use crate::files::write_whole;
use crate::report::curves::Curves;
use crate::report::discussion::{
    about_intervals, cell, certainty, courses, every_epoch, mean, tested, turning_sentence, write_figure,
};
use crate::report::figure::{Across, Figure, Joined, Panel, Point, Points, Scale};
use crate::report::html::{again, folded, page, table};
use crate::report::measures::Measure;
use crate::report::pairs::{Against, listed};
use crate::report::statistics::mean_interval;
use crate::report::{ModelRuns, RunResult, aligned};

/// The same network without regularization, with L2, with dropout, with both, and with max-norm, on several data sets.
#[derive(Clone, Debug)]
pub struct Regularization {
    /// The data sets.
    pub sets: Vec<RegularizedSet>,
    /// What is to be said of data sets that are not here.
    pub notes: Vec<String>,
    /// How it was run.
    pub text: ExerciseText,
}

/// What happened on one data set.
#[derive(Clone, Debug)]
pub struct RegularizedSet {
    /// What it is called, such as `MNIST`.
    pub name: String,
    /// The folder of its runs, within the exercise's.
    pub folder: String,
    /// How much of it is for what, in words.
    pub data: String,
    /// The models that are compared, each of the chosen strength; the first has no regularization.
    pub models: Vec<ModelRuns>,
    /// How the strengths were chosen.
    pub choices: Vec<Choice>,
}

/// A strength that was chosen on validation data.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What was chosen, such as `L2`.
    pub name: String,
    /// Its values, ascending, and the runs of each.
    pub candidates: Vec<(f64, ModelRuns)>,
    /// Which of them regularizes most.
    pub strongest: usize,
    /// Which of them was chosen.
    pub chosen: usize,
}

impl Choice {
    /// The chosen value.
    pub fn value(&self) -> f64 {
        self.candidates[self.chosen].0
    }

    /// The chosen value in words.
    fn said(&self) -> String {
        // The weakest is next to none, which was tried too.
        let end = if self.chosen == self.strongest { " (the strongest that was tried)" } else { "" };
        format!("{} {}{end}", self.name, self.value())
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let head =
            [self.name.as_str(), "validation loss", "validation accuracy", ""].map(str::to_owned).to_vec();
        let row = |(index, (value, model)): (usize, &(f64, ModelRuns))| {
            vec![
                value.to_string(),
                cell(model, 4, |run| run.last("val_loss")),
                cell(model, 4, |run| run.last("val_accuracy")),
                if index == self.chosen { "chosen".into() } else { String::new() },
            ]
        };
        std::iter::once(head).chain(self.candidates.iter().enumerate().map(row)).collect()
    }

    fn panel(&self, color: usize) -> Panel {
        let values: Vec<f64> = self.candidates.iter().map(|(value, _)| *value).collect();
        let point = |(index, (value, model)): (usize, &(f64, ModelRuns))| {
            let losses: Option<Vec<f64>> = model.runs.iter().map(|run| run.last("val_loss")).collect();
            let mut point = Point::new(*value, mean_interval(&losses?));
            if index == self.chosen {
                point.note = "chosen".into();
            }
            Some(point)
        };
        let points = self.candidates.iter().enumerate().filter_map(point).collect();
        let points = Points { label: "validation loss".into(), color, joined: Joined::Solid, points };
        Panel {
            name: "validation loss".into(),
            across: Across::Varied(self.name.clone(), Scale::of(&values)),
            points: vec![points],
            ..Panel::default()
        }
    }
}

const MEASURES: [Measure; 2] = [Measure::TEST_ACCURACY, Measure::TEST_LOSS];

impl RegularizedSet {
    fn models(&self) -> Vec<&ModelRuns> {
        self.models.iter().collect()
    }

    /// The models from the highest mean test accuracy down, equal ones as they stand; those without one come last.
    fn ranked(&self) -> Vec<&ModelRuns> {
        let accuracy = |model: &ModelRuns| {
            let mean = mean(model, |run| Measure::TEST_ACCURACY.value(run));
            mean.filter(|mean| !mean.is_nan()).unwrap_or(f64::NEG_INFINITY)
        };
        let mut ranked = self.models();
        ranked.sort_by(|a, b| accuracy(b).total_cmp(&accuracy(a)));
        ranked
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
        std::iter::once(head.map(str::to_owned).to_vec()).chain(self.models.iter().map(row)).collect()
    }

    /// What happened, in whole sentences.
    fn discussion(&self) -> Vec<String> {
        let chosen: Vec<String> = self.choices.iter().map(Choice::said).collect();
        let mut sentences = vec![format!("Chosen by validation loss: {}.", listed(&chosen))];
        let ranked = self.ranked();
        if let (Some(best), Some(plain)) = (ranked.first(), self.models.first()) {
            let place = ranked.iter().position(|model| model.name == plain.name).unwrap_or(0) + 1;
            sentences.push(format!(
                "The highest mean test accuracy is that of “{}” ({}); “{}” is in place {place} of {} ({}).",
                best.name,
                cell(best, 4, |run| Measure::TEST_ACCURACY.value(run)),
                plain.name,
                ranked.len(),
                cell(plain, 4, |run| Measure::TEST_ACCURACY.value(run))
            ));
        }
        sentences.extend(turning_sentence(&courses(&self.models)));
        sentences
    }

    fn grid(&self) -> Figure {
        let chosen = self.choices.iter().map(|choice| format!("{} {}", choice.name, choice.value()));
        Figure {
            title: format!("Validation chose {}", listed(&chosen.collect::<Vec<_>>())),
            panels: self.choices.iter().enumerate().map(|(color, choice)| choice.panel(color)).collect(),
            names: Vec::new(),
            phases: false,
        }
    }

    fn section(&self) -> Result<Markup> {
        let runs = courses(&self.models);
        let models = self.models();
        Ok(html! {
            h2 { "What happened on " (self.name) }
            p.quiet { (self.data) }
            ul { @for sentence in self.discussion() { li { (sentence) } } }
            (table(&self.rows()))
            (Curves::new(&runs).figure().markup("Dashed: training, solid: validation. The loss is that of the data alone, without what L2 adds.")?)
            (self.grid().markup("Mean validation loss after the last epoch against each strength.")?)
            (folded("What was tried", &html! { @for choice in &self.choices { (table(&choice.rows())) } }))
            h3 { "How sure is that" }
            @for paragraph in certainty(&models, &MEASURES, Against::All) { p { (paragraph) } }
            (tested(&models, &MEASURES, Against::All))
        })
    }
}

impl Regularization {
    fn seeds(&self) -> usize {
        self.sets.first().and_then(|set| set.models.first()).map_or(0, |model| model.runs.len())
    }

    /// The tables of all sets as aligned text.
    pub fn table(&self) -> String {
        let tables = self.sets.iter().map(|set| {
            let mut rows = set.rows();
            rows[0][0].clone_from(&set.name);
            aligned(&rows)
        });
        tables.collect::<Vec<_>>().join("\n")
    }

    /// What happened on each set and which differences are real, in whole sentences.
    pub fn verdict(&self) -> Vec<String> {
        let of_set = |set: &RegularizedSet| {
            let sentences = [set.discussion(), certainty(&set.models(), &MEASURES, Against::All)].concat();
            format!("{}: {}", set.name, sentences.join(" "))
        };
        self.notes.iter().cloned().chain(self.sets.iter().map(of_set)).collect()
    }

    /// The figure of test accuracy by model, a panel for each set.
    fn accuracies(&self) -> Figure {
        let panel = |set: &RegularizedSet| {
            let points = set.models.iter().enumerate().filter_map(|(index, model)| {
                let values = Measure::TEST_ACCURACY.of(model)?;
                Some(Points {
                    label: model.name.clone(),
                    color: index,
                    joined: Joined::Not,
                    points: vec![Point::new(index as f64, mean_interval(&values))],
                })
            });
            Panel {
                name: format!("test accuracy, {}", set.name),
                across: Across::Choices(
                    "model".into(),
                    (1..=set.models.len()).map(|n| n.to_string()).collect(),
                ),
                points: points.collect(),
                ..Panel::default()
            }
        };
        let best = self
            .sets
            .iter()
            .filter_map(|set| Some(format!("“{}” on {}", set.ranked().first()?.name, set.name)));
        let names = self.sets.first().map_or_else(Vec::new, |set| {
            set.models
                .iter()
                .enumerate()
                .map(|(index, model)| format!("{} {}", index + 1, model.name))
                .collect()
        });
        Figure {
            title: format!("Highest test accuracy: {}", listed(&best.collect::<Vec<_>>())),
            panels: self.sets.iter().map(panel).collect(),
            names,
            phases: false,
        }
    }

    /// Writes `accuracies.*` and `report.html` into a folder, and into each set's folder `comparison.csv`, `choices.csv`,
    /// `curves.*` and `choices.*` (SVG and PNG).
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for set in &self.sets {
            let folder = folder.join(&set.folder);
            write_comparison(&set.models, &folder)?;
            let runs = courses(&set.models);
            write_figure(&Curves::new(&runs).figure(), &folder, "curves")?;
            write_figure(&set.grid(), &folder, "choices")?;
            write_whole(folder.join("choices.csv"), |out| {
                let mut csv = csv::Writer::from_writer(out);
                csv.write_record(["choice", "value", "seed", "val_loss", "val_accuracy", "chosen"])?;
                for choice in &set.choices {
                    for (index, (value, model)) in choice.candidates.iter().enumerate() {
                        for run in &model.runs {
                            let number =
                                |name| run.last(name).map_or_else(String::new, |value| value.to_string());
                            csv.write_record([
                                choice.name.clone(),
                                value.to_string(),
                                run.seed.to_string(),
                                number("val_loss"),
                                number("val_accuracy"),
                                (index == choice.chosen).to_string(),
                            ])?;
                        }
                    }
                }
                csv.flush()
            })?;
        }
        let accuracies = self.accuracies();
        write_figure(&accuracies, folder, "accuracies")?;
        let summary = self.sets.first().and_then(|set| set.models.first()).map_or("", |model| &model.summary);
        let body = html! {
            h2 { "What was run" }
            p {
                "The tutorial's network (128 and 64 units with ReLU) without regularization, and with L2, dropout or max-norm on both "
                "hidden layers. Each strength is the one of the lowest validation loss after the last epoch, without what L2 adds to "
                "it; for two methods together, dropout keeps its rate and L2 is chosen anew. " (self.text.epochs) " epochs each, "
                (self.seeds()) @if self.seeds() == 1 { " seed" } @else { " seeds" } ", on " (self.text.data) "."
            }
            @for note in &self.notes { p.note { (note) } }
            (folded("The network", &html! { pre { (summary) } }))
            (accuracies.markup("Means over the seeds.")?)
            (about_intervals(self.seeds()))
            @for set in &self.sets { (set.section()?) }
            h2 { "Where to look closer" }
            p { "Every run has a folder of its own, " code { "DATA/MODEL/SEED" } ", with its model and its own report." }
            @for set in &self.sets { (folded(&format!("{}: every epoch", set.name), &every_epoch(&set.models))) }
            (again(&self.text.command))
        };
        let page = page("Exercise 2: dropout beside other regularization", &body);
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }
}
