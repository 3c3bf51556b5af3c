//! What `case.json` of a golden vector says.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use arrow_array::RecordBatch;
use chrono::DateTime;
use larder_core::{DataSource, FeatureView, Field, SourceKind, Timestamp, ValueType};
use larder_offline_store::HistoricalView;
use serde_json::Value;

use crate::rows::names;

/// One golden vector.
pub(crate) struct Case {
    json: Value,
}

impl Case {
    pub(crate) fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("case.json")).unwrap();
        Self { json: serde_json::from_str(&text).unwrap() }
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.json[name].as_bool().unwrap()
    }

    pub(crate) fn is_materialization(&self) -> bool {
        self.json["kind"] == "materialize"
    }

    pub(crate) fn instant(&self, name: &str) -> Option<Timestamp> {
        let time = DateTime::parse_from_rfc3339(self.json[name].as_str()?).unwrap();
        Some(Timestamp::from_micros(time.timestamp_micros()))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        text(&self.json[name])
    }

    /// The columns of an answer that must be as recorded: those of the join that the vector does not leave open.
    pub(crate) fn compared(&self, expected: &RecordBatch) -> Vec<String> {
        let (free, computed) = (texts(&self.json["unspecified_columns"]), self.computed());
        let mut columns = names(expected);
        columns.retain(|name| !free.contains(name) && !computed.contains(name));
        columns
    }

    /// Columns that an on-demand view computes after the join.
    pub(crate) fn computed(&self) -> Vec<String> {
        if self.json["odfv"].is_null() { Vec::new() } else { vec!["rate_plus".to_owned()] }
    }

    /// The views by name.
    pub(crate) fn views(&self) -> BTreeMap<String, FeatureView> {
        let views = self.json["feature_views"].as_array().unwrap();
        views.iter().map(feature_view).map(|view| (view.name.clone(), view)).collect()
    }

    /// The projections that the references ask for, in the order in which they first appear.
    pub(crate) fn projections(&self) -> Vec<HistoricalView> {
        let views = self.views();
        let mut wanted: Vec<(String, Vec<String>)> = Vec::new();
        for reference in self.references() {
            let (projection, feature) = reference.split_once(':').unwrap();
            let known = wanted.iter_mut().find(|(name, _)| name == projection);
            match known {
                Some((_, features)) => features.push(feature.to_owned()),
                None => wanted.push((projection.to_owned(), vec![feature.to_owned()])),
            }
        }
        let project = |(name, features): &(String, Vec<String>)| {
            let (view, join_key_map) = self.projected(name);
            let view = &views[&view];
            let fields: Vec<Field> =
                features.iter().map(|name| view.feature(name).unwrap().clone()).collect();
            let full = self.flag("full_feature_names");
            HistoricalView::of_view(view, name, &join_key_map, &fields, full).unwrap()
        };
        wanted.iter().map(project).collect()
    }

    /// References to stored features: those asked for, and the inputs of on-demand views.
    fn references(&self) -> Vec<String> {
        let mut references = texts(&self.json["features"]);
        if !self.json["odfv"].is_null() {
            references.retain(|reference| !reference.starts_with("bumped:"));
            references.extend(["stats:rate", "stats:trips"].map(str::to_owned));
        }
        let mut once: Vec<String> = Vec::new();
        for reference in references {
            if !once.contains(&reference) {
                once.push(reference);
            }
        }
        once
    }

    /// The view and join key map behind a projection name.
    fn projected(&self, name: &str) -> (String, BTreeMap<String, String>) {
        let service = self.json["feature_service"].as_array().into_iter().flatten();
        let aliased = service.into_iter().find(|projection| projection[1] == name);
        match aliased {
            Some(projection) => {
                let map = projection[2].as_object().unwrap().iter();
                let map = map.map(|(key, column)| (key.clone(), text(column)));
                (text(&projection[0]), map.collect())
            }
            None => (name.to_owned(), BTreeMap::new()),
        }
    }
}

fn feature_view(json: &Value) -> FeatureView {
    let uri = text(&json["source"]);
    let kind = SourceKind::File { uri, format: None, s3_endpoint_override: String::new() };
    let mut source = DataSource::new(format!("src_{}", text(&json["name"])), kind);
    source.timestamp_field = text(&json["tsf"]);
    json["created"].as_str().unwrap_or_default().clone_into(&mut source.created_timestamp_column);
    let mapping = json["fmap"].as_object().unwrap().iter();
    source.field_mapping = mapping.map(|(column, name)| (column.clone(), text(name))).collect();
    let entities = fields(&json["ents"]);
    FeatureView {
        entities: entities.iter().map(|field| field.name.clone()).collect(),
        entity_columns: entities,
        features: fields(&json["feats"]),
        ttl: json["ttl"].as_f64().map(Duration::from_secs_f64),
        batch_source: Some(source),
        ..FeatureView::new(text(&json["name"]))
    }
}

fn fields(json: &Value) -> Vec<Field> {
    let field = |pair: &Value| Field::new(text(&pair[0]), value_type(pair[1].as_str().unwrap()));
    json.as_array().unwrap().iter().map(field).collect()
}

fn value_type(code: &str) -> ValueType {
    match code {
        "i64" => ValueType::Int64,
        "i32" => ValueType::Int32,
        "f64" => ValueType::Double,
        "str" => ValueType::String,
        "lf64" => ValueType::DoubleList,
        "lstr" => ValueType::StringList,
        other => panic!("the vectors have a new type code {other}"),
    }
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_else(|| panic!("{json} is no text")).to_owned()
}

fn texts(json: &Value) -> Vec<String> {
    json.as_array().into_iter().flatten().map(text).collect()
}
