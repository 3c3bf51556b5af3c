//! Where the features of a table lie in the rows of one schema.

use larder_core::Result;

use super::column::Form;
use super::schema::RowSchema;
use super::stored::Header;
use crate::{ReadRows, ViewTable};

/// A schema, and where a table's features are in it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) schema: RowSchema,
    /// Per feature, `None` for one that rows of this schema do not have.
    places: Vec<Option<Place>>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    column: usize,
    form: Form,
    at: usize,
}

impl Plan {
    pub(super) fn new(table: &ViewTable, schema: RowSchema) -> Self {
        let place = |hash| {
            let column = schema.find(hash)?;
            let (form, at) = (schema.columns()[column].form(), schema.place(column));
            Some(Place { column, form, at })
        };
        let places = table.features().iter().map(|feature| place(feature.hash)).collect();
        Self { schema, places }
    }

    /// The form of each feature's values.
    pub(super) fn forms(&self) -> impl Iterator<Item = Option<Form>> {
        self.places.iter().map(|place| place.map(|place| place.form))
    }

    /// Sets the cells of a row that was begun.
    pub(super) fn set_row(
        &self,
        header: &Header<'_>,
        row: usize,
        rows: &mut ReadRows,
    ) -> Result<()> {
        let columns = header.columns(&self.schema)?;
        let mut value = Vec::new();
        let cells = rows.cells_mut();
        for (feature, place) in self.places.iter().enumerate() {
            let Some(Place { column, form, at }) = *place else { continue };
            if columns.is_left_out(column) {
                continue;
            }
            match form {
                Form::Variable => cells.set_at(row, feature, columns.variable[at])?,
                _ if columns.is_null(column) => cells.set_at(row, feature, &[])?,
                _ => {
                    value.clear();
                    form.put(&columns.fixed[at..at + form.width()], &mut value);
                    cells.set_at(row, feature, &value)?;
                }
            }
        }
        Ok(())
    }

    /// Sets the cells of rows that were begun, from `first` on, column by column: each is what
    /// [`plain`](Header::plain) gave.
    pub(super) fn set_plain(
        &self,
        bodies: &[&[u8]],
        first: usize,
        rows: &mut ReadRows,
    ) -> Result<()> {
        for (feature, place) in self.places.iter().enumerate() {
            let Some(Place { form, at, .. }) = *place else { continue };
            match form {
                Form::Double => fill::<8>(feature, (bodies, at), first, rows)?,
                Form::Float => fill::<4>(feature, (bodies, at), first, rows)?,
                _ => {
                    let mut value = Vec::with_capacity(11);
                    for (row, body) in bodies.iter().enumerate() {
                        value.clear();
                        form.put(&body[at..at + form.width()], &mut value);
                        rows.cells_mut().set_at(first + row, feature, &value)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Fills a column with what each of these rows has at one place.
fn fill<const N: usize>(
    feature: usize,
    (bodies, at): (&[&[u8]], usize),
    first: usize,
    rows: &mut ReadRows,
) -> Result<()> {
    let values = bodies.iter().filter_map(|body| body[at..].first_chunk::<N>());
    if let Some(slots) = rows.cells_mut().slots(feature) {
        slots.put_all(first, values);
        return Ok(());
    }
    // The column had to give its slots up.
    let form = if N == 8 { Form::Double } else { Form::Float };
    let mut value = Vec::with_capacity(N + 1);
    for (row, raw) in values.enumerate() {
        value.clear();
        form.put(raw, &mut value);
        rows.cells_mut().set_at(first + row, feature, &value)?;
    }
    Ok(())
}
