//! The steps of the demo.

use std::path::Path;
use std::time::Duration;

use larder_core::{Clock as _, Error, Result, Selection, Timestamp};
use larder_dataset::Sink;
use larder_materializer::{Silent, full, select_views};
use larder_offline_store::{EntityRows, HistoricalOptions};
use larder_serving::TrainingRequest;
use serde_json::{Value, json};

use super::server::Server;
use super::steps::Steps;
use super::{display, grpc_calls, http_calls, repository_files};
use crate::clock::SystemClock;
use crate::commands::materialize::Plan;
use crate::commands::{get_historical, materialize, plan};
use crate::compose::RunOptions;
use crate::repository::Repository;
use crate::{compose, generate, output};

/// How many steps [`run`] takes.
pub(super) const STEPS: usize = 8;

const USER: &str = "u0001";
const CANDIDATES: usize = 20;
const DAY: Duration = Duration::from_hours(24);

/// Runs everything in an empty folder and returns the servers, still running.
///
/// # Errors
/// The first of any step, with the step's title.
pub(super) fn run(folder: &Path, seed: u64, steps: &mut Steps) -> Result<Server> {
    output::line(format!("Working in {}\n", folder.display()))?;
    let repository = Repository::at(folder);
    steps.run("generate data", || generate_data(folder, seed))?;
    steps.run("apply feature_repo", || apply(&repository))?;
    steps.run("materialize", || materialize(&repository))?;
    let server = steps.run("serve", || serve(folder))?;
    let address = server.address();
    steps.run("online features, HTTP", || online_over_http(address.http))?;
    steps.run("online features, gRPC", || online_over_grpc(address.grpc))?;
    steps.run("interaction features", || interactions(address.grpc))?;
    steps.run("training set", || training_set(&repository, folder))?;
    Ok(server)
}

fn generate_data(folder: &Path, seed: u64) -> Result<((), String)> {
    let files = repository_files::write(folder)?;
    let scale = generate::Scale::default();
    let end = midnight(SystemClock.now());
    let written = generate::shop(&folder.join("data"), scale, seed, end)?;
    let said = format!(
        "{files} files of definitions; {} behaviour rows of {} users, {} rows of {} products, {} impressions",
        written.behavior, scale.users, written.products, scale.products, written.impressions
    );
    Ok(((), said))
}

/// The midnight before.
fn midnight(now: Timestamp) -> Timestamp {
    const DAY_SECONDS: i64 = 86_400;
    Timestamp::from_seconds(now.seconds() - now.seconds().rem_euclid(DAY_SECONDS))
}

fn apply(repository: &Repository) -> Result<((), String)> {
    let applied = plan::apply_repository(repository)?;
    Ok(((), format!("{applied} objects registered")))
}

fn materialize(repository: &Repository) -> Result<((), String)> {
    let catalog = repository.catalog()?;
    let now = SystemClock.now();
    let interval = full(now.minus(DAY * 90), now)?;
    let views = select_views(&catalog, &[])?;
    let plan = Plan::of(views.into_iter().map(|view| (view, interval)).collect());
    let options = RunOptions::default();
    let reports = materialize::materialize(repository, &catalog, plan, &Silent, options)?;
    let said: Vec<String> = reports
        .iter()
        .map(|report| format!("{}: {} rows", report.view, report.counts.written))
        .collect();
    Ok(((), said.join(", ")))
}

fn serve(folder: &Path) -> Result<(Server, String)> {
    let server = Server::start(folder)?;
    let address = server.address();
    let said = format!("HTTP on 127.0.0.1:{}, gRPC on 127.0.0.1:{}", address.http, address.grpc);
    Ok((server, said))
}

fn online_over_http(port: u16) -> Result<((), String)> {
    let request = json!({"feature_service": "user_profile", "entities": {"user_id": [USER]}});
    let answer = http_calls::get_online_features(port, &request)?;
    let names = answer.pointer("/metadata/feature_names").and_then(Value::as_array);
    let names = names.ok_or_else(|| Error::internal("the answer names no features"))?;
    let said: Vec<String> = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| {
            let value = answer.pointer(&format!("/results/{index}/values/0"))?;
            Some(format!("{}={}", name.as_str()?, value))
        })
        .collect();
    Ok(((), said.join(" ")))
}

fn online_over_grpc(port: u16) -> Result<((), String)> {
    let call = grpc_calls::get_online_features(port, "user_profile", ("user_id", USER));
    let answer = compose::block_on(call)?;
    let names = answer.metadata.and_then(|metadata| metadata.feature_names).unwrap_or_default();
    let said: Vec<String> = names
        .val
        .iter()
        .zip(&answer.results)
        .filter_map(|(name, column)| {
            Some(format!("{name}={}", display::value_text(column.values.first()?)))
        })
        .collect();
    Ok(((), said.join(" ")))
}

fn interactions(port: u16) -> Result<((), String)> {
    const FEATURES: [&str; 5] = [
        "product_features:category",
        "product_features:price",
        "interaction_features:price_vs_avg_order",
        "interaction_features:category_match",
        "interaction_features:device_optimization",
    ];
    let products: Vec<String> = (1..=CANDIDATES).map(|index| format!("p{index:04}")).collect();
    let call = grpc_calls::get_interaction_features(port, &FEATURES, USER, &products, "mobile");
    let answer = compose::block_on(call)?;
    display::interactions(&products, &answer)?;
    Ok(((), format!("of {USER} on mobile with {CANDIDATES} candidate products, above")))
}

fn training_set(repository: &Repository, folder: &Path) -> Result<((), String)> {
    let request = TrainingRequest {
        selection: Selection::Service("recommendation_v1".to_owned()),
        full_feature_names: false,
        entity: EntityRows::File(folder.join("data").join("impressions.parquet")),
        event_timestamp_column: None,
        filter_by_created: false,
        options: HistoricalOptions::default(),
    };
    let path = folder.join("training.parquet");
    let written = compose::block_on(async {
        let rows = get_historical::training_rows(repository, request).await?;
        let columns = rows.schema().fields().len();
        Ok((get_historical::write(rows, Sink::create(&path)?).await?, columns))
    })?;
    let (rows, columns) = written;
    Ok((
        (),
        format!("{rows} rows x {columns} columns, joined point in time, in {}", path.display()),
    ))
}
