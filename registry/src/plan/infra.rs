//! Tables of a SQLite online store, which the registry records as infrastructure.

use std::collections::{BTreeMap, BTreeSet};

use larder_core::{Error, Result};
use larder_proto::feast::core::{Infra, InfraObject, SqliteTable, infra_object};
use larder_proto::wire::registry_file::{RegistryFile, RegistryList};
use prost::Message;

use super::Action;
use crate::repo_contents::RepoContents;

/// The Python class that Feast loads for a table.
const TABLE_CLASS: &str = "feast.infra.online_stores.sqlite.SqliteTable";

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfraTable {
    /// `{project}_{view}`.
    pub name: String,
    /// Absolute path of the database on the machine that applied.
    pub path: String,
}

/// A table that an apply would create, move or drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfraChange {
    /// What happens to it.
    pub action: Action,
    /// The table; of a moved one the new place.
    pub table: InfraTable,
    /// Old path of a moved table.
    pub old_path: Option<String>,
}

/// The tables that a repository needs: one per stored view.
pub(super) fn tables(contents: &RepoContents, path: &str) -> Vec<InfraTable> {
    let mut tables: Vec<_> = contents
        .feature_views
        .iter()
        .map(|view| InfraTable {
            name: format!("{}_{}", contents.project.name, view.value.name),
            path: path.to_owned(),
        })
        .collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    tables
}

/// What changes, and the tables afterwards if anything does.
pub(super) fn diff(
    file: &RegistryFile,
    project: &str,
    wanted: &[InfraTable],
) -> Result<(Vec<InfraChange>, Option<Vec<InfraTable>>)> {
    let recorded = tables_of(file, project)?;
    let existing: BTreeMap<&str, &str> =
        recorded.iter().map(|table| (table.name.as_str(), table.path.as_str())).collect();
    let mut changes = Vec::new();
    for table in wanted {
        match existing.get(table.name.as_str()) {
            None => changes.push(InfraChange {
                action: Action::Create,
                table: table.clone(),
                old_path: None,
            }),
            Some(path) if *path != table.path => changes.push(InfraChange {
                action: Action::Update,
                table: table.clone(),
                old_path: Some((*path).to_owned()),
            }),
            Some(_) => {}
        }
    }
    let names: BTreeSet<&str> = wanted.iter().map(|table| table.name.as_str()).collect();
    for (name, path) in existing.into_iter().filter(|(name, _)| !names.contains(name)) {
        let table = InfraTable { name: name.to_owned(), path: path.to_owned() };
        changes.push(InfraChange { action: Action::Delete, table, old_path: None });
    }
    let tables = (!changes.is_empty()).then(|| wanted.to_vec());
    Ok((changes, tables))
}

/// The encoded infrastructure with the tables of one project replaced. Everything else stays, that of other projects
/// too (Feast 0.67 drops it).
pub(crate) fn replaced(
    file: &RegistryFile,
    project: &str,
    tables: &[InfraTable],
) -> Result<Vec<u8>> {
    let mut infra = decode(file.infra())?;
    let owners = Owners::new(file);
    infra.infra_objects.retain(|object| {
        sqlite_table(object).is_none_or(|table| owners.owner(&table.name) != Some(project))
    });
    infra.infra_objects.extend(tables.iter().map(|table| InfraObject {
        infra_object_class_type: TABLE_CLASS.to_owned(),
        infra_object: Some(infra_object::InfraObject::SqliteTable(SqliteTable {
            path: table.path.clone(),
            name: table.name.clone(),
        })),
    }));
    Ok(infra.encode_to_vec())
}

/// The recorded tables of one project.
pub(crate) fn tables_of(file: &RegistryFile, project: &str) -> Result<Vec<InfraTable>> {
    let owners = Owners::new(file);
    let infra = decode(file.infra())?;
    let own = infra.infra_objects.iter().filter_map(sqlite_table);
    Ok(own
        .filter(|table| owners.owner(&table.name) == Some(project))
        .map(|table| InfraTable { name: table.name.clone(), path: table.path.clone() })
        .collect())
}

fn decode(infra: Option<&[u8]>) -> Result<Infra> {
    Infra::decode(infra.unwrap_or_default()).map_err(|error| {
        Error::data("the infrastructure in the registry cannot be decoded").with_source(error)
    })
}

fn sqlite_table(object: &InfraObject) -> Option<&SqliteTable> {
    match &object.infra_object {
        Some(infra_object::InfraObject::SqliteTable(table)) => Some(table),
        _ => None,
    }
}

/// Which project a table belongs to: the one with the longest name that the table's name starts with, so that a
/// project `shop` does not claim the tables of `shop_eu`.
struct Owners<'a>(Vec<&'a str>);

impl<'a> Owners<'a> {
    fn new(file: &'a RegistryFile) -> Self {
        let projects = file.objects(RegistryList::Projects).iter();
        Self(projects.map(larder_proto::wire::registry_file::StoredObject::name).collect())
    }

    fn owner(&self, table: &str) -> Option<&'a str> {
        let owns = |project: &&&str| {
            table.strip_prefix(**project).is_some_and(|rest| rest.starts_with('_'))
        };
        self.0.iter().filter(owns).max_by_key(|project| project.len()).copied()
    }
}
