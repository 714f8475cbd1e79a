use super::*;
use crate::isa::testing::{on_every_set, random, sizes};

/// Every remainder of the tiles; windows whole and by channel, with strides and dilation; then shapes by chance.
#[test]
fn agree_with_the_plain_loops() {
    let by_chance = (0..8).map(|case| {
        let [a, b, c, d, e, f, g, h, channels, taken, columns] =
            sizes(case, [9, 9, 3, 3, 3, 3, 3, 3, 12, 12, 50]);
        ([a, b], [c, d], [e, f], [g, h], channels, taken.min(channels), columns)
    });
    let chosen = [
        ([1, 1], [1, 1], [1, 1], [1, 1], 1, 1, 1),
        ([5, 7], [3, 3], [1, 1], [1, 1], 1, 1, 32),
        ([9, 9], [3, 3], [1, 1], [1, 1], 7, 7, 33),
        ([3, 4], [2, 5], [2, 3], [1, 1], 4, 4, 10),
        ([4, 3], [3, 2], [1, 2], [2, 3], 5, 5, 16),
        ([6, 2], [3, 3], [1, 1], [1, 1], 6, 2, 3),
        // More windows than a chunk; columns by whole panels, short rows of them and long ones.
        ([9, 8], [3, 3], [1, 1], [1, 1], 3, 3, 48),
        ([8, 9], [2, 2], [1, 1], [1, 1], 3, 3, 80),
    ];
    for (output, kernel, strides, dilation, channels, taken, columns) in chosen.into_iter().chain(by_chance) {
        let extent =
            |axis: usize| (output[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
        let (height, width) = (extent(0), extent(1));
        let windows = Windows::new(output, kernel, strides, dilation, width, channels, taken);
        let depth = kernel[0] * kernel[1] * taken;
        assert_eq!((windows.count(), windows.depth()), (output[0] * output[1], depth));
        let x = random(1, height * width * channels);
        let (weights, bias) = (random(2, depth * columns), random(3, columns));
        let dy = random(4, windows.count() * columns);
        let element = |window: usize, element: usize| {
            let (row, column) = (window / output[1], window % output[1]);
            let (tap, channel) = (element / taken, element % taken);
            let row = row * strides[0] + tap / kernel[1] * dilation[0];
            let column = column * strides[1] + tap % kernel[1] * dilation[1];
            f64::from(x[(row * width + column) * channels + channel])
        };
        let mut packed = vec![f32::NAN; packed_len(depth, columns)];
        pack(depth, columns, |element, column| weights[element * columns + column], &mut packed);
        on_every_set(|| {
            let mut y = vec![f32::NAN; windows.count() * columns];
            forward(&windows, &x, &packed, columns, Some(&bias), &mut y, columns);
            for (place, &y) in y.iter().enumerate() {
                let (window, column) = (place / columns, place % columns);
                let products =
                    (0..depth).map(|e| element(window, e) * f64::from(weights[e * columns + column]));
                let expected = products.sum::<f64>() + f64::from(bias[column]);
                assert!((f64::from(y) - expected).abs() < 1e-5, "{y} {expected}");
            }
            let mut sums = vec![0.25; depth * columns];
            gradient(&windows, &x, &dy, columns, columns, &mut sums, columns);
            for (place, &sum) in sums.iter().enumerate() {
                let (e, column) = (place / columns, place % columns);
                let products =
                    (0..windows.count()).map(|w| element(w, e) * f64::from(dy[w * columns + column]));
                let expected = 0.25 + products.sum::<f64>();
                assert!((f64::from(sum) - expected).abs() < 1e-5, "{sum} {expected}");
            }
            [y, sums].concat()
        });
    }
}

#[test]
fn no_windows_give_nothing() {
    let windows = Windows::new([0, 3], [2, 2], [1, 1], [1, 1], 4, 2, 2);
    on_every_set(|| {
        forward(&windows, &[], &[1.0; 8 * COLUMNS], 5, Some(&[1.0; 5]), &mut [], 5);
        let mut sums = vec![0.25; 8 * 5];
        gradient(&windows, &[], &[], 5, 5, &mut sums, 5);
        assert_eq!(sums, vec![0.25; sums.len()]);
        sums
    });
}

/// Where the sum of an origin and an offset is more than a `u32` holds.
#[test]
#[should_panic(expected = "windows reach 4294967297 elements, the map has 1")]
fn windows_beyond_the_map_are_refused() {
    let windows = Windows::new([2, 1], [2, 1], [1, 1], [1, 1], 1, 1 << 31, 1);
    forward(&windows, &[1.0], &[1.0; 2 * COLUMNS], 1, None, &mut [0.0; 2], 1);
}

#[test]
#[should_panic(expected = "a map has at most 2³² elements")]
fn windows_of_a_map_that_is_too_large_are_refused() {
    Windows::new([2, 1], [1, 1], [1, 1], [1, 1], 1, 1 << 32, 1);
}
