//! Tables as Feast's CLI prints them (tabulate's "plain" format, and "grid" for one list).

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

    /// Values on lines of their own; a dash when there are none.
    pub(crate) fn lines(values: Vec<String>) -> Self {
        let shown = if values.is_empty() { "-".to_owned() } else { values.join("\n") };
        Self { value: values.into(), shown }
    }

    /// The same look, with another value.
    pub(crate) fn valued(self, value: Value) -> Self {
        Self { value, ..self }
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

    /// The rows as text, header first, without trailing blanks. A cell of several lines takes several lines.
    pub(crate) fn to_text(&self) -> String {
        let widths = self.widths();
        let plain = |cells: &[&str]| {
            let line = padded(cells, &widths).join(GAP);
            line.trim_end().to_owned()
        };
        self.lines().map(|cells| plain(&cells)).collect::<Vec<_>>().join("\n")
    }

    /// The rows with lines around every cell.
    pub(crate) fn to_grid(&self) -> String {
        let widths = self.widths();
        let rule = |mark: &str| {
            let cells: Vec<String> = widths.iter().map(|width| mark.repeat(width + 2)).collect();
            format!("+{}+", cells.join("+"))
        };
        let boxed = |cells: &[&str]| format!("| {} |", padded(cells, &widths).join(" | "));
        let mut lines = vec![rule("-"), boxed(&self.header), rule("=")];
        for row in &self.rows {
            lines.extend(row_lines(row).map(|cells| boxed(&cells)));
            lines.push(rule("-"));
        }
        if self.rows.is_empty() {
            lines.push(rule("-"));
        }
        lines.join("\n")
    }

    fn widths(&self) -> Vec<usize> {
        let column = |(column, name): (usize, &&'static str)| {
            let cells = self.rows.iter().flat_map(|row| row[column].shown.lines());
            cells.map(width).max().unwrap_or(0).max(width(name) + HEADER_PADDING)
        };
        self.header.iter().enumerate().map(column).collect()
    }

    fn lines(&self) -> impl Iterator<Item = Vec<&str>> {
        std::iter::once(self.header.clone()).chain(self.rows.iter().flat_map(|row| row_lines(row)))
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

/// The lines of a row: as many as its longest cell has.
fn row_lines(row: &[Cell]) -> impl Iterator<Item = Vec<&str>> {
    let height = row.iter().map(|cell| cell.shown.lines().count()).max().unwrap_or(0).max(1);
    (0..height).map(|line| {
        row.iter().map(|cell| cell.shown.lines().nth(line).unwrap_or_default()).collect()
    })
}

fn padded(cells: &[&str], widths: &[usize]) -> Vec<String> {
    let pad = |(cell, &wanted): (&&str, &usize)| {
        format!("{cell}{}", " ".repeat(wanted.saturating_sub(width(cell))))
    };
    cells.iter().zip(widths).map(pad).collect()
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

    #[test]
    fn a_cell_may_have_several_lines() {
        let mut table = Table::new(["NAME", "TYPES"]);
        let lines =
            |values: &[&str]| Cell::lines(values.iter().map(|it| (*it).to_owned()).collect());
        table.push(["a".into(), lines(&["FeatureView", "Entity"])]);
        table.push(["b".into(), lines(&[])]);
        assert_eq!(
            table.to_text(),
            "NAME    TYPES\na       FeatureView\n        Entity\nb       -"
        );
        let json = serde_json::json!([
            {"name": "a", "types": ["FeatureView", "Entity"]},
            {"name": "b", "types": []},
        ]);
        assert_eq!(table.to_json(), json);
    }

    #[test]
    fn a_grid_has_lines_around_its_cells() {
        let mut table = Table::new(["ROLE NAME"]);
        assert_eq!(
            table.to_grid(),
            "+-------------+\n| ROLE NAME   |\n+=============+\n+-------------+"
        );
        table.push(["a_long_role_name".into()]);
        let expected = "\
+------------------+
| ROLE NAME        |
+==================+
| a_long_role_name |
+------------------+";
        assert_eq!(table.to_grid(), expected);
    }
}
