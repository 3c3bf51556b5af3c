//! Attributes and methods of single dates, times and durations.

use std::rc::Rc;

use larder_core::Result;
use ruff_text_size::TextRange;

use super::class::zone_argument;
use super::{clock, of_row, part, part_of};
use crate::kernel::{
    Clock, DurationPart, Localize, MakeInstant, Part, PartOfDuration, PartOfInstant, TimeFormat,
    TimeText, ToSeconds, Truncate, call,
};
use crate::python::builtin::{Builtin, row};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::{Display, Value};

/// Methods of dates, times and durations.
pub(crate) static TIME_METHODS: &[Builtin] = &[
    row!("astimezone", |c, a| in_zone(c, a)),
    row!("date", |c, a| {
        let (time, clock) = receiver(c, a)?;
        let expr = call(Truncate { unit: 86_400_000_000, clock }, vec![time.expr.clone()]);
        let naive = Localize { from: clock, to: Clock::Naive };
        Ok(of_row(call(naive, vec![expr]), Kind::Date, &[&time], false))
    }),
    row!("isocalendar", |c, a| {
        let (time, clock) = receiver(c, a)?;
        let parts = [Part::IsoYear, Part::IsoWeek, Part::IsoWeekday].map(|part| {
            let (expr, kind) = part_of(&time, part, clock);
            of_row(expr, kind, &[&time], false)
        });
        Ok(Value::Items(Rc::new(parts.to_vec()), Display::Tuple))
    }),
    row!("isoformat", |c, a| {
        let [_, separator] = a.named(c, ["self", "sep"])?;
        let (time, clock) = receiver(c, a)?;
        let separator = match separator {
            None => 'T',
            Some(Value::Text(text)) if text.chars().count() == 1 => {
                text.chars().next().unwrap_or('T')
            }
            Some(_) => return Err(c.unsupported(a.at, "this separator", "use one letter")),
        };
        let date = time.kind == Kind::Date;
        let format = if date { TimeFormat::Date } else { TimeFormat::Iso { separator } };
        let expr = call(TimeText { format, clock }, vec![time.expr.clone()]);
        Ok(of_row(expr, Kind::Text, &[&time], false))
    }),
    row!("isoweekday", |c, a| number(c, a, Part::IsoWeekday)),
    row!("replace", |c, a| replace(c, a)),
    row!("strftime", |c, a| {
        let [_, format] = a.named(c, ["self", "format"])?;
        let (time, clock) = receiver(c, a)?;
        let format = directives(c, a, format)?;
        let expr = call(TimeText { format, clock }, vec![time.expr.clone()]);
        Ok(of_row(expr, Kind::Text, &[&time], false))
    }),
    row!("timestamp", |c, a| {
        let (time, clock) = receiver(c, a)?;
        if clock == Clock::Naive {
            return Err(c.unsupported(
                a.at,
                "timestamp() of a time without zone (the machine's zone decides)",
                "give it a zone: replace(tzinfo=timezone.utc)",
            ));
        }
        let expr = call(ToSeconds { floor: false, exact: true }, vec![time.expr.clone()]);
        Ok(of_row(expr, Kind::Float, &[&time], false))
    }),
    row!("total_seconds", |c, a| {
        let value = c.scalar(&a.first(c)?, a.at)?;
        if value.kind != Kind::Duration {
            return Err(c.wrong(a.at, format!("total_seconds of a {}", value.kind.label())));
        }
        let expr = call(PartOfDuration(DurationPart::TotalSeconds), vec![value.expr.clone()]);
        Ok(of_row(expr, Kind::Float, &[&value], false))
    }),
    row!("weekday", |c, a| number(c, a, Part::Weekday)),
];

/// The format of `strftime`.
pub(super) fn directives<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    format: Option<Value<'a>>,
) -> Result<TimeFormat> {
    let Some(Value::Text(format)) = format else {
        return Err(c.unsupported(a.at, "a computed format", "write the format"));
    };
    TimeFormat::strftime(&format).ok_or_else(|| {
        c.unsupported(a.at, "this format", "use %Y %m %d %H %M %S %f %j %a %A %b %B %u %w %V %G")
    })
}

fn receiver<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<(Scalar, Clock)> {
    let time = c.scalar(&a.first(c)?, a.at)?;
    match clock(&time.kind) {
        Some(_) if time.kind == Kind::Wall && matches!(a.name, "isoformat" | "timestamp") => {
            Err(c.unknown_zone(a.at))
        }
        Some(clock) => Ok((time, clock)),
        None => Err(c.wrong(a.at, format!("{} of a {}", a.name, time.kind.label()))),
    }
}

fn number<'a>(c: &Compiler<'a>, a: &Arguments<'a>, part: Part) -> Result<Value<'a>> {
    let (time, clock) = receiver(c, a)?;
    let (expr, kind) = part_of(&time, part, clock);
    Ok(of_row(expr, kind, &[&time], false))
}

/// `time.astimezone(zone)`.
fn in_zone<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, zone] = a.named(c, ["self", "tz"])?;
    let time = c.scalar(&a.first(c)?, a.at)?;
    let to = zone_argument(c, a, zone.as_ref())?;
    let aware = matches!(time.kind, Kind::Instant(clock) if clock != Clock::Naive);
    if !aware || to == Clock::Naive {
        return Err(c.unsupported(a.at, "the local time of the machine", "use times with a zone"));
    }
    Ok(Value::Scalar(Scalar { kind: Kind::Instant(to), ..time }))
}

/// `time.replace(hour=0, tzinfo=..)`.
fn replace<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, year, month, day, hour, minute, second, microsecond, zone] = a.named(
        c,
        ["self", "year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"],
    )?;
    let time = c.scalar(&a.first(c)?, a.at)?;
    let Some(from) = clock(&time.kind) else { return Err(c.unknown_zone(a.at)) };
    let to = match &zone {
        None if time.kind == Kind::Wall => return Err(c.unknown_zone(a.at)),
        None => from,
        zone => zone_argument(c, a, zone.as_ref())?,
    };
    let kind = if time.kind == Kind::Date { Kind::Date } else { Kind::Instant(to) };
    let given = [year, month, day, hour, minute, second, microsecond];
    if given.iter().all(Option::is_none) {
        let expr = call(Localize { from, to }, vec![time.expr.clone()]);
        return Ok(of_row(expr, kind, &[&time], to != Clock::Naive));
    }
    let time = c.share_scalar(&time);
    let parts = [
        Part::Year,
        Part::Month,
        Part::Day,
        Part::Hour,
        Part::Minute,
        Part::Second,
        Part::Microsecond,
    ];
    let mut arguments = Vec::new();
    let mut operands = vec![time.clone()];
    for (part, given) in parts.into_iter().zip(given) {
        let Some(given) = given else {
            let kernel = PartOfInstant { part, clock: from };
            arguments.push(call(kernel, vec![time.expr.clone()]));
            continue;
        };
        let given = c.scalar(&given, a.at)?.without_bool();
        if given.kind != Kind::Int {
            return Err(c.wrong(a.at, "the parts of a date are whole numbers"));
        }
        arguments.push(given.expr.clone());
        operands.push(given);
    }
    let operands: Vec<&Scalar> = operands.iter().collect();
    Ok(of_row(call(MakeInstant { clock: to }, arguments), kind, &operands, true))
}

impl<'a> Compiler<'a> {
    pub(super) fn unknown_zone(&self, at: TextRange) -> larder_core::Error {
        self.unsupported(
            at,
            "this operation on a time whose zone the text decides",
            "give it a zone first: .replace(tzinfo=timezone.utc), or pandas.to_datetime(.., utc=True)",
        )
    }

    /// An attribute of a date, time or duration.
    pub(crate) fn time_attribute(time: &Scalar, name: &str) -> Option<Value<'a>> {
        if time.kind == Kind::Duration {
            let part = match name {
                "days" => DurationPart::Days,
                "seconds" => DurationPart::Seconds,
                "microseconds" => DurationPart::Microseconds,
                _ => return None,
            };
            let expr = call(PartOfDuration(part), vec![time.expr.clone()]);
            return Some(of_row(expr, Kind::Int, &[time], false));
        }
        let clock = clock(&time.kind)?;
        let pandas = time.nan;
        let part = part(name, pandas).filter(|_| !(pandas && name == "weekday"))?;
        let of_date = matches!(part, Part::Year | Part::Month | Part::Day);
        if time.kind == Kind::Date && !of_date {
            return None;
        }
        let (expr, kind) = part_of(time, part, clock);
        Some(of_row(expr, kind, &[time], false))
    }

    /// `str(time)`.
    pub(crate) fn time_text(time: &Scalar) -> Option<Scalar> {
        let clock = clock(&time.kind).filter(|_| time.kind != Kind::Wall)?;
        let date = time.kind == Kind::Date;
        let format = if date { TimeFormat::Date } else { TimeFormat::Iso { separator: ' ' } };
        let expr = call(TimeText { format, clock }, vec![time.expr.clone()]);
        Some(Scalar::strict(expr, Kind::Text, &[time], false))
    }
}
