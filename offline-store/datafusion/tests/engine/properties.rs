//! The engine and the oracle agree on random tables.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{
    ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow_schema::TimeUnit;
use larder_core::{Interval, Timestamp};
use larder_offline_store::oracle::Visibility;
use larder_offline_store::{
    EntityRows, HistoricalOptions, HistoricalRequest, OfflineStore, PullOptions, PullRequest,
    floor_ticks, oracle,
};
use libtest_mimic::Trial;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{block_on, engine, put, source, view, whole};
use crate::rows::{names, rows, sorted};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("properties::the_engine_joins_as_the_oracle_does", || {
            joins(CASES, |folder| Arc::new(engine(folder)))
        }),
        Trial::test("properties::the_engine_pulls_the_latest_rows_as_the_oracle_does", || {
            run(CASES, world(), |world| block_on(latest_equals_oracle(&world)))
        }),
    ]
}

const CASES: u32 = 160;

/// Checks that a store joins as the oracle does, in so many random worlds.
pub(crate) fn joins(
    cases: u32,
    make: fn(&Path) -> Arc<dyn OfflineStore>,
) -> Result<(), libtest_mimic::Failed> {
    run(cases, world(), |world| block_on(join_equals_oracle(&world, make)))
}

fn run<T: std::fmt::Debug>(
    cases: u32,
    strategy: impl Strategy<Value = T>,
    check: impl Fn(T),
) -> Result<(), libtest_mimic::Failed> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let checked = TestRunner::new(config).run(&strategy, |input| {
        check(input);
        Ok(())
    });
    checked.map_err(|error| error.to_string().into())
}

/// A key of two columns, either of them null at times.
type Key = (Option<i32>, Option<&'static str>);

#[derive(Debug, Clone)]
struct FeatureRow {
    key: Key,
    event: Option<i64>,
    created: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Clockwork {
    unit: TimeUnit,
    zone: Option<&'static str>,
}

#[derive(Debug, Clone)]
struct World {
    entities: Vec<(Key, Option<i64>)>,
    entity_clock: Clockwork,
    /// Files of one folder.
    files: Vec<Vec<FeatureRow>>,
    event_clock: Clockwork,
    created_clock: Option<Clockwork>,
    /// How many of the key columns are join keys.
    key_columns: usize,
    ttl: Option<Duration>,
    visibility: Visibility,
    materialized: Vec<Interval>,
    memory_limit: Option<usize>,
    entity_batch: usize,
    row_group: usize,
}

/// Nanoseconds that are close to each other in every unit, before and after 1970.
fn instant() -> impl Strategy<Value = Option<i64>> {
    let parts = (-2_i64..3, -1_i64..2, -1_i64..2, -1_i64..2);
    let nanos =
        parts.prop_map(|(s, ms, us, ns)| s * 1_000_000_000 + ms * 1_000_000 + us * 1_000 + ns);
    prop::option::weighted(0.9, nanos)
}

/// A materialization, reversed at times, which copies nothing.
fn interval() -> impl Strategy<Value = Interval> {
    let at = || (-2_500_000_i64..2_500_000).prop_map(Timestamp::from_micros);
    let coarse = || {
        prop::sample::select(vec![-1_000_000, 0, 1_000, 1_000_000]).prop_map(Timestamp::from_micros)
    };
    let end = prop_oneof![at(), coarse()];
    (prop_oneof![at(), coarse()], end).prop_map(|(start, end)| Interval { start, end })
}

fn key() -> impl Strategy<Value = Key> {
    let number = prop::option::weighted(0.9, 0..3);
    let name = prop::option::weighted(0.9, prop::sample::select(vec!["", "a", "ab"]));
    (number, name)
}

fn clockwork() -> impl Strategy<Value = Clockwork> {
    let units =
        vec![TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let zones = vec![None, Some("UTC"), Some("America/New_York"), Some("+05:30")];
    let parts = (prop::sample::select(units), prop::sample::select(zones));
    parts.prop_map(|(unit, zone)| Clockwork { unit, zone })
}

fn world() -> impl Strategy<Value = World> {
    let feature = (key(), instant(), instant()).prop_map(|(key, event, created)| FeatureRow {
        key,
        event,
        created,
    });
    let ticks = [0, 1, 1_000, 1_000_000, 1_000_000_000, 1_000_000_001, 2_000_000_000];
    let ttls = ticks.map(Duration::from_nanos).to_vec();
    let tables = (
        prop::collection::vec((key(), instant()), 0..12),
        prop::collection::vec(prop::collection::vec(feature, 0..14), 1..4),
    );
    let clocks = (clockwork(), clockwork(), prop::option::of(clockwork()));
    let visibilities = vec![Visibility::ByEvent, Visibility::ByCreated, Visibility::AsServed];
    let policy = (prop::sample::select(visibilities), prop::collection::vec(interval(), 0..5));
    // So little that every join is partitioned and spilled, by one worker or by several.
    let memory_limit = prop::option::of(prop::sample::select(vec![1, 400 << 10]));
    let options = (0_usize..3, prop::option::of(prop::sample::select(ttls)), policy, memory_limit);
    (tables, clocks, options, (1_usize..6, 1_usize..6)).prop_map(
        |((entities, files), clocks, (key_columns, ttl, policy, memory_limit), sizes)| World {
            entities,
            files,
            entity_clock: clocks.0,
            event_clock: clocks.1,
            created_clock: clocks.2,
            key_columns,
            ttl,
            visibility: policy.0,
            materialized: policy.1,
            memory_limit,
            entity_batch: sizes.0,
            row_group: sizes.1,
        },
    )
}

/// Times in a clock's unit and zone, rounded down.
fn stamps(nanos: impl Iterator<Item = Option<i64>>, clock: Clockwork) -> ArrayRef {
    let ticks = nanos.map(|nanos| nanos.map(|n| floor_ticks(i128::from(n), clock.unit)));
    let zone = clock.zone.map(Arc::from);
    match clock.unit {
        TimeUnit::Second => {
            Arc::new(ticks.collect::<TimestampSecondArray>().with_timezone_opt(zone))
        }
        TimeUnit::Millisecond => {
            Arc::new(ticks.collect::<TimestampMillisecondArray>().with_timezone_opt(zone))
        }
        TimeUnit::Microsecond => {
            Arc::new(ticks.collect::<TimestampMicrosecondArray>().with_timezone_opt(zone))
        }
        TimeUnit::Nanosecond => {
            Arc::new(ticks.collect::<TimestampNanosecondArray>().with_timezone_opt(zone))
        }
    }
}

const KEYS: [&str; 2] = ["number", "name"];

impl World {
    /// Entity rows; their number key is wider than that of the features.
    fn entity_rows(&self) -> RecordBatch {
        let numbers: Int64Array =
            self.entities.iter().map(|(key, _)| key.0.map(i64::from)).collect();
        let names: StringArray = self.entities.iter().map(|(key, _)| key.1).collect();
        let times = stamps(self.entities.iter().map(|(_, time)| *time), self.entity_clock);
        RecordBatch::try_from_iter_with_nullable([
            (KEYS[0], Arc::new(numbers) as ArrayRef, true),
            (KEYS[1], Arc::new(names) as ArrayRef, true),
            ("event_timestamp", times, true),
        ])
        .unwrap()
    }

    /// The rows of one file; the feature `id` tells every row of all files from every other.
    fn file(&self, number: usize) -> RecordBatch {
        let rows = &self.files[number];
        let numbers: Int32Array = rows.iter().map(|row| row.key.0).collect();
        let names: StringArray = rows.iter().map(|row| row.key.1).collect();
        let first = i64::try_from(number).unwrap() * 1_000;
        let ids: Int64Array = (first..).take(rows.len()).map(Some).collect();
        let mut columns = vec![
            (KEYS[0], Arc::new(numbers) as ArrayRef, true),
            (KEYS[1], Arc::new(names) as ArrayRef, true),
            ("event_timestamp", stamps(rows.iter().map(|row| row.event), self.event_clock), true),
            ("id", Arc::new(ids) as ArrayRef, true),
        ];
        if let Some(clock) = self.created_clock {
            columns.push(("created", stamps(rows.iter().map(|row| row.created), clock), true));
        }
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    /// Writes the files and gives their rows in file order.
    fn put_files(&self, folder: &Path) -> RecordBatch {
        let files: Vec<RecordBatch> =
            (0..self.files.len()).map(|number| self.file(number)).collect();
        for (number, rows) in files.iter().enumerate() {
            put(&folder.join(format!("rows/{number}.parquet")), rows, self.row_group);
        }
        arrow_select::concat::concat_batches(&files[0].schema(), &files).unwrap()
    }
}

async fn join_equals_oracle(world: &World, make: fn(&Path) -> Arc<dyn OfflineStore>) {
    let folder = tempfile::tempdir().unwrap();
    let features = world.put_files(folder.path());
    let source = source("rows", world.created_clock.is_some());
    let mut view = view(source, &KEYS[..world.key_columns], &["id"]);
    view.ttl = world.ttl;
    view.materialized.clone_from(&world.materialized);
    let entities = world.entity_rows();
    let starts = (0..entities.num_rows()).step_by(world.entity_batch);
    let batches = starts
        .map(|start| entities.slice(start, world.entity_batch.min(entities.num_rows() - start)))
        .collect();
    let mut again = view.clone();
    "again".clone_into(&mut again.name);
    "again__id".clone_into(&mut again.features[0].output);
    again.join_keys.clear();
    let views = vec![view, again];
    let judged: Vec<_> = views.iter().map(|view| (view.clone(), features.clone())).collect();
    let expected =
        oracle::point_in_time_join(&entities, "event_timestamp", &judged, world.visibility);
    let expected = expected.unwrap();
    let request = HistoricalRequest {
        entity: EntityRows::Batches { schema: entities.schema(), batches },
        event_timestamp_column: None,
        views,
        filter_by_created: world.visibility == Visibility::ByCreated,
        options: HistoricalOptions {
            memory_limit: world.memory_limit,
            as_served: world.visibility == Visibility::AsServed,
        },
    };
    let answer = make(folder.path()).historical_features(request).await.unwrap();
    let answer = whole(answer).await.unwrap();
    assert_eq!(rows(&answer, &names(&expected)), rows(&expected, &names(&expected)));
}

async fn latest_equals_oracle(world: &World) {
    let folder = tempfile::tempdir().unwrap();
    let features = world.put_files(folder.path());
    let mut bounds: Vec<Option<i64>> = world.entities.iter().map(|(_, time)| *time).collect();
    bounds.resize(2, None);
    let bound = |nanos: Option<i64>| nanos.map(|nanos| Timestamp::from_micros(nanos / 1_000));
    let request = PullRequest {
        source: source("rows", world.created_clock.is_some()),
        join_keys: KEYS[..world.key_columns].iter().map(|key| (*key).to_owned()).collect(),
        features: vec!["id".to_owned()],
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: world.created_clock.map(|_| "created".to_owned()),
        start: bound(bounds[0]),
        end: bound(bounds[1]),
        options: PullOptions { memory_limit: world.memory_limit, skip: 0 },
    };
    let expected = oracle::latest(&request, &features).unwrap();
    let engine = engine(folder.path());
    let answer = engine.pull_latest(request.clone()).await.unwrap();
    let count = answer.rows().unwrap();
    let answer = whole(answer).await.unwrap();
    assert_eq!(answer.num_rows() as u64, count);
    let columns = names(&expected);
    let found = rows(&answer, &columns);
    assert_eq!(sorted(found.clone()), sorted(rows(&expected, &columns)));
    // The order is always the same, so that a reader can go on where it stopped.
    let skip = count / 2;
    let options = PullOptions { memory_limit: world.memory_limit.xor(Some(1)), skip };
    let rest = engine.pull_latest(PullRequest { options, ..request }).await.unwrap();
    assert_eq!(rest.rows(), Some(count - skip));
    let rest = whole(rest).await.unwrap();
    assert_eq!(rows(&rest, &columns), found[usize::try_from(skip).unwrap()..]);
}
