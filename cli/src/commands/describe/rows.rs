//! Which columns a list shows of which kind.

use serde_json::{Value, json};

use super::{Kind, class_of, entity_names};
use crate::output::{Cell, Table};
use crate::registry_json::{list, text};

/// The table of objects of one kind, with Feast's headers.
pub(super) fn table(kind: Kind, objects: &[(String, Value)]) -> Table {
    match kind {
        Kind::Entity => entities(objects),
        Kind::DataSource => data_sources(objects),
        Kind::LabelView => label_views(objects),
        Kind::FeatureService => feature_services(objects),
        Kind::Project => projects(objects),
        _ => names(objects),
    }
}

fn names(objects: &[(String, Value)]) -> Table {
    let mut table = Table::new(["NAME"]);
    for (name, _) in objects {
        table.push([name.as_str().into()]);
    }
    table
}

fn entities(objects: &[(String, Value)]) -> Table {
    let mut table = Table::new(["NAME", "DESCRIPTION", "TYPE"]);
    for (name, entity) in objects {
        let value_type = match text(entity, "/spec/valueType") {
            "" | "INVALID" => "UNKNOWN",
            name => name,
        };
        let description = text(entity, "/spec/description");
        let shown = format!("ValueType.{value_type}");
        table.push([name.as_str().into(), description.into(), Cell::shown_as(value_type, shown)]);
    }
    table
}

fn data_sources(objects: &[(String, Value)]) -> Table {
    let mut table = Table::new(["NAME", "CLASS"]);
    for (name, source) in objects {
        let class = class_of(source);
        table.push([name.as_str().into(), Cell::shown_as(class, format!("<class '{class}'>"))]);
    }
    table
}

fn label_views(objects: &[(String, Value)]) -> Table {
    let mut table = Table::new(["NAME", "ENTITIES", "CONFLICT_POLICY"]);
    for (name, view) in objects {
        let entities = entity_names(view);
        let shown = match entities.as_slice() {
            [] => "n/a".to_owned(),
            names => names.join(", "),
        };
        let policy = match text(view, "/spec/conflictPolicy") {
            "" => "last_write_wins".to_owned(),
            policy => policy.to_lowercase(),
        };
        table.push([name.as_str().into(), Cell::shown_as(json!(entities), shown), policy.into()]);
    }
    table
}

/// Features stand under the view's own name, not under its alias.
fn feature_services(objects: &[(String, Value)]) -> Table {
    let mut table = Table::new(["NAME", "FEATURES"]);
    for (name, service) in objects {
        let features: Vec<String> = list(service, "/spec/features")
            .iter()
            .flat_map(|projection| {
                let view = text(projection, "/featureViewName");
                list(projection, "/featureColumns")
                    .iter()
                    .map(move |feature| format!("{view}:{}", text(feature, "/name")))
            })
            .collect();
        table.push([name.as_str().into(), json!(features).into()]);
    }
    table
}

fn projects(objects: &[(String, Value)]) -> Table {
    let mut table = Table::new(["NAME", "DESCRIPTION", "TAGS", "OWNER"]);
    for (name, project) in objects {
        let tags = project.pointer("/spec/tags").cloned().unwrap_or_else(|| json!({}));
        let description = text(project, "/spec/description");
        table.push([
            name.as_str().into(),
            description.into(),
            tags.into(),
            text(project, "/spec/owner").into(),
        ]);
    }
    table
}
