//! The page of an experiment: one run, or several with a seed each.

use std::path::Path;

use maud::{Markup, html};

use super::classes::{self, Classes};
use super::comparison::lowest;
use super::curves::{Curves, Run};
use super::figure::number::value;
use super::html::{again, epochs, figure, folded, page, table};
use super::{Comparison, ModelRuns, RunResult, learned_rates};
use crate::data::{Features, datasets};
use crate::error::Result;
use crate::files::write_whole;

/// What is said on a page besides the numbers.
#[derive(Clone, Debug, Default)]
pub struct ReportText {
    /// The page's title. Default: the data's name.
    pub title: Option<String>,
    /// What a reader must know of the data or the training before looking at the numbers.
    pub notes: Vec<String>,
    /// The command that trains with more seeds. Default: none is named.
    pub more_seeds: Option<String>,
}

/// What the report of an experiment says.
#[derive(Debug)]
pub struct RunReport<'a> {
    /// What the data are called.
    pub name: &'a str,
    /// What the model is called.
    pub model: &'a str,
    /// Title and notes.
    pub text: &'a ReportText,
    /// The complete experiment, as TOML; that of the first seed.
    pub experiment: &'a str,
    /// The model's summary table.
    pub summary: &'a str,
    /// How the images are augmented, in words.
    pub augmentation: Option<String>,
    /// Its runs, one a seed.
    pub runs: &'a [RunResult],
    /// How each run's model classified the test data; empty where they have no classes.
    pub classes: &'a [Classes],
    /// The test samples.
    pub test: &'a Features<'a>,
    /// The command that repeats the run.
    pub command: &'a str,
}

impl RunReport<'_> {
    /// Writes what belongs to all seeds together into a folder: `comparison.csv`, `confusion.csv` where there are classes,
    /// `curves.svg`, `curves.png` and `report.html`.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        self.comparison().write_csv(folder.join("comparison.csv"))?;
        let curves = self.courses();
        let curves = Curves::new(&curves);
        curves.write(folder.join("curves.svg"))?;
        curves.write(folder.join("curves.png"))?;
        learned_rates::write(&self.courses(), folder)?;
        self.write_classes(folder)?;
        let page = self.page()?;
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }

    /// Writes `confusion.csv`, where there are classes.
    pub(super) fn write_classes(&self, folder: &Path) -> Result<()> {
        if self.classes.is_empty() {
            return Ok(());
        }
        Classes::write_csv(self.classes, folder.join("confusion.csv"))
    }

    /// The page.
    pub(super) fn page(&self) -> Result<String> {
        let title = self.text.title.clone().unwrap_or_else(|| format!("Training on {}", self.name));
        let body = html! {
            h2 { "What was run" }
            p { (self.what()) }
            @if let Some(augmentation) = &self.augmentation { p { (augmentation) } }
            @for note in &self.text.notes { p.note { (note) } }
            (folded("The model", &html! { pre { (self.summary) } }))
            (folded("The whole experiment", &html! { pre { (self.experiment) } }))
            h2 { "What happened" }
            (figure(&Curves::new(&self.courses()))?)
            @if let Some(rates) = learned_rates::markup(&self.courses())? { (rates) }
            @match self.runs { [run] => (numbers(run)), _ => (table(&self.comparison().rows())) }
            @if !self.classes.is_empty() { (classes::details(self.classes)) }
            h2 { "How sure is that" }
            @for sentence in Classes::verdict(self.classes) { p { (sentence) } }
            (self.certainty())
            h2 { "Where to look closer" }
            @if let Some(first) = self.classes.first() {
                (classes::mistakes(first, self.test))
                @if let [run, _, ..] = self.runs { p.quiet { "These are of seed " (run.seed) "." } }
            }
            @for run in self.runs { (folded(&self.every_epoch(run), &epochs(&run.history))) }
            (again(self.command))
        };
        Ok(page(&title, &body))
    }

    fn what(&self) -> String {
        let seconds: f64 = self.runs.iter().map(|run| run.seconds).sum();
        let epochs = self.runs.first().map_or(0, |run| run.history.len());
        let plural = if epochs == 1 { "epoch" } else { "epochs" };
        let description = datasets::find(self.name)
            .map_or_else(|_| String::new(), |entry| format!(" ({})", entry.description));
        let data = format!("{}{description}", self.name);
        let seeds = match self.runs {
            [_] => String::new(),
            runs => format!(" with each of {} seeds", runs.len()),
        };
        format!("{epochs} {plural} on {data}{seeds}, {seconds:.1} s of training.")
    }

    fn certainty(&self) -> Markup {
        html! {
            @if let [_] = self.runs {
                p {
                    "One seed cannot tell chance from effect. Train with more"
                    @if let Some(command) = &self.text.more_seeds { ": " code { (command) } }
                    "."
                }
            } @else {
                p { "What stands after ± is half the 95 % interval of the mean over the seeds; a single run may lie further from it." }
            }
        }
    }

    fn every_epoch(&self, run: &RunResult) -> String {
        match self.runs {
            [_] => "Every epoch".into(),
            _ => format!("Seed {}: every epoch", run.seed),
        }
    }

    pub(super) fn courses(&self) -> [Run<'_>; 1] {
        [Run { name: self.model.to_owned(), histories: self.runs.iter().map(|run| &run.history).collect() }]
    }

    fn comparison(&self) -> Comparison {
        let model =
            ModelRuns { name: self.model.into(), summary: self.summary.into(), runs: self.runs.to_vec() };
        Comparison {
            models: vec![model],
            data: self.name.into(),
            penalties_differ: false,
            notes: Vec::new(),
            command: self.command.into(),
        }
    }
}

/// The numbers of a single run.
fn numbers(run: &RunResult) -> Markup {
    let last = |name: &str| run.history.get(name).and_then(|column| column.last().copied());
    let best = run.history.get("val_loss").and_then(|losses| {
        let (index, loss) = lowest(losses.iter().copied())?;
        Some((run.history.epochs()[index] + 1, loss))
    });
    html! { ul {
        @if let Some(loss) = last("loss") { li { "Training loss after the last epoch: " (value(loss)) } }
        @if let (Some(train), Some(val)) = (last("accuracy"), last("val_accuracy")) {
            li {
                "Accuracy: " (value(train)) " in training, " (value(val)) " in validation"
                @if train < val { " (training is measured while dropout and augmentation, where there are any, are on)" }
            }
        }
        @if let Some((epoch, loss)) = best { li { "Best validation loss: " (value(loss)) " after epoch " (epoch) } }
        @for (name, number) in &run.test { li { "Test " (name) ": " (value(*number)) } }
    } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;

    #[test]
    fn a_single_run_says_small_numbers_and_which_command_tells_more() {
        let mut history = History::default();
        history.push(0, [("loss".to_owned(), 8.2e-8), ("val_loss".to_owned(), 3e-5)].into());
        let run = RunResult { seed: 1, history, test: [("loss".to_owned(), 4e-6)].into(), seconds: 1.0 };
        let (runs, x) = ([run], ndarray::Array2::<f32>::zeros((1, 1)));
        let test = Features::from(&x);
        let page = |text: &ReportText| {
            let report = RunReport {
                name: "small",
                model: "model",
                text,
                experiment: "",
                summary: "",
                augmentation: None,
                runs: &runs,
                classes: &[],
                test: &test,
                command: "",
            };
            report.page().unwrap()
        };
        let text = page(&ReportText::default());
        for part in [
            "the last epoch: 8.2e-8",
            "Best validation loss: 3e-5",
            "Test loss: 4e-6",
            "Train with more.</p>",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let more_seeds = Some("thinnet more".to_owned());
        let text = page(&ReportText { more_seeds, ..ReportText::default() });
        assert!(text.contains("Train with more: <code>thinnet more</code>.</p>"), "{text}");
    }
}
