//! Training sets in folders: written, verified and compared by the program.

mod program;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use insta::assert_snapshot;
use program::{Folder, transcript, workspace};

/// A new repository with entity rows in two files.
fn rides() -> Folder {
    let folder = Folder::empty();
    folder.stdout(&["init", "rides", "--repo-path", "."]);
    folder.stdout(&["apply"]);
    let rows = "driver_id,event_timestamp,city\n1001,2100-01-01,Bern\n1002,2100-01-02,Chur\n\
        1001,2020-01-01,Bern\n";
    folder.write("rows.csv", rows);
    folder.write("rows.jsonl", "{\"driver_id\": 1001, \"event_timestamp\": \"2100-01-01\"}\n");
    folder
}

const FEATURES: &str = "driver_hourly_stats:conv_rate,driver_hourly_stats:acc_rate";

/// Asks for training rows of a file.
fn asked<'a>(rows: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let asked = ["get-historical-features", "--entity-df", rows, "-f", FEATURES];
    asked.iter().chain(rest).copied().collect()
}

/// A view without a ttl, so that rows answer for ever.
fn without_ttl(folder: &Folder) {
    let template = workspace().join("cli/src/commands/init/definitions.py");
    let text = std::fs::read_to_string(template).expect("the definitions");
    let changed = text.replacen("ttl=timedelta(days=1)", "ttl=timedelta(days=0)", 1);
    assert_ne!(changed, text, "the template's first view has a ttl of a day");
    folder.write("definitions.py", changed);
    folder.stdout(&["apply"]);
}

/// How a run ended and what it said.
fn said(folder: &Folder, arguments: &[&str]) -> String {
    let text = transcript(&folder.run(arguments));
    let mut paths = vec![folder.path().to_path_buf()];
    paths.extend(std::fs::canonicalize(folder.path()));
    paths.iter().fold(text, |text, path| text.replace(&path.display().to_string(), "[DIR]"))
}

/// Binds filters for what differs from run to run.
fn stable(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", "[TIME]");
    settings.add_filter(r"[0-9a-f]{64}", "[SHA256]");
    settings.add_filter(r"[0-9a-f]{10,}-[0-9a-f]+", "[ETAG]");
    settings.add_filter(r"\d+ bytes( and had \d+)?", "[BYTES]");
    settings.add_filter(r#""size": \d+"#, "\"size\": [BYTES]");
    settings.bind(check);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn help_shows_examples() {
    stable(|| {
        let folder = Folder::empty();
        let help = said(&folder, &["get-historical-features", "--help"]);
        assert_snapshot!("dataset_help_historical", help);
        assert_snapshot!("dataset_help_verify", said(&folder, &["dataset", "verify", "--help"]));
        assert_snapshot!("dataset_help_diff", said(&folder, &["dataset", "diff", "--help"]));
    });
}

#[test]
fn a_data_set_can_be_made_again_until_something_changes() {
    stable(|| {
        let folder = rides();
        let written = said(&folder, &asked("rows.csv", &["--output", "training/"]));
        assert_snapshot!("dataset_written", written);
        let manifest = folder.path().join("training/_manifest.json");
        let manifest = std::fs::read_to_string(manifest).expect("a manifest");
        assert_snapshot!("dataset_manifest", manifest);
        let verify = ["dataset", "verify", "training", "--rebuild"];
        assert_snapshot!("dataset_verified", said(&folder, &verify));
        without_ttl(&folder);
        folder.write("rows.csv", "driver_id,event_timestamp\n1001,2100-01-01\n");
        assert_snapshot!("dataset_changed", said(&folder, &verify));
        let json = ["dataset", "verify", "training", "--output-format", "json"];
        assert_snapshot!("dataset_changed_json", said(&folder, &json));
    });
}

#[test]
fn two_data_sets_are_compared_by_feature() {
    stable(|| {
        let folder = rides();
        let rows = "driver_id,event_timestamp\n1001,2100-01-01\n1002,2020-01-02\n";
        folder.write("rows.csv", rows);
        folder.stdout(&asked("rows.csv", &["--output", "a"]));
        without_ttl(&folder);
        folder.stdout(&asked("rows.csv", &["--output", "b"]));
        assert_snapshot!("dataset_diff", said(&folder, &["dataset", "diff", "a", "b"]));
        let json = ["dataset", "diff", "a", "b", "--output-format", "json", "--exit-code"];
        assert_snapshot!("dataset_diff_json", said(&folder, &json));
        assert_snapshot!("dataset_same", said(&folder, &["dataset", "diff", "a", "a"]));
    });
}

#[test]
fn rows_go_to_folders_by_value_and_to_files_of_any_format() {
    let folder = rides();
    let flags = ["--output", "by_city/", "--partition-by", "city", "--format", "arrow"];
    folder.stdout(&asked("rows.csv", &flags));
    assert_eq!(names(&folder.path().join("by_city")), ["_manifest.json", "city=Bern", "city=Chur"]);
    assert_eq!(names(&folder.path().join("by_city/city=Bern")), ["part-0.arrow"]);
    folder.stdout(&["dataset", "verify", "by_city/", "--rebuild"]);
    folder.stdout(&asked("rows.jsonl", &["--output", "one.arrow"]));
    let bytes = std::fs::read(folder.path().join("one.arrow")).expect("a file");
    assert!(bytes.starts_with(b"ARROW1"));
    folder.stdout(&asked("rows.csv", &["--output", "by_city/", "--overwrite"]));
    assert_eq!(names(&folder.path().join("by_city")), ["_manifest.json", "part-0.parquet"]);
}

#[test]
fn a_query_over_the_sources_gives_entity_rows() {
    let folder = rides();
    let sql = "SELECT driver_id, event_timestamp FROM driver_hourly_stats_source \
        WHERE driver_id > 1003 ORDER BY event_timestamp, driver_id LIMIT 5";
    folder.stdout(&asked(sql, &["--output", "queried/"]));
    let verified = folder.stdout(&["dataset", "verify", "queried", "--rebuild"]);
    assert!(verified.contains("5 rows") && verified.contains("can be made again"), "{verified}");
    let manifest = std::fs::read_to_string(folder.path().join("queried/_manifest.json"));
    assert!(manifest.expect("a manifest").contains("WHERE driver_id > 1003"));
}

#[test]
fn targets_that_must_not_be_written_are_refused_and_stay() {
    stable(|| {
        let folder = rides();
        folder.write("full/notes.txt", "mine");
        folder.stdout(&asked("rows.csv", &["--output", "there"]));
        let cases: [&[&str]; 6] = [
            &["--output", "full"],
            &["--output", "there/"],
            &["--output", "file.csv", "--format", "parquet"],
            &["--output", "file.csv", "--partition-by", "city"],
            &["--output", "new/", "--partition-by", "town"],
            &["--output", "new/", "--partition-by", "conv_rate"],
        ];
        let said: Vec<String> =
            cases.iter().map(|case| said(&folder, &asked("rows.csv", case))).collect();
        assert_snapshot!("dataset_refused", said.join("\n\n"));
        let left = names(folder.path());
        assert!(!left.iter().any(|name| name == "new" || name == "file.csv"), "{left:?}");
        assert_eq!(names(&folder.path().join("full")), ["notes.txt"]);
        assert!(left.iter().all(|name| !name.starts_with(".fs-")), "{left:?}");
    });
}

/// The most bytes that were resident in a run that must end well, as far as was seen.
fn peak_memory(folder: &Folder, arguments: &[&str]) -> u64 {
    let mut command = folder.command(arguments);
    // What is freed goes back at once, not after some milliseconds.
    command.env("MIMALLOC_PURGE_DELAY", "0").stderr(Stdio::null());
    let mut child = command.spawn().expect("fs starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        let told = std::fs::read_to_string(&status).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = kibibytes.map_or(peak, |kibibytes: u64| peak.max(kibibytes << 10));
        if let Some(ended) = child.try_wait().expect("a child can be asked") {
            break ended;
        }
        sleep(Duration::from_millis(5));
    };
    assert!(ended.success(), "{arguments:?}: {ended}");
    peak
}

/// A CSV file and a file of JSON lines with the same rows.
fn texts(rows: usize) -> [(&'static str, String); 2] {
    let note = "n".repeat(300);
    let (mut csv, mut lines) = ("driver_id,event_timestamp,note\n".to_owned(), String::new());
    for row in 0..rows {
        let (driver, time) = (1001 + row % 5, format!("2100-01-{:02}", 1 + row % 28));
        writeln!(csv, "{driver},{time},{row}{note}").expect("text");
        let line = serde_json::json!({
            "driver_id": driver, "event_timestamp": time, "note": format!("{row}{note}"),
        });
        writeln!(lines, "{line}").expect("text");
    }
    [("rows.csv", csv), ("rows.jsonl", lines)]
}

#[test]
fn the_memory_of_entity_rows_in_text_does_not_grow_with_them() {
    const ROWS: [usize; 2] = [40_000, 240_000];
    let folder = rides();
    let [few, many] = ROWS.map(texts);
    for ((name, few), (_, many)) in few.into_iter().zip(many) {
        let peaks = [(&few, ROWS[0]), (&many, ROWS[1])].map(|(text, rows)| {
            folder.write(name, text);
            let limited = asked(name, &["--output", "out.csv", "--memory-limit", "1MiB"]);
            let peak = peak_memory(&folder, &limited);
            let answer = std::fs::read_to_string(folder.path().join("out.csv")).expect("rows");
            assert_eq!(answer.lines().count(), rows + 1, "{name}");
            peak
        });
        let more = (many.len() - few.len()) as u64;
        assert!(peaks[1] < peaks[0] + more / 2, "{name}: {peaks:?} for {more} bytes more");
    }
}
