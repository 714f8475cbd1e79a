//! The options of an `ImageDataGenerator` as a line of text.

use std::fmt;
use std::str::FromStr;

use serde_json::Map;

use super::ImageDataGenerator;
use crate::config::read_value;
use crate::error::{Error, Result};

/// The options that are not Keras's defaults, as [`FromStr`] reads them; `nothing` where there are none.
impl fmt::Display for ImageDataGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let defaults = Self::default().to_config();
        let changed = self.to_config().into_iter().filter(|(key, value)| defaults.get(key) != Some(value));
        let mut options: Vec<String> = changed
            .map(|(key, value)| match value.as_str() {
                Some(word) => format!("{key}={word}"),
                None => format!("{key}={value}"),
            })
            .collect();
        if let Some(function) = &self.preprocessing_function {
            options.push(format!("preprocessing_function={function:?}"));
        }
        f.write_str(if options.is_empty() { "nothing" } else { "" })?;
        f.write_str(&options.join(", "))
    }
}

/// Reads options with commas between them; their values are TOML, or a bare word.
///
/// ```
/// use thinnet::data::augmentation::ImageDataGenerator;
///
/// let text = "rotation_range=30, zoom_range=[0.8, 1.2], fill_mode=reflect";
/// let datagen: ImageDataGenerator = text.parse()?;
/// let same = ImageDataGenerator::new().rotation_range(30.0).zoom_range([0.8, 1.2]).fill_mode("reflect");
/// assert_eq!(datagen, same);
/// assert_eq!(datagen.to_string().parse::<ImageDataGenerator>()?, same);
///
/// let error = "rotation=30".parse::<ImageDataGenerator>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "augmentation: unknown argument `rotation`: did you mean `rotation_range`?",
/// );
/// # Ok::<(), thinnet::Error>(())
/// ```
impl FromStr for ImageDataGenerator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut config = Map::new();
        for option in split(text) {
            let place = |message: String| Error::config("augmentation", message);
            let Some((key, value)) = option.split_once('=') else {
                let expected = "expected options such as rotation_range=30,horizontal_flip=true";
                return Err(place(format!("{expected}, got `{}`", option.trim())));
            };
            let value = read_value(value.trim());
            if value.is_null() {
                return Err(place(format!("{} must be finite", key.trim())));
            }
            if config.insert(key.trim().to_owned(), value).is_some() {
                return Err(place(format!("`{}` is set twice", key.trim())));
            }
        }
        let datagen = Self::from_config(&config)?;
        datagen.check_arguments().map_err(|message| Error::config("augmentation", message))?;
        Ok(datagen)
    }
}

/// The parts between the commas that are not within brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        text.parse::<ImageDataGenerator>().unwrap_err().to_string()
    }

    #[test]
    fn text_is_what_differs_from_the_defaults_and_is_read_again() {
        assert_eq!(ImageDataGenerator::new().to_string(), "nothing");
        let datagen = ImageDataGenerator::new()
            .rotation_range(15.0)
            .width_shift_range([0.1, 0.2])
            .height_shift_range(3)
            .zoom_range(0.25)
            .brightness_range([0.5, 1.5])
            .fill_mode("wrap")
            .horizontal_flip(true)
            .rescale(0.5);
        assert_eq!(datagen.to_string().parse::<ImageDataGenerator>().unwrap(), datagen, "{datagen}");
        let function = ImageDataGenerator::new().vertical_flip(true).preprocessing_function(|_| {});
        assert_eq!(function.to_string(), "vertical_flip=true, preprocessing_function=a function");
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        let expected = "augmentation: expected options such as rotation_range=30,horizontal_flip=true, got ";
        assert_eq!(message(""), format!("{expected}``"));
        assert_eq!(message("rotation_range=3, flip"), format!("{expected}`flip`"));
        for (text, expected) in [
            ("cval=1,cval=2", "augmentation: `cval` is set twice"),
            ("horizontal_flips=true", "unknown argument `horizontal_flips`: did you mean `horizontal_flip`?"),
            (
                "zoom_range=[1, 2, 3]",
                "augmentation.zoom_range: expected a number z for [1 - z, 1 + z], or a list",
            ),
            ("width_shift_range=far", "augmentation.width_shift_range: expected a number of pixels"),
            (
                "fill_mode=refelct",
                "augmentation.fill_mode: unknown fill mode `refelct`: did you mean `reflect`?",
            ),
            ("rotation_range=inf", "augmentation: rotation_range must be finite"),
            ("rotation_range=[", "augmentation.rotation_range: invalid type: string \"[\""),
        ] {
            assert!(message(text).contains(expected), "{}", message(text));
        }
    }
}
