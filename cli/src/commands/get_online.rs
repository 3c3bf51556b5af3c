//! `fs get-online-features`.

use clap::Args;
use larder_core::{Error, Result};
use larder_proto::wire::json;
use larder_serving::online::{OnlineAnswer, OnlineRequest, RequestColumn, RequestValues};
use serde_json::{Map, Value};

use super::get_historical::selection;
use crate::compose;
use crate::output;
use crate::repository::Repository;

/// Arguments of `fs get-online-features`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fs get-online-features -e user_id=u0001 -f user_behavior_features:avg_order_value
  fs get-online-features -e user_id=u0001 -e user_id=u0002 --feature-service user_profile")]
pub(crate) struct Arguments {
    /// Entity key or request value, as key=value. Repeat a key for more rows.
    #[arg(short, long = "entities", value_name = "KEY=VALUE", required = true)]
    entities: Vec<String>,
    /// Features, as view:feature. May be repeated or separated by commas.
    #[arg(short, long = "features", value_name = "VIEW:FEATURE", value_delimiter = ',')]
    #[arg(required_unless_present = "feature_service")]
    features: Vec<String>,
    /// A feature service instead of features.
    #[arg(long, value_name = "NAME", conflicts_with = "features")]
    feature_service: Option<String>,
    /// Name columns `view__feature`.
    #[arg(long)]
    full_feature_names: bool,
}

pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let request = OnlineRequest {
        selection: selection(&arguments.features, arguments.feature_service.as_deref())?,
        full_feature_names: arguments.full_feature_names,
        columns: columns(&arguments.entities)?,
        include_view_versions: false,
    };
    let service = compose::online_service(repository)?;
    let answer = compose::block_on(service.get_online_features(&request))?;
    output::json(&answer_json(&answer)?, 4)
}

/// One column per key, values in the order given.
fn columns(pairs: &[String]) -> Result<Vec<RequestColumn>> {
    let mut columns: Vec<(String, Vec<Value>)> = Vec::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Error::invalid(format!("\"{pair}\" is not an entity"))
                .with_hint("write it as key=value"));
        };
        match columns.iter_mut().find(|(name, _)| name == key) {
            Some((_, values)) => values.push(value.into()),
            None => columns.push((key.to_owned(), vec![value.into()])),
        }
    }
    let column = |(name, values)| RequestColumn { name, values: RequestValues::Json(values) };
    Ok(columns.into_iter().map(column).collect())
}

/// The answer as Feast's CLI prints it: an object of lists, entities first.
fn answer_json(answer: &OnlineAnswer) -> Result<Value> {
    let mut object = Map::new();
    for column in 0..answer.columns() {
        let values = (0..answer.rows())
            .map(|row| value_json(answer.cell(column, row).value))
            .collect::<Result<_>>()?;
        object.insert(answer.name(column).to_owned(), Value::Array(values));
    }
    Ok(Value::Object(object))
}

/// A stored value as JSON.
fn value_json(encoded: &[u8]) -> Result<Value> {
    let mut text = Vec::new();
    json::write_value(encoded, &mut text)?;
    serde_json::from_slice(&text)
        .map_err(|error| Error::internal("a value is no JSON").with_source(error))
}
