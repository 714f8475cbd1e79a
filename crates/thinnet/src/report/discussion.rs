//! What pages of models with several seeds have in common: sentences that follow the numbers, and tables.

use std::path::Path;

use maud::{Markup, html};

use super::comparison::lowest;
use super::curves::{Curves, End, Run, validated};
use super::figure::Figure;
use super::figure::number::value;
use super::html::{epochs, figure, folded, table};
use super::measures::Measure;
use super::pairs::{Against, Pairs, listed};
use super::statistics::mean_interval;
use super::{ModelRuns, RunResult};
use crate::error::Result;

/// A mean with half its interval, where there is one: `0.9754 ± 0.0012`.
pub(super) fn with_interval(values: &[f64], digits: usize) -> String {
    let (mean, half) = mean_interval(values);
    let interval = if half.is_finite() { format!(" ± {half:.digits$}") } else { String::new() };
    format!("{mean:.digits$}{interval}")
}

/// The mean of a number over a model's runs, with its interval; a dash where a run has none.
pub(super) fn cell(model: &ModelRuns, digits: usize, value: impl Fn(&RunResult) -> Option<f64>) -> String {
    let values: Option<Vec<f64>> = model.runs.iter().map(value).collect();
    values.filter(|values| !values.is_empty()).map_or("–".into(), |values| with_interval(&values, digits))
}

/// The mean of a number over a model's runs.
pub(super) fn mean(model: &ModelRuns, value: impl Fn(&RunResult) -> Option<f64>) -> Option<f64> {
    let values: Option<Vec<f64>> = model.runs.iter().map(value).collect();
    values.filter(|values| !values.is_empty()).map(|values| mean_interval(&values).0)
}

/// How a number changes along ordered settings, each with its name: `falls with every step, from 0.9 (rate 0) to 0.8 (rate
/// 0.5)`, or where it is highest and lowest.
pub(super) fn course(values: &[(String, f64)], digits: usize) -> String {
    let ([(first_name, first), ..], [.., (last_name, last)]) = (values, values) else { return String::new() };
    let steps = || values.windows(2).map(|pair| pair[1].1 - pair[0].1);
    let ends = format!("from {first:.digits$} ({first_name}) to {last:.digits$} ({last_name})");
    if values.len() > 1 && steps().all(|step| step < 0.0) {
        return format!("falls with every step, {ends}");
    }
    if values.len() > 1 && steps().all(|step| step > 0.0) {
        return format!("rises with every step, {ends}");
    }
    let by_value = |a: &&(String, f64), b: &&(String, f64)| a.1.total_cmp(&b.1);
    // The first of equal ones.
    let highest = values.iter().rev().max_by(by_value).unwrap_or(&values[0]);
    let lowest = values.iter().min_by(by_value).unwrap_or(&values[0]);
    if highest.1 == lowest.1 {
        return format!("is {first:.digits$} for all");
    }
    format!(
        "is highest at {} ({:.digits$}) and lowest at {} ({:.digits$})",
        highest.0, highest.1, lowest.0, lowest.1
    )
}

/// Where the mean validation loss turns up, with the epoch of the least loss and how far above it the loss ends; and where
/// it does not, or is no number at the end.
pub(super) fn turning_sentence(runs: &[Run]) -> Option<String> {
    let (mut turned, mut near, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    for run in runs {
        match End::of(&validated(run)) {
            Some(End::Above { epoch, low, end }) => {
                // A share of what is 0 or less says nothing.
                let higher = match low > 0.0 {
                    true => format!("{:.0} %", 100.0 * (end / low - 1.0)),
                    false => value(end - low),
                };
                turned.push(format!("{} (lowest after epoch {epoch}, {higher} higher at the end)", run.name));
            }
            Some(End::Near) => near.push(run.name.clone()),
            Some(End::NotFinite) => lost.push(run.name.clone()),
            None => {}
        }
    }
    if lost.is_empty() && (turned.is_empty() || near.is_empty()) {
        return match (&turned[..], &near[..]) {
            ([], []) => None,
            ([], _) => Some(
                "Validation loss turns up for none of the models: each ends within 5 % of its lowest.".into(),
            ),
            (turned, _) => Some(format!("Validation loss turns up for every model: {}.", listed(turned))),
        };
    }
    let clauses = [
        ("turns up", turned),
        ("ends within 5 % of its lowest", near),
        ("is NaN or infinite at the end", lost),
    ];
    let clauses = clauses.iter().filter(|(_, models)| !models.is_empty());
    let clauses: Vec<String> =
        clauses.map(|(what, models)| format!("{what} for {}", listed(models))).collect();
    Some(format!("Validation loss {}.", clauses.join("; it ")))
}

/// The runs of models as curves are drawn of them.
pub(super) fn courses<'a>(models: impl IntoIterator<Item = &'a ModelRuns>) -> Vec<Run<'a>> {
    let run = |model: &'a ModelRuns| Run {
        name: model.name.clone(),
        histories: model.runs.iter().map(|run| &run.history).collect(),
    };
    models.into_iter().map(run).collect()
}

/// The sentences of all pairs; what one seed cannot tell where there are too few.
pub(super) fn certainty(models: &[&ModelRuns], measures: &[Measure], against: Against) -> Vec<String> {
    let pairs = measures.iter().filter_map(|measure| Pairs::new(models, measure.clone(), against));
    let paragraphs: Vec<String> = pairs.map(|pairs| pairs.sentences().join(" ")).collect();
    if paragraphs.is_empty() && models.iter().any(|model| model.runs.len() < 2) {
        return vec!["One seed cannot tell which of these differences are chance: try --seeds 5.".into()];
    }
    paragraphs
}

/// A folded table of the pairs for each measure.
pub(super) fn tested(models: &[&ModelRuns], measures: &[Measure], against: Against) -> Markup {
    html! {
        @for measure in measures {
            @if let Some(pairs) = Pairs::new(models, measure.clone(), against).filter(Pairs::are_tested) {
                (folded(&format!("{}: {}", against.title(), measure.name), &table(&pairs.rows())))
            }
        }
    }
}

/// What stands after ±, said where there are several seeds.
pub(super) fn about_intervals(seeds: usize) -> Markup {
    html! { @if seeds > 1 {
        p.quiet { "What stands after ± is half the 95 % interval of the mean over " (seeds) " seeds; bands and whiskers are the same." }
    } }
}

/// As many curves can be told apart in one figure.
pub(super) const CURVES: usize = 6;

/// The curves of all models, whose penalties may differ; folded where they need many figures.
pub(super) fn curves(models: &[&ModelRuns], penalties_differ: bool) -> Result<Markup> {
    let runs = courses(models.iter().copied());
    let drawn = |runs| figure(&Curves::new(runs).penalties_differ(penalties_differ));
    let figures = runs.chunks(CURVES).map(drawn).collect::<Result<Vec<_>>>()?;
    Ok(match &figures[..] {
        few @ ([] | [_] | [_, _]) => html! { @for figure in few { (figure) } },
        many => folded("All curves", &html! { @for figure in many { (figure) } }),
    })
}

/// Writes the curves of all models, whose penalties may differ, as `curves.svg` and `curves.png`; where there are many,
/// `curves-2.svg` … too.
pub(super) fn write_curves(models: &[&ModelRuns], penalties_differ: bool, folder: &Path) -> Result<()> {
    for (number, runs) in courses(models.iter().copied()).chunks(CURVES).enumerate() {
        let name = if number == 0 { "curves".to_owned() } else { format!("curves-{}", number + 1) };
        let curves = Curves::new(runs).penalties_differ(penalties_differ);
        write_figure(&curves.figure(), folder, &name)?;
    }
    Ok(())
}

/// Folded tables of every epoch of every run.
pub(super) fn every_epoch<'a>(models: impl IntoIterator<Item = &'a ModelRuns>) -> Markup {
    html! {
        @for model in models { @for run in &model.runs {
            (folded(&format!("{}, seed {}: every epoch", model.name, run.seed), &epochs(&run.history)))
        } }
    }
}

/// Writes a figure as `NAME.svg` and `NAME.png`.
pub(super) fn write_figure(figure: &Figure, folder: &Path, name: &str) -> Result<()> {
    figure.write(&folder.join(format!("{name}.svg")))?;
    figure.write(&folder.join(format!("{name}.png")))
}

/// The model of the lowest mean validation loss, the first of equal ones.
pub(crate) fn best_by_validation<'a>(models: impl IntoIterator<Item = &'a ModelRuns>) -> Option<usize> {
    let losses = models.into_iter().map(|model| mean(model, |run| run.last("val_loss")).unwrap_or(f64::NAN));
    lowest(losses).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;

    #[test]
    fn losses_that_turn_up_end_near_or_diverge_are_told_apart() {
        let said = |losses: &[&[f64]]| {
            let history = |losses: &&[f64]| {
                let mut history = History::default();
                for (epoch, loss) in losses.iter().enumerate() {
                    history.push(epoch, [("val_loss".to_owned(), *loss)].into());
                }
                history
            };
            let histories: Vec<History> = losses.iter().map(history).collect();
            let run = |(index, history)| Run { name: format!("m{index}"), histories: vec![history] };
            turning_sentence(&histories.iter().enumerate().map(run).collect::<Vec<_>>())
        };
        let (falls, negative) = (&[0.5, 0.4][..], &[0.5, -0.1, -0.3][..]);
        let (turns, turns_below_0) = (&[0.5, 0.4, 0.5][..], &[-0.2, -0.4, -0.3][..]);
        let diverges = &[0.5, f64::NAN][..];
        for (losses, sentence) in [
            (
                &[falls, negative][..],
                "Validation loss turns up for none of the models: each ends within 5 % of its lowest.",
            ),
            (&[diverges], "Validation loss is NaN or infinite at the end for m0."),
            (
                &[falls, diverges],
                "Validation loss ends within 5 % of its lowest for m0; it is NaN or infinite at the end for m1.",
            ),
            (
                &[turns, turns_below_0],
                "Validation loss turns up for every model: m0 (lowest after epoch 2, 25 % higher at the end) and m1 (lowest after \
                 epoch 2, 0.1000 higher at the end).",
            ),
            (
                &[turns, negative, diverges],
                "Validation loss turns up for m0 (lowest after epoch 2, 25 % higher at the end); it ends within 5 % of its lowest \
                 for m1; it is NaN or infinite at the end for m2.",
            ),
        ] {
            assert_eq!(said(losses).as_deref(), Some(sentence));
        }
        assert_eq!(said(&[]), None);
    }

    #[test]
    fn courses_say_what_the_numbers_do() {
        let named = |values: &[f64]| -> Vec<(String, f64)> {
            values.iter().enumerate().map(|(index, value)| (format!("s{index}"), *value)).collect()
        };
        for (values, said) in [
            (&[0.3, 0.2, 0.1][..], "falls with every step, from 0.30 (s0) to 0.10 (s2)"),
            (&[0.1, 0.2], "rises with every step, from 0.10 (s0) to 0.20 (s1)"),
            (&[0.1, 0.3, 0.2, 0.3], "is highest at s1 (0.30) and lowest at s0 (0.10)"),
            (&[0.5, 0.5], "is 0.50 for all"),
            (&[0.5], "is 0.50 for all"),
            (&[], ""),
        ] {
            assert_eq!(course(&named(values), 2), said);
        }
    }
}
