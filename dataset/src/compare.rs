//! How two data sets differ, feature by feature.

use std::collections::BTreeMap;
use std::path::Path;

use larder_core::Result;
use serde::Serialize;
use serde_json::Value;

use crate::verify::file_changes;
use crate::{Column, ColumnOrigin, Definitions, EntityOrigin, Manifest, Source, read};

/// A value of a definition or request that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Change {
    /// Where it stands, names joined by dots.
    path: String,
    a: Value,
    b: Value,
}

/// How two data sets differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Rows of each.
    pub rows: (u64, u64),
    /// Whether both have the same entity rows in the same order.
    pub same_entity_rows: bool,
    /// What differs in the request, the program and the layout.
    pub request: Vec<String>,
    /// Per view what differs in its definition.
    pub definitions: BTreeMap<String, String>,
    /// Per source what differs in its files.
    pub sources: BTreeMap<String, String>,
    /// Columns that differ.
    pub columns: Vec<ColumnChange>,
}

/// How a column differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnChange {
    /// Its name.
    pub column: String,
    /// Its view, or `entity rows`.
    pub from: String,
    /// What differs.
    pub change: String,
    /// Rows with another value; `None` where the rows cannot be compared one by one.
    pub rows: Option<u64>,
    /// What may be the reason.
    pub because: Vec<String>,
}

impl Comparison {
    /// Compares the manifests in two folders, and the rows where they have the same entity rows in the same places.
    ///
    /// # Errors
    /// As [`Manifest::read`]; `Data` for files that are not what their manifest says.
    pub fn of(a: &Path, b: &Path) -> Result<Self> {
        let (folders, a, b) = ((a, b), Manifest::read(a)?, Manifest::read(b)?);
        let mut comparison = Self {
            rows: (a.rows, b.rows),
            same_entity_rows: a.entity_rows.digest == b.entity_rows.digest,
            request: request_changes(&a, &b),
            definitions: definition_changes(&a.definitions, &b.definitions)
                .into_iter()
                .map(|(view, changes)| (view, Change::list(&changes)))
                .collect(),
            sources: source_changes(&all_sources(&a), &all_sources(&b)),
            columns: Vec::new(),
        };
        comparison.columns = comparison.column_changes(&a, &b);
        if comparison.same_entity_rows {
            let changed = comparison.columns.iter().map(|change| change.column.clone());
            let shared =
                changed.filter(|name| a.column(name).is_some() && b.column(name).is_some());
            let rows = read::different_rows(
                (folders.0, &a),
                (folders.1, &b),
                &shared.collect::<Vec<_>>(),
            )?;
            for change in &mut comparison.columns {
                change.rows = rows.as_ref().and_then(|rows| rows.get(&change.column)).copied();
            }
        }
        Ok(comparison)
    }

    /// Whether both hold the same rows and columns.
    pub fn same_content(&self) -> bool {
        self.rows.0 == self.rows.1 && self.columns.is_empty()
    }

    /// Whether the manifests differ in nothing that matters.
    pub fn is_empty(&self) -> bool {
        self.same_content()
            && self.request.is_empty()
            && self.definitions.is_empty()
            && self.sources.is_empty()
    }

    fn column_changes(&self, a: &Manifest, b: &Manifest) -> Vec<ColumnChange> {
        let mut changes: Vec<ColumnChange> = Vec::new();
        for column in &a.columns {
            let change = match b.column(&column.name) {
                None => Some("is only in the first".to_owned()),
                Some(other) => difference(column, other),
            };
            changes.extend(change.map(|change| self.change(column, change, (a, b))));
        }
        let added = b.columns.iter().filter(|column| a.column(&column.name).is_none());
        changes.extend(
            added.map(|column| self.change(column, "is only in the second".to_owned(), (a, b))),
        );
        changes
    }

    fn change(
        &self,
        column: &Column,
        change: String,
        (a, b): (&Manifest, &Manifest),
    ) -> ColumnChange {
        let (from, mut because) = match &column.from {
            ColumnOrigin::Entity => ("entity rows".to_owned(), Vec::new()),
            ColumnOrigin::View(view) => (view.clone(), self.reasons(view, a)),
        };
        if !self.same_entity_rows && column.from != ColumnOrigin::Entity {
            because.push("the entity rows differ".to_owned());
        }
        if a.request.as_of != b.request.as_of && column.from != ColumnOrigin::Entity {
            because.push("they are as of different times".to_owned());
        }
        ColumnChange { column: column.name.clone(), from, change, rows: None, because }
    }

    /// What differs in what a view's features are made of; on-demand views are made of all views.
    fn reasons(&self, view: &str, a: &Manifest) -> Vec<String> {
        let mut because = Vec::new();
        if self.definitions.contains_key(view) {
            because.push(format!("the definition of \"{view}\" differs"));
        }
        let stored = a.definitions.views.iter().map(|view| &view.definition);
        let is_computed = stored.clone().all(|stored| stored.name != view);
        for stored in stored.filter(|stored| is_computed || stored.name == view) {
            if is_computed && self.definitions.contains_key(&stored.name) {
                because.push(format!("the definition of \"{}\" differs", stored.name));
            }
            if self.sources.contains_key(&stored.source) {
                because.push(format!("the files of source \"{}\" differ", stored.source));
            }
        }
        because
    }
}

impl Manifest {
    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

fn difference(a: &Column, b: &Column) -> Option<String> {
    if a.data_type != b.data_type {
        return Some(format!("is {} and then {}", a.data_type, b.data_type));
    }
    if a.digest == b.digest {
        return None;
    }
    let nulls = (a.nulls != b.nulls).then(|| format!(", {} null and then {}", a.nulls, b.nulls));
    Some(format!("has other values{}", nulls.unwrap_or_default()))
}

fn request_changes(a: &Manifest, b: &Manifest) -> Vec<String> {
    let facts = |manifest: &Manifest| {
        serde_json::json!({
            "larder_version": manifest.larder_version,
            "project": manifest.project,
            "request": manifest.request,
            "layout": manifest.layout,
        })
    };
    let changes = changes(&facts(a), &facts(b));
    changes.iter().map(Change::to_string).collect()
}

/// Per view of either what differs in its definition.
pub(crate) fn definition_changes(
    a: &Definitions,
    b: &Definitions,
) -> BTreeMap<String, Vec<Change>> {
    let named = |definitions: &Definitions| -> BTreeMap<String, Value> {
        let json = |definition: serde_json::Result<Value>| definition.unwrap_or(Value::Null);
        let views = definitions.views.iter().map(|view| {
            (view.definition.name.clone(), json(serde_json::to_value(&view.definition)))
        });
        let on_demand = definitions.on_demand.iter().map(|view| {
            (view.definition.name.clone(), json(serde_json::to_value(&view.definition)))
        });
        views.chain(on_demand).collect()
    };
    let (a, b) = (named(a), named(b));
    let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
    names
        .map(|name| {
            let side =
                |side: &BTreeMap<String, Value>| side.get(name).cloned().unwrap_or(Value::Null);
            (name.clone(), changes(&side(&a), &side(&b)))
        })
        .filter(|(_, changes)| !changes.is_empty())
        .collect()
}

fn all_sources(manifest: &Manifest) -> Vec<Source> {
    let queried = match &manifest.entity_rows.from {
        EntityOrigin::Query { sources, .. } => sources.as_slice(),
        _ => &[],
    };
    manifest.sources.iter().chain(queried).cloned().collect()
}

fn source_changes(a: &[Source], b: &[Source]) -> BTreeMap<String, String> {
    let files = |sources: &[Source], name: &str| {
        let source = sources.iter().find(|source| source.name == name);
        source.map(|source| source.files.clone()).unwrap_or_default()
    };
    let names = a.iter().chain(b).map(|source| source.name.as_str());
    let change = |name: &str| file_changes(&files(a, name), &files(b, name));
    names.filter_map(|name| Some((name.to_owned(), change(name)?))).collect()
}

/// The values that differ between two JSON values.
fn changes(a: &Value, b: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    collect("", a, b, &mut found);
    found
}

fn collect(path: &str, a: &Value, b: &Value, found: &mut Vec<Change>) {
    if a == b {
        return;
    }
    let (Value::Object(left), Value::Object(right)) = (a, b) else {
        found.push(Change { path: path.to_owned(), a: a.clone(), b: b.clone() });
        return;
    };
    let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
    for name in names {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let side =
            |side: &serde_json::Map<String, Value>| side.get(name).cloned().unwrap_or(Value::Null);
        collect(&below, &side(left), &side(right), found);
    }
}

impl Change {
    /// Changes in words.
    pub(crate) fn list(changes: &[Self]) -> String {
        let words: Vec<String> = changes.iter().map(Self::to_string).collect();
        words.join(", ")
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, a, b } = self;
        match (path.is_empty(), a.is_null(), b.is_null()) {
            (true, true, _) => f.write_str("is new"),
            (true, _, true) => f.write_str("is gone"),
            _ => write!(f, "{path}: {a} -> {b}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_found_at_any_depth_and_named_by_their_path() {
        let a = json!({"ttl_seconds": 86400.0, "features": {"rate": "DOUBLE", "trips": "INT64"}});
        let b = json!({"ttl_seconds": 3600.0, "features": {"rate": "FLOAT", "new": "INT64"}});
        let words = Change::list(&changes(&a, &b));
        assert_eq!(
            words,
            "ttl_seconds: 86400.0 -> 3600.0, features.rate: \"DOUBLE\" -> \"FLOAT\", \
             features.trips: \"INT64\" -> null, features.new: null -> \"INT64\""
        );
        assert_eq!(Change::list(&changes(&Value::Null, &a)), "is new");
        assert!(changes(&a, &a).is_empty());
    }
}
