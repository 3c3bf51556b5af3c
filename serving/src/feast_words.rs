//! What Feast 0.67 answers to faults, word for word, for `compat: feast`.
//!
//! The words travel as the cause of an error, so that its kind and its own message stay what they are.

use std::fmt;

use larder_core::{
    Catalog, Error, ErrorKind, FeatureView, ObjectKind, Result, Selection, ValueType,
};
use serde_json::Value as Json;

use crate::OnlineService;
use crate::online::{OnlineRequest, RequestColumn, RequestValues};

/// Feast's text for an error.
#[derive(Debug, Clone)]
pub(crate) struct FeastWords {
    pub(crate) text: String,
    /// Class of `feast.errors`; `None` for an exception of Python or pandas, which is answered as bare text.
    pub(crate) class: Option<&'static str>,
}

impl fmt::Display for FeastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Feast says: {}", self.text)
    }
}

impl std::error::Error for FeastWords {}

impl FeastWords {
    /// A text without class.
    pub(crate) fn bare(text: impl Into<String>) -> Self {
        Self { text: text.into(), class: None }
    }

    /// The text of a `KeyError`, which is Python's literal of the message.
    pub(crate) fn key_error(message: &str) -> Self {
        let quote = if message.contains('\'') && !message.contains('"') { '"' } else { '\'' };
        Self::bare(format!("{quote}{message}{quote}"))
    }

    /// What a store without vector search says.
    pub(crate) fn of_search(store: &str, api_version: i64) -> Self {
        let text = match (store, api_version) {
            ("sqlite", 2) => {
                "You must enable either vector search or text search in the online store config"
            }
            ("sqlite", _) => "sqlite-vss is not enabled in the online store config",
            ("redis", _) => "Online store RedisOnlineStore does not support online retrieval",
            ("cassandra", _) => {
                "Online store CassandraOnlineStore does not support online retrieval"
            }
            (other, _) => {
                return Self::bare(format!(
                    "Online store {other} does not support online retrieval"
                ));
            }
        };
        Self::bare(text)
    }

    /// The words that an error carries.
    pub(crate) fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }
}

/// Feast takes the number of rows from a column of the request, also where no column is needed.
pub(crate) fn refuse_without_rows(request: &OnlineRequest) -> Result<()> {
    if request.columns.is_empty() && asks_for_something(&request.selection) {
        return Err(Error::invalid("the request has no entity column")
            .with_source(FeastWords::key_error("pop from an empty set")));
    }
    Ok(())
}

fn asks_for_something(selection: &Selection) -> bool {
    !matches!(selection, Selection::Features(references) if references.is_empty())
}

/// The error of a read with Feast's words for it, where they differ from those of its class.
pub(crate) fn in_feasts_words(error: Error, request: &OnlineRequest, catalog: &Catalog) -> Error {
    if FeastWords::of(&error).is_some() {
        return error;
    }
    let words = match (error.kind(), error.subject()) {
        (ErrorKind::NotFound, Some(subject)) if subject.kind == ObjectKind::Feature => {
            unknown_feature(&request.selection, catalog)
        }
        (ErrorKind::AlreadyExists, Some(subject)) => {
            Some(collision(&subject.name, request.full_feature_names))
        }
        (ErrorKind::Invalid, None) => invalid_read(request, catalog),
        _ => None,
    };
    match words {
        Some(words) => error.with_source(words),
        None => error,
    }
}

fn unknown_feature(selection: &Selection, catalog: &Catalog) -> Option<FeastWords> {
    let Selection::Features(references) = selection else { return None };
    let unknown = references.iter().find(|reference| {
        let stored = catalog.feature_views().get(&reference.view);
        let computed = catalog.on_demand_feature_views().get(&reference.view);
        let fields =
            stored.map(|view| &view.features).or_else(|| computed.map(|view| &view.features));
        fields.is_some_and(|fields| fields.iter().all(|field| field.name != reference.feature))
    })?;
    let text = format!("Feature {} not found in projection {}", unknown.feature, unknown.view);
    Some(FeastWords::key_error(&text))
}

fn collision(feature: &str, full_feature_names: bool) -> FeastWords {
    let advice = if full_feature_names {
        "please ensure that the feature views or their own features have different names. If you're \
         intentionally joining the same feature view twice on different sets of entities, please rename one of \
         the feature views with '.with_name'."
    } else {
        "either use the full feature name by setting 'full_feature_names=True', or ensure that the features in \
         question have different names."
    };
    let text =
        format!("Duplicate features named {feature} found.\nTo resolve this collision, {advice}");
    FeastWords { text, class: Some("FeatureNameCollisionError") }
}

fn invalid_read(request: &OnlineRequest, catalog: &Catalog) -> Option<FeastWords> {
    if !asks_for_something(&request.selection) {
        return Some(FeastWords::bare("No features specified for retrieval"));
    }
    if let Some(words) = versioned(&request.selection, catalog) {
        return Some(words);
    }
    if request.rows().is_err() {
        return Some(FeastWords::bare("All entity rows must have the same columns."));
    }
    bad_key(request, catalog).or_else(|| missing_keys(request, catalog))
}

fn versioned(selection: &Selection, catalog: &Catalog) -> Option<FeastWords> {
    let Selection::Features(references) = selection else { return None };
    let reference = references.iter().find(|reference| reference.version.is_some())?;
    if catalog.online_versioning() {
        return None;
    }
    Some(FeastWords::bare(format!(
        "Version-qualified ref '{}@v{}' not supported: online versioning is disabled. Set \
         'enable_online_feature_view_versioning: true' under 'registry' in feature_store.yaml.",
        reference.view, reference.version?
    )))
}

/// The first value of a whole-number join key that Python's `int` does not take.
fn bad_key(request: &OnlineRequest, catalog: &Catalog) -> Option<FeastWords> {
    request.columns.iter().find_map(|column| {
        let value_type = catalog.join_keys().get(&column.name)?;
        let RequestValues::Json(values) = &column.values else { return None };
        values.iter().find_map(|value| match value {
            Json::Null => Some(FeastWords::bare("attribute name must be string, not 'NoneType'")),
            Json::String(text) if matches!(value_type, ValueType::Int32 | ValueType::Int64) => {
                no_whole_number(text)
            }
            _ => None,
        })
    })
}

fn no_whole_number(text: &str) -> Option<FeastWords> {
    let is_one = text.trim().parse::<i64>().is_ok();
    (!is_one).then(|| FeastWords::bare(format!("invalid literal for int() with base 10: '{text}'")))
}

/// Feast names every join key of the project, needed or not.
fn missing_keys(request: &OnlineRequest, catalog: &Catalog) -> Option<FeastWords> {
    let given = |name: &&String| request.columns.iter().any(|column| column.name == **name);
    let valued = |name: &&String| {
        request.columns.iter().any(|column| column.name == **name && !column.values.is_empty())
    };
    let keys = || catalog.join_keys().keys().filter(|key| *key != larder_core::DUMMY_JOIN_KEY);
    if keys().any(|key| valued(&key)) {
        return None;
    }
    let (missing, provided): (Vec<_>, Vec<_>) = keys().partition(|key| !given(key));
    let text = format!(
        "Missing join key values for keys: {}. No values provided for keys: {}. Provided join_key_values: {}",
        python_list(&missing),
        python_list(&keys().collect::<Vec<_>>()),
        python_list(&provided)
    );
    Some(FeastWords::key_error(&text))
}

/// Names as Python prints a list of them.
pub(crate) fn python_list<T: fmt::Display>(names: &[T]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}

/// The error of a text that is no reference. Feast looks for the view with the empty name.
pub(crate) fn unread_reference(error: Error, text: &str, service: &OnlineService) -> Error {
    if service.config().compat == larder_core::Compat::Feast && text.starts_with(':') {
        let snapshot = service.catalog().load();
        let project = &snapshot.catalog().project().name;
        return Error::not_found(ObjectKind::FeatureView, "", project);
    }
    error.with_source(FeastWords::bare(format!(
        "Invalid feature reference '{text}'. Expected format: '<feature_view>:<feature>' or \
         '<feature_view>@<version>:<feature>'"
    )))
}

/// Feast's time-typed features take numbers only.
///
/// # Errors
/// `Invalid` for the first text that is no whole number.
pub(crate) fn refuse_texts_for_times(view: &FeatureView, columns: &[RequestColumn]) -> Result<()> {
    let times = view.features.iter().filter(|field| field.value_type == ValueType::UnixTimestamp);
    for field in times {
        let Some(column) = columns.iter().find(|column| column.name == field.name) else {
            continue;
        };
        let RequestValues::Json(values) = &column.values else { continue };
        let words = values.iter().filter_map(Json::as_str).find_map(no_whole_number);
        if let Some(words) = words {
            let message = format!("column \"{}\" holds a text where a time is wanted", field.name);
            return Err(Error::invalid(message).with_source(words));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_error_is_quoted_as_python_quotes_it() {
        for (message, literal) in [
            ("pop from an empty set", "'pop from an empty set'"),
            ("keys: ['a']", "\"keys: ['a']\""),
            ("Field \"ts\" is gone", "'Field \"ts\" is gone'"),
        ] {
            assert_eq!(FeastWords::key_error(message).text, literal);
        }
    }
}
