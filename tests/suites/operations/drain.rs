use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use larder_tests::Server;

use crate::{applied, request, served};

#[test]
fn a_terminated_server_finishes_what_it_has_begun_and_ends_well() {
    let repository = applied();
    let server = served(&repository, &[]);
    let address = ("127.0.0.1", server.port());
    let body = request().to_string();
    let mut open = TcpStream::connect(address).expect("the server listens");
    let head = format!(
        "POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    open.write_all(head.as_bytes()).expect("the head is sent");
    open.write_all(&body.as_bytes()[..10]).expect("a part of the body is sent");
    // The server has accepted the connection and read the head.
    std::thread::sleep(Duration::from_millis(300));
    server.terminate();
    let limit = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < limit, "new connections are still accepted");
        std::thread::sleep(Duration::from_millis(10));
    }
    open.write_all(&body.as_bytes()[10..]).expect("the rest is sent");
    let mut answer = String::new();
    open.read_to_string(&mut answer).expect("an answer comes");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("[7]"), "{answer}");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_terminated_offline_server_ends_well() {
    let repository = applied();
    let server = Server::fs_offline(&repository.path(), &[]);
    // A client that says nothing keeps nobody.
    let _silent = TcpStream::connect(("127.0.0.1", server.port())).expect("the server listens");
    server.terminate();
    assert_eq!(server.wait(), Some(0));
}
