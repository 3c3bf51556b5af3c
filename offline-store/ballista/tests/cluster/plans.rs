//! The plan node as a message.

use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use larder_core::{ErrorKind, Interval, Timestamp};
use larder_offline_store::{HistoricalOptions, SourceFile};
use larder_offline_store_ballista::PartitionJoin;
use libtest_mimic::Trial;

use crate::fixture::{source, view};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("plans::a_join_survives_its_message", || {
            let join = join();
            let back = PartitionJoin::decode(&join.encode().unwrap()).unwrap();
            assert_eq!(format!("{back:?}"), format!("{join:?}"));
            Ok(())
        }),
        Trial::test("plans::a_message_of_another_version_is_refused", || {
            let mut bytes = join().encode().unwrap();
            // The version is the first field.
            assert_eq!(bytes[..2], [8, 1]);
            bytes[1] = 2;
            assert_eq!(PartitionJoin::decode(&bytes).unwrap_err().kind(), ErrorKind::Unsupported);
            Ok(())
        }),
        Trial::test("plans::bytes_that_are_no_message_are_bad_data", || {
            let error = PartitionJoin::decode(&[0xFF; 7]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            Ok(())
        }),
    ]
}

fn join() -> PartitionJoin {
    let mut first = view(source("s3://lake/stats/", true), &["driver", "city"], &["rate", "trips"]);
    first.ttl = Some(Duration::new(5, 7));
    "origin".clone_into(&mut first.join_keys[0].entity_column);
    "stats__trips".clone_into(&mut first.features[1].output);
    first.materialized =
        vec![Interval { start: Timestamp::from_micros(-3), end: Timestamp::from_micros(4) }];
    first.source.field_mapping.insert("r".to_owned(), "rate".to_owned());
    let second = view(source("newest.parquet", false), &[], &["list"]);
    let file = |path: &str, size| SourceFile { path: path.to_owned(), size, etag: "e".to_owned() };
    let stamp = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let fields = vec![
        Field::new("entity_row", DataType::UInt64, false),
        Field::new("rate", DataType::Float32, true),
        Field::new("stats__trips", stamp, true),
        Field::new("list", DataType::new_list(DataType::Utf8, true), true),
    ];
    PartitionJoin {
        repo_root: "/srv/repo".into(),
        row_column: "entity_row".to_owned(),
        time_column: "event_timestamp".to_owned(),
        views: vec![first, second],
        files: vec![
            vec![file("s3://lake/stats/1.parquet", 9)],
            vec![file("newest.parquet", 1 << 40)],
        ],
        filter_by_created: true,
        options: HistoricalOptions { memory_limit: Some(1 << 33), as_served: true },
        schema: Arc::new(Schema::new(fields)),
    }
}
