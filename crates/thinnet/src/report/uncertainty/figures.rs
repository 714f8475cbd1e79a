//! Reliability diagrams, rejection curves and histograms of doubt.

use std::path::Path;

use super::UncertaintyReport;
use crate::error::Result;
use crate::report::figure::{Across, Bar, Figure, Line, Panel};
use crate::report::statistics::share_interval;
use crate::uncertainty::{Method, Reliability, Signal};

/// Bars of a histogram.
const BARS: usize = 30;

/// Writes reliability diagrams side by side, each with its name: SVG or PNG, by the file's ending.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// use thinnet::uncertainty::{Forecast, Reliability};
/// let forecast = Forecast::new(ndarray::array![[0.8, 0.2], [0.6, 0.4]], &[0, 1])?;
/// let diagram = Reliability::new(&forecast, Reliability::BINS);
/// thinnet::report::reliability_diagram(&[("accuracy", &diagram)], folder.path().join("reliability.svg"))?;
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// Where the ending is another one, or the file cannot be written.
pub fn reliability_diagram(diagrams: &[(&str, &Reliability)], path: impl AsRef<Path>) -> Result<()> {
    let errors = diagrams.iter().map(|(name, diagram)| format!("{name}: ECE {:.4}", diagram.error()));
    let title = errors.collect::<Vec<_>>().join(" · ");
    let panels = diagrams.iter().map(|(name, reliability)| diagram(reliability, name)).collect();
    Figure { title, panels, names: Vec::new(), phases: false }.write(path.as_ref())
}

impl UncertaintyReport<'_> {
    /// Each figure with its file's name.
    pub(super) fn figures(&self) -> Vec<(&'static str, Figure)> {
        let mut figures = vec![("reliability", self.reliability()), ("rejection", self.rejection())];
        figures.extend(self.unknown.map(|unknown| ("unknown", self.histograms(unknown))));
        figures
    }

    fn reliability(&self) -> Figure {
        let method = self.shown();
        let run = &method.runs[0];
        let [before, after] = &run.reliability;
        let (from, to) = (before.error(), after.error());
        let name = method.name;
        let title = if from < 0.005 {
            format!(
                "With {name}, confidence is right before scaling (ECE {from:.3}); after it, ECE is {to:.3}"
            )
        } else {
            let kind = if before.is_overconfident() { "Over" } else { "Under" };
            let verb = if to < from { "brings" } else { "takes" };
            let temperature = run.temperature.value();
            format!(
                "{kind}confident with {name}: temperature {temperature:.2} {verb} ECE from {from:.3} to {to:.3}"
            )
        };
        let panels = vec![diagram(before, "accuracy, before"), diagram(after, "accuracy, after scaling")];
        Figure { title, panels, names: Vec::new(), phases: false }
    }

    fn rejection(&self) -> Figure {
        let mut lines = Vec::new();
        let mut line = |label: String, signal: &dyn Fn(usize) -> Option<f64>| {
            // Half of the samples are more than anyone hands on.
            let points = (0..=50)
                .filter_map(|percent| Some((f64::from(percent as u32) / 100.0, signal(percent)?, 0.0)));
            lines.push(Line { label, color: lines.len(), dashed: false, points: points.collect() });
        };
        for method in &self.study.methods {
            line(format!("{}, entropy", method.name), &|percent| {
                mean_accuracy(method, percent, |run| Some(&run.entropy))
            });
            if method.runs.iter().all(|run| run.information.is_some()) {
                line(format!("{}, mutual information", method.name), &|percent| {
                    mean_accuracy(method, percent, |run| run.information.as_ref())
                });
            }
        }
        let names = lines.iter().map(|line| line.label.clone()).collect();
        let at = |line: &Line, percent: usize| line.points.get(percent).map_or(0.0, |point| point.1);
        // The first of equal ones.
        let best = lines.iter().fold(None, |best: Option<&Line>, line| match best {
            Some(best) if at(line, 10) <= at(best, 10) => Some(best),
            _ => Some(line),
        });
        let title = best.map_or_else(String::new, |best| {
            format!(
                "Without the most uncertain 10 %, accuracy is {:.4} instead of {:.4} ({})",
                at(best, 10),
                at(best, 0),
                best.label
            )
        });
        let panel = Panel {
            name: "accuracy on the rest".into(),
            across: Across::Values("share rejected", 0.0, 0.5),
            lines,
            ..Panel::default()
        };
        Figure { title, panels: vec![panel], names, phases: false }
    }

    fn histograms(&self, unknown: &str) -> Figure {
        let method = self.shown();
        let run = &method.runs[0];
        let signals =
            [("entropy (nats)", Some(&run.entropy)), ("mutual information (nats)", run.information.as_ref())];
        let signals: Vec<(&'static str, &Signal)> =
            signals.into_iter().filter_map(|(name, signal)| Some((name, signal?))).collect();
        let told = signals.iter().filter_map(|(name, signal)| {
            let name = name.split(" (").next().unwrap_or(name);
            signal.auroc.map(|auroc| format!("{auroc:.3} by {name}"))
        });
        let told: Vec<String> = told.collect();
        let title =
            format!("AUROC of {unknown} against {} with {}: {}", self.data, method.name, told.join(", "));
        let panels = signals.iter().map(|(name, signal)| self.histogram(name, signal, unknown)).collect();
        Figure { title, panels, names: vec![self.data.to_owned(), unknown.to_owned()], phases: false }
    }

    fn histogram(&self, name: &'static str, signal: &Signal, unknown: &str) -> Panel {
        let highest = signal.known.iter().chain(&signal.unknown).copied().fold(0.0, f64::max).max(1e-9);
        let width = highest / BARS as f64;
        let mut bars = Vec::new();
        for (color, (values, data)) in
            [(&signal.known, self.data), (&signal.unknown, unknown)].into_iter().enumerate()
        {
            let mut counts = [0_usize; BARS];
            values.iter().for_each(|value| counts[((value / width) as usize).min(BARS - 1)] += 1);
            for (index, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let (low, high) = (index as f64 * width, (index + 1) as f64 * width);
                let height = count as f64 / values.len() as f64;
                let share = 100.0 * height;
                let note = format!("{data}: {count} inputs, {share:.1} %");
                bars.push(Bar { low, high, height, color, interval: None, note });
            }
        }
        Panel {
            name: "share of inputs".into(),
            across: Across::Values(name, 0.0, highest),
            bars,
            ..Panel::default()
        }
    }
}

/// The accuracy after rejection, the mean over the models.
fn mean_accuracy(
    method: &Method,
    percent: usize,
    signal: fn(&crate::uncertainty::Assessment) -> Option<&Signal>,
) -> Option<f64> {
    let accuracy = |run| Some(signal(run)?.rejection.accuracy(percent as f64 / 100.0));
    let sum: Option<f64> = method.runs.iter().map(accuracy).sum();
    Some(sum? / method.runs.len() as f64)
}

fn diagram(reliability: &Reliability, name: &str) -> Panel {
    let bar = |bin: &crate::uncertainty::Bin| {
        let right = (bin.accuracy * bin.count as f64).round() as u64;
        let samples = if bin.count == 1 { "sample" } else { "samples" };
        Bar {
            low: f64::from(bin.low),
            high: f64::from(bin.high),
            height: bin.accuracy,
            color: 0,
            interval: Some(share_interval(right, bin.count as u64)),
            note: format!(
                "{} {samples}, confidence {:.3} on average, {:.3} right",
                bin.count, bin.confidence, bin.accuracy
            ),
        }
    };
    Panel {
        name: name.into(),
        across: Across::Values("confidence", 0.0, 1.0),
        bars: reliability.bins().iter().filter(|bin| bin.count > 0).map(bar).collect(),
        diagonal: true,
        ..Panel::default()
    }
}
