//! What is varied: the points of a grid, and the candidates of a search, which are functions of the seed and their number
//! alone.

use serde_json::{Map, Value};

use super::values::DATA_FOLDER;
use super::{Experiment, Listing, set};
use crate::config::read_value;
use crate::error::{Error, Result};
use crate::random::{Domain, Stream};

/// Points more than these are a mistake.
pub(super) const MOST: usize = 100_000;

/// Reads `KEY=VALUES` options: what each entry may be, as [`Space::new`] takes it.
///
/// # Errors
/// An option of another form, a key that comes twice.
pub(super) fn varied(options: &[String]) -> Result<Map<String, Value>> {
    let mut vary = Map::new();
    for option in options {
        let parts = option.split_once('=').map(|(key, values)| (key.trim(), values.trim()));
        let Some((key, values)) = parts.filter(|(key, _)| !key.is_empty()) else {
            let message = "expected KEY=V1,V2 or KEY=LOW..HIGH, such as model.layers.1.rate=0.1,0.3,0.5";
            return Err(Error::config(format!("--vary {option}"), message));
        };
        if vary.insert(key.to_owned(), Value::from(values)).is_some() {
            return Err(Error::config(format!("--vary {key}"), "the same key is varied twice"));
        }
    }
    Ok(vary)
}

/// What is searched over.
#[derive(Clone, Debug)]
pub(super) struct Space {
    dimensions: Vec<Dimension>,
}

/// An entry of the experiment and the values that it may have.
#[derive(Clone, Debug)]
struct Dimension {
    key: String,
    choices: Choices,
}

#[derive(Clone, Debug)]
enum Choices {
    Listed(Vec<Value>),
    /// From the first to the second; whole numbers, evenly in the logarithm.
    Range {
        low: f64,
        high: f64,
        whole: bool,
        log: bool,
    },
}

impl Space {
    /// The dimensions of a table. A grid takes each value once, and no ranges but those of whole numbers. `place` stands
    /// before the key in messages.
    pub(super) fn new(vary: &Map<String, Value>, grid: bool, place: &str) -> Result<Self> {
        let dimension = |(key, value): (&String, &Value)| {
            let place = format!("{place}{key}");
            let choices = match choices(&place, value)? {
                Choices::Range { low, high, whole: true, log: false } if grid => {
                    Choices::Listed(whole_numbers(&place, low, high)?)
                }
                Choices::Range { .. } if grid => {
                    let message = "a grid needs a list of values or a range of whole numbers, such as 0..19, got another \
                                   range: list its values, or search it at random (thinnet tune, search = \"random\")";
                    return Err(Error::config(place, message));
                }
                Choices::Listed(values) if grid => Choices::Listed(each_once(&place, values)?),
                other => other,
            };
            Ok(Dimension { key: key.clone(), choices })
        };
        Ok(Self { dimensions: vary.iter().map(dimension).collect::<Result<_>>()? })
    }

    /// The entries' keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.dimensions.iter().map(|dimension| dimension.key.as_str())
    }

    /// How many combinations of listed values there are; `None` with a range among them, or where they are more than
    /// [`MOST`].
    pub(super) fn size(&self) -> Option<usize> {
        let size = self.dimensions.iter().try_fold(1_usize, |size, dimension| match &dimension.choices {
            Choices::Listed(values) => size.checked_mul(values.len()),
            Choices::Range { .. } => None,
        });
        size.filter(|size| *size <= MOST)
    }

    /// The overrides of a file's entries with the values of a point, behind others.
    pub(super) fn overrides(&self, sets: &[String], values: &[Value]) -> Result<Vec<String>> {
        let own = self.keys().zip(values).map(|(key, value)| set::assignment(key, value));
        sets.iter().cloned().map(Ok).chain(own).collect()
    }

    /// As [`check_values`], of what is varied.
    pub(super) fn check(&self, experiment: &Experiment) -> Result<()> {
        check_values(self.keys(), experiment)
    }

    /// The values of a combination of the grid; the last dimension changes fastest.
    pub(super) fn combination(&self, number: usize) -> Vec<Value> {
        let mut rest = number;
        let mut values: Vec<Value> = self
            .dimensions
            .iter()
            .rev()
            .map(|dimension| match &dimension.choices {
                Choices::Listed(values) => {
                    let value = values[rest % values.len()].clone();
                    rest /= values.len();
                    value
                }
                Choices::Range { low, .. } => Value::from(*low),
            })
            .collect();
        values.reverse();
        values
    }

    /// The values of a random candidate.
    pub(super) fn candidate(&self, seed: u64, number: usize) -> Vec<Value> {
        let stream = Stream::new(seed, Domain::Search);
        let draw = |(place, dimension): (usize, &Dimension)| {
            dimension.choices.at(stream.at(number as u64, place).uniform())
        };
        self.dimensions.iter().enumerate().map(draw).collect()
    }
}

/// Makes sure that those of the keys that are of `[values]` are there: others would change nothing.
pub(super) fn check_values<'a>(
    keys: impl IntoIterator<Item = &'a str>,
    experiment: &Experiment,
) -> Result<()> {
    for name in keys.into_iter().filter_map(|key| key.strip_prefix("values.")) {
        if !experiment.values.contains_key(name) && name != DATA_FOLDER {
            let known = experiment.values.keys().map(String::as_str).chain([DATA_FOLDER]);
            return Err(Error::unknown("value", name, known));
        }
    }
    Ok(())
}

impl Choices {
    /// The value at a place between 0 and 1.
    fn at(&self, place: f64) -> Value {
        match self {
            Self::Listed(values) => {
                values[((place * values.len() as f64) as usize).min(values.len() - 1)].clone()
            }
            &Self::Range { low, high, whole, log } => {
                // Each whole number has as much room as the others.
                let end = if whole { high + 1.0 } else { high };
                let value = if log { low * (end / low).powf(place) } else { low + (end - low) * place };
                if whole {
                    return Value::from((value.floor() as i64).clamp(low as i64, high as i64));
                }
                // Four digits say all that a search can tell, and can be typed again.
                let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
                Value::from(rounded.clamp(low, high))
            }
        }
    }
}

/// What an entry may be: a list, a file's list, or a range as text.
fn choices(place: &str, value: &Value) -> Result<Choices> {
    if let Some((range, scale)) = value.as_str().and_then(split_range) {
        return self::range(place, range, scale);
    }
    let values = match value {
        Value::Array(values) => Some(values.clone()),
        Value::String(text) => Some(separated(text)),
        _ => None,
    };
    if let Some(values) = values {
        if values.is_empty() {
            return Err(Error::config(place, "expected at least one value, got none"));
        }
        return Ok(Choices::Listed(values));
    }
    let listing: Listing = serde_json::from_value(value.clone())
        .map_err(|_| Error::config(place, format!("expected a list or a range, got {value}")))?;
    Ok(Choices::Listed(listing.items(place)?))
}

/// The values of an entry, all of which are used, each once: a list, a file's, or a range of whole numbers.
pub(super) fn listed(place: &str, value: &Value) -> Result<Vec<Value>> {
    match choices(place, value)? {
        Choices::Listed(values) => each_once(place, values),
        Choices::Range { low, high, whole: true, log: false } => whole_numbers(place, low, high),
        Choices::Range { .. } => {
            Err(Error::config(place, "expected a list of values or a range of whole numbers"))
        }
    }
}

/// The numbers of a range, both ends among them.
fn whole_numbers(place: &str, low: f64, high: f64) -> Result<Vec<Value>> {
    if high - low >= MOST as f64 {
        return Err(Error::config(
            place,
            format!("expected at most {MOST} values, got the range {low}..{high}"),
        ));
    }
    Ok((low as i64..=high as i64).map(Value::from).collect())
}

/// The values, of which none may come twice; 1 and 1.0 are the same.
fn each_once(place: &str, values: Vec<Value>) -> Result<Vec<Value>> {
    let same = |a: &Value, b: &Value| match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    };
    let mut seen = values.iter().enumerate();
    match seen.find(|(at, value)| values[..*at].iter().any(|other| same(other, value))) {
        Some((_, twice)) => Err(Error::config(place, format!("expected each value once, got {twice} twice"))),
        None => Ok(values),
    }
}

/// Values with commas between them, those within brackets and quotation marks apart; bare words are texts.
fn separated(text: &str) -> Vec<Value> {
    let (mut depth, mut quote) = (0_i32, None);
    let between = |c: char| {
        match (quote, c) {
            (Some(mark), _) if mark == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            _ => {}
        }
        c == ',' && quote.is_none() && depth == 0
    };
    let text = text.trim();
    let text = text.strip_suffix(',').unwrap_or(text);
    match text.is_empty() {
        true => Vec::new(),
        false => text.split(between).map(|part| read_value(part.trim())).collect(),
    }
}

/// `LOW..HIGH` or `LOW..HIGH:log` as its two ends and its scale.
fn split_range(text: &str) -> Option<((&str, &str), Option<&str>)> {
    let (range, scale) = match text.split_once(':') {
        Some((range, scale)) => (range, Some(scale.trim())),
        None => (text, None),
    };
    let (low, high) = range.split_once("..")?;
    // A path may have two dots, too.
    let number = |text: &str| read_value(text.trim()).is_number();
    (number(low) || number(high)).then_some(((low.trim(), high.trim()), scale))
}

fn range(place: &str, (low, high): (&str, &str), scale: Option<&str>) -> Result<Choices> {
    let error = |message: String| Err(Error::config(place, message));
    let (first, last) = (read_value(low), read_value(high));
    let (Some(start), Some(end)) = (first.as_f64(), last.as_f64()) else {
        return error(format!("expected numbers for the ends of the range, got {low}..{high}"));
    };
    let log = match scale {
        None | Some("linear") => false,
        Some("log") => true,
        Some(other) => return error(format!("expected `log` behind the range, got `{other}`")),
    };
    if start >= end {
        return error(format!("expected a range from a lower to a higher number, got {low}..{high}"));
    }
    if log && start <= 0.0 {
        return error(format!("expected a logarithmic range to start above 0, got {low}..{high}"));
    }
    Ok(Choices::Range { low: start, high: end, whole: first.is_i64() && last.is_i64(), log })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn space(vary: Value, grid: bool) -> Result<Space, String> {
        Space::new(vary.as_object().unwrap(), grid, "tune.vary.").map_err(|error| error.to_string())
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let space = space(json!({"a": "0.1, 0.2", "b": "1..3", "c": "adam"}), true).unwrap();
        assert_eq!(space.size(), Some(6));
        let all: Vec<_> = (0..6).map(|number| json!(space.combination(number))).collect();
        assert_eq!(all[0], json!([0.1, 1, "adam"]));
        assert_eq!(all[4], json!([0.2, 2, "adam"]));
        assert!((0..6).all(|a| (0..a).all(|b| all[a] != all[b])));
    }

    /// Each tenth of a range (of its logarithm) gets a tenth of the draws: of 5,000, 500 ± 6 standard deviations (128), which a
    /// fair draw leaves once in 10⁸ times.
    #[test]
    fn random_candidates_fill_their_ranges_evenly() {
        let space =
            space(json!({"lin": "-1.0..1.0", "log": "1e-5..1e-1:log", "units": "1..10"}), false).unwrap();
        let mut counts = [[0; 10]; 3];
        for number in 0..5000 {
            let values = space.candidate(7, number);
            assert_eq!(values, space.candidate(7, number));
            let at = |index: usize| values[index].as_f64().unwrap();
            let places = [(at(0) + 1.0) / 2.0, (at(1).log10() + 5.0) / 4.0, (at(2) - 0.5) / 10.0];
            assert!(values[2].is_i64());
            for (counts, place) in counts.iter_mut().zip(places) {
                counts[((place * 10.0) as usize).min(9)] += 1;
            }
        }
        assert!(counts.as_flattened().iter().all(|count| (372..=628).contains(count)), "{counts:?}");
        assert_ne!(space.candidate(7, 0), space.candidate(8, 0));
        assert_ne!(space.candidate(7, 0), space.candidate(7, 1));
    }

    #[test]
    fn what_cannot_be_searched_is_explained() {
        for (value, message) in [
            (json!("1..x"), "tune.vary.a: expected numbers for the ends of the range, got 1..x"),
            (json!("3..1"), "tune.vary.a: expected a range from a lower to a higher number, got 3..1"),
            (json!("0..1:log"), "tune.vary.a: expected a logarithmic range to start above 0, got 0..1"),
            (json!("1..2:cubic"), "tune.vary.a: expected `log` behind the range, got `cubic`"),
            (json!([]), "tune.vary.a: expected at least one value, got none"),
        ] {
            assert_eq!(space(json!({"a": value}), false).unwrap_err(), message);
        }
        for (value, message) in [
            (json!("0.1..0.5"), "tune.vary.a: a grid needs a list of values or a range of whole numbers"),
            (json!("1..5:log"), "tune.vary.a: a grid needs a list of values or a range of whole numbers"),
            (json!("0..100000"), "tune.vary.a: expected at most 100000 values, got the range 0..100000"),
            (json!([1, 2, 1.0]), "tune.vary.a: expected each value once, got 1.0 twice"),
            (json!(""), "tune.vary.a: expected at least one value, got none"),
        ] {
            let error = space(json!({"a": value}), true).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
        let many = space(json!({"a": "1..1000", "b": "1..1000"}), true).unwrap();
        assert_eq!(many.size(), None);
    }

    #[test]
    fn values_are_separated_by_the_commas_between_them() {
        let text = r#"adam, { class = "SGD", momentum = [0.9, 0] }, "a, b", 0.5,"#;
        let table = json!({"class": "SGD", "momentum": [0.9, 0]});
        assert_eq!(json!(separated(text)), json!(["adam", table, "a, b", 0.5]));
        assert!(separated(" ").is_empty());
    }

    #[test]
    fn options_name_an_entry_and_its_values() {
        let varied = |options: &[&str]| {
            let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
            varied(&options).map_err(|error| error.to_string())
        };
        assert_eq!(json!(varied(&["b = 1, 2", "a=0..3"]).unwrap()), json!({"b": "1, 2", "a": "0..3"}));
        for (options, message) in [
            (&["rate"][..], "--vary rate: expected KEY=V1,V2 or KEY=LOW..HIGH"),
            (&["=1,2"], "--vary =1,2: expected KEY=V1,V2 or KEY=LOW..HIGH"),
            (&["a=1", "b=2", "a=3"], "--vary a: the same key is varied twice"),
        ] {
            let error = varied(options).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
