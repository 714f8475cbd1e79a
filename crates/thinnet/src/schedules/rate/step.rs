//! `Step`.

use serde::{Deserialize, Serialize};

use super::Course;

/// `rates[i]` before step `boundaries[i]`, and the last rate from the last boundary on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// The first step of each rate but the first.
    pub boundaries: Vec<u64>,
    /// One rate more than boundaries.
    pub rates: Vec<f64>,
}

impl Step {
    /// With these boundaries and one rate more.
    pub fn new(boundaries: impl Into<Vec<u64>>, rates: impl Into<Vec<f64>>) -> Self {
        Self { boundaries: boundaries.into(), rates: rates.into() }
    }
}

impl Course for Step {
    fn at(&self, step: u64) -> f64 {
        self.rates[self.boundaries.partition_point(|&boundary| boundary <= step)]
    }

    fn extremes(&self) -> Vec<(&'static str, f64)> {
        self.rates.iter().map(|&rate| ("rates", rate)).collect()
    }

    fn check(&self) -> Result<(), String> {
        let (rates, boundaries) = (self.rates.len(), self.boundaries.len());
        if rates != boundaries + 1 {
            return Err(format!(
                "rates must be one more than boundaries, got {rates} rates and {boundaries} boundaries"
            ));
        }
        match self.boundaries.is_sorted() {
            true => Ok(()),
            false => Err(format!("boundaries must be in ascending order, got {:?}", self.boundaries)),
        }
    }
}
