use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{applied, served};

/// How many; `cargo xtask soak` sets more.
const COUNT: &str = "FS_TEST_CONNECTIONS";

/// One request on an open connection.
fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").expect("a request is sent");
    let mut answer = [0; 1024];
    let count = stream.read(&mut answer).expect("an answer comes");
    assert!(answer[..count].starts_with(b"HTTP/1.1 200"), "{:?}", &answer[..count]);
}

#[test]
fn idle_connections_are_held_and_go_on_to_be_served() {
    let count: usize = std::env::var(COUNT).map_or(500, |text| text.parse().expect("a number"));
    let limit = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).expect("it may");
    let repository = applied();
    let server = served(&repository, &["--no-access-log", "--keep-alive-timeout", "600"]);
    let mut held: Vec<TcpStream> = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("it listens");
        ask(&mut stream);
        held.push(stream);
    }
    held.iter_mut().for_each(ask);
    drop(server);
}
