//! Bulk look-ups over a real store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use larder_online_store::{
    MetricsLayer, Operation, StoreCall, StoreObserver, ViewTable, WriteGuard, WriteRowsBuilder,
};
use larder_proto::convert::encode_value;
use larder_proto::feast::serving::{FeatureList, FieldStatus};
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value};
use larder_proto::larder::lookup::v1 as wire;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use tonic::transport::Channel;
use wire::batch_get_request::Kind;
use wire::batch_get_response::Chunk;
use wire::lookup_column::Values;
use wire::lookup_service_client::LookupServiceClient;

use crate::fixture::{NOW, Setup, Shop, settings};
use crate::waiting_store::slow_reads;

const ROWS: usize = 10_000;

/// Counts keys that were read.
#[derive(Debug, Default)]
struct Keys(AtomicUsize);

impl StoreObserver for Keys {
    fn observe(&self, call: &StoreCall) {
        if call.operation == Operation::Read {
            self.0.fetch_add(call.items, Ordering::Relaxed);
        }
    }
}

async fn shop(settings: larder_serving::ServerConfig) -> (Shop, Arc<Keys>) {
    let keys = Arc::new(Keys::default());
    let observer = Arc::clone(&keys);
    let setup = Setup {
        settings,
        around: Some(Box::new(move |store| Arc::new(MetricsLayer::new(store, observer)))),
        ..Setup::default()
    };
    (Shop::start(setup).await, keys)
}

/// The users of the look-ups: none of those that the shop has already.
const FIRST: usize = 100;

/// Users with as many visits as their number; every third has none, none has spent anything.
async fn stock(shop: &Shop) {
    let table = ViewTable::new("shop", "user_stats", ["spend", "visits"]).unwrap();
    let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &["user_id"]).unwrap();
    let mut rows = WriteRowsBuilder::new(&table);
    for user in (FIRST..FIRST + ROWS).map(|user| i64::try_from(user).unwrap()) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        layout.encode_into(&[larder_core::Value::Int64(user)], &mut key).unwrap();
        rows.begin_row(&key, NOW.micros() - 1, None).unwrap();
        if user % 3 != 0 {
            encode_value(&larder_core::Value::Int64(user), &mut value).unwrap();
            rows.set(1, &value).unwrap();
        }
    }
    shop.store.write(&table, &rows.finish(), WriteGuard::LastWriteWins).await.unwrap();
}

async fn client(shop: &Shop) -> LookupServiceClient<Channel> {
    let endpoint = Channel::from_shared(format!("http://{}", shop.grpc)).unwrap();
    LookupServiceClient::new(endpoint.connect().await.unwrap())
}

fn request(rows: usize, format: wire::ChunkFormat) -> wire::BatchGetRequest {
    let ids = (FIRST..FIRST + rows).map(|id| i64::try_from(id).unwrap());
    let ids = ids.map(|id| Value { val: Some(Val::Int64Val(id)) });
    wire::BatchGetRequest {
        kind: Some(Kind::Features(FeatureList {
            val: vec!["user_stats:visits".to_owned(), "user_stats:spend".to_owned()],
        })),
        entities: [("user_id".to_owned(), RepeatedValue { val: ids.collect() })].into(),
        format: format.into(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_come_typed_in_order_and_in_chunks() {
    let (shop, keys) = shop(settings()).await;
    stock(&shop).await;
    let mut stream = client(&shop)
        .await
        .batch_get(request(ROWS, wire::ChunkFormat::Columns))
        .await
        .unwrap()
        .into_inner();
    let (mut next, mut chunks) = (0, 0);
    while let Some(message) = stream.message().await.unwrap() {
        assert_eq!(message.first_row, next as u64);
        let Some(Chunk::Columns(chunk)) = message.chunk else { panic!("no columns") };
        let names: Vec<_> = chunk.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["user_id", "visits", "spend"]);
        let Some(Values::Int64(visits)) = &chunk.columns[1].values else { panic!("no integers") };
        let Some(Values::Double(spend)) = &chunk.columns[2].values else { panic!("no doubles") };
        for (at, user) in (FIRST + next..).take(message.rows as usize).enumerate() {
            let (value, status) = match user % 3 {
                0 => (0, FieldStatus::NullValue),
                _ => (i64::try_from(user).unwrap(), FieldStatus::Present),
            };
            assert_eq!((visits.val[at], chunk.columns[1].statuses[at]), (value, status as i32));
            assert_eq!(spend.val[at].to_bits(), 0);
            assert_eq!(chunk.columns[1].event_timestamps[at], NOW.micros() - 1);
        }
        next += message.rows as usize;
        chunks += 1;
    }
    // The first three are small.
    assert_eq!((next, chunks), (ROWS, 23));
    assert_eq!(keys.0.load(Ordering::Relaxed), ROWS);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_keeps_the_server_from_reading_on() {
    let large = larder_serving::ServerConfig { max_body_bytes: 64 << 20, ..settings() };
    let (shop, keys) = shop(large).await;
    let table = ViewTable::new("shop", "item_stats", ["price"]).unwrap();
    let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &["item_id"]).unwrap();
    // 4 KiB of key for every row: 20 MB of answer.
    let id = |row: usize| format!("{row:04096}");
    let mut rows = WriteRowsBuilder::new(&table);
    let mut key = Vec::new();
    layout.encode_into(&[larder_core::Value::from(id(7).as_str())], &mut key).unwrap();
    rows.begin_row(&key, NOW.micros(), None).unwrap();
    rows.set(0, b"\x29\0\0\0\0\0\0\xf0\x3f").unwrap();
    shop.store.write(&table, &rows.finish(), WriteGuard::EventTime).await.unwrap();

    let all = 5_000;
    let mut request = request(0, wire::ChunkFormat::ArrowStream);
    request.kind = Some(Kind::Features(FeatureList { val: vec!["item_stats:price".to_owned()] }));
    let ids = (0..all).map(|row| Value { val: Some(Val::StringVal(id(row))) });
    request.entities = [("item_id".to_owned(), RepeatedValue { val: ids.collect() })].into();
    request.chunk_rows = 50;
    let mut stream = client(&shop).await.batch_get(request).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!((first.first_row, first.rows), (0, 16));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let read = keys.0.load(Ordering::Relaxed);
    assert!(read < all / 2, "{read} rows were read for a client that took sixteen");
    let mut taken = 16;
    while let Some(message) = stream.message().await.unwrap() {
        taken += message.rows as usize;
    }
    assert_eq!((taken, keys.0.load(Ordering::Relaxed)), (all, all));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_cannot_be_answered_say_why() {
    let (shop, _) = shop(settings()).await;
    let mut client = client(&shop).await;
    let mut unknown = request(1, wire::ChunkFormat::Columns);
    unknown.kind = Some(Kind::FeatureService("nope".to_owned()));
    let mut nothing = request(1, wire::ChunkFormat::Columns);
    nothing.kind = None;
    for (request, code) in [
        (request(ROWS + 1, wire::ChunkFormat::Columns), tonic::Code::InvalidArgument),
        (unknown, tonic::Code::NotFound),
        (nothing, tonic::Code::InvalidArgument),
    ] {
        assert_eq!(client.batch_get(request).await.unwrap_err().code(), code);
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_takes_too_long_ends_with_deadline_exceeded() {
    let quick =
        larder_serving::ServerConfig { lookup_timeout: Duration::from_millis(300), ..settings() };
    let setup = Setup {
        settings: quick,
        around: Some(slow_reads(Duration::from_millis(120))),
        ..Setup::default()
    };
    let shop = Shop::start(setup).await;
    let mut request = request(1_000, wire::ChunkFormat::Columns);
    request.chunk_rows = 20;
    let mut stream = client(&shop).await.batch_get(request).await.unwrap().into_inner();
    let mut chunks = 0;
    let code = loop {
        match stream.message().await {
            Ok(Some(_)) => chunks += 1,
            Ok(None) => panic!("it was answered whole"),
            Err(status) => break status.code(),
        }
    };
    assert_eq!(code, tonic::Code::DeadlineExceeded);
    assert!(chunks > 0, "what came before the deadline is sent");
    shop.stop().await;
}
