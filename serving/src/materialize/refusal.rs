//! What Feast 0.67 will not materialize, in its words and its order.

use larder_core::{Catalog, Error, ObjectKind, OnDemandFeatureView, Result, ViewKind};

use crate::feast_words::FeastWords;

/// Refuses what Feast refuses before it looks at times; a view that there is not is left to the selection.
///
/// # Errors
/// `Invalid` with Feast's words.
pub(super) fn refuse_as_feast(
    catalog: &Catalog,
    views: Option<&[String]>,
    version: Option<&str>,
) -> Result<()> {
    if let Some(version) = version {
        if let Some(words) = of_version(catalog, views, version) {
            return Err(refusal(words));
        }
        refuse_versions_of_nothing(catalog, views.unwrap_or_default(), version)?;
    }
    for name in views.unwrap_or_default() {
        match of_view(catalog, name) {
            Verdict::Unknown => break,
            Verdict::Refused(words) => return Err(refusal(words)),
            Verdict::Fine => {}
        }
    }
    Ok(())
}

/// A view that there is not has no versions either.
fn refuse_versions_of_nothing(catalog: &Catalog, views: &[String], version: &str) -> Result<()> {
    let number = version.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let unknown = views.iter().find(|name| matches!(of_view(catalog, name), Verdict::Unknown));
    let Some(name) = unknown.filter(|_| !number.is_empty()) else { return Ok(()) };
    let project = &catalog.project().name;
    let text =
        format!("Version v{number} of feature view {name} does not exist in project {project}");
    let words = FeastWords { text, class: Some("FeatureViewVersionNotFound") };
    Err(Error::not_found(ObjectKind::FeatureView, name, project).with_source(words))
}

fn refusal(words: String) -> Error {
    Error::invalid(words.as_str()).with_source(FeastWords::bare(words))
}

fn of_version(catalog: &Catalog, views: Option<&[String]>, version: &str) -> Option<String> {
    if views.is_none_or(|views| views.len() != 1) {
        return Some("--version requires --views with exactly one feature view.".to_owned());
    }
    if !catalog.online_versioning() {
        let words = "Version-aware materialization requires 'enable_online_feature_view_versioning: true' under \
                     'registry' in feature_store.yaml.";
        return Some(words.to_owned());
    }
    (!is_version(version)).then(|| {
        format!(
            "Invalid version string '{version}'. Expected 'latest', 'vN', or 'versionN' (e.g. 'v2', 'version3')."
        )
    })
}

/// `latest`, `vN` or `versionN` in any case, or nothing.
fn is_version(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let number = text.strip_prefix("version").or_else(|| text.strip_prefix('v'));
    text.is_empty() || text == "latest" || number.is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What becomes of one view.
enum Verdict {
    Unknown,
    Refused(String),
    Fine,
}

fn of_view(catalog: &Catalog, name: &str) -> Verdict {
    let computed = catalog.on_demand_feature_views().get(name);
    let words = match (computed, catalog.feature_views().get(name)) {
        (Some(view), _) => of_computed(view),
        (None, None) => return Verdict::Unknown,
        (None, Some(view)) if matches!(view.kind, ViewKind::Label { .. }) => Some(format!(
            "LabelView {name} cannot be materialized via materialize(). Use FeatureStore.push() to write labels."
        )),
        (None, Some(view)) if view.disabled => Some(disabled(name)),
        (None, Some(view)) if !view.online && !view.offline => {
            Some(format!("FeatureView {name} is not configured to be served online."))
        }
        (None, Some(_)) => None,
    };
    words.map_or(Verdict::Fine, Verdict::Refused)
}

fn of_computed(view: &OnDemandFeatureView) -> Option<String> {
    if view.disabled {
        return Some(disabled(&view.name));
    }
    (!view.write_to_online_store).then(|| {
        format!("OnDemandFeatureView {} is not configured for write_to_online_store.", view.name)
    })
}

fn disabled(name: &str) -> String {
    format!("FeatureView {name} is disabled. Enable it before materializing.")
}
