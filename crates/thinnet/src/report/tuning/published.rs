//! Ours beside what was published.

use super::{Searched, Tuning, words};
use crate::report::statistics::mean_interval;

/// A test result of several searches beside its published values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Beside {
    /// What the searches share: their values of all entries of `[tune.each]` but the last.
    pub(super) group: String,
    /// The result's name.
    pub(super) name: String,
    pub(super) count: usize,
    /// The mean over the searches and its standard error.
    pub(super) ours: (f64, f64),
    pub(super) theirs: (f64, f64),
    /// The mean of the paired differences, ours less theirs, and half its 95 % interval.
    pub(super) difference: (f64, f64),
}

impl Beside {
    /// How many standard errors of the published mean ours lies above it.
    pub(super) fn distance(&self) -> f64 {
        (self.ours.0 - self.theirs.0) / self.theirs.1
    }

    /// Whether ours lies within two standard errors of the published mean.
    pub(super) fn agrees(&self) -> bool {
        self.distance().abs() <= 2.0
    }
}

impl Tuning {
    /// Each group of searches and each published result.
    pub(super) fn comparisons(&self) -> Vec<Beside> {
        let mut groups: Vec<(String, Vec<&Searched>)> = Vec::new();
        for search in &self.searches {
            let shared = search.place.len().saturating_sub(1);
            let group = search.place[..shared].iter().map(words).collect::<Vec<_>>().join(" ");
            match groups.iter_mut().find(|(other, _)| *other == group) {
                Some((_, searches)) => searches.push(search),
                None => groups.push((group, vec![search])),
            }
        }
        let beside = |group: &String, searches: &[&Searched], name: &String| {
            let pair = |search: &&Searched| {
                let ours = search.of_test(name);
                let mean = ours.iter().sum::<f64>() / ours.len() as f64;
                Some((mean, *search.published.get(name)?)).filter(|(mean, _)| mean.is_finite())
            };
            let pairs: Vec<(f64, f64)> = searches.iter().filter_map(pair).collect();
            if pairs.is_empty() {
                return None;
            }
            let (ours, theirs): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
            let differences: Vec<f64> = pairs.iter().map(|(ours, theirs)| ours - theirs).collect();
            Some(Beside {
                group: group.clone(),
                name: name.clone(),
                count: pairs.len(),
                ours: mean_error(&ours),
                theirs: mean_error(&theirs),
                difference: mean_interval(&differences),
            })
        };
        let names = self.searches.first().map_or_else(Vec::new, |search| search.published.keys().collect());
        groups
            .iter()
            .flat_map(|(group, searches)| names.iter().filter_map(|name| beside(group, searches, name)))
            .collect()
    }

    /// The comparisons as a table with its head.
    pub(super) fn published_rows(&self) -> Vec<Vec<String>> {
        let head = ["", "result", "searches", "ours", "published", "ours − published", "within 2 s.e."];
        let row = |beside: Beside| {
            let error = |(mean, error): (f64, f64)| match error.is_finite() {
                true => format!("{mean:.3} ± {error:.3}"),
                false => format!("{mean:.3}"),
            };
            vec![
                beside.group.clone(),
                beside.name.clone(),
                beside.count.to_string(),
                error(beside.ours),
                error(beside.theirs),
                match beside.difference.1.is_finite() {
                    true => format!("{:+.3} ± {:.3}", beside.difference.0, beside.difference.1),
                    false => format!("{:+.3}", beside.difference.0),
                },
                match beside.theirs.1.is_finite() {
                    true if beside.agrees() => "yes".to_owned(),
                    true => format!("no ({:+.1})", beside.distance()),
                    false => "–".to_owned(),
                },
            ]
        };
        let head = head.map(str::to_owned).to_vec();
        std::iter::once(head).chain(self.comparisons().into_iter().map(row)).collect()
    }
}

/// The mean and its standard error, which is infinite for a single value.
fn mean_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return (mean, f64::INFINITY);
    }
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, (squares / (count - 1.0) / count).sqrt())
}
