//! Where the rows of stream jobs go.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use larder_core::{Catalog, Error, Result};
use larder_object_storage::ObjectUri;
use larder_online_store::{OnlineStore, StoreObserver};
use larder_registry::RepoConfig;
use larder_stream_features::{
    CheckpointStore, DeadLetterFile, DeadLetters, HistoryFile, JobDefinition, JsonLines,
    KafkaProducer, LogFiles, OnlineRows, SchemaDirectory, Sink, TopicLetters, TopicRows,
    WriterSchemas,
};

use super::schema_registry::HttpSchemas;

/// The folder of a log.
pub(crate) const LOG: &str = "log";

/// The stores of a run.
#[derive(Debug)]
pub(crate) struct StreamTargets<'a> {
    config: &'a RepoConfig,
    catalog: &'a Catalog,
    /// `None` when rows are not to be served.
    online: Option<Arc<dyn OnlineStore>>,
    /// Folder of the files with all rows of views.
    history: Option<&'a Path>,
}

impl<'a> StreamTargets<'a> {
    /// The repository's online store, which may be watched, unless rows are not to go there.
    ///
    /// # Errors
    /// As [`super::online_store`].
    pub(crate) fn new(
        config: &'a RepoConfig,
        catalog: &'a Catalog,
        to_online: bool,
        observer: Option<Arc<dyn StoreObserver>>,
    ) -> Result<Self> {
        let open = || super::observed_store(config, observer);
        let online = to_online.then(open).transpose()?;
        Ok(Self { config, catalog, online, history: None })
    }

    /// The same with files for all rows of views in this folder.
    pub(crate) fn with_history(self, history: Option<&'a Path>) -> Self {
        Self { history, ..self }
    }

    /// The sinks of a job, which for a backfill are not those that its other runs go on with.
    ///
    /// # Errors
    /// `Invalid` when its view is not registered or does not fit; `Unavailable` for files that cannot be written.
    pub(crate) fn sinks(
        &self,
        job: &JobDefinition,
        is_backfill: bool,
    ) -> Result<Vec<Box<dyn Sink>>> {
        let mut sinks = self.view_sinks(job)?;
        if !is_backfill {
            let place = || CheckpointStore::local(&stream_folder(self.config, job.name()));
            self.push_log(job, place, &mut sinks)?;
        }
        self.push_file(job, is_backfill, &mut sinks)?;
        Ok(sinks)
    }

    fn push_file(
        &self,
        job: &JobDefinition,
        is_backfill: bool,
        sinks: &mut Vec<Box<dyn Sink>>,
    ) -> Result<()> {
        if let Some(output) = job.output() {
            let path = self.config.repo_path.join(output);
            let path = if is_backfill { path.with_extension("backfill.jsonl") } else { path };
            sinks.push(Box::new(JsonLines::open(&path, job.row())?));
        }
        Ok(())
    }

    /// Adds the log of a job that has one; only then is its place opened.
    fn push_log(
        &self,
        job: &JobDefinition,
        place: impl FnOnce() -> Result<CheckpointStore>,
        sinks: &mut Vec<Box<dyn Sink>>,
    ) -> Result<()> {
        if let (true, Some(view)) = (job.has_log(), job.view()) {
            let view = self.catalog.online_view(view)?;
            let log = LogFiles::new((place()?, LOG), job.is_shared(), view, job.row());
            sinks.push(Box::new(log));
        }
        Ok(())
    }

    /// The sinks of a job whose events come from a topic: its rows go to a topic too if it names one.
    ///
    /// # Errors
    /// As [`sinks`](Self::sinks).
    pub(crate) fn topic_sinks(
        &self,
        job: &JobDefinition,
        producer: &KafkaProducer,
    ) -> Result<Vec<Box<dyn Sink>>> {
        if job.is_shared() && job.output_topic().is_none() && job.output().is_some() {
            let message = format!(
                "job \"{}\" shares its topic with other instances and has a file",
                job.name()
            );
            return Err(Error::unsupported(message).with_hint(
                "name output.topic, or leave source.partition_key and repartition out for one instance",
            ));
        }
        let mut sinks = self.view_sinks(job)?;
        self.push_log(job, || topic_log(self.config, job.name()), &mut sinks)?;
        match job.output_topic() {
            Some(topic) => {
                sinks.push(Box::new(TopicRows::new(producer.clone(), topic, job.row())));
            }
            None => self.push_file(job, false, &mut sinks)?,
        }
        Ok(sinks)
    }

    fn view_sinks(&self, job: &JobDefinition) -> Result<Vec<Box<dyn Sink>>> {
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        job.check_view(|name| self.catalog.online_view(name).ok().map(AsRef::as_ref))
            .map_err(hinted)?;
        if let Some(view) = job.view() {
            let view = self.catalog.online_view(view)?;
            if let Some(online) = &self.online {
                let table = view.table_name(self.catalog.online_versioning());
                sinks.push(Box::new(OnlineRows::new(
                    Arc::clone(online),
                    (self.config.project.as_str(), table.as_str()),
                    view,
                    job.row(),
                    super::entity_key_version(self.config),
                    super::write_guard(self.config),
                )?));
            }
            if let Some(folder) = self.history {
                let file = folder.join(format!("{}.parquet", job.name()));
                sinks.push(Box::new(HistoryFile::new(&file, view, job.row())));
            }
        }
        Ok(sinks)
    }
}

/// Where the state and the log of a job are.
pub(crate) fn stream_folder(config: &RepoConfig, job: &str) -> PathBuf {
    config.repo_path.join("data").join("streams").join(job)
}

/// Where the state of a job is kept whose events come from a topic: every instance has to find it there.
///
/// # Errors
/// `Invalid` for settings of storage that cannot be used; `Unavailable` for a folder that cannot be made.
pub(crate) fn topic_state(config: &RepoConfig, job: &str) -> Result<CheckpointStore> {
    let Some(state) = &config.stream.state else {
        return CheckpointStore::local(&topic_folder(config, job));
    };
    if ObjectUri::is_one(state) {
        let uri = ObjectUri::parse(state)?;
        let bucket = super::buckets(config).get(&uri.bucket, None)?;
        return Ok(CheckpointStore::in_bucket(&bucket, &uri, [&config.project, job]));
    }
    CheckpointStore::local(&config.resolve(state).join(&config.project).join(job))
}

/// Where the log of a job is kept whose events come from a topic: beside its state where that is elsewhere.
///
/// # Errors
/// As [`topic_state`].
pub(crate) fn topic_log(config: &RepoConfig, job: &str) -> Result<CheckpointStore> {
    match &config.stream.state {
        Some(_) => topic_state(config, job),
        None => CheckpointStore::local(&stream_folder(config, job)),
    }
}

/// What an instance keeps for itself of a job whose events come from a topic.
pub(crate) fn topic_folder(config: &RepoConfig, job: &str) -> PathBuf {
    stream_folder(config, job).join("kafka")
}

/// Where the dead letters of a job go whose events come from a topic: a topic if it names one, else a file of the
/// instance.
///
/// # Errors
/// `Unavailable` when the file cannot be written.
pub(crate) fn topic_letters(
    config: &RepoConfig,
    job: &JobDefinition,
    producer: &KafkaProducer,
    instance: &str,
) -> Result<DeadLetters> {
    if let Some(topic) = job.dead_letter_topic() {
        let letters = TopicLetters::new(producer.clone(), topic, job.name());
        return Ok(DeadLetters::Topic(letters));
    }
    let folder = topic_folder(config, job.name());
    let file = DeadLetterFile::open(&folder.join(letter_file(instance)))?;
    Ok(if job.is_shared() { DeadLetters::Shared(file) } else { DeadLetters::File(file) })
}

/// The file of an instance with its dead letters.
pub(crate) fn letter_file(instance: &str) -> String {
    format!("dead-letters.{instance}.jsonl")
}

/// Where the schemas of the writers of a job's Avro events are.
pub(crate) fn writer_schemas(config: &RepoConfig, job: &JobDefinition) -> Arc<dyn WriterSchemas> {
    match job.schema_registry() {
        Some(url) => Arc::new(HttpSchemas::new(url)),
        None => Arc::new(SchemaDirectory::new(config.repo_path.join(job.writer_schemas()))),
    }
}

fn hinted(error: Error) -> Error {
    error.with_hint("run fs apply after a change of the definitions")
}
