//! Windows, sessions and rules of a document as operators.

use larder_core::{Error, Field, Result, ValueType};
use serde_saphyr::Spanned;

use super::document::{Aggregate, Alert, Document, EmitOption, Rules, Session};
use super::duration::Micros;
use super::names::Names;
use super::placed;
use crate::aggregate::{Function, StateKind};
use crate::expression::Expression;
use crate::operator::Operator;
use crate::operator::rules::{Condition, Rule, RuleOperator, RulePlan};
use crate::operator::session::{SessionOperator, SessionPlan};
use crate::operator::window::{Emit, Output, Window, WindowOperator, WindowPlan};
use crate::scalar::{Held, ScalarType};

/// Most tiles that a key may have: more are a slip in the units.
const MAX_TILES: i64 = 100_000;

/// An operator with what it reads and answers.
pub(super) struct Compiled {
    pub(super) inputs: Vec<Expression>,
    pub(super) values: Vec<Field>,
    pub(super) operator: Box<dyn Operator>,
    pub(super) is_timed: bool,
}

pub(super) fn compile(document: &Document, names: &mut Names<'_>) -> Result<Compiled> {
    let job = &document.job;
    let refused = |message: &str| {
        let error = Error::invalid(format!("job \"{}\" {message}", job.value));
        Err(placed(names.file(), job)(error))
    };
    match (&document.session, &document.rules) {
        (Some(_), Some(_)) => refused("has both a session and rules"),
        (None, None) if document.aggregate.is_empty() => {
            refused("has neither aggregates nor a session nor rules")
        }
        (_, Some(_)) if !document.aggregate.is_empty() => refused("has both aggregates and rules"),
        (_, Some(_)) if document.view.is_some() => {
            refused("has rules: alerts go to an output, not to a view")
        }
        _ if document.view.is_none() && document.output.is_none() => {
            refused("goes nowhere: it has neither a view nor an output")
        }
        _ if document.log && document.view.is_none() => {
            refused("has a log without a view, whose columns it would have")
        }
        (Some(session), None) => sessions(document, session, names),
        (None, Some(rules)) => alerts(rules, names),
        (None, None) => windows(document, names),
    }
}

/// The states that aggregates need, each once.
#[derive(Default)]
struct States {
    inputs: Vec<Expression>,
    kinds: Vec<StateKind>,
    keys: Vec<[Option<String>; 3]>,
}

impl States {
    /// The state, function, name and type of an aggregate.
    fn add(
        &mut self,
        aggregate: &Aggregate,
        names: &mut Names<'_>,
    ) -> Result<(usize, Function, ValueType)> {
        let function = Function::parse(&aggregate.function.value).ok_or_else(|| {
            let error =
                Error::invalid(format!("no aggregate is called \"{}\"", aggregate.function.value));
            placed(names.file(), &aggregate.function)(error.with_hint(Function::NAMES))
        })?;
        let (input, value_type) = input(aggregate, function, names)?;
        let weight = weight(aggregate, function, names)?;
        let kind = match (StateKind::of(function, value_type), &weight) {
            (StateKind::Top { .. }, Some(_)) => StateKind::Top { is_weighted: true },
            (kind, _) => kind,
        };
        let kind = match gap(aggregate, function, names.file())? {
            Some(gap) => StateKind::Spans { gap },
            None => kind,
        };
        let text = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
        let key = [&aggregate.column, &aggregate.condition, &aggregate.by].map(text);
        let mut known = self.keys.iter().zip(&self.kinds);
        let state = known.position(|known| known == (&key, &kind)).unwrap_or_else(|| {
            self.keys.push(key);
            self.kinds.push(kind);
            self.inputs.push(input);
            self.inputs.extend(weight);
            self.kinds.len() - 1
        });
        Ok((state, function, function.result(value_type)))
    }
}

fn input(
    aggregate: &Aggregate,
    function: Function,
    names: &mut Names<'_>,
) -> Result<(Expression, ScalarType)> {
    let (mut input, value_type) = match &aggregate.column {
        Some(column) => {
            let (input, value_type) = names.expression(column)?;
            if !function.takes(value_type) {
                return Err(names.wrong_type(
                    column,
                    &format!("a number, which {function} takes"),
                    value_type,
                ));
            }
            (input, value_type)
        }
        None if matches!(function, Function::Count | Function::Any | Function::SessionLength) => {
            (Expression::Literal(Held::Bool(true)), ScalarType::Bool)
        }
        None => {
            let error = Error::invalid(format!("{function} needs a column"));
            return Err(placed(names.file(), &aggregate.function)(error));
        }
    };
    if let Some(condition) = &aggregate.condition {
        input = Expression::Where(Box::new(names.condition(condition)?), Box::new(input));
    }
    Ok((input, value_type))
}

/// What the values of `top_<k>` weigh.
fn weight(
    aggregate: &Aggregate,
    function: Function,
    names: &mut Names<'_>,
) -> Result<Option<Expression>> {
    let Some(by) = &aggregate.by else { return Ok(None) };
    if !matches!(function, Function::TopK(_)) {
        let error = Error::invalid(format!("{function} has no weights"));
        return Err(placed(names.file(), by)(error.with_hint("only top_<k> takes by")));
    }
    match names.expression(by)? {
        (weight, value_type) if value_type.is_number() => Ok(Some(weight)),
        (_, value_type) => Err(names.wrong_type(by, "a number", value_type)),
    }
}

/// The longest silence of `session_length`, which no other function has.
fn gap(aggregate: &Aggregate, function: Function, file: &str) -> Result<Option<i64>> {
    match (&aggregate.gap, function) {
        (None, Function::SessionLength) => {
            let error = Error::invalid("session_length needs a gap")
                .with_hint("write the longest silence inside a session: gap: 30m");
            Err(placed(file, &aggregate.function)(error))
        }
        (Some(gap), Function::SessionLength) if gap.value.0 > 0 => Ok(Some(gap.value.0)),
        (Some(gap), Function::SessionLength) => {
            Err(placed(file, gap)(Error::invalid("a gap of zero makes no sessions")))
        }
        (Some(gap), _) => {
            let error = Error::invalid(format!("{function} has no gap"));
            Err(placed(file, gap)(error.with_hint("only session_length takes gap")))
        }
        (None, _) => Ok(None),
    }
}

fn windows(document: &Document, names: &mut Names<'_>) -> Result<Compiled> {
    let (mut states, mut windows, mut outputs, mut values) =
        (States::default(), Vec::new(), Vec::new(), Vec::new());
    for aggregate in &document.aggregate {
        let window = window(aggregate, names.file())?;
        let (state, function, value_type) = states.add(&aggregate.value, names)?;
        let index = windows.iter().position(|known| *known == window).unwrap_or_else(|| {
            windows.push(window);
            windows.len() - 1
        });
        outputs.push(Output { state, window: index, function });
        values.push(Field::new(feature_name(&aggregate.value, Some(window.size)), value_type));
    }
    let emit = match document.emit {
        Some(EmitOption::EachEvent) => Emit::EachEvent,
        Some(EmitOption::WindowClose) | None => Emit::WindowClose,
    };
    let lateness = document.watermark.allowed_lateness.0;
    let plan = WindowPlan::new(windows, states.kinds, outputs, emit, lateness);
    if plan.tiles() > MAX_TILES {
        let message = format!(
            "the windows of job \"{}\" need {} tiles per key, more than {MAX_TILES}",
            document.job.value,
            plan.tiles()
        );
        let error = Error::invalid(message)
            .with_hint("choose sizes and slides with a larger common divisor");
        return Err(placed(names.file(), &document.aggregate[0])(error));
    }
    let operator = Box::new(WindowOperator::new(plan));
    Ok(Compiled { inputs: states.inputs, values, operator, is_timed: true })
}

/// The window of an aggregate, positive in both lengths.
fn window(aggregate: &Spanned<Aggregate>, file: &str) -> Result<Window> {
    let refused =
        |place: &Spanned<Micros>, message: &str| Err(placed(file, place)(Error::invalid(message)));
    let Some(size) = &aggregate.value.window else {
        let error = Error::invalid(format!(
            "the aggregate {} has no window",
            aggregate.value.function.value
        ));
        let hint = "without one its state would cover all time; write for instance window: 1h";
        return Err(placed(file, aggregate)(error.with_hint(hint)));
    };
    if size.value.0 == 0 {
        return refused(size, "a window of zero holds no events");
    }
    let slide = aggregate.value.slide.as_ref().unwrap_or(size);
    if slide.value.0 == 0 {
        return refused(slide, "a slide of zero never ends a window");
    }
    if slide.value.0 > size.value.0 {
        return refused(
            slide,
            "the slide is longer than the window: events between two windows would be lost",
        );
    }
    Ok(Window { size: size.value.0, slide: slide.value.0 })
}

/// Feast 0.67: `{function}_{column}`, then `_{seconds}s` where there is a window.
fn feature_name(aggregate: &Aggregate, window: Option<i64>) -> String {
    if let Some(name) = &aggregate.name {
        return name.value.clone();
    }
    let column = aggregate.column.as_ref().map_or("", |column| column.value.as_str());
    let base = format!("{}_{column}", aggregate.function.value);
    match window {
        Some(size) => format!("{base}_{}s", size / 1_000_000),
        None => base,
    }
}

fn sessions(
    document: &Document,
    session: &Spanned<Session>,
    names: &mut Names<'_>,
) -> Result<Compiled> {
    let gap = &session.value.gap;
    if gap.value.0 == 0 {
        return Err(placed(names.file(), gap)(Error::invalid("a gap of zero makes no sessions")));
    }
    let mut states = States::default();
    let mut outputs = Vec::new();
    // Milliseconds, as events have them.
    let mut values: Vec<Field> =
        ["start", "end", "duration"].map(|name| Field::new(name, ValueType::Int64)).to_vec();
    for aggregate in &document.aggregate {
        if let Some(window) = &aggregate.value.window {
            let error =
                Error::invalid("an aggregate of a session covers the session: it has no window");
            return Err(placed(names.file(), window)(error));
        }
        let (state, function, value_type) = states.add(&aggregate.value, names)?;
        outputs.push((state, function));
        values.push(Field::new(feature_name(&aggregate.value, None), value_type));
    }
    let plan = SessionPlan {
        gap: gap.value.0,
        lateness: document.watermark.allowed_lateness.0,
        states: states.kinds,
        outputs,
    };
    let operator = Box::new(SessionOperator::new(plan));
    Ok(Compiled { inputs: states.inputs, values, operator, is_timed: false })
}

fn alerts(rules: &Spanned<Rules>, names: &mut Names<'_>) -> Result<Compiled> {
    let Some(ttl) = &rules.value.ttl else {
        let error = Error::invalid("rules without ttl would remember every key for ever");
        return Err(placed(names.file(), rules)(error.with_hint("write for instance ttl: 30d")));
    };
    if ttl.value.0 == 0 {
        return Err(placed(names.file(), ttl)(Error::invalid(
            "with a ttl of zero nothing is remembered",
        )));
    }
    let (mut inputs, mut compiled) = (Vec::new(), Vec::new());
    for alert in &rules.value.alerts {
        let (condition, input) = condition(alert, names)?;
        let input = match &alert.value.condition {
            Some(only) => Expression::Where(Box::new(names.condition(only)?), Box::new(input)),
            None => input,
        };
        inputs.push(input);
        compiled.push(Rule {
            condition,
            reason: alert.value.reason.clone(),
            severity: alert.value.severity.clone(),
            alert_type: rules.value.alert_type.clone(),
        });
    }
    let (event_id, value_type) = names.expression(&rules.value.event_id)?;
    inputs.push(event_id);
    let text = |name| Field::new(name, ValueType::String);
    let values = vec![
        Field::new("eventId", Function::Last.result(value_type)),
        text("alertType"),
        text("severity"),
        text("reason"),
        Field::new("timestamp", ValueType::Int64),
    ];
    let operator = Box::new(RuleOperator::new(RulePlan { rules: compiled, ttl: ttl.value.0 }));
    Ok(Compiled { inputs, values, operator, is_timed: false })
}

/// The one condition of an alert and what it reads.
fn condition(alert: &Spanned<Alert>, names: &mut Names<'_>) -> Result<(Condition, Expression)> {
    let rule = &alert.value;
    match (&rule.soon_after_previous, &rule.above_mean, &rule.unseen) {
        (Some(less_than), None, None) => {
            let always = Expression::Literal(Held::Bool(true));
            Ok((Condition::SoonAfter { less_than: less_than.0 }, always))
        }
        (None, Some(above), None) => {
            let (input, value_type) = names.expression(&above.column)?;
            if !value_type.is_number() {
                return Err(names.wrong_type(&above.column, "a number", value_type));
            }
            Ok((Condition::AboveMean { times: above.times, least: above.at_least.max(1) }, input))
        }
        (None, None, Some(unseen)) => {
            let (input, _) = names.expression(&unseen.column)?;
            Ok((Condition::Unseen { within: unseen.within.0 }, input))
        }
        _ => {
            let error =
                Error::invalid(format!("the alert \"{}\" needs one condition", rule.reason));
            let hint = "give one of soon_after_previous, above_mean and unseen";
            Err(placed(names.file(), alert)(error.with_hint(hint)))
        }
    }
}
