//! The jobs of a repository.

use std::path::{Path, PathBuf};

use larder_core::{Error, ErrorKind, Location, Result};

use super::document::Document;
use super::{JobDefinition, location, placed};

/// Folder of the files with jobs, relative to the repository.
const FOLDER: &str = "streams";

/// File of that folder with topics.
const TOPICS: &str = "topics.yaml";

/// Largest file of definitions or of a schema.
const MAX_BYTES: u64 = 4 << 20;

/// Reads the jobs of a repository: every document of every `*.yaml` and `*.yml` file in its folder `streams`, in order
/// of the names of the files.
///
/// # Errors
/// `Invalid` with file and line for a document that is no job, a schema that cannot be read or does not have a field, a
/// value of a wrong type; `AlreadyExists` for a name that two jobs have.
pub fn load_jobs(repository: &Path) -> Result<Vec<JobDefinition>> {
    let mut jobs: Vec<JobDefinition> = Vec::new();
    for path in files(&repository.join(FOLDER))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // The topics of the jobs are no jobs.
        if name == TOPICS {
            continue;
        }
        let file = format!("{FOLDER}/{name}");
        for document in documents(&file, &text(&path)?)? {
            let job = job(repository, file.clone(), document)?;
            if let Some(other) = jobs.iter().find(|other| other.name() == job.name()) {
                let message = format!("job \"{}\" is defined in {} too", job.name(), other.file);
                return Err(Error::new(ErrorKind::AlreadyExists, message)
                    .with_location(location(&file, &job.document.job)));
            }
            jobs.push(job);
        }
    }
    Ok(jobs)
}

fn job(repository: &Path, file: String, document: Document) -> Result<JobDefinition> {
    let schema = &document.source.schema;
    let path = repository.join(&schema.value);
    let read = text(&path).map_err(placed(&file, schema))?;
    JobDefinition::new(file, document, read)
}

/// The YAML files of a folder, which need not exist.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Unavailable, format!("{} cannot be listed", folder.display()))
            .with_source(error)
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn text(path: &Path) -> Result<String> {
    let failed = |error: std::io::Error| {
        Error::invalid(format!("{} cannot be read", path.display())).with_source(error)
    };
    if path.metadata().map_err(failed)?.len() > MAX_BYTES {
        return Err(Error::invalid(format!("{} is larger than {MAX_BYTES} bytes", path.display())));
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// The documents of a file.
fn documents(file: &str, text: &str) -> Result<Vec<Document>> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let message = error.without_snippet().to_string();
        let line = error.location().map_or(1, |place| place.line());
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let first = message.lines().next().unwrap_or_default().trim_end_matches('.');
        Error::invalid(format!("not a stream job: {first}"))
            .with_location(Location { file: file.to_owned(), line, column: 0 })
            .with_hint("docs/streams.md has every key")
    })
}
