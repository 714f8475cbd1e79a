//! Classes by name.

use serde_json::{Map, Value};

use super::Tagged;
use crate::error::{Error, Result};

/// A class of a kind `T`, the other names it goes by, and how its configuration is read.
pub(crate) struct Known<T: ?Sized> {
    pub(crate) class: &'static str,
    pub(crate) aliases: &'static [&'static str],
    /// Takes the class's name, for messages, and the arguments.
    pub(crate) read: fn(&str, &Map<String, Value>) -> Result<Box<T>>,
}

/// A key that Keras writes and that has but one meaning here.
pub(crate) struct Inert {
    pub(crate) key: &'static str,
    /// Nothing: any value will do.
    pub(crate) accepted: &'static [&'static str],
}

/// Finds the class and reads its arguments; `kind` is for the message where the class is not known.
pub(crate) fn read_known<T: ?Sized>(
    kind: &'static str,
    known: &[Known<T>],
    inert: &[Inert],
    tagged: &Tagged,
) -> Result<Box<T>> {
    let name = tagged.class.as_str();
    let Some(found) = known.iter().find(|known| known.class == name || known.aliases.contains(&name)) else {
        // In the spelling that was tried.
        return Err(if name.starts_with(char::is_uppercase) {
            Error::unknown(kind, name, known.iter().map(|known| known.class))
        } else {
            Error::unknown(kind, name, known.iter().flat_map(|known| known.aliases.iter().copied()))
        });
    };
    let mut own = tagged.config.clone();
    for Inert { key, accepted } in inert {
        let Some(value) = own.shift_remove(*key) else { continue };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !accepted.is_empty() && !accepted.contains(&text.as_str()) {
            let message = format!("only {} is supported, got {text}", accepted[0]);
            return Err(Error::config(format!("{}.{key}", found.class), message));
        }
    }
    (found.read)(found.class, &own)
}
