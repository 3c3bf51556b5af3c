//! Events that cannot be used become dead letters and stop nothing.

use larder_core::Value;
use larder_stream_features::{DeadLetterFile, RunOptions, Sink};

use crate::collect::Collected;
use crate::events::{Event, json_line};
use crate::{job, lines, run};

fn event(id: usize, kind: &'static str, time: i64) -> Event {
    Event {
        id,
        user: Some("u".to_owned()),
        session: "s".to_owned(),
        kind,
        time,
        product: Some("p".to_owned()),
        page: "/".to_owned(),
    }
}

#[tokio::test]
async fn every_fault_is_kept_with_its_place_and_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let hour = 3_600_000;
    let on_time = json_line(&event(1, "page_view", hour));
    let no_number = json_line(&event(2, "purchase", hour))
        .replace("\"page\":", "\"amount\":\"much\",\"page\":");
    let no_kind = json_line(&event(3, "wave", hour));
    // Alone in its batch: the watermark has passed its time by then.
    let late = json_line(&event(4, "page_view", 0));
    let filler: String =
        (0..5_000).map(|id| json_line(&event(id + 10, "search", hour * 3))).collect();
    let text = format!("{on_time}{no_number}{no_kind}not json\n{filler}{late}");
    let path = folder.path().join("events.jsonl");
    std::fs::write(&path, &text).unwrap();

    let (views, alerts) = (Collected::default(), Collected::default());
    let sink = |sink: &Collected| Box::new(sink.clone()) as Box<dyn Sink>;
    let jobs = vec![(job("product_popularity"), sink(&views)), (job("anomalies"), sink(&alerts))];
    let reports = run(folder.path(), jobs, lines(&path), RunOptions::default()).await;

    let faults = |name: &str| -> Vec<(String, Vec<u8>)> {
        let letters =
            DeadLetterFile::read(&folder.path().join(format!("{name}.jsonl")), (0, u64::MAX))
                .unwrap();
        for letter in &letters {
            let at = usize::try_from(letter.offset).unwrap();
            assert_eq!(&text.as_bytes()[at..at + letter.payload.len()], letter.payload);
            assert_eq!(letter.partition, path.display().to_string());
        }
        letters.into_iter().map(|letter| (letter.fault, letter.payload)).collect()
    };
    let letter = |fault: &str, line: &str| (fault.to_owned(), line.trim_end().as_bytes().to_vec());
    let common = [letter("schema_violation", &no_kind), letter("undecodable", "not json")];
    let late = letter("too_late", &late);
    assert_eq!(
        faults("product_popularity"),
        [common.as_slice(), std::slice::from_ref(&late)].concat()
    );
    let failed = letter("failed_expression", &no_number);
    assert_eq!(faults("anomalies"), [common.as_slice(), &[failed, late]].concat());
    assert_eq!(reports.iter().map(|report| report.dead_letters).collect::<Vec<_>>(), [3, 4]);
    let counts: Vec<_> = views.rows().into_values().map(|(_, values)| values).collect();
    assert_eq!(counts, [[Value::Int64(1)]]);
}

#[tokio::test]
async fn the_three_alerts_of_the_example_speak() {
    let folder = tempfile::tempdir().expect("a folder");
    let with_amount = |id, time, amount: f64| {
        json_line(&event(id, "purchase", time))
            .replace("\"page\":", &format!("\"amount\":{amount},\"page\":"))
    };
    let text = [
        json_line(&event(1, "page_view", 0)),
        json_line(&event(2, "click", 99)),
        json_line(&event(3, "click", 199)),
        with_amount(4, 10_000, 10.0),
        with_amount(5, 20_000, 50.0),
        with_amount(6, 30_000, 151.0),
        json_line(&event(7, "search", 40_000)).replace("10.0.0.1", "10.0.0.2"),
        json_line(&event(8, "search", 40_000 + 3_600_001)).replace("10.0.0.1", "10.0.0.3"),
        json_line(&event(9, "search", 40_000 + 3_600_002)),
    ];
    let path = folder.path().join("events.jsonl");
    std::fs::write(&path, text.concat()).unwrap();
    let alerts = Collected::default();
    let sink: Box<dyn Sink> = Box::new(alerts.clone());
    run(folder.path(), vec![(job("anomalies"), sink)], lines(&path), RunOptions::default()).await;
    let texts = |texts: [&str; 4]| texts.map(|text| Value::String(text.to_owned()));
    let alert = |id: &str, reason: &str, time: i64| {
        let mut values = texts([id, "ANOMALY_DETECTION", "HIGH", reason]).to_vec();
        values.push(Value::Int64(time));
        values
    };
    let found: Vec<_> = alerts.rows().into_values().map(|(_, values)| values).collect();
    let expected = [
        alert("2", "Unusually fast clicking detected", 99),
        alert("6", "Unusually large purchase amount", 30_000),
        alert("7", "Rapid location change detected", 40_000),
    ];
    assert_eq!(found, expected);
}
