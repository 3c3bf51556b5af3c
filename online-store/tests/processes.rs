//! Several processes on one store: kills, races, growth. The test program starts itself in a role.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use larder_online_store::{
    EmbeddedConfig, EmbeddedStore, OnlineStore, SqliteConfig, SqliteStore, ViewTable, WriteGuard,
    WriteRows, WriteRowsBuilder,
};
use libtest_mimic::{Arguments, Trial};

const ROLE: &str = "LARDER_TEST_ROLE";
const BACKENDS: [&str; 2] = ["embedded", "sqlite"];
const RACED_KEYS: i64 = 50;
const RACE_ROUNDS: i64 = 60;

fn main() -> ExitCode {
    if let Ok(role) = std::env::var(ROLE) {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        return play(&role, &arguments);
    }
    let mut trials = Vec::new();
    for backend in BACKENDS {
        trials.push(trial("acknowledged_rows_survive_kill", backend, kill_a_writer));
        trials.push(trial("two_processes_never_move_a_row_backwards", backend, race));
    }
    trials.push(trial("a_process_follows_the_growth_of_another", "embedded", follow_growth));
    trials.push(trial("killed_readers_leave_no_trace", "embedded", kill_readers));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &str, backend: &'static str, run: fn(&'static str)) -> Trial {
    Trial::test(format!("{backend}::{name}"), move || {
        run(backend);
        Ok(())
    })
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn open(backend: &str, folder: &Path) -> Arc<dyn OnlineStore> {
    match backend {
        "embedded" => {
            let config = EmbeddedConfig {
                map_size: 1 << 20,
                max_readers: 4,
                ..EmbeddedConfig::new(folder.join("embedded"))
            };
            Arc::new(EmbeddedStore::open(&config).unwrap())
        }
        _ => Arc::new(SqliteStore::open(&SqliteConfig::new(folder.join("online.db"))).unwrap()),
    }
}

fn table() -> ViewTable {
    ViewTable::new("shop", "users", ["age", "bulk"]).unwrap()
}

/// A row whose value tells its event time in seconds, and `bulk` bytes beside it.
fn row(rows: &mut WriteRowsBuilder, key: i64, seconds: i64, bulk: usize) {
    rows.begin_row(&key.to_be_bytes(), seconds * 1_000_000, None).unwrap();
    rows.set_with(0, |out| larder_proto::wire::value::put_int64(seconds, out)).unwrap();
    rows.set(1, &vec![7; bulk]).unwrap();
}

fn one_row(key: i64, seconds: i64, bulk: usize) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(&table());
    row(&mut rows, key, seconds, bulk);
    rows.finish()
}

/// The event time of every key in seconds, checked against the value beside it.
async fn times(store: &dyn OnlineStore, keys: std::ops::Range<i64>) -> Vec<Option<i64>> {
    let keys: Vec<[u8; 8]> = keys.map(i64::to_be_bytes).collect();
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 8]>::as_slice).collect();
    let answer = store.read(&table(), &keys).await.unwrap();
    let seconds = |at: usize| {
        let seconds = answer.event_timestamp(at)? / 1_000_000;
        let value = answer.cell(at, 0).bytes().unwrap();
        assert_eq!(larder_proto::wire::value::read_i64(value).unwrap(), Some(seconds));
        Some(seconds)
    };
    (0..answer.len()).map(seconds).collect()
}

fn play(role: &str, arguments: &[String]) -> ExitCode {
    let (backend, folder) = (arguments[0].as_str(), Path::new(&arguments[1]));
    let number: i64 = arguments[2].parse().unwrap();
    wait(async {
        let store = open(backend, folder);
        match role {
            "append" => append(store.as_ref(), number).await,
            "race" => race_along(store.as_ref(), number).await,
            "grow" => grow(store.as_ref(), number).await,
            "read" => read_for_ever(store.as_ref()).await,
            other => panic!("no role {other}"),
        }
    });
    ExitCode::SUCCESS
}

/// Tells the parent a number.
fn say(number: i64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{number}").and_then(|()| out.flush()).unwrap();
}

/// Writes rows for ever, from `next` on, telling each one that was acknowledged.
async fn append(store: &dyn OnlineStore, mut next: i64) {
    loop {
        store.write(&table(), &one_row(next, next, 3000), WriteGuard::EventTime).await.unwrap();
        say(next);
        next += 1;
    }
}

/// Writes all raced keys in batches, at times that jump back and forth.
async fn race_along(store: &dyn OnlineStore, seed: i64) {
    for round in 0..RACE_ROUNDS {
        let mut rows = WriteRowsBuilder::new(&table());
        for key in 0..RACED_KEYS {
            let seconds = (round * 37 + key * 11 + seed * 5) % RACE_ROUNDS * 2 + seed % 2;
            row(&mut rows, key, seconds, 0);
        }
        store.write(&table(), &rows.finish(), WriteGuard::EventTime).await.unwrap();
    }
}

async fn grow(store: &dyn OnlineStore, megabytes: i64) {
    for key in 0..megabytes {
        store.write(&table(), &one_row(key, key, 1 << 20), WriteGuard::EventTime).await.unwrap();
    }
}

async fn read_for_ever(store: &dyn OnlineStore) {
    say(0);
    loop {
        times(store, 0..100).await;
    }
}

struct Player {
    child: Child,
    said: Receiver<i64>,
}

impl Player {
    fn start(role: &str, backend: &str, folder: &Path, number: i64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([backend, folder.to_str().unwrap(), &number.to_string()])
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (say, said) = channel();
        thread::spawn(move || {
            // A line that the kill cut short is no acknowledgement.
            for number in out.lines().map_while(Result::ok).map_while(|line| line.parse().ok()) {
                if say.send(number).is_err() {
                    break;
                }
            }
        });
        Self { child, said }
    }

    /// SIGKILL; what the player had said by then.
    fn kill(mut self) -> Vec<i64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said.iter().collect()
    }

    fn finish(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

fn kill_a_writer(backend: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(backend, folder.path());
    wait(store.update(&[table()], &[])).unwrap();
    let mut next = 0;
    for round in 0..6 {
        let writer = Player::start("append", backend, folder.path(), next);
        writer.said.recv_timeout(Duration::from_mins(1)).unwrap();
        thread::sleep(Duration::from_millis(40 + 31 * round));
        let last = writer.kill().into_iter().last().unwrap_or(next);
        let found = wait(times(store.as_ref(), 0..last + 1));
        let expected: Vec<Option<i64>> = (0..=last).map(Some).collect();
        assert_eq!(found, expected, "round {round}");
        next = last + 1;
        // The store goes on, also when the kill hit the holder of a lock.
        wait(store.write(&table(), &one_row(next, next, 10), WriteGuard::EventTime)).unwrap();
    }
    assert!(next > 12, "{next} rows are no test");
    drop(store);
    let reopened = open(backend, folder.path());
    assert_eq!(wait(times(reopened.as_ref(), 0..next)), (0..next).map(Some).collect::<Vec<_>>());
}

fn race(backend: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(backend, folder.path());
    wait(store.update(&[table()], &[])).unwrap();
    let players = [0, 1].map(|seed| Player::start("race", backend, folder.path(), seed));
    let mut before = vec![None; usize::try_from(RACED_KEYS).unwrap()];
    let newest = Some(RACE_ROUNDS * 2 - 1);
    for _ in 0..100_000 {
        let now = wait(times(store.as_ref(), 0..RACED_KEYS));
        for (before, now) in before.iter().zip(&now) {
            assert!(now >= before, "{now:?} after {before:?}");
        }
        before = now;
        if before.iter().all(|time| *time == newest) {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    players.into_iter().for_each(Player::finish);
    let last = wait(times(store.as_ref(), 0..RACED_KEYS));
    assert!(last.iter().all(|time| *time == newest), "{last:?}");
}

fn follow_growth(backend: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(backend, folder.path());
    wait(store.update(&[table()], &[])).unwrap();
    Player::start("grow", backend, folder.path(), 24).finish();
    let expected: Vec<Option<i64>> = (0..24).map(Some).collect();
    assert_eq!(wait(times(store.as_ref(), 0..24)), expected);
    Player::start("grow", backend, folder.path(), 48).finish();
    wait(store.write(&table(), &one_row(48, 48, 1 << 20), WriteGuard::EventTime)).unwrap();
    let expected: Vec<Option<i64>> = (0..49).map(Some).collect();
    assert_eq!(wait(times(store.as_ref(), 0..49)), expected);
}

fn kill_readers(backend: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(backend, folder.path());
    wait(store.update(&[table()], &[])).unwrap();
    for key in 0..100 {
        wait(store.write(&table(), &one_row(key, key, 10), WriteGuard::EventTime)).unwrap();
    }
    // Four slots: without clearing, a few kills in the middle of a read would use them up.
    for round in 0..12 {
        let reader = Player::start("read", backend, folder.path(), 0);
        reader.said.recv_timeout(Duration::from_mins(1)).unwrap();
        thread::sleep(Duration::from_millis(20 + round));
        reader.kill();
        assert_eq!(wait(times(store.as_ref(), 5..7)), [Some(5), Some(6)]);
    }
    wait(store.health()).unwrap();
}
