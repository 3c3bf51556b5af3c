//! `kind: feature_service`, and projections of views.

use larder_core::{
    FeatureService, Field, LoggingConfig, LoggingDestination, Projection, Result, ValueType,
};

use super::field::tags;
use crate::yaml::{Data, Section, Value};

pub(super) fn read(section: &Section<'_>) -> Result<FeatureService> {
    let features = section.require("features")?;
    Ok(FeatureService {
        name: section.require("name")?.text()?,
        projections: features.list()?.iter().map(projection).collect::<Result<_>>()?,
        tags: tags(section)?,
        description: section.text_or_empty("description")?,
        owner: section.text_or_empty("owner")?,
        logging: section.read("logging_config", logging)?,
        precompute_online: section.read("precompute_online", Value::boolean)?.unwrap_or_default(),
        created: None,
        updated: None,
    })
}

/// `view`, `view:feature`, `view@v2:feature`, or `{view, features, alias, join_key_map}`.
///
/// Features are only named here (type unknown): the view's schema fills them in when everything is known.
pub(super) fn projection(value: &Value<'_>) -> Result<Projection> {
    match &value.node().data {
        Data::Text(reference) => parse_reference(reference).ok_or_else(|| {
            value
                .error(format!("\"{reference}\" is no reference"))
                .with_hint("write view, view:feature or view@v2:feature")
        }),
        _ => written_out(value),
    }
}

fn written_out(value: &Value<'_>) -> Result<Projection> {
    let section = value.section()?;
    let view = section.require("view")?;
    let mut projection = parse_reference(&view.text()?)
        .filter(|projection| projection.features.is_empty())
        .ok_or_else(|| view.error("expected the name of a view"))?;
    let features = section.read("features", Value::texts)?.unwrap_or_default();
    projection.features = features.into_iter().map(named).collect();
    projection.alias = section.text_or_empty("alias")?;
    projection.join_key_map = section.read("join_key_map", Value::text_map)?.unwrap_or_default();
    section.finish()?;
    Ok(projection)
}

fn parse_reference(text: &str) -> Option<Projection> {
    let (view, feature) = match text.split_once(':') {
        Some((view, feature)) => (view, Some(feature)),
        None => (text, None),
    };
    let (view, version_tag) = match view.split_once('@') {
        Some((view, version)) => (view, Some(version.strip_prefix('v')?.parse().ok()?)),
        None => (view, None),
    };
    if view.is_empty() || feature.is_some_and(str::is_empty) {
        return None;
    }
    Some(Projection {
        view: view.to_owned(),
        features: feature.map(|feature| named(feature.to_owned())).into_iter().collect(),
        version_tag,
        view_type: "featureView".to_owned(),
        ..Projection::default()
    })
}

fn named(feature: String) -> Field {
    Field::new(feature, ValueType::Unknown)
}

/// `{sample_rate, path, s3_endpoint_override, partition_by}`: logging to files.
fn logging(value: &Value<'_>) -> Result<LoggingConfig> {
    let section = value.section()?;
    let sample_rate = section.read("sample_rate", Value::float)?.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&sample_rate) {
        return Err(section.require("sample_rate")?.error("must lie between 0 and 1"));
    }
    let destination = LoggingDestination::File {
        path: section.require("path")?.text()?,
        s3_endpoint_override: section.text_or_empty("s3_endpoint_override")?,
        partition_by: section.read("partition_by", Value::texts)?.unwrap_or_default(),
    };
    section.finish()?;
    #[expect(clippy::cast_possible_truncation, reason = "the registry stores a float")]
    let sample_rate = sample_rate as f32;
    Ok(LoggingConfig { sample_rate, destination })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_view_version_and_feature() {
        for (text, view, version, feature) in [
            ("v", "v", None, None),
            ("v:f", "v", None, Some("f")),
            ("v@v2", "v", Some(2), None),
            ("v@v2:f", "v", Some(2), Some("f")),
        ] {
            let projection = parse_reference(text).unwrap();
            let features: Vec<_> = projection.features.iter().map(|f| f.name.as_str()).collect();
            assert_eq!(
                (projection.view.as_str(), projection.version_tag),
                (view, version),
                "{text}"
            );
            assert_eq!(features, feature.into_iter().collect::<Vec<_>>(), "{text}");
        }
        for text in ["", ":f", "v:", "v@2", "v@vx:f"] {
            assert!(parse_reference(text).is_none(), "{text}");
        }
    }
}
