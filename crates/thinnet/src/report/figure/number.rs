//! Numbers as charts say them.

/// A value with about four digits that matter: `0.9754`, `12.35`, `1234`, `3.2e-5`.
pub(in crate::report) fn value(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || !size.is_finite() => format!("{value}"),
        size if size < 1e-3 => scientific(value),
        size if size < 10.0 => format!("{value:.4}"),
        size if size < 1000.0 => format!("{value:.2}"),
        size if size < 1e6 => format!("{value:.0}"),
        _ => scientific(value),
    }
}

/// A place on an axis, as short as it can be without loss for what people write: `0.1`, `128`, `1e-4`.
pub(super) fn place(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        return scientific(value);
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn scientific(value: f64) -> String {
    let text = format!("{value:.2e}");
    match text.split_once('e') {
        Some((digits, power)) if digits.contains('.') => {
            format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_lose_nothing_that_matters() {
        let values = [0.0, 0.97541, 12.345, 1234.4, 0.000_032, 2.5e7, -0.5].map(value);
        assert_eq!(values, ["0", "0.9754", "12.35", "1234", "3.2e-5", "2.5e7", "-0.5000"]);
        let places = [0.0, 0.1, 0.25, 128.0, 1e-4, 0.001, 2.5e-5, 1e5, -3.0].map(place);
        assert_eq!(places, ["0", "0.1", "0.25", "128", "1e-4", "0.001", "2.5e-5", "1e5", "-3"]);
        assert_eq!(value(f64::NAN), "NaN");
    }
}
