use std::time::Duration;

use larder_proto::larder::lookup::v1::{BatchGetRequest, ChunkFormat};
use larder_tests::Server;

use crate::batch_get::{look_up, request};
use crate::{applied, push_drivers};

/// Bytes that a process has for itself: mapped files are not counted.
fn own_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("the kernel tells");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    kilobytes.parse::<u64>().expect("a number") << 10
}

#[test]
fn a_look_up_takes_the_memory_of_some_chunks_however_many_rows_it_has() {
    const HOME: usize = 10 << 10;
    let repository = applied("{type: embedded, path: data/online}");
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    push_drivers(&server, 10_000, |id| format!("{id:0HOME$}"));
    drop(server);
    // A fresh process: what writing took is not counted.
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    look_up(&server, request(100, ChunkFormat::ArrowStream), |_| ()).expect("a look-up");
    let (before, mut most, mut bytes) = (own_memory(server.pid()), 0, 0);
    // Half a megabyte each; some are read ahead.
    let request = BatchGetRequest { chunk_rows: 50, ..request(10_000, ChunkFormat::ArrowStream) };
    let messages = look_up(&server, request, |message| {
        // A client that is not quick: the server could read everything meanwhile.
        std::thread::sleep(Duration::from_millis(5));
        most = most.max(own_memory(server.pid()));
        bytes += prost::Message::encoded_len(message) as u64;
    });
    let rows: u32 = messages.expect("a look-up").iter().map(|message| message.rows).sum();
    assert_eq!(rows, 10_000);
    let taken = most.saturating_sub(before);
    assert!(bytes > 64 << 20, "{bytes} bytes are too few to tell");
    assert!(taken < bytes / 4, "{taken} bytes for an answer of {bytes}");
}
