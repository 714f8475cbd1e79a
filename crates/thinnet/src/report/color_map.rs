//! Numbers as colours: perceptually even, and safe for colour-blind readers.

/// From a number to a colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ColorMap {
    /// Viridis (van der Walt & Smith 2015), from dark at `low` to light at `high`: for sizes.
    Viridis { low: f64, high: f64 },
    /// Blue at −`size`, white at 0, orange at `size`: for what has a sign.
    BlueOrange { size: f64 },
}

/// What is no number.
const NONE: [u8; 3] = [150, 150, 150];

/// Viridis at even steps.
const VIRIDIS: [[u8; 3]; 11] = [
    [68, 1, 84],
    [72, 36, 117],
    [65, 68, 135],
    [53, 95, 141],
    [42, 120, 142],
    [33, 145, 140],
    [34, 168, 132],
    [68, 191, 112],
    [122, 209, 81],
    [189, 223, 38],
    [253, 231, 37],
];

/// Okabe and Ito's blue, and an orange of its lightness.
const BLUE: [u8; 3] = [0, 114, 178];
const ORANGE: [u8; 3] = [175, 73, 0];
const WHITE: [u8; 3] = [247, 247, 245];

impl ColorMap {
    /// The colour of a number; of one beyond the ends, that of the end.
    pub(super) fn color(&self, value: f64) -> [u8; 3] {
        if value.is_nan() {
            return NONE;
        }
        match *self {
            Self::Viridis { low, high } => {
                let range = if high > low { high - low } else { 1.0 };
                let place = ((value - low) / range).clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
                let before = (place as usize).min(VIRIDIS.len() - 2);
                let part = place - before as f64;
                std::array::from_fn(|channel| {
                    let [from, to] = [before, before + 1].map(|place| f64::from(VIRIDIS[place][channel]));
                    (from + (to - from) * part).round() as u8
                })
            }
            Self::BlueOrange { size } => {
                let part = if size > 0.0 { (value / size).clamp(-1.0, 1.0) } else { 0.0 };
                let [from, to] = [WHITE, if part < 0.0 { BLUE } else { ORANGE }].map(oklab);
                rgb(std::array::from_fn(|axis| from[axis] + (to[axis] - from[axis]) * part.abs()))
            }
        }
    }

    /// The numbers at the ends.
    pub(super) fn ends(&self) -> (f64, f64) {
        match *self {
            Self::Viridis { low, high } => (low, high),
            Self::BlueOrange { size } => (-size, size),
        }
    }
}

/// Oklab (Ottosson 2020): equal distances look equal.
fn oklab(color: [u8; 3]) -> [f64; 3] {
    let linear = |channel: u8| match f64::from(channel) / 255.0 {
        dark if dark <= 0.04045 => dark / 12.92,
        light => ((light + 0.055) / 1.055).powf(2.4),
    };
    let [r, g, b] = color.map(linear);
    let cones = [
        0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b,
        0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b,
        0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b,
    ];
    let [l, m, s] = cones.map(f64::cbrt);
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

/// The colour at a place of Oklab.
fn rgb([lightness, a, b]: [f64; 3]) -> [u8; 3] {
    let cones = [
        lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b,
        lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b,
        lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b,
    ];
    let [l, m, s] = cones.map(|cone| cone.powi(3));
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ];
    linear.map(|channel| {
        let value = match channel {
            dark if dark <= 0.003_130_8 => 12.92 * dark,
            light => 1.055 * light.powf(1.0 / 2.4) - 0.055,
        };
        (value * 255.0).round().clamp(0.0, 255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIRIDIS_MAP: ColorMap = ColorMap::Viridis { low: 0.0, high: 2.0 };
    const SIGNED: ColorMap = ColorMap::BlueOrange { size: 0.5 };

    #[test]
    fn the_ends_are_what_they_are_said_to_be() {
        assert_eq!(VIRIDIS_MAP.color(0.0), [68, 1, 84]);
        assert_eq!(VIRIDIS_MAP.color(5.0), [253, 231, 37]);
        assert_eq!(SIGNED.color(-0.5), BLUE);
        assert_eq!(SIGNED.color(0.0), WHITE);
        assert_eq!(SIGNED.color(9.0), ORANGE);
        assert_eq!([VIRIDIS_MAP, SIGNED].map(|map| map.color(f64::NAN)), [NONE; 2]);
        let flat = ColorMap::Viridis { low: 1.0, high: 1.0 };
        assert_eq!(flat.color(1.0), [68, 1, 84]);
        assert_eq!(ColorMap::BlueOrange { size: 0.0 }.color(0.0), WHITE);
    }

    /// Where a step of the number is one of lightness of always about the same size, the map is read right also without colours.
    #[test]
    fn lightness_changes_evenly() {
        let even = |lightness: Vec<f64>| {
            let steps: Vec<f64> = lightness.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let mean = steps.iter().sum::<f64>() / steps.len() as f64;
            assert!(steps.iter().all(|step| (step / mean - 1.0).abs() < 0.3), "{steps:?}");
        };
        let at = |map: ColorMap, value: f64| oklab(map.color(value))[0];
        even((0..=10).map(|step| at(VIRIDIS_MAP, f64::from(step) / 5.0)).collect());
        for sign in [-1.0, 1.0] {
            even((0..=10).map(|step| at(SIGNED, sign * f64::from(step) / 20.0)).collect());
        }
        assert!((at(SIGNED, -0.5) - at(SIGNED, 0.5)).abs() < 0.01, "neither sign looks larger");
    }
}
