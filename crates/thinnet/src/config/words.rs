//! Arguments that are one of a few words.

/// Defines an enum whose serde form is one word for each variant. The first is the default, and a word that is not known
/// is an error with the nearest one. Converts into an [`Argument`](crate::config::Argument) by value and by word.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident ($kind:literal) { $($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant),*
        }

        impl $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),*];

            /// Its word.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),*
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::ALL[0].1
            }
        }

        impl $crate::config::Named for $name {}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(deserializer)?;
                let known = Self::ALL.iter().find(|(known, _)| *known == word);
                known.map(|&(_, value)| value).ok_or_else(|| {
                    let known = Self::ALL.iter().map(|&(known, _)| known);
                    serde::de::Error::custom($crate::Error::unknown($kind, &word, known))
                })
            }
        }
    };
}
pub(crate) use words;
