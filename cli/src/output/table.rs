//! Tables as Feast's CLI prints them (tabulate's "plain" format).

use serde_json::{Map, Value};

/// A header and rows of as many cells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// One cell: its value for JSON, and how it looks in a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    value: Value,
    shown: String,
}

impl Cell {
    /// A cell that looks different from its value.
    pub(crate) fn shown_as(value: impl Into<Value>, shown: impl Into<String>) -> Self {
        Self { value: value.into(), shown: shown.into() }
    }
}

/// Text is shown as it is, null as nothing, a list with commas between, everything else as JSON.
impl<V: Into<Value>> From<V> for Cell {
    fn from(value: V) -> Self {
        let value = value.into();
        Self { shown: cell_text(&value), value }
    }
}

/// Blanks between columns.
const GAP: &str = "  ";
/// A column is at least this much wider than its header.
const HEADER_PADDING: usize = 2;

impl Table {
    /// An empty table.
    pub(crate) fn new<const N: usize>(header: [&'static str; N]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn push<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.header.len(), "a row has as many cells as the header");
        self.rows.push(cells.into());
    }

    /// The rows as text, header first, without trailing blanks.
    pub(crate) fn to_text(&self) -> String {
        let rows: Vec<Vec<&str>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.shown.as_str()).collect())
            .collect();
        let widths: Vec<usize> = self
            .header
            .iter()
            .enumerate()
            .map(|(column, name)| {
                let cells = rows.iter().map(|row| width(row[column]));
                cells.max().unwrap_or(0).max(width(name) + HEADER_PADDING)
            })
            .collect();
        let header = self.header.clone();
        let lines: Vec<String> = std::iter::once(&header)
            .chain(&rows)
            .map(|row| padded(row.as_slice(), &widths))
            .collect();
        lines.join("\n")
    }

    /// One object per row; keys are the header in lower case with underscores.
    pub(crate) fn to_json(&self) -> Value {
        let keys: Vec<String> =
            self.header.iter().map(|name| name.to_lowercase().replace(' ', "_")).collect();
        let object = |row: &Vec<Cell>| {
            let values = row.iter().map(|cell| cell.value.clone());
            Value::Object(keys.iter().cloned().zip(values).collect::<Map<_, _>>())
        };
        Value::Array(self.rows.iter().map(object).collect())
    }
}

fn cell_text(cell: &Value) -> String {
    match cell {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(cell_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn padded(row: &[&str], widths: &[usize]) -> String {
    let mut line = String::new();
    for (index, (cell, &cell_width)) in row.iter().zip(widths).enumerate() {
        if index > 0 {
            line.push_str(GAP);
        }
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', cell_width - width(cell)));
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_padded_as_feast_pads_them() {
        let mut table = Table::new(["NAME", "DESCRIPTION", "TYPE"]);
        table.push(["user".into(), "A registered shopper".into(), "ValueType.INT64".into()]);
        table.push(["product_id".into(), "".into(), "ValueType.STRING".into()]);
        let expected = "\
NAME        DESCRIPTION           TYPE
user        A registered shopper  ValueType.INT64
product_id                        ValueType.STRING";
        assert_eq!(table.to_text(), expected);
    }

    #[test]
    fn an_empty_table_is_its_header() {
        let table = Table::new(["NAME", "ENTITIES", "CONFLICT_POLICY"]);
        assert_eq!(table.to_text(), "NAME    ENTITIES    CONFLICT_POLICY");
        assert_eq!(table.to_json(), serde_json::json!([]));
    }
}
