//! Which views a run is about.

use std::sync::Arc;

use larder_core::{Catalog, Error, FeatureView, ObjectKind, OnDemandFeatureView, Result, ViewKind};

/// The views to materialize, in name order; all that can be when `names` is empty. On-demand views that are computed on
/// write come last, in the form of [`OnDemandFeatureView::stored`].
///
/// # Errors
/// - `NotFound`: a name that no view of the catalog has;
/// - `Invalid`: a named view that is disabled, neither online nor offline, a label view, or without a
///   source to read; a named on-demand view that is not computed on write or needs request data.
pub fn select_views(catalog: &Catalog, names: &[String]) -> Result<Vec<Arc<FeatureView>>> {
    if names.is_empty() {
        let all = catalog.online_views();
        return Ok(all.filter(|view| reason_against(catalog, view).is_none()).cloned().collect());
    }
    let mut views = Vec::new();
    for name in names {
        let view = named(catalog, name)?;
        if views.iter().all(|known: &Arc<FeatureView>| known.name != view.name) {
            views.push(view);
        }
    }
    Ok(views)
}

/// The views to materialize under a version, which must be the current one of the one view named.
///
/// # Errors
/// As [`select_views`]; `Invalid` unless `version` goes with exactly one view; `Unsupported` for another version.
pub fn select_views_at(
    catalog: &Catalog,
    names: &[String],
    version: Option<&str>,
) -> Result<Vec<Arc<FeatureView>>> {
    let Some(version) = version else { return select_views(catalog, names) };
    let [name] = names else {
        return Err(Error::invalid("a version needs exactly one view").with_hint("name the view"));
    };
    let view = named(catalog, name)?;
    let current = view.meta.current_version_number;
    let wanted = version.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse();
    if version == "latest" || wanted == Ok(current) {
        return Ok(vec![view]);
    }
    Err(Error::unsupported(format!(
        "feature view \"{}\" is at version v{current}; \"{version}\" cannot be written",
        view.name
    ))
    .with_hint("apply the definition with that version first"))
}

fn named(catalog: &Catalog, name: &str) -> Result<Arc<FeatureView>> {
    let on_demand = catalog.on_demand_feature_views().get(name);
    let Ok(view) = catalog.online_view(name) else {
        if on_demand.is_some() {
            return Err(Error::invalid(format!(
                "on demand feature view \"{name}\" is computed when it is asked for, not materialized"
            ))
            .with_hint("materialize the views that it reads, or give it write_to_online_store=True"));
        }
        let project = &catalog.project().name;
        return Err(Error::not_found(ObjectKind::FeatureView, name, project)
            .with_hint("fs feature-views list shows what there is"));
    };
    let kind = on_demand.map_or_else(|| view.object_kind(), |_| ObjectKind::OnDemandFeatureView);
    match reason_against(catalog, view) {
        None => Ok(Arc::clone(view)),
        Some(reason) => Err(Error::invalid(format!(
            "{} \"{name}\" cannot be materialized: {reason}",
            kind.label()
        ))),
    }
}

/// Why a view has nothing to materialize.
fn reason_against(catalog: &Catalog, view: &FeatureView) -> Option<&'static str> {
    match catalog.on_demand_feature_views().get(&view.name) {
        Some(computed) => reason_against_computed(computed),
        None => reason_against_stored(view),
    }
}

fn reason_against_computed(view: &OnDemandFeatureView) -> Option<&'static str> {
    if view.disabled {
        Some("it is disabled")
    } else if view.projections().next().is_none() {
        Some("it reads no stored view")
    } else if view.request_fields().next().is_some() {
        Some("it needs request data, which only comes with writes")
    } else {
        None
    }
}

fn reason_against_stored(view: &FeatureView) -> Option<&'static str> {
    if matches!(view.kind, ViewKind::Label { .. }) {
        Some("labels are written by push")
    } else if view.disabled {
        Some("it is disabled")
    } else if !view.online {
        Some("it is not online")
    } else if view.batch_source.is_none() {
        Some("it has no batch source")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use larder_core::{CatalogParts, DataSource, ErrorKind, SourceKind};

    use super::*;

    fn view(name: &str, change: impl FnOnce(&mut FeatureView)) -> FeatureView {
        let mut view = FeatureView::new(name);
        view.batch_source = Some(DataSource::new("source", SourceKind::Push));
        change(&mut view);
        view
    }

    fn catalog() -> Catalog {
        let label = ViewKind::Label {
            labeler_field: String::new(),
            conflict_policy: 0,
            retain_history: false,
            reference_feature_view: String::new(),
        };
        let parts = CatalogParts {
            feature_views: vec![
                view("stats", |_| {}),
                view("orders", |_| {}),
                view("disabled", |view| view.disabled = true),
                view("offline_only", |view| view.online = false),
                view("pushed", |view| view.batch_source = None),
                view("labels", |view| view.kind = label),
            ],
            ..CatalogParts::default()
        };
        Catalog::new(parts)
    }

    fn selected(names: &[&str]) -> Result<Vec<String>> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let views = select_views(&catalog(), &names)?;
        Ok(views.iter().map(|view| view.name.clone()).collect())
    }

    #[test]
    fn without_names_every_view_that_can_be_is_taken() {
        assert_eq!(selected(&[]).unwrap(), ["orders", "stats"]);
    }

    #[test]
    fn named_views_are_taken_once_and_must_be_fit() {
        assert_eq!(selected(&["stats", "stats"]).unwrap(), ["stats"]);
        for name in ["disabled", "offline_only", "pushed", "labels"] {
            assert_eq!(selected(&[name]).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
        }
        assert_eq!(selected(&["unknown"]).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
