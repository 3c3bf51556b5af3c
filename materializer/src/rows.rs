//! From batches of the offline store to rows of the online store.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch, StringArray};
use larder_core::{DUMMY_JOIN_KEY, Error, FeatureView, Field, Result, Timestamp, ValueType};
use larder_offline_store::{Instants, PullRequest};
use larder_online_store::{ViewTable, WriteRows, WriteRowsBuilder};
use larder_proto::convert::{EncodedColumn, encode_column};
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};

use crate::key_column::KeyColumn;

/// How the batches of one view become rows: prepared once, used for every batch.
#[derive(Debug)]
pub(crate) struct RowEncoder {
    view: String,
    table: ViewTable,
    layout: EntityKeyLayout,
    /// Join keys and features, with the columns of the batches that hold them.
    keys: Vec<(String, Field)>,
    features: Vec<(String, Field)>,
    times: Times,
}

/// When the rows of a view happened.
#[derive(Debug)]
enum Times {
    /// As these columns say.
    Columns { event: String, created: Option<String> },
    /// All at once, when they were computed (Feast 0.67: the time of the write, whatever the inputs' times).
    At(Timestamp),
}

/// Rows of one batch that can be stored, and how many could not.
#[derive(Debug)]
pub(crate) struct EncodedRows {
    pub(crate) rows: WriteRows,
    /// Rows of the batch.
    pub(crate) read: u64,
    pub(crate) null_keys: u64,
}

impl RowEncoder {
    /// Prepares for what `request` answers about `view`, stored under `table`.
    ///
    /// # Errors
    /// `Invalid` when a join key or a feature is declared twice.
    pub(crate) fn new(
        view: &FeatureView,
        table: ViewTable,
        request: &PullRequest,
        version: EntityKeyVersion,
    ) -> Result<Self> {
        let keys = request.join_keys.iter().cloned().zip(view.entity_columns.iter().cloned());
        let features = request.features.iter().cloned().zip(view.features.iter().cloned());
        let times = Times::Columns {
            event: request.timestamp_field.clone(),
            created: request.created_timestamp_column.clone(),
        };
        Self::over(view, table, version, keys.collect(), features.collect(), times)
    }

    /// Prepares for what was computed of an on-demand view at this time: columns are called as in the view.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn of_computed(
        view: &FeatureView,
        table: ViewTable,
        version: EntityKeyVersion,
        now: Timestamp,
    ) -> Result<Self> {
        let named = |fields: &[Field]| {
            fields.iter().map(|field| (field.name.clone(), field.clone())).collect()
        };
        let (keys, features) = (named(&view.entity_columns), named(&view.features));
        Self::over(view, table, version, keys, features, Times::At(now))
    }

    fn over(
        view: &FeatureView,
        table: ViewTable,
        version: EntityKeyVersion,
        keys: Vec<(String, Field)>,
        features: Vec<(String, Field)>,
        times: Times,
    ) -> Result<Self> {
        let keys = if view.is_entityless() {
            let dummy = Field::new(DUMMY_JOIN_KEY, ValueType::String);
            vec![(DUMMY_JOIN_KEY.to_owned(), dummy)]
        } else {
            keys
        };
        let names: Vec<&str> = keys.iter().map(|(_, field)| field.name.as_str()).collect();
        let layout = EntityKeyLayout::new(version, &names)?;
        Ok(Self { view: view.name.clone(), table, layout, keys, features, times })
    }

    /// Where the rows go.
    pub(crate) fn table(&self) -> &ViewTable {
        &self.table
    }

    /// Encodes one batch. Rows with a null in a join key are left out and counted: Feast 0.67 fails the
    /// whole view on the first (mat03).
    ///
    /// # Errors
    /// `Invalid` when a column is missing or does not hold the declared type, naming view and column.
    pub(crate) fn encode(&self, batch: &RecordBatch) -> Result<EncodedRows> {
        let keys = self
            .keys
            .iter()
            .map(|(column, field)| match batch.column_by_name(column) {
                // What is computed of rows without a key has none either.
                None if column == DUMMY_JOIN_KEY => {
                    let one: ArrayRef = Arc::new(StringArray::from(vec![""; batch.num_rows()]));
                    KeyColumn::new(field, &one)
                }
                _ => KeyColumn::new(field, self.column(batch, column)?),
            })
            .collect::<Result<Vec<_>>>()
            .map_err(|error| self.about(&error))?;
        let features = self
            .features
            .iter()
            .map(|(column, field)| self.feature(batch, column, field))
            .collect::<Result<Vec<_>>>()?;
        let times = self.row_times(batch)?;
        let mut rows = WriteRowsBuilder::with_capacity(&self.table, batch.num_rows());
        let mut key = Vec::new();
        let mut null_keys = 0;
        for row in 0..batch.num_rows() {
            key.clear();
            if !self.key_of(&keys, row, &mut key)? {
                null_keys += 1;
                continue;
            }
            let Some((event, created)) = times.of(row) else { continue };
            rows.begin_row(&key, event, created)?;
            for (index, column) in features.iter().enumerate() {
                rows.set(index, column.get(row))?;
            }
        }
        let read = batch.num_rows() as u64;
        Ok(EncodedRows { rows: rows.finish(), read, null_keys })
    }

    /// Encodes the key of a row; false when it is null somewhere.
    fn key_of(&self, keys: &[KeyColumn], row: usize, out: &mut Vec<u8>) -> Result<bool> {
        if keys.iter().any(|column| column.value(row).is_none()) {
            return Ok(false);
        }
        let value =
            |index: usize| Ok(keys[index].value(row).expect("nulls were looked for just before"));
        self.layout.encode_with(value, out).map_err(|error| self.about(&error))?;
        Ok(true)
    }

    fn feature(&self, batch: &RecordBatch, column: &str, field: &Field) -> Result<EncodedColumn> {
        let array = self.column(batch, column)?;
        let value_type = match field.value_type {
            ValueType::Unknown => ValueType::from_arrow(array.data_type())?,
            declared => declared,
        };
        encode_column(array, value_type).map_err(|error| {
            self.about(&error.context(format_args!(
                "column \"{column}\" ({}) cannot be read as {}",
                array.data_type(),
                value_type.name()
            )))
        })
    }

    fn row_times(&self, batch: &RecordBatch) -> Result<RowTimes> {
        Ok(match &self.times {
            Times::At(now) => RowTimes::At(now.micros()),
            Times::Columns { event, created } => RowTimes::Each {
                event: self.times(batch, event)?,
                created: created.as_ref().map(|name| self.times(batch, name)).transpose()?,
            },
        })
    }

    fn times(&self, batch: &RecordBatch, column: &str) -> Result<Instants> {
        let read = self.column(batch, column).and_then(Instants::read);
        read.map_err(|error| self.about(&error.context(format_args!("column \"{column}\""))))
    }

    fn column<'a>(&self, batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
        batch.column_by_name(name).ok_or_else(|| {
            Error::invalid(format!(
                "feature view \"{}\": the offline store answered no column \"{name}\"",
                self.view
            ))
        })
    }

    /// The error again, naming the view.
    fn about(&self, error: &Error) -> Error {
        let named = Error::new(error.kind(), error.to_string())
            .context(format_args!("feature view \"{}\"", self.view));
        match error.hint() {
            Some(hint) => named.with_hint(hint),
            None => named,
        }
    }
}

/// Times of the rows of one batch.
enum RowTimes {
    Each { event: Instants, created: Option<Instants> },
    At(i64),
}

impl RowTimes {
    /// Event and created time of a row; `None` for one without event time.
    fn of(&self, row: usize) -> Option<(i64, Option<i64>)> {
        match self {
            Self::At(now) => Some((*now, Some(*now))),
            Self::Each { event, created } => {
                Some((micros(event, row)?, created.as_ref().and_then(|times| micros(times, row))))
            }
        }
    }
}

/// The instant of a row in UTC microseconds, rounded down: Feast's resolution online.
fn micros(times: &Instants, row: usize) -> Option<i64> {
    let nanos = times.nanos(row)?;
    Some(larder_offline_store::floor_ticks(nanos, arrow_schema::TimeUnit::Microsecond))
}
