//! Data sets in a bucket.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::Lake;

const ASKED: [&str; 5] =
    ["get-historical-features", "--entity-df", "entities.csv", "-f", "stats:rate"];

fn exported(lake: &Lake, folder: &str, more: &[&str]) -> larder_tests::Outcome {
    let uri = lake.uri(folder);
    lake.run(&[&ASKED[..], &["--output", &uri], more].concat())
}

#[test]
fn a_data_set_is_written_verified_and_compared() {
    let lake = Lake::applied();
    exported(&lake, "train/", &["--partition-by", "city"]).expect_success();
    let keys = lake.keys("train/");
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!(keys[0], "train/_manifest.json");
    assert!(keys[1].starts_with("train/city=Bern/part-0-"), "{keys:?}");
    let uri = lake.uri("train/");
    let verified = lake.ok(&["dataset", "verify", &uri, "--rebuild"]);
    assert!(verified.contains("it can be made again as it is"), "{verified}");
    exported(&lake, "other/", &["--partition-by", "city"]).expect_success();
    let same = lake.ok(&["dataset", "diff", &uri, &lake.uri("other/"), "--exit-code"]);
    assert!(same.contains("the same 3 rows"), "{same}");

    // The source is written anew: another etag.
    Lake::feast(&["write", &lake.endpoint, &lake.uri("stats/part.parquet"), "1000"]);
    let changed = lake.run(&["dataset", "verify", &uri]);
    assert_eq!(changed.code, Some(1), "{}", changed.text());
    assert!(changed.stdout.contains("stats_source"), "{}", changed.stdout);
    lake.put(&keys[1], "no parquet");
    let broken = lake.run(&["dataset", "verify", &uri]);
    assert!(broken.stdout.contains("city=Bern/part-0-"), "{}", broken.stdout);
}

#[test]
fn a_data_set_is_replaced_only_when_asked_and_nothing_else_ever() {
    let lake = Lake::applied();
    exported(&lake, "train/", &[]).expect_success();
    let first = lake.keys("train/");
    assert_ne!(exported(&lake, "train/", &[]).code, Some(0));
    assert_eq!(lake.keys("train/"), first);
    exported(&lake, "train/", &["--overwrite"]).expect_success();
    let second = lake.keys("train/");
    assert_eq!(second.len(), first.len());
    assert_ne!(second, first, "files have names of their own");
    lake.ok(&["dataset", "verify", &lake.uri("train/")]);
    lake.put("home/thesis.txt", "years");
    assert_ne!(exported(&lake, "home/", &["--overwrite"]).code, Some(0));
    assert_eq!(lake.keys("home/"), ["home/thesis.txt"]);
}

#[test]
fn an_export_that_is_killed_leaves_no_data_set_that_verifies() {
    let lake = Lake::applied();
    let uri = lake.uri("train/");
    let arguments = [&ASKED[..], &["--output", &uri, "--overwrite"]].concat();
    let mut ended_well = false;
    let mut delay = Duration::from_millis(20);
    while !ended_well {
        let mut child = lake
            .command(&arguments)
            // What a killed run staged goes with the test.
            .env("TMPDIR", lake.repository.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("fs can be started");
        sleep(delay);
        // Killing a child that has ended does nothing.
        child.kill().expect("a child can be killed");
        ended_well = child.wait().expect("a killed child ends").success();
        let is_there = lake.keys("train/").contains(&"train/_manifest.json".to_owned());
        let verified = lake.run(&["dataset", "verify", &uri]).code == Some(0);
        assert!(is_there || !verified, "without a manifest there is nothing to verify");
        assert!(!is_there || verified || !ended_well, "with one it is whole");
        if is_there && !ended_well {
            // The manifest came last: what it names is there, whatever an older run left beside it.
            let named = lake.run(&["dataset", "verify", &uri]).stdout;
            assert!(!named.contains("is missing") && !named.contains("other bytes"), "{named}");
        }
        delay = delay * 4 / 3;
    }
    assert_eq!(lake.keys("train/").len(), 2, "the run that ended removed what others had left");
    lake.ok(&["dataset", "verify", &uri]);
}
