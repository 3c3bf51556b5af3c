//! What a request asks for, checked: how many rows it has and what their columns hold.

use std::ops::Range;

use larder_core::{
    Catalog, Compat, DUMMY_JOIN_KEY, Error, ErrorKind, ObjectKind, Result, Subject, Timestamp,
    ValueType,
};
use larder_proto::convert::EncodedColumn;

use super::prepared::{PreparedPlan, SharedPlan};
use super::read::TypedColumns;
use super::{EchoedColumn, OnlineRequest};

/// A request that was found to make sense.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: SharedPlan,
    pub(super) columns: TypedColumns,
    pub(super) echoed: EchoedColumns,
    pub(crate) rows: usize,
    pub(super) now: Timestamp,
    /// How rows are judged and statuses are answered.
    pub(crate) compat: Compat,
    pub(super) include_view_versions: bool,
}

impl Planned {
    pub(super) fn columns_of(&self, range: Range<usize>) -> TypedColumns {
        if range.len() == self.rows { self.columns.clone() } else { self.columns.rows(range) }
    }

    pub(super) fn echo(&self, columns: &TypedColumns) -> Result<Vec<EchoedColumn>> {
        let echoed = self.echoed.iter().map(|(name, value_type, column)| {
            let values = EncodedColumn::of_values(columns.column(*column))?;
            Ok(EchoedColumn { name: name.clone(), value_type: *value_type, values })
        });
        echoed.collect()
    }
}

/// The limit that a number of rows is held against, for its message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// What is counted.
    pub(crate) what: &'static str,
    /// The setting.
    pub(crate) setting: &'static str,
}

impl Limit {
    /// Entity rows of an ordinary request.
    pub(super) const ENTITY_ROWS: Self = Self { what: "entity rows", setting: "entity_rows" };
}

/// How many entity rows a request has.
pub(super) fn row_count(
    request: &OnlineRequest,
    plan: &PreparedPlan,
    limit: Limit,
    max_rows: usize,
) -> Result<usize> {
    let rows = request.rows()?;
    if rows > max_rows {
        let Limit { what, setting } = limit;
        return Err(Error::invalid(format!("{rows} {what} are more than the limit of {max_rows}"))
            .with_hint(format!("split the request, or raise serving.limits.{setting}")));
    }
    if rows > 0 {
        return Ok(rows);
    }
    if request.columns.is_empty()
        && plan.keys.iter().all(|keys| keys.entityless)
        && plan.plan.request_columns.is_empty()
    {
        return Ok(1);
    }
    Err(missing_join_keys(plan, request))
}

/// Name, type and position of each.
pub(super) type EchoedColumns = Vec<(String, ValueType, usize)>;

/// Types the request's columns and picks those that are echoed.
///
/// Feast 0.67 echoes every join key of the project, needed or not, takes entity names for join keys,
/// drops what it does not know, and is content with some of the join keys of a view.
pub(super) fn typed_columns(
    catalog: &Catalog,
    plan: &PreparedPlan,
    request: &OnlineRequest,
    compat: Compat,
) -> Result<(TypedColumns, EchoedColumns)> {
    let mut columns = TypedColumns::default();
    let mut echoed = Vec::new();
    for column in &request.columns {
        if let Some((name, value_type)) = join_key(catalog, plan, &column.name) {
            let values = column.values.typed(&column.name, value_type)?;
            if name != DUMMY_JOIN_KEY {
                echoed.push((name.to_owned(), value_type, columns.len()));
            }
            columns.insert(name, values);
        } else if let Some(field) =
            plan.plan.request_columns.iter().find(|field| field.name == column.name)
        {
            columns.insert(&column.name, column.values.typed(&column.name, field.value_type)?);
        }
    }
    if compat == Compat::Larder || echoed.is_empty() {
        check_join_keys(plan, request, &columns)?;
    }
    check_request_data(plan, &columns)?;
    Ok((columns, echoed))
}

fn join_key<'a>(
    catalog: &'a Catalog,
    plan: &'a PreparedPlan,
    name: &'a str,
) -> Option<(&'a str, ValueType)> {
    let planned =
        plan.plan.views.iter().flat_map(|view| &view.join_keys).find(|key| key.column == name);
    if let Some(key) = planned {
        return Some((&key.column, key.value_type));
    }
    if let Some((key, &value_type)) = catalog.join_keys().get_key_value(name) {
        return Some((key, value_type));
    }
    let entity = catalog.entities().get(name)?;
    let value_type =
        catalog.join_keys().get(&entity.join_key).copied().unwrap_or(entity.value_type);
    Some((&entity.join_key, value_type))
}

fn check_join_keys(
    plan: &PreparedPlan,
    request: &OnlineRequest,
    columns: &TypedColumns,
) -> Result<()> {
    let lacking = plan.keys.iter().any(|keys| {
        !keys.entityless && keys.columns.iter().any(|column| columns.get(column).is_none())
    });
    if lacking { Err(missing_join_keys(plan, request)) } else { Ok(()) }
}

fn missing_join_keys(plan: &PreparedPlan, request: &OnlineRequest) -> Error {
    let mut missing: Vec<&str> = plan
        .plan
        .views
        .iter()
        .flat_map(|view| &view.join_keys)
        .map(|key| key.column.as_str())
        .filter(|key| *key != DUMMY_JOIN_KEY)
        .filter(|key| {
            request.columns.iter().all(|column| column.name != *key || column.values.is_empty())
        })
        .collect();
    missing.sort_unstable();
    missing.dedup();
    Error::invalid(format!("missing join key values for {}", missing.join(", ")))
        .with_hint("give one column per join key, with one value per entity row")
}

fn check_request_data(plan: &PreparedPlan, columns: &TypedColumns) -> Result<()> {
    match plan.plan.request_columns.iter().find(|field| columns.get(&field.name).is_none()) {
        None => Ok(()),
        Some(field) => Err(Error::new(
            ErrorKind::NotFound,
            format!("request data \"{}\" is missing", field.name),
        )
        .with_subject(Subject {
            kind: ObjectKind::RequestData,
            name: field.name.clone(),
            project: String::new(),
        })),
    }
}
