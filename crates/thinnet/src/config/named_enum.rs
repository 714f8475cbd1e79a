//! Sets of configurable things that are known by Keras's class names.

/// Defines an enum with a variant for each of some structs, all of which have serde's derives and a default.
///
/// As text: Keras's class name or the alias that is given for it; with arguments `{ class = "L2", l2 = 0.1 }` or Keras's
/// JSON, which is also what is written. Each struct converts into the enum and into an
/// [`Argument`](crate::config::Argument) of it.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        $name:ident ($kind:literal, $module:literal) { $($variant:ident = $($alias:literal)|+),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $(
                #[doc = concat!("See [`", stringify!($variant), "`].")]
                $variant($variant),
            )*
        }

        impl $name {
            /// Reads a name, a table with `class`, or Keras's JSON.
            ///
            /// # Errors
            /// An unknown name or argument, with the nearest known one; an argument of a wrong type.
            pub fn from_value(value: &serde_json::Value) -> $crate::Result<Self> {
                let $crate::config::Tagged { class, config } = $crate::config::Tagged::split($kind, value)?;
                match class.as_str() {
                    $(class if class == stringify!($variant) || [$($alias),+].contains(&class) => {
                        Ok(Self::$variant($crate::config::parse(class, &config)?))
                    })*
                    class => Err(if class.starts_with(char::is_uppercase) {
                        $crate::Error::unknown($kind, class, [$(stringify!($variant)),*])
                    } else {
                        $crate::Error::unknown($kind, class, [$($($alias),+),*])
                    }),
                }
            }

            /// Keras's JSON.
            pub fn to_value(&self) -> serde_json::Value {
                match self {
                    $(Self::$variant(inner) => $crate::config::Tagged::to_keras(
                        $module,
                        stringify!($variant),
                        $crate::config::to_map(inner),
                    ),)*
                }
            }
        }

        $(impl From<$variant> for $name {
            fn from(value: $variant) -> Self {
                Self::$variant(value)
            }
        }

        impl From<$variant> for $crate::config::Argument<$name> {
            fn from(value: $variant) -> Self {
                $name::$variant(value).into()
            }
        })*

        impl $crate::config::Named for $name {}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.to_value().serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = serde_json::Value::deserialize(deserializer)?;
                Self::from_value(&value).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use named_enum;
