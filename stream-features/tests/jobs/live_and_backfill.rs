//! What a live run tells of events that come out of order is what a backfill tells of the same events in any order.

use std::collections::{BTreeMap, BTreeSet};

use larder_core::Value;
use larder_stream_features::{RunOptions, Sink};

use crate::collect::{Collected, Rows};
use crate::events::{Event, disordered, random, shuffled, write_lines, write_parquet};
use crate::{backfill, job, lines, parquet, run};

const JOBS: [&str; 3] = ["product_popularity", "user_activity", "sessions"];

/// Less than delay and lateness of the jobs together.
const DISORDER: i64 = 500_000;

fn whole(count: usize) -> Value {
    Value::Int64(i64::try_from(count).expect("a count"))
}

/// Runs the jobs live over files and as a backfill over Parquet.
async fn both(events: &[Event], seed: u64) -> [Vec<Collected>; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let live = folder.path().join("live");
    write_lines(&live, &disordered(events, seed, DISORDER), 3);
    let past = folder.path().join("past.parquet");
    write_parquet(&past, &shuffled(events, seed));
    let mut found = [Vec::new(), Vec::new()];
    for (collected, input, options) in
        [(0, lines(&live), RunOptions::default()), (1, parquet(&past), backfill())]
    {
        found[collected] = JOBS.iter().map(|_| Collected::default()).collect();
        let sink = |sink: &Collected| Box::new(sink.clone()) as Box<dyn Sink>;
        let jobs = JOBS.iter().zip(&found[collected]).map(|(name, to)| (job(name), sink(to)));
        let reports = run(folder.path(), jobs.collect(), input, options).await;
        for report in reports {
            assert_eq!(
                (report.events, report.dead_letters),
                (events.len() as u64, 0),
                "{}",
                report.job
            );
        }
    }
    found
}

#[tokio::test]
async fn live_out_of_order_and_backfill_in_any_order_tell_the_same() {
    for seed in 0..4 {
        let events = random(seed, 2_500);
        let [live, past] = both(&events, seed).await;
        for (name, (live, past)) in JOBS.iter().zip(live.iter().zip(&past)) {
            assert!(!live.rows().is_empty(), "{name}");
            if *name == "user_activity" {
                // The rows in between follow the order of arrival; what is served does not.
                assert_eq!(live.newest(), past.newest(), "{name}, seed {seed}");
            } else {
                assert_eq!(live.rows(), past.rows(), "{name}, seed {seed}");
            }
        }
        assert_eq!(past[0].rows(), popularity(&events), "seed {seed}");
        assert_eq!(past[2].rows(), sessions(&events), "seed {seed}");
    }
}

/// Views by product and five minutes, counted.
fn popularity(events: &[Event]) -> Rows {
    let mut counts: BTreeMap<(String, i64), usize> = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == "page_view") {
        let Some(product) = &event.product else { continue };
        let end = (event.time.div_euclid(300_000) + 1) * 300_000_000;
        *counts.entry((format!("[String({product:?})]"), end)).or_default() += 1;
    }
    counts.into_iter().map(|((key, end), count)| ((key, end), (end, vec![whole(count)]))).collect()
}

/// Sessions of sorted events.
fn sessions(events: &[Event]) -> Rows {
    let mut open: BTreeMap<&str, Vec<Vec<&Event>>> = BTreeMap::new();
    for event in events {
        let of_key = open.entry(&event.session).or_default();
        match of_key.last_mut() {
            Some(last) if event.time - last[last.len() - 1].time <= 1_800_000 => last.push(event),
            _ => of_key.push(vec![event]),
        }
    }
    let mut rows = Rows::new();
    for (key, events) in
        open.iter().flat_map(|(key, all)| all.iter().map(move |events| (key, events)))
    {
        let (start, end) = (events[0].time, events[events.len() - 1].time);
        let of_kind = |kind| events.iter().filter(move |event| event.kind == kind);
        let pages: BTreeSet<_> = of_kind("page_view").map(|event| &event.page).collect();
        let user = events[0].user.clone().map_or(Value::Null, Value::String);
        let values = vec![
            Value::Int64(start),
            Value::Int64(end),
            Value::Int64(end - start),
            user,
            whole(of_kind("page_view").count()),
            whole(of_kind("click").count()),
            whole(pages.len()),
            Value::Bool(of_kind("purchase").count() > 0),
        ];
        rows.insert((format!("[String({key:?})]"), start * 1_000), (end * 1_000, values));
    }
    rows
}
