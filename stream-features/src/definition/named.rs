//! Names for texts, in the order in which they are written.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_saphyr::Spanned;

/// The entries of a map, in order; no name occurs twice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Named(pub(crate) Vec<(String, Spanned<String>)>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Named;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of names to expressions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Named, A::Error> {
                let mut entries: Vec<(String, Spanned<String>)> = Vec::new();
                while let Some((name, text)) = access.next_entry::<String, Spanned<String>>()? {
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format_args!("\"{name}\" occurs twice")));
                    }
                    entries.push((name, text));
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
