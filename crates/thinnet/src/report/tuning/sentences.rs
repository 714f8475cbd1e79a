//! What the numbers of a search say, and how sure that is.

use super::{Searched, Trial, Tuning, told};
use crate::report::statistics::mean_interval;

impl Tuning {
    /// What was found, in whole sentences, a paragraph each.
    pub fn sentences(&self) -> Vec<String> {
        match &self.searches[..] {
            [search] => self.of_one(search),
            searches => self.of_several(searches),
        }
    }

    fn of_one(&self, search: &Searched) -> Vec<String> {
        let Some(best) = search.best() else { return Vec::new() };
        let count = search.trials.len();
        let mut paragraphs = vec![format!(
            "Candidate {} is the best of {count} ({}): {} {}. It was chosen for that, so that this value flatters it; what \
             counts is the test.",
            best.number + 1,
            self.told(best),
            self.objective,
            told(best.objective()),
        )];
        paragraphs.extend(self.runners_up(search, best));
        if search.chosen.test.iter().any(|logs| !logs.is_empty()) {
            let results = self.test_names();
            let results: Vec<String> = results
                .iter()
                .map(|name| format!("{name} {}", told(mean_interval(&search.of_test(name)))))
                .collect();
            let how = match search.chosen.refitted {
                true => "Trained again on all training data, those for validation among them",
                false => "Trained as in the search, for its callbacks need validation data",
            };
            paragraphs.push(format!("{how}, it comes on the test data to {}.", results.join(", ")));
        }
        paragraphs
    }

    /// Whether the best can be told from the others that went as far.
    fn runners_up(&self, search: &Searched, best: &Trial) -> Option<String> {
        let ranked = self.ranked(search);
        let others: Vec<&&Trial> = ranked
            .iter()
            .filter(|trial| trial.number != best.number && trial.epochs == best.epochs)
            .collect();
        let second = others.first()?;
        let gap = (second.objective().0 - best.objective().0).abs();
        if self.seeds < 2 {
            return Some(format!(
                "The runner-up, candidate {} ({}), is {gap:.4} away. One seed cannot tell whether that is chance: search with \
                 --seeds 5, or train both with more.",
                second.number + 1,
                self.told(second)
            ));
        }
        // The same seeds begin with the same weights and order: differences are paired.
        let told_apart = |other: &Trial| {
            let pairs = best.scores.iter().zip(&other.scores);
            let (difference, half) = mean_interval(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>());
            difference.abs() > half
        };
        let apart = others.iter().filter(|other| told_apart(other)).count();
        let close = others.len() - apart;
        Some(match (apart, close) {
            (_, 0) => format!(
                "All {apart} others that went as far are worse by more than chance explains (95 % intervals of {} paired seeds).",
                self.seeds
            ),
            _ => format!(
                "Of the {} others that went as far, {apart} are worse by more than chance explains (95 % intervals of {} \
                 paired seeds); {close} may be as good, among them the runner-up, candidate {} ({}), {gap:.4} away.",
                others.len(),
                self.seeds,
                others.iter().find(|other| !told_apart(other)).map_or(0, |other| other.number + 1),
                others
                    .iter()
                    .find(|other| !told_apart(other))
                    .map_or_else(String::new, |other| self.told(other)),
            ),
        })
    }

    fn of_several(&self, searches: &[Searched]) -> Vec<String> {
        let trials: usize = searches.iter().map(|search| search.trials.len()).sum();
        let mut paragraphs = vec![format!(
            "{} searches with {trials} candidates; in each the best by {} was trained again{} and tested.",
            searches.len(),
            self.objective,
            if searches.iter().all(|search| search.chosen.refitted) { " on all training data" } else { "" },
        )];
        let comparisons = self.comparisons();
        let known: Vec<_> = comparisons.iter().filter(|beside| beside.theirs.1.is_finite()).collect();
        if known.is_empty() {
            return paragraphs;
        }
        let agree = known.iter().filter(|beside| beside.agrees()).count();
        paragraphs.push(format!(
            "{agree} of our {} means lie within two standard errors of the published ones.",
            known.len()
        ));
        for beside in known {
            let (difference, half) = beside.difference;
            let (low, high) = (difference - half, difference + half);
            let about = match beside.group.is_empty() {
                true => beside.name.clone(),
                false => format!("{}, {}", beside.group, beside.name),
            };
            if low * high > 0.0 {
                paragraphs.push(format!(
                    "{about}: ours is {:.3} {} (95 % interval of {} paired differences: {low:.3} to {high:.3}), more than chance \
                     explains{}.",
                    difference.abs(),
                    if difference > 0.0 { "higher" } else { "lower" },
                    beside.count,
                    if beside.agrees() { ", though within two standard errors" } else { "" },
                ));
            } else if !beside.agrees() {
                paragraphs.push(format!(
                    "{about}: ours is {:.1} standard errors away, but the paired differences (95 % interval {low:.3} to \
                     {high:.3}) may be chance.",
                    beside.distance().abs()
                ));
            }
        }
        paragraphs
    }
}
