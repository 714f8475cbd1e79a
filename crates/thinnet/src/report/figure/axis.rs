//! From where to where an axis goes, and where it is marked.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::{Across, Panel, Scale, TEXT, number, width};

/// How long the horizontal axis of the narrowest panel is.
const SHORTEST: f64 = 290.0;
/// How long labels that read upwards may be.
const HIGHEST: u32 = 200;

/// An axis of a panel.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// From where to where: values, on a logarithmic axis their exponents.
    low: f64,
    high: f64,
    /// Where it is marked, and with what.
    ticks: Vec<(f64, String)>,
    /// On a logarithmic axis: the exponent in whose place 0 is.
    zero: Option<f64>,
    /// Whether labels read upwards, since they have no room beside each other.
    pub(super) upwards: bool,
}

impl Axis {
    /// The horizontal axis of a panel.
    pub(super) fn across(panel: &Panel) -> Self {
        match &panel.across {
            Across::Epochs => {
                let (first, last) = bounds(panel.places()).unwrap_or((1.0, 1.0));
                let side = ((last - first) * 0.03).max(0.1);
                let step = nice_step((last - first) / 9.0).max(1.0);
                let ticks = multiples(first, last, step);
                Self { low: first - side, high: last + side, ticks, zero: None, upwards: false }
            }
            Across::Values(_, low, high) => Self::linear(*low, *high, 6.0),
            Across::Varied(_, scale) => {
                let mut values: Vec<f64> = panel.places().collect();
                values.sort_by(f64::total_cmp);
                values.dedup();
                match scale {
                    Scale::Logarithmic
                        if values.last().is_some_and(|last| *last > 0.0) && values[0] >= 0.0 =>
                    {
                        Self::logarithmic(&values)
                    }
                    _ => Self::varied(&values),
                }
            }
            Across::Choices(_, choices) => Self::choices(choices),
        }
    }

    /// The vertical axis of a panel.
    pub(super) fn up(panel: &Panel) -> Self {
        let bars = panel.bars.iter();
        let highs = bars.map(|bar| bar.interval.map_or(bar.height, |(_, high)| high.max(bar.height)));
        if !panel.bars.is_empty() {
            let top = highs.fold(0.0, f64::max).max(1e-9);
            return Self::linear(0.0, if panel.diagonal { 1.0 } else { top * 1.06 }, 6.0);
        }
        let (low, high) = bounds(panel.values()).unwrap_or((0.0, 1.0));
        let margin = ((high - low) * 0.06).max(high.abs() * 1e-3 + 1e-9);
        Self::linear(low - margin, high + margin, 6.0)
    }

    /// What both axes have of the numbers.
    pub(super) fn common(&self, other: &Self) -> (f64, f64) {
        (self.low.max(other.low), self.high.min(other.high))
    }

    fn linear(low: f64, high: f64, marks: f64) -> Self {
        let ticks = multiples(low, high, nice_step((high - low) / marks));
        Self { low, high, ticks, zero: None, upwards: false }
    }

    /// An axis for choices, equally far from each other.
    fn choices(choices: &[String]) -> Self {
        let ticks = choices.iter().enumerate().map(|(at, choice)| (at as f64, choice.clone())).collect();
        let high = choices.len().max(1) as f64 - 0.5;
        let mut axis = Self { low: -0.5, high, ticks, zero: None, upwards: false };
        if f64::from(axis.widest() + 8) * choices.len() as f64 > SHORTEST {
            axis.upwards = true;
            axis.ticks.iter_mut().for_each(|(_, label)| shorten(label));
        }
        axis
    }

    /// A linear axis for these values, in ascending order.
    fn varied(values: &[f64]) -> Self {
        let (low, high) = (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(1.0));
        let side = if high > low { (high - low) * 0.06 } else { (high.abs() * 0.1).max(0.1) };
        let mut axis = Self::linear(low - side, high + side, 7.0);
        if let Some(ticks) = axis.marks_at(values) {
            axis.ticks = ticks;
        }
        axis
    }

    /// A logarithmic axis for these values, none negative, in ascending order.
    fn logarithmic(values: &[f64]) -> Self {
        let positive = &values[values.partition_point(|value| *value <= 0.0)..];
        let (least, most) = (positive[0].log10(), positive[positive.len() - 1].log10());
        let zero = (positive.len() < values.len()).then(|| least - ((most - least) * 0.15).max(0.3));
        let left = zero.unwrap_or(least);
        let side = ((most - left) * 0.06).max(0.05);
        let (low, high) = (left - side, most + side);
        let mut axis = Self { low, high, ticks: Vec::new(), zero: zero.or(Some(low)), upwards: false };
        axis.ticks = axis.marks_at(values).unwrap_or_else(|| {
            // Powers of ten, between them 2 and 5 where there are few.
            let factors: &[f64] = if most - least < 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let step = ((most - least) / 5.0).ceil().max(1.0) as usize;
            let powers = (least.floor() as i32..=most.ceil() as i32).step_by(step);
            let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
            let within = all.filter(|value| (least - side..=high).contains(&value.log10()));
            let ticks = zero.map(|_| 0.0).into_iter().chain(within);
            ticks.map(|value| (value, number::place(value))).collect()
        });
        axis
    }

    /// Marks at these values, where their labels have room beside each other.
    fn marks_at(&self, values: &[f64]) -> Option<Vec<(f64, String)>> {
        let ticks: Vec<(f64, String)> = values.iter().map(|value| (*value, number::place(*value))).collect();
        let room = |pair: &[(f64, String)]| {
            let apart = (self.place(pair[1].0) - self.place(pair[0].0)) / (self.high - self.low);
            let need = (width(&pair[0].1, TEXT) + width(&pair[1].1, TEXT)) / 2 + 8;
            apart * SHORTEST >= f64::from(need)
        };
        ticks.windows(2).all(room).then_some(ticks)
    }

    /// How wide the widest label is.
    pub(super) fn widest(&self) -> u32 {
        self.ticks.iter().map(|(_, label)| width(label, TEXT)).max().unwrap_or(0)
    }

    /// How high the labels of a horizontal axis are.
    pub(super) fn label_height(&self) -> u32 {
        if self.upwards { self.widest().max(TEXT) } else { TEXT }
    }

    /// Where the axis is marked, and with what.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, &str)> {
        self.ticks.iter().map(|(value, label)| (*value, label.as_str()))
    }

    /// Where a value is between `low` and `high`.
    fn place(&self, value: f64) -> f64 {
        match self.zero {
            Some(zero) if value > 0.0 => value.log10().max(zero),
            Some(zero) => zero,
            None => value,
        }
    }

    /// The value in a place.
    fn value(&self, place: f64) -> f64 {
        if self.zero.is_some() { 10_f64.powf(place) } else { place }
    }

    /// The value so many of an axis's `length` pixels further.
    pub(super) fn shifted(&self, value: f64, pixels: f64, length: f64) -> f64 {
        self.value(self.place(value) + pixels / length * (self.high - self.low))
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (self.place(*value) - self.low) / (self.high - self.low);
        from + (f64::from(to - from) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(value, _)| *value).collect()
    }

    fn range(&self) -> Range<f64> {
        self.value(self.low)..self.value(self.high)
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.ticks.iter().find(|(tick, _)| tick == value).map_or_else(String::new, |(_, label)| label.clone())
    }
}

/// The least and the greatest of the finite values.
fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |bounds, value| {
        let (low, high) = bounds.unwrap_or((value, value));
        Some((value.min(low), value.max(high)))
    })
}

/// The next of 1, 2, 5, 10, … times a power of ten.
fn nice_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// The multiples of a step within bounds, with as many digits as the step needs.
fn multiples(low: f64, high: f64, step: f64) -> Vec<(f64, String)> {
    let digits = (-step.log10() - 1e-9).ceil().max(0.0) as usize;
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let label = |value: f64| match value.abs().max(step) {
        size if size >= 1e5 || digits > 4 => number::place(value),
        _ => format!("{value:.digits$}"),
    };
    let count = if (last - first).is_finite() { (last - first).max(-1.0) as usize + 1 } else { 0 };
    (0..count)
        .map(|index| (first + index as f64) * step)
        // No negative zero.
        .map(|value| (value + 0.0, label(value + 0.0)))
        .collect()
}

/// Cuts a label short that is higher than there is room for when it reads upwards.
fn shorten(label: &mut String) {
    if width(label, TEXT) <= HIGHEST {
        return;
    }
    while width(&format!("{label}…"), TEXT) > HIGHEST {
        label.pop();
    }
    label.push('…');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn axes_are_marked_at_round_numbers() {
        assert_eq!(labels(&Axis::linear(0.0, 1.0, 6.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Axis::linear(-0.011, 0.03, 6.0)), ["-0.01", "0.00", "0.01", "0.02", "0.03"]);
        assert_eq!(labels(&Axis::linear(0.0, 2400.0, 6.0)), ["0", "500", "1000", "1500", "2000"]);
        let tiny = Axis::linear(0.0, 3e-5, 6.0);
        assert_eq!(labels(&tiny), ["0", "5e-6", "1e-5", "1.5e-5", "2e-5", "2.5e-5", "3e-5"]);
    }

    #[test]
    fn varied_numbers_are_the_marks_where_they_are_few() {
        assert_eq!(labels(&Axis::varied(&[0.0, 0.1, 0.3, 0.5, 0.7])), ["0", "0.1", "0.3", "0.5", "0.7"]);
        let many: Vec<f64> = (0..50).map(|index| f64::from(index) / 100.0).collect();
        assert_eq!(labels(&Axis::varied(&many)), ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(labels(&Axis::varied(&[3.0])), ["3"]);
        assert!(Axis::varied(&[]).high > 0.0);
    }

    #[test]
    fn choices_without_room_beside_each_other_read_upwards_and_whole() {
        let axis =
            |names: &[&str]| Axis::choices(&names.iter().map(|name| name.to_string()).collect::<Vec<_>>());
        let few = axis(&["adam", "sgd"]);
        assert!(!few.upwards && labels(&few) == ["adam", "sgd"]);
        let many = ["boston-housing", "concrete", "energy", "power-plant", "yacht"];
        assert!(axis(&many).upwards && labels(&axis(&many)) == many);
        let long = axis(&["a model with a name that goes on and on", "b"]);
        assert!(long.upwards && long.ticks[0].1.ends_with('…') && long.widest() <= HIGHEST, "{long:?}");
        assert!(labels(&axis(&[])).is_empty());
        assert_eq!(axis(&["1"; 40]).label_height(), TEXT);
    }

    #[test]
    fn factors_are_equally_long_on_a_logarithmic_axis_and_zero_has_a_place() {
        let axis = Axis::logarithmic(&[0.0, 1e-4, 1e-3, 1e-2]);
        assert_eq!(labels(&axis), ["0", "1e-4", "0.001", "0.01"]);
        let at: Vec<i32> = axis.ticks.iter().map(|(value, _)| axis.map(value, (0, 1000))).collect();
        assert!(at[0] > 0 && at[0] < at[1] && at[3] < 1000, "{at:?}");
        assert!((at[2] - at[1] - (at[3] - at[2])).abs() <= 1, "{at:?}");
        let moved = axis.shifted(1e-3, 100.0, 1000.0);
        assert!((axis.map(&moved, (0, 1000)) - at[2] - 100).abs() <= 1);
        let dense: Vec<f64> = (0..40).map(|index| 10_f64.powf(-5.0 + f64::from(index) / 10.0)).collect();
        assert_eq!(labels(&Axis::logarithmic(&dense)), ["1e-5", "1e-4", "0.001", "0.01", "0.1"]);
        let narrow: Vec<f64> = (0..20).map(|index| 10_f64.powf(f64::from(index) / 15.0)).collect();
        assert_eq!(labels(&Axis::logarithmic(&narrow)), ["1", "2", "5", "10", "20"]);
    }
}
