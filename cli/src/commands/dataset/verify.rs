//! `fs dataset verify`.

use std::collections::BTreeMap;
use std::path::Path;

use futures::StreamExt as _;
use larder_core::{DataSource, Error, ErrorKind, Result};
use larder_dataset::{
    Digests, EntityOrigin, Finding, Kept, Manifest, Source, SourceFile, findings,
};
use larder_serving::training_set;
use serde_json::json;

use super::VerifyArguments;
use super::facts::{Facts, from_root, queried};
use super::home::Home;
use crate::commands::get_historical::training_request;
use crate::output::{self, OutputFormat};
use crate::progress::RowProgress;
use crate::repository::Repository;
use crate::{compose, report};

pub(super) fn run(
    repository: &Repository,
    arguments: &VerifyArguments,
    format: OutputFormat,
) -> Result<()> {
    let folder = &arguments.folder;
    let config = repository.existing()?;
    let home = Home::of(repository, folder)?;
    let manifest = Manifest::read(home.path())?;
    let (offline, functions) = (compose::offline_store(config)?, compose::functions(config)?);
    let (catalog, root) = (repository.catalog()?, &config.repo_path);
    let facts = Facts { catalog: &catalog, offline: offline.as_ref(), functions: &functions, root };
    let found = compose::block_on(async {
        let mut found = findings(home.path(), &manifest, &kept(&facts, &manifest).await)?;
        if arguments.rebuild {
            found.extend(rebuilt(&facts, &manifest).await?);
        }
        Ok(found)
    })?;
    if manifest.larder_version != env!("CARGO_PKG_VERSION") {
        let (then, now) = (&manifest.larder_version, env!("CARGO_PKG_VERSION"));
        report::note(format_args!("made by version {then}, and this is {now}"));
    }
    print(folder, &manifest, &found, format)?;
    if found.is_empty() {
        return Ok(());
    }
    let message = format!("{} cannot be made again as it is", folder.display());
    Err(Error::new(ErrorKind::Conflict, message))
}

/// What the names of the manifest mean now.
async fn kept(facts: &Facts<'_>, manifest: &Manifest) -> Kept {
    let meaning = facts.meaning(&manifest.request);
    let known = match &meaning {
        Ok(meaning) => meaning.sources.clone(),
        Err(_) => Vec::new(),
    };
    let mut sources = BTreeMap::new();
    for source in manifest.sources.iter().chain(queried(manifest)) {
        if let Some(files) = files_now(facts, source, &known).await {
            sources.insert(source.name.clone(), files);
        }
    }
    let entity_file = match &manifest.entity_rows.from {
        EntityOrigin::File(file) => {
            Some(facts.entity_file(&from_root(facts.root, &file.path)).await)
        }
        _ => None,
    };
    Kept { definitions: meaning.map(|meaning| meaning.definitions), sources, entity_file }
}

/// The files of a source, `None` when there is none of its name.
async fn files_now(
    facts: &Facts<'_>,
    source: &Source,
    known: &[DataSource],
) -> Option<Result<Vec<SourceFile>>> {
    let registered = facts.catalog.data_sources().get(&source.name);
    let of_views = known.iter().find(|known| known.name == source.name);
    let found = of_views.or_else(|| registered.map(AsRef::as_ref))?;
    let described = facts.sources(std::slice::from_ref(found)).await;
    Some(described.map(|sources| sources.into_iter().flat_map(|source| source.files).collect()))
}

/// What comes out otherwise when everything is joined again.
async fn rebuilt(facts: &Facts<'_>, manifest: &Manifest) -> Result<Vec<Finding>> {
    let mut origin = manifest.entity_rows.from.clone();
    if let EntityOrigin::File(file) = &mut origin {
        file.path = from_root(facts.root, &file.path);
    }
    let request = training_request(&manifest.request, &origin, facts.catalog, None)?;
    let mut rows = training_set(facts.catalog, facts.offline, request, facts.functions).await?;
    let schema = rows.schema();
    let (mut digests, mut count) = (Digests::new(&schema)?, 0);
    let progress = RowProgress::new("joined".to_owned());
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        digests.add(&batch)?;
        count += batch.num_rows() as u64;
        progress.at(count);
    }
    progress.end();
    let names = schema.fields().iter().map(|field| field.name().clone());
    let now: BTreeMap<String, String> =
        names.zip(digests.finish().into_iter().map(|column| column.digest)).collect();
    let differs = manifest
        .columns
        .iter()
        .filter(|column| manifest.rows != count || now.get(&column.name) != Some(&column.digest));
    Ok(differs.map(|column| Finding::of_rebuild(&column.name)).collect())
}

fn print(
    folder: &Path,
    manifest: &Manifest,
    found: &[Finding],
    format: OutputFormat,
) -> Result<()> {
    if format == OutputFormat::Json {
        let findings = serde_json::to_value(found).unwrap_or_default();
        let report = json!({
            "dataset": folder.display().to_string(),
            "rows": manifest.rows,
            "created": manifest.created,
            "definitions": manifest.definitions.hash,
            "rebuildable": found.is_empty(),
            "findings": findings,
        });
        return output::json(&report, 2);
    }
    let (rows, columns) = (manifest.rows, manifest.columns.len());
    let (folder, created) = (folder.display(), &manifest.created);
    output::line(format!("{folder}: {rows} rows, {columns} columns, written {created}"))?;
    for Finding { about, name, problem } in found {
        output::line(format!("  {} {name}: {problem}", about.replace('_', " ")))?;
    }
    if found.is_empty() { output::line("it can be made again as it is") } else { Ok(()) }
}
