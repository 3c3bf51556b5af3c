//! Random events of the shop, as JSON lines, Avro containers and Parquet.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use apache_avro::types::Value as Avro;
use apache_avro::{Codec, DeflateSettings, Schema, Writer};
use arrow_array::builder::{MapBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, StringArray, StructArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value as Json, json};

/// An event; times are milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: usize,
    pub(crate) user: Option<String>,
    pub(crate) session: String,
    pub(crate) kind: &'static str,
    pub(crate) time: i64,
    pub(crate) product: Option<String>,
    pub(crate) page: String,
}

/// Events of some hours, in order of time.
pub(crate) fn random(seed: u64, count: usize) -> Vec<Event> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut time = 1_767_225_600_000;
    let kinds = ["page_view", "click", "purchase", "add_to_cart", "search"];
    let event = |id| {
        time += random.random_range(0..20_000);
        let user: u32 = random.random_range(0..12);
        Event {
            id,
            user: (user > 0).then(|| format!("u{user}")),
            // A user changes the session now and then.
            session: format!("s{user}-{}", id / 900),
            kind: kinds[random.random_range(0..5)],
            time,
            product: random.random_bool(0.7).then(|| format!("p{}", random.random_range(0..9))),
            page: format!("/{}", random.random_range(0..4)),
        }
    };
    (0..count).map(event).collect()
}

impl Event {
    fn platform(&self) -> &'static str {
        ["mobile", "desktop", "tablet"][self.id % 3]
    }

    fn properties(&self) -> Vec<(&'static str, String)> {
        let product = self.product.iter().flat_map(|product| {
            let category = format!("c{}", product.len() + self.id % 2);
            [("productId", product.clone()), ("category", category)]
        });
        product.chain([("page", self.page.clone())]).collect()
    }
}

/// The same events out of order by less than this many milliseconds.
pub(crate) fn disordered(events: &[Event], seed: u64, by: i64) -> Vec<Event> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut arrivals: Vec<(i64, Event)> = events
        .iter()
        .map(|event| (event.time + random.random_range(0..by), event.clone()))
        .collect();
    arrivals.sort_by_key(|(arrival, _)| *arrival);
    arrivals.into_iter().map(|(_, event)| event).collect()
}

/// The same events in any order.
pub(crate) fn shuffled(events: &[Event], seed: u64) -> Vec<Event> {
    let mut events = events.to_vec();
    events.shuffle(&mut StdRng::seed_from_u64(seed));
    events
}

pub(crate) fn json_line(event: &Event) -> String {
    let properties: HashMap<_, _> = event.properties().into_iter().collect();
    let line = json!({
        "eventId": event.id.to_string(),
        "userId": event.user,
        "sessionId": event.session,
        "eventType": event.kind,
        "timestamp": event.time,
        "properties": properties,
        "context": {"userAgent": "x", "ip": "10.0.0.1", "platform": event.platform(), "referrer": null},
    });
    format!("{line}\n")
}

/// Deals the events out to files of the folder in their order; each is then a partition.
pub(crate) fn write_lines(folder: &Path, events: &[Event], files: usize) {
    std::fs::create_dir_all(folder).expect("a folder");
    for file in 0..files {
        let lines: String = events.iter().skip(file).step_by(files).map(json_line).collect();
        std::fs::write(folder.join(format!("{file}.jsonl")), lines).expect("a file");
    }
}

/// The schema of the events, with a kind that the repository does not know.
pub(crate) fn newer_schema() -> Schema {
    let path = crate::repository().join("schemas/user_event.avsc");
    let schema = std::fs::read_to_string(path).expect("the schema of the example");
    Schema::parse_str(&schema.replace("\"search\"", "\"search\", \"wave\"")).expect("a schema")
}

/// The event as its writer has it.
pub(crate) fn avro(event: &Event, schema: &Schema) -> Avro {
    let json: Json = serde_json::from_str(&json_line(event)).expect("an event");
    plain(&json).resolve(schema).expect("an event of the schema")
}

fn plain(json: &Json) -> Avro {
    match json {
        Json::Object(fields) => {
            Avro::Map(fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
        Json::String(text) => Avro::String(text.clone()),
        Json::Number(number) => Avro::Long(number.as_i64().expect("a whole number")),
        _ => Avro::Null,
    }
}

/// Deals the events out to Avro containers of the folder in their order, in small blocks.
pub(crate) fn write_containers(folder: &Path, events: &[Event], files: usize) {
    std::fs::create_dir_all(folder).expect("a folder");
    let schema = newer_schema();
    let codecs = [Codec::Snappy, Codec::Null, Codec::Deflate(DeflateSettings::default())];
    for (file, codec) in (0..files).zip(codecs.into_iter().cycle()) {
        let path = folder.join(format!("{file}.avro"));
        let out = File::create(path).expect("a file");
        let writer = Writer::builder().schema(&schema).writer(out).codec(codec).block_size(2_000);
        let mut writer = writer.build().expect("a writer");
        let events = events.iter().skip(file).step_by(files);
        writer.extend(events.map(|event| avro(event, &schema))).expect("events of the schema");
    }
}

/// Writes the events as one Parquet file.
pub(crate) fn write_parquet(path: &Path, events: &[Event]) {
    let texts = |of: &dyn Fn(&Event) -> Option<String>| -> ArrayRef {
        Arc::new(events.iter().map(of).collect::<StringArray>())
    };
    let mut properties = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for event in events {
        for (key, value) in event.properties() {
            properties.keys().append_value(key);
            properties.values().append_value(value);
        }
        properties.append(true).expect("as many keys as values");
    }
    let ip = Arc::new(Field::new("ip", DataType::Utf8, false));
    let platform = Arc::new(Field::new("platform", DataType::Utf8, false));
    let context = StructArray::from(vec![
        (ip, texts(&|_| Some("10.0.0.1".to_owned()))),
        (platform, texts(&|event| Some(event.platform().to_owned()))),
    ]);
    let times: TimestampMillisecondArray = events.iter().map(|event| Some(event.time)).collect();
    let batch = RecordBatch::try_from_iter([
        ("eventId", texts(&|event| Some(event.id.to_string()))),
        ("userId", texts(&|event| event.user.clone())),
        ("sessionId", texts(&|event| Some(event.session.clone()))),
        ("eventType", texts(&|event| Some(event.kind.to_owned()))),
        ("timestamp", Arc::new(times) as ArrayRef),
        ("properties", Arc::new(properties.finish()) as ArrayRef),
        ("context", Arc::new(context) as ArrayRef),
    ])
    .expect("columns of one length");
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("a batch");
    writer.close().expect("a footer");
}
