//! Which columns a selection answers, and what is read for them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use larder_core::{
    Catalog, CatalogParts, DataSource, Entity, ErrorKind, FeatureService, FeatureView, Field,
    InputSource, OnDemandFeatureView, OnDemandSource, OutputSource, Plane, Project, Projection,
    RetrievalPlan, Selection, SourceKind, ValueType, ViewMeta, ViewState,
};

const ONLINE: Plane = Plane::Online;

fn view(name: &str, entity: &str, features: &[&str]) -> FeatureView {
    FeatureView {
        entities: vec![entity.to_owned()],
        entity_columns: vec![Field::new(format!("{entity}_id"), ValueType::Int64)],
        features: features.iter().map(|name| Field::new(*name, ValueType::Double)).collect(),
        ttl: Some(Duration::from_mins(1)),
        ..FeatureView::new(name)
    }
}

fn projection(view: &str, alias: &str, features: &[&str]) -> Projection {
    Projection {
        view: view.to_owned(),
        alias: alias.to_owned(),
        features: features.iter().map(|name| Field::new(*name, ValueType::Double)).collect(),
        ..Projection::default()
    }
}

fn interaction() -> OnDemandFeatureView {
    let request = SourceKind::Request { schema: vec![Field::new("hour", ValueType::Int64)] };
    OnDemandFeatureView {
        name: "interaction".to_owned(),
        features: vec![Field::new("ratio", ValueType::Double)],
        sources: vec![
            ("ctx".to_owned(), OnDemandSource::Request(DataSource::new("ctx", request))),
            ("item".to_owned(), OnDemandSource::Projection(projection("item", "", &["price"]))),
            ("user".to_owned(), OnDemandSource::Projection(projection("user", "", &["spend"]))),
        ],
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
    }
}

fn parts() -> CatalogParts {
    let mut buyer = projection("user", "buyer", &["spend"]);
    buyer.join_key_map = [("user_id".to_owned(), "buyer_id".to_owned())].into();
    CatalogParts {
        project: Project { name: "shop".to_owned(), ..Project::default() },
        version: "1".to_owned(),
        entities: ["user", "item"]
            .map(|name| Entity {
                name: name.to_owned(),
                join_key: format!("{name}_id"),
                ..Entity::default()
            })
            .into(),
        feature_views: vec![
            view("user", "user", &["spend", "visits"]),
            view("item", "item", &["price", "visits"]),
        ],
        on_demand_feature_views: vec![interaction()],
        feature_services: vec![FeatureService {
            name: "both".to_owned(),
            projections: vec![projection("user", "", &["spend"]), buyer],
            ..FeatureService::default()
        }],
        ..CatalogParts::default()
    }
}

fn resolve(references: &[&str], full: bool) -> larder_core::Result<RetrievalPlan> {
    let references = references.iter().map(|text| text.parse().unwrap()).collect();
    RetrievalPlan::resolve(&Catalog::new(parts()), &Selection::Features(references), full, ONLINE)
}

fn names(plan: &RetrievalPlan) -> Vec<&str> {
    plan.outputs.iter().map(|output| output.name.as_str()).collect()
}

#[test]
fn features_are_grouped_by_view_in_order_of_first_appearance() {
    let plan = resolve(&["item:price", "user:spend", "item:visits"], false).unwrap();
    assert_eq!(names(&plan), ["price", "visits", "spend"]);
    assert_eq!(plan.views.len(), 2);
}

#[test]
fn computed_features_come_last_and_their_inputs_stay_hidden() {
    let plan = resolve(&["interaction:ratio", "user:visits"], false).unwrap();
    assert_eq!(names(&plan), ["visits", "ratio"]);
    assert_eq!(plan.request_columns, [Field::new("hour", ValueType::Int64)]);
    let user = plan.views.iter().position(|view| view.name == "user").unwrap();
    let read: Vec<_> = plan.views[user].features.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(read, ["visits", "spend"], "the requested feature and the input");
    let inputs: Vec<_> = plan.on_demand[0].inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["price", "item_id", "spend", "user_id", "hour"]);
    assert_eq!(plan.on_demand[0].inputs[2].source, InputSource::Feature { view: user, feature: 1 });
    assert_eq!(plan.on_demand[0].inputs[2].full_name.as_deref(), Some("user__spend"));
    assert_eq!(plan.outputs[1].source, OutputSource::Computed { view: 0, feature: 0 });
}

#[test]
fn an_aliased_projection_is_named_by_its_alias_and_keyed_by_the_mapped_column() {
    let selection = Selection::Service("both".to_owned());
    let plan = RetrievalPlan::resolve(&Catalog::new(parts()), &selection, true, ONLINE).unwrap();
    assert_eq!(names(&plan), ["user__spend", "buyer__spend"]);
    let columns: Vec<_> = plan.views.iter().map(|view| view.join_keys[0].column.as_str()).collect();
    assert_eq!(columns, ["user_id", "buyer_id"]);
    assert!(
        plan.views.iter().all(|view| view.join_keys[0].key == "user_id" && view.table == "user")
    );
}

#[test]
fn projections_at_hand_are_resolved_like_those_of_a_service() {
    let catalog = Catalog::new(parts());
    let service = &catalog.feature_service("both").unwrap().projections;
    let by_name = Selection::Service("both".to_owned());
    let named = RetrievalPlan::resolve(&catalog, &by_name, true, Plane::Offline).unwrap();
    let given =
        RetrievalPlan::resolve_projections(&catalog, service, true, Plane::Offline).unwrap();
    assert_eq!(names(&given), ["user__spend", "buyer__spend"]);
    assert_eq!(given.outputs, named.outputs);
    assert_eq!(given.views[1].join_keys, named.views[1].join_keys);
    let unknown = [projection("ghost", "", &["spend"])];
    let refused = RetrievalPlan::resolve_projections(&catalog, &unknown, true, Plane::Offline);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_cannot_be_answered_is_refused() {
    for (references, full, kind) in [
        (vec!["nope:x"], false, ErrorKind::NotFound),
        (vec!["user:nope"], false, ErrorKind::NotFound),
        (vec!["interaction:nope"], false, ErrorKind::NotFound),
        (vec!["user:visits", "item:visits"], false, ErrorKind::AlreadyExists),
        (vec!["user:visits", "user:visits"], true, ErrorKind::AlreadyExists),
        (vec!["user@v1:visits"], false, ErrorKind::Invalid),
        (vec![], false, ErrorKind::Invalid),
    ] {
        assert_eq!(resolve(&references, full).unwrap_err().kind(), kind, "{references:?}");
    }
    assert!(resolve(&["user:visits", "item:visits"], true).is_ok(), "full names tell them apart");
    let unknown = Selection::Service("nope".to_owned());
    let error =
        RetrievalPlan::resolve(&Catalog::new(parts()), &unknown, false, ONLINE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_disabled_or_unready_view_is_not_served() {
    let check = |change: fn(&mut FeatureView), while_materializing| {
        let mut parts = parts();
        change(&mut parts.feature_views[0]);
        let selection = Selection::Features(vec!["user:spend".parse().unwrap()]);
        let plan = RetrievalPlan::resolve(&Catalog::new(parts), &selection, false, ONLINE).unwrap();
        plan.check_servable(while_materializing).map_err(|error| error.kind())
    };
    assert_eq!(check(|view| view.disabled = true, true), Err(ErrorKind::Invalid));
    assert_eq!(
        check(|view| view.meta.state = ViewState::Materializing, false),
        Err(ErrorKind::Invalid)
    );
    assert_eq!(check(|view| view.meta.state = ViewState::Materializing, true), Ok(()));
    assert_eq!(check(|view| view.meta.state = ViewState::AvailableOnline, false), Ok(()));
}

#[test]
fn versions_choose_the_table_when_online_versioning_is_on() {
    let table = |reference: &str| {
        let mut parts = parts();
        parts.online_versioning = true;
        parts.feature_views[0].meta.current_version_number = 2;
        let selection = Selection::Features(vec![reference.parse().unwrap()]);
        let plan = RetrievalPlan::resolve(&Catalog::new(parts), &selection, false, ONLINE);
        plan.map(|plan| plan.views[0].table.clone()).map_err(|error| error.kind())
    };
    assert_eq!(table("user:spend").unwrap(), "user_v2");
    assert_eq!(table("user@v0:spend").unwrap(), "user");
    assert_eq!(table("user@v1:spend").unwrap(), "user_v1");
    assert_eq!(table("user@latest:spend").unwrap(), "user_v2");
    assert_eq!(table("user@v9:spend"), Err(ErrorKind::NotFound));
}

#[test]
fn a_view_computed_on_write_is_read_online_and_computed_offline() {
    let mut parts = parts();
    let view = &mut parts.on_demand_feature_views[0];
    view.write_to_online_store = true;
    view.entities = vec!["user".to_owned()];
    view.entity_columns = vec![Field::new("user_id", ValueType::Int64)];
    let catalog = Catalog::new(parts);
    let selection = Selection::Features(vec!["interaction:ratio".parse().unwrap()]);
    let plan = |plane| RetrievalPlan::resolve(&catalog, &selection, false, plane).unwrap();

    let online = plan(Plane::Online);
    assert!(online.on_demand.is_empty() && online.request_columns.is_empty());
    assert_eq!(online.outputs[0].source, OutputSource::Stored { view: 0, feature: 0 });
    assert_eq!((online.views.len(), online.views[0].table.as_str()), (1, "interaction"));
    assert_eq!(online.views[0].join_keys[0].column, "user_id");
    let stored = catalog.online_view("interaction").unwrap();
    let names: Vec<_> = stored.features.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["ratio", "user_id"], "Feast stores the join keys too");

    let offline = plan(Plane::Offline);
    assert_eq!(offline.outputs[0].source, OutputSource::Computed { view: 0, feature: 0 });
    assert_eq!(offline.views.len(), 2);
}
