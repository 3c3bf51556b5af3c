//! The classes of the `datetime` module: their constructors and class methods.

use datafusion::logical_expr::lit;
use larder_core::Result;

use super::{TimeClass, UTC, of_row, pandas};
use crate::kernel::{
    Clock, DurationMath, DurationOp, FromEpoch, MakeInstant, ParseInstant, TimeSyntax, call,
};
use crate::python::builtin::{self, Builtin, row};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::{Module, Value};

static DATETIME: &[Builtin] = &[
    row!("fromisoformat", |c, a| from_iso(c, a)),
    row!("fromtimestamp", |c, a| from_timestamp(c, a)),
    row!("now", |c, a| Err(of_the_moment(c, a))),
    row!("strptime", |c, a| parse(c, a)),
    row!("today", |c, a| Err(of_the_moment(c, a))),
    row!("utcfromtimestamp", |c, a| from_timestamp(c, a)),
    row!("utcnow", |c, a| Err(of_the_moment(c, a))),
];

static DATE: &[Builtin] = &[
    row!("fromisoformat", |c, a| {
        let [text] = a.named(c, ["date_string"])?;
        let text = c.scalar(&a.required(c, text)?, a.at)?;
        // A date alone: the format refuses times.
        let syntax = TimeSyntax::Directives("%Y-%m-%d".to_owned());
        read(c, a, &text, syntax, Some(false), Kind::Date)
    }),
    row!("today", |c, a| Err(of_the_moment(c, a))),
];

/// A class method.
pub(crate) fn class_function(class: TimeClass, name: &str) -> Option<&'static Builtin> {
    match class {
        TimeClass::Datetime => builtin::find(DATETIME, name),
        TimeClass::Date => builtin::find(DATE, name),
        TimeClass::Timestamp => builtin::find(DATETIME, name)
            .filter(|row| matches!(row.name, "now" | "today" | "utcnow" | "fromisoformat")),
        _ => None,
    }
}

/// An attribute of the module or of a class.
pub(crate) fn class_constant<'a>(class: TimeClass, name: &str) -> Option<Value<'a>> {
    Some(match (class, name) {
        (TimeClass::Module, "datetime") => Value::Module(Module::Time(TimeClass::Datetime)),
        (TimeClass::Module, "date") => Value::Module(Module::Time(TimeClass::Date)),
        (TimeClass::Module, "timedelta") => Value::Module(Module::Time(TimeClass::Timedelta)),
        (TimeClass::Module, "timezone") => Value::Module(Module::Time(TimeClass::Timezone)),
        (TimeClass::Module, "UTC") | (TimeClass::Timezone, "utc") => Value::Clock(UTC),
        _ => return class_function(class, name).map(Value::Builtin),
    })
}

/// A call of a class.
pub(crate) fn construct<'a>(
    c: &mut Compiler<'a>,
    class: TimeClass,
    a: &Arguments<'a>,
) -> Result<Value<'a>> {
    match class {
        TimeClass::Timedelta => timedelta(c, a),
        TimeClass::Datetime => {
            let parts = a.named(
                c,
                ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"],
            )?;
            let [year, month, day, hour, minute, second, microsecond, zone] = parts;
            let parts = [year, month, day, hour, minute, second, microsecond];
            let clock = zone_argument(c, a, zone.as_ref())?;
            make(c, a, parts, clock, Kind::Instant(clock))
        }
        TimeClass::Date => {
            let [year, month, day] = a.named(c, ["year", "month", "day"])?;
            let parts = [year, month, day, None, None, None, None];
            make(c, a, parts, Clock::Naive, Kind::Date)
        }
        TimeClass::Timestamp => pandas::timestamp(c, a),
        TimeClass::Timezone | TimeClass::Module => {
            Err(c.unsupported(a.at, "a zone made of an offset", "use timezone.utc"))
        }
    }
}

/// Refuses what depends on when it is computed.
fn of_the_moment<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> larder_core::Error {
    c.unsupported(
        a.at,
        format!("{}() (the time of the computation)", a.name),
        "training and serving would differ: pass the time as request data",
    )
}

/// A zone, or the wall clock for `None`.
pub(super) fn zone_argument<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    zone: Option<&Value<'a>>,
) -> Result<Clock> {
    match zone {
        None | Some(Value::None) => Ok(Clock::Naive),
        Some(Value::Clock(clock)) => Ok(*clock),
        Some(Value::Text(name)) => name
            .parse()
            .map(Clock::Zone)
            .map_err(|_| c.wrong(a.at, format!("there is no time zone {name}"))),
        Some(_) => Err(c.unsupported(a.at, "a computed time zone", "write its name")),
    }
}

fn make<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    parts: [Option<Value<'a>>; 7],
    clock: Clock,
    kind: Kind,
) -> Result<Value<'a>> {
    let mut numbers = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        let number = match part {
            Some(part) => c.scalar(&part, a.at)?.without_bool(),
            None if index < 3 => return Err(c.wrong(a.at, "year, month and day are needed")),
            None => Scalar::total(lit(0_i64), Kind::Int),
        };
        if number.kind != Kind::Int {
            return Err(c.wrong(a.at, "the parts of a date are whole numbers"));
        }
        numbers.push(number);
    }
    let expr = call(MakeInstant { clock }, numbers.iter().map(|n| n.expr.clone()).collect());
    let operands: Vec<&Scalar> = numbers.iter().collect();
    Ok(Value::Scalar(Scalar::strict(expr, kind, &operands, true)))
}

/// Microseconds of the units of `timedelta`.
const UNITS: [(&str, i64); 7] = [
    ("days", 86_400_000_000),
    ("seconds", 1_000_000),
    ("microseconds", 1),
    ("milliseconds", 1_000),
    ("minutes", 60_000_000),
    ("hours", 3_600_000_000),
    ("weeks", 604_800_000_000),
];

/// `timedelta(days=0, seconds=0, ..)`.
pub(super) fn timedelta<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let given = a.named(c, UNITS.map(|(name, _)| name))?;
    let mut total: Option<Scalar> = None;
    for ((_, unit), value) in UNITS.into_iter().zip(given) {
        let Some(value) = value else { continue };
        let number = c.scalar(&value, a.at)?.without_bool();
        if !number.kind.is_number() {
            return Err(c.wrong(a.at, format!("a duration of a {}", number.kind.label())));
        }
        let expr =
            call(FromEpoch { unit, duration: true, nanoseconds: false }, vec![number.expr.clone()]);
        let part = Scalar::strict(expr, Kind::Duration, &[&number], true);
        total = Some(match total {
            None => part,
            Some(total) => {
                let arguments = vec![total.expr.clone(), part.expr.clone()];
                let expr = call(DurationMath(DurationOp::Add), arguments);
                Scalar::strict(expr, Kind::Duration, &[&total, &part], true)
            }
        });
    }
    Ok(Value::Scalar(total.unwrap_or_else(|| {
        let expr =
            call(FromEpoch { unit: 1, duration: true, nanoseconds: false }, vec![lit(0_i64)]);
        Scalar::total(expr, Kind::Duration)
    })))
}

/// Reads a text as an instant.
pub(super) fn read<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    text: &Scalar,
    syntax: TimeSyntax,
    offset: Option<bool>,
    kind: Kind,
) -> Result<Value<'a>> {
    if text.kind != Kind::Text {
        return Err(c.wrong(a.at, format!("{} of a {}", a.name, text.kind.label())));
    }
    let expr = call(
        ParseInstant { syntax, offset, python: true, wall: kind == Kind::Wall },
        vec![text.expr.clone()],
    );
    Ok(of_row(expr, kind, &[text], true))
}

/// `datetime.fromisoformat(text)`: whether it has an offset is not known before.
fn from_iso<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [text] = a.named(c, ["date_string"])?;
    let text = c.scalar(&a.required(c, text)?, a.at)?;
    read(c, a, &text, TimeSyntax::Iso, None, Kind::Wall)
}

/// `datetime.strptime(text, format)`.
fn parse<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [text, format] = a.named(c, ["date_string", "format"])?;
    let text = c.scalar(&a.required(c, text)?, a.at)?;
    let Some(Value::Text(format)) = format else {
        return Err(c.unsupported(a.at, "a computed format", "write the format"));
    };
    let Some(syntax) = TimeSyntax::strptime(&format) else {
        return Err(c.unsupported(a.at, "this format", "use %Y %m %d %H %M %S %f %z"));
    };
    if format.contains("%z") {
        return Err(c.unsupported(
            a.at,
            "a zone that differs from row to row",
            "use pandas.to_datetime(.., utc=True)",
        ));
    }
    read(c, a, &text, syntax, Some(false), Kind::Instant(Clock::Naive))
}

/// `datetime.fromtimestamp(seconds, tz=zone)`, `datetime.utcfromtimestamp(seconds)`.
fn from_timestamp<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [seconds, zone] = a.named(c, ["timestamp", "tz"])?;
    let number = c.scalar(&a.required(c, seconds)?, a.at)?.without_bool();
    let clock = zone_argument(c, a, zone.as_ref())?;
    if a.name == "fromtimestamp" && clock == Clock::Naive {
        return Err(c.unsupported(a.at, "the local time of the machine", "pass tz=timezone.utc"));
    }
    if !number.kind.is_number() {
        return Err(c.wrong(a.at, format!("{} of a {}", a.name, number.kind.label())));
    }
    let expr = call(
        FromEpoch { unit: 1_000_000, duration: false, nanoseconds: false },
        vec![number.expr.clone()],
    );
    Ok(Value::Scalar(Scalar::strict(expr, Kind::Instant(clock), &[&number], true)))
}
