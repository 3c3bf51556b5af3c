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
    let mut lines = Vec::new();
    for change in plan.changes.iter().filter(|change| change.is_shown()) {
        lines.push(format!("{} {} {}\n", verb(change.action), change.kind.label(), change.name));
        let fields = change.fields.iter();
        lines.extend(
            fields.map(|field| format!("\t{}: {} -> {}\n", field.field, field.old, field.new)),
        );
    }
    if lines.is_empty() { "No changes to registry".to_owned() } else { lines.concat() }
}

/// The changed tables of the online store, one line each.
pub(super) fn infrastructure(tables: &[TableChange]) -> String {
    let line = |table: &TableChange| {
        format!("{} {} table {}\n", verb(table.action), table.store, table.name)
    };
    let lines: Vec<String> = tables.iter().map(line).collect();
    if lines.is_empty() { "No changes to infrastructure".to_owned() } else { lines.concat() }
}
