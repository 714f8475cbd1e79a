//! What the numbers of a search say, and how sure that is.

use super::{Searched, Trial, Tuning, told};
use crate::report::statistics::{LEVEL, holm, mean_interval, paired_test};

impl Tuning {
    /// What was found, in whole sentences, a paragraph each.
    pub fn sentences(&self) -> Vec<String> {
        let found = match &self.searches[..] {
            [search] => self.of_one(search),
            searches => self.of_several(searches),
        };
        let ended = self.ended.iter();
        let ended = ended
            .map(|why| format!("The search ended before its time, for a candidate cannot be run: {why}."));
        ended.chain(found).collect()
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
        paragraphs.extend(self.not_finite(search));
        paragraphs.extend(self.about_penalties().or_else(|| self.runners_up(search, best)));
        paragraphs.extend(left_behind(search, best));
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

    /// Which candidates did not come to a number.
    fn not_finite(&self, search: &Searched) -> Option<String> {
        let mut lost = search.trials.iter().filter(|trial| !trial.is_finite());
        let first = lost.next()?;
        Some(match lost.count() {
            0 => format!(
                "Candidate {} ({}) did not come to a finite {} and is not compared.",
                first.number + 1,
                self.told(first),
                self.objective
            ),
            others => format!(
                "{} candidates did not come to a finite {} and are not compared.",
                others + 1,
                self.objective
            ),
        })
    }

    /// Why losses do not tell candidates apart, if so.
    fn about_penalties(&self) -> Option<String> {
        self.penalized.then(|| {
            format!(
                "The candidates have different penalties, which are part of {}: the one with the least may have the weakest \
                 penalty, and no more. Choose by a metric (--objective).",
                self.objective
            )
        })
    }

    /// Whether the best can be told from the others that went as far.
    fn runners_up(&self, search: &Searched, best: &Trial) -> Option<String> {
        let ranked = self.ranked(search);
        let others: Vec<&Trial> = ranked
            .into_iter()
            .filter(|trial| trial.number != best.number && trial.epochs == best.epochs && trial.is_finite())
            .collect();
        let named = |other: &Trial| {
            let gap = (other.objective().0 - best.objective().0).abs();
            format!("candidate {} ({}), {gap:.4} away", other.number + 1, self.told(other))
        };
        let second = others.first()?;
        if self.seeds < 2 {
            return Some(format!(
                "The runner-up is {}. One seed cannot tell whether that is chance: search with --seeds 5, or train both with \
                 more.",
                named(second)
            ));
        }
        // The same seeds begin with the same weights and order: differences are paired.
        let ps: Vec<f64> = others.iter().map(|other| paired_test(&best.scores, &other.scores).p).collect();
        let told_apart: Vec<bool> = holm(&ps).into_iter().map(|p| p <= LEVEL).collect();
        let apart = told_apart.iter().filter(|apart| **apart).count();
        let tests = match others.len() {
            1 => format!("a paired t-test over {} seeds at a level of 5 %", self.seeds),
            count => format!(
                "paired t-tests over {} seeds at a level of 5 %, with Holm's correction for {count} tests",
                self.seeds
            ),
        };
        let as_good =
            others.iter().zip(&told_apart).find(|(_, apart)| !**apart).map(|(other, _)| named(other));
        Some(match (others.len(), apart, as_good) {
            (1, _, None) => {
                format!("The other that went as far is worse by more than chance explains ({tests}).")
            }
            (all, _, None) => {
                format!("All {all} others that went as far are worse by more than chance explains ({tests}).")
            }
            (1, _, Some(named)) => {
                format!(
                    "The other that went as far may be as good, {named}: chance alone may explain that ({tests})."
                )
            }
            (all, 0, Some(named)) => format!(
                "None of the {all} others that went as far is worse by more than chance explains ({tests}); the best of them \
                 is {named}."
            ),
            (all, apart, Some(named)) => format!(
                "Of the {all} others that went as far, {apart} {} worse by more than chance explains ({tests}); {} may be as \
                 good, the best of which is {named}.",
                if apart == 1 { "is" } else { "are" },
                all - apart,
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
        paragraphs.extend(self.about_penalties());
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

/// What is not known of candidates that were not trained to the end.
fn left_behind(search: &Searched, best: &Trial) -> Option<String> {
    let left = search.trials.iter().filter(|trial| trial.epochs < best.epochs && trial.is_finite());
    let epochs: Vec<usize> = left.map(|trial| trial.epochs).collect();
    let (first, last) = (epochs.iter().min()?, epochs.iter().max()?);
    let when = if first == last { format!("after {last}") } else { format!("after {first} to {last}") };
    Some(match epochs.len() {
        1 => format!(
            "One candidate was left behind {when} of {} epochs: whether it had become better by the end was not tried.",
            best.epochs
        ),
        count => format!(
            "{count} candidates were left behind {when} of {} epochs: whether any had become better by the end was not tried.",
            best.epochs
        ),
    })
}
