//! `series.dt`.

use larder_core::Result;
use ruff_text_size::TextRange;

use super::class::zone_argument;
use super::method::directives;
use super::{clock, of_column, part, part_of};
use crate::kernel::{
    Clock, DurationPart, Localize, Part, PartOfDuration, TimeFormat, TimeText, Truncate, call,
};
use crate::python::builtin::{Builtin, row};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::Value;

/// Methods of `series.dt`.
pub(crate) static SERIES_TIME_METHODS: &[Builtin] = &[
    row!("day_name", |c, a| written(c, a, "%A")),
    row!("floor", |c, a| {
        let [_, unit] = a.named(c, ["self", "freq"])?;
        let unit = match &unit {
            Some(Value::Text(unit)) => match unit.as_ref() {
                "D" => Some(86_400_000_000),
                "h" | "H" => Some(3_600_000_000),
                "min" | "T" => Some(60_000_000),
                "s" | "S" => Some(1_000_000),
                _ => None,
            },
            _ => None,
        };
        match unit {
            Some(unit) => truncate(c, a, unit),
            None => Err(c.unsupported(a.at, "this frequency", "use D, h, min or s")),
        }
    }),
    row!("isocalendar", |c, a| {
        let (time, _) = receiver(c, a)?;
        Ok(Value::IsoCalendar(time))
    }),
    row!("month_name", |c, a| written(c, a, "%B")),
    row!("normalize", |c, a| truncate(c, a, 86_400_000_000)),
    row!("strftime", |c, a| {
        let [_, format] = a.named(c, ["self", "date_format"])?;
        let format = directives(c, a, format)?;
        let (time, clock) = receiver(c, a)?;
        let expr = call(TimeText { format, clock }, vec![time.expr.clone()]);
        Ok(of_column(expr, Kind::Text, &[&time], false))
    }),
    row!("total_seconds", |c, a| {
        let Value::TimeAccessor(column) = a.first(c)? else {
            return Err(c.wrong(a.at, "total_seconds of no column"));
        };
        if column.kind != Kind::Duration {
            return Err(c.wrong(a.at, format!("total_seconds of {} values", column.kind.label())));
        }
        let part = PartOfDuration(DurationPart::TotalSeconds);
        Ok(of_column(call(part, vec![column.expr.clone()]), Kind::Float, &[&column], false))
    }),
    row!("tz_convert", |c, a| {
        let [_, zone] = a.named(c, ["self", "tz"])?;
        let (time, from) = receiver(c, a)?;
        let to = zone_argument(c, a, zone.as_ref())?;
        if from == Clock::Naive {
            return Err(c.wrong(a.at, "tz_convert of times without zone: use tz_localize"));
        }
        // Without a zone, the wall clock of UTC is left.
        Ok(Value::Series(Scalar { kind: Kind::Instant(to), ..time }))
    }),
    row!("tz_localize", |c, a| {
        let [_, zone] = a.named(c, ["self", "tz"])?;
        let (time, from) = receiver(c, a)?;
        let to = zone_argument(c, a, zone.as_ref())?;
        if from != Clock::Naive && to != Clock::Naive {
            return Err(c.wrong(a.at, "tz_localize of times that have a zone: use tz_convert"));
        }
        let expr = call(Localize { from, to }, vec![time.expr.clone()]);
        Ok(of_column(expr, Kind::Instant(to), &[&time], false))
    }),
];

fn receiver<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<(Scalar, Clock)> {
    let Value::TimeAccessor(column) = a.first(c)? else {
        return Err(c.wrong(a.at, format!("{} of no column", a.name)));
    };
    match clock(&column.kind) {
        Some(_) if column.kind == Kind::Wall && a.name.starts_with("tz_") => {
            Err(c.unknown_zone(a.at))
        }
        Some(clock) if column.kind != Kind::Date => Ok((column, clock)),
        _ => Err(c.wrong(a.at, format!("dt.{} of {} values", a.name, column.kind.label()))),
    }
}

fn written<'a>(c: &Compiler<'a>, a: &Arguments<'a>, format: &str) -> Result<Value<'a>> {
    let [_] = a.named(c, ["self"])?;
    let (time, clock) = receiver(c, a)?;
    let format = TimeFormat::Directives(format.to_owned());
    let expr = call(TimeText { format, clock }, vec![time.expr.clone()]);
    Ok(of_column(expr, Kind::Text, &[&time], false))
}

fn truncate<'a>(c: &Compiler<'a>, a: &Arguments<'a>, unit: i64) -> Result<Value<'a>> {
    let (time, clock) = receiver(c, a)?;
    let expr = call(Truncate { unit, clock }, vec![time.expr.clone()]);
    Ok(of_column(expr, time.kind.clone(), &[&time], false))
}

impl<'a> Compiler<'a> {
    /// `column.dt.name`.
    pub(crate) fn column_time_attribute(
        &self,
        column: &Scalar,
        name: &str,
        at: TextRange,
    ) -> Result<Option<Value<'a>>> {
        if column.kind == Kind::Duration {
            let part = match name {
                "days" => DurationPart::Days,
                "seconds" => DurationPart::Seconds,
                "microseconds" => DurationPart::Microseconds,
                _ => return Ok(None),
            };
            let expr = call(PartOfDuration(part), vec![column.expr.clone()]);
            return Ok(Some(of_column(expr, Kind::Int, &[column], false)));
        }
        let Some(clock) = clock(&column.kind) else {
            return Err(self.wrong(at, format!("dt of {} values", column.kind.label())));
        };
        if name == "date" {
            let day = Truncate { unit: 86_400_000_000, clock };
            let naive = Localize { from: clock, to: Clock::Naive };
            let expr = call(naive, vec![call(day, vec![column.expr.clone()])]);
            return Ok(Some(of_column(expr, Kind::Date, &[column], false)));
        }
        let Some(part) = part(name, true) else { return Ok(None) };
        let (expr, kind) = part_of(column, part, clock);
        if kind == Kind::Bool {
            // Not-a-time answers no.
            let answer = Scalar::guarded(expr.is_true(), kind, &[column], false);
            return Ok(Some(Value::Series(answer)));
        }
        Ok(Some(of_column(expr, kind, &[column], false)))
    }

    /// `column.dt.isocalendar().name`.
    pub(crate) fn iso_calendar(column: &Scalar, name: &str) -> Option<Value<'a>> {
        let part = match name {
            "year" => Part::IsoYear,
            "week" => Part::IsoWeek,
            "day" => Part::IsoWeekday,
            _ => return None,
        };
        let (expr, kind) = part_of(column, part, clock(&column.kind)?);
        Some(of_column(expr, kind, &[column], false))
    }
}
