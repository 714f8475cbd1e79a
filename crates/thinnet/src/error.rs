//! What can go wrong, said so that the reader knows where, what was expected, what came and what to do.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing that is wrong with a model, by the layer (or part of it) that is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The layer's name as the summary shows it, or the part of the model (`optimizer`, `loss` …).
    pub place: String,
    /// What was expected, what came, what to do.
    pub message: String,
}

impl Problem {
    /// A problem at `place`.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Every error of the library. `Display` is always one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model as described cannot be built; everything that is wrong with it, in layer order.
    #[error("{}", join(.0))]
    Model(Vec<Problem>),
    /// A configuration (TOML, Keras JSON, a string such as `"adam"`) that cannot be used.
    #[error("{place}: {message}")]
    Config {
        /// Where: `layers[2].units`, `compile.optimizer`, `Dropout` …
        place: String,
        /// What was expected, what came, what to do.
        message: String,
    },
    /// A name that is not known, with the nearest known one.
    #[error("unknown {kind} `{name}`{}", suggestion(.nearest))]
    Unknown {
        /// What kind of thing was named: `layer`, `loss`, `dataset` …
        kind: &'static str,
        /// The name as given.
        name: String,
        /// The nearest known name, or the list of all where none is near.
        nearest: Suggestion,
    },
    /// Arrays or labels that do not fit the model or each other.
    #[error("{0}")]
    Data(String),
    /// A data set that is not here and cannot be fetched.
    #[error("data set `{name}` {message}")]
    Dataset {
        /// Its name.
        name: String,
        /// Why, and which files to put where.
        message: String,
    },
    /// A call out of order: `fit` before `compile`, for example.
    #[error("{0}")]
    Usage(String),
    /// A file whose contents are not what they should be.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The offset where known, what was expected, what came.
        message: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// A verb: `read`, `write`, `create` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Its reason.
        source: std::io::Error,
    },
    /// One of several runs failed.
    #[error("{name}: {source}")]
    Run {
        /// What the run is called.
        name: String,
        /// Why.
        source: Box<Error>,
    },
    /// Training cannot go on.
    #[error("{0}")]
    Training(String),
    /// Interrupted by the user, after what was complete had been saved.
    #[error("interrupted")]
    Interrupted,
}

/// The near miss of an unknown name, or every known one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suggestion {
    /// The known name nearest to it.
    Nearest(String),
    /// No known name is near: all of them.
    All(Vec<String>),
}

fn suggestion(s: &Suggestion) -> String {
    match s {
        Suggestion::Nearest(name) => format!(": did you mean `{name}`?"),
        Suggestion::All(names) => format!(": known are {}", names.join(", ")),
    }
}

fn join(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// An unknown `name` of a `kind`, with the nearest of the `known` ones.
    pub fn unknown<'a>(kind: &'static str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let nearest = match nearest(name, known.iter().copied()) {
            Some(near) => Suggestion::Nearest(near.to_owned()),
            None => Suggestion::All(known.into_iter().map(str::to_owned).collect()),
        };
        Self::Unknown { kind, name: name.to_owned(), nearest }
    }

    /// A configuration error at `place`.
    pub fn config(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Config { place: place.into(), message: message.into() }
    }

    /// The error with the file that holds the configuration it is about.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Config { place, message } => Self::file(path, format!("{place}: {message}")),
            Self::Unknown { .. } => Self::file(path, self.to_string()),
            other => other,
        }
    }

    /// A malformed file.
    pub fn file(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::File { path: path.as_ref().to_owned(), message: message.into() }
    }

    /// Turns an `io::Error` into one that says what was being done to which file:
    /// `fs::read(path).map_err(Error::io("read", path))`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The known name that `name` was probably meant to be.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_comes_with_its_near_miss_or_with_all_names() {
        let near = Error::unknown("layer", "Droput", ["Dense", "Dropout"]);
        assert_eq!(near.to_string(), "unknown layer `Droput`: did you mean `Dropout`?");
        let far = Error::unknown("layer", "Quux", ["Dense", "Dropout"]);
        assert_eq!(far.to_string(), "unknown layer `Quux`: known are Dense, Dropout");
    }

    #[test]
    fn all_problems_of_a_model_stand_on_one_line() {
        let error = Error::Model(vec![
            Problem::new("dropout", "rate must be in [0, 1], got 1.5"),
            Problem::new("dense", "units must be positive, got 0"),
        ]);
        let text = error.to_string();
        assert_eq!(text, "dropout: rate must be in [0, 1], got 1.5; dense: units must be positive, got 0");
    }
}
