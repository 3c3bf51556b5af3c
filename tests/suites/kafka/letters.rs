//! Dead letters of runs over topics: shown, and given to their jobs again.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use larder_tests::{Kafka, Outcome};
use serde_json::{Value, json};

use crate::running::Running;
use crate::shop::{Shop, events_topic};
use crate::visitors::{Visitors, put};

const ALL: [&str; 4] = ["clicks", "visits", "alerts", "popularity"];

/// Jobs whose letters can be replayed: of instances that share a topic, in a topic; of one instance, in a file and in a
/// topic.
const REPLAYED: [&str; 3] = ["clicks", "visits", "popularity"];

/// Events, some of a type that the schema does not have yet, some that are none; how many of both.
fn events(visitors: &mut Visitors, count: usize) -> (Vec<(i32, String)>, usize, usize) {
    let (mut waves, mut broken) = (0, 0);
    let events = visitors.events(count).into_iter().enumerate();
    let events = events.map(|(at, (partition, event))| {
        if at % 400 == 7 {
            broken += 1;
            return (partition, format!("no event {at}"));
        }
        if at % 50 != 3 {
            return (partition, event);
        }
        waves += 1;
        let mut event: Value = serde_json::from_str(&event).expect("an event");
        event["eventType"] = json!("wave");
        (partition, event.to_string())
    });
    let events = events.collect();
    (events, waves, broken)
}

fn listed(shop: &Shop, job: &str) -> Vec<Value> {
    let arguments = ["stream", "dead-letters", "list", job, "--output-format", "json"];
    shop.fs().json(&arguments).as_array().cloned().expect("letters")
}

fn replay(shop: &Shop, job: &str) -> Outcome {
    shop.fs().run(&["stream", "dead-letters", "replay", job])
}

fn replayed(shop: &Shop, job: &str) -> String {
    let outcome = replay(shop, job);
    assert_eq!(outcome.code, Some(0), "{job}: {}", outcome.text());
    outcome.text()
}

fn refused(shop: &Shop, job: &str, why: &str) {
    let outcome = replay(shop, job);
    let text = outcome.text();
    assert!(outcome.code != Some(0) && text.contains(why), "{job}: {text}");
}

/// The last version of every row of a job.
fn last_versions(shop: &Shop, job: &str) -> BTreeMap<(String, String), Value> {
    let mut rows = BTreeMap::new();
    for (key, mut row) in shop.told(job) {
        let at =
            row.get("event_timestamp").or_else(|| row.get("start")).expect("a time").to_string();
        let change = row.as_object_mut().expect("an object").remove("change");
        if change == Some(json!("withdraw")) {
            rows.remove(&(key, at));
        } else {
            rows.insert((key, at), row);
        }
    }
    rows
}

/// Begins a replay and kills it.
fn killed(shop: &Shop, job: &str, after: Duration) {
    let mut command = shop.fs().command(&["stream", "dead-letters", "replay", job]);
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("fs can be started");
    sleep(after);
    child.kill().expect("a child can be killed");
    child.wait().expect("a killed child ends");
}

#[test]
fn letters_that_were_mended_are_taken_once_whatever_is_killed() {
    let kafka = Kafka::shared();
    let topic = events_topic(&kafka);
    let shop = Shop::over(&kafka, &topic);
    let mut visitors = Visitors::new(47);
    let (first, waves, broken) = events(&mut visitors, 4_000);
    put(&kafka, &topic, &first);
    let mut running = [shop.start(&[])];
    shop.wait(&ALL, &mut running);
    for job in ALL {
        assert_eq!(listed(&shop, job).len(), waves + broken, "{job}");
    }
    let table = shop.fs().ok(&["stream", "dead-letters", "list", "clicks"]);
    assert!(table.contains("no event 7") && table.contains("schema_violation"), "{table}");
    for job in REPLAYED {
        refused(&shop, job, "end it first");
    }
    running.into_iter().for_each(Running::stop);
    {
        let _member = kafka.member(&format!("larder.{}.clicks", shop.project()), &topic);
        refused(&shop, "clicks", "instances");
    }
    refused(&shop, "alerts", "dead_letters");

    let still_dead = format!("0 taken, {} still dead", waves + broken);
    let text = replayed(&shop, "visits");
    assert!(text.contains(&still_dead), "{text}");
    shop.mend();
    for job in REPLAYED {
        for millis in [150, 300, 450, 600] {
            killed(&shop, job, Duration::from_millis(millis));
        }
        replayed(&shop, job);
        assert_eq!(listed(&shop, job).len(), broken, "{job}");
        let text = replayed(&shop, job);
        assert!(text.contains(&format!("0 taken, {broken} still dead")), "{job}: {text}");
    }

    put(&kafka, &topic, &visitors.events(30_000));
    let mut running = [shop.start(&REPLAYED)];
    shop.wait(&REPLAYED, &mut running);
    running.into_iter().for_each(Running::stop);
    let mended = Shop::over(&kafka, &topic);
    mended.mend();
    let mut running = [mended.start(&REPLAYED)];
    mended.wait(&REPLAYED, &mut running);
    running.into_iter().for_each(Running::stop);
    for job in ["clicks", "visits"] {
        let (expected, found) = (last_versions(&mended, job), last_versions(&shop, job));
        assert!(!expected.is_empty());
        for (row, values) in &expected {
            assert_eq!(found.get(row), Some(values), "{job}: {row:?}");
        }
        assert_eq!(found.len(), expected.len(), "{job}");
    }
    assert_eq!(shop.served(), mended.served());
}

#[test]
fn letters_of_repartitioned_jobs_go_on_to_the_second_part_once() {
    let kafka = Kafka::shared();
    let topic = events_topic(&kafka);
    let shop = Shop::repartitioned(&kafka, &topic);
    let job = "popularity";
    let mut visitors = Visitors::new(53);
    let (first, waves, broken) = events(&mut visitors, 4_000);
    put(&kafka, &topic, &first);
    let mut running = [shop.start(&[job])];
    shop.wait(&[job], &mut running);
    refused(&shop, job, "end it first");
    running.into_iter().for_each(Running::stop);
    assert_eq!(listed(&shop, job).len(), waves + broken);
    shop.mend();
    for millis in [150, 300, 450, 600] {
        killed(&shop, job, Duration::from_millis(millis));
    }
    let text = replayed(&shop, job);
    assert!(text.contains(&format!("{broken} still dead")), "{text}");
    assert_eq!(listed(&shop, job).len(), broken);

    // Of the same minutes: what went on twice would count twice.
    put(&kafka, &topic, &visitors.events(30_000));
    let mended = Shop::over(&kafka, &topic);
    mended.mend();
    let mut running = [mended.start(&[job])];
    mended.wait(&[job], &mut running);
    running.into_iter().for_each(Running::stop);
    let mut running = [shop.start(&[job])];
    shop.wait_for_served(&mended.served(), &mut running);
    running.into_iter().for_each(Running::stop);
    assert_eq!(shop.served(), mended.served(), "nothing follows");
}

#[test]
fn a_job_that_never_ran_has_no_letters_to_replay() {
    let kafka = Kafka::shared();
    let shop = Shop::over(&kafka, &events_topic(&kafka));
    assert_eq!(listed(&shop, "popularity"), Vec::<Value>::new());
    refused(&shop, "popularity", "never run");
}
