//! Rows of a view in the online store.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use larder_core::{Error, FeatureView, Field, Result};
use larder_online_store::{OnlineStore, ViewTable, WriteGuard, WriteRows, WriteRowsBuilder};
use larder_proto::convert::{cast_value, encode_value};
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};

use super::{Covered, Sink};
use crate::definition::RowSchema;
use crate::operator::{Change, OutputRow, decode_key};

/// Writes the newest row of every key, of the features that the job computes; others of the view keep their values.
///
/// The store's guard keeps a row from replacing one of a later event time, so rows may be written again in any order.
#[derive(Debug)]
pub struct OnlineRows {
    store: Arc<dyn OnlineStore>,
    table: ViewTable,
    layout: EntityKeyLayout,
    keys: Vec<Field>,
    /// Positions of the row's values with the features that they are.
    features: Vec<(usize, Field)>,
    guard: WriteGuard,
}

impl OnlineRows {
    /// Rows of this shape for a view that [`check_view`](crate::JobDefinition::check_view) found fit, kept under the
    /// storage name of the view.
    ///
    /// # Errors
    /// `Invalid` when features of the view clash in the store.
    pub fn new(
        store: Arc<dyn OnlineStore>,
        (project, table): (&str, &str),
        view: &FeatureView,
        row: &RowSchema,
        version: EntityKeyVersion,
        guard: WriteGuard,
    ) -> Result<Self> {
        let features: Vec<(usize, Field)> = features(view, row);
        let table =
            ViewTable::of_view(project, table, view, features.iter().map(|(_, field)| field))?;
        let key = |name: &str| view.entity_columns.iter().find(|key| key.name == name).cloned();
        let keys: Vec<Field> = row.key.iter().filter_map(|field| key(&field.name)).collect();
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        let layout = EntityKeyLayout::new(version, &names)?;
        Ok(Self { store, table, layout, keys, features, guard })
    }

    fn encode(&self, rows: &[&OutputRow]) -> Result<WriteRows> {
        let mut built = WriteRowsBuilder::with_capacity(&self.table, rows.len());
        let (mut key, mut bytes) = (Vec::new(), Vec::new());
        for row in rows {
            let typed = decode_key(&row.key)?.into_iter().zip(&self.keys);
            let values = typed
                .map(|(value, field)| cast_value(value, field.value_type))
                .collect::<Result<Vec<_>>>()?;
            key.clear();
            self.layout.encode_into(&values, &mut key)?;
            built.begin_row(&key, row.time, None)?;
            for (index, (position, field)) in self.features.iter().enumerate() {
                bytes.clear();
                let value = cast_value(row.values[*position].clone(), field.value_type);
                encode_value(&value.map_err(|error| about(error, field))?, &mut bytes)?;
                built.set(index, &bytes)?;
            }
        }
        Ok(built.finish())
    }
}

/// The values of a row that the view has as features, under the view's types.
pub(super) fn features(view: &FeatureView, row: &RowSchema) -> Vec<(usize, Field)> {
    let values = row.values.iter().enumerate();
    values.filter_map(|(at, value)| Some((at, view.feature(&value.name)?.clone()))).collect()
}

fn about(error: Error, field: &Field) -> Error {
    error.context(format_args!("feature \"{}\"", field.name))
}

#[async_trait]
impl Sink for OnlineRows {
    fn kind(&self) -> &'static str {
        "online"
    }

    /// Rows that were seen before their commit are told again, the same.
    async fn restore(&mut self, _: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    async fn write(&mut self, rows: &[OutputRow]) -> Result<()> {
        let mut newest: HashMap<&[u8], &OutputRow> = HashMap::new();
        // A session that is part of another now has a row that is no later than the other's, which takes its place.
        for row in rows.iter().filter(|row| row.change != Change::Withdraw) {
            let known = newest.entry(&row.key).or_insert(row);
            if row.time >= known.time {
                *known = row;
            }
        }
        let mut rows: Vec<&OutputRow> = newest.into_values().collect();
        if rows.is_empty() {
            return Ok(());
        }
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        self.store.write(&self.table, &self.encode(&rows)?, self.guard).await.map(drop)
    }

    async fn flush(&mut self, _: Covered) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    async fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
