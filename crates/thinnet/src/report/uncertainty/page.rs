//! The page itself, and what the numbers say in sentences.

use maud::html;

use super::{UncertaintyReport, mean};
use crate::error::Result;
use crate::model::thousands;
use crate::report::html::{again, page, table};
use crate::report::statistics::mean_interval;
use crate::uncertainty::{Assessment, Method};

impl UncertaintyReport<'_> {
    pub(super) fn page(&self) -> Result<String> {
        let figures = self.figures();
        let figure = |wanted: &str, caption: &str| {
            let found = figures.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, figure)| figure.markup(caption)).transpose()
        };
        let [validation, test, unknown] = self.study.counts.map(thousands);
        let tables = self.tables();
        let tabled = |title: &str| {
            let found = tables.iter().find(|(name, _)| name.starts_with(title));
            html! { @if let Some((title, rows)) = found { h3 { (title) } (table(rows)) } }
        };
        let one = if self.models.len() > 1 { " It shows the first model." } else { "" };
        let body = html! {
            h2 { "What was run" }
            p {
                (self.models.len()) @if self.models.len() == 1 { " model" } @else { " models" } " on " (self.data) ": "
                (test) " test samples"
                @if let Some(name) = self.unknown { ", beside " (unknown) " of " (name) ", which no model has seen the like of" }
                ". Temperatures are fitted to " (validation) " samples that training must not have used."
                @if let Some(samples) = self.study.samples { " Monte-Carlo dropout draws " (thousands(samples)) " thinned networks." }
            }
            ul { @for model in self.models { li { (model) } } }
            @for note in self.notes { p.note { (note) } }
            h2 { "What happened" }
            ul { @for sentence in self.verdict() { li { (sentence) } } }
            (tabled("Calibration, as"))
            p.quiet { "NLL and Brier's score: lower is better; ECE: how far confidence is from accuracy, over 15 equal bins (adaptive: bins of equally many samples)." }
            (tabled("Calibration at"))
            @if let Some(chart) = figure("reliability", &format!(
                "Bars: how many predictions of that confidence are right, with 95 % intervals; on the dashed line they would be as \
                 many as was said.{one}"
            ))? { (chart) }
            (tabled("Telling"))
            @if let Some(chart) = figure("unknown", &format!(
                "How uncertain the networks are of what they know and of what they do not.{one}"
            ))? { (chart) }
            (tabled("Rejecting"))
            p.quiet { "90 % kept: the accuracy when the 10 % of highest entropy or mutual information (MI) are rejected. AURC: the mean error over all shares that may be rejected, lower is better." }
            @if let Some(chart) = figure("rejection", "The accuracy on what is left when the most uncertain are handed on.")? { (chart) }
            h2 { "How sure is that" }
            p {
                @if self.models.len() > 1 {
                    "What stands after ± is half the 95 % interval of the mean over " (self.models.len()) " models. The ensemble is "
                    "one, whose numbers have no interval: another set of models gives others."
                } @else {
                    "These are the numbers of one trained model; another seed gives others. Give --model several files, of the same "
                    "network trained with other seeds, for intervals and for the ensemble."
                }
            }
            h2 { "Where to look closer" }
            p { "All numbers in full: measures.csv (each model), reliability.csv (each bin)." }
            (again(self.command))
        };
        Ok(page(&format!("How sure, and how right: uncertainty on {}", self.data), &body))
    }

    /// What the numbers say, in whole sentences.
    pub fn verdict(&self) -> Vec<String> {
        let [plain, others @ ..] = &self.study.methods[..] else { return Vec::new() };
        let mut sentences: Vec<String> = self.study.methods.iter().filter_map(calibration).collect();
        for method in others {
            sentences.extend(against("Negative log-likelihood", method, plain, |run| Some(run.measures.nll)));
        }
        sentences.extend(self.unknown.and_then(|unknown| self.telling(unknown)));
        for method in others {
            sentences.extend(against("The AUROC of entropy", method, plain, |run| run.entropy.auroc));
        }
        if let [_] = self.models {
            sentences.push("One model cannot tell which of these differences are chance.".into());
        }
        sentences
    }

    /// How well data of another kind are told, and by what.
    fn telling(&self, unknown: &str) -> Option<String> {
        let signals = self.study.methods.iter().flat_map(|method| {
            let entropy = value(method, |run| run.entropy.auroc).map(|area| (area, method, "entropy"));
            let information = value(method, |run| run.information.as_ref()?.auroc);
            entropy.into_iter().chain(information.map(|area| (area, method, "mutual information")))
        });
        // The first of equal ones.
        let best = signals.fold(None, |best: Option<(f64, &Method, &str)>, next| match best {
            Some(best) if next.0 <= best.0 => Some(best),
            _ => Some(next),
        });
        let (area, method, name) = best?;
        let told = if area > 0.5 { "is" } else { "is not" };
        Some(format!(
            "{unknown} {told} told from {} by uncertainty; the highest AUROC is {area:.3}, for the {name} of {}: of two inputs, one of \
             each, the unknown one is the more uncertain in {:.1} % of cases.",
            self.data,
            named(method),
            100.0 * area
        ))
    }
}

fn value(method: &Method, of: fn(&Assessment) -> Option<f64>) -> Option<f64> {
    mean(method, of).map(|(mean, _)| mean)
}

/// Whether confidence is right, and what scaling makes of it.
fn calibration(method: &Method) -> Option<String> {
    let (before, after) =
        (value(method, |run| Some(run.measures.ece))?, value(method, |run| Some(run.scaled.ece))?);
    let temperature = value(method, |run| Some(run.temperature.value()))?;
    let over = method.runs.iter().filter(|run| run.reliability[0].is_overconfident()).count();
    let direction = match over {
        0 => "below",
        _ if over == method.runs.len() => "above",
        _ => "now above, now below",
    };
    let verb = if after < before { "lowers it" } else { "does not lower it" };
    Some(format!(
        "With {}, confidence is on the whole {direction} accuracy (ECE {before:.4}); the fitted temperature ({temperature:.2}) \
         {verb}: {after:.4}.",
        named(method)
    ))
}

/// A measure beside that with dropout off, and whether the difference may be chance.
fn against(
    name: &str,
    method: &Method,
    plain: &Method,
    of: fn(&Assessment) -> Option<f64>,
) -> Option<String> {
    let (new, old) = (value(method, of)?, value(plain, of)?);
    let comparison = match () {
        _ if format!("{new:.4}") == format!("{old:.4}") => "the same as",
        _ if new < old => "lower than",
        _ => "higher than",
    };
    let pairs = method.runs.iter().zip(&plain.runs);
    let differences: Option<Vec<f64>> = pairs.map(|(a, b)| Some(of(a)? - of(b)?)).collect();
    let certainty = match mean_interval(&differences?) {
        // An ensemble is one, and has no pairs.
        (difference, half) if half.is_finite() && method.runs.len() == plain.runs.len() => {
            let (low, high) = (difference - half, difference + half);
            let told =
                if low * high > 0.0 { "more than chance explains" } else { "which chance alone may explain" };
            format!(
                "; the same models differ by {difference:.4} (95 % interval {low:.4} to {high:.4}), {told}"
            )
        }
        _ => String::new(),
    };
    Some(format!(
        "{name} with {} is {comparison} with dropout off: {new:.4} against {old:.4}{certainty}.",
        named(method)
    ))
}

fn named(method: &Method) -> &'static str {
    match method.name {
        "deterministic" => "dropout off",
        "ensemble" => "the ensemble",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uncertainty::{Forecast, Rejection, Reliability, Signal, Study, Temperature};
    use ndarray::array;

    /// Of two samples, said with this confidence, one is right.
    fn assessment(confidence: f32, auroc: f64) -> Assessment {
        let rows = array![[confidence, 1.0 - confidence], [confidence, 1.0 - confidence]];
        let forecast = Forecast::new(rows, &[0, 1]).unwrap();
        let temperature = Temperature::fit(&forecast);
        let scaled = temperature.apply(&forecast);
        let rejection = Rejection::new(&[0.1, 0.2], &[true, false]).unwrap();
        Assessment {
            measures: forecast.measures(),
            temperature,
            scaled: scaled.measures(),
            reliability: [&forecast, &scaled].map(|forecast| Reliability::new(forecast, 15)),
            entropy: Signal { known: vec![0.1, 0.2], unknown: vec![0.3], auroc: Some(auroc), rejection },
            information: None,
        }
    }

    fn sentences(runs: [Vec<Assessment>; 2]) -> String {
        let [plain, sampled] = runs;
        let models: Vec<String> = plain.iter().map(|_| "model".into()).collect();
        let methods =
            vec![Method { name: "deterministic", runs: plain }, Method { name: "MC dropout", runs: sampled }];
        let study = Study { methods, models: models.len(), samples: Some(10), counts: [2, 2, 1] };
        let report = UncertaintyReport {
            study: &study,
            models: &models,
            data: "<a>",
            unknown: Some("b & c"),
            notes: &[],
            command: "",
        };
        let page = report.page().unwrap();
        assert!(page.contains("&lt;a&gt;") && !page.contains("<a>"), "{page}");
        report.verdict().join(" ")
    }

    #[test]
    fn sentences_follow_the_numbers() {
        let one = sentences([vec![assessment(0.9, 0.75)], vec![assessment(0.8, 0.875)]]);
        let expected = "With dropout off, confidence is on the whole above accuracy (ECE 0.4000); the fitted temperature (100.00) \
                        lowers it: ";
        assert!(one.starts_with(expected), "{one}");
        assert!(
            one.contains("with MC dropout is lower than with dropout off: 0.9163 against 1.2040."),
            "{one}"
        );
        assert!(one.contains("AUROC is 0.875, for the entropy of MC dropout"), "{one}");
        assert!(one.ends_with("One model cannot tell which of these differences are chance."), "{one}");
    }

    #[test]
    fn differences_over_several_models_come_with_their_interval() {
        let clear = sentences([
            vec![assessment(0.9, 0.5), assessment(0.91, 0.5), assessment(0.9, 0.5)],
            vec![assessment(0.8, 0.5), assessment(0.81, 0.5), assessment(0.8, 0.5)],
        ]);
        assert!(clear.contains("more than chance explains"), "{clear}");
        let unclear = sentences([
            vec![assessment(0.9, 0.5), assessment(0.7, 0.5)],
            vec![assessment(0.8, 0.5), assessment(0.8, 0.5)],
        ]);
        assert!(unclear.contains("which chance alone may explain"), "{unclear}");
        let expected =
            "The AUROC of entropy with MC dropout is the same as with dropout off: 0.5000 against 0.5000";
        assert!(unclear.contains(expected) && unclear.contains("b & c is not told from <a>"), "{unclear}");
    }
}
