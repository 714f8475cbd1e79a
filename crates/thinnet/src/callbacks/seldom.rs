//! Saving that costs little beside training.

use std::time::{Duration, Instant};

/// How many times as long as a save takes training goes on before the next: saving costs at most a twentieth of the time,
/// however short epochs are, and a stop loses at most so much work.
const TIMES: u32 = 20;

/// When something was saved last, and how long that took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seldom {
    last: Option<(Instant, Duration)>,
}

impl Seldom {
    /// Whether it is time to save again. The first time it is.
    pub(super) fn is_due(&self) -> bool {
        self.last.is_none_or(|(end, cost)| end.elapsed() >= cost * TIMES)
    }

    /// Saves, and notes how long that takes.
    pub(super) fn save<T>(&mut self, save: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = save();
        self.last = Some((Instant::now(), start.elapsed()));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_is_due_at_first_and_then_after_twenty_times_its_cost() {
        let mut seldom = Seldom::default();
        assert!(seldom.is_due());
        seldom.save(|| std::thread::sleep(Duration::from_millis(20)));
        assert!(!seldom.is_due(), "400 ms have not gone by");
        let (end, cost) = seldom.last.unwrap();
        assert!(cost >= Duration::from_millis(20));
        seldom.last = Some((end - cost * TIMES, cost));
        assert!(seldom.is_due());
    }
}
