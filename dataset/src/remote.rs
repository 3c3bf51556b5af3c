//! Data sets in a bucket.
//!
//! A bucket cannot rename: files are staged on the local disk, sent under names that no other run has, and the manifest
//! comes last. What has no manifest is no data set, so a run that is killed leaves none; an older data set stays valid
//! until the manifest that replaces it.

use std::fs;

use arrow_schema::SchemaRef;
use larder_core::{Error, ErrorKind, Result};
use larder_object_storage::{Bucket, Condition, ObjectUri, StoredObject, fetch_file, upload_file};
use object_store::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

use crate::write::{FileFormat, PART, unwritable};
use crate::{ClosedDataset, DatasetWriter, Layout, MANIFEST, Manifest};

/// A place for a data set below a prefix.
#[derive(Debug)]
pub struct RemoteDataset {
    bucket: Bucket,
    prefix: Path,
    uri: String,
}

/// What is below the prefix.
struct There {
    /// The etag of the manifest, if there is one.
    manifest: Option<String>,
    /// Keys of files that runs of ours wrote.
    parts: Vec<Path>,
}

impl RemoteDataset {
    /// The place at a URI, in its bucket; touches no network.
    pub fn new(bucket: Bucket, uri: &ObjectUri) -> Self {
        Self { bucket, prefix: uri.key.clone(), uri: uri.to_string() }
    }

    /// Where it is.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Refuses a place that must not be written, before a row is read.
    ///
    /// # Errors
    /// `AlreadyExists` when a data set is there, unless `overwrite` is set; `Invalid` when something else is, or, without
    /// `overwrite`, what a run that was killed left behind; what the store answers.
    pub async fn check(&self, overwrite: bool) -> Result<()> {
        self.there(overwrite).await.map(drop)
    }

    /// A data set of this schema, staged in the folder for temporary files.
    ///
    /// # Errors
    /// As [`DatasetWriter::begin`].
    pub fn begin(&self, layout: Layout, schema: &SchemaRef) -> Result<DatasetWriter> {
        let part = format!("{PART}-{}", Uuid::new_v4().simple());
        let staged = std::env::temp_dir().join(format!("dataset-{part}"));
        Ok(DatasetWriter::begin(&staged, layout, schema)?.named(part))
    }

    /// Sends the files, then the manifest; what an older data set had is removed after that.
    ///
    /// # Errors
    /// As [`check`](Self::check), since somebody may have put something there meanwhile; what the store answers. What was
    /// sent is removed then, as far as the store lets us.
    pub async fn publish(
        &self,
        closed: ClosedDataset,
        manifest: &Manifest,
        overwrite: bool,
    ) -> Result<()> {
        let there = self.there(overwrite).await?;
        let mut sent = Vec::new();
        let published = self.send(&closed, manifest, &there, &mut sent).await;
        if let Err(error) = published {
            // The error that stopped the run is the one to tell.
            drop(self.bucket.remove(sent).await);
            return Err(error);
        }
        self.bucket.remove(there.parts).await
    }

    async fn send(
        &self,
        closed: &ClosedDataset,
        manifest: &Manifest,
        there: &There,
        sent: &mut Vec<Path>,
    ) -> Result<()> {
        for file in &manifest.files {
            let key = self.key(&file.path)?;
            sent.push(key.clone());
            let path = closed.folder().join(&file.path);
            upload_file(&self.bucket, &path, key, Condition::Any).await?;
        }
        let condition = match &there.manifest {
            Some(etag) => Condition::Unchanged(etag.clone()),
            None => Condition::Absent,
        };
        let text = manifest.text()?.into();
        if self.bucket.put(&self.key(MANIFEST)?, text, condition).await? {
            return Ok(());
        }
        let message = format!("somebody else wrote a data set to {} meanwhile", self.uri);
        Err(Error::new(ErrorKind::Conflict, message).with_hint("choose another place"))
    }

    /// Copies the data set to a temporary folder.
    ///
    /// # Errors
    /// `NotFound` when there is none; what the store answers; `Unavailable` without room on the disk.
    pub async fn fetch(&self) -> Result<TempDir> {
        if self.bucket.find(&self.key(MANIFEST)?).await?.is_none() {
            let message = format!("{} is no data set: it has no {MANIFEST}", self.uri);
            return Err(Error::new(ErrorKind::NotFound, message)
                .with_hint("fs get-historical-features --output s3://BUCKET/FOLDER/ writes one"));
        }
        let folder = TempDir::new().map_err(|error| unwritable(&std::env::temp_dir(), error))?;
        for object in self.bucket.below(&self.prefix).await? {
            let path = folder.path().join(self.name(&object));
            let above = path.parent().unwrap_or_else(|| folder.path());
            fs::create_dir_all(above).map_err(|error| unwritable(above, error))?;
            fetch_file(&object, &path).await?;
        }
        Ok(folder)
    }

    async fn there(&self, overwrite: bool) -> Result<There> {
        let mut there = There { manifest: None, parts: Vec::new() };
        for object in self.bucket.below(&self.prefix).await? {
            let name = self.name(&object);
            if name == MANIFEST {
                there.manifest = Some(object.meta().e_tag.clone().unwrap_or_default());
            } else if is_part(&name) {
                there.parts.push(object.key().clone());
            } else {
                return Err(Error::invalid(format!(
                    "{} holds more than a data set: {name}",
                    self.uri
                ))
                .with_hint("only an empty place or a data set is written to"));
            }
        }
        match (&there.manifest, there.parts.is_empty(), overwrite) {
            (None, true, _) | (_, _, true) => Ok(there),
            (Some(_), _, false) => {
                let message = format!("{} holds a data set already", self.uri);
                Err(Error::new(ErrorKind::AlreadyExists, message)
                    .with_hint("choose another place, or replace it with --overwrite"))
            }
            (None, false, false) => {
                Err(Error::invalid(format!("{} holds files of a run that did not end", self.uri))
                    .with_hint("choose another place, or remove them with --overwrite"))
            }
        }
    }

    fn key(&self, name: &str) -> Result<Path> {
        let text = format!("{}/{name}", self.prefix);
        Path::parse(text.trim_start_matches('/'))
            .map_err(|error| Error::invalid(format!("{name} is no key")).with_source(error))
    }

    fn name(&self, object: &StoredObject) -> String {
        let parts = object.key().prefix_match(&self.prefix).into_iter().flatten();
        parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/")
    }
}

/// Whether a file is one that [`RemoteDataset::begin`] names.
fn is_part(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let Some((stem, extension)) = file.rsplit_once('.') else { return false };
    let known = FileFormat::ALL.into_iter().any(|format| format.name() == extension);
    known && place_of(stem) == PART && stem != PART
}

/// The path of a file without what tells runs apart.
pub(crate) fn place_of(stem: &str) -> &str {
    match stem.rsplit_once('-') {
        Some((place, run)) if run.len() == 32 && run.bytes().all(|b| b.is_ascii_hexdigit()) => {
            place
        }
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_runs_are_told_from_others() {
        let run = Uuid::new_v4().simple().to_string();
        assert!(is_part(&format!("part-0-{run}.parquet")));
        assert!(is_part(&format!("country=CH/part-0-{run}.csv")));
        assert_eq!(place_of(&format!("country=CH/part-0-{run}")), "country=CH/part-0");
        for other in ["part-0.parquet", "_manifest.json", "notes.txt", "part-0-12.parquet"] {
            assert!(!is_part(other), "{other}");
        }
        assert!(!is_part(&format!("part-0-{run}.txt")));
        assert!(!is_part(&format!("stats-{run}.parquet")));
    }
}
