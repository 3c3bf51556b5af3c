//! Letters and slices of texts and lists.

use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;
use ruff_text_size::TextRange;

use super::Receiver;
use super::method::literal_int;
use crate::kernel::{Item, Letter, SliceList, SliceText, call};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::Value;

/// `column.str.get(i)`.
pub(super) fn get<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [column, index] = a.named(c, ["self", "i"])?;
    let Some(Value::TextAccessor(column)) = column else {
        return Err(c.wrong(a.at, "get of no column"));
    };
    c.column_part(&column, &a.required(c, index)?, a.at)
}

/// `column.str.slice(start, stop, step)`.
pub(super) fn slice<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, start, stop, step] = a.named(c, ["self", "start", "stop", "step"])?;
    let receiver = Receiver::of(c, a)?;
    let bounds = [start, stop, step].map(|bound| bound.unwrap_or(Value::None));
    literal_int(c, a, Some(&bounds[2]), 1)?;
    let (expr, _) = c.slice_of(&receiver.text, &bounds, a.at)?;
    Ok(receiver.result(expr, Kind::Text, &[], false))
}

impl<'a> Compiler<'a> {
    /// `text[key]` of a value of the row.
    pub(crate) fn text_part(
        &self,
        text: &Scalar,
        key: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        if let Value::Slice(bounds) = key {
            let (expr, operands) = self.slice_of(text, bounds, at)?;
            let operands: Vec<&Scalar> = std::iter::once(text).chain(&operands).collect();
            return Ok(Value::Scalar(Scalar::strict(expr, text.kind.clone(), &operands, false)));
        }
        let index = self.scalar(key, at)?.without_bool();
        if index.kind != Kind::Int {
            return Err(self.wrong(at, "positions in a text are integers"));
        }
        let expr = call(Letter, vec![text.expr.clone(), index.expr.clone()]);
        Ok(Value::Scalar(Scalar::strict(expr, Kind::Text, &[text, &index], true)))
    }

    /// `column.str[key]`: missing where the position is not there.
    pub(crate) fn column_part(
        &self,
        column: &Scalar,
        key: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let kind = match &column.kind {
            Kind::Text => Kind::Text,
            Kind::List(element) => (**element).clone(),
            other => return Err(self.wrong(at, format!("str of a {} column", other.label()))),
        };
        let (expr, kind, fails) = match key {
            Value::Slice(bounds) => {
                let (expr, _) = self.slice_of(column, bounds, at)?;
                (expr, column.kind.clone(), false)
            }
            Value::Int(index) => {
                let arguments = vec![column.expr.clone(), lit(*index)];
                let expr = match column.kind {
                    Kind::Text => call(Letter, arguments),
                    _ => call(Item, arguments),
                };
                (expr, kind, true)
            }
            _ => return Err(self.unsupported(at, "a computed position", "use a literal")),
        };
        let part = Scalar::propagating(expr, kind, &[column], fails);
        let nan = part.none && (column.nan || !column.none);
        Ok(Value::Series(Scalar { nan, ..part }))
    }

    /// The slice of a text or list, and the bounds that it depends on.
    pub(crate) fn slice_of(
        &self,
        sequence: &Scalar,
        bounds: &[Value<'a>; 3],
        at: TextRange,
    ) -> Result<(Expr, Vec<Scalar>)> {
        let step = match &bounds[2] {
            Value::None => 1,
            Value::Int(0) => return Err(self.wrong(at, "a slice with step 0")),
            Value::Int(step) => *step,
            _ => return Err(self.unsupported(at, "a computed step", "use a literal")),
        };
        let mut arguments = vec![sequence.expr.clone()];
        let mut operands = Vec::new();
        for bound in &bounds[..2] {
            if *bound == Value::None {
                arguments.push(Kind::Int.null());
                continue;
            }
            let bound = self.scalar(bound, at)?.without_bool();
            if bound.kind != Kind::Int || bound.is_nullable() {
                return Err(self.unsupported(
                    at,
                    "a bound of a slice that may be missing",
                    "use whole numbers that are always there",
                ));
            }
            arguments.push(bound.expr.clone());
            operands.push(bound);
        }
        let expr = match sequence.kind {
            Kind::Text => call(SliceText { step }, arguments),
            _ => call(SliceList { step }, arguments),
        };
        Ok((expr, operands))
    }
}
