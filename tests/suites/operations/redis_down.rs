//! Redis dies, comes back and hangs while `fs serve` is asked without pause: calls fail in time and say why, nothing piles up,
//! and the rate is back within a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::serving::serving_service_client::ServingServiceClient;
use larder_proto::feast::serving::{FeatureList, GetOnlineFeaturesRequest};
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value as Key};
use larder_tests::{RedisServer, Repository, Server};
use tonic::transport::Endpoint;

use crate::{DEFINITIONS, request, served};

/// The budget of a request.
const BUDGET: Duration = Duration::from_secs(2);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_secs(2);

/// Clients that ask at one time.
const CLIENTS: usize = 8;

fn applied(redis: &RedisServer) -> Repository {
    let settings = format!(
        "project: rides\nregistry: data/registry.db\nprovider: local\n\
         entity_key_serialization_version: 3\n\
         online_store: {{type: redis, connection_string: \"{}\"}}\n",
        redis.address()
    );
    let limits = format!("serving: {{limits: {{request_timeout_ms: {}}}}}\n", BUDGET.as_millis());
    let files = [
        ("feature_store.yaml", settings.as_str()),
        ("larder.yaml", &limits),
        ("definitions.py", DEFINITIONS),
    ];
    let repository = Repository::with(&files);
    repository.fs().ok(&["apply"]);
    repository
}

/// One answered call.
#[derive(Debug, Clone, Copy)]
struct Call {
    begun: Instant,
    ended: Instant,
    status: u16,
}

/// Asks without pause while `meanwhile` runs; every call, in the order of their ends.
fn under_load<T>(server: &Server, meanwhile: impl FnOnce() -> T) -> (Vec<Call>, T) {
    let is_over = AtomicBool::new(false);
    let ask = || {
        let mut calls = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let status = server.post("/get-online-features", &request()).status;
            calls.push(Call { begun, ended: Instant::now(), status });
        }
        calls
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        let result = meanwhile();
        is_over.store(true, Ordering::Relaxed);
        let calls = clients.into_iter().map(|client| client.join().expect("no client fails"));
        let mut calls: Vec<Call> = calls.flatten().collect();
        calls.sort_by_key(|call| call.ended);
        (calls, result)
    })
}

#[track_caller]
fn assert_in_time(calls: &[Call]) {
    for call in calls {
        assert!(call.ended - call.begun < BUDGET + SLACK, "a call hung: {call:?}");
    }
}

/// The calls that began and ended in a span of time.
fn within(calls: &[Call], from: Instant, to: Instant) -> impl Iterator<Item = &Call> {
    calls.iter().filter(move |call| call.begun >= from && call.ended <= to)
}

fn grpc_code(server: &Server) -> tonic::Code {
    let runtime = tokio::runtime::Runtime::new().expect("an event loop");
    runtime.block_on(async {
        let address = Endpoint::from_shared(format!("http://{}", server.grpc_address()));
        let channel = address.expect("an address").connect().await.expect("it listens");
        let mut client = ServingServiceClient::new(channel);
        let features = FeatureList { val: vec!["trips:count".to_owned()] };
        let key = Key { val: Some(Val::Int64Val(1)) };
        let call = client.get_online_features(GetOnlineFeaturesRequest {
            kind: Some(Kind::Features(features)),
            entities: [("driver_id".to_owned(), RepeatedValue { val: vec![key] })].into(),
            ..GetOnlineFeaturesRequest::default()
        });
        call.await.map_or_else(|status| status.code(), |_| tonic::Code::Ok)
    })
}

fn wait(seconds: u64) -> Instant {
    std::thread::sleep(Duration::from_secs(seconds));
    Instant::now()
}

#[test]
fn a_redis_that_dies_under_load_fails_calls_in_time_and_serves_them_within_a_second_of_its_return()
{
    let mut redis = RedisServer::start(&[]);
    let repository = applied(&redis);
    let server = served(&repository, &["--no-access-log"]);
    let (calls, [start, death, dead, restart, back, end]) = under_load(&server, || {
        let (start, death) = (Instant::now(), wait(2));
        redis.kill();
        let dead = Instant::now();
        assert_eq!(grpc_code(&server), tonic::Code::Unavailable);
        let restart = wait(2);
        redis.restart();
        let back = wait(1);
        [start, death, dead, restart, back, wait(2)]
    });
    assert_in_time(&calls);
    let statuses = |from, to| -> Vec<u16> {
        let mut statuses: Vec<u16> = within(&calls, from, to).map(|call| call.status).collect();
        statuses.dedup();
        statuses
    };
    assert_eq!(statuses(start, death), [200]);
    assert_eq!(statuses(dead, restart), [503]);
    assert_eq!(statuses(back, end), [200]);
    let (before, after) = (within(&calls, start, death).count(), within(&calls, back, end).count());
    assert!(after * 3 > before, "{after} calls in two seconds, {before} before");
}

/// Bytes that a process has for itself, and its open files.
fn held(pid: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("the kernel tells");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count();
    (kilobytes.parse::<u64>().expect("a number") << 10, files)
}

#[test]
fn a_redis_that_hangs_under_load_costs_neither_memory_nor_connections() {
    let redis = RedisServer::start(&[]);
    let repository = applied(&redis);
    let server = served(&repository, &["--no-access-log"]);
    let (calls, (before, during, [hung, resumed, back, end])) = under_load(&server, || {
        wait(1);
        let before = held(server.pid());
        redis.pause();
        let hung = Instant::now();
        let resumed = wait(7);
        let during = held(server.pid());
        redis.resume();
        let back = wait(1);
        (before, during, [hung, resumed, back, wait(1)])
    });
    assert_in_time(&calls);
    let failed: Vec<u16> = within(&calls, hung, resumed).map(|call| call.status).collect();
    assert!(failed.len() >= CLIENTS, "{failed:?}");
    assert!(failed.iter().all(|status| matches!(status, 503 | 504)), "{failed:?}");
    let last: Vec<u16> = within(&calls, back, end).map(|call| call.status).collect();
    assert!(!last.is_empty() && last.iter().all(|status| *status == 200), "{last:?}");
    assert!(during.0 < before.0 + (32 << 20), "{} bytes, {} before", during.0, before.0);
    assert!(during.1 < before.1 + 2 * CLIENTS, "{} files, {} before", during.1, before.1);
}
