//! Which projections a retrieval means: its views by name and alias, its features by reference.

use std::collections::HashSet;
use std::sync::Arc;

use larder_core::{
    Catalog, Error, FeatureRef, Field, ObjectKind, OnDemandFeatureView, OnDemandSource, Projection,
    Result, ValueType,
};

use super::command::Historical;

/// The projections of a command in the order of its references, each with the features wanted.
///
/// # Errors
/// `NotFound` for a view that the project does not have; `Unsupported` for a reference to a version.
pub(super) fn projections(catalog: &Catalog, command: &Historical) -> Result<Vec<Projection>> {
    let known = command.views.iter().map(|(view, alias)| named(catalog, view, alias.as_deref()));
    let known = known.collect::<Result<Vec<_>>>()?;
    let mut wanted: Vec<Projection> = Vec::new();
    for reference in &command.features {
        if reference.version.is_some() {
            return Err(Error::unsupported(format!(
                "\"{reference}\" names a version, and training sets are made of the current one"
            )));
        }
        let name = reference.view.as_str();
        let is_named = |projection: &Projection| projection.name_to_use() == name;
        if !wanted.iter().any(is_named) {
            let listed = known.iter().find(|projection| is_named(projection)).cloned();
            let missing = || Error::not_found(ObjectKind::FeatureView, name, &command.project);
            wanted.push(listed.or_else(|| on_demand(catalog, name)).ok_or_else(missing)?);
        }
        let mut same = wanted.iter_mut().filter(|projection| projection.name_to_use() == name);
        if let Some(projection) = same.next() {
            projection.features.push(Field::new(&reference.feature, ValueType::Unknown));
        }
    }
    if !command.full_feature_names {
        leave_inputs_of_one_name(catalog, &mut wanted);
    }
    wanted.retain(|projection| !projection.features.is_empty());
    Ok(wanted)
}

/// A stored view, or the projection of it that a feature service gave this alias. An alias that no service knows is a
/// mere name; Feast 0.67 answers no feature then (DuckDB) or fails (Dask).
fn named(catalog: &Catalog, view: &str, alias: Option<&str>) -> Result<Projection> {
    if !catalog.feature_views().contains_key(view) {
        let project = catalog.project().name.as_str();
        return Err(Error::not_found(ObjectKind::FeatureView, view, project));
    }
    let Some(alias) = alias else {
        return Ok(Projection { view: view.to_owned(), ..Projection::default() });
    };
    let given = in_services(catalog, alias).filter(|projection| projection.view == view).last();
    let join_key_map = given.map(|given| given.join_key_map.clone()).unwrap_or_default();
    Ok(Projection {
        view: view.to_owned(),
        alias: alias.to_owned(),
        join_key_map,
        ..Projection::default()
    })
}

/// An on-demand view under its name or under the alias of a feature service; clients do not list these views.
fn on_demand(catalog: &Catalog, name: &str) -> Option<Projection> {
    let views = catalog.on_demand_feature_views();
    if views.contains_key(name) {
        return Some(Projection { view: name.to_owned(), ..Projection::default() });
    }
    let given =
        in_services(catalog, name).filter(|given| views.contains_key(&given.view)).last()?;
    Some(Projection { view: given.view.clone(), alias: name.to_owned(), ..Projection::default() })
}

/// Projections of all feature services that have this alias.
fn in_services<'a>(catalog: &'a Catalog, alias: &str) -> impl Iterator<Item = &'a Projection> {
    let services = catalog.feature_services().values();
    let projections = services.flat_map(|service| &service.projections);
    projections.filter(move |projection| projection.alias == alias)
}

/// Clients ask for the inputs of on-demand views too. Where two features share a name, an input is not asked for: it is
/// read and answered all the same, under its full name.
fn leave_inputs_of_one_name(catalog: &Catalog, wanted: &mut [Projection]) {
    let views = catalog.on_demand_feature_views();
    let computed = wanted.iter().filter_map(|projection| views.get(&projection.view));
    let inputs: HashSet<FeatureRef> = computed.flat_map(inputs).collect();
    let is_input = |projection: &Projection, feature: &Field| {
        inputs.contains(&FeatureRef::new(projection.name_to_use(), &feature.name))
    };
    let all = wanted.iter().flat_map(|projection| {
        projection.features.iter().map(move |feature| (projection, feature))
    });
    // Features that somebody asked for come before inputs.
    let (read, mut asked): (Vec<_>, Vec<_>) =
        all.partition(|(projection, feature)| is_input(projection, feature));
    asked.extend(read);
    let mut names = HashSet::new();
    let left: HashSet<FeatureRef> = asked
        .into_iter()
        .filter(|(projection, feature)| {
            let is_new = names.insert(feature.name.as_str());
            !is_new && is_input(projection, feature)
        })
        .map(|(projection, feature)| FeatureRef::new(projection.name_to_use(), &feature.name))
        .collect();
    for projection in wanted {
        let name = projection.name_to_use().to_owned();
        projection
            .features
            .retain(|feature| !left.contains(&FeatureRef::new(&name, &feature.name)));
    }
}

fn inputs(view: &Arc<OnDemandFeatureView>) -> Vec<FeatureRef> {
    let projections = view.sources.iter().filter_map(|(_, source)| match source {
        OnDemandSource::Projection(projection) => Some(projection),
        OnDemandSource::Request(_) => None,
    });
    let features = |projection: &Projection| {
        let name = projection.name_to_use().to_owned();
        let names = projection.features.iter().map(|field| field.name.clone());
        names.map(move |feature| FeatureRef::new(name.clone(), feature)).collect::<Vec<_>>()
    };
    projections.flat_map(features).collect()
}

#[cfg(test)]
mod tests {
    use larder_core::{CatalogParts, ErrorKind, FeatureView, ViewMeta};

    use super::*;

    fn projection(view: &str, features: &[&str]) -> Projection {
        let features = features.iter().map(|name| Field::new(*name, ValueType::Int64)).collect();
        Projection { view: view.to_owned(), features, ..Projection::default() }
    }

    /// A view that is computed from the feature `visits` of two others, and a third.
    fn catalog() -> Catalog {
        let inputs = ["user", "item"].map(|view| {
            (view.to_owned(), OnDemandSource::Projection(projection(view, &["visits"])))
        });
        let computed = OnDemandFeatureView {
            name: "both".to_owned(),
            features: vec![Field::new("ratio", ValueType::Double)],
            sources: inputs.into(),
            transformation: None,
            mode: "python".to_owned(),
            singleton: false,
            write_to_online_store: false,
            entities: vec![],
            entity_columns: vec![],
            aggregations: vec![],
            description: String::new(),
            tags: larder_core::Tags::new(),
            owner: String::new(),
            org: String::new(),
            version: String::new(),
            disabled: false,
            meta: ViewMeta::default(),
        };
        Catalog::new(CatalogParts {
            feature_views: ["user", "item", "shop"].map(FeatureView::new).into(),
            on_demand_feature_views: vec![computed],
            ..CatalogParts::default()
        })
    }

    fn wanted(features: &[&str], full: bool) -> Result<Vec<String>> {
        let command = Historical {
            project: String::new(),
            views: ["user", "item", "shop"].map(|view| (view.to_owned(), None)).into(),
            features: features.iter().map(|text| text.parse()).collect::<Result<_>>()?,
            full_feature_names: full,
            start: None,
            end: None,
            is_sql: false,
        };
        let found = projections(&catalog(), &command)?;
        let names = found.iter().flat_map(|projection| {
            let name = projection.name_to_use();
            projection.features.iter().map(move |feature| format!("{name}:{}", feature.name))
        });
        Ok(names.collect())
    }

    #[test]
    fn of_inputs_with_one_name_the_first_is_asked_for() {
        let all = ["both:ratio", "item:visits", "user:visits", "user:spend"];
        assert_eq!(wanted(&all, false).unwrap(), ["both:ratio", "item:visits", "user:spend"]);
        assert_eq!(wanted(&all, true).unwrap().len(), 4, "full names differ");
        let no_inputs = ["item:visits", "user:visits"];
        assert_eq!(wanted(&no_inputs, false).unwrap().len(), 2, "a collision is refused later");
    }

    #[test]
    fn what_somebody_asked_for_comes_before_an_input() {
        let all = ["both:ratio", "item:visits", "user:visits", "shop:visits"];
        assert_eq!(wanted(&all, false).unwrap(), ["both:ratio", "shop:visits"]);
    }

    #[test]
    fn unknown_views_and_versions_are_refused() {
        for (reference, kind) in
            [("ghost:visits", ErrorKind::NotFound), ("user@v2:visits", ErrorKind::Unsupported)]
        {
            assert_eq!(wanted(&[reference], false).unwrap_err().kind(), kind, "{reference}");
        }
    }
}
