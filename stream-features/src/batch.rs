//! Decoded events in columns: only the fields that the jobs of a source need.

use crate::scalar::{Scalar, ScalarType};

/// A text that is not there.
const NULL: (usize, usize) = (usize::MAX, usize::MAX);

#[derive(Debug, Clone)]
enum Column {
    Bool(Vec<Option<bool>>),
    Int(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    /// Where each text is in the arena.
    Text(Vec<(usize, usize)>, String),
}

/// A list of every event: which of the items are its elements.
#[derive(Debug, Clone)]
struct Lists {
    spans: Vec<(usize, usize)>,
    items: EventBatch,
}

/// Events of one partition, one after the other, in columns. Filling it again costs no allocation once it has grown.
///
/// The elements of a list of all events are a batch of their own.
#[derive(Debug, Clone)]
pub(crate) struct EventBatch {
    columns: Vec<Column>,
    lists: Vec<Lists>,
    rows: usize,
}

impl EventBatch {
    /// No events yet, with columns of these types.
    pub(crate) fn new(types: impl IntoIterator<Item = ScalarType>) -> Self {
        let column = |value_type| match value_type {
            ScalarType::Bool => Column::Bool(Vec::new()),
            ScalarType::Int => Column::Int(Vec::new()),
            ScalarType::Double => Column::Double(Vec::new()),
            ScalarType::Text => Column::Text(Vec::new(), String::new()),
        };
        Self { columns: types.into_iter().map(column).collect(), lists: Vec::new(), rows: 0 }
    }

    /// With lists whose elements are rows like these.
    pub(crate) fn with_lists(mut self, items: impl IntoIterator<Item = Self>) -> Self {
        let list = |items| Lists { spans: Vec::new(), items };
        self.lists = items.into_iter().map(list).collect();
        self
    }

    pub(crate) fn clear(&mut self) {
        self.rows = 0;
        for column in &mut self.columns {
            match column {
                Column::Bool(values) => values.clear(),
                Column::Int(values) => values.clear(),
                Column::Double(values) => values.clear(),
                Column::Text(spans, arena) => {
                    spans.clear();
                    arena.clear();
                }
            }
        }
        for list in &mut self.lists {
            list.spans.clear();
            list.items.clear();
        }
    }

    #[cfg(test)]
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Begins a row of nulls.
    pub(crate) fn begin_row(&mut self) {
        self.rows += 1;
        for column in &mut self.columns {
            match column {
                Column::Bool(values) => values.push(None),
                Column::Int(values) => values.push(None),
                Column::Double(values) => values.push(None),
                Column::Text(spans, _) => spans.push(NULL),
            }
        }
        for list in &mut self.lists {
            list.spans.push(NULL);
        }
    }

    /// Takes back the row last begun.
    pub(crate) fn abort_row(&mut self) {
        self.truncate(self.rows - 1);
    }

    fn truncate(&mut self, rows: usize) {
        self.rows = rows;
        for column in &mut self.columns {
            match column {
                Column::Bool(values) => values.truncate(rows),
                Column::Int(values) => values.truncate(rows),
                Column::Double(values) => values.truncate(rows),
                Column::Text(spans, _) => spans.truncate(rows),
            }
        }
        for list in &mut self.lists {
            let start = list.spans.drain(rows..).find(|span| *span != NULL);
            if let Some((start, _)) = start {
                list.items.truncate(start);
            }
        }
    }

    /// Begins the list of the row last begun. Its elements are rows that are begun in the batch that this answers, until
    /// [`end_list`](Self::end_list).
    pub(crate) fn begin_list(&mut self, list: usize) -> &mut Self {
        let Lists { spans, items } = &mut self.lists[list];
        if let Some(span) = spans.last_mut() {
            *span = (items.rows, items.rows);
        }
        items
    }

    /// The elements of a list that was begun.
    pub(crate) fn items_mut(&mut self, list: usize) -> &mut Self {
        &mut self.lists[list].items
    }

    /// Ends the list of the row last begun.
    pub(crate) fn end_list(&mut self, list: usize) {
        let Lists { spans, items } = &mut self.lists[list];
        if let Some(span) = spans.last_mut() {
            span.1 = items.rows;
        }
    }

    /// The rows of [`items`](Self::items) that are the elements of a row's list, `None` for no list.
    #[inline]
    pub(crate) fn elements(&self, row: usize, list: usize) -> Option<std::ops::Range<usize>> {
        let span = self.lists[list].spans[row];
        (span != NULL).then_some(span.0..span.1)
    }

    /// The elements of a list of all rows.
    #[inline]
    pub(crate) fn items(&self, list: usize) -> &Self {
        &self.lists[list].items
    }

    /// Sets a value of the row last begun. Panics when it is not of the column's type.
    #[inline]
    pub(crate) fn set(&mut self, column: usize, value: Scalar<'_>) {
        let at = self.rows - 1;
        match (&mut self.columns[column], value) {
            (Column::Bool(values), Scalar::Bool(truth)) => values[at] = Some(truth),
            (Column::Int(values), Scalar::Int(number)) => values[at] = Some(number),
            (Column::Double(values), Scalar::Double(number)) => values[at] = Some(number),
            (Column::Text(spans, arena), Scalar::Text(text)) => {
                let start = arena.len();
                arena.push_str(text);
                spans[at] = (start, arena.len());
            }
            (Column::Bool(values), Scalar::Null) => values[at] = None,
            (Column::Int(values), Scalar::Null) => values[at] = None,
            (Column::Double(values), Scalar::Null) => values[at] = None,
            (Column::Text(spans, _), Scalar::Null) => spans[at] = NULL,
            (column, value) => unreachable!("{value:?} is no value of {column:?}"),
        }
    }

    /// Sets a text to how something is written, without a string in between.
    pub(crate) fn set_display(&mut self, column: usize, value: impl std::fmt::Display) {
        use std::fmt::Write as _;
        let at = self.rows - 1;
        if let Column::Text(spans, arena) = &mut self.columns[column] {
            let start = arena.len();
            write!(arena, "{value}").expect("a string takes every text");
            spans[at] = (start, arena.len());
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize, column: usize) -> Scalar<'_> {
        match &self.columns[column] {
            Column::Bool(values) => values[row].map_or(Scalar::Null, Scalar::Bool),
            Column::Int(values) => values[row].map_or(Scalar::Null, Scalar::Int),
            Column::Double(values) => values[row].map_or(Scalar::Null, Scalar::Double),
            Column::Text(spans, _) if spans[row] == NULL => Scalar::Null,
            Column::Text(spans, arena) => Scalar::Text(&arena[spans[row].0..spans[row].1]),
        }
    }
}
