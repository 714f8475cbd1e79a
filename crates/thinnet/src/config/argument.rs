//! Arguments that may be given by value or by name.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A kind of thing that has names: an activation, an initializer, a loss …
///
/// Its serde forms are Keras's: a string where there is nothing to say but the name, else a table (see
/// [`Tagged`](super::Tagged)). That is all that [`Argument`] needs to accept both.
pub trait Named: Serialize + DeserializeOwned {}

/// An argument given by value (`Relu`) or by name (`"relu"`).
///
/// Builder methods take `impl Into<Argument<T>>` and never fail: a name that is not known is kept with its error,
/// which [`get`](Self::get) gives when the model is built. Configurations that are read (TOML, JSON) fail at once.
///
/// ```
/// use thinnet::activations::{Activation, Relu};
/// use thinnet::config::Argument;
///
/// let by_value: Argument<Activation> = Relu.into();
/// let by_name: Argument<Activation> = "relu".into();
/// assert_eq!(by_value, by_name);
///
/// let unknown: Argument<Activation> = "rellu".into();
/// assert_eq!(unknown.get().unwrap_err(), "unknown activation `rellu`: did you mean `relu`?");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Argument<T>(State<T>);

#[derive(Clone, Debug, PartialEq)]
enum State<T> {
    Known(T),
    Unknown { name: String, error: String },
}

impl<T> Argument<T> {
    /// The value, or what is wrong with the name.
    pub fn get(&self) -> Result<&T, String> {
        match &self.0 {
            State::Known(value) => Ok(value),
            State::Unknown { error, .. } => Err(error.clone()),
        }
    }
}

impl<T: Default> Default for Argument<T> {
    fn default() -> Self {
        Self(State::Known(T::default()))
    }
}

impl<T> From<T> for Argument<T> {
    fn from(value: T) -> Self {
        Self(State::Known(value))
    }
}

impl<T: Named> From<&str> for Argument<T> {
    fn from(name: &str) -> Self {
        Self(match serde_json::from_value(Value::from(name)) {
            Ok(value) => State::Known(value),
            Err(error) => State::Unknown { name: name.to_owned(), error: error.to_string() },
        })
    }
}

impl<T: Named> From<String> for Argument<T> {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl<T: Named> Serialize for Argument<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            State::Known(value) => value.serialize(serializer),
            State::Unknown { name, .. } => serializer.serialize_str(name),
        }
    }
}

impl<'de, T: Named> Deserialize<'de> for Argument<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By way of a `Value`, so that the message is the same as from a string in code.
        let value = Value::deserialize(deserializer)?;
        serde_json::from_value(value).map(|value| Self(State::Known(value))).map_err(D::Error::custom)
    }
}
