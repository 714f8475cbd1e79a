//! How much a search spends.

use crate::error::{Error, Result};

/// How much one search may spend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Budget {
    /// Runs; those of successive halving count each once, however long they go on.
    Runs(usize),
    /// Epochs of all runs together.
    Epochs(usize),
    /// Seconds; what has begun is brought to its end.
    Seconds(f64),
}

impl Budget {
    /// Reads `30`, `30 runs`, `5000 epochs`, `90 s`, `10 min`, `2 h`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let error = |what: &str| {
            let message = format!("{what}, such as `30 runs`, `5000 epochs` or `10 min`, got `{text}`");
            Error::config("tune.budget", message)
        };
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (number, unit) = (&text[..end], text[end..].trim());
        let amount: f64 = number.parse().map_err(|_| error("expected a number and a unit"))?;
        if amount <= 0.0 {
            return Err(error("expected more than 0"));
        }
        let whole = || match amount.fract() == 0.0 && amount < 1e12 {
            true => Ok(amount as usize),
            false => Err(error("expected a whole number")),
        };
        match unit {
            "" | "run" | "runs" => Ok(Self::Runs(whole()?)),
            "epoch" | "epochs" => Ok(Self::Epochs(whole()?)),
            "s" | "second" | "seconds" => Ok(Self::Seconds(amount)),
            "min" | "minute" | "minutes" => Ok(Self::Seconds(amount * 60.0)),
            "h" | "hour" | "hours" => Ok(Self::Seconds(amount * 3600.0)),
            _ => Err(error("expected runs, epochs, s, min or h")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_have_units() {
        for (text, expected) in [
            ("30", Budget::Runs(30)),
            ("1 run", Budget::Runs(1)),
            ("5000 epochs", Budget::Epochs(5000)),
            ("1.5 min", Budget::Seconds(90.0)),
            ("2h", Budget::Seconds(7200.0)),
        ] {
            assert_eq!(Budget::parse(text).unwrap(), expected, "{text}");
        }
        for (text, message) in [
            ("0", "expected more than 0"),
            ("0 s", "expected more than 0"),
            ("2.5 runs", "expected a whole number"),
            ("5 parsecs", "expected runs, epochs, s, min or h"),
            ("many", "expected a number and a unit"),
            ("-3 runs", "expected a number and a unit"),
        ] {
            let error = Budget::parse(text).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("tune.budget: {message}, such as `30 runs`, `5000 epochs` or `10 min`, got `{text}`")
            );
        }
    }
}
