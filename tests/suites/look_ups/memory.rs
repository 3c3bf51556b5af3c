use std::time::Duration;

use larder_proto::larder::lookup::v1::{BatchGetRequest, ChunkFormat};
use larder_tests::{Repository, Server};

use crate::batch_get::{look_up, request};
use crate::{applied, keys, push_drivers};

/// Bytes that a process has for itself: mapped files are not counted.
fn own_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("the kernel tells");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    kilobytes.parse::<u64>().expect("a number") << 10
}

/// How much memory of its own a fresh server takes for a look-up by a client that is not quick, and the bytes that it sent.
fn taken(repository: &Repository, request: BatchGetRequest) -> (u64, u64) {
    // A fresh process: what writing took is not counted, nor what the allocator keeps for some milliseconds in case it is
    // wanted again.
    let environment = [("MIMALLOC_PURGE_DELAY", "0")];
    let server = Server::fs_within(&repository.path(), &["--no-access-log"], &environment);
    look_up(&server, self::request(100, ChunkFormat::ArrowStream), |_| ()).expect("a look-up");
    let rows = request.entities["driver_id"].val.len();
    let (before, mut most, mut bytes) = (own_memory(server.pid()), 0, 0);
    let messages = look_up(&server, request, |message| {
        // The server could read everything meanwhile.
        std::thread::sleep(Duration::from_millis(5));
        most = most.max(own_memory(server.pid()));
        bytes += prost::Message::encoded_len(message) as u64;
    });
    let next = messages.expect("a look-up").iter().fold(0, |next, message| {
        assert_eq!(message.first_row, next);
        next + u64::from(message.rows)
    });
    assert_eq!(next, rows as u64);
    (most.saturating_sub(before), bytes)
}

#[test]
fn a_look_up_takes_the_memory_of_some_chunks_however_many_rows_it_has() {
    const HOME: usize = 10 << 10;
    let repository = applied("{type: embedded, path: data/online}");
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    push_drivers(&server, 10_000, |id| format!("{id:0HOME$}"));
    drop(server);
    // Half a megabyte each; some are read ahead.
    let request = BatchGetRequest { chunk_rows: 50, ..request(10_000, ChunkFormat::ArrowStream) };
    let (taken, bytes) = taken(&repository, request);
    assert!(bytes > 64 << 20, "{bytes} bytes are too few to tell");
    assert!(taken < bytes / 4, "{taken} bytes for an answer of {bytes}");
}

#[test]
fn a_look_up_of_wide_rows_takes_no_more_memory_than_it_may() {
    const NARROW: i64 = 200;
    const HOME: usize = 512 << 10;
    let repository = applied("{type: embedded, path: data/online}");
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    let home = |id| if id < NARROW { format!("town {id}") } else { "x".repeat(HOME) };
    push_drivers(&server, NARROW + 400, home);
    drop(server);
    // Wide rows alone, by chunks of any number of rows; wide rows after narrow ones, in chunks of 25 MiB.
    let wide = NARROW..NARROW + 400;
    for (ids, chunk_rows) in [(wide, 0), (0..NARROW + 400, 50)] {
        let entities = [("driver_id".to_owned(), keys(ids))].into();
        let features = request(1, ChunkFormat::ArrowStream);
        let (taken, bytes) =
            taken(&repository, BatchGetRequest { entities, chunk_rows, ..features });
        assert!(bytes > 200 << 20, "{bytes} bytes are too few to tell");
        assert!(taken < 96 << 20, "{taken} bytes for an answer of {bytes}");
    }
}
