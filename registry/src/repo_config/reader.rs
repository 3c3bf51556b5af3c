//! Reads settings of one section and records each of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;

use larder_core::{Error, Result};

use super::secret::{Secret, is_secret_key, redact_connection};
use super::settings::Setting;
use super::{ByteSize, Period};
use crate::yaml::{Origin, Section, Value};
use crate::yaml_definitions::duration;

/// The record that all readers of one load share.
pub(super) type Record = RefCell<Vec<Setting>>;

/// A section (possibly absent) whose values are recorded as they are read.
pub(super) struct Reader<'a> {
    path: String,
    section: Option<Section<'a>>,
    record: &'a Record,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &str, section: Option<Section<'a>>, record: &'a Record) -> Self {
        Self { path: path.to_owned(), section, record }
    }

    /// The section under `key`; an absent one reads as all defaults.
    pub(super) fn child(&self, key: &'static str) -> Result<Self> {
        let value = self.section.as_ref().and_then(|section| section.get(key));
        let section = value.map(|value| value.section()).transpose()?;
        Ok(Self { path: self.path_of(key), section, record: self.record })
    }

    pub(super) fn section(&self) -> Option<&Section<'a>> {
        self.section.as_ref()
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn note(&self, key: &str, value: String, origin: Origin) {
        let value = if is_secret_key(key) && !value.is_empty() { "***".to_owned() } else { value };
        self.record.borrow_mut().push(Setting { key: self.path_of(key), value, origin });
    }

    /// A value read and shown in a way of its own; `None` when it is not set.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Result<T>,
        show: impl FnOnce(&T) -> String,
    ) -> Result<Option<T>> {
        let Some(value) = self.section.as_ref().and_then(|section| section.get(key)) else {
            self.note(key, String::new(), Origin::Default);
            return Ok(None);
        };
        let result = read(&value)?;
        self.note(key, show(&result), (**value.origin()).clone());
        Ok(Some(result))
    }

    fn or_default<T: Display>(
        &self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Value<'a>) -> Result<T>,
    ) -> Result<T> {
        let (result, origin) = match self.section.as_ref().and_then(|section| section.get(key)) {
            Some(value) => (read(&value)?, (**value.origin()).clone()),
            None => (default, Origin::Default),
        };
        self.note(key, result.to_string(), origin);
        Ok(result)
    }

    pub(super) fn text(&self, key: &'static str, default: &str) -> Result<String> {
        self.or_default(key, default.to_owned(), Value::text)
    }

    pub(super) fn optional_text(&self, key: &'static str) -> Result<Option<String>> {
        self.optional(key, Value::text, String::clone)
    }

    pub(super) fn boolean(&self, key: &'static str, default: bool) -> Result<bool> {
        self.or_default(key, default, Value::boolean)
    }

    pub(super) fn number<T: TryFrom<i64> + Display>(
        &self,
        key: &'static str,
        default: T,
    ) -> Result<T> {
        self.or_default(key, default, Value::number)
    }

    pub(super) fn optional_number<T: TryFrom<i64> + Display>(
        &self,
        key: &'static str,
    ) -> Result<Option<T>> {
        self.optional(key, Value::number, T::to_string)
    }

    pub(super) fn optional_float(&self, key: &'static str) -> Result<Option<f64>> {
        self.optional(key, Value::float, f64::to_string)
    }

    pub(super) fn size(&self, key: &'static str, default: ByteSize) -> Result<ByteSize> {
        self.or_default(key, default, size)
    }

    pub(super) fn optional_size(&self, key: &'static str) -> Result<Option<ByteSize>> {
        self.optional(key, size, ByteSize::to_string)
    }

    pub(super) fn period(&self, key: &'static str, default: Period) -> Result<Period> {
        self.or_default(key, default, |value| duration::duration(value).map(Period))
    }

    pub(super) fn texts(&self, key: &'static str) -> Result<Option<Vec<String>>> {
        self.optional(key, Value::texts, |texts| texts.join(","))
    }

    pub(super) fn text_map(&self, key: &'static str) -> Result<Option<BTreeMap<String, String>>> {
        self.optional(key, Value::text_map, |map| map.keys().cloned().collect::<Vec<_>>().join(","))
    }

    pub(super) fn secret(&self, key: &'static str) -> Result<Option<Secret<String>>> {
        self.optional(key, |value| value.text().map(Secret::new), |_| "***".to_owned())
    }

    /// A URL or connection string, which may hold a password.
    pub(super) fn connection(&self, key: &'static str, default: &str) -> Result<Secret<String>> {
        let found = self.section.as_ref().and_then(|section| section.get(key));
        let (text, origin) = match &found {
            Some(value) => (value.text()?, (**value.origin()).clone()),
            None => (default.to_owned(), Origin::Default),
        };
        self.note(key, redact_connection(&text), origin);
        Ok(Secret::new(text))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &'static str,
        default: &str,
        choices: &[(&str, T)],
    ) -> Result<T> {
        let word = self.or_default(key, default.to_owned(), Value::text)?;
        choices.iter().find(|(name, _)| *name == word).map(|&(_, choice)| choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|&(name, _)| name).collect();
            self.error(key, format!("\"{word}\" is not one of {}", names.join(", ")))
        })
    }

    /// An error about the value of `key`.
    pub(super) fn error(&self, key: &'static str, message: impl AsRef<str>) -> Error {
        let message = message.as_ref();
        match &self.section {
            Some(section) => match section.get_even_null(key) {
                Some(value) => value.error(message),
                None => section.error(format!("{key} {message}")),
            },
            None => Error::invalid(format!("{}: {message}", self.path_of(key))),
        }
    }

    /// Declares keys that Feast knows and Larder has no use for.
    pub(super) fn allow(&self, keys: &[&'static str]) {
        if let Some(section) = &self.section {
            section.allow(keys);
        }
    }

    /// Refuses keys that nobody asked for.
    pub(super) fn finish(&self) -> Result<()> {
        self.section.as_ref().map_or(Ok(()), Section::finish)
    }
}

fn size(value: &Value<'_>) -> Result<ByteSize> {
    match value.integer() {
        Ok(bytes) => {
            u64::try_from(bytes).map(ByteSize).map_err(|_| value.error("a size is not negative"))
        }
        Err(_) => ByteSize::parse(&value.text()?).map_err(|error| value.error(error.message())),
    }
}
