//! `StreamFeatureView`s with aggregations as jobs.

use std::time::Duration;

use larder_core::{Aggregation, Error, FeatureView, Result, SourceKind, StreamFormat, ViewKind};
use serde_saphyr::{Location, Spanned};

use super::JobDefinition;
use super::document::{Aggregate, Document, Format, Source, Watermark};
use super::duration::Micros;
use super::named::Named;
use crate::schema::EventType;

impl JobDefinition {
    /// The job that a stream view's aggregations declare, `None` for views without aggregations.
    ///
    /// The join keys are fields of the events. The watermark waits for the source's `watermark_delay_threshold`.
    ///
    /// # Errors
    /// `Unsupported` for a view with a function, or with messages of another format than Avro or JSON with an Avro
    /// schema; `Invalid` for one whose fields or aggregation functions do not exist.
    pub fn of_view(view: &FeatureView) -> Result<Option<Self>> {
        let ViewKind::Stream { transformation, aggregations, timestamp_field, .. } = &view.kind
        else {
            return Ok(None);
        };
        if aggregations.is_empty() {
            return Ok(None);
        }
        let named =
            |error: Error| error.context(format_args!("stream feature view \"{}\"", view.name));
        if transformation.is_some() {
            let hint = "write the job as YAML: filter and derive take the function's place";
            return Err(named(
                Error::unsupported("its function cannot run on a stream").with_hint(hint),
            ));
        }
        let Messages { format, schema, delay, topic, servers } = source(view).map_err(named)?;
        if let Err(error) = EventType::parse(&schema) {
            let hint = "give the Avro schema of the messages as schema_json";
            return Err(named(Error::unsupported(error.to_string()).with_hint(hint)));
        }
        let key = view.entity_columns.iter();
        let defaults = Watermark::default();
        let document = Document {
            job: spanned(view.name.clone()),
            _description: view.description.clone(),
            source: Source {
                schema: spanned(view.name.clone()),
                format,
                path: None,
                topic: Some(spanned(topic)),
                servers: Some(servers),
                timestamp: spanned(timestamp_field.clone()),
                partition_key: None,
                writer_schemas: None,
                schema_registry: None,
            },
            watermark: Watermark { delay: delay.unwrap_or(defaults.delay), ..defaults },
            explode: None,
            filter: None,
            derive: Named::default(),
            key: Named(
                key.map(|field| (field.name.clone(), spanned(field.name.clone()))).collect(),
            ),
            aggregate: aggregations.iter().map(aggregate).collect(),
            emit: None,
            session: None,
            rules: None,
            view: Some(spanned(view.name.clone())),
            output: None,
            dead_letters: None,
            repartition: None,
            log: false,
        };
        // The view has no file here: whoever knows its place adds it.
        Self::new(view.name.clone(), document, schema)
            .map_err(|error| named(Error::new(error.kind(), error.message())))
            .map(Some)
    }
}

/// Feast's aggregation, whose empty texts mean that nothing is given.
fn aggregate(aggregation: &Aggregation) -> Spanned<Aggregate> {
    let micros = |duration: Option<Duration>| {
        duration.map(|d| spanned(Micros(i64::try_from(d.as_micros()).unwrap_or(i64::MAX))))
    };
    let given = |text: &String| (!text.is_empty()).then(|| spanned(text.clone()));
    spanned(Aggregate {
        function: spanned(aggregation.function.clone()),
        column: given(&aggregation.column),
        by: None,
        gap: None,
        condition: None,
        window: micros(aggregation.time_window),
        slide: micros(aggregation.slide_interval),
        name: given(&aggregation.name),
    })
}

/// What a view's `KafkaSource` says of its messages.
struct Messages {
    format: Format,
    schema: String,
    delay: Option<Micros>,
    topic: String,
    servers: String,
}

fn source(view: &FeatureView) -> Result<Messages> {
    let Some(SourceKind::Kafka {
        message_format,
        watermark_delay_threshold,
        topic,
        bootstrap_servers,
    }) = view.stream_source.as_ref().map(|source| &source.kind)
    else {
        return Err(Error::unsupported("its source is no KafkaSource"));
    };
    let delay = watermark_delay_threshold
        .and_then(|delay| i64::try_from(delay.as_micros()).ok())
        .map(Micros);
    let (format, schema) = match message_format {
        Some(StreamFormat::Avro(schema)) => (Format::Avro, schema.clone()),
        Some(StreamFormat::Json(schema)) => (Format::Json, schema.clone()),
        Some(StreamFormat::Proto(_)) | None => {
            let hint =
                "give message_format=AvroFormat(schema_json=...) or JsonFormat with an Avro schema";
            return Err(Error::unsupported("its messages have no schema that is known here")
                .with_hint(hint));
        }
    };
    let (topic, servers) = (topic.clone(), bootstrap_servers.clone());
    Ok(Messages { format, schema, delay, topic, servers })
}

fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Location::UNKNOWN, Location::UNKNOWN)
}
