//! From a document to a job that runs.

use larder_core::{Error, Field, Result};
use serde_saphyr::Spanned;

use super::document::Document;
use super::names::Names;
use super::operators::{self, Compiled};
use super::{RowSchema, placed};
use crate::aggregate::Function;
use crate::batch::EventBatch;
use crate::expression::{Expression, Row};
use crate::operator::Operator;
use crate::scalar::ScalarType;
use crate::schema::{EventType, Slot, TimeUnit};

/// More partitions than any cluster should give a job.
const MOST_PARTITIONS: i32 = 10_000;

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
    /// The list whose elements are events of their own.
    pub(crate) explode: Option<usize>,
    pub(crate) filter: Option<Expression>,
    pub(crate) key: Vec<Expression>,
    /// Inputs of the operator.
    pub(crate) inputs: Vec<Expression>,
}

impl EventPlan {
    /// The events that one row of the batch is: itself, or the elements of its list.
    pub(crate) fn events<'a>(
        &self,
        batch: &'a EventBatch,
        row: usize,
    ) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let elements = match self.explode {
            Some(list) => batch.elements(row, list).unwrap_or(0..0),
            None => 0..1,
        };
        elements.map(move |element| Row { batch, at: row, element })
    }
}

/// A job over the columns of an event type.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) plan: EventPlan,
    pub(crate) operator: Box<dyn Operator>,
    pub(crate) row: RowSchema,
    /// Whether all events of a key are in one partition.
    pub(crate) is_partitioned: bool,
}

impl Job {
    /// Compiles a document; the fields that it needs are marked in the event type.
    ///
    /// # Errors
    /// `Invalid` with the place for an unknown field, a wrong type, a window or slide of zero, state without bound.
    pub(super) fn compile(file: &str, document: &Document, event: &mut EventType) -> Result<Self> {
        let mut names = Names::new(file, event);
        let timing = timing(document, &mut names)?;
        let explode = document.explode.as_ref().map(|text| names.explode(text)).transpose()?;
        for (name, text) in &document.derive.0 {
            names.derive(name, text)?;
        }
        let filter = document.filter.as_ref().map(|text| names.condition(text)).transpose()?;
        let (key, key_fields) = key(document, &mut names)?;
        let Compiled { inputs, values, operator, is_timed } =
            operators::compile(document, &mut names)?;
        check_names(file, document, &key_fields, &values)?;
        let is_partitioned = is_partitioned(document, &mut names)?;
        check_repartition(file, document, is_partitioned)?;
        let result = if is_timed { "event_timestamp" } else { "start" };
        let row = RowSchema { key: key_fields, values, is_timed, result };
        let plan = EventPlan { timing, explode, filter, key, inputs };
        Ok(Self { name: document.job.value.clone(), plan, operator, row, is_partitioned })
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

/// Whether the key decides the partition: everything that the topic is keyed by is a part of it.
fn is_partitioned(document: &Document, names: &mut Names<'_>) -> Result<bool> {
    let Some(named) = &document.source.partition_key else { return Ok(false) };
    if named.value.is_empty() {
        let error = Error::invalid("a topic that is keyed by nothing has no partition_key");
        return Err(placed(names.file(), named)(error.with_hint("leave it out")));
    }
    for part in &named.value {
        names.expression(part)?;
    }
    let is_of_key =
        |part: &Spanned<String>| document.key.0.iter().any(|(_, text)| text.value == part.value);
    Ok(named.value.iter().all(is_of_key))
}

/// Refuses a topic in between where it cannot be or does nothing.
fn check_repartition(file: &str, document: &Document, is_partitioned: bool) -> Result<()> {
    let Some(repartition) = &document.repartition else { return Ok(()) };
    let job = &document.job.value;
    let refused = |message: String, hint: &str| {
        Err(placed(file, repartition)(Error::invalid(message).with_hint(hint.to_owned())))
    };
    if document.source.topic.is_none() {
        let message = format!("job \"{job}\" reads no topic that could be repartitioned");
        return refused(message, "name source.topic, or leave repartition out");
    }
    if is_partitioned {
        let message = format!("the key of job \"{job}\" has all of source.partition_key");
        return refused(message, "leave repartition out: instances share the topic as it is");
    }
    if !(1..=MOST_PARTITIONS).contains(&repartition.value.partitions) {
        let message = format!("job \"{job}\" repartitions into {}", repartition.value.partitions);
        return refused(message, "write a number of partitions from 1 to 10000");
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !job.chars().all(is_letter) {
        let message = format!("\"{job}\" cannot be a part of the name of a topic");
        return refused(
            message,
            "name the job with letters, digits, dots, underscores and hyphens",
        );
    }
    Ok(())
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
