//! Models side by side: the table, the CSV file, and what the numbers say.

mod page;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write;
use std::path::Path;

use super::measures::{Measure, Source, other_tests};
use super::pairs::Against;
use super::statistics::mean_interval;
use super::varied::quoted;
use super::{aligned, discussion};
use crate::error::Result;
use crate::files::write_whole;
use crate::history::{History, Logs};

/// Several models, each trained with one seed or more.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The models.
    pub models: Vec<ModelRuns>,
    /// What is said of the data.
    pub data: String,
    /// Whether the models have different penalties: their losses are not compared then.
    pub penalties_differ: bool,
    /// What a reader must know before looking at the numbers.
    pub notes: Vec<String>,
    /// The command that repeats the comparison.
    pub command: String,
}

/// Which models of a comparison are told apart.
#[derive(Clone, Copy, Debug)]
pub enum Versus<'a> {
    /// The first from each of these, in a paragraph each.
    First(&'a [usize]),
    /// Every two, by a test of each number that all runs have.
    Pairs,
    /// Each from this one, by the same tests.
    Baseline(usize),
}

impl Versus<'_> {
    /// The pairs that are tested.
    pub(super) fn tested(self) -> Option<Against> {
        match self {
            Self::First(_) => None,
            Self::Pairs => Some(Against::All),
            Self::Baseline(one) => Some(Against::One(one)),
        }
    }
}

/// A model and its runs.
#[derive(Clone, Debug)]
pub struct ModelRuns {
    /// What the model is called.
    pub name: String,
    /// Its summary table.
    pub summary: String,
    /// One run a seed.
    pub runs: Vec<RunResult>,
}

/// One run.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// Its seed.
    pub seed: u64,
    /// Its epochs.
    pub history: History,
    /// Loss and metrics on the test data; empty without.
    pub test: Logs,
    /// Seconds of training.
    pub seconds: f64,
}

impl RunResult {
    /// Training accuracy − validation accuracy after the last epoch.
    pub fn gap(&self) -> Option<f64> {
        Some(self.last("accuracy")? - self.last("val_accuracy")?)
    }

    /// The last value of a column of the history.
    pub(super) fn last(&self, name: &str) -> Option<f64> {
        self.history.get(name)?.last().copied()
    }

    /// The epoch (from 1) of the best validation loss.
    pub fn best_epoch(&self) -> Option<usize> {
        let (index, _) = lowest(self.history.get("val_loss")?.iter().copied())?;
        Some(self.history.epochs()[index] + 1)
    }
}

/// The index and value of the lowest number. NaN is never it: `total_cmp` alone would take a negative NaN for the lowest.
pub(super) fn lowest(values: impl Iterator<Item = f64>) -> Option<(usize, f64)> {
    values.enumerate().filter(|(_, value)| !value.is_nan()).min_by(|a, b| a.1.total_cmp(&b.1))
}

/// A column of the table.
pub(super) struct Column {
    title: Cow<'static, str>,
    csv: Cow<'static, str>,
    digits: usize,
    unit: &'static str,
    source: Source,
}

impl Column {
    const VALIDATION_LOSS: Self = Self::new("validation loss", "val_loss", Source::Last("val_loss"));

    const fn new(title: &'static str, csv: &'static str, source: Source) -> Self {
        Self { title: Cow::Borrowed(title), csv: Cow::Borrowed(csv), digits: 4, unit: "", source }
    }

    /// The columns of a table of these models.
    pub(super) fn all(models: &[&ModelRuns]) -> Vec<Self> {
        let test = |name| Source::Test(Cow::Borrowed(name));
        let other = |name: String| Self {
            title: Cow::Owned(format!("test {name}")),
            csv: Cow::Owned(format!("test_{name}")),
            ..Self::new("", "", Source::Test(Cow::Owned(name)))
        };
        let mut columns = vec![
            Self::new("test loss", "test_loss", test("loss")),
            Self::new("test accuracy", "test_accuracy", test("accuracy")),
        ];
        columns.extend(other_tests(models).into_iter().map(other));
        columns.extend([
            Self::new("train − val", "gap", Source::Gap),
            Self { digits: 0, ..Self::new("best epoch", "best_epoch", Source::BestEpoch) },
            Self { digits: 1, unit: " s", ..Self::new("time", "seconds", Source::Seconds) },
        ]);
        columns
    }

    /// The same behind the validation loss, where that chooses among the models.
    pub(super) fn with_validation(models: &[&ModelRuns]) -> Vec<Self> {
        std::iter::once(Self::VALIDATION_LOSS).chain(Self::all(models)).collect()
    }

    fn cell(&self, model: &ModelRuns) -> String {
        let Some(values) = self.values(model) else { return "–".into() };
        let (mean, half) = mean_interval(&values);
        let digits = if values.len() > 1 { self.digits.max(1) } else { self.digits };
        let interval = if half.is_finite() { format!(" ± {half:.digits$}") } else { String::new() };
        format!("{mean:.digits$}{interval}{}", self.unit)
    }

    fn values(&self, model: &ModelRuns) -> Option<Vec<f64>> {
        model.runs.iter().map(|run| self.source.of(run)).collect()
    }
}

/// The cells of a table, with its head: the first of each row is the model.
pub(super) fn rows(models: &[&ModelRuns], columns: &[Column]) -> Vec<Vec<String>> {
    // A column that no model has a value for says nothing.
    let used: Vec<&Column> =
        columns.iter().filter(|c| models.iter().any(|model| c.values(model).is_some())).collect();
    let head = std::iter::once(String::new()).chain(used.iter().map(|column| column.title.to_string()));
    let row = |model: &&ModelRuns| {
        std::iter::once(model.name.clone()).chain(used.iter().map(|column| column.cell(model))).collect()
    };
    std::iter::once(head.collect()).chain(models.iter().map(row)).collect()
}

/// A CSV table with a row for each run: what it is called by, in quotation marks where that is text, its seed, and the
/// columns in full.
pub(super) fn csv<'a>(
    labels: &[String],
    runs: impl IntoIterator<Item = (Vec<String>, &'a RunResult)>,
    columns: &[Column],
) -> String {
    let mut text = labels.join(",") + ",seed";
    columns.iter().for_each(|column| text += &format!(",{}", column.csv));
    text.push('\n');
    for (labels, run) in runs {
        let _ = write!(text, "{},{}", labels.join(","), run.seed);
        for column in columns {
            text += &column.source.of(run).map_or(",".into(), |value| format!(",{value}"));
        }
        text.push('\n');
    }
    text
}

impl ModelRuns {
    fn values(&self, value: fn(&RunResult) -> Option<f64>) -> Option<Vec<f64>> {
        self.runs.iter().map(value).collect()
    }
}

impl Comparison {
    /// The cells of the table, with its head: the first of each row is the model.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let models = self.models();
        rows(&models, &Column::all(&models))
    }

    /// The table as aligned text.
    pub fn table(&self) -> String {
        aligned(&self.rows())
    }

    /// Writes a row for each run: model, seed, and the table's numbers in full.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let models = self.models();
        let runs = models.iter().flat_map(|model| {
            let name = quoted(&model.name);
            model.runs.iter().map(move |run| (vec![name.clone()], run))
        });
        let text = csv(&["model".into()], runs, &Column::all(&models));
        write_whole(path, |out| out.write_all(text.as_bytes()))
    }

    pub(super) fn models(&self) -> Vec<&ModelRuns> {
        self.models.iter().collect()
    }

    /// The numbers that all runs have and that can be compared: of the test data, or where nothing was tested, of the
    /// validation data.
    pub(super) fn common(&self) -> Vec<Measure> {
        let models = self.models();
        let mut measures = Measure::all(&models);
        if Measure::tested(&models).is_empty() && Measure::VALIDATION_LOSS.is_known(&models) {
            measures.insert(0, Measure::VALIDATION_LOSS);
        }
        measures.retain(|measure| !self.penalties_differ || !measure.is_of_losses());
        measures
    }

    /// What the numbers say, in whole sentences: a paragraph for each model that the first is told from, or for each number
    /// that is tested.
    pub fn verdict(&self, versus: Versus) -> Vec<String> {
        match (versus, versus.tested()) {
            (_, Some(against)) => {
                let measures = self.common();
                if measures.is_empty() {
                    let number = if self.penalties_differ { "number but losses" } else { "number" };
                    return vec![format!("The runs have no {number} in common: nothing can be compared.")];
                }
                discussion::certainty(&self.models(), &measures, against)
            }
            (Versus::First(others), _) => self.of_first(others),
            _ => Vec::new(),
        }
    }

    /// Which means are highest and lowest, and whether validation loss turns up.
    pub fn discussion(&self) -> Vec<String> {
        let models = self.models();
        let extremes = self.common().into_iter().filter_map(|measure| measure.extremes(&models));
        let sentences = extremes.map(|extremes| format!("{extremes}."));
        sentences.chain(discussion::turning_sentence(&discussion::courses(models.iter().copied()))).collect()
    }

    /// What the numbers say of the first model against others: a paragraph for each of them.
    fn of_first(&self, others: &[usize]) -> Vec<String> {
        let Some(first) = self.models.first() else { return Vec::new() };
        let others: Vec<&ModelRuns> = others.iter().filter_map(|&other| self.models.get(other)).collect();
        let mut paragraphs: Vec<String> = others.iter().map(|other| first.against(other)).collect();
        if let Some(last) = paragraphs.last_mut()
            && first.runs.len() < 2
        {
            let what = if others.len() > 1 { "any of this" } else { "that" };
            *last += &format!(" One seed cannot tell whether {what} is chance: try --seeds 5.");
        }
        paragraphs
    }
}

impl ModelRuns {
    fn against(&self, other: &Self) -> String {
        let mut sentences = Vec::new();
        let means =
            |value| Some((mean_interval(&self.values(value)?).0, mean_interval(&other.values(value)?).0));
        if let (Some((a, b)), Some((difference, half))) =
            (means(RunResult::gap), paired(self, other, RunResult::gap))
        {
            let differ = difference != 0.0 && half.is_finite();
            let certainty =
                || format!("{:.3}{}", difference.abs(), certainty(difference, half, self.runs.len(), 3));
            let (this, that) = (preposition(&self.name), preposition(&other.name));
            sentences.push(if a.min(b) <= -0.0005 {
                // Of a gap that is negative nobody can say that it is narrower.
                let side = |gap: f64| format!("{:.3} {}", gap.abs(), if gap < 0.0 { "below" } else { "above" });
                let differ = if differ { format!("; the two differ by {}", certainty()) } else { String::new() };
                format!(
                    "Training accuracy, measured while dropout is on, is {} validation accuracy {this} and {} it \
                     {that}{differ}.",
                    side(a),
                    side(b)
                )
            } else {
                let direction = match difference.partial_cmp(&0.0) {
                    Some(Ordering::Less) => "narrower",
                    Some(Ordering::Greater) => "wider",
                    _ => "no different",
                };
                let by = if differ { format!(", by {}", certainty()) } else { String::new() };
                format!(
                    "The gap between training and validation accuracy is {direction} {this} ({a:.3}) than {that} \
                     ({b:.3}){by}."
                )
            });
        }
        let accuracy = |run: &RunResult| run.test.get("accuracy").copied();
        let loss = |run: &RunResult| run.test.get("loss").copied();
        if let Some((difference, half)) = paired(self, other, accuracy) {
            let points = difference * 100.0;
            sentences.push(format!(
                "The test accuracy {} is {}{}.",
                preposition(&self.name),
                amount(points, 1, "points", "higher", "lower"),
                certainty(points, half * 100.0, self.runs.len(), 1)
            ));
        } else if let Some((difference, half)) = paired(self, other, loss) {
            sentences.push(format!(
                "The test loss {} is {}{}.",
                preposition(&self.name),
                amount(difference, 4, "", "higher", "lower"),
                certainty(difference, half, self.runs.len(), 4)
            ));
        }
        sentences.join(" ")
    }
}

/// "with dropout" stays, "same network, rate 0" becomes "for same network, rate 0".
pub(super) fn preposition(name: &str) -> String {
    if name.starts_with("with") { name.to_owned() } else { format!("for “{name}”") }
}

fn amount(difference: f64, digits: usize, unit: &str, up: &str, down: &str) -> String {
    let size = format!("{:.digits$}", difference.abs());
    if size.trim_matches(['0', '.']).is_empty() {
        return "the same".into();
    }
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    format!("{size}{unit} {}", if difference > 0.0 { up } else { down })
}

/// What is to be said of a difference that was seen over several seeds.
pub(super) fn certainty(difference: f64, half: f64, seeds: usize, digits: usize) -> String {
    // The interval of a single difference is unbounded: there is nothing to tell.
    if !half.is_finite() {
        return String::new();
    }
    let (low, high) = (difference - half, difference + half);
    let told = if low * high > 0.0 { "more than chance explains" } else { "which chance alone may explain" };
    format!(" (95 % interval of {seeds} paired seeds: {low:.digits$} to {high:.digits$}), {told}")
}

/// The mean difference of two models over the seeds that both were trained with, and half its interval; `None` where a run
/// has no such number, or one that is NaN or infinite.
fn paired(a: &ModelRuns, b: &ModelRuns, value: fn(&RunResult) -> Option<f64>) -> Option<(f64, f64)> {
    let differences: Option<Vec<f64>> =
        a.runs.iter().zip(&b.runs).map(|(a, b)| Some(value(a)? - value(b)?)).collect();
    let told = |differences: &Vec<f64>| !differences.is_empty() && differences.iter().all(|d| d.is_finite());
    differences.filter(told).map(|differences| mean_interval(&differences))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(name: &str, results: &[(f64, f64, f64)]) -> ModelRuns {
        let run = |(seed, &(train, val, test)): (usize, &(f64, f64, f64))| {
            let mut history = History::default();
            for (epoch, val_loss) in [(0, 0.3), (1, 0.2), (2, 0.25)] {
                let logs = [("accuracy", train), ("val_accuracy", val), ("val_loss", val_loss)];
                history.push(epoch, logs.map(|(name, value)| (name.to_owned(), value)).into());
            }
            let test = [("accuracy".to_owned(), test), ("loss".to_owned(), 1.0 - test)].into();
            RunResult { seed: seed as u64, history, test, seconds: 2.0 }
        };
        let runs = results.iter().enumerate().map(run).collect();
        ModelRuns { name: name.into(), summary: String::new(), runs }
    }

    fn comparison(a: &[(f64, f64, f64)], b: &[(f64, f64, f64)]) -> Comparison {
        let models = vec![runs("with dropout", a), runs("same network, rate 0", b)];
        Comparison {
            models,
            data: String::new(),
            penalties_differ: false,
            notes: Vec::new(),
            command: String::new(),
        }
    }

    #[test]
    fn the_best_epoch_is_never_one_without_a_loss() {
        let mut model = runs("diverged", &[(0.97, 0.96, 0.97)]);
        let logs = [("accuracy", 0.1), ("val_accuracy", 0.1), ("val_loss", -f64::NAN)];
        model.runs[0].history.push(3, logs.map(|(name, value)| (name.to_owned(), value)).into());
        assert_eq!(model.runs[0].best_epoch(), Some(2));
        model.runs[0].history = History::default();
        model.runs[0].history.push(0, [("val_loss".to_owned(), f64::NAN)].into());
        assert_eq!(model.runs[0].best_epoch(), None);
    }

    #[test]
    fn the_table_lines_up() {
        let table = comparison(&[(0.97, 0.969, 0.9754)], &[(0.995, 0.976, 0.9773)]).table();
        let expected = "                       test loss   test accuracy   train − val   best epoch    time
with dropout              0.0246          0.9754        0.0010            2   2.0 s
same network, rate 0      0.0227          0.9773        0.0190            2   2.0 s
";
        assert_eq!(table, expected);
    }

    #[test]
    fn verdicts_follow_the_numbers() {
        let one = comparison(&[(0.97, 0.969, 0.9754)], &[(0.995, 0.976, 0.9773)])
            .verdict(Versus::First(&[1]))
            .join(" ");
        assert_eq!(
            one,
            "The gap between training and validation accuracy is narrower with dropout (0.001) than for “same network, \
             rate 0” (0.019). The test accuracy with dropout is 0.2 points lower. One seed cannot tell whether that is chance: try \
             --seeds 5."
        );
        let higher = [(0.97, 0.96, 0.982), (0.97, 0.96, 0.983), (0.97, 0.96, 0.981)];
        let lower = [(0.96, 0.96, 0.972), (0.96, 0.96, 0.974), (0.96, 0.96, 0.970)];
        let clear = comparison(&higher, &lower).verdict(Versus::First(&[1])).join(" ");
        assert!(clear.contains("wider with dropout (0.010)"), "{clear}");
        assert!(clear.contains("1.0 points higher (95 % interval of 3 paired seeds: 0.8 to 1.2)"), "{clear}");
        assert!(clear.ends_with("more than chance explains."), "{clear}");
        let noisy = [(0.96, 0.96, 0.982), (0.96, 0.96, 0.970), (0.96, 0.96, 0.975)];
        let unclear = comparison(&noisy, &lower).verdict(Versus::First(&[1])).join(" ");
        assert!(
            unclear.contains("no different") && unclear.ends_with("which chance alone may explain."),
            "{unclear}"
        );
    }

    #[test]
    fn of_what_is_no_number_nothing_is_said() {
        let lost = [(0.97, 0.96, f64::NAN), (0.97, 0.96, 0.97)];
        let text = comparison(&lost, &[(0.98, 0.97, 0.97), (0.98, 0.97, 0.96)])
            .verdict(Versus::First(&[1]))
            .join(" ");
        assert!(text.starts_with("The gap") && !text.contains("NaN") && !text.contains("test"), "{text}");
    }

    #[test]
    fn losses_with_different_penalties_are_not_compared() {
        let runs = [(0.97, 0.96, 0.982), (0.97, 0.96, 0.983)];
        let mut differ = Comparison { penalties_differ: true, ..comparison(&runs, &runs) };
        let text = |comparison: &Comparison| {
            [comparison.discussion(), comparison.verdict(Versus::Pairs)].concat().join(" ")
        };
        let said = text(&differ);
        assert!(said.contains("test accuracy") && !said.contains("test loss"), "{said}");
        let folder = tempfile::tempdir().unwrap();
        differ.write(folder.path(), "", Versus::Pairs).unwrap();
        for name in ["report.html", "curves.svg"] {
            let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(text.contains("loss turns up for 2 of 2 models") && !text.contains("most for"), "{name}");
        }
        for run in differ.models.iter_mut().flat_map(|model| &mut model.runs) {
            run.test.remove("accuracy");
            run.history = History::default();
        }
        let said = text(&differ);
        assert_eq!(said, "The runs have no number but losses in common: nothing can be compared.");
    }

    #[test]
    fn a_negative_gap_is_not_called_narrow() {
        let below = [(0.95, 0.97, 0.97), (0.95, 0.97, 0.97)];
        let text = comparison(&below, &[(0.98, 0.97, 0.97), (0.98, 0.97, 0.96)])
            .verdict(Versus::First(&[1]))
            .join(" ");
        let expected = "Training accuracy, measured while dropout is on, is 0.020 below validation accuracy with dropout \
                        and 0.010 above it for “same network, rate 0”; the two differ by 0.030 (95 % interval of 2 \
                        paired seeds: -0.030 to -0.030), more than chance explains. ";
        assert!(text.starts_with(expected), "{text}");
    }
}
