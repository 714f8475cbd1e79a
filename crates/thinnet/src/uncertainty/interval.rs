//! Quantiles of the normal distribution.

/// The x below which a standard normal number lies with probability `p`, to seven digits. Wichura 1988, "Algorithm AS 241:
/// the percentage points of the normal distribution" (PPND7).
pub(super) fn normal_quantile(p: f64) -> f64 {
    let ratio = |top: [f64; 4], bottom: [f64; 4], r: f64| {
        let value = |c: [f64; 4]| ((c[3] * r + c[2]) * r + c[1]) * r + c[0];
        value(top) / value(bottom)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let top = [3.387_132_717_9, 50.434_271_938, 159.291_132_02, 59.109_374_72];
        let bottom = [1.0, 17.895_169_469, 78.757_757_664, 67.187_563_6];
        return q * ratio(top, bottom, 0.180_625 - q * q);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let size = if r <= 5.0 {
        let top = [1.423_437_277_7, 2.756_815_39, 1.306_728_481_6, 0.170_238_211_03];
        ratio(top, [1.0, 0.737_001_642_5, 0.120_211_329_75, 0.0], r - 1.6)
    } else {
        let top = [6.657_905_115, 3.081_226_386, 0.428_682_943_37, 0.017_337_203_997];
        ratio(top, [1.0, 0.241_978_942_25, 0.012_258_202_635, 0.0], r - 5.0)
    };
    size.copysign(q)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, expected) in [
            (0.5, 0.0),
            (0.75, 0.674_489_75),
            (0.841_344_746, 1.0),
            (0.95, 1.644_853_63),
            (0.975, 1.959_963_98),
            (0.995, 2.575_829_30),
            (0.025, -1.959_963_98),
            (1e-10, -6.361_340_90),
            (1e-16, -8.222_082_22),
        ] {
            let x = normal_quantile(p);
            assert!((x - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{p}: {x} {expected}");
        }
    }
}
