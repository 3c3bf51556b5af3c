//! What `fs stream run --metrics` serves while jobs run.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use larder_tests::{Kafka, get};

use crate::running::Running;
use crate::shop::{Shop, events_topic};
use crate::visitors::{Visitors, put};

/// The reference of all metrics.
const PAGE: &str = include_str!("../../../docs/reference/metrics.md");

const EVENTS: usize = 5_000;
const BROKEN: usize = 7;

/// Series with their values, as they are written.
type Scraped = BTreeMap<String, String>;

fn scrape(url: &str) -> Scraped {
    let answer = get(url).expect("the page is served");
    let lines = answer.body.lines().filter(|line| !line.starts_with('#'));
    let series = lines.filter_map(|line| line.rsplit_once(' '));
    series.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Waits until the page is as wanted.
fn becomes(url: &str, what: &str, is_so: impl Fn(&Scraped) -> bool) -> Scraped {
    let deadline = Instant::now() + Duration::from_mins(2);
    loop {
        let found = scrape(url);
        if is_so(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: {found:#?}");
        sleep(Duration::from_millis(100));
    }
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

fn of(name: &str, job: &str) -> String {
    format!("{name}{{job=\"{job}\"}}")
}

#[test]
fn running_jobs_show_how_far_they_are_and_what_became_of_their_events() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::over(&kafka, &events);
    let mut all = Visitors::new(23).events(EVENTS);
    all.extend((0..BROKEN).map(|_| (1, "not an event".to_owned())));
    put(&kafka, &events, &all);
    let running = shop.start(&["--metrics=0"]);
    let url = running.said("serving metrics on ");
    let has_read_all = |page: &Scraped| {
        ["clicks", "visits", "alerts", "popularity"].iter().all(|job| {
            page.get(&of("larder_stream_lag_messages", job)).is_some_and(|lag| lag == "0")
                && number(&page[&of("larder_stream_events_total", job)]) >= EVENTS as f64
        })
    };
    let page = becomes(&url, "every event is read", has_read_all);
    for job in ["clicks", "visits", "alerts", "popularity"] {
        let value = |name: &str| page[&of(name, job)].as_str();
        assert_eq!(value("larder_stream_events_total"), EVENTS.to_string(), "{job}");
        let broken =
            format!("larder_stream_dead_letters_total{{fault=\"undecodable\",job=\"{job}\"}}");
        assert_eq!(page[&broken], BROKEN.to_string(), "{job}");
        for name in
            ["rows_total", "checkpoint_bytes", "state_keys", "commit_duration_seconds_count"]
        {
            assert!(number(value(&format!("larder_stream_{name}"))) > 0.0, "{name} of {job}");
        }
        // The events are of yesterday.
        let delay = number(value("larder_stream_watermark_delay_seconds"));
        assert!((3_600.0..200_000.0).contains(&delay), "{delay} of {job}");
        assert_eq!(value("larder_stream_held_back"), "0");
    }
    let of_views = &page["larder_online_store_call_duration_seconds_count{operation=\"write\"}"];
    assert!(number(of_views) > 0.0);
    only_what_is_documented(&page);
    running.stop();
    assert!(get(&url).is_err(), "the page outlives its program");
}

fn only_what_is_documented(page: &Scraped) {
    let names: BTreeSet<&str> =
        page.keys().map(|series| series.split('{').next().expect("a name")).collect();
    let documented = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: Vec<&str> =
        documented.filter(|name| name.starts_with("larder_stream_")).collect();
    assert!(!documented.is_empty());
    for metric in &documented {
        assert!(names.iter().any(|name| name.starts_with(metric)), "{metric}");
    }
    for name in names.iter().filter(|name| name.starts_with("larder_stream_")) {
        let is_known = documented.iter().any(|metric| {
            let rest = name.strip_prefix(metric);
            rest.is_some_and(|rest| ["", "_bucket", "_sum", "_count"].contains(&rest))
        });
        assert!(is_known, "{name} is not on the page of the reference");
    }
    let jobs: BTreeSet<&str> = page
        .keys()
        .filter_map(|series| Some(series.split_once("job=\"")?.1.split_once('"')?.0))
        .collect();
    assert_eq!(jobs, BTreeSet::from(["alerts", "clicks", "popularity", "visits"]));
}

#[test]
fn an_address_that_is_taken_ends_the_command_before_anything_is_read() {
    let kafka = Kafka::shared();
    let shop = Shop::over(&kafka, &events_topic(&kafka));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let running: Running = shop.start(&[&format!("--metrics={address}")]);
    let (is_good, log) = running.end();
    assert!(!is_good && log.contains(&address), "{log}");
}
