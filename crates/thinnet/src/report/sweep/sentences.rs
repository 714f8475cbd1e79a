//! What the numbers of a sweep say, and how sure that is.

use super::{Sweep, Validated};
use crate::report::discussion::{
    best_by_validation, certainty, course, courses, turning_sentence, with_interval,
};
use crate::report::measures::Measure;
use crate::report::pairs::{Against, Pairs, listed};

impl Sweep {
    /// What happened and which differences are more than chance explains, in whole sentences.
    pub fn sentences(&self) -> Vec<String> {
        [self.discussion(), self.verdict()].concat()
    }

    /// What happened.
    pub(super) fn discussion(&self) -> Vec<String> {
        let models = self.models();
        let mut sentences = vec![self.choice()];
        sentences.extend(self.rivals());
        for measure in self.measures() {
            match self.along(&measure) {
                Some(course) => sentences.push(format!("{} {course}.", measure.capitalized())),
                None => sentences.extend(measure.extremes(&models).map(|extremes| format!("{extremes}."))),
            }
        }
        sentences.extend(turning_sentence(&courses(models)));
        sentences
    }

    /// Which differences from the baseline are real.
    pub(super) fn verdict(&self) -> Vec<String> {
        let models = self.models();
        if models.len() < 2 {
            return Vec::new();
        }
        certainty(&models, &self.compared(), self.against())
    }

    pub(super) fn against(&self) -> Against {
        Against::One(self.baseline)
    }

    /// The point that validation data choose, and what it comes to on test data.
    fn choice(&self) -> String {
        let models = self.models();
        let of = |measure: &Measure, index: usize| {
            measure.of(models[index]).map_or_else(String::new, |values| with_interval(&values, 4))
        };
        match (self.validated, best_by_validation(models.iter().copied())) {
            (Validated::Not, _) => {
                "Nothing was kept for validation, so nothing says which point to choose: test data must not, \
                                    or they would flatter it. Set fit.validation_split."
                    .into()
            }
            _ if self.penalties_differ => {
                "The validation losses have different penalties in them, so nothing says which point to choose: test data must not."
                    .into()
            }
            (_, None) => {
                "No point has a validation loss, so nothing says which to choose: test data must not.".into()
            }
            (validated, Some(best)) => {
                let loss = of(&Measure::VALIDATION_LOSS, best);
                let name = &models[best].name;
                if validated == Validated::ByTest {
                    return format!(
                        "“{name}” has the lowest validation loss ({loss}), but what validates here are the test data: chosen by \
                         them, its test results flatter it. Set fit.validation_split in place of validation_data."
                    );
                }
                let tested: Vec<String> = Measure::tested(&models)
                    .iter()
                    .map(|measure| format!("{} {}", measure.name, of(measure, best)))
                    .collect();
                let tested = match tested.is_empty() {
                    true => String::new(),
                    false => {
                        format!(" On the test data, which must not choose, it comes to {}.", listed(&tested))
                    }
                };
                format!(
                    "Validation chooses “{name}”: its validation loss after the last epoch is the lowest ({loss}).{tested}"
                )
            }
        }
    }

    /// Which points cannot be told from the one that validation chooses.
    fn rivals(&self) -> Vec<String> {
        let models = self.models();
        let chooses = self.validated == Validated::HeldOut && !self.penalties_differ;
        let best = best_by_validation(models.iter().copied()).filter(|_| chooses);
        let pairs = |best| Some((best, Pairs::new(&models, Measure::VALIDATION_LOSS, Against::One(best))?));
        let Some((best, pairs)) = best.and_then(pairs) else { return Vec::new() };
        let lost = pairs.of_lost();
        if !pairs.are_tested() {
            return lost;
        }
        let (unclear, all) = pairs.unclear();
        let name = models[best].name.as_str();
        let rivals: Vec<String> = unclear
            .iter()
            .map(|pair| format!("“{}”", pair.iter().find(|other| **other != name).unwrap_or(&name)))
            .collect();
        let others = if lost.is_empty() { "others" } else { "others that are compared" };
        let told = match rivals.len() {
            0 if models.len() == 2 => "The other's is higher by more than chance explains.".into(),
            0 if all == 1 => {
                "That of the only other that is compared is higher by more than chance explains.".into()
            }
            0 => format!("Those of all {all} {others} are higher by more than chance explains."),
            1..=4 => format!("Chance alone may explain that {} did not come first.", listed(&rivals)),
            many => format!("Chance alone may explain that {many} of the {all} {others} did not come first."),
        };
        [vec![told], lost].concat()
    }

    /// How a number changes along the only entry that was varied, where that is a number.
    pub(super) fn along(&self, measure: &Measure) -> Option<String> {
        if self.keys.len() != 1 || self.points.len() < 2 {
            return None;
        }
        let value = |point: &super::SweepPoint| {
            let mean = measure.mean(&point.model)?.0;
            Some((point.values[0].as_f64()?, (point.model.name.clone(), mean)))
        };
        let mut values = self.points.iter().map(value).collect::<Option<Vec<_>>>()?;
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let values: Vec<(String, f64)> = values.into_iter().map(|(_, value)| value).collect();
        let is_finite = values.iter().all(|(_, mean)| mean.is_finite());
        is_finite.then(|| course(&values, measure.own_digits()))
    }
}
