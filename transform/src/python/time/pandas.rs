//! `pandas.to_datetime`, `Timestamp`, `Timedelta`, `numpy.timedelta64`.

use datafusion::logical_expr::{Expr, lit, not};
use larder_core::Result;

use super::UTC;
use super::class::{timedelta, zone_argument};
use crate::kernel::{Clock, FromEpoch, IsMissing, Localize, ParseInstant, TimeSyntax, call};
use crate::python::builtin::{Builtin, row};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Raised, Scalar, any_raised};
use crate::python::value::Value;

/// Functions of `pandas` that make times.
pub(crate) static PANDAS_TIME: &[Builtin] = &[
    row!("Timedelta", |c, a| {
        match (a.positional.as_slice(), a.keywords.as_slice()) {
            ([], _) => timedelta(c, a),
            ([_], [("unit", _)]) | ([_, _], []) => numpy_timedelta(c, a),
            _ => Err(c.unsupported(a.at, "this Timedelta", "use pandas.Timedelta(days=1)")),
        }
    }),
    row!("to_datetime", |c, a| to_datetime(c, a)),
    row!("to_timedelta", |c, a| {
        let [values, unit] = a.named(c, ["arg", "unit"])?;
        let unit = unit_of(c, a, unit.as_ref())?;
        let column = c.column(&a.required(c, values)?, a)?.without_bool();
        if !column.kind.is_number() {
            return Err(c.unsupported(a.at, "durations of texts", "use numbers with a unit"));
        }
        let expr =
            call(FromEpoch { unit, duration: true, nanoseconds: true }, vec![column.expr.clone()]);
        Ok(Value::Series(Scalar::propagating(expr, Kind::Duration, &[&column], true)))
    }),
];

fn unit_of<'a>(c: &Compiler<'a>, a: &Arguments<'a>, unit: Option<&Value<'a>>) -> Result<i64> {
    let unit = match unit {
        Some(Value::Text(unit)) => match unit.as_ref() {
            "D" | "d" | "days" | "day" => Some(86_400_000_000),
            "h" | "H" | "hours" | "hour" => Some(3_600_000_000),
            "m" | "min" | "T" | "minutes" | "minute" => Some(60_000_000),
            "s" | "S" | "seconds" | "second" => Some(1_000_000),
            "ms" | "L" => Some(1_000),
            "us" | "U" => Some(1),
            "W" | "w" => Some(604_800_000_000),
            _ => None,
        },
        _ => None,
    };
    unit.ok_or_else(|| c.unsupported(a.at, "this unit", "use D, h, m, s, ms or us"))
}

/// `numpy.timedelta64(1, "D")`, `pandas.Timedelta(1, unit="D")`.
pub(crate) fn numpy_timedelta<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [value, unit] = a.named(c, ["value", "unit"])?;
    let unit = unit_of(c, a, unit.as_ref())?;
    let number = c.scalar(&a.required(c, value)?, a.at)?.without_bool();
    if !number.kind.is_number() {
        return Err(c.wrong(a.at, format!("a duration of a {}", number.kind.label())));
    }
    let expr =
        call(FromEpoch { unit, duration: true, nanoseconds: true }, vec![number.expr.clone()]);
    Ok(Value::Scalar(Scalar::strict(expr, Kind::Duration, &[&number], true)))
}

/// `pandas.Timestamp("2024-01-01", tz="UTC")`.
pub(super) fn timestamp<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [value, zone] = a.named(c, ["ts_input", "tz"])?;
    let Some(Value::Text(text)) = &value else {
        return Err(c.unsupported(a.at, "this Timestamp", "write its text"));
    };
    let zone = zone_argument(c, a, zone.as_ref())?;
    let own = text.contains('Z') || text.contains('+');
    if own && zone != Clock::Naive {
        return Err(c.unsupported(a.at, "an offset and a zone", "write one of them"));
    }
    let text = Scalar::total(lit(text.as_ref()), Kind::Text);
    let syntax = TimeSyntax::Iso;
    let parse = ParseInstant { syntax, offset: Some(own), python: false, wall: false };
    let mut expr = call(parse, vec![text.expr]);
    let clock = if own { UTC } else { zone };
    if !own && zone != Clock::Naive {
        expr = call(Localize { from: Clock::Naive, to: zone }, vec![expr]);
    }
    match crate::plan::constant(&expr) {
        Some(value) if !value.is_null() => {
            let expr = Expr::Literal(value, None);
            Ok(Value::Scalar(Scalar::total(expr, Kind::Instant(clock))))
        }
        _ => Err(c.unsupported(a.at, "this text of a Timestamp", "write it as ISO 8601")),
    }
}

/// `pandas.to_datetime(column, errors="raise", utc=False, format=None, unit=None)`.
fn to_datetime<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [values, errors, utc, format, unit] =
        a.named(c, ["arg", "errors", "utc", "format", "unit"])?;
    let value = a.required(c, values)?;
    let of_row =
        matches!(value, Value::Scalar(_) | Value::Text(_) | Value::Int(_) | Value::Float(_));
    let column = if of_row { c.scalar(&value, a.at)? } else { c.column(&value, a)? };
    let column = c.share_scalar(&column);
    let coerce = match errors.as_ref() {
        None => false,
        Some(Value::Text(errors)) if matches!(&**errors, "coerce" | "raise") => {
            &**errors == "coerce"
        }
        Some(_) => {
            return Err(c.unsupported(a.at, "this errors argument", "use \"coerce\" or \"raise\""));
        }
    };
    let utc = utc == Some(Value::Bool(true));
    let clock = if utc { UTC } else { Clock::Naive };
    let read = || vec![column.expr.clone()];
    let (expr, kind) = match &column.kind {
        Kind::Instant(Clock::Naive) if utc => {
            (call(Localize { from: Clock::Naive, to: UTC }, read()), Kind::Instant(UTC))
        }
        Kind::Instant(known) => {
            (column.expr.clone(), Kind::Instant(if utc { UTC } else { *known }))
        }
        Kind::Int | Kind::Float => {
            let unit = unit_of(c, a, unit.as_ref())?;
            let epoch = FromEpoch { unit, duration: false, nanoseconds: true };
            (call(epoch, read()), Kind::Instant(clock))
        }
        Kind::Text => {
            let (kernel, kind) = parser(c, a, format.as_ref(), utc)?;
            (call(kernel, read()), kind)
        }
        other => return Err(c.wrong(a.at, format!("to_datetime of {} values", other.label()))),
    };
    let expr = c.plan.share(expr, &kind.data_type());
    let times = converted(&column, expr, kind, coerce);
    Ok(if of_row { Value::Scalar(times) } else { Value::Series(times) })
}

/// How `to_datetime` reads texts.
fn parser<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    format: Option<&Value<'a>>,
    utc: bool,
) -> Result<(ParseInstant, Kind)> {
    let syntax = match format {
        None => TimeSyntax::Iso,
        Some(Value::Text(format)) if &**format == "ISO8601" => TimeSyntax::Iso,
        Some(Value::Text(format)) => TimeSyntax::strptime(format)
            .filter(|_| utc || !format.contains("%z"))
            .ok_or_else(|| {
                let hint = "use %Y %m %d %H %M %S %f, and %z with utc=True";
                c.unsupported(a.at, "this format", hint)
            })?,
        Some(_) => return Err(c.unsupported(a.at, "a computed format", "write the format")),
    };
    // Without utc, whether the times know a zone depends on the texts.
    let wall = syntax == TimeSyntax::Iso && !utc;
    let offset = if utc || wall { None } else { Some(false) };
    let kind = match (wall, utc) {
        (true, _) => Kind::Wall,
        (false, true) => Kind::Instant(UTC),
        (false, false) => Kind::Instant(Clock::Naive),
    };
    Ok((ParseInstant { syntax, offset, python: false, wall }, kind))
}

/// The times that a column was converted to; bad values raise unless they are coerced.
fn converted(column: &Scalar, expr: Expr, kind: Kind, coerce: bool) -> Scalar {
    let mut raised = any_raised(&[column]);
    let text = column.kind == Kind::Text;
    let number = matches!(column.kind, Kind::Int | Kind::Float);
    if (text || number) && !coerce {
        // An empty text is not-a-time, and so is what was missing.
        let given = if text {
            column.expr.clone().not_eq(lit("")).is_true()
        } else {
            not(call(IsMissing, vec![column.expr.clone()]))
        };
        let bad = expr.clone().is_null().and(given);
        raised = Some(raised.map_or_else(|| bad.clone(), |raised| raised.or(bad.clone())));
    }
    let raised = raised.map_or(Raised::Never, Raised::when);
    let none = column.none || text || number;
    Scalar { none, nan: none, raised, ..Scalar::total(expr, kind) }
}
