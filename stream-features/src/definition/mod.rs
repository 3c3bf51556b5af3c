//! Stream jobs as the repository defines them.
//!
//! A job is a document of a YAML file in the folder `streams`, or a `StreamFeatureView` with aggregations. Both become
//! the same [`Document`], which is compiled against the schema of the events; what is wrong is told with file and line.

mod compile;
mod document;
mod duration;
mod layout;
mod load;
mod named;
mod names;
mod operators;
mod stream_view;

use std::path::{Path, PathBuf};

use larder_core::{Error, FeatureView, Field, Location, Result, ValueType};
use serde_saphyr::Spanned;

pub(crate) use compile::{EventPlan, Job};
use document::{Document, Output};
pub(crate) use duration::Micros;
pub use load::load_jobs;

use crate::decode::EventFormat;
use crate::schema::EventType;

/// A job that was read and checked.
#[derive(Debug, Clone)]
pub struct JobDefinition {
    file: String,
    document: Document,
    event: EventType,
    /// Text of the schema: jobs that read the same source with the same schema share its decoding.
    schema_text: String,
    row: RowSchema,
    is_partitioned: bool,
}

/// What the rows of a job hold.
#[derive(Debug, Clone, PartialEq)]
pub struct RowSchema {
    /// The key, in the order of the definition.
    pub key: Vec<Field>,
    /// The values.
    pub values: Vec<Field>,
    /// Whether a row is about its event time and does not say so in its values.
    pub(crate) is_timed: bool,
    /// Column that names the result in a withdrawal, with milliseconds.
    pub(crate) result: &'static str,
}

impl JobDefinition {
    /// Checks a document against the schema of its events.
    ///
    /// # Errors
    /// `Invalid` with the place of what is wrong.
    pub(crate) fn new(file: String, document: Document, schema_text: String) -> Result<Self> {
        let event = EventType::parse(&schema_text).map_err(|error| {
            error
                .context(format_args!("schema {}", document.source.schema.value))
                .with_location(location(&file, &document.source.schema))
        })?;
        let mut checked = event.clone();
        let job = Job::compile(&file, &document, &mut checked)?;
        let is_partitioned = job.is_partitioned;
        Ok(Self { file, row: job.row, document, event, schema_text, is_partitioned })
    }

    /// The job's name.
    pub fn name(&self) -> &str {
        &self.document.job.value
    }

    /// What it does, in one word: `windows`, `sessions` or `rules`.
    pub fn kind(&self) -> &'static str {
        match (&self.document.session, &self.document.rules) {
            (None, None) => "windows",
            (Some(_), _) => "sessions",
            (None, Some(_)) => "rules",
        }
    }

    /// The view that its rows go to.
    pub fn view(&self) -> Option<&str> {
        self.document.view.as_ref().map(|view| view.value.as_str())
    }

    /// The file, relative to the repository, that its rows go to as JSON lines.
    pub fn output(&self) -> Option<&Path> {
        match &self.document.output.as_ref()?.value {
            Output::Path(path) => Some(Path::new(path)),
            Output::Places(places) => places.path.as_deref().map(Path::new),
        }
    }

    /// The topic that its rows go to when its events come from one.
    pub fn output_topic(&self) -> Option<&str> {
        match &self.document.output.as_ref()?.value {
            Output::Path(_) => None,
            Output::Places(places) => places.topic.as_deref(),
        }
    }

    /// The topic that events go to which it cannot use, when they come from one.
    pub fn dead_letter_topic(&self) -> Option<&str> {
        self.document.dead_letters.as_ref().map(|letters| letters.value.topic.as_str())
    }

    /// The topic that its events come from.
    pub fn source_topic(&self) -> Option<&str> {
        self.document.source.topic.as_ref().map(|topic| topic.value.as_str())
    }

    /// The brokers of that topic, where a `KafkaSource` names them.
    pub fn source_servers(&self) -> Option<&str> {
        self.document.source.servers.as_deref()
    }

    /// The file or folder, relative to the repository, that its events come from unless another is named.
    pub fn source_path(&self) -> Option<&Path> {
        self.document.source.path.as_deref().map(Path::new)
    }

    /// How its events are encoded.
    pub fn format(&self) -> EventFormat {
        self.document.source.format.into()
    }

    /// The folder, relative to the repository, of the schemas of the writers of Avro events.
    pub fn writer_schemas(&self) -> PathBuf {
        PathBuf::from(self.document.source.writer_schemas.as_deref().unwrap_or("schemas/writers"))
    }

    /// The URL of the schema registry that is asked instead, if it names one.
    pub fn schema_registry(&self) -> Option<&str> {
        self.document.source.schema_registry.as_deref()
    }

    /// Whether all events of a key are in one partition, so that instances can share them.
    pub fn is_partitioned(&self) -> bool {
        self.is_partitioned
    }

    /// Partitions of the topic in between that its events go to by their keys; `None` when it needs none.
    pub fn repartition(&self) -> Option<i32> {
        self.document.repartition.as_ref().map(|repartition| repartition.value.partitions)
    }

    /// Whether instances share its partitions.
    pub fn is_shared(&self) -> bool {
        self.is_partitioned || self.document.repartition.is_some()
    }

    /// What its rows hold.
    pub fn row(&self) -> &RowSchema {
        &self.row
    }

    /// Whether its rows are also to be kept in files for training.
    pub fn has_log(&self) -> bool {
        self.document.log && self.document.view.is_some()
    }

    /// A number that is the same for definitions that can go on with each other's state.
    pub(crate) fn layout(&self) -> u64 {
        layout::layout(&self.document, &self.row)
    }

    /// As [`layout`](Self::layout), for state by the partitions of the topic in between.
    pub(crate) fn repartition_layout(&self) -> u64 {
        layout::repartition(self.layout(), self.repartition().unwrap_or_default())
    }

    /// Whether both read the same events in the same way, so that they can be decoded once for both.
    pub fn shares_source(&self, other: &Self) -> bool {
        let (source, others) = (&self.document.source, &other.document.source);
        source.format == others.format
            && source.path == others.path
            && self.source_topic() == other.source_topic()
            && source.writer_schemas == others.writer_schemas
            && source.schema_registry == others.schema_registry
            && self.schema_text == other.schema_text
    }

    /// Checks that the rows fit the view that they go to, which `find` knows by its name: its join keys are the key,
    /// and every value is a feature of a type that takes it.
    ///
    /// # Errors
    /// `Invalid` with the place in the definition, also for a view that is not known.
    pub fn check_view<'v>(&self, find: impl Fn(&str) -> Option<&'v FeatureView>) -> Result<()> {
        let Some(named) = &self.document.view else { return Ok(()) };
        let Some(view) = find(&named.value) else {
            let message = format!("job \"{}\": no view is named \"{}\"", self.name(), named.value);
            return Err(placed(&self.file, named)(Error::invalid(message)));
        };
        self.check_fit(view)
    }

    fn check_fit(&self, view: &FeatureView) -> Result<()> {
        let place = self.document.view.as_ref().unwrap_or(&self.document.job);
        let refused = |message: String| {
            Err(Error::invalid(format!("job \"{}\": {message}", self.name()))
                .with_location(location(&self.file, place)))
        };
        let names = |fields: &[Field]| {
            let mut names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
            names.sort();
            names
        };
        let (keys, own) = (names(&view.entity_columns), names(&self.row.key));
        if keys != own {
            let (keys, own) = (keys.join(", "), own.join(", "));
            return refused(format!(
                "its key is {own}, the join keys of view \"{}\" are {keys}",
                view.name
            ));
        }
        for value in &self.row.values {
            let Some(feature) = view.feature(&value.name) else {
                // Sessions have times that a view need not have.
                if self.row.is_optional(&value.name) {
                    continue;
                }
                return refused(format!(
                    "view \"{}\" has no feature \"{}\"",
                    view.name, value.name
                ));
            };
            if !fits(value.value_type, feature.value_type) {
                return refused(format!(
                    "\"{}\" is {}, feature \"{}\" of view \"{}\" is {}",
                    value.name,
                    value.value_type.name(),
                    feature.name,
                    view.name,
                    feature.value_type.name()
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn event(&self) -> &EventType {
        &self.event
    }

    /// Compiles the job over columns that other jobs may share.
    pub(crate) fn compile(&self, event: &mut EventType) -> Result<Job> {
        Job::compile(&self.file, &self.document, event)
    }
}

impl RowSchema {
    /// Whether a view may lack this value.
    pub(crate) fn is_optional(&self, name: &str) -> bool {
        !self.is_timed && ["start", "end", "duration"].contains(&name)
    }
}

/// Whether values of a type can be stored as a feature of another without loss of meaning.
fn fits(value: ValueType, feature: ValueType) -> bool {
    use ValueType::{Double, Float, Int32, Int64, UnixTimestamp};
    value == feature
        || match value {
            Int64 => matches!(feature, Int32 | Double | Float | UnixTimestamp),
            Double => feature == Float,
            _ => false,
        }
}

/// Where a value stands; the first line when it is of no file.
fn location<T>(file: &str, place: &Spanned<T>) -> Location {
    let line = u32::try_from(place.referenced.line()).unwrap_or(u32::MAX).max(1);
    Location { file: file.to_owned(), line, column: 0 }
}

/// Adds the place of a value to an error that has none.
fn placed<T>(file: &str, place: &Spanned<T>) -> impl FnOnce(Error) -> Error {
    let at = location(file, place);
    move |error| if error.location().is_some() { error } else { error.with_location(at) }
}
