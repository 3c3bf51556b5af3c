//! Stored rows as the columns of an answer.

use larder_core::{Error, Result};

use super::column::Form;
use super::plan::Plan;
use super::schema::{Digest, RowSchema};
use super::stored::{Header, StoredRow};
use crate::backend::packed_row::Selection;
use crate::{ReadRows, ViewTable};

/// Bytes that no reader takes for a value: what stands for each value of a row that cannot be understood.
const UNREADABLE: &[u8] = &[0xff];

/// Unpacks the rows of one table.
#[derive(Debug)]
pub(in super::super) struct RowReader<'t> {
    table: &'t ViewTable,
    /// Of rows as they are written now.
    current: Plan,
    /// Of rows of other schemas.
    others: Vec<Plan>,
    /// For rows of version 1.
    hashed: Option<Selection>,
}

impl<'t> RowReader<'t> {
    pub(in super::super) fn new(table: &'t ViewTable) -> Self {
        let current = Plan::new(table, RowSchema::of(table));
        Self { table, current, others: Vec::new(), hashed: None }
    }

    /// Learns another schema of the view.
    pub(in super::super) fn learn(&mut self, schema: RowSchema) {
        if self.plan(schema.digest()).is_none() {
            self.others.push(Plan::new(self.table, schema));
        }
    }

    /// The digests in these rows whose schemas it does not know, each once.
    pub(in super::super) fn unknown(&self, stored: &[Option<&[u8]>]) -> Vec<Digest> {
        let mut unknown = Vec::new();
        for bytes in stored.iter().flatten() {
            if let Some(Header { digest, .. }) = Header::parse(bytes)
                && self.plan(digest).is_none()
                && !unknown.contains(&digest)
            {
                unknown.push(digest);
            }
        }
        unknown
    }

    /// An empty answer with room for so many rows.
    pub(in super::super) fn answer(&self, rows: usize) -> ReadRows {
        ReadRows::with_slots(rows, self.current.forms().map(|form| form.and_then(Form::slot)))
    }

    /// An answer with these rows, `None` for an entity without one. Of a row that cannot be understood every value is
    /// unreadable.
    ///
    /// # Errors
    /// `Invalid` when the answer passes 4 GiB.
    pub(in super::super) fn rows(&mut self, stored: &[Option<&[u8]>]) -> Result<ReadRows> {
        let mut rows = self.answer(stored.len());
        let mut bodies = Vec::with_capacity(stored.len());
        let mut at = 0;
        while let Some(bytes) = stored.get(at) {
            let begin = at;
            bodies.clear();
            while let Some((body, event)) = stored.get(at).and_then(|bytes| self.plain((*bytes)?)) {
                rows.begin_row(Some(event));
                bodies.push(body);
                at += 1;
            }
            if at > begin {
                self.current.set_plain(&bodies, begin, &mut rows)?;
                continue;
            }
            match bytes {
                None => rows.begin_row(None),
                Some(bytes) => {
                    if self.push(bytes, &mut rows).is_err() {
                        set_unreadable(bytes, at, &mut rows)?;
                    }
                }
            }
            at += 1;
        }
        Ok(rows)
    }

    /// Appends a row.
    ///
    /// # Errors
    /// `Data` when it cannot be understood: then it may have been begun.
    pub(in super::super) fn push(&mut self, bytes: &[u8], rows: &mut ReadRows) -> Result<()> {
        match StoredRow::parse(bytes)? {
            StoredRow::Hashed(row) => {
                let table = self.table;
                self.hashed.get_or_insert_with(|| Selection::new(table)).unpack(&row, rows)
            }
            StoredRow::Compact(header) => {
                let plan = self.plan(header.digest).ok_or_else(|| unknown_schema(header.digest))?;
                rows.begin_row(Some(header.times.event));
                plan.set_row(&header, rows.len() - 1, rows)
            }
        }
    }

    /// The columns and the event time of a row that has all of them, as rows are written now.
    #[inline]
    fn plain<'a>(&self, bytes: &'a [u8]) -> Option<(&'a [u8], i64)> {
        let header = Header::parse(bytes)?;
        if header.digest != self.current.schema.digest() {
            return None;
        }
        Some((header.plain(&self.current.schema)?, header.times.event))
    }

    fn plan(&self, digest: Digest) -> Option<&Plan> {
        std::iter::once(&self.current)
            .chain(&self.others)
            .find(|plan| plan.schema.digest() == digest)
    }
}

/// Lets row `at`, which may have been begun, exist without a value that can be read.
fn set_unreadable(bytes: &[u8], at: usize, rows: &mut ReadRows) -> Result<()> {
    if rows.len() == at {
        rows.begin_row(Some(StoredRow::parse(bytes).map_or(0, |row| row.times().event)));
    }
    (0..rows.features()).try_for_each(|feature| rows.cells_mut().set_at(at, feature, UNREADABLE))
}

fn unknown_schema(digest: Digest) -> Error {
    let digest = hex::encode(digest);
    Error::data(format!("a stored row has the schema {digest}, which redis does not know"))
        .with_hint("materialize the view again: what is written replaces such rows")
}
