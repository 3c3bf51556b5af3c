//! Which definitions can go on with the state of another.

use std::fmt::Write as _;

use serde_saphyr::Spanned;
use xxhash_rust::xxh3::xxh3_64;

use super::RowSchema;
use super::document::{Aggregate, Alert, Document};

/// Changes when state is written in another way.
const GENERATION: u32 = 1;

/// A number that is the same for definitions whose state means the same: what is kept of which events. The source's place
/// and encoding, the watermark, where rows go and the words of alerts may change.
pub(super) fn layout(document: &Document, row: &RowSchema) -> u64 {
    let mut text = format!("{GENERATION}\n{}\n", document.source.timestamp.value);
    let mut line = |name: &str, value: &dyn std::fmt::Debug| {
        writeln!(text, "{name} {value:?}").expect("a string takes every text");
    };
    line("explode", &plain(document.explode.as_ref()));
    line("filter", &plain(document.filter.as_ref()));
    for (name, expression) in document.derive.0.iter().chain(&document.key.0) {
        line(name, &expression.value);
    }
    for aggregate in &document.aggregate {
        line("aggregate", &of_aggregate(&aggregate.value));
        if let Some(gap) = &aggregate.value.gap {
            line("silence", &gap.value.0);
        }
    }
    line("emit", &document.emit);
    line("gap", &document.session.as_ref().map(|session| session.value.gap.value.0));
    if let Some(rules) = &document.rules {
        line("event_id", &rules.value.event_id.value);
        line("ttl", &rules.value.ttl.as_ref().map(|ttl| ttl.value.0));
        for alert in &rules.value.alerts {
            line("alert", &of_alert(&alert.value));
        }
    }
    // The types follow from the schema of the events.
    for field in row.key.iter().chain(&row.values) {
        line("type", &field.value_type);
    }
    xxh3_64(text.as_bytes())
}

/// The layout of a job whose keys are dealt out to so many partitions.
pub(super) fn repartition(layout: u64, partitions: i32) -> u64 {
    let mut text = b"repartition".to_vec();
    text.extend(layout.to_le_bytes());
    text.extend(partitions.to_le_bytes());
    xxh3_64(&text)
}

fn plain<T>(value: Option<&Spanned<T>>) -> Option<&T> {
    value.map(|value| &value.value)
}

fn of_aggregate(aggregate: &Aggregate) -> impl std::fmt::Debug + '_ {
    (
        &aggregate.function.value,
        plain(aggregate.column.as_ref()),
        plain(aggregate.by.as_ref()),
        plain(aggregate.condition.as_ref()),
        plain(aggregate.window.as_ref()).map(|window| window.0),
        plain(aggregate.slide.as_ref()).map(|slide| slide.0),
    )
}

fn of_alert(alert: &Alert) -> impl std::fmt::Debug + '_ {
    (
        plain(alert.condition.as_ref()),
        alert.soon_after_previous.map(|time| time.0),
        alert.above_mean.as_ref().map(|above| (&above.column.value, above.times, above.at_least)),
        alert.unseen.as_ref().map(|unseen| (&unseen.column.value, unseen.within.0)),
    )
}
