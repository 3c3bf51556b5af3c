//! Functions applied to every element of a column, or to every row of a frame.

use std::rc::Rc;

use larder_core::Result;
use ruff_text_size::TextRange;

use super::choice::missing;
use super::frame::frame;
use super::literals::map_dict;
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Origin, Scalar};
use crate::python::value::{Display, Value};

/// `column.apply(function, args=(..))`.
pub(super) fn apply<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, function, args] = a.named(c, ["self", "func", "args"])?;
    let column = c.receiver(a)?;
    let function = a.required(c, function)?;
    apply_to(c, a, &column, function, extra(c, a, args)?)
}

/// `column.map(dict or function, na_action=None)`.
pub(super) fn map<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, mapping, action] = a.named(c, ["self", "arg", "na_action"])?;
    let column = c.receiver(a)?;
    let mapping = a.required(c, mapping)?;
    let ignore = matches!(&action, Some(Value::Text(action)) if &**action == "ignore");
    match mapping {
        Value::Dict(_) => map_dict(c, a, &column, &mapping),
        function if ignore => {
            let column = c.share_scalar(&column);
            let present = Scalar { none: false, nan: false, ..column.clone() };
            let mapped = apply_to(c, a, &present, function, Vec::new())?;
            let gone = missing(&column.expr);
            let gone = Scalar::guarded(gone, Kind::Bool, &[&column], false);
            c.choose_columns(&gone, None, Some(&mapped), a).map(Value::Series)
        }
        function => apply_to(c, a, &column, function, Vec::new()),
    }
}

fn apply_to<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    column: &Scalar,
    function: Value<'a>,
    mut arguments: Vec<Value<'a>>,
) -> Result<Value<'a>> {
    let element = Value::Scalar(c.share_scalar(&column.element()));
    arguments.insert(0, element);
    let result = c.for_each_row(a.at, |c| c.invoke(function, arguments, a.at))?;
    c.cell(&result, a.at).map(Value::Series)
}

fn extra<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    args: Option<Value<'a>>,
) -> Result<Vec<Value<'a>>> {
    match args.map(|args| c.settled(args)) {
        None => Ok(Vec::new()),
        Some(Value::Items(items, Display::Tuple)) => Ok(items.to_vec()),
        Some(_) => Err(c.unsupported(a.at, "these args", "write a tuple")),
    }
}

/// `frame.apply(function, axis=1)`.
pub(super) fn apply_rows<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, function, axis, _raw, result_type, args] =
        a.named(c, ["self", "func", "axis", "raw", "result_type", "args"])?;
    let number = frame(c, a)?;
    let rows = match &axis {
        Some(Value::Int(1)) => true,
        Some(Value::Text(axis)) => &**axis == "columns",
        _ => false,
    };
    if !rows {
        return Err(c.unsupported(
            a.at,
            "apply over whole columns",
            "apply to rows with axis=1, or to single columns",
        ));
    }
    let function = a.required(c, function)?;
    let mut arguments = extra(c, a, args)?;
    arguments.insert(0, Value::Row(c.row_of_frame(number)));
    let result = c.for_each_row(a.at, |c| c.invoke(function, arguments, a.at))?;
    let expand = matches!(&result_type, Some(Value::Text(kind)) if &**kind == "expand");
    let entries: Vec<(Value<'a>, Value<'a>)> = match (c.settled(result), expand) {
        (Value::Row(number), _) | (Value::Dict(number), true) => c.dict(number).entries.clone(),
        (Value::Items(items, _), true) => {
            (0_i64..).map(Value::Int).zip(items.iter().cloned()).collect()
        }
        (result, _) => return c.cell(&result, a.at).map(Value::Series),
    };
    let mut columns = Vec::new();
    for (key, value) in entries {
        columns.push((key, Value::Series(c.cell(&value, a.at)?)));
    }
    Ok(Value::Frame(c.new_dict(columns)))
}

/// `frame.itertuples()`, `frame.iterrows()`.
pub(super) fn iterate<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let number = frame(c, a)?;
    if a.name == "itertuples" {
        let row = Value::Row(c.record(number));
        return Ok(Value::EachRow(Rc::new(row)));
    }
    let row = Value::Row(c.row_of_frame(number));
    let pair = Value::Items(Rc::new(vec![Value::RowIndex, row]), Display::Tuple);
    Ok(Value::EachRow(Rc::new(pair)))
}

/// `numpy.vectorize(function)`.
pub(super) fn vectorize<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [function, _otypes] = a.named(c, ["pyfunc", "otypes"])?;
    Ok(Value::Vectorized(Rc::new(a.required(c, function)?)))
}

impl<'a> Compiler<'a> {
    /// Calls a function once for all rows.
    pub(crate) fn for_each_row(
        &mut self,
        at: TextRange,
        run: impl FnOnce(&mut Self) -> Result<Value<'a>>,
    ) -> Result<Value<'a>> {
        let outer = std::mem::replace(&mut self.per_row, true);
        let result = run(self);
        self.per_row = outer;
        if !outer && self.state.lists.values().any(|list| list.pending.is_some()) {
            return Err(self.unsupported(
                at,
                "appending to a list inside of apply",
                "return the value",
            ));
        }
        result
    }

    /// A row of the frame as a pandas Series: numbers alone share one type of numpy.
    fn row_of_frame(&mut self, number: usize) -> usize {
        let entries = self.dict(number).entries.clone();
        let columns: Vec<Scalar> =
            entries.iter().filter_map(|(_, column)| column.scalar()).collect();
        let numbers = columns.iter().all(|c| matches!(c.kind, Kind::Int | Kind::Float));
        if !numbers {
            return self.record(number);
        }
        let floats = columns.iter().any(|column| column.kind == Kind::Float);
        let missing = columns.iter().any(|column| column.none);
        let cells = entries.into_iter().map(|(key, column)| {
            let Value::Series(column) = column else { return (key, column) };
            let cell = if floats || missing {
                let wide = column.widen(&Kind::Float).element();
                Scalar { mixed: !floats, origin: Origin::Numpy, ..wide }
            } else {
                Scalar { origin: Origin::Numpy, ..column }
            };
            (key, Value::Scalar(cell))
        });
        let cells = cells.collect();
        self.new_row(cells)
    }

    /// Calls a vectorised function.
    pub(crate) fn call_vectorized(
        &mut self,
        function: &Value<'a>,
        arguments: &[Value<'a>],
        at: TextRange,
    ) -> Result<Value<'a>> {
        let cells = arguments
            .iter()
            .map(|argument| match self.settled(argument.clone()) {
                Value::Series(column) => Value::Scalar(column.element()),
                Value::Column(list) => Value::Scalar(list),
                other => other,
            })
            .collect();
        let result = self.for_each_row(at, |c| c.invoke(function.clone(), cells, at))?;
        self.cell(&result, at).map(Value::Series)
    }
}
