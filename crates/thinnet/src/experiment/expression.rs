//! Sums and products of numbers and named values: `1e-4 * (1 - rate) / (2 * samples * tau)`.

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// A name that stands for nothing.
    Unknown(String),
    /// Anything else, in words.
    Malformed(String),
}

/// How deep parentheses, powers and signs may be nested.
const DEPTH: usize = 64;

/// The value of an expression of numbers, names, `+`, `-`, `*`, `/`, `^` and parentheses. `value` says what a name stands for.
pub(super) fn evaluate(text: &str, value: &dyn Fn(&str) -> Option<f64>) -> Result<f64, Failure> {
    let mut reader = Reader { rest: text, value, depth: 0 };
    let result = reader.sum()?;
    match reader.peek() {
        None if result.is_finite() => Ok(result),
        None => Err(Failure::Malformed(format!("`{text}` is {result}: expected a finite number"))),
        Some(other) => Err(Failure::Malformed(format!("unexpected `{other}` in `{text}`"))),
    }
}

/// Whether the text is a single name.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

struct Reader<'a> {
    rest: &'a str,
    value: &'a dyn Fn(&str) -> Option<f64>,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    /// Takes the next character if it is one of `wanted`.
    fn take(&mut self, wanted: &[char]) -> Option<char> {
        let next = self.peek().filter(|next| wanted.contains(next))?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn sum(&mut self) -> Result<f64, Failure> {
        let mut total = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            let next = self.product()?;
            total = if sign == '+' { total + next } else { total - next };
        }
        Ok(total)
    }

    fn product(&mut self) -> Result<f64, Failure> {
        let mut total = self.power()?;
        while let Some(sign) = self.take(&['*', '/']) {
            let next = self.power()?;
            total = if sign == '*' { total * next } else { total / next };
        }
        Ok(total)
    }

    /// A sign binds more loosely than a power, which is taken from the right: -2^2 is -4, 2^3^2 is 2^9.
    fn power(&mut self) -> Result<f64, Failure> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Failure::Malformed(format!("the expression is nested more than {DEPTH} deep")));
        }
        let result = if self.take(&['-']).is_some() {
            -self.power()?
        } else {
            let base = self.atom()?;
            if self.take(&['^']).is_some() { base.powf(self.power()?) } else { base }
        };
        self.depth -= 1;
        Ok(result)
    }

    fn atom(&mut self) -> Result<f64, Failure> {
        if self.take(&['(']).is_some() {
            let inner = self.sum()?;
            return match self.take(&[')']) {
                Some(_) => Ok(inner),
                None => Err(Failure::Malformed("a parenthesis is not closed".into())),
            };
        }
        match self.peek() {
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => {
                let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                (self.value)(name).ok_or_else(|| Failure::Unknown(name.to_owned()))
            }
            Some(other) => Err(Failure::Malformed(format!("expected a number or a name, got `{other}`"))),
            None => Err(Failure::Malformed("expected a number or a name, got the end".into())),
        }
    }

    fn number(&mut self) -> Result<f64, Failure> {
        let mut end = 0;
        let bytes = self.rest.as_bytes();
        while let Some(&byte) = bytes.get(end) {
            let of_exponent = matches!(byte, b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E');
            if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E') || (end > 0 && of_exponent)) {
                break;
            }
            end += 1;
        }
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        text.parse().map_err(|_| Failure::Malformed(format!("expected a number, got `{text}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Result<f64, Failure> {
        let named = |name: &str| match name {
            "rate" => Some(0.25),
            "tau" => Some(2.0),
            "N" => Some(100.0),
            _ => None,
        };
        evaluate(text, &named)
    }

    #[test]
    fn expressions_have_their_usual_meaning() {
        for (text, expected) in [
            ("1e-4 * (1 - rate) / (2 * N * tau)", 1e-4 * 0.75 / 400.0),
            ("1 - 2 - 3", -4.0),
            ("8 / 4 / 2", 1.0),
            ("2 + 3 * 4 ^ 2", 50.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("-2 ^ 2", -4.0),
            ("2 ^ -1", 0.5),
            ("2*-rate", -0.5),
            (" ( N ) ", 100.0),
            ("1.5e+2", 150.0),
            (".5", 0.5),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_explained() {
        assert_eq!(value("1 - rat"), Err(Failure::Unknown("rat".into())));
        for (text, message) in [
            ("1 / 0", "`1 / 0` is inf: expected a finite number"),
            ("(1 + 2", "a parenthesis is not closed"),
            ("1 + ", "expected a number or a name, got the end"),
            ("2 rate", "unexpected `r` in `2 rate`"),
            ("1e", "expected a number, got `1e`"),
            ("1 + * 2", "expected a number or a name, got `*`"),
        ] {
            assert_eq!(value(text), Err(Failure::Malformed(message.into())), "{text}");
        }
        assert!(value(&"(".repeat(100_000)).is_err() && value(&"-".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_has_a_value_or_none(text in "[-+*/^()0-9e. ratéN]{0,30}") {
            let _ = value(&text);
        }
    }
}
