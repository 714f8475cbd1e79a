use super::*;
use crate::isa::testing::{on_every_set, random, sizes};

/// A convolution of several samples, with some channels zero in some of them.
struct Case {
    input: [usize; 2],
    before: [usize; 2],
    output: [usize; 2],
    inputs: usize,
    outputs: usize,
    x: Vec<f32>,
    kernel: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

const SAMPLES: usize = 3;

impl Case {
    fn new(input: [usize; 2], same: bool, [inputs, outputs]: [usize; 2]) -> Self {
        let (before, output) = if same { ([1, 1], input) } else { ([0, 0], input.map(|side| side - 2)) };
        let mut x = random(1, SAMPLES * input[0] * input[1] * inputs);
        let mut dy = random(4, SAMPLES * output[0] * output[1] * outputs);
        // Sample 1 lacks every third channel, sample 2 all of them.
        for (maps, len, channels) in [
            (&mut x, input[0] * input[1] * inputs, inputs),
            (&mut dy, output[0] * output[1] * outputs, outputs),
        ] {
            for (place, value) in maps.iter_mut().enumerate() {
                let dropped = [false, place % channels % 3 == 0, true][place / len];
                *value = if dropped { 0.0 } else { *value };
            }
        }
        let kernel = random(2, 9 * inputs * outputs);
        Self { input, before, output, inputs, outputs, x, kernel, bias: random(3, outputs), dy }
    }

    /// Calls `f(place of x, place of the kernel, place of y)` for each product of the convolution.
    fn products(&self, mut f: impl FnMut(usize, usize, usize)) {
        for sample in 0..SAMPLES {
            for y in 0..self.output[0] * self.output[1] {
                for tap in 0..9 {
                    let row = (y / self.output[1] + tap / 3).wrapping_sub(self.before[0]);
                    let column = (y % self.output[1] + tap % 3).wrapping_sub(self.before[1]);
                    if row >= self.input[0] || column >= self.input[1] {
                        continue;
                    }
                    let x = (sample * self.input[0] + row) * self.input[1] + column;
                    let y = sample * self.output[0] * self.output[1] + y;
                    for i in 0..self.inputs {
                        for o in 0..self.outputs {
                            f(
                                x * self.inputs + i,
                                (tap * self.inputs + i) * self.outputs + o,
                                y * self.outputs + o,
                            );
                        }
                    }
                }
            }
        }
    }
}

/// The largest difference, by the root mean square of what is expected.
fn error(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let mean = expected.iter().map(|e| e * e).sum::<f64>() / expected.len() as f64;
    let differences = found.iter().zip(expected).map(|(&f, e)| (f64::from(f) - e).abs());
    differences.fold(0.0, |a, b| if b.is_nan() { b } else { f64::max(a, b) }) / mean.sqrt().max(1e-30)
}

fn kept(x: &[f32], channels: usize) -> (Vec<u32>, Vec<u32>) {
    let mut lists = vec![0; SAMPLES * channels];
    let maps = x.chunks(x.len() / SAMPLES).zip(lists.chunks_mut(channels));
    let counts = maps.map(|(x, list)| find_kept(x, channels, list) as u32).collect();
    (counts, lists)
}

/// Odd sizes, a single tile, many channels, and shapes by chance: the three products against the definition in f64.
#[test]
fn agree_with_the_definition() {
    let by_chance = (0..6).map(|case| {
        let [rows, columns, inputs, outputs] = sizes(case, [11, 11, 24, 24]);
        ([rows + 2, columns + 2], case % 2 == 0, [inputs, outputs])
    });
    let chosen = [
        ([1, 1], true, [1, 1]),
        ([3, 3], false, [8, 16]),
        ([13, 13], false, [32, 64]),
        ([8, 8], true, [64, 64]),
        ([5, 10], true, [7, 33]),
        ([9, 4], false, [33, 7]),
    ];
    for (input, same, channels) in chosen.into_iter().chain(by_chance) {
        let case = Case::new(input, same, channels);
        let Case { inputs, outputs, x, kernel, bias, dy, .. } = &case;
        let (inputs, outputs) = (*inputs, *outputs);
        let tiles = Tiles::new(case.input, case.output, case.before);
        let rows = SAMPLES * tiles.count();
        let (of_x, of_y) = (Points::new(rows, inputs), Points::new(rows, outputs));
        let (xs, ys) = (tiles.count() * of_x.stride, tiles.count() * of_y.stride);

        on_every_set(|| {
            let mut packed = vec![f32::NAN; panels(outputs) * panel_len(inputs)];
            for (panel, packed) in packed.chunks_mut(panel_len(inputs)).enumerate() {
                pack(kernel, inputs, outputs, panel, packed);
            }
            let (mut v, mut m) = (vec![f32::NAN; of_x.total()], vec![f32::NAN; of_y.total()]);
            for (sample, x) in x.chunks(x.len() / SAMPLES).enumerate() {
                transform_input(&tiles, 0..tiles.count(), x, &mut v[sample * xs..], &of_x);
            }
            let (counts, lists) = kept(x, inputs);
            let of_kept = Kept { counts: &counts, channels: &lists };
            multiply(tiles.count(), &v, &of_x, of_kept, &packed, &mut m, &of_y);
            let mut y = vec![f32::NAN; dy.len()];
            for (sample, y) in y.chunks_mut(dy.len() / SAMPLES).enumerate() {
                output(&tiles, 0..tiles.count(), &m[sample * ys..], &of_y, Some(bias), None, y);
            }

            let mut packed = vec![f32::NAN; panels(inputs) * panel_len(outputs)];
            for (panel, packed) in packed.chunks_mut(panel_len(outputs)).enumerate() {
                pack_adjoint(kernel, inputs, outputs, panel, packed);
            }
            for (sample, dy) in dy.chunks(dy.len() / SAMPLES).enumerate() {
                transform_gradient(&tiles, 0..tiles.count(), dy, &mut m[sample * ys..], &of_y);
            }
            let mut sums = vec![0.0; POINTS * inputs * of_y.stride];
            accumulate(rows, &v, &of_x, &m, &of_y, &mut sums);
            let mut dk = vec![f32::NAN; kernel.len()];
            kernel_gradient(&sums, inputs, outputs, &mut dk);
            let (counts, lists) = kept(dy, outputs);
            let of_kept = Kept { counts: &counts, channels: &lists };
            multiply(tiles.count(), &m, &of_y, of_kept, &packed, &mut v, &of_x);
            let mut dx = vec![f32::NAN; x.len()];
            for (sample, dx) in dx.chunks_mut(x.len() / SAMPLES).enumerate() {
                input_gradient(&tiles, 0..tiles.count(), &v[sample * xs..], &of_x, dx);
            }

            let mut expected_y: Vec<f64> =
                (0..dy.len()).map(|place| f64::from(bias[place % outputs])).collect();
            let (mut expected_dk, mut expected_dx) = (vec![0.0; kernel.len()], vec![0.0; x.len()]);
            case.products(|i, k, o| {
                expected_y[o] += f64::from(x[i]) * f64::from(kernel[k]);
                expected_dk[k] += f64::from(x[i]) * f64::from(dy[o]);
                expected_dx[i] += f64::from(kernel[k]) * f64::from(dy[o]);
            });
            for (what, error) in [
                ("y", error(&y, &expected_y)),
                ("dk", error(&dk, &expected_dk)),
                ("dx", error(&dx, &expected_dx)),
            ] {
                assert!(error < 1e-5, "{what} of {input:?}, {channels:?}: {error}");
            }
            [y, dk, dx].concat()
        });
    }
}

/// A digit on a black background: what no pixel reaches is the bias, to the bit.
#[test]
fn windows_of_zeros_give_the_bias() {
    let (side, inputs, outputs) = (9, 20, 17);
    let mut x = vec![0.0; side * side * inputs];
    x[(4 * side + 5) * inputs..][..inputs].copy_from_slice(&random(1, inputs));
    let (kernel, bias) = (random(2, 9 * inputs * outputs), random(3, outputs));
    let tiles = Tiles::new([side; 2], [side; 2], [1; 2]);
    let (of_x, of_y) = (Points::new(tiles.count(), inputs), Points::new(tiles.count(), outputs));
    on_every_set(|| {
        let mut packed = vec![0.0; panels(outputs) * panel_len(inputs)];
        for (panel, packed) in packed.chunks_mut(panel_len(inputs)).enumerate() {
            pack(&kernel, inputs, outputs, panel, packed);
        }
        let (mut v, mut m, mut y) =
            (vec![0.0; of_x.total()], vec![0.0; of_y.total()], vec![0.0; side * side * outputs]);
        transform_input(&tiles, 0..tiles.count(), &x, &mut v, &of_x);
        let channels: Vec<u32> = (0..inputs as u32).collect();
        let kept = Kept { counts: &[inputs as u32], channels: &channels };
        multiply(tiles.count(), &v, &of_x, kept, &packed, &mut m, &of_y);
        let mut on = vec![7; side * side];
        assert!(find_places(&x, inputs, &mut on));
        assert_eq!(on.iter().sum::<u32>(), 1);
        output(&tiles, 0..tiles.count(), &m, &of_y, Some(&bias), Some(&on), &mut y);
        for (place, y) in y.chunks(outputs).enumerate() {
            let reached = (place / side).abs_diff(4) <= 1 && (place % side).abs_diff(5) <= 1;
            assert_eq!(y != bias, reached, "{place}");
        }
        y
    });
}

#[test]
fn no_tiles_change_nothing() {
    let (of_x, of_y) = (Points::new(0, 3), Points::new(0, 5));
    let packed = vec![1.0; panels(5) * panel_len(3)];
    on_every_set(|| {
        let mut m = vec![7.0; of_y.total()];
        multiply(
            0,
            &vec![1.0; of_x.total()],
            &of_x,
            Kept { counts: &[], channels: &[] },
            &packed,
            &mut m,
            &of_y,
        );
        assert_eq!(m, vec![7.0; m.len()]);
        let mut sums = vec![7.0; POINTS * 3 * of_y.stride];
        accumulate(0, &vec![1.0; of_x.total()], &of_x, &m, &of_y, &mut sums);
        assert_eq!(sums, vec![7.0; sums.len()]);
        [m, sums].concat()
    });
}

/// A list for a channel that is not there would be read from beyond the operands.
#[test]
#[should_panic(expected = "a sum of something")]
fn products_over_no_channels_are_refused() {
    let (from, to) = (Points { channels: 0, stride: 0, step: 0 }, Points::new(1, 16));
    let kept = Kept { counts: &[0, 1], channels: &[1_000_000_000] };
    multiply(1, &[], &from, kept, &[0.0; 16], &mut vec![0.0; to.total()], &to);
}

#[test]
#[should_panic(expected = "channels of the operand")]
fn channels_beyond_the_operand_are_refused() {
    let (from, to) = (Points::new(2, 3), Points::new(2, 16));
    let kept = Kept { counts: &[1, 2], channels: &[2, 0, 0, 1, 3, 0] };
    let x = vec![0.0; from.total()];
    multiply(1, &x, &from, kept, &vec![0.0; panel_len(3)], &mut vec![0.0; to.total()], &to);
}

/// A map whose length only seems to be zero.
#[test]
#[should_panic(expected = "a map's channels")]
fn maps_larger_than_all_memory_are_refused() {
    let (tiles, at) = (Tiles::new([1 << 32; 2], [4, 4], [0, 0]), Points::new(1, 16));
    transform_input(&tiles, 0..1, &[], &mut vec![0.0; at.total()], &at);
}
