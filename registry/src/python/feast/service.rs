//! `FeatureService` and `Permission`.

use std::rc::Rc;

use larder_core::{
    Error, FeatureService, Field, Permission, Policy, Projection, Result, ValueType,
};

use super::field::{empty_tags, tags, text_map};
use super::{formats, views};
use crate::permissions::{ACTIONS, CLASSES};
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::member::Member;
use crate::python::eval::record::{ClassSpec, Fallback, Kind, Object, optional, required, with};
use crate::python::eval::value::Value;

/// `FeatureService`.
pub(super) static FEATURE_SERVICE: ClassSpec = ClassSpec {
    name: "FeatureService",
    module: "feast.feature_service",
    parameters: &[
        required("name", Kind::Text),
        required(
            "features",
            Kind::List(&Kind::AnyOf(&[Kind::Object("BaseFeatureView"), Kind::Text])),
        ),
        optional("tags", Kind::TextMap),
        with("description", Kind::Text, Fallback::Text("")),
        with("owner", Kind::Text, Fallback::Text("")),
        optional("logging_config", Kind::Object("LoggingConfig")),
        with("precompute_online", Kind::Bool, Fallback::Bool(false)),
    ],
    legacy_positional: &["name", "features", "tags"],
    finish: Some(finish_service),
    ..ClassSpec::BASE
};

fn finish_service(_: &mut Interpreter<'_>, object: &Rc<Object>) -> Outcome<()> {
    for text in object.items("features").iter().filter_map(Value::as_str) {
        if reference(text).is_none() {
            let message =
                format!("feature service \"{}\": \"{text}\" is no reference", object.name());
            return Err(object.error(message).hint("write view, view:feature or view@v2:feature"));
        }
    }
    empty_tags(object);
    Ok(())
}

/// The domain service. Text references come last, as in Feast, which resolves them at the end.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for what the registry cannot hold.
pub(super) fn feature_service(object: &Object) -> Result<FeatureService> {
    let mut projections = Vec::new();
    for view in object.objects("features") {
        projections.push(views::served_projection(&view)?);
    }
    let items = object.items("features");
    projections.extend(items.iter().filter_map(|item| reference(item.as_str()?)));
    let logging = object.get("logging_config");
    Ok(FeatureService {
        name: object.name(),
        projections,
        tags: tags(object),
        description: object.text("description"),
        owner: object.text("owner"),
        logging: logging.as_object().and_then(|config| formats::logging(config)),
        precompute_online: object.get("precompute_online").truth(),
        created: None,
        updated: None,
    })
}

/// `view`, `view:feature`, `view@v2` or `view@v2:feature`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) view: String,
    pub(crate) version: Option<i32>,
    pub(crate) feature: Option<String>,
}

impl Reference {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (view, feature) = match text.split_once(':') {
            Some((view, feature)) => (view, Some(feature)),
            None => (text, None),
        };
        let (view, version) = match view.split_once('@') {
            Some((view, version)) => (view, Some(version.strip_prefix('v')?.parse().ok()?)),
            None => (view, None),
        };
        if view.is_empty() || feature.is_some_and(str::is_empty) {
            return None;
        }
        Some(Self { view: view.to_owned(), version, feature: feature.map(str::to_owned) })
    }
}

/// The projection that a text names; features are only named here.
fn reference(text: &str) -> Option<Projection> {
    let Reference { view, version, feature } = Reference::parse(text)?;
    Some(Projection {
        view,
        features: feature.map(|name| Field::new(name, ValueType::Unknown)).into_iter().collect(),
        version_tag: version,
        view_type: "featureView".to_owned(),
        ..Projection::default()
    })
}

/// Types of objects that a permission may name, in the order of Feast's default.
const RESOURCES: [&str; 12] = [
    "Project",
    "FeatureView",
    "OnDemandFeatureView",
    "BatchFeatureView",
    "StreamFeatureView",
    "LabelView",
    "Entity",
    "FeatureService",
    "DataSource",
    "ValidationReference",
    "SavedDataset",
    "Permission",
];

const ACTION: &str = "AuthzedAction";

/// A member of `AuthzedAction`.
pub(super) fn action(name: &str) -> Option<Value> {
    let name = ACTIONS.iter().find(|known| **known == name)?;
    Some(Value::Member(Member::valued(ACTION, name, Value::text(name.to_lowercase()))))
}

/// Names of the actions, and of the lists of them.
pub(super) fn action_names() -> Vec<&'static str> {
    ACTIONS.into_iter().chain(["READ", "WRITE", "CRUD", "ALL_ACTIONS"]).collect()
}

/// The lists of actions that Feast names.
pub(super) fn actions(name: &str) -> Option<Value> {
    let names: &[&str] = match name {
        "ALL_ACTIONS" => &ACTIONS,
        "READ" => &["READ_OFFLINE", "READ_ONLINE"],
        "WRITE" => &["WRITE_OFFLINE", "WRITE_ONLINE"],
        "CRUD" => &["CREATE", "DESCRIBE", "UPDATE", "DELETE"],
        _ => return None,
    };
    Some(Value::list(names.iter().filter_map(|name| action(name)).collect()))
}

/// `Permission`.
pub(super) static PERMISSION: ClassSpec = ClassSpec {
    name: "Permission",
    module: "feast.permissions.permission",
    parameters: &[
        required("name", Kind::Text),
        optional("types", Kind::Any),
        optional("name_patterns", Kind::AnyOf(&[Kind::Text, Kind::List(&Kind::Text)])),
        optional(
            "actions",
            Kind::AnyOf(&[Kind::Member(ACTION), Kind::List(&Kind::Member(ACTION))]),
        ),
        optional("policy", Kind::Object("Policy")),
        optional("tags", Kind::TextMap),
        optional("required_tags", Kind::TextMap),
    ],
    positional: 7,
    finish: Some(finish_permission),
    ..ClassSpec::BASE
};

fn finish_permission(_: &mut Interpreter<'_>, object: &Rc<Object>) -> Outcome<()> {
    for kind in one_or_many(&object.get("types")) {
        let known = matches!(&kind, Value::Record(spec) if resource(spec.name).is_some());
        if !known {
            let what = match &kind {
                Value::Record(spec) => Rc::from(spec.name),
                other => other.type_name(),
            };
            let message = format!("permission \"{}\": {what} is no type of object", object.name());
            return Err(object.error(message).hint(RESOURCES.join(", ")));
        }
    }
    if matches!(object.get("actions"), Value::List(list) if list.0.borrow().is_empty()) {
        return Err(object.error(format!("permission \"{}\" allows no action", object.name())));
    }
    Ok(())
}

/// Names of the classes that a permission may be about.
pub(in crate::python) fn resources() -> impl Iterator<Item = &'static str> {
    RESOURCES.into_iter()
}

fn resource(name: &str) -> Option<i32> {
    number_of(name, &CLASSES)
}

/// The number in Feast's messages: the position among the names.
fn number_of(name: &str, names: &[&str]) -> Option<i32> {
    (0..).zip(names).find(|(_, known)| **known == name).map(|(number, _)| number)
}

fn one_or_many(value: &Value) -> Vec<Value> {
    match value {
        Value::None => Vec::new(),
        Value::List(list) => list.0.borrow().clone(),
        Value::Tuple(tuple) => tuple.0.clone(),
        other => vec![other.clone()],
    }
}

macro_rules! policy {
    ($static:ident, $name:literal, [$($parameter:literal),+]) => {
        /// A policy of `feast.permissions.policy`.
        pub(super) static $static: ClassSpec = ClassSpec {
            name: $name,
            module: "feast.permissions.policy",
            ancestors: &["Policy"],
            parameters: &[$(required($parameter, Kind::List(&Kind::Text))),+],
            positional: 2,
            ..ClassSpec::BASE
        };
    };
}

policy!(ROLE_POLICY, "RoleBasedPolicy", ["roles"]);
policy!(GROUP_POLICY, "GroupBasedPolicy", ["groups"]);
policy!(NAMESPACE_POLICY, "NamespaceBasedPolicy", ["namespaces"]);
policy!(COMBINED_POLICY, "CombinedGroupNamespacePolicy", ["groups", "namespaces"]);

/// The domain permission.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for a type or action that the registry does not know.
pub(super) fn permission(object: &Object) -> Result<Permission> {
    let unknown = || {
        Error::invalid(format!("permission \"{}\" names something unknown", object.name()))
            .with_location(object.location.clone())
    };
    let types = match one_or_many(&object.get("types")) {
        types if types.is_empty() => RESOURCES.iter().filter_map(|name| resource(name)).collect(),
        types => types
            .iter()
            .map(|kind| match kind {
                Value::Record(spec) => resource(spec.name).ok_or_else(unknown),
                _ => Err(unknown()),
            })
            .collect::<Result<_>>()?,
    };
    let actions = match one_or_many(&object.get("actions")) {
        actions if actions.is_empty() => (0..8).collect(),
        actions => actions
            .iter()
            .filter_map(|action| match action {
                Value::Member(member) => number_of(&member.name, &ACTIONS),
                _ => None,
            })
            .collect(),
    };
    let trimmed = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    let patterns = one_or_many(&object.get("name_patterns"));
    let policy = object.get("policy");
    Ok(Permission {
        name: object.name(),
        types,
        name_patterns: patterns.iter().map(trimmed).collect(),
        required_tags: trimmed_tags(&object.get("required_tags")),
        actions,
        policy: policy.as_object().map(|policy| domain_policy(policy)),
        tags: trimmed_tags(&object.get("tags")),
    })
}

/// Feast strips blanks around the tags of permissions.
fn trimmed_tags(value: &Value) -> larder_core::Tags {
    let trim = |(key, value): (String, String)| (key.trim().to_owned(), value.trim().to_owned());
    text_map(value).into_iter().map(trim).collect()
}

fn domain_policy(policy: &Object) -> Policy {
    let texts = |name: &str| {
        policy.items(name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    match policy.spec.name {
        "RoleBasedPolicy" => Policy::Roles(texts("roles")),
        "GroupBasedPolicy" => Policy::Groups(texts("groups")),
        "NamespaceBasedPolicy" => Policy::Namespaces(texts("namespaces")),
        _ => {
            Policy::GroupsAndNamespaces { groups: texts("groups"), namespaces: texts("namespaces") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn references_name_view_version_and_feature() {
        for (text, view, version, feature) in [
            ("v", "v", None, None),
            ("v:f", "v", None, Some("f")),
            ("v@v2", "v", Some(2), None),
            ("v@v2:f", "v", Some(2), Some("f")),
        ] {
            let (view, feature) = (view.to_owned(), feature.map(str::to_owned));
            assert_eq!(
                Reference::parse(text),
                Some(Reference { view, version, feature }),
                "{text}"
            );
        }
        for text in ["", ":f", "v:", "v@2", "v@vx:f"] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }
}
