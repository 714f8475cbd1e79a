//! What a budget pays for.

use super::study::Study;
use super::{Budget, Search, TuneConfig};
use crate::error::{Error, Result};
use crate::experiment::space::MOST;

/// What is run for each study.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    /// So many candidates for all their epochs.
    Candidates(usize),
    /// One after the other, until so many seconds are used up.
    Until(f64),
    /// So many candidates for so many epochs, rung after rung.
    Halving(Vec<(usize, usize)>),
}

impl Plan {
    /// `goes_on` says whether a candidate that is judged again does not begin anew.
    pub(super) fn new(config: &TuneConfig, studies: &[Study], epochs: usize, goes_on: bool) -> Result<Self> {
        let budget = config.budget()?;
        let error = |message: String| Error::config("tune.budget", message);
        let per_candidate = config.seeds;
        let paid = |runs: usize| match runs / per_candidate {
            0 => Err(error(format!(
                "pays for {runs} runs: a candidate needs {per_candidate} of {epochs} epochs each"
            ))),
            count if count > MOST => {
                Err(error(format!("pays for {count} candidates: at most {MOST} are searched")))
            }
            count => Ok(count),
        };
        match (config.search, budget) {
            (Search::Grid, budget) => {
                let paid = match budget {
                    None => MOST,
                    Some(Budget::Runs(runs)) => paid(runs)?,
                    Some(Budget::Epochs(all)) => paid(all / epochs)?,
                    Some(Budget::Seconds(_)) => {
                        let message = "a grid is searched whole, whatever time it takes: say runs or epochs";
                        return Err(error(message.into()));
                    }
                };
                for study in studies {
                    let Some(size) = study.space.size() else {
                        let message = format!(
                            "the grid has more than {MOST} combinations: search = \"random\" takes some of them"
                        );
                        return Err(Error::config("tune.vary", message));
                    };
                    if paid < size {
                        return Err(error(format!(
                            "pays for {paid} candidates, the grid of {} has {size}: search = \"random\" takes some of them",
                            study.title()
                        )));
                    }
                }
                Ok(Self::Candidates(paid))
            }
            (Search::Random, None) => Ok(Self::Candidates(paid(30.max(per_candidate))?)),
            (Search::Random, Some(Budget::Runs(runs))) => Ok(Self::Candidates(paid(runs)?)),
            (Search::Random, Some(Budget::Epochs(all))) => Ok(Self::Candidates(paid(all / epochs)?)),
            (Search::Random, Some(Budget::Seconds(seconds))) => Ok(Self::Until(seconds)),
            (Search::SuccessiveHalving, Some(Budget::Seconds(_))) => {
                let message =
                    "successive halving must know how many candidates to begin with: say runs or epochs";
                Err(error(message.into()))
            }
            (Search::SuccessiveHalving, budget) => {
                let there = |most| studies.iter().map(|study| study.count(most)).max().unwrap_or(most);
                let candidates = match budget {
                    Some(Budget::Epochs(all)) => {
                        let of_most = |most| largest(config, epochs, all / per_candidate, most, goes_on);
                        // Fewer may cost more, as they are halved less often.
                        of_most(MOST)
                            .and_then(|count| of_most(there(count)))
                            .ok_or_else(|| error(format!("pays for no run of {epochs} epochs")))?
                    }
                    Some(Budget::Runs(runs)) => there(paid(runs)?),
                    _ => there(paid(30.max(per_candidate))?),
                };
                Ok(Self::Halving(rungs(config, epochs, candidates)))
            }
        }
    }
}

/// The rungs for so many candidates to begin with: the last is of all epochs, and each before it of 1/η of those.
fn rungs(config: &TuneConfig, epochs: usize, candidates: usize) -> Vec<(usize, usize)> {
    let eta = config.eta;
    let mut halvings = 0;
    let (mut left, mut shortest) = (candidates / eta, epochs / eta);
    while left >= 1 && shortest >= config.min_epochs {
        (halvings, left, shortest) = (halvings + 1, left / eta, shortest / eta);
    }
    let power = |exponent: u32| eta.pow(exponent);
    (0..=halvings).map(|rung| (candidates / power(rung), (epochs / power(halvings - rung)).max(1))).collect()
}

/// The most candidates, `most` or fewer, that so many epochs pay for. Where a candidate `goes_on`, it does not begin anew on
/// each rung.
fn largest(config: &TuneConfig, epochs: usize, all: usize, most: usize, goes_on: bool) -> Option<usize> {
    let cost = |rungs: &[(usize, usize)]| {
        let mut before = 0;
        let of_rung = |&(count, epochs): &(usize, usize)| {
            let before = std::mem::replace(&mut before, epochs);
            count * if goes_on { epochs - before } else { epochs }
        };
        rungs.iter().map(of_rung).sum::<usize>()
    };
    let affordable = |candidates: usize| cost(&rungs(config, epochs, candidates)) <= all;
    (1..=most.min(all)).rev().find(|&candidates| affordable(candidates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_end_with_all_epochs_and_share_the_cost() {
        let config = TuneConfig::default();
        assert_eq!(rungs(&config, 81, 27), [(27, 3), (9, 9), (3, 27), (1, 81)]);
        assert_eq!(rungs(&config, 81, 1), [(1, 81)]);
        assert_eq!(rungs(&config, 2, 27), [(27, 2)]);
        let later = TuneConfig { min_epochs: 10, ..config.clone() };
        assert_eq!(rungs(&later, 81, 27), [(27, 27), (9, 81)]);
        let two = TuneConfig { eta: 2, ..config.clone() };
        assert_eq!(rungs(&two, 16, 10), [(10, 2), (5, 4), (2, 8), (1, 16)]);
        // 27 · 3 + 9 · 6 + 3 · 18 + 1 · 54
        assert_eq!(largest(&config, 81, 243, MOST, true), Some(27));
        assert_eq!(largest(&config, 81, 80, MOST, true), None);
        assert_eq!(largest(&config, 81, 81, MOST, true), Some(1));
        // 27 · 3 + 9 · 9 + 3 · 27 + 1 · 81
        assert_eq!(largest(&config, 81, 324, MOST, false), Some(27));
        assert!(largest(&config, 81, 323, MOST, false) < Some(27));
        // 13 · 9 + 4 · 18 + 1 · 54; the 26 that are there would cost 26 · 9 + 8 · 18 + 2 · 54.
        assert_eq!(largest(&config, 81, 243, 26, true), Some(13));
    }
}
