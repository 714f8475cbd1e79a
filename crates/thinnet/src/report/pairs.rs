//! Pairs of several models: which of them differ by more than chance explains.

use super::ModelRuns;
use super::measures::Measure;
use super::statistics::{DifferenceTest, LEVEL, holm, paired_test, welch_test};

/// Means that are closer than this share of them are the same but for rounding: models compute in single precision.
const ROUNDING: f64 = 1e-5;

/// Which pairs of models are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// Every two.
    All,
    /// Each with this one.
    One(usize),
}

impl Against {
    /// What the pairs are, as a title.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::All => "All pairs",
            Self::One(_) => "Against the baseline",
        }
    }

    fn has(self, a: usize, b: usize) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => a == one || b == one,
        }
    }
}

/// Pairs of models, by one number.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    measure: Measure,
    models: &'a [&'a ModelRuns],
    against: Against,
    pairs: Vec<Pair>,
    /// Pairs that nothing can be said of.
    untested: Vec<[usize; 2]>,
    /// Models that are not tested, with so many runs whose number is NaN or infinite.
    lost: Vec<(usize, usize)>,
}

/// How two models are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// A paired t-test over so many seeds that both were trained with.
    Paired(usize),
    /// Welch's t-test of so many runs each, which share fewer than two seeds.
    Welch(usize, usize),
}

impl Method {
    /// Tests the values of two models, each with its seed; `None` where there are too few.
    fn test(first: &[(u64, f64)], second: &[(u64, f64)]) -> Option<(Self, DifferenceTest)> {
        let of_seed = |seed: u64| second.iter().find(|(other, _)| *other == seed).map(|(_, value)| *value);
        let (a, b): (Vec<f64>, Vec<f64>) =
            first.iter().filter_map(|(seed, value)| Some((*value, of_seed(*seed)?))).unzip();
        if a.len() >= 2 {
            return Some((Self::Paired(a.len()), paired_test(&a, &b)));
        }
        let [a, b] = [first, second].map(|runs| runs.iter().map(|(_, value)| *value).collect::<Vec<f64>>());
        (a.len() >= 2 && b.len() >= 2).then(|| (Self::Welch(a.len(), b.len()), welch_test(&a, &b)))
    }

    fn words(self) -> String {
        match self {
            Self::Paired(seeds) => format!("{seeds} paired seeds"),
            Self::Welch(a, b) => format!("Welch, {a} and {b} seeds"),
        }
    }
}

/// Two models, the first with the higher mean.
#[derive(Clone, Copy, Debug)]
struct Pair {
    higher: usize,
    lower: usize,
    method: Method,
    difference: f64,
    half: f64,
    /// After Holm's correction for all pairs.
    p: f64,
}

impl Pair {
    fn is_real(&self) -> bool {
        self.p <= LEVEL
    }
}

impl<'a> Pairs<'a> {
    /// Tests pairs, over the seeds that both were trained with where those are two or more, without models that did not come
    /// to a number in every run; `None` where a run lacks the number, or no two models have enough runs.
    pub(super) fn new(models: &'a [&'a ModelRuns], measure: Measure, against: Against) -> Option<Self> {
        let values = |model: &&ModelRuns| {
            let values = measure.of(model)?.into_iter();
            Some(model.runs.iter().map(|run| run.seed).zip(values).collect())
        };
        let values: Vec<Vec<(u64, f64)>> = models.iter().map(values).collect::<Option<_>>()?;
        let lost = |model: usize| values[model].iter().filter(|(_, value)| !value.is_finite()).count();
        let lost: Vec<usize> = (0..models.len()).map(lost).collect();
        let (mut pairs, mut untested, mut enough) = (Vec::new(), Vec::new(), false);
        for a in 0..models.len() {
            for b in (a + 1..models.len()).filter(|&b| against.has(a, b)) {
                let Some((method, test)) = Method::test(&values[a], &values[b]) else {
                    untested.push([a, b]);
                    continue;
                };
                enough = true;
                if lost[a] + lost[b] > 0 {
                    continue;
                }
                let size = measure.mean(models[a]).map_or(0.0, |(mean, _)| mean.abs());
                let same = test.difference.abs() <= ROUNDING * size;
                let (higher, lower) = if test.difference < 0.0 { (b, a) } else { (a, b) };
                pairs.push(Pair {
                    higher,
                    lower,
                    method,
                    difference: test.difference.abs(),
                    half: test.half,
                    p: if same { 1.0 } else { test.p },
                });
            }
        }
        let corrected = holm(&pairs.iter().map(|pair| pair.p).collect::<Vec<_>>());
        pairs.iter_mut().zip(corrected).for_each(|(pair, p)| pair.p = p);
        let lost = lost.into_iter().enumerate().filter(|(_, runs)| *runs > 0).collect();
        enough.then_some(Self { measure, models, against, pairs, untested, lost })
    }

    /// Whether any two models are tested.
    pub(super) fn are_tested(&self) -> bool {
        !self.pairs.is_empty()
    }

    /// Which differences are more than chance explains, in whole sentences.
    pub(super) fn sentences(&self) -> Vec<String> {
        let tests = if self.are_tested() { self.of_tests() } else { Vec::new() };
        [tests, self.of_lost(), self.of_untested()].concat()
    }

    fn of_tests(&self) -> Vec<String> {
        let Self { measure, pairs, .. } = self;
        let real = pairs.iter().filter(|pair| pair.is_real()).count();
        let told = match (real, pairs.len()) {
            (1, 1) => "The difference in {} is more than chance explains".to_owned(),
            (_, 1) => "The difference in {} may be chance alone".to_owned(),
            (0, all) => format!("None of the {all} differences in {{}} is more than chance explains"),
            (real, all) if real == all => {
                format!("All {all} differences in {{}} are more than chance explains")
            }
            (1, all) => format!("Of the {all} differences in {{}}, one is more than chance explains"),
            (real, all) => format!("Of the {all} differences in {{}}, {real} are more than chance explains"),
        };
        let about = match self.against {
            Against::One(one) if pairs.len() > 1 => format!("{} from {}", measure.name, self.name(one)),
            _ => measure.name.to_string(),
        };
        let mut sentences = vec![format!(
            "{} at a level of 5 % ({method}).",
            told.replace("{}", &about),
            method = self.method()
        )];
        match self.against {
            Against::One(one) if pairs.len() > 1 => sentences.extend(self.of_one(one)),
            _ => sentences.extend(self.of_all(real)),
        }
        sentences
    }

    /// How all pairs are tested, if in one way.
    fn only_method(&self) -> Option<Method> {
        let first = self.pairs.first()?.method;
        self.pairs.iter().all(|pair| pair.method == first).then_some(first)
    }

    /// How was tested, in words.
    fn method(&self) -> String {
        let count = self.pairs.len();
        let tests = match self.only_method() {
            Some(Method::Paired(seeds)) if count == 1 => format!("a paired t-test over {seeds} seeds"),
            Some(Method::Paired(seeds)) => format!("paired t-tests over {seeds} seeds"),
            Some(Method::Welch(a, b)) if count == 1 => {
                format!("Welch's t-test of {a} and {b} runs, which share fewer than two seeds")
            }
            _ => {
                let paired = self.pairs.iter().any(|pair| matches!(pair.method, Method::Paired(_)));
                let welch = self.pairs.iter().any(|pair| matches!(pair.method, Method::Welch(..)));
                match (paired, welch) {
                    (true, false) => "paired t-tests over the seeds that both models have".into(),
                    (false, _) => "Welch's t-tests, for the models share fewer than two seeds".into(),
                    _ => "paired t-tests over the seeds that both models have, Welch's where those are fewer than two".to_owned(),
                }
            }
        };
        if count == 1 { tests } else { format!("{tests}, with Holm's correction for {count} tests") }
    }

    /// Which models are not tested because they did not come to a number.
    pub(super) fn of_lost(&self) -> Vec<String> {
        let sentence = |&(model, runs): &(usize, usize)| {
            let of = self.models[model].runs.len();
            let seeds = if of == 1 { "seed" } else { "seeds" };
            let name = self.name(model);
            format!(
                "{name} is not compared: its {} did not come to a number ({runs} of {of} {seeds}).",
                self.measure.name
            )
        };
        self.lost.iter().map(sentence).collect()
    }

    /// What nothing can be said of.
    fn of_untested(&self) -> Vec<String> {
        let pairs: Vec<String> =
            self.untested.iter().map(|&[a, b]| format!("{} and {}", self.name(a), self.name(b))).collect();
        match pairs.len() {
            0 => Vec::new(),
            1..=4 => vec![format!(
                "Nothing is said of {}: they share fewer than two seeds, and one has fewer than two runs.",
                pairs.join("; of ")
            )],
            many => vec![format!(
                "Nothing is said of {many} pairs that share fewer than two seeds, and one of which has fewer than two runs."
            )],
        }
    }

    fn name(&self, index: usize) -> String {
        format!("“{}”", self.models[index].name)
    }

    /// Which pairs of all can be told apart, and which not.
    fn of_all(&self, real: usize) -> Vec<String> {
        let Self { measure, pairs, .. } = self;
        let mut sentences = Vec::new();
        for higher in self.ranked() {
            let below: Vec<String> = pairs
                .iter()
                .filter(|pair| pair.is_real() && pair.higher == higher)
                .map(|pair| format!("{} (by {})", self.name(pair.lower), measure.said(pair.difference)))
                .collect();
            if !below.is_empty() {
                sentences.push(format!(
                    "{} has a higher {} than {}.",
                    self.name(higher),
                    measure.name,
                    listed(&below)
                ));
            }
        }
        let unclear: Vec<String> = pairs
            .iter()
            .filter(|pair| !pair.is_real())
            .map(|pair| format!("{} and {}", self.name(pair.higher), self.name(pair.lower)))
            .collect();
        match unclear.len() {
            0 => {}
            _ if real == 0 => {}
            1..=4 => sentences
                .push(format!("Chance alone may explain the difference of {}.", unclear.join("; of "))),
            many => sentences.push(format!("Chance alone may explain the other {many}.")),
        }
        sentences
    }

    /// Which models can be told from one.
    fn of_one(&self, one: usize) -> Vec<String> {
        let Self { measure, pairs, .. } = self;
        let beyond = |side: fn(&Pair) -> [usize; 2]| -> Vec<String> {
            let real = pairs.iter().filter(|pair| pair.is_real() && side(pair)[1] == one);
            real.map(|pair| format!("{} (by {})", self.name(side(pair)[0]), measure.said(pair.difference)))
                .collect()
        };
        let higher = beyond(|pair| [pair.higher, pair.lower]);
        let lower = beyond(|pair| [pair.lower, pair.higher]);
        let told = match (higher.is_empty(), lower.is_empty()) {
            (true, true) => return Vec::new(),
            (false, true) => format!("higher for {}", listed(&higher)),
            (true, false) => format!("lower for {}", listed(&lower)),
            (false, false) => format!("higher for {}, and lower for {}", listed(&higher), listed(&lower)),
        };
        vec![format!("{} is {told}.", measure.capitalized())]
    }

    /// The models of pairs whose difference may be chance, and how many pairs there are.
    pub(super) fn unclear(&self) -> (Vec<[&str; 2]>, usize) {
        let pairs = self.pairs.iter().filter(|pair| !pair.is_real());
        let names = |pair: &Pair| [pair.higher, pair.lower].map(|index| self.models[index].name.as_str());
        (pairs.map(names).collect(), self.pairs.len())
    }

    /// A row for each pair, with its head.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let Measure { name, scale, unit, digits, .. } = &self.measure;
        let mut head = vec![
            "higher − lower".to_owned(),
            format!("difference in {name}"),
            "95 % interval".into(),
            "p after Holm".into(),
            "more than chance".into(),
        ];
        // Said once for all where it is the same.
        let differ = self.only_method().is_none();
        head.extend(differ.then(|| "test".to_owned()));
        let row = |pair: &Pair| {
            let [low, high] = [-1.0, 1.0].map(|sign| (pair.difference + sign * pair.half) * scale);
            let mut row = vec![
                format!("{} − {}", self.models[pair.higher].name, self.models[pair.lower].name),
                format!("{:.digits$}{unit}", pair.difference * scale),
                format!("{low:.digits$} to {high:.digits$}"),
                p_value(pair.p),
                if pair.is_real() { "yes".into() } else { "no".into() },
            ];
            row.extend(differ.then(|| pair.method.words()));
            row
        };
        std::iter::once(head).chain(self.pairs.iter().map(row)).collect()
    }

    /// The models from the highest mean to the lowest.
    fn ranked(&self) -> Vec<usize> {
        let mean = |index: &usize| self.measure.mean(self.models[*index]).map_or(0.0, |(mean, _)| mean);
        let mut order: Vec<usize> = (0..self.models.len()).collect();
        order.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
        order
    }
}

/// A p-value as a table has it: `0.012`, or `< 0.001`.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;
    use crate::report::RunResult;

    fn model(name: &str, accuracies: &[f64]) -> ModelRuns {
        let run = |(seed, &accuracy): (usize, &f64)| RunResult {
            seed: seed as u64,
            history: History::default(),
            test: [("accuracy".to_owned(), accuracy)].into(),
            seconds: 1.0,
        };
        let runs = accuracies.iter().enumerate().map(run).collect();
        ModelRuns { name: name.into(), summary: String::new(), runs }
    }

    #[test]
    fn only_differences_that_hold_together_are_called_real() {
        let high = model("a", &[0.980, 0.982, 0.981, 0.983]);
        let same = model("b", &[0.982, 0.981, 0.983, 0.981]);
        let low = model("c", &[0.960, 0.9615, 0.961, 0.963]);
        let models = [&high, &same, &low];
        let pairs = Pairs::new(&models, Measure::TEST_ACCURACY, Against::All).unwrap();
        assert_eq!(
            pairs.sentences(),
            [
                "Of the 3 differences in test accuracy, 2 are more than chance explains at a level of 5 % (paired t-tests over 4 \
                 seeds, with Holm's correction for 3 tests).",
                "“b” has a higher test accuracy than “c” (by 2.04 points).",
                "“a” has a higher test accuracy than “c” (by 2.01 points).",
                "Chance alone may explain the difference of “b” and “a”.",
            ]
        );
        let rows = pairs.rows();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[2][0], "a − c");
        assert_eq!(rows[2][4], "yes");
    }

    #[test]
    fn differences_from_one_are_told_from_its_side() {
        let base = model("base", &[0.980, 0.982, 0.981, 0.983]);
        let same = model("same", &[0.982, 0.981, 0.983, 0.981]);
        let low = model("low", &[0.960, 0.9615, 0.961, 0.963]);
        let high = model("high", &[0.990, 0.9925, 0.991, 0.993]);
        let models = [&low, &base, &same, &high];
        let pairs = Pairs::new(&models, Measure::TEST_ACCURACY, Against::One(1)).unwrap();
        assert_eq!(
            pairs.sentences(),
            [
                "Of the 3 differences in test accuracy from “base”, 2 are more than chance explains at a level of 5 % (paired \
                 t-tests over 4 seeds, with Holm's correction for 3 tests).",
                "Test accuracy is higher for “high” (by 1.01 points), and lower for “low” (by 2.01 points).",
            ]
        );
        assert_eq!((pairs.rows().len(), pairs.unclear()), (4, (vec![["same", "base"]], 3)));
    }

    /// As where a bound on the weights is never reached.
    #[test]
    fn rounding_is_no_difference() {
        let (a, b) = (model("a", &[0.9, 0.8, 0.7]), model("b", &[0.900_000_1, 0.800_000_1, 0.700_000_1]));
        let models = [&a, &b];
        let pairs = Pairs::new(&models, Measure::TEST_ACCURACY, Against::All).unwrap();
        assert!(pairs.sentences()[0].starts_with("The difference in test accuracy may be chance alone"));
        assert_eq!(pairs.rows()[1][3..], ["1.000", "no"]);
    }

    #[test]
    fn without_a_second_seed_or_the_number_nothing_is_tested() {
        let (a, b) = (model("a", &[0.9]), model("b", &[0.8]));
        assert!(Pairs::new(&[&a, &b], Measure::TEST_ACCURACY, Against::All).is_none());
        let (a, b) = (model("a", &[0.9, 0.8]), model("b", &[0.8, 0.7]));
        assert!(Pairs::new(&[&a], Measure::TEST_ACCURACY, Against::All).is_none());
        assert!(Pairs::new(&[&a, &b], Measure::TEST_LOSS, Against::All).is_none());
    }

    #[test]
    fn seeds_are_paired_where_they_are_the_same() {
        let from = |mut model: ModelRuns, seed: u64| {
            model.runs.iter_mut().for_each(|run| run.seed += seed);
            model
        };
        let a = model("a", &[0.980, 0.982, 0.981, 0.983]);
        let b = from(model("b", &[0.972, 0.971, 0.973]), 1);
        let c = from(model("c", &[0.960, 0.962, 0.961]), 10);
        let d = from(model("d", &[0.9]), 20);
        let models = [&a, &b, &c, &d];
        let pairs = Pairs::new(&models, Measure::TEST_ACCURACY, Against::All).unwrap();
        let tests: Vec<String> = pairs.rows().into_iter().map(|mut row| row.swap_remove(5)).collect();
        assert_eq!(tests, ["test", "3 paired seeds", "Welch, 4 and 3 seeds", "Welch, 3 and 3 seeds"]);
        // Seeds 1 to 3 of both.
        assert_eq!(pairs.rows()[1][1], "1.00 points");
        let text = pairs.sentences().join(" ");
        for part in [
            "(paired t-tests over the seeds that both models have, Welch's where those are fewer than two, with Holm's",
            "Nothing is said of “a” and “d”; of “b” and “d”; of “c” and “d”: they share fewer than two seeds",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let models = [&a, &c];
        let text = Pairs::new(&models, Measure::TEST_ACCURACY, Against::All).unwrap().sentences().join(" ");
        assert!(
            text.contains("(Welch's t-test of 4 and 3 runs, which share fewer than two seeds)"),
            "{text}"
        );
    }

    /// A family of one test less: Holm's correction does not count what is not tested.
    #[test]
    fn models_that_did_not_come_to_a_number_are_not_tested() {
        let high = model("a", &[0.980, 0.982, 0.981, 0.983]);
        let low = model("b", &[0.960, 0.9615, 0.961, 0.963]);
        let lost = model("c", &[0.97, f64::NAN, 0.97, f64::INFINITY]);
        let models = [&high, &low, &lost];
        let pairs = Pairs::new(&models, Measure::TEST_ACCURACY, Against::All).unwrap();
        assert_eq!(
            pairs.sentences(),
            [
                "The difference in test accuracy is more than chance explains at a level of 5 % (a paired t-test over 4 seeds).",
                "“a” has a higher test accuracy than “b” (by 2.01 points).",
                "“c” is not compared: its test accuracy did not come to a number (2 of 4 seeds).",
            ]
        );
        assert_eq!((pairs.rows().len(), pairs.unclear()), (2, (Vec::new(), 1)));
        let models = [&high, &lost];
        let pairs = Pairs::new(&models, Measure::TEST_ACCURACY, Against::One(0)).unwrap();
        assert!(!pairs.are_tested());
        assert_eq!(pairs.sentences().len(), 1);
        let (one, lost) = (model("a", &[0.9]), model("c", &[f64::NAN]));
        assert!(Pairs::new(&[&one, &lost], Measure::TEST_ACCURACY, Against::All).is_none());
    }

    #[test]
    fn nothing_real_is_said_plainly() {
        let (a, b) = (model("a", &[0.9, 0.8]), model("b", &[0.85, 0.87]));
        let models = [&a, &b];
        let sentences = Pairs::new(&models, Measure::TEST_ACCURACY, Against::All).unwrap().sentences();
        assert_eq!(
            sentences,
            [
                "The difference in test accuracy may be chance alone at a level of 5 % (a paired t-test over 2 seeds)."
            ]
        );
    }
}
