use super::*;
use crate::isa::testing::{on_every_set, random, sizes};
use crate::isa::{self, Isa};

fn assert_close(what: &str, found: &[f32], expected: impl Fn(usize) -> f64, depth: usize) {
    for (place, &found) in found.iter().enumerate() {
        let (expected, bound) = (expected(place), 1e-6 * (depth as f64).sqrt().max(1.0));
        assert!((f64::from(found) - expected).abs() < bound, "{what} {place}: {found} {expected}");
    }
}

/// Every remainder of the tiles, one to three blocks of depth, few units and many; then shapes by chance.
#[test]
fn agree_with_the_plain_loops() {
    let sizes = sizes(7, [90; 4]);
    for (rows, inputs, units) in [
        (sizes[0], sizes[1], sizes[2]),
        (sizes[1], sizes[3], sizes[0]),
        (1, 1, 1),
        (6, 256, 16),
        (7, 257, 17),
        (13, 31, 33),
        (100, 600, 10),
        (5, 3, 530),
        (520, 4, 64),
        (3, 7, 71),
        (11, 21, 48),
        (2, 40, 129),
        (1, 263, 1030),
        // Rows that fill panels, or all but.
        (16, 49, 600),
        (15, 97, 300),
        (32, 50, 257),
        // Few units.
        (128, 50, 1),
        (37, 64, 3),
        (300, 333, 2),
    ] {
        let (x, w) = (random(1, rows * inputs), random(2, inputs * units));
        let (bias, dy) = (random(3, units), random(4, rows * units));
        let product = |a: &[f32], i: usize, b: &[f32], j: usize| f64::from(a[i]) * f64::from(b[j]);
        on_every_set(|| {
            let mut y = vec![f32::NAN; rows * units];
            forward(&x, inputs, &w, units, Some(&bias), &mut y);
            let of_y = |p: usize| {
                let (r, u) = (p / units, p % units);
                (0..inputs).map(|i| product(&x, r * inputs + i, &w, i * units + u)).sum::<f64>()
                    + f64::from(bias[u])
            };
            assert_close("y", &y, of_y, inputs);
            let mut dx = vec![f32::NAN; rows * inputs];
            backward(&dy, units, &w, inputs, &mut dx);
            let of_dx = |p: usize| {
                let (r, i) = (p / inputs, p % inputs);
                (0..units).map(|u| product(&dy, r * units + u, &w, i * units + u)).sum()
            };
            assert_close("dx", &dx, of_dx, units);
            let mut all = [y, dx].concat();
            for accumulate in [false, true] {
                let mut dw = random(5, inputs * units);
                let before = dw.clone();
                let (first, rest) = dy.split_at(rows / 3 * units);
                gradient(&x, inputs, &[first, rest], units, accumulate, &mut dw);
                let of_dw = |p: usize| {
                    let (i, u) = (p / units, p % units);
                    let sum: f64 = (0..rows).map(|r| product(&x, r * inputs + i, &dy, r * units + u)).sum();
                    sum + if accumulate { f64::from(before[p]) } else { 0.0 }
                };
                assert_close("dw", &dw, of_dw, rows);
                all.extend(dw);
            }
            all
        });
    }
}

/// What lets a batch be cut into shards of any size.
#[test]
fn a_row_has_the_same_bits_alone_and_among_others() {
    for (rows, units) in [(23, 3), (23, 37), (23, 100), (5, 1040), (16, 300), (29, 300)] {
        let inputs = 300;
        let (x, w, dy) = (random(4, rows * inputs), random(5, inputs * units), random(6, rows * units));
        on_every_set(|| {
            let (mut y, mut dx) = (vec![0.0; rows * units], vec![0.0; rows * inputs]);
            forward(&x, inputs, &w, units, None, &mut y);
            backward(&dy, units, &w, inputs, &mut dx);
            for row in 0..rows {
                let (mut of_y, mut of_dx) = (vec![0.0; units], vec![0.0; inputs]);
                forward(&x[row * inputs..][..inputs], inputs, &w, units, None, &mut of_y);
                assert_eq!(of_y, y[row * units..][..units]);
                backward(&dy[row * units..][..units], units, &w, inputs, &mut of_dx);
                assert_eq!(of_dx, dx[row * inputs..][..inputs]);
            }
            y
        });
    }
}

/// Numbers by chance of which about so many are not zero.
fn kept(seed: u32, len: usize, share: f32) -> Vec<f32> {
    let chances = random(seed + 100, len);
    random(seed, len)
        .into_iter()
        .zip(chances)
        .map(|(x, chance)| if chance + 0.5 < share { x } else { 0.0 })
        .collect()
}

/// A sum as the tiles add it up: one product after the other, on top of what there is at each multiple of `DEPTH`.
fn in_order(depth: usize, onto: Option<f32>, products: impl Fn(usize) -> (f32, f32)) -> f32 {
    let add = |sum: f32, place: usize| {
        let (a, b) = products(place);
        if isa::current() == Isa::Portable { sum + a * b } else { a.mul_add(b, sum) }
    };
    let sums = (0..depth).step_by(DEPTH).map(|first| (first..depth.min(first + DEPTH)).fold(0.0, add));
    sums.fold(onto, |onto, sum| Some(onto.map_or(sum, |onto| onto + sum))).unwrap_or_default()
}

/// Each share on both sides of the bounds, every remainder of the panels, more rows and depths than are marked at a time, shards
/// of all sizes.
#[test]
fn zeros_are_left_out_and_the_bits_stay() {
    for (case, (rows, inputs, units)) in
        [(40, 300, 130), (130, 70, 65), (300, 50, 49), (32, 784, 33), (70, 257, 100), (128, 64, 128)]
            .into_iter()
            .enumerate()
    {
        for (share, of_dy) in
            [(0.0, 1.0), (0.2, 1.0), (0.2, 0.1), (1.0, 0.0), (1.0, 0.3), (0.42, 0.43), (1.0, 1.0)]
        {
            let (mut x, w) = (kept(1, rows * inputs, share), random(2, inputs * units));
            let (bias, dy) = (random(3, units), kept(4, rows * units, of_dy));
            x[inputs + 3] = f32::NAN;
            on_every_set(|| {
                let mut y = vec![0.0; rows * units];
                forward(&x, inputs, &w, units, Some(&bias), &mut y);
                let same = |a: f32, b: f32| a == b || a.is_nan() && b.is_nan();
                for (place, &y) in y.iter().enumerate() {
                    let (row, unit) = (place / units, place % units);
                    let expected = in_order(inputs, Some(bias[unit]), |input| {
                        (x[row * inputs + input], w[input * units + unit])
                    });
                    assert!(same(y, expected), "case {case}, {share}: y {place}: {y} {expected}");
                }
                let mut all = y;
                for (part, accumulate) in [(32, false), (rows, true), (17, true), (100, false), (3, false)] {
                    let mut found = random(5, inputs * units);
                    let before = found.clone();
                    let parts: Vec<&[f32]> = dy.chunks(part * units).collect();
                    gradient(&x, inputs, &parts, units, accumulate, &mut found);
                    for (place, &sum) in found.iter().enumerate() {
                        let (input, unit) = (place / units, place % units);
                        let onto = accumulate.then_some(before[place]);
                        let expected =
                            in_order(rows, onto, |row| (x[row * inputs + input], dy[row * units + unit]));
                        let skipped = input == 3 && dy[units + unit] == 0.0;
                        assert!(
                            same(sum, expected) || skipped,
                            "case {case}, {share}, {of_dy}, {part}: {place}: {sum} {expected}"
                        );
                    }
                    all.extend(found);
                }
                all
            });
        }
    }
}

/// Where many of an operand are zeros, what is opposite to them is not read: here it would show.
#[test]
fn what_is_opposite_to_zeros_is_not_read() {
    let (rows, inputs, units) = (64, 128, 96);
    let (mut x, mut w) = (kept(1, rows * inputs, 0.15), random(2, inputs * units));
    x.iter_mut().step_by(inputs).for_each(|x| *x = 0.0);
    w[..units].fill(f32::NAN);
    // A first row of zeros in one operand of the gradient, of NaN in the other.
    let zeros = |seed, len| [vec![0.0; len], kept(seed, (rows - 1) * len, 0.15)].concat();
    let nans = |seed, len| [vec![f32::NAN; len], random(seed, (rows - 1) * len)].concat();
    let by_x = (zeros(3, inputs), nans(4, units));
    let by_dy = (nans(5, inputs), zeros(6, units));
    on_every_set(|| {
        let mut y = vec![0.0; rows * units];
        forward(&x, inputs, &w, units, None, &mut y);
        let mut all = y;
        for (x, dy) in [&by_x, &by_dy] {
            let mut sums = vec![0.0; inputs * units];
            gradient(x, inputs, &[&dy[..32 * units], &dy[32 * units..]], units, false, &mut sums);
            all.extend(sums);
        }
        assert!(all.iter().all(|number| number.is_finite()));
        all
    });
}

#[test]
fn sums_of_nothing_are_the_bias_or_zero() {
    let (bias, units) = (random(1, 19), 19);
    on_every_set(|| {
        for rows in 1..8 {
            let mut y = vec![f32::NAN; rows * units];
            forward(&[], 0, &[], units, Some(&bias), &mut y);
            assert!(y.chunks(units).all(|y| y == bias), "{rows} rows");
            y.fill(f32::NAN);
            forward(&[], 0, &[], units, None, &mut y);
            assert_eq!(y, vec![0.0; y.len()]);
            let mut dx = vec![f32::NAN; rows * 5];
            backward(&[], 0, &[], 5, &mut dx);
            assert_eq!(dx, vec![0.0; dx.len()]);
        }
        // Of few units and of many.
        for (inputs, units) in [(64, 3), (5, 19)] {
            let mut sums = vec![1.0; inputs * units];
            gradient(&[], inputs, &[&[], &[]], units, true, &mut sums);
            assert_eq!(sums, vec![1.0; sums.len()]);
            gradient(&[], inputs, &[&[], &[]], units, false, &mut sums);
            assert_eq!(sums, vec![0.0; sums.len()]);
            forward(&[], inputs, &random(2, inputs * units), units, None, &mut []);
            backward(&[], units, &random(2, inputs * units), inputs, &mut []);
        }
        vec![]
    });
}
