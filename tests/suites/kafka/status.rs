//! `fs stream status` of jobs over topics.

use std::thread::sleep;
use std::time::{Duration, Instant};

use larder_tests::{Kafka, free_port};
use serde_json::{Value, json};

use crate::running::Running;
use crate::shop::{PATIENCE, Shop, events_topic};
use crate::visitors::{Visitors, put};

const EVENTS: usize = 3_000;

/// A broker that is very busy may be asked twice.
fn status(shop: &Shop) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let outcome = shop.fs().run(&["stream", "status", "--output-format", "json"]);
        if outcome.code == Some(0) {
            return serde_json::from_str(&outcome.stdout).expect("JSON");
        }
        let text = outcome.text();
        assert!(text.contains("no broker answers") && Instant::now() < deadline, "{text}");
    }
}

/// What is said of a job and its topic.
fn of(status: &Value, job: &str) -> Value {
    let jobs = status.as_array().expect("jobs");
    jobs.iter().find(|known| known["job"] == *job).expect("the job")["kafka"].clone()
}

#[test]
fn a_job_over_a_topic_shows_its_lag_its_checkpoint_and_its_members() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::over(&kafka, &events);
    let mut visitors = Visitors::new(41);
    put(&kafka, &events, &visitors.events(EVENTS));
    let before = of(&status(&shop), "clicks");
    assert_eq!((&before["lag"], &before["members"]), (&json!(EVENTS), &json!(0)));
    assert_eq!((&before["topic"], &before["checkpoint"]), (&json!(events), &Value::Null));
    let partitions = before["partitions"].as_array().expect("partitions");
    assert_eq!(partitions.len(), 4);
    assert!(partitions.iter().all(|partition| partition["committed"].is_null()), "{before}");

    let mut running = [shop.start(&["clicks", "visits"])];
    shop.wait(&["clicks", "visits"], &mut running);
    for _ in 0..5 {
        let now = status(&shop);
        let (clicks, visits, alerts) = (of(&now, "clicks"), of(&now, "visits"), of(&now, "alerts"));
        assert_eq!((&clicks["lag"], &clicks["members"]), (&json!(0), &json!(1)));
        // One that reads all partitions is no member of anything.
        assert_eq!((&visits["lag"], &visits["members"]), (&json!(0), &Value::Null));
        assert_eq!(alerts["lag"], json!(EVENTS));
        for checkpoint in [&clicks["checkpoint"], &visits["checkpoint"]] {
            for name in ["number", "bytes", "keys"] {
                assert!(checkpoint[name].as_u64() > Some(0), "{name} of {checkpoint}");
            }
            assert!(checkpoint["age_seconds"].is_u64() && checkpoint["watermark"].is_string());
        }
    }
    // Nobody noticed that somebody looked.
    put(&kafka, &events, &visitors.events(EVENTS));
    shop.wait(&["clicks", "visits"], &mut running);
    for said in running.map(Running::stopped) {
        assert!(!said.contains("begins again"), "{said}");
    }
    put(&kafka, &events, &visitors.events(100));
    let after = of(&status(&shop), "clicks");
    let lags = after["partitions"].as_array().expect("partitions").iter();
    assert_eq!(lags.map(|partition| partition["lag"].as_u64().expect("a lag")).sum::<u64>(), 100);
    assert_eq!(after["lag"], json!(100));
    as_a_table(&shop);
}

fn as_a_table(shop: &Shop) {
    let table = shop.fs().ok(&["stream", "status"]);
    let (header, rows) = table.split_once('\n').expect("a header");
    let columns = [
        "JOB",
        "LAST",
        "FINISHED",
        "EVENTS",
        "EVENTS/S",
        "ROWS",
        "LATE",
        "DEAD LETTERS",
        "COMMIT (MS)",
        "CHECKPOINT",
        "AGE (S)",
        "BYTES",
        "KEYS",
        "LAG (BYTES)",
        "LAG (MESSAGES)",
        "WATERMARK",
        "DELAY (S)",
    ];
    assert_eq!(
        header.split("  ").filter(|word| !word.is_empty()).map(str::trim).collect::<Vec<_>>(),
        columns
    );
    let cell = |job: &str, column: &str| {
        let start = header.find(column).expect("a column");
        let row = rows.lines().find(|row| row.starts_with(job)).expect("a row");
        row.get(start..).and_then(|rest| rest.split("  ").next()).unwrap_or_default().to_owned()
    };
    for (job, last, lag) in [
        ("clicks", "run", "100"),
        ("visits", "run", "100"),
        ("alerts", "never", "6100"),
        ("popularity", "never", "6100"),
    ] {
        assert_eq!(
            (cell(job, "LAST"), cell(job, "LAG (MESSAGES)")),
            (last.to_owned(), lag.to_owned()),
            "{table}"
        );
    }
}

#[test]
fn a_job_that_runs_shows_how_it_does_in_every_instance_also_when_nothing_happens() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::over(&kafka, &events);
    let mut visitors = Visitors::new(43);
    let start = |name: &&str| shop.start(&["clicks", "--instance", name]);
    let mut running = vec![start(&"a")];
    put(&kafka, &events, &visitors.events(EVENTS));
    shop.wait(&["clicks"], &mut running);
    let known = |name: &str| {
        let all = status(&shop);
        let jobs = all.as_array().cloned().expect("jobs");
        let job = jobs.into_iter().find(|job| job["job"] == *"clicks").unwrap_or_default();
        let running = job["running"].as_array().cloned().unwrap_or_default();
        running.into_iter().map(|vitals| vitals[name].clone()).collect::<Vec<_>>()
    };
    let deadline = Instant::now() + PATIENCE;
    while known("events") != [json!(EVENTS)] {
        assert!(Instant::now() < deadline, "{}", status(&shop));
        sleep(Duration::from_millis(200));
    }
    // More than there are partitions: all but the first have read nothing, and one has nothing to read.
    running.extend(["b", "c", "d", "e"].iter().map(start));
    while known("instance").len() < running.len() {
        assert!(Instant::now() < deadline, "{}", status(&shop));
        sleep(Duration::from_millis(200));
    }
    // Longer than a file counts that nobody renews.
    sleep(Duration::from_secs(17));
    assert_eq!(known("instance"), ["a", "b", "c", "d", "e"]);
    assert!(known("watermark_delay_seconds").iter().any(|delay| delay.as_f64() > Some(0.0)));
    // Those that came when everything was read have committed nothing.
    assert!(known("commit_milliseconds").iter().any(Value::is_u64));
    let table = shop.fs().ok(&["stream", "status"]);
    assert!(table.contains("running"), "{table}");
    running.into_iter().for_each(Running::stop);
    assert_eq!(known("instance"), Vec::<Value>::new());
}

#[test]
fn a_topic_that_is_not_there_is_told_and_others_are_shown() {
    let kafka = Kafka::shared();
    let shop = Shop::over(&kafka, &events_topic(&kafka));
    let nowhere = Kafka::unique("nowhere");
    shop.add_job(&format!(
        "job: lost\nsource: {{schema: schemas/user_event.avsc, topic: {nowhere}, timestamp: timestamp}}\nkey: \
         {{userId: userId}}\naggregate: [{{function: count, window: 1m, as: events}}]\noutput: lost.jsonl\n"
    ));
    let outcome = shop.fs().run(&["stream", "status"]);
    let text = outcome.text();
    assert_eq!(outcome.code, Some(0), "{text}");
    assert!(text.contains(&format!("\"{nowhere}\"")) && text.contains("clicks"), "{text}");
}

#[test]
fn brokers_that_do_not_answer_end_it_with_a_hint() {
    let kafka = Kafka::shared();
    let shop = Shop::over(&kafka, &events_topic(&kafka));
    shop.reach(&format!("127.0.0.1:{}", free_port()), "");
    let outcome = shop.fs().run(&["stream", "status"]);
    let text = outcome.text();
    assert_ne!(outcome.code, Some(0), "{text}");
    assert!(text.contains("hint: no broker answers"), "{text}");
}
