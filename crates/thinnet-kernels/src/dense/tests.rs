use super::*;
use crate::isa::testing::{on_every_set, random, sizes};

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
