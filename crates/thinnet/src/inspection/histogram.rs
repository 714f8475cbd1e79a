//! A histogram whose bins grow with what comes.

/// How often values fall into bins of one width, a power of two; values that are exactly 0 are counted apart.
///
/// The width is the least at which all values so far fit into 256 bins, and the bins begin at multiples of it. So the histogram
/// depends neither on the order of the values nor on how they were divided among histograms that were
/// [merged](Self::merge), and two histograms can be brought to one width.
///
/// ```
/// use thinnet::inspection::Histogram;
/// let mut histogram = Histogram::default();
/// [0.0, 0.0, 0.75, 1.0, -300.0].map(|value| histogram.add(value));
/// assert_eq!((histogram.count(), histogram.zeros(), histogram.width()), (5, 2, 2.0));
/// let bins: Vec<_> = histogram.bins().filter(|&(.., count)| count > 0).collect();
/// assert_eq!(bins, [(-300.0, -298.0, 1), (0.0, 2.0, 2)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    zeros: u64,
    /// The width is 2 to the power of this.
    exponent: i32,
    /// The first bin begins at this many widths.
    first: i64,
    counts: Vec<u64>,
}

/// So many bins at most.
const BINS: i64 = 256;
/// The narrowest width that there is: 2^-40.
const NARROWEST: i32 = -40;

impl Default for Histogram {
    fn default() -> Self {
        Self { zeros: 0, exponent: NARROWEST, first: 0, counts: Vec::new() }
    }
}

impl Histogram {
    /// Counts a value; it must be finite.
    pub fn add(&mut self, value: f32) {
        if value == 0.0 {
            self.zeros += 1;
            return;
        }
        let mut place = self.place(value);
        // Within the bins, nearly always.
        if !(0..self.counts.len() as i64).contains(&place.wrapping_sub(self.first)) {
            place = self.make_room(value);
        }
        self.counts[(place - self.first) as usize] += 1;
    }

    /// Adds what another histogram counted.
    pub fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        let mut other = other.clone();
        while other.exponent < self.exponent {
            other.coarsen();
        }
        let span = |a: &Self, b: &Self| {
            let first = a.first.min(b.first);
            (first, (a.first + a.counts.len() as i64).max(b.first + b.counts.len() as i64))
        };
        if other.counts.is_empty() {
            return;
        }
        while self.exponent < other.exponent {
            self.coarsen();
        }
        if self.counts.is_empty() {
            (self.first, self.counts) = (other.first, other.counts);
            return;
        }
        while span(self, &other).1 - span(self, &other).0 > BINS {
            self.coarsen();
            other.coarsen();
        }
        let (first, end) = span(self, &other);
        self.widen(first, end);
        for (place, count) in (other.first..).zip(other.counts) {
            self.counts[(place - self.first) as usize] += count;
        }
    }

    /// Makes the bins at least this wide.
    pub fn widen_to(&mut self, width: f64) {
        while self.width() < width {
            self.coarsen();
        }
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.zeros + self.counts.iter().sum::<u64>()
    }

    /// How many of them were 0.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// The width of a bin.
    pub fn width(&self) -> f64 {
        2_f64.powi(self.exponent)
    }

    /// The bins from the lowest to the highest that has a value, without the zeros: (from, to, how many values); a value at the
    /// border belongs to the bin above.
    pub fn bins(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        let width = self.width();
        let bin =
            move |(place, &count): (i64, &u64)| (place as f64 * width, (place + 1) as f64 * width, count);
        (self.first..).zip(&self.counts).map(bin)
    }

    fn place(&self, value: f32) -> i64 {
        // Saturates where the bins are still far too narrow.
        (f64::from(value) * 2_f64.powi(-self.exponent)).floor() as i64
    }

    /// Makes bins wider, and more of them, until a value has its place among them.
    fn make_room(&mut self, value: f32) -> i64 {
        loop {
            let place = self.place(value);
            if place.unsigned_abs() < 1 << 52 {
                let (first, end) = match self.counts.is_empty() {
                    true => (place, place + 1),
                    false => (self.first.min(place), (self.first + self.counts.len() as i64).max(place + 1)),
                };
                if end - first <= BINS {
                    self.widen(first, end);
                    return place;
                }
            }
            self.coarsen();
        }
    }

    /// Puts empty bins on both sides.
    fn widen(&mut self, first: i64, end: i64) {
        let mut counts = vec![0; (end - first) as usize];
        if !self.counts.is_empty() {
            let start = (self.first - first) as usize;
            counts[start..start + self.counts.len()].copy_from_slice(&self.counts);
        }
        (self.first, self.counts) = (first, counts);
    }

    /// Puts two bins together each.
    fn coarsen(&mut self) {
        self.exponent += 1;
        if self.counts.is_empty() {
            return;
        }
        let last = self.first + self.counts.len() as i64 - 1;
        // An arithmetic shift rounds down, as the bins do.
        let mut counts = vec![0; ((last >> 1) - (self.first >> 1) + 1) as usize];
        for (place, count) in (self.first..).zip(&self.counts) {
            counts[((place >> 1) - (self.first >> 1)) as usize] += count;
        }
        (self.first, self.counts) = (self.first >> 1, counts);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f32]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.add(value));
        histogram
    }

    fn value() -> impl Strategy<Value = f32> {
        prop_oneof![
            Just(0.0_f32),
            Just(-0.0),
            -1e-3_f32..1e-3,
            -10.0_f32..10.0,
            -1e30_f32..1e30,
            any::<i16>().prop_map(f32::from)
        ]
    }

    proptest! {
        #[test]
        fn bins_count_what_lies_in_them(values in proptest::collection::vec(value(), 0..200)) {
            let histogram = of(&values);
            prop_assert_eq!(histogram.count(), values.len() as u64);
            prop_assert_eq!(histogram.zeros(), values.iter().filter(|&&v| v == 0.0).count() as u64);
            for (low, high, count) in histogram.bins() {
                let inside = |v: &&f32| **v != 0.0 && (low..high).contains(&f64::from(**v));
                prop_assert_eq!(count, values.iter().filter(inside).count() as u64);
            }
            prop_assert!(histogram.bins().count() <= BINS as usize);
        }

        #[test]
        fn neither_order_nor_division_matter(values in proptest::collection::vec(value(), 0..200), at in 0_usize..200) {
            let mut reversed = values.clone();
            reversed.reverse();
            let all = of(&values);
            prop_assert_eq!(&of(&reversed), &all);
            let (front, back) = values.split_at(at.min(values.len()));
            let mut merged = of(front);
            merged.merge(&of(back));
            prop_assert_eq!(&merged, &all);
        }
    }

    #[test]
    fn the_extremes_have_their_place() {
        let histogram = of(&[f32::MAX, f32::MIN, f32::MIN_POSITIVE]);
        assert_eq!(histogram.count(), 3);
        assert_eq!(histogram.bins().map(|(.., count)| count).sum::<u64>(), 3);
    }
}
