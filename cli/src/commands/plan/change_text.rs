//! A plan in Feast's words.

use larder_registry::plan::{Action, Plan};

use crate::definition::TableChange;

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "Created",
        Action::Update => "Updated",
        Action::Delete => "Deleted",
    }
}

/// The changed registry objects, one line each, with their changed fields below; ends with a newline unless
/// nothing changes.
pub(super) fn registry(plan: &Plan) -> String {
    let mut text = String::new();
    for change in plan.changes.iter().filter(|change| change.is_shown()) {
        let (verb, kind) = (verb(change.action), change.kind.label());
        text.push_str(&format!("{verb} {kind} {}\n", change.name));
        for field in &change.fields {
            text.push_str(&format!("\t{}: {} -> {}\n", field.field, field.old, field.new));
        }
    }
    if text.is_empty() { "No changes to registry".to_owned() } else { text }
}

/// The changed tables of the online store, one line each.
pub(super) fn infrastructure(tables: &[TableChange]) -> String {
    let mut text = String::new();
    for table in tables {
        let verb = verb(table.action);
        text.push_str(&format!("{verb} {} table {}\n", table.store, table.name));
    }
    if text.is_empty() { "No changes to infrastructure".to_owned() } else { text }
}
