//! What the numbers say, in whole sentences.

use super::{ActivationReport, ActivationSection, COLUMNS, Column};
use crate::inspection::{Filters, Group};
use crate::report::comparison::{certainty, preposition};
use crate::report::statistics::mean_interval;

/// What a column's number is called in a sentence: the noun, what is said of one that is larger and of one that is smaller.
const WORDS: [[&str; 3]; 4] = [
    ["the share of dead units", "more", "fewer"],
    ["the share of activations that are 0", "more", "fewer"],
    ["the mean activation", "higher", "lower"],
    ["the mean absolute correlation of two units", "higher", "lower"],
];

impl ActivationReport<'_> {
    /// What the numbers say of the first kind of model against each other one, a paragraph for each layer.
    pub fn verdict(&self) -> Vec<String> {
        let mut paragraphs: Vec<String> = self.sections.iter().flat_map(ActivationSection::verdict).collect();
        let compared = || self.sections.iter().filter(|section| section.study.groups.len() > 1);
        let single =
            compared().all(|section| section.study.groups.iter().all(|group| group.models.len() == 1));
        if compared().count() > 0 && single {
            paragraphs.push(
                "These are single models: other seeds give others, and one model of each kind cannot tell which of these \
                 differences come from the kind."
                    .into(),
            );
        }
        paragraphs
    }
}

impl ActivationSection<'_> {
    fn verdict(&self) -> Vec<String> {
        let Some((first, others)) = self.study.groups.split_first() else { return Vec::new() };
        let mut paragraphs = Vec::new();
        for layer in 0..self.study.layers.len() {
            let mut sentences = Vec::new();
            for other in others {
                for (column, words) in COLUMNS.iter().zip(WORDS) {
                    sentences.extend(self.against(first, other, layer, column, words));
                }
            }
            if others.is_empty() {
                sentences.push(self.alone(first, layer));
            }
            paragraphs.push(format!("{}: {}", self.title(layer), sentences.join(" ")));
        }
        let coherent = others.iter().filter_map(|other| coherence(first, other)).collect::<Vec<_>>();
        if !coherent.is_empty() {
            let of = if self.name.is_empty() {
                "First layer".into()
            } else {
                format!("{}, first layer", self.name)
            };
            paragraphs.push(format!("{of}: {}", coherent.join(" ")));
        }
        paragraphs
    }

    /// A measure of two kinds, and whether the difference may be chance.
    fn against(
        &self,
        first: &Group,
        other: &Group,
        layer: usize,
        column: &Column,
        [noun, more, less]: [&str; 3],
    ) -> Option<String> {
        let values = |group: &Group| Self::values(group, layer, column);
        let (a, b) = (values(first)?, values(other)?);
        let (mean_a, mean_b) = (mean_interval(&a).0, mean_interval(&b).0);
        let both = format!(
            "{} is {} {} and {} {}",
            capitalized(noun),
            column.written(mean_a),
            preposition(&first.name),
            column.written(mean_b),
            preposition(&other.name)
        );
        let scale = if column.is_share { 100.0 } else { 1.0 };
        let (difference, half, of_inputs) = self.difference(&a, &b, [first, other], layer, column.csv);
        let (difference, half) = (difference * scale, half * scale);
        let digits = column.digits;
        if format!("{:.digits$}", difference.abs()).trim_matches(['0', '.']).is_empty() {
            return Some(format!("{both}: no difference."));
        }
        let unit = if column.is_share { " points" } else { "" };
        let word = if difference > 0.0 { more } else { less };
        let sure = match of_inputs {
            true => format!(
                " (95 % interval over inputs: {:.digits$} to {:.digits$})",
                difference - half,
                difference + half
            ),
            false => certainty(difference, half, a.len().min(b.len()), digits),
        };
        Some(format!("{both}: {:.digits$}{unit} {word}{sure}.", difference.abs()))
    }

    /// The mean difference, half its 95 % interval (infinite where nothing is known of that), and whether that interval is one over
    /// inputs: of two single models only their shares of zeros on many inputs tell how much these matter.
    fn difference(
        &self,
        a: &[f64],
        b: &[f64],
        [first, other]: [&Group; 2],
        layer: usize,
        csv: &str,
    ) -> (f64, f64, bool) {
        if a.len() == b.len() && a.len() > 1 {
            let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
            let (difference, half) = mean_interval(&differences);
            return (difference, half, false);
        }
        let difference = mean_interval(a).0 - mean_interval(b).0;
        match (&first.models[..], &other.models[..]) {
            // Both models see the same inputs.
            ([one], [another]) if csv == "sparsity" && self.study.inputs > 1 => {
                let zeros = one.layers[layer].zeros.iter().zip(&another.layers[layer].zeros);
                let (_, half) = mean_interval(&zeros.map(|(one, another)| one - another).collect::<Vec<_>>());
                (difference, half, true)
            }
            _ => (difference, f64::INFINITY, false),
        }
    }

    /// The numbers of the only kind.
    fn alone(&self, group: &Group, layer: usize) -> String {
        let said = COLUMNS.iter().zip(WORDS).filter_map(|(column, [noun, ..])| {
            let (mean, half) = mean_interval(&Self::values(group, layer, column)?);
            let interval =
                if half.is_finite() { format!(" ± {}", column.written(half)) } else { String::new() };
            Some(format!("{noun} is {}{interval}", column.written(mean)))
        });
        format!("{}.", capitalized(&said.collect::<Vec<_>>().join(", ")))
    }
}

/// How much of strokes and spots there is in the first layers' filters.
fn coherence(first: &Group, other: &Group) -> Option<String> {
    let of = |group: &Group| -> Option<Vec<f64>> {
        group.models.iter().map(|model| model.filters.as_ref().map(Filters::mean_coherence)).collect()
    };
    let (a, b) = (of(first)?, of(other)?);
    let (mean_a, mean_b) = (mean_interval(&a).0, mean_interval(&b).0);
    let difference = mean_a - mean_b;
    let half = match a.len() == b.len() {
        true => mean_interval(&a.iter().zip(&b).map(|(a, b)| a - b).collect::<Vec<_>>()).1,
        false => f64::INFINITY,
    };
    let word = if difference < 0.0 { "lower" } else { "higher" };
    let comparison = match format!("{:.2}", difference.abs()).as_str() {
        "0.00" => "no difference".to_owned(),
        size => format!("{size} {word}{}", certainty(difference, half, a.len(), 2)),
    };
    Some(format!(
        "In a filter, weights two places apart are correlated by {mean_a:.2} {} and {mean_b:.2} {} (noise: 0): {comparison}.",
        preposition(&first.name),
        preposition(&other.name)
    ))
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::inspection::{ActivationStatistics, ActivationStudy, Inspected, InspectedLayer, Measures};

    /// Models with these shares of zeros.
    fn group(name: &str, sparsities: &[f64]) -> Group {
        with_inputs(name, &sparsities.iter().map(|share| vec![*share; 3]).collect::<Vec<_>>())
    }

    /// Models with these shares of zeros, of each input.
    fn with_inputs(name: &str, shares: &[Vec<f64>]) -> Group {
        let statistics =
            ActivationStatistics::of(&array![[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.5, 0.5]].into_dyn())
                .unwrap();
        let model = |zeros: &Vec<f64>| {
            let sparsity = mean_interval(zeros).0;
            let measures = Measures { sparsity, ..Measures::from(&statistics) };
            let (statistics, zeros) = (statistics.clone(), zeros.clone());
            let layers = vec![InspectedLayer { statistics, measures, zeros, output: None }];
            Inspected { name: "m".into(), layers, filters: None }
        };
        Group { name: name.into(), models: shares.iter().map(model).collect() }
    }

    fn verdict(groups: Vec<Group>) -> String {
        let study = ActivationStudy { layers: vec!["dense".into()], groups, inputs: 3, networks: None };
        let section = ActivationSection { name: "", about: "", study: &study, input: None };
        let report =
            ActivationReport { title: "<t>", data: "d & d", sections: &[section], notes: &[], command: "" };
        let page = report.page().unwrap();
        assert!(page.contains("&lt;t&gt;") && page.contains("d &amp; d") && !page.contains("<t>"), "{page}");
        // Of models that somebody gave nobody knows what they started from.
        assert!(!page.contains("same weights"), "{page}");
        report.verdict().join(" ")
    }

    #[test]
    fn differences_of_several_pairs_come_with_their_interval() {
        let clear =
            verdict(vec![group("with dropout", &[0.7, 0.71, 0.72]), group("rate 0", &[0.6, 0.61, 0.621])]);
        let expected = "dense: The share of dead units is 33.3 % with dropout and 33.3 % for “rate 0”: no difference. The share of \
                        activations that are 0 is 71.0 % with dropout and 61.0 % for “rate 0”: 10.0 points more (95 % interval of 3 \
                        paired seeds: 9.8 to 10.1), more than chance explains.";
        assert!(clear.starts_with(expected), "{clear}");
        let unclear = verdict(vec![group("with dropout", &[0.7, 0.6]), group("rate 0", &[0.6, 0.61])]);
        assert!(unclear.contains("which chance alone may explain"), "{unclear}");
    }

    /// The differences are 10, 20 and 0 points: 10 ± 4.303 × 10 / √3.
    #[test]
    fn the_interval_over_inputs_is_that_of_their_differences() {
        let (one, another) = (vec![0.2, 0.4, 0.6], vec![0.1, 0.2, 0.6]);
        let text = verdict(vec![with_inputs("with dropout", &[one]), with_inputs("rate 0", &[another])]);
        assert!(text.contains("10.0 points more (95 % interval over inputs: -14.8 to 34.8)"), "{text}");
    }

    #[test]
    fn of_single_models_it_is_said_what_they_cannot_tell() {
        let text = verdict(vec![group("with dropout", &[0.7]), group("rate 0", &[0.6])]);
        assert!(text.contains("10.0 points more (95 % interval over inputs: "), "{text}");
        assert!(
            text.ends_with(
                "one model of each kind cannot tell which of these differences come from the kind."
            ),
            "{text}"
        );
        let alone = verdict(vec![group("m", &[0.7])]);
        assert!(
            alone.starts_with(
                "dense: The share of dead units is 33.3 %, the share of activations that are 0 is 70.0 %"
            ),
            "{alone}"
        );
        assert!(!alone.contains("single models"), "{alone}");
    }
}
