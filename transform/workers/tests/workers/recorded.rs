//! What real Feast computed, computed again by workers.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array, new_null_array};
use arrow_select::concat::concat;
use arrow_select::filter::filter_record_batch;
use arrow_select::take::take;
use larder_core::ErrorKind;
use larder_transform::{Function, compile};
use larder_transform_workers::{PythonWorkers, WorkerSettings};

use crate::fixture::settings;
use crate::vectors::Case;

const WRITTEN: &[&str] = &[
    include_str!("../../../../tests/vectors/transform/recorded/basics.json"),
    include_str!("../../../../tests/vectors/transform/recorded/lists.json"),
    include_str!("../../../../tests/vectors/transform/recorded/pandas_numbers.json"),
    include_str!("../../../../tests/vectors/transform/recorded/rows.json"),
    include_str!("../../../../tests/vectors/transform/recorded/texts.json"),
    include_str!("../../../../tests/vectors/transform/recorded/times.json"),
];

const RANDOM: &str = include_str!("../../../../tests/vectors/transform/random.json");

/// Reads the clock, so its recorded answers are of another day.
const OF_THE_DAY: &str = "age_now";

fn cases() -> Vec<Case> {
    let written = WRITTEN.iter().flat_map(|file| Case::all(file));
    written.filter(|case| case.name() != OF_THE_DAY).collect()
}

fn pool() -> PythonWorkers {
    let timeout = Duration::from_secs(30);
    PythonWorkers::new(WorkerSettings { count: 2, timeout, ..settings() }).unwrap()
}

async fn call(
    pool: &PythonWorkers,
    case: &Case,
    batch: &RecordBatch,
) -> larder_core::Result<Vec<ArrayRef>> {
    let function = Arc::new(Function::new(case.definition()).unwrap());
    function.call(pool, batch.columns().to_vec(), batch.num_rows()).await
}

/// Every row on its own: what raised in Feast raises, with nothing computed for that row.
async fn row_by_row(pool: &PythonWorkers, case: &Case) -> Vec<String> {
    let (batch, raises) = (case.batch(), case.raises());
    let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::new(); case.definition().outputs.len()];
    for (row, raises) in raises.iter().enumerate() {
        match call(pool, case, &batch.slice(row, 1)).await {
            Ok(arrays) => {
                assert!(!raises, "{} row {row} raised in Feast", case.name());
                columns.iter_mut().zip(arrays).for_each(|(column, array)| column.push(array));
            }
            Err(error) => {
                assert!(*raises, "{} row {row}: {error}", case.name());
                assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
                for (column, output) in columns.iter_mut().zip(case.definition().outputs) {
                    column.push(new_null_array(&output.value_type.arrow_type(), 1));
                }
            }
        }
    }
    let whole = columns.iter().map(|rows| {
        let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
        concat(&rows).unwrap()
    });
    case.differences(&whole.collect::<Vec<_>>())
}

/// All rows that did not raise, at once.
async fn in_a_batch(pool: &PythonWorkers, case: &Case) -> Vec<String> {
    let raises = case.raises();
    let kept: BooleanArray = raises.iter().map(|raises| Some(!raises)).collect();
    let batch = filter_record_batch(&case.batch(), &kept).unwrap();
    let arrays = match call(pool, case, &batch).await {
        Ok(arrays) => arrays,
        Err(error) => return vec![format!("{}: {error}", case.name())],
    };
    let mut next = 0;
    let places: UInt32Array = raises
        .iter()
        .map(|raises| {
            let place = (!raises).then_some(next);
            next += u32::from(!raises);
            place
        })
        .collect();
    let spread = arrays.iter().map(|array| take(array, &places, None).unwrap());
    case.differences(&spread.collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_that_do_not_compile_answer_every_row_as_feast_does() {
    let pool = pool();
    let refused: Vec<_> =
        cases().into_iter().filter(|case| compile(&case.definition()).is_err()).collect();
    assert_eq!(refused.len(), 6);
    let mut wrong = Vec::new();
    for case in &refused {
        wrong.extend(row_by_row(&pool, case).await);
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_recorded_functions_answer_batches_as_feast_does() {
    let pool = pool();
    let mut wrong = Vec::new();
    let all: Vec<_> = cases().into_iter().chain(Case::random(RANDOM)).collect();
    assert!(all.len() > 400, "{}", all.len());
    for case in &all {
        let answers_batches = case.same_in_a_batch() && !case.definition().singleton;
        if answers_batches && case.raises().contains(&false) {
            wrong.extend(in_a_batch(&pool, case).await);
        } else if case.definition().singleton {
            wrong.extend(row_by_row(&pool, case).await);
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}
