//! `datetime` and `timedelta`: class functions and methods.

use chrono::{NaiveDate, NaiveDateTime, TimeZone as _, Timelike};

use super::call::Arguments;
use super::exception::{Exception, Outcome, Stop};
use super::repr;
use super::value::{DateTime, Value};

/// Methods of `timedelta`.
pub(super) const DURATION_METHODS: &[&str] = &["total_seconds"];
/// Methods of `datetime` and `date`.
pub(super) const MOMENT_METHODS: &[&str] = &[
    "date",
    "isoformat",
    "replace",
    "strftime",
    "timestamp",
    "astimezone",
    "weekday",
    "utcoffset",
];
/// Functions of the class `datetime`.
pub(super) const CLASS_METHODS: &[&str] =
    &["fromisoformat", "strptime", "fromtimestamp", "utcfromtimestamp", "now", "utcnow", "today"];

/// Text of a moment in a `strftime` format.
pub(super) fn strftime(local: NaiveDateTime, format: &str) -> Outcome<String> {
    let items: Vec<_> = chrono::format::StrftimeItems::new(format).collect();
    if items.iter().any(|item| matches!(item, chrono::format::Item::Error)) {
        let message = format!("\"{format}\" is no date format");
        return Err(Exception::raise("ValueError", message));
    }
    // Python's %f is microseconds in six digits; chrono's is nanoseconds.
    let micros = format!("{:06}", local.nanosecond() / 1_000);
    let format = format.replace("%f", &micros);
    Ok(local.format(&format).to_string())
}

/// Calls a method of a `timedelta`.
pub(super) fn call_duration(micros: i128) -> Value {
    Value::Float(micros as f64 / 1e6)
}

/// Calls a method of a `datetime`.
pub(super) fn call_moment(
    moment: DateTime,
    date_only: bool,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    Ok(match name {
        "date" => Value::Date(moment.local.date()),
        "isoformat" if date_only => Value::text(moment.local.format("%Y-%m-%d").to_string()),
        "isoformat" => Value::text(repr::iso(moment, 'T')),
        "strftime" => {
            let format = arguments.value(0).and_then(Value::as_str).unwrap_or_default();
            Value::text(strftime(moment.local, format)?)
        }
        "timestamp" => Value::Float(moment.utc().and_utc().timestamp_micros() as f64 / 1e6),
        "weekday" => {
            let day = chrono::Datelike::weekday(&moment.local).num_days_from_monday();
            Value::Int(i128::from(day))
        }
        "utcoffset" => match moment.offset {
            Some(seconds) => Value::Duration(i128::from(seconds) * 1_000_000),
            None => Value::None,
        },
        "astimezone" => match arguments.value(0) {
            Some(Value::Zone(seconds)) => {
                let shift = chrono::Duration::seconds(i64::from(*seconds));
                let local = moment.utc().checked_add_signed(shift).unwrap_or(moment.local);
                Value::DateTime(DateTime { local, offset: Some(*seconds) })
            }
            _ => return Err(no_zone()),
        },
        _ => replace(moment, arguments)?,
    })
}

/// `moment.replace(hour=0, tzinfo=...)`.
fn replace(moment: DateTime, arguments: &Arguments) -> Outcome<Value> {
    use chrono::Datelike as _;
    let bad = || Exception::raise("ValueError", "there is no such date or time");
    let mut changed = Some(moment.local);
    let mut offset = moment.offset;
    for (name, argument) in &arguments.keywords {
        let number = argument.value.as_int().and_then(|number| u32::try_from(number).ok());
        let local = changed.ok_or_else(bad)?;
        changed = match (&**name, number) {
            ("year", Some(number)) => local.with_year(i32::try_from(number).map_err(|_| bad())?),
            ("month", Some(number)) => local.with_month(number),
            ("day", Some(number)) => local.with_day(number),
            ("hour", Some(number)) => local.with_hour(number),
            ("minute", Some(number)) => local.with_minute(number),
            ("second", Some(number)) => local.with_second(number),
            ("microsecond", Some(number)) if number < 1_000_000 => {
                local.with_nanosecond(number * 1_000)
            }
            ("tzinfo", _) => {
                offset = match &argument.value {
                    Value::Zone(seconds) => Some(*seconds),
                    Value::None => None,
                    _ => return Err(no_zone()),
                };
                Some(local)
            }
            _ => None,
        };
    }
    Ok(Value::DateTime(DateTime { local: changed.ok_or_else(bad)?, offset }))
}

/// Calls a function of the class `datetime` or `date`.
pub(super) fn call_class(name: &str, date_only: bool, arguments: &Arguments) -> Outcome<Value> {
    let text = arguments.value(0).and_then(Value::as_str);
    let bad = || Exception::raise("ValueError", "the text is no date of this form");
    let value = match (name, text) {
        ("fromisoformat", Some(text)) => iso(text).ok_or_else(bad)?,
        ("strptime", Some(text)) => {
            let format = arguments.value(1).and_then(Value::as_str).unwrap_or_default();
            let local = NaiveDateTime::parse_from_str(text, format).ok().or_else(|| {
                let date = NaiveDate::parse_from_str(text, format).ok()?;
                Some(date.and_time(chrono::NaiveTime::MIN))
            });
            DateTime { local: local.ok_or_else(bad)?, offset: None }
        }
        ("fromtimestamp" | "utcfromtimestamp", _) => {
            let seconds = super::builtins::number(arguments.value(0), name)?;
            let micros = super::operators::round_half_even(seconds * 1e6)?;
            let micros = i64::try_from(micros).map_err(|_| bad())?;
            let moment = chrono::Utc.timestamp_micros(micros).single().ok_or_else(bad)?;
            let aware = arguments.positional.len() > 1 || arguments.keyword("tz").is_some();
            DateTime { local: moment.naive_utc(), offset: aware.then_some(0) }
        }
        _ => {
            return Err(Stop::unsupported(
                format!("datetime.{name}() in definitions"),
                "the definition would change each time it is read: write the date out",
            ));
        }
    };
    Ok(if date_only { Value::Date(value.local.date()) } else { Value::DateTime(value) })
}

fn iso(text: &str) -> Option<DateTime> {
    let zoned = text.replace('Z', "+00:00");
    if let Ok(moment) = chrono::DateTime::parse_from_rfc3339(&zoned.replacen(' ', "T", 1)) {
        let offset = moment.offset().local_minus_utc();
        return Some(DateTime { local: moment.naive_local(), offset: Some(offset) });
    }
    let formats =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let moment = formats.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let local = moment.or_else(|| {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_time(chrono::NaiveTime::MIN))
    });
    Some(DateTime { local: local?, offset: None })
}

fn no_zone() -> Stop {
    Stop::unsupported("this time zone", "use timezone.utc or timezone(timedelta(...))")
}
