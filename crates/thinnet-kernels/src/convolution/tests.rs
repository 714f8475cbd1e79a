use super::*;
use crate::isa::testing::on_every_set;
use crate::philox;

fn random(seed: u32, len: usize) -> Vec<f32> {
    let words = (0..len.div_ceil(4) as u32).flat_map(|block| philox::block([seed, 0], [block, 0, 0, 0]));
    words.take(len).map(|word| word as f32 / u32::MAX as f32 - 0.5).collect()
}

/// Every remainder of the tiles; windows whole and by channel, with strides and dilation.
#[test]
fn agree_with_the_plain_loops() {
    for (output, kernel, strides, dilation, channels, taken, columns) in [
        ([1, 1], [1, 1], [1, 1], [1, 1], 1, 1, 1),
        ([5, 7], [3, 3], [1, 1], [1, 1], 1, 1, 32),
        ([9, 9], [3, 3], [1, 1], [1, 1], 7, 7, 33),
        ([3, 4], [2, 5], [2, 3], [1, 1], 4, 4, 10),
        ([4, 3], [3, 2], [1, 2], [2, 3], 5, 5, 16),
        ([6, 2], [3, 3], [1, 1], [1, 1], 6, 2, 3),
        // More windows than a chunk; columns by whole panels, short rows of them and long ones.
        ([9, 8], [3, 3], [1, 1], [1, 1], 3, 3, 48),
        ([8, 9], [2, 2], [1, 1], [1, 1], 3, 3, 80),
    ] {
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
