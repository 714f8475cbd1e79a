//! What masks must look like as random numbers.
//!
//! The seeds are fixed, so each test always passes or never. For a fresh seed, each assertion would fail by chance with
//! a probability of about 1e-6: counts are compared with their binomial distribution in the normal approximation
//! (two-sided, ±4.89 standard deviations), tables by chi-square.

use super::Dropout;
use crate::engine::Context;
use crate::layers::testing::{train, training};
use crate::random::{Domain, Stream};

const LIMIT: f64 = 4.89;
const LEN: usize = 64;
const ROWS: usize = 4096;

/// Which elements of a batch a layer of this rate keeps.
fn mask(rate: f64, cx: &Context) -> Vec<bool> {
    train(&Dropout::new(rate), &[LEN], cx, &[1.0; LEN * ROWS]).into_iter().map(|y| y > 0.0).collect()
}

fn layer(seed: u64, index: u32, step: u64) -> Context {
    Context { stream: Stream::new(seed, Domain::Layer(index)), ..training(step) }
}

/// Asserts that `count` of `n` is what a probability of `p` gives.
#[track_caller]
fn binomial(count: usize, n: usize, p: f64) {
    let deviation = (count as f64 - n as f64 * p) / (n as f64 * p * (1.0 - p)).sqrt();
    assert!(deviation.abs() < LIMIT, "{count} of {n} at p = {p}: {deviation:.2} standard deviations");
}

/// Asserts that pairs of elements, each in one pair at most, are kept together as often as independent ones.
#[track_caller]
fn independent<'a>(rate: f64, pairs: impl Iterator<Item = (&'a bool, &'a bool)>) {
    let both: Vec<bool> = pairs.map(|(&a, &b)| a && b).collect();
    binomial(both.iter().filter(|&&both| both).count(), both.len(), (1.0 - rate).powi(2));
}

/// Pairs of elements that lie `lag` apart, each in one pair at most.
fn pairs(kept: &[bool], lag: usize) -> impl Iterator<Item = (&bool, &bool)> {
    kept.chunks_exact(2 * lag).flat_map(move |both| both[..lag].iter().zip(&both[lag..]))
}

#[test]
fn the_fraction_that_is_kept_is_one_minus_the_rate() {
    for (step, rate) in [0.01, 0.1, 0.2, 0.3, 0.5, 0.8, 0.99].into_iter().enumerate() {
        let mask = mask(rate, &training(step as u64));
        binomial(mask.iter().filter(|&&kept| kept).count(), mask.len(), 1.0 - rate);
    }
}

#[test]
fn elements_of_a_sample_are_independent() {
    for rate in [0.2, 0.5] {
        let mask = mask(rate, &training(0));
        for lag in [1, 2, 3, 4, 5, 8, 16, 32] {
            let rows = mask.chunks(LEN);
            independent(rate, rows.flat_map(|row| pairs(row, lag)));
        }
    }
}

#[test]
fn samples_are_independent() {
    for rate in [0.2, 0.5] {
        let mask = mask(rate, &training(0));
        for lag in [1, 2, 3, 64, 256, 1024] {
            independent(rate, pairs(&mask, lag * LEN));
        }
    }
}

#[test]
fn steps_layers_and_seeds_are_independent() {
    let rate = 0.5;
    let first = mask(rate, &layer(1, 0, 0));
    for other in [layer(1, 0, 1), layer(1, 0, 1 << 32), layer(1, 1, 0), layer(2, 0, 0), layer(1 << 32, 0, 0)]
    {
        independent(rate, first.iter().zip(&mask(rate, &other)));
    }
    let own = train(&Dropout::new(rate).seed(1), &[LEN], &layer(1, 0, 0), &[1.0; LEN * ROWS]);
    let own: Vec<bool> = own.into_iter().map(|y| y > 0.0).collect();
    independent(rate, first.iter().zip(&own));
}

#[test]
fn every_pattern_of_four_neighbours_is_as_likely() {
    let mut table = [0usize; 16];
    for four in mask(0.5, &training(0)).chunks(4) {
        table[four.iter().fold(0, |pattern, &kept| 2 * pattern + usize::from(kept))] += 1;
    }
    let expected = (LEN * ROWS / 4) as f64 / 16.0;
    let chi_square: f64 = table.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
    assert!(chi_square < 56.49, "chi-square of 15 degrees of freedom: {chi_square}");
}

#[test]
fn every_place_is_dropped_as_often() {
    let rate = 0.3;
    let mut dropped = [0usize; LEN];
    for row in mask(rate, &training(0)).chunks(LEN) {
        row.iter().zip(&mut dropped).for_each(|(&kept, dropped)| *dropped += usize::from(!kept));
    }
    let (expected, variance) = (ROWS as f64 * rate, ROWS as f64 * rate * (1.0 - rate));
    let chi_square: f64 = dropped.iter().map(|&count| (count as f64 - expected).powi(2) / variance).sum();
    assert!(chi_square < 132.78, "chi-square of 64 degrees of freedom: {chi_square}");
}
