//! Orders with lists of items: taken apart, counted and weighed, from JSON, Avro and Parquet alike.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use apache_avro::types::Value as Avro;
use apache_avro::{Schema, writer::datum::GenericDatumWriter};
use arrow_array::builder::{
    Float64Builder, Int32Builder, ListBuilder, StringBuilder, StructBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field};
use larder_core::Value;
use larder_stream_features::{
    FileSource, Framing, Input, JobDefinition, ParquetEvents, RunOptions, SchemaDirectory, Sink,
    load_jobs,
};
use parquet::arrow::ArrowWriter;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::collect::{Collected, Rows};
use crate::{backfill, lines, parquet, run};

const SCHEMA: &str = r#"{"type": "record", "name": "Order", "fields": [
    {"name": "user", "type": "string"},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "items", "type": ["null", {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
        {"name": "product", "type": "string"},
        {"name": "quantity", "type": "int"},
        {"name": "price", "type": "double"}]}}], "default": null}]}"#;

const JOBS: &str = "job: sold
source: {schema: order.avsc, timestamp: at, format: FORMAT}
explode: items as item
filter: item.quantity > 0
derive: {paid: item.price * item.quantity}
key: {product: item.product}
aggregate:
  - {function: sum, column: item.quantity, window: 1m, as: sold}
  - {function: sum, column: paid, window: 1m, as: turnover}
output: sold.jsonl
---
job: baskets
source: {schema: order.avsc, timestamp: at, format: FORMAT}
filter: array_length(items) > 1
key: {user: user}
aggregate:
  - {function: max, column: array_length(items), window: 1m, as: largest}
  - {function: sum, column: array_sum(items.quantity), window: 1m, as: pieces}
output: baskets.jsonl
---
job: preferred
source: {schema: order.avsc, timestamp: at, format: FORMAT}
explode: items as item
key: {user: user}
aggregate:
  - {function: top_1, column: item.product, window: 1m, as: most_often}
  - {function: top_2, column: item.product, by: item.price * item.quantity, window: 1m, as: dearest}
output: preferred.jsonl
";

const NAMES: [&str; 3] = ["sold", "baskets", "preferred"];

struct Item {
    product: String,
    quantity: i32,
    price: f64,
}

struct Order {
    user: String,
    at: i64,
    items: Option<Vec<Item>>,
}

fn orders(seed: u64) -> Vec<Order> {
    let mut random = StdRng::seed_from_u64(seed);
    let item = |random: &mut StdRng| Item {
        product: format!("p{}", random.random_range(0..6)),
        quantity: random.random_range(0..4),
        price: f64::from(random.random_range(1..400)) / 4.0,
    };
    let order = |at| Order {
        user: format!("u{}", random.random_range(0..4)),
        at: 1_767_225_600_000 + at * 250,
        items: random
            .random_bool(0.9)
            .then(|| (0..random.random_range(0..4)).map(|_| item(&mut random)).collect()),
    };
    (0..1_000_i64).map(order).collect()
}

fn write_json(path: &Path, orders: &[Order]) {
    let mut text = String::new();
    for Order { user, at, items } in orders {
        write!(text, r#"{{"user": "{user}", "at": {at}"#).unwrap();
        if let Some(items) = items {
            let items: Vec<String> = items
                .iter()
                .map(|Item { product, quantity, price }| {
                    format!(
                        r#"{{"product": "{product}", "quantity": {quantity}, "price": {price}}}"#
                    )
                })
                .collect();
            write!(text, r#", "items": [{}]"#, items.join(", ")).unwrap();
        }
        text.push_str("}\n");
    }
    std::fs::write(path, text).unwrap();
}

fn write_avro(path: &Path, orders: &[Order]) {
    let schema = Schema::parse_str(SCHEMA).unwrap();
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    let record = |fields: Vec<(&str, Avro)>| {
        Avro::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let item = |Item { product, quantity, price }: &Item| {
        record(vec![
            ("product", Avro::String(product.clone())),
            ("quantity", Avro::Int(*quantity)),
            ("price", Avro::Double(*price)),
        ])
    };
    let mut framed = Vec::new();
    for order in orders {
        let items = match &order.items {
            Some(items) => Avro::Union(1, Box::new(Avro::Array(items.iter().map(item).collect()))),
            None => Avro::Union(0, Box::new(Avro::Null)),
        };
        let mut event = vec![0, 0, 0, 0, 1];
        let user = Avro::String(order.user.clone());
        let at = Avro::TimestampMillis(order.at);
        writer
            .write_value(&mut event, record(vec![("user", user), ("at", at), ("items", items)]))
            .unwrap();
        framed.extend(u32::try_from(event.len()).unwrap().to_be_bytes());
        framed.extend(event);
    }
    std::fs::write(path, framed).unwrap();
}

fn write_parquet(path: &Path, orders: &[Order]) {
    let fields = vec![
        Field::new("product", DataType::Utf8, true),
        Field::new("quantity", DataType::Int32, true),
        Field::new("price", DataType::Float64, true),
    ];
    let mut lists = ListBuilder::new(StructBuilder::from_fields(fields, 0));
    for order in orders {
        for Item { product, quantity, price } in order.items.iter().flatten() {
            let built = lists.values();
            built.field_builder::<StringBuilder>(0).unwrap().append_value(product);
            built.field_builder::<Int32Builder>(1).unwrap().append_value(*quantity);
            built.field_builder::<Float64Builder>(2).unwrap().append_value(*price);
            built.append(true);
        }
        lists.append(order.items.is_some());
    }
    let users: StringArray = orders.iter().map(|order| Some(&order.user)).collect();
    let times: TimestampMillisecondArray = orders.iter().map(|order| Some(order.at)).collect();
    let batch = RecordBatch::try_from_iter([
        ("user", Arc::new(users) as ArrayRef),
        ("at", Arc::new(times) as ArrayRef),
        ("items", Arc::new(lists.finish()) as ArrayRef),
    ])
    .unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Runs the jobs over an input in this format.
async fn rows(folder: &Path, format: &str, input: Input, options: RunOptions) -> [Rows; 3] {
    std::fs::write(folder.join("order.avsc"), SCHEMA).unwrap();
    std::fs::create_dir_all(folder.join("streams")).unwrap();
    std::fs::write(folder.join("streams/jobs.yaml"), JOBS.replace("FORMAT", format)).unwrap();
    let jobs = load_jobs(folder).unwrap();
    assert_eq!(jobs.iter().map(JobDefinition::name).collect::<Vec<_>>(), NAMES);
    let sinks = [(); 3].map(|()| Collected::default());
    let boxed = |sink: &Collected| Box::new(sink.clone()) as Box<dyn Sink>;
    let jobs = jobs.into_iter().zip(&sinks).map(|(job, sink)| (job, boxed(sink))).collect();
    for report in run(folder, jobs, input, options).await {
        assert_eq!(report.dead_letters, 0, "{}", report.job);
    }
    sinks.map(|sink| sink.rows())
}

/// The elements of orders by key and minute.
fn grouped<'o, K: Ord>(
    orders: &'o [Order],
    key: impl Fn(&'o Order, &'o Item) -> K,
) -> BTreeMap<(K, i64), Vec<&'o Item>> {
    let mut groups: BTreeMap<(K, i64), Vec<&Item>> = BTreeMap::new();
    for order in orders {
        let end = (order.at.div_euclid(60_000) + 1) * 60_000_000;
        for item in order.items.iter().flatten() {
            groups.entry((key(order, item), end)).or_default().push(item);
        }
    }
    groups
}

fn text(text: &str) -> String {
    format!("[String({text:?})]")
}

fn sold(orders: &[Order]) -> Rows {
    let mut rows = Rows::new();
    for ((product, end), items) in grouped(orders, |_, item| &item.product) {
        let sold: Vec<_> = items.into_iter().filter(|item| item.quantity > 0).collect();
        if sold.is_empty() {
            continue;
        }
        let pieces = sold.iter().map(|item| i64::from(item.quantity)).sum();
        let turnover = sold.iter().map(|item| item.price * f64::from(item.quantity)).sum();
        rows.insert(
            (text(product), end),
            (end, vec![Value::Int64(pieces), Value::Double(turnover)]),
        );
    }
    rows
}

fn baskets(orders: &[Order]) -> Rows {
    let mut found: BTreeMap<(String, i64), (i64, i64)> = BTreeMap::new();
    for order in orders {
        let Some(items) = order.items.as_ref().filter(|items| items.len() > 1) else { continue };
        let end = (order.at.div_euclid(60_000) + 1) * 60_000_000;
        let basket = found.entry((text(&order.user), end)).or_default();
        basket.0 = basket.0.max(i64::try_from(items.len()).unwrap());
        basket.1 += items.iter().map(|item| i64::from(item.quantity)).sum::<i64>();
    }
    let row = |(largest, pieces)| vec![Value::Int64(largest), Value::Int64(pieces)];
    found.into_iter().map(|((key, end), basket)| ((key, end), (end, row(basket)))).collect()
}

fn preferred(orders: &[Order]) -> Rows {
    let mut rows = Rows::new();
    for ((user, end), items) in grouped(orders, |order, _| &order.user) {
        let best = |weight: &dyn Fn(&Item) -> f64| {
            let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
            for item in &items {
                *totals.entry(&item.product).or_default() += weight(item);
            }
            let mut totals: Vec<(&str, f64)> = totals.into_iter().collect();
            totals.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
            totals
                .iter()
                .map(|(product, _)| Value::String((*product).to_owned()))
                .collect::<Vec<_>>()
        };
        let dearest = best(&|item| item.price * f64::from(item.quantity)).into_iter().take(2);
        let dearest = Value::List(larder_core::ValueType::String, dearest.collect());
        rows.insert((text(user), end), (end, vec![best(&|_| 1.0)[0].clone(), dearest]));
    }
    rows
}

#[tokio::test]
async fn every_format_gives_what_the_lists_hold() {
    let orders = orders(3);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_json(&path("orders.jsonl"), &orders);
    write_avro(&path("orders.avro"), &orders);
    write_parquet(&path("orders.parquet"), &orders);
    std::fs::create_dir(path("writers")).unwrap();
    std::fs::write(path("writers/1.avsc"), SCHEMA).unwrap();
    let expected = [sold(&orders), baskets(&orders), preferred(&orders)];
    let avro = FileSource::open(&path("orders.avro"), Framing::Lengths).unwrap();
    let avro = Input::Source(Box::new(avro), Arc::new(SchemaDirectory::new(path("writers"))));
    let live = RunOptions::default;
    for (format, input, options) in [
        ("json", lines(&path("orders.jsonl")), live()),
        ("avro", avro, live()),
        ("json", parquet(&path("orders.parquet")), backfill()),
    ] {
        let found = rows(folder.path(), format, input, options).await;
        assert!(found.iter().all(|rows| !rows.is_empty()));
        assert_eq!(found, expected, "{format}");
    }
    assert!(ParquetEvents::open(&path("orders.jsonl")).is_err());
}

#[tokio::test]
async fn an_event_with_elements_that_cannot_be_used_is_one_dead_letter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.jsonl");
    std::fs::write(
        &path,
        r#"{"user": "u", "at": 1767225600000, "items": [{"product": "a", "quantity": 1, "price": 1}, {"product": "b", "quantity": 0, "price": 1}, {"product": "c", "quantity": 0, "price": 1}]}
{"user": "u", "at": 1767225600000, "items": [{"product": "a", "quantity": 1.5, "price": 1}]}
{"user": "u", "at": 1767225600000, "items": []}
"#,
    )
    .unwrap();
    std::fs::write(folder.path().join("order.avsc"), SCHEMA).unwrap();
    std::fs::create_dir(folder.path().join("streams")).unwrap();
    let job = "job: shares\nsource: {schema: order.avsc, timestamp: at}\nexplode: items as item\n\
        key: {product: item.product}\naggregate:\n  \
        - {function: sum, column: 1 / item.quantity, window: 1m, as: share}\noutput: shares.jsonl\n";
    std::fs::write(folder.path().join("streams/jobs.yaml"), job).unwrap();
    let kept = Collected::default();
    let jobs = load_jobs(folder.path()).unwrap();
    let jobs = jobs.into_iter().map(|job| (job, Box::new(kept.clone()) as Box<dyn Sink>)).collect();
    let reports = run(folder.path(), jobs, lines(&path), RunOptions::default()).await;
    // The first once, though two of its elements fail; the second because it is not of the schema.
    assert_eq!(reports[0].dead_letters, 2);
    assert_eq!(kept.rows().len(), 1, "the element that can be used is");
}
