//! JSON objects, read field by field into columns: nothing is kept of fields that nobody wants, and no tree is made.
//!
//! Events as they are usually written are read [directly](direct); any other is read again with `serde_json`, which alone
//! decides what is refused and why.

mod direct;
mod scan;

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;
use smallvec::SmallVec;

use super::{Fault, Refusal};
use crate::batch::EventBatch;
use crate::scalar::{Scalar, ScalarType};
use crate::schema::{EventType, FieldDefault, FieldType, Kind};

/// Sets the columns of the batch's last row.
pub(super) fn decode(
    bytes: &[u8],
    event: &EventType,
    batch: &mut EventBatch,
) -> Result<(), Refusal> {
    // Checked once, so that no text in it is checked again.
    let text =
        std::str::from_utf8(bytes).map_err(|error| (Fault::Undecodable, error.to_string()))?;
    if direct::decode(text, event, batch).is_ok() {
        return Ok(());
    }
    batch.abort_row();
    batch.begin_row();
    general(text, event, batch)
}

fn general(text: &str, event: &EventType, batch: &mut EventBatch) -> Result<(), Refusal> {
    let mut json = serde_json::Deserializer::from_str(text);
    let decoded = Record { fields: &event.fields, path: "", batch }.deserialize(&mut json);
    decoded.and_then(|()| json.end()).map_err(|error| {
        let fault = match error.classify() {
            Category::Data => Fault::SchemaViolation,
            Category::Syntax | Category::Eof | Category::Io => Fault::Undecodable,
        };
        (fault, error.to_string())
    })
}

/// A record: every field of the type is checked, wanted or not; others are passed over.
struct Record<'a> {
    fields: &'a [FieldType],
    path: &'a str,
    batch: &'a mut EventBatch,
}

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str("an object")
        } else {
            write!(f, "an object for field {}", self.path)
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let mut seen: SmallVec<[bool; 64]> = SmallVec::from_elem(false, self.fields.len());
        let mut next = 0;
        while let Some(found) = access.next_key_seed(FieldName { fields: self.fields, next })? {
            let Some(index) = found else {
                access.next_value::<IgnoredAny>()?;
                continue;
            };
            let field = &self.fields[index];
            access.next_value_seed(Field { field, batch: self.batch })?;
            seen[index] = true;
            next = index + 1;
        }
        for (field, _) in self.fields.iter().zip(seen).filter(|(_, seen)| !seen) {
            absent(field, self.batch).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Applies the default of a field that an event lacks.
pub(super) fn absent(field: &FieldType, batch: &mut EventBatch) -> Result<(), String> {
    if field.default == FieldDefault::Required {
        return Err(format!("field {} is missing", field.path));
    }
    if let Some(column) = field.column {
        batch.set(column, field.default.scalar());
    }
    if let (FieldDefault::Empty, Kind::List { wanted: Some(list), .. }) =
        (&field.default, &field.kind)
    {
        batch.begin_list(*list);
    }
    Ok(())
}

/// The position of a key among the fields; the one after the last is the likeliest.
struct FieldName<'a> {
    fields: &'a [FieldType],
    next: usize,
}

impl<'de> DeserializeSeed<'de> for FieldName<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldName<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        if self.fields.get(self.next).is_some_and(|field| field.name == name) {
            return Ok(Some(self.next));
        }
        Ok(self.fields.iter().position(|field| field.name == name))
    }
}

/// The value of a field.
struct Field<'a> {
    field: &'a FieldType,
    batch: &'a mut EventBatch,
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let column = self.field.column;
        deserializer.deserialize_any(Value {
            field: self.field,
            column,
            as_text: false,
            batch: self.batch,
        })
    }
}

/// A value of a field's type, for this column if it is wanted.
struct Value<'a> {
    field: &'a FieldType,
    column: Option<usize>,
    /// Whether numbers and booleans are taken as the texts that they are written as.
    as_text: bool,
    batch: &'a mut EventBatch,
}

impl Value<'_> {
    fn set<E: serde::de::Error>(self, value: Scalar<'_>) -> Result<(), E> {
        let fits = match (&self.field.kind, value) {
            (_, Scalar::Null) => self.field.nullable,
            (Kind::Symbols(symbols), Scalar::Text(text)) => {
                symbols.iter().any(|known| known == text)
            }
            (Kind::Scalar(ScalarType::Double, _), Scalar::Int(number)) => {
                return self.set(Scalar::Double(number as f64));
            }
            (Kind::Scalar(ScalarType::Text, _), Scalar::Int(number)) if self.as_text => {
                self.set_display(number);
                return Ok(());
            }
            (Kind::Scalar(ScalarType::Text, _), Scalar::Double(number)) if self.as_text => {
                self.set_display(number);
                return Ok(());
            }
            (Kind::Scalar(ScalarType::Text, _), Scalar::Bool(truth)) if self.as_text => {
                self.set_display(truth);
                return Ok(());
            }
            (Kind::Scalar(ScalarType::Bool, _), Scalar::Bool(_))
            | (Kind::Scalar(ScalarType::Int, _), Scalar::Int(_))
            | (Kind::Scalar(ScalarType::Double, _), Scalar::Double(_))
            | (Kind::Scalar(ScalarType::Text, _), Scalar::Text(_)) => true,
            _ => false,
        };
        if !fits {
            return Err(E::custom(format_args!(
                "field {}: {value:?} is not of its type",
                self.field.path
            )));
        }
        if let Some(column) = self.column {
            self.batch.set(column, value);
        }
        Ok(())
    }

    fn set_display(self, value: impl fmt::Display) {
        if let Some(column) = self.column {
            self.batch.set_display(column, value);
        }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value of field {}", self.field.path)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.set(Scalar::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<(), E> {
        self.set(Scalar::Bool(truth))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.set(Scalar::Int(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        match i64::try_from(number) {
            Ok(number) => self.set(Scalar::Int(number)),
            Err(_) => self.set(Scalar::Double(number as f64)),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.set(Scalar::Double(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.set(Scalar::Text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        match &self.field.kind {
            Kind::Record(fields) => {
                Record { fields, path: &self.field.path, batch: self.batch }.visit_map(access)
            }
            Kind::Map { values, wanted } => {
                while let Some(column) = access.next_key_seed(MapKey(wanted))? {
                    let value = MapValue { field: values, column, batch: self.batch };
                    access.next_value_seed(value)?;
                }
                Ok(())
            }
            _ => Err(A::Error::custom(format_args!("field {} is an object", self.field.path))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Kind::List { items, wanted } = &self.field.kind else {
            return Err(A::Error::custom(format_args!("field {} is a list", self.field.path)));
        };
        let Some(list) = *wanted else {
            while access.next_element_seed(Field { field: items, batch: self.batch })?.is_some() {}
            return Ok(());
        };
        let batch = self.batch.begin_list(list);
        batch.begin_row();
        while access.next_element_seed(Field { field: items, batch })?.is_some() {
            batch.begin_row();
        }
        // The row that was begun for an element that is not there.
        batch.abort_row();
        self.batch.end_list(list);
        Ok(())
    }
}

/// The column of a key of a map, if it is wanted.
struct MapKey<'a>(&'a [(String, usize)]);

impl<'de> DeserializeSeed<'de> for MapKey<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MapKey<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|(known, _)| known == key).map(|(_, column)| *column))
    }
}

/// A value of a map. JSON has numbers where a map of texts is declared: they are taken as they are written.
struct MapValue<'a> {
    field: &'a FieldType,
    column: Option<usize>,
    batch: &'a mut EventBatch,
}

impl<'de> DeserializeSeed<'de> for MapValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { field, column, batch } = self;
        deserializer.deserialize_any(Value { field, column, as_text: true, batch })
    }
}

#[cfg(test)]
mod tests;
