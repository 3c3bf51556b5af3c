//! The tree.

use std::fmt;
use std::rc::Rc;

use larder_core::Location;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file, at this line.
    File(Location),
    /// In this environment variable.
    Environment(&'static str),
    /// By this command-line flag.
    Flag(&'static str),
    /// Nowhere: the built-in value.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(location) => write!(f, "{}:{}", location.file, location.line),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and the place where it was set.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) origin: Rc<Origin>,
    pub(crate) data: Data,
}

/// A key of a map with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key stands (a value may start lines below it).
    pub(crate) origin: Rc<Origin>,
    pub(crate) value: Node,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

impl Data {
    /// The words for it in messages.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    pub(crate) fn new(origin: &Rc<Origin>, data: Data) -> Self {
        Self { origin: Rc::clone(origin), data }
    }

    /// The value under `key`, `None` when this is no map or lacks the key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.data {
            Data::Map(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.value),
            _ => None,
        }
    }

    /// Sets the value at a dotted path, making maps on the way; a value in the way is replaced.
    pub(crate) fn set(&mut self, path: &[&str], value: Self) {
        let Some((key, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        if !matches!(self.data, Data::Map(_)) {
            *self = Self::new(&value.origin, Data::Map(Vec::new()));
        }
        let Data::Map(entries) = &mut self.data else { return };
        if let Some(entry) = entries.iter_mut().find(|entry| entry.key == *key) {
            return entry.value.set(rest, value);
        }
        let origin = Rc::clone(&value.origin);
        let mut child = Self::new(&origin, Data::Null);
        child.set(rest, value);
        entries.push(Entry { key: (*key).to_owned(), origin, value: child });
    }

    /// Lays `upper` over this tree: maps merge key by key, anything else is replaced.
    pub(crate) fn overlay(&mut self, upper: Self) {
        match (&mut self.data, upper.data) {
            (Data::Map(entries), Data::Map(uppers)) => {
                for entry in uppers {
                    match entries.iter_mut().find(|e| e.key == entry.key) {
                        Some(existing) => existing.value.overlay(entry.value),
                        None => entries.push(entry),
                    }
                }
            }
            (_, data) => *self = Self { origin: upper.origin, data },
        }
    }
}

/// A tree as the parser sees it: line and column instead of an origin.
pub(super) struct RawNode {
    line: u32,
    column: u32,
    data: RawData,
}

enum RawData {
    Leaf(Data),
    List(Vec<RawNode>),
    Map(Vec<(RawNode, RawNode)>),
}

impl RawNode {
    /// Names the file in every origin.
    pub(super) fn into_node(self, file: &str) -> Node {
        let origin = Rc::new(Origin::File(Location {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
        }));
        let data = match self.data {
            RawData::Leaf(data) => data,
            RawData::List(items) => {
                Data::List(items.into_iter().map(|item| item.into_node(file)).collect())
            }
            RawData::Map(pairs) => Data::Map(
                pairs
                    .into_iter()
                    .map(|(key, value)| {
                        let key = key.into_node(file);
                        let name = key.key_text();
                        Entry { key: name, origin: key.origin, value: value.into_node(file) }
                    })
                    .collect(),
            ),
        };
        Node { origin, data }
    }
}

impl Node {
    /// A key as text, whatever YAML takes it for (`1:`, `true:`).
    fn key_text(&self) -> String {
        match &self.data {
            Data::Text(text) => text.clone(),
            Data::Bool(value) => value.to_string(),
            Data::Int(value) => value.to_string(),
            Data::Float(value) => value.to_string(),
            Data::Null | Data::List(_) | Data::Map(_) => String::new(),
        }
    }
}

impl<'de> Deserialize<'de> for RawNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<RawData>::deserialize(deserializer)?;
        let place = spanned.referenced;
        Ok(Self {
            line: u32::try_from(place.line()).unwrap_or(u32::MAX),
            column: u32::try_from(place.column()).unwrap_or(u32::MAX),
            data: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for RawData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = RawData;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<RawData, E> {
        Ok(RawData::Leaf(Data::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawData, E> {
        Ok(RawData::Leaf(Data::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawData, E> {
        Ok(RawData::Leaf(Data::Int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawData, E> {
        let data = i64::try_from(value).map_or(Data::Float(value as f64), Data::Int);
        Ok(RawData::Leaf(data))
    }

    fn visit_f64<E>(self, value: f64) -> Result<RawData, E> {
        Ok(RawData::Leaf(Data::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawData, E> {
        Ok(RawData::Leaf(Data::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<RawData, E> {
        Ok(RawData::Leaf(Data::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<RawData, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<RawNode>()? {
            items.push(item);
        }
        Ok(RawData::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawData, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry::<RawNode, RawNode>()? {
            pairs.push(pair);
        }
        Ok(RawData::Map(pairs))
    }
}
