//! From a document to a job that runs.

use larder_core::{Error, Field, Result};

use super::document::Document;
use super::names::Names;
use super::operators::{self, Compiled};
use super::{RowSchema, placed};
use crate::aggregate::Function;
use crate::expression::Expression;
use crate::operator::Operator;
use crate::scalar::ScalarType;
use crate::schema::{EventType, Slot, TimeUnit};

/// How a job follows event time. UTC microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Column of the event time, with its unit.
    pub(crate) time: Slot,
    pub(crate) delay: i64,
    pub(crate) idle: i64,
}

impl Timing {
    /// UTC microseconds of an event time as it stands in the column.
    pub(crate) fn micros(&self, time: i64) -> i64 {
        self.time.unit.unwrap_or(TimeUnit::Millis).micros(time)
    }
}

/// What a job reads of an event.
#[derive(Debug)]
pub(crate) struct EventPlan {
    pub(crate) timing: Timing,
    pub(crate) filter: Option<Expression>,
    pub(crate) key: Vec<Expression>,
    /// Inputs of the operator.
    pub(crate) inputs: Vec<Expression>,
}

/// A job over the columns of an event type.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) plan: EventPlan,
    pub(crate) operator: Box<dyn Operator>,
    pub(crate) row: RowSchema,
}

impl Job {
    /// Compiles a document; the fields that it needs are marked in the event type.
    ///
    /// # Errors
    /// `Invalid` with the place for an unknown field, a wrong type, a window or slide of zero, state without bound.
    pub(super) fn compile(file: &str, document: &Document, event: &mut EventType) -> Result<Self> {
        let mut names = Names::new(file, event);
        let timing = timing(document, &mut names)?;
        for (name, text) in &document.derive.0 {
            names.derive(name, text)?;
        }
        let filter = document.filter.as_ref().map(|text| names.condition(text)).transpose()?;
        let (key, key_fields) = key(document, &mut names)?;
        let Compiled { inputs, values, operator, is_timed } =
            operators::compile(document, &mut names)?;
        check_names(file, document, &key_fields, &values)?;
        let result = if is_timed { "event_timestamp" } else { "start" };
        let row = RowSchema { key: key_fields, values, is_timed, result };
        let plan = EventPlan { timing, filter, key, inputs };
        Ok(Self { name: document.job.value.clone(), plan, operator, row })
    }
}

fn timing(document: &Document, names: &mut Names<'_>) -> Result<Timing> {
    let text = &document.source.timestamp;
    let time = names.field(text)?;
    if time.value_type != ScalarType::Int {
        return Err(names.wrong_type(text, "an instant", time.value_type));
    }
    let watermark = &document.watermark;
    Ok(Timing { time, delay: watermark.delay.0, idle: watermark.idle.0 })
}

fn key(document: &Document, names: &mut Names<'_>) -> Result<(Vec<Expression>, Vec<Field>)> {
    if document.key.0.is_empty() {
        let error = Error::invalid(format!("job \"{}\" has no key", document.job.value))
            .with_hint("write key: {user_id: userId}");
        return Err(placed(names.file(), &document.job)(error));
    }
    let (mut expressions, mut fields) = (Vec::new(), Vec::new());
    for (name, text) in &document.key.0 {
        let (expression, value_type) = names.expression(text)?;
        if value_type == ScalarType::Double {
            return Err(names.wrong_type(text, "a type that a key can have", value_type));
        }
        expressions.push(expression);
        fields.push(Field::new(name, Function::Last.result(value_type)));
    }
    Ok((expressions, fields))
}

/// Refuses two columns of one name.
fn check_names(file: &str, document: &Document, key: &[Field], values: &[Field]) -> Result<()> {
    let mut names: Vec<&str> = key.iter().chain(values).map(|field| field.name.as_str()).collect();
    names.sort_unstable();
    match names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b) {
        Some((name, _)) => {
            let message = format!("job \"{}\" has two columns \"{name}\"", document.job.value);
            Err(placed(file, &document.job)(Error::invalid(message).with_hint("name one with as")))
        }
        None => Ok(()),
    }
}
