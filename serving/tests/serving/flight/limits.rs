use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_flight::{Criteria, FlightData, FlightDescriptor, Ticket};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use larder_serving::{BearerToken, OfflineConfig, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tonic::{Code, Request};

use super::fixture::{Flights, nothing, pull, rows, upload};
use crate::fixture::settings;

const MOMENT: Duration = Duration::from_millis(200);

fn code<T>(answer: Result<T, tonic::Status>) -> Code {
    answer.err().map_or(Code::Ok, |status| status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_messages_beyond_the_limits_are_refused() {
    let small = |config| OfflineConfig { max_upload_bytes: 4_000, max_columns: 2, ..config };
    let flights = Flights::with(small, settings()).await;
    let batch = nothing();
    let mut messages = upload(&pull(), &batch).await;
    flights.exchange(stream::iter(messages.clone())).await.expect("it fits");
    let again = messages[1].clone();
    messages.extend([again.clone(), again]);
    assert_eq!(code(flights.exchange(stream::iter(messages)).await), Code::InvalidArgument);
    let column = || ArrayRef::clone(batch.column(0));
    let wide =
        RecordBatch::try_from_iter([("a", column()), ("b", column()), ("c", column())]).unwrap();
    let messages = upload(&pull(), &wide).await;
    assert_eq!(code(flights.exchange(stream::iter(messages)).await), Code::InvalidArgument);
    flights.stop().await;

    let flights =
        Flights::with(|config| config, ServerConfig { max_body_bytes: 100, ..settings() }).await;
    let messages = upload(&pull(), &nothing()).await;
    assert_eq!(code(flights.exchange(stream::iter(messages)).await), Code::OutOfRange);
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_stands_still_is_given_up_and_its_place_is_free_again() {
    let hasty = |config| OfflineConfig { upload_timeout: 2 * MOMENT, ..config };
    let flights =
        Flights::with(hasty, ServerConfig { max_concurrent_requests: 1, ..settings() }).await;
    let messages = upload(&pull(), &nothing()).await;
    let endless = stream::iter(messages[..1].to_vec()).chain(stream::pending());
    let mut client = flights.client().await;
    let waiting = tokio::spawn(async move { client.do_exchange(endless).await.map(drop) });
    tokio::time::sleep(MOMENT).await;
    let second = flights.exchange(stream::iter(messages.clone())).await;
    assert_eq!(code(second), Code::ResourceExhausted, "the only place is taken");
    assert_eq!(code(waiting.await.unwrap()), Code::DeadlineExceeded);
    flights.exchange(stream::iter(messages)).await.expect("the place is free");
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_upload_is_an_invalid_argument() {
    let flights = Flights::start().await;
    let messages = upload(&pull(), &nothing()).await;
    let without_command = messages[1..].to_vec();
    let without_table = vec![FlightData { data_header: Vec::new().into(), ..messages[0].clone() }];
    let garbage = vec![FlightData { data_header: vec![7; 64].into(), ..messages[0].clone() }];
    let two_schemas = vec![messages[0].clone(), messages[0].clone()];
    let mut cut = messages.clone();
    cut[1].data_body = cut[1].data_body.slice(..8);
    let mut path = messages.clone();
    path[0].flight_descriptor = Some(FlightDescriptor::new_path(vec!["a".to_owned()]));
    for (what, messages) in [
        ("nothing", Vec::new()),
        ("no command", without_command),
        ("no table", without_table),
        ("garbage", garbage),
        ("two schemas", two_schemas),
        ("a body that is too short", cut),
        ("a path", path),
    ] {
        assert_eq!(
            code(flights.exchange(stream::iter(messages)).await),
            Code::InvalidArgument,
            "{what}"
        );
    }
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn few_tables_wait_for_their_get_and_not_for_ever() {
    let few =
        |config| OfflineConfig { max_pending: 2, pending_ttl: Duration::from_secs(3), ..config };
    let flights = Flights::with(few, settings()).await;
    let command = |number: u32| {
        let mut command = pull();
        command["command_id"] = number.into();
        command
    };
    for number in [1, 2] {
        flights.put(upload(&command(number), &nothing()).await).await.unwrap();
    }
    let third = flights.put(upload(&command(3), &nothing()).await).await;
    assert_eq!(code(third), Code::ResourceExhausted);
    let mut client = flights.client().await;
    let descriptor = FlightDescriptor::new_cmd(command(1).to_string());
    let info = client.get_flight_info(descriptor).await.unwrap().into_inner();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    assert_eq!(info.endpoint[0].location[0].uri, format!("grpc+tcp://{}", flights.address));
    let answer = rows(client.do_get(ticket.clone()).await.unwrap()).await.unwrap();
    assert_eq!(answer.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert_eq!(code(client.do_get(ticket).await), Code::NotFound, "it was fetched");
    flights.put(upload(&command(3), &nothing()).await).await.expect("there is room again");
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let listed = client.list_flights(Criteria::default()).await.unwrap().into_inner();
    assert_eq!(listed.try_collect::<Vec<_>>().await.unwrap().len(), 0, "all are too old");
    assert_eq!(code(client.do_get(Ticket::new("(2, b'x', ())")).await), Code::NotFound);
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_open_calls_and_refuses_new_ones() {
    let flights = Flights::start().await;
    let messages = upload(&pull(), &nothing()).await;
    let (finish, finished) = oneshot::channel::<()>();
    let last = messages[1].clone();
    let upload = stream::iter(messages[..1].to_vec()).chain(stream::once(async move {
        finished.await.unwrap();
        last
    }));
    let mut client = flights.client().await;
    let open = tokio::spawn(async move {
        rows(client.do_exchange(upload).await?).await.map(|batches| batches.len())
    });
    tokio::time::sleep(MOMENT).await;
    flights.terminate();
    while TcpStream::connect(flights.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    finish.send(()).unwrap();
    assert!(open.await.unwrap().unwrap() > 0, "the open call was cut off");
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_nothing_is_answered() {
    let keyed = |config| OfflineConfig { token: Some(BearerToken::new("open sesame")), ..config };
    let flights = Flights::with(keyed, settings()).await;
    let mut client = flights.client().await;
    assert_eq!(code(client.list_flights(Criteria::default()).await), Code::Unauthenticated);
    let messages = upload(&pull(), &nothing()).await;
    assert_eq!(code(flights.put(messages.clone()).await), Code::Unauthenticated);
    let mut request = Request::new(stream::iter(messages));
    request.metadata_mut().insert("authorization", "Bearer open sesame".parse().unwrap());
    assert_eq!(rows(client.do_exchange(request).await.unwrap()).await.unwrap()[0].num_rows(), 2);
    flights.stop().await;
}
