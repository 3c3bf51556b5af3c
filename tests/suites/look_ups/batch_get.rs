use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int8Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_select::concat::concat_batches;
use larder_proto::feast::serving::{FeatureList, FieldStatus};
use larder_proto::larder::lookup::v1::batch_get_request::Kind;
use larder_proto::larder::lookup::v1::batch_get_response::Chunk;
use larder_proto::larder::lookup::v1::lookup_column::Values;
use larder_proto::larder::lookup::v1::lookup_service_client::LookupServiceClient;
use larder_proto::larder::lookup::v1::{BatchGetRequest, BatchGetResponse, ChunkFormat};
use larder_tests::{Cassandra, Feast, RedisServer, Server};
use tokio::runtime::Runtime;
use tonic::Code;

use crate::{MICROS, applied, channel, keys, push_drivers, redis, trips};

/// Rows of a look-up: as many as one may have.
const ROWS: i64 = 10_000;

/// Rows of a chunk, as far as nothing else is set.
const CHUNK_ROWS: usize = 500;

/// The driver of a row: backwards, and every fifth is nobody.
fn driver(row: i64) -> i64 {
    if row % 5 == 0 { 1_000_000 + row } else { ROWS - row }
}

pub(crate) fn request(rows: i64, format: ChunkFormat) -> BatchGetRequest {
    let features = ["stats:trips", "stats:rating", "stats:home", "stats:scores"];
    let features = features.map(str::to_owned).to_vec();
    BatchGetRequest {
        kind: Some(Kind::Features(FeatureList { val: features })),
        entities: [("driver_id".to_owned(), keys((0..rows).map(driver)))].into(),
        format: format.into(),
        ..BatchGetRequest::default()
    }
}

/// All messages of a look-up; `see` is told of each, as it comes.
pub(crate) fn look_up(
    server: &Server,
    request: BatchGetRequest,
    mut see: impl FnMut(&BatchGetResponse),
) -> Result<Vec<BatchGetResponse>, tonic::Status> {
    let runtime = Runtime::new().expect("an event loop");
    runtime.block_on(async {
        let mut client = LookupServiceClient::new(channel(server).await);
        let mut stream = client.batch_get(request).await?.into_inner();
        let mut messages = Vec::new();
        while let Some(message) = stream.message().await? {
            see(&message);
            messages.push(message);
        }
        Ok(messages)
    })
}

/// The rows of a look-up as one batch; its chunks are pieces of one Arrow stream.
fn arrow(messages: &[BatchGetResponse]) -> RecordBatch {
    let mut stream = Vec::new();
    for message in messages {
        let Some(Chunk::ArrowStream(bytes)) = &message.chunk else { panic!("no Arrow") };
        stream.extend_from_slice(bytes);
    }
    let reader = StreamReader::try_new(stream.as_slice(), None).expect("an Arrow stream");
    let schema = reader.schema();
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.expect("a batch")).collect();
    concat_batches(&schema, &batches).expect("they have one schema")
}

fn check_order(messages: &[BatchGetResponse]) {
    let mut next = 0;
    for message in messages {
        assert_eq!(message.first_row, next);
        assert!(message.rows as usize <= CHUNK_ROWS, "{} rows in a chunk", message.rows);
        next += u64::from(message.rows);
    }
    assert_eq!(next, ROWS.unsigned_abs());
}

fn check_arrow(messages: &[BatchGetResponse]) {
    check_order(messages);
    let batch = arrow(messages);
    let (trip_column, rating) = (&batch["trips"], batch["rating"].as_primitive::<Float64Type>());
    let trip_column = trip_column.as_primitive::<Int64Type>();
    let status = batch["trips:status"].as_primitive::<Int8Type>();
    let (home, scores) = (batch["home"].as_string::<i32>(), batch["scores"].as_list::<i32>());
    let times = batch["stats:event_timestamp"].as_primitive::<TimestampMicrosecondType>();
    for (at, row) in (0..ROWS).enumerate() {
        let id = driver(row);
        let is_known = id < ROWS;
        let expected = if is_known { trips(id) } else { None };
        let found = trip_column.is_valid(at).then(|| trip_column.value(at));
        assert_eq!(
            (batch["driver_id"].as_primitive::<Int64Type>().value(at), found),
            (id, expected)
        );
        let expected = match (is_known, expected) {
            (false, _) => FieldStatus::NotFound,
            (true, None) => FieldStatus::NullValue,
            (true, Some(_)) => FieldStatus::Present,
        };
        assert_eq!(i32::from(status.value(at)), expected as i32, "driver {id}");
        assert_eq!(times.is_valid(at), is_known);
        if is_known {
            assert_eq!(times.value(at), MICROS);
            assert_eq!(rating.value(at).to_bits(), (id as f64 / 4.0).to_bits());
            assert_eq!(home.value(at), format!("town {id}"));
            assert_eq!(scores.value(at).as_primitive::<Int64Type>().values(), &[id, -id]);
        } else {
            assert!(rating.is_null(at) && home.is_null(at) && scores.is_null(at));
        }
    }
}

fn check_columns(messages: &[BatchGetResponse]) {
    check_order(messages);
    let mut found = Vec::new();
    for message in messages {
        let Some(Chunk::Columns(chunk)) = &message.chunk else { panic!("no columns") };
        let column = chunk.columns.iter().find(|column| column.name == "trips");
        let column = column.expect("it was asked for");
        let Some(Values::Int64(values)) = &column.values else { panic!("no integers") };
        found.extend(values.val.iter().copied().zip(column.statuses.iter().copied()));
    }
    let expected = (0..ROWS).map(driver).map(|id| match (id < ROWS, trips(id)) {
        (false, _) => (0, FieldStatus::NotFound as i32),
        (true, None) => (0, FieldStatus::NullValue as i32),
        (true, Some(trips)) => (trips, FieldStatus::Present as i32),
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

fn check(store: &str) {
    let repository = applied(store);
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    push_drivers(&server, ROWS, |id| format!("town {id}"));
    let ask = |request| look_up(&server, request, |_| ());
    check_arrow(&ask(request(ROWS, ChunkFormat::ArrowStream)).expect("a look-up"));
    check_columns(&ask(request(ROWS, ChunkFormat::Columns)).expect("a look-up"));
    let refused = ask(request(ROWS + 1, ChunkFormat::ArrowStream)).expect_err("too many rows");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("lookup_rows"), "{refused}");
}

#[test]
fn ten_thousand_rows_come_whole_and_in_order_from_sqlite() {
    check("{type: sqlite, path: data/online.db}");
}

#[test]
fn ten_thousand_rows_come_whole_and_in_order_from_the_embedded_store() {
    check("{type: embedded, path: data/online}");
}

#[test]
fn ten_thousand_rows_come_whole_and_in_order_from_redis() {
    check(&redis(&RedisServer::start(&[])));
}

#[test]
fn ten_thousand_rows_come_whole_and_in_order_from_cassandra() {
    let section = Cassandra::get(&Feast::get()).online_store("cassandra");
    check(section.strip_prefix("online_store: ").expect("a section"));
}

#[test]
fn a_store_that_stops_answering_ends_a_look_up_with_an_error_and_not_with_fewer_rows() {
    let store = RedisServer::start(&[]);
    let repository = applied(&redis(&store));
    repository.write("larder.yaml", "online_store: {deadline: {read_ms: 300}}\n");
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    push_drivers(&server, 2_000, |id| format!("town {id}"));
    let mut pause = redis::cmd("CLIENT");
    pause.arg("PAUSE").arg(5_000).arg("ALL");
    pause.exec(&mut store.connection()).expect("redis pauses");
    let start = std::time::Instant::now();
    let ended = look_up(&server, request(1_000, ChunkFormat::Columns), |_| ());
    assert_eq!(ended.expect_err("no rows").code(), Code::DeadlineExceeded);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}
