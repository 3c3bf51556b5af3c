//! Data frames: their making, columns and sums along a row.

use std::rc::Rc;

use datafusion::logical_expr::lit;
use larder_core::Result;
use ruff_python_ast::Operator;
use ruff_text_size::TextRange;

use super::choice::{fill_column, missing};
use super::shape::{is_column, listed};
use crate::kernel::{ArithmeticOp, FillMissing, Pair, PairFunction, call};
use crate::python::builtin::{self, Builtin};
use crate::python::call::Arguments;
use crate::python::compiler::{Compiler, scalar_or_none};
use crate::python::scalar::{Kind, Scalar, choose};
use crate::python::state::Dict;
use crate::python::value::Value;

/// The number of a frame.
pub(super) fn frame<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<usize> {
    match a.first(c)? {
        Value::Frame(number) => Ok(number),
        other => Err(c.unsupported(
            a.at,
            format!("{} of a {}", a.name, other.label()),
            "use a DataFrame",
        )),
    }
}

pub(super) fn data_frame<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [data, index, columns] = a.named(c, ["data", "index", "columns"])?;
    let indexed = match index {
        None | Some(Value::None) => false,
        Some(Value::Index | Value::Rows) => true,
        Some(_) => return Err(c.unsupported(a.at, "this index", "use the index of the inputs")),
    };
    let mut entries = match data {
        None | Some(Value::None) => Vec::new(),
        Some(Value::Dict(number) | Value::Frame(number)) => c.dict(number).entries.clone(),
        Some(other) => {
            let construct = format!("a DataFrame of a {}", other.label());
            return Err(c.unsupported(a.at, construct, "pass a dict of columns"));
        }
    };
    if let Some(columns) = columns {
        let Value::Items(names, _) = c.settled(columns) else {
            return Err(c.unsupported(a.at, "these columns", "write a list of names"));
        };
        let found = |name: &Value<'a>| entries.iter().find(|(key, _)| key == name).cloned();
        entries = names.iter().filter_map(found).collect();
    }
    // Columns before constants, so that the constants know the rows.
    let mut frame = Dict { entries: Vec::new(), per_row: false, indexed };
    for first in [true, false] {
        for (key, value) in entries.iter().filter(|(_, value)| is_column(value) == first) {
            let column = c.frame_column(&frame, c.settled(value.clone()), a.at)?;
            frame.set(key.clone(), column);
        }
    }
    let order = |key: &Value<'a>| entries.iter().position(|(other, _)| other == key);
    frame.entries.sort_by_key(|(key, _)| order(key));
    Ok(Value::Frame(c.new_frame(frame)))
}

/// `frame.assign(name=column, ..)`; a function gets the frame.
pub(super) fn assign<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let mut changed = (*c.dict(frame(c, a)?)).clone();
    for (name, value) in &a.keywords {
        let value = match value {
            Value::Code(..) | Value::Builtin(_) => {
                let so_far = Value::Frame(c.new_frame(changed.clone()));
                c.invoke(value.clone(), vec![so_far], a.at)?
            }
            value => value.clone(),
        };
        let column = c.frame_column(&changed, c.settled(value), a.at)?;
        changed.set(Value::Text(Rc::from(*name)), column);
    }
    Ok(Value::Frame(c.new_frame(changed)))
}

/// `frame.drop(columns=[..])`.
pub(super) fn drop_columns<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, labels, axis, columns] = a.named(c, ["self", "labels", "axis", "columns"])?;
    let number = frame(c, a)?;
    let labels = match (labels, axis, columns) {
        (Some(labels), Some(Value::Int(1)), None) => labels,
        (Some(labels), Some(Value::Text(axis)), None) if &*axis == "columns" => labels,
        (None, None, Some(columns)) => columns,
        _ => return Err(c.unsupported(a.at, "dropping rows", "every row needs a value")),
    };
    let names = match c.settled(labels) {
        Value::Items(names, _) => names.to_vec(),
        name => vec![name],
    };
    let mut kept = (*c.dict(number)).clone();
    for name in &names {
        if kept.get(name).is_none() {
            return Err(c.no_column(name, a.at));
        }
        kept.entries.retain(|(key, _)| key != name);
    }
    Ok(Value::Frame(c.new_frame(kept)))
}

/// `frame.rename(columns={old: new})`.
pub(super) fn rename<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, columns] = a.named(c, ["self", "columns"])?;
    let number = frame(c, a)?;
    let Some(Value::Dict(names)) = columns else {
        return Err(c.unsupported(a.at, "this rename", "rename(columns={\"old\": \"new\"})"));
    };
    let names = c.dict(names);
    let mut renamed = (*c.dict(number)).clone();
    for (key, _) in &mut renamed.entries {
        if let Some(new) = names.get(key) {
            *key = new.clone();
        }
    }
    Ok(Value::Frame(c.new_frame(renamed)))
}

/// A method of columns on every column of the frame; a dict argument has one argument per column.
pub(super) fn each_column<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    table: &'static [Builtin],
) -> Result<Value<'a>> {
    let number = frame(c, a)?;
    let Some(method) = builtin::find(table, a.name) else {
        return Err(c.unsupported(a.at, format!("{} of a DataFrame", a.name), "use columns"));
    };
    let mut changed = (*c.dict(number)).clone();
    for (key, column) in &mut changed.entries {
        let mut arguments = a.clone();
        arguments.positional[0] = column.clone();
        if let Some(Value::Dict(each)) = a.positional.get(1) {
            match c.dict(*each).get(key) {
                Some(argument) => arguments.positional[1] = argument.clone(),
                None => continue,
            }
        }
        *column = (method.compile)(c, &arguments)?;
    }
    Ok(Value::Frame(c.new_frame(changed)))
}

/// `frame.copy()`.
pub(super) fn copy<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let copied = (*c.dict(frame(c, a)?)).clone();
    Ok(Value::Frame(c.new_frame(copied)))
}

/// `frame.to_dict(orient)`.
pub(super) fn to_dict<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, orient] = a.named(c, ["self", "orient"])?;
    let number = frame(c, a)?;
    let orient = match &orient {
        Some(Value::Text(orient)) => orient.as_ref(),
        _ => "dict",
    };
    match orient {
        "list" => {
            let entries = c.dict(number).entries.clone();
            let lists = entries.into_iter().map(|(key, column)| (key, as_list(column)));
            let lists = lists.collect();
            Ok(Value::Dict(c.new_dict(lists)))
        }
        "records" => {
            let row = c.record(number);
            Ok(Value::EachRow(Rc::new(Value::Dict(row))))
        }
        _ => Err(c.unsupported(a.at, "this orient of to_dict", "use \"list\" or \"records\"")),
    }
}

/// A column as a Python list.
pub(super) fn as_list(column: Value<'_>) -> Value<'_> {
    match column {
        Value::Series(column) => Value::Column(column.element()),
        other => other,
    }
}

/// How the values of a row become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    Any,
    All,
}

/// `frame.sum(axis=1)` and its like; missing values are left out.
pub(super) fn reduce<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    how: Reduction,
) -> Result<Value<'a>> {
    let [_, axis, _skip] = a.named(c, ["self", "axis", "skipna"])?;
    let along_rows = match &axis {
        Some(Value::Int(1)) => true,
        Some(Value::Text(axis)) => &**axis == "columns",
        _ => false,
    };
    if !along_rows || a.keywords.iter().any(|(name, _)| *name == "skipna") {
        return Err(crosses_rows(c, a));
    }
    let number = frame(c, a)?;
    let mut columns = Vec::new();
    for (_, column) in &c.dict(number).entries {
        let column = c.scalar(column, a.at)?;
        let fits = match how {
            Reduction::Any | Reduction::All => column.kind == Kind::Bool && !column.none,
            _ => column.kind.is_number(),
        };
        if !fits {
            let construct = format!("{} over a {} column", a.name, column.kind.label());
            return Err(c.unsupported(a.at, construct, "choose columns of numbers (or of bools)"));
        }
        columns.push(column.without_bool());
    }
    if columns.is_empty() {
        return Err(c.wrong(a.at, format!("{} of no columns", a.name)));
    }
    match how {
        Reduction::Sum => Ok(Value::Series(c.row_sum(&columns))),
        Reduction::Mean => Ok(Value::Series(c.row_mean(&columns))),
        Reduction::Max => Ok(Value::Series(row_extreme(&columns, PairFunction::FMax))),
        Reduction::Min => Ok(Value::Series(row_extreme(&columns, PairFunction::FMin))),
        Reduction::Any => c.row_truth(number, Operator::BitOr, a.at),
        Reduction::All => c.row_truth(number, Operator::BitAnd, a.at),
    }
}

/// Refuses what looks at several rows.
pub(super) fn crosses_rows<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> larder_core::Error {
    c.unsupported(
        a.at,
        format!("{} over rows", a.name),
        "an on demand feature depends on its own row: the other rows of a request are chance",
    )
}

impl<'a> Compiler<'a> {
    fn row_sum(&mut self, columns: &[Scalar]) -> Scalar {
        let whole = columns.iter().all(|column| column.kind == Kind::Int);
        let kind = if whole { Kind::Int } else { Kind::Float };
        let zero = if whole { lit(0_i64) } else { lit(0.0) };
        let mut total: Option<Scalar> = None;
        for column in columns {
            let column = column.widen(&kind);
            let filled = call(FillMissing, vec![column.expr.clone(), zero.clone()]);
            let filled = Scalar::guarded(filled, kind.clone(), &[&column], false);
            total = Some(match total {
                None => filled,
                Some(total) => self.column_arithmetic(ArithmeticOp::Add, &total, &filled, true),
            });
        }
        let mixed = whole && columns.iter().any(|column| column.none);
        let total = total.unwrap_or_else(|| Scalar::total(zero, kind));
        Scalar { mixed, ..total }
    }

    fn row_mean(&mut self, columns: &[Scalar]) -> Scalar {
        let floats: Vec<_> = columns.iter().map(|column| column.widen(&Kind::Float)).collect();
        let floats: Vec<_> = floats.iter().map(|column| self.share_scalar(column)).collect();
        let total = self.row_sum(&floats);
        let counts: Vec<_> = floats
            .iter()
            .map(|column| {
                let count = choose(missing(&column.expr), lit(0.0), lit(1.0));
                Scalar::guarded(count, Kind::Float, &[column], false)
            })
            .collect();
        let count = self.row_sum(&counts);
        let mean = self.column_arithmetic(ArithmeticOp::Divide, &total, &count, true);
        Scalar { none: true, nan: true, ..mean }
    }

    fn row_truth(&mut self, number: usize, op: Operator, at: TextRange) -> Result<Value<'a>> {
        let dict = self.dict(number);
        let mut columns = dict.entries.iter().map(|(_, column)| column.clone());
        let mut truth = columns.next().unwrap_or(Value::Bool(op == Operator::BitAnd));
        for column in columns {
            truth = self.series_binary(op, &truth, &column, at)?;
        }
        Ok(truth)
    }

    /// A row of the frame as a dict of Python values.
    pub(crate) fn record(&mut self, number: usize) -> usize {
        let entries = self.dict(number).entries.clone();
        let cells = entries.into_iter().map(|(key, column)| {
            let cell = match column {
                Value::Series(column) => Value::Scalar(column.element()),
                other => other,
            };
            (key, cell)
        });
        let cells = cells.collect();
        self.new_row(cells)
    }

    /// A new frame.
    pub(crate) fn new_frame(&mut self, frame: Dict<'a>) -> usize {
        let number = self.new_dict(Vec::new());
        self.state.dicts.insert(number, Rc::new(frame));
        number
    }

    /// A dict that belongs to one row, whoever makes it.
    pub(crate) fn new_row(&mut self, entries: Vec<(Value<'a>, Value<'a>)>) -> usize {
        let number = self.new_dict(Vec::new());
        let row = Dict { entries, per_row: true, indexed: false };
        self.state.dicts.insert(number, Rc::new(row));
        number
    }

    /// What a data frame stores for an assigned value.
    pub(crate) fn frame_column(
        &self,
        frame: &Dict<'a>,
        value: Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let has_rows = frame.indexed
            || frame.entries.iter().any(|(_, value)| matches!(value, Value::Series(_)));
        match value {
            Value::Series(_) => Ok(value),
            Value::Filtered(column) if has_rows => Ok(Value::Series(column)),
            Value::Filtered(_) => Err(self.filters_rows(at)),
            Value::Column(scalar) => Ok(Value::Series(listed(scalar))),
            other if has_rows => match scalar_or_none(&other) {
                Some(scalar) => Ok(Value::Series(scalar)),
                None => Err(self.unsupported(
                    at,
                    format!("a {} as a column", other.label()),
                    "assign columns and constants",
                )),
            },
            _ => Err(self.unsupported(
                at,
                "a constant as the first column of a DataFrame",
                "the frame has no rows yet: assign a computed column first, or copy the inputs",
            )),
        }
    }
}

/// `frame.fillna(value)` with a value or a dict of values.
pub(super) fn fill<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, value] = a.named(c, ["self", "value"])?;
    let number = frame(c, a)?;
    let value = a.required(c, value)?;
    let mut changed = (*c.dict(number)).clone();
    for (key, column) in &mut changed.entries {
        let value = match &value {
            Value::Dict(each) => match c.dict(*each).get(key) {
                Some(value) => value.clone(),
                None => continue,
            },
            value => value.clone(),
        };
        let filled = c.scalar(column, a.at)?;
        *column = Value::Series(fill_column(c, a, &filled, &value)?);
    }
    Ok(Value::Frame(c.new_frame(changed)))
}

/// The largest or smallest number of the row that is there.
fn row_extreme(columns: &[Scalar], function: PairFunction) -> Scalar {
    let whole = columns.iter().all(|column| column.kind == Kind::Int);
    let mut best: Option<Scalar> = None;
    for column in columns {
        let column = column.widen(&Kind::Float).element();
        best = Some(match best {
            None => column,
            Some(best) => {
                let arguments = vec![best.expr.clone(), column.expr.clone()];
                let expr = call(Pair { function, raises: false }, arguments);
                Scalar::propagating(expr, Kind::Float, &[&best, &column], false)
            }
        });
    }
    let best = best.unwrap_or_else(|| Scalar::total(lit(f64::NAN), Kind::Float));
    Scalar { mixed: whole, none: true, nan: true, ..best }
}
