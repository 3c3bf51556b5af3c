use std::net::SocketAddr;
use std::time::Duration;

use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::serving::serving_service_client::ServingServiceClient;
use larder_proto::feast::serving::{FeatureList, GetOnlineFeaturesRequest};
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value};
use larder_serving::ServerConfig;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Channel;

use crate::fixture::{Setup, Shop, settings};
use crate::waiting_store::slow_reads;

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn shop(settings: ServerConfig) -> Shop {
    Shop::start(Setup { settings, ..Setup::default() }).await
}

async fn slow_shop(settings: ServerConfig, millis: u64) -> Shop {
    let around = Some(slow_reads(Duration::from_millis(millis)));
    Shop::start(Setup { settings, around, ..Setup::default() }).await
}

/// A whole request for `rows` entity rows, or the beginning of one.
fn request(rows: usize) -> Vec<u8> {
    let body = json!({"features": ["user_stats:visits"], "entities": {"user_id": vec![1; rows]}});
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// What comes until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    read.expect("the server keeps the connection").ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The head of the next answer and what of its body came with it.
async fn next(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 64 << 10];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut bytes)).await;
    let count = read.expect("the server answers").unwrap();
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

async fn ask(address: SocketAddr) -> String {
    let mut stream = connect(address).await;
    stream.write_all(&request(1)).await.unwrap();
    next(&mut stream).await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

async fn grpc(shop: &Shop) -> ServingServiceClient<Channel> {
    let endpoint = Channel::from_shared(format!("http://{}", shop.grpc)).unwrap();
    ServingServiceClient::new(endpoint.connect().await.unwrap())
}

fn message(rows: usize) -> GetOnlineFeaturesRequest {
    let value = Value { val: Some(Val::Int64Val(1)) };
    GetOnlineFeaturesRequest {
        kind: Some(Kind::Features(FeatureList { val: vec!["user_stats:visits".to_owned()] })),
        entities: [("user_id".to_owned(), RepeatedValue { val: vec![value; rows] })].into(),
        ..GetOnlineFeaturesRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_above_the_limit_is_413_however_it_is_sent() {
    let shop = shop(ServerConfig { max_body_bytes: 1000, ..settings() }).await;
    let head = "POST /push HTTP/1.1\r\nhost: x\r\n";
    let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400));
    for text in [
        format!("{head}content-length: 2000\r\n\r\n{}", "x".repeat(2000)),
        format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"),
        format!("{head}expect: 100-continue\r\ncontent-length: 2000\r\n\r\n"),
    ] {
        let mut stream = connect(shop.http).await;
        stream.write_all(text.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert_eq!(status(&answer), "413", "{answer}");
        assert!(answer.contains("1000 bytes"), "{answer}");
    }
    let code = grpc(&shop).await.get_online_features(message(1000)).await.unwrap_err().code();
    assert_eq!(code, tonic::Code::OutOfRange);
    assert_eq!(status(&ask(shop.http).await), "200");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_at_once_than_allowed_are_told_to_come_back() {
    let limited = ServerConfig { max_concurrent_requests: 2, ..settings() };
    let shop = slow_shop(limited, 3000).await;
    let (first, second) = (tokio::spawn(ask(shop.http)), tokio::spawn(ask(shop.http)));
    // Both are in the store by now.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let answer = ask(shop.http).await;
    assert_eq!(status(&answer), "429", "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    let code = grpc(&shop).await.get_online_features(message(1)).await.unwrap_err().code();
    assert_eq!(code, tonic::Code::ResourceExhausted);
    let mut health = connect(shop.http).await;
    health.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_eq!(status(&next(&mut health).await), "200");
    assert_eq!(status(&first.await.unwrap()), "200");
    assert_eq!(status(&second.await.unwrap()), "200");
    assert_eq!(status(&ask(shop.http).await), "200", "places are free again");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_beyond_its_budget_is_504() {
    let quick = ServerConfig { request_timeout: Duration::from_millis(50), ..settings() };
    let shop = slow_shop(quick, 5000).await;
    let answer = ask(shop.http).await;
    assert_eq!(status(&answer), "504", "{answer}");
    let mut client = grpc(&shop).await;
    let code = client.get_online_features(message(1)).await.unwrap_err().code();
    assert_eq!(code, tonic::Code::DeadlineExceeded);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_end_and_an_idle_connection_are_closed() {
    let quick = ServerConfig { keep_alive: Duration::from_millis(500), ..settings() };
    let shop = shop(quick).await;
    let mut slow = connect(shop.http).await;
    slow.write_all(b"GET /health HTTP/1.1\r\nhost:").await.unwrap();
    let mut idle = connect(shop.http).await;
    for _ in 0..2 {
        idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert_eq!(status(&next(&mut idle).await), "200");
    }
    let answer = rest(&mut slow).await;
    assert!(answer.is_empty() || status(&answer) == "408", "{answer}");
    assert_eq!(rest(&mut idle).await, "");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_408() {
    let quick = ServerConfig { body_timeout: Duration::from_millis(100), ..settings() };
    let shop = shop(quick).await;
    let mut slow = connect(shop.http).await;
    let whole = request(1);
    slow.write_all(&whole[..whole.len() - 5]).await.unwrap();
    let answer = rest(&mut slow).await;
    assert_eq!(status(&answer), "408", "{answer}");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_above_the_limit_wait_until_one_goes() {
    let shop = shop(ServerConfig { max_connections: 3, ..settings() }).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(shop.http).await;
        stream.write_all(&request(1)).await.unwrap();
        assert_eq!(status(&next(&mut stream).await), "200");
        held.push(stream);
    }
    let waiting = tokio::spawn(ask(shop.http));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished(), "a fourth connection was served");
    held.pop();
    assert_eq!(status(&waiting.await.unwrap()), "200");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_no_answer_loses_its_connection() {
    let quick =
        ServerConfig { max_connections: 1, send_timeout: Duration::from_millis(200), ..settings() };
    let shop = shop(quick).await;
    let mut greedy = connect(shop.http).await;
    // Far more than the system keeps for a client that does not read.
    let many = request(1000).repeat(2000);
    let writing = tokio::spawn(async move {
        greedy.write_all(&many).await.ok();
        greedy
    });
    let answer = tokio::time::timeout(PATIENCE, ask(shop.http)).await.expect("the slot is free");
    assert_eq!(status(&answer), "200");
    writing.abort();
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_open_requests_and_refuses_new_connections() {
    let shop = slow_shop(settings(), 1000).await;
    let (http, grpc_address) = (shop.http, shop.grpc);
    let mut idle = connect(http).await;
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_eq!(status(&next(&mut idle).await), "200");
    let open = tokio::spawn(ask(http));
    let mut client = grpc(&shop).await;
    let call = tokio::spawn(async move { client.get_online_features(message(1)).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stopping = tokio::spawn(shop.stop());
    while TcpStream::connect(http).await.is_ok() || TcpStream::connect(grpc_address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!stopping.is_finished(), "open requests were not waited for");
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(status(&open.await.unwrap()), "200");
    assert!(call.await.unwrap().is_ok());
    stopping.await.unwrap();
}
