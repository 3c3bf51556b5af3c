//! Typed reading of a tree: every key asked for is known, every other key is an error.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use larder_core::{Error, Location, Result};

use super::hint::did_you_mean;
use super::node::{Data, Entry, Node, Origin};

/// One key of a tree, present or not, with the dotted path by which messages call it.
#[derive(Debug, Clone)]
pub(crate) struct Value<'a> {
    path: String,
    node: &'a Node,
}

impl<'a> Value<'a> {
    pub(crate) fn new(path: impl Into<String>, node: &'a Node) -> Self {
        Self { path: path.into(), node }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn node(&self) -> &'a Node {
        self.node
    }

    pub(crate) fn origin(&self) -> &'a Rc<Origin> {
        &self.node.origin
    }

    /// An error about this value.
    pub(crate) fn error(&self, message: impl AsRef<str>) -> Error {
        error_at(self.origin(), format!("{}: {}", self.path, message.as_ref()))
    }

    fn wrong_type(&self, wanted: &str) -> Error {
        let error = self.error(format!("expected {wanted}, found {}", self.node.data.label()));
        match self.node.data {
            Data::Bool(_) | Data::Int(_) | Data::Float(_) if wanted == "text" => {
                error.with_hint("put it in quotes")
            }
            _ => error,
        }
    }

    /// Values from outside a file are text whatever they mean.
    fn is_outside(&self) -> bool {
        matches!(**self.origin(), Origin::Environment(_) | Origin::Flag(_))
    }

    pub(crate) fn text(&self) -> Result<String> {
        match &self.node.data {
            Data::Text(text) => Ok(text.clone()),
            _ => Err(self.wrong_type("text")),
        }
    }

    pub(crate) fn boolean(&self) -> Result<bool> {
        match &self.node.data {
            Data::Bool(value) => Ok(*value),
            Data::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Ok(true),
                "false" | "no" | "off" => Ok(false),
                "1" if self.is_outside() => Ok(true),
                "0" if self.is_outside() => Ok(false),
                _ => Err(self.error("expected true or false")),
            },
            _ => Err(self.wrong_type("true or false")),
        }
    }

    pub(crate) fn integer(&self) -> Result<i64> {
        match &self.node.data {
            Data::Int(value) => Ok(*value),
            Data::Text(text) if self.is_outside() => {
                text.parse().map_err(|_| self.error("expected a whole number"))
            }
            _ => Err(self.wrong_type("a whole number")),
        }
    }

    /// A whole number of this type; out of range is an error.
    pub(crate) fn number<T: TryFrom<i64>>(&self) -> Result<T> {
        let value = self.integer()?;
        T::try_from(value).map_err(|_| self.error(format!("{value} is out of range")))
    }

    pub(crate) fn float(&self) -> Result<f64> {
        match &self.node.data {
            Data::Float(value) => Ok(*value),
            Data::Int(value) => Ok(*value as f64),
            Data::Text(text) if self.is_outside() => {
                text.parse().map_err(|_| self.error("expected a number"))
            }
            _ => Err(self.wrong_type("a number")),
        }
    }

    pub(crate) fn list(&self) -> Result<Vec<Value<'a>>> {
        match &self.node.data {
            Data::List(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, node)| Value { path: format!("{}[{index}]", self.path), node })
                .collect()),
            _ => Err(self.wrong_type("a list")),
        }
    }

    /// A list of texts; from the environment or a flag, separated by commas.
    pub(crate) fn texts(&self) -> Result<Vec<String>> {
        if let (true, Data::Text(text)) = (self.is_outside(), &self.node.data) {
            return Ok(text.split(',').map(|item| item.trim().to_owned()).collect());
        }
        self.list()?.iter().map(Value::text).collect()
    }

    pub(crate) fn section(&self) -> Result<Section<'a>> {
        match &self.node.data {
            Data::Map(entries) => Ok(Section::new(self.path.clone(), self.origin(), entries)),
            _ => Err(self.wrong_type("a map")),
        }
    }

    /// A map of texts to texts; numbers and booleans become text.
    pub(crate) fn text_map(&self) -> Result<BTreeMap<String, String>> {
        let Data::Map(entries) = &self.node.data else { return Err(self.wrong_type("a map")) };
        entries
            .iter()
            .map(|entry| {
                let value = match &entry.value.data {
                    Data::Text(text) => text.clone(),
                    Data::Int(value) => value.to_string(),
                    Data::Float(value) => value.to_string(),
                    Data::Bool(value) => value.to_string(),
                    _ => {
                        let path = format!("{}.{}", self.path, entry.key);
                        return Err(Value { path, node: &entry.value }.wrong_type("text"));
                    }
                };
                Ok((entry.key.clone(), value))
            })
            .collect()
    }
}

/// A map whose keys are read one by one; [`Section::finish`] refuses the keys nobody asked for.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    path: String,
    origin: Rc<Origin>,
    entries: &'a [Entry],
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    fn new(path: String, origin: &Rc<Origin>, entries: &'a [Entry]) -> Self {
        Self { path, origin: Rc::clone(origin), entries, asked: RefCell::default() }
    }

    /// The dotted path of a key in this section.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where this section stands; line 1 of nothing for one that is in no file.
    pub(crate) fn location(&self) -> Location {
        match &*self.origin {
            Origin::File(location) => Location { column: 0, ..location.clone() },
            _ => Location { file: String::new(), line: 1, column: 0 },
        }
    }

    /// An error about this section as a whole.
    pub(crate) fn error(&self, message: impl AsRef<str>) -> Error {
        let message = message.as_ref();
        let text = if self.path.is_empty() {
            message.to_owned()
        } else {
            format!("{}: {message}", self.path)
        };
        error_at(&self.origin, text)
    }

    /// The value of `key`; `None` when the key is absent or its value is null.
    pub(crate) fn get(&self, key: &'static str) -> Option<Value<'a>> {
        self.get_even_null(key).filter(|value| !matches!(value.node.data, Data::Null))
    }

    /// The value of `key`, where null means something.
    pub(crate) fn get_even_null(&self, key: &'static str) -> Option<Value<'a>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(Value { path: self.path_of(key), node: &entry.value })
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// `Invalid` when it is absent or null.
    pub(crate) fn require(&self, key: &'static str) -> Result<Value<'a>> {
        self.get(key).ok_or_else(|| self.error(format!("{key} is missing")))
    }

    /// `read` of the value of `key`, if it is set.
    pub(crate) fn read<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.get(key).as_ref().map(read).transpose()
    }

    /// The text of `key`, empty when it is not set.
    pub(crate) fn text_or_empty(&self, key: &'static str) -> Result<String> {
        Ok(self.read(key, Value::text)?.unwrap_or_default())
    }

    /// Declares keys that are allowed but not read here.
    pub(crate) fn allow(&self, keys: &[&'static str]) {
        self.asked.borrow_mut().extend(keys);
    }

    /// The entries nobody asked for.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &'a Entry> {
        let asked = self.asked.borrow().clone();
        self.entries.iter().filter(move |entry| !asked.contains(&entry.key.as_str()))
    }

    /// Refuses keys that nobody asked for.
    ///
    /// # Errors
    /// `Invalid`, naming the first unknown key and the known key it resembles.
    pub(crate) fn finish(&self) -> Result<()> {
        let Some(entry) = self.unknown().next() else { return Ok(()) };
        let error = error_at(&entry.origin, format!("unknown key {}", self.path_of(&entry.key)));
        let known: BTreeSet<&str> = self.asked.borrow().iter().copied().collect();
        let all = || known.iter().copied().collect::<Vec<_>>().join(", ");
        Err(error.with_hint(match did_you_mean(&entry.key, known.iter().copied()) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("known keys here: {}", all()),
        }))
    }
}

fn error_at(origin: &Origin, message: String) -> Error {
    match origin {
        Origin::File(location) => {
            let place = Location { file: location.file.clone(), line: location.line, column: 0 };
            Error::invalid(message).with_location(place)
        }
        Origin::Environment(name) => {
            Error::invalid(format!("environment variable {name}: {message}"))
        }
        Origin::Flag(name) => Error::invalid(format!("flag {name}: {message}")),
        Origin::Default => Error::invalid(message),
    }
}
