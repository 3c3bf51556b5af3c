//! Replays what real Feast computed, row by row (`tests/vectors/transform/generate.py`).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod vectors;

use arrow_array::Array;
use larder_core::ErrorKind;
use larder_transform::compile;

use self::vectors::Case;

/// The hand-written functions, by file.
const WRITTEN: &[&str] = &[
    include_str!("../../../tests/vectors/transform/recorded/basics.json"),
    include_str!("../../../tests/vectors/transform/recorded/lists.json"),
    include_str!("../../../tests/vectors/transform/recorded/pandas_numbers.json"),
    include_str!("../../../tests/vectors/transform/recorded/rows.json"),
    include_str!("../../../tests/vectors/transform/recorded/texts.json"),
    include_str!("../../../tests/vectors/transform/recorded/times.json"),
];

const RANDOM: &str = include_str!("../../../tests/vectors/transform/random.json");

const RANDOM_TRY: &str = include_str!("../../../tests/vectors/transform/random_try.json");

/// Functions that are refused, and why. Every other one compiles.
const REFUSED: &[(&str, &str)] = &[
    ("age_now", "the time of the computation"),
    ("look_around_in_a_pattern", "the engine for patterns looks at the match alone"),
    ("mean_over_rows", "an aggregate over the rows of the request"),
    ("shift_over_rows", "reads the row before"),
    ("rows_left_out", "a frame that has fewer rows than the inputs"),
    ("replace_text_by_numbers", "texts and numbers in one column"),
    ("counted_words", "counts need a dict with computed keys"),
];

/// Functions with which Feast itself gives another answer for many rows at once than for each alone.
const BATCH_DIFFERS: &[(&str, &str)] = &[
    ("assign_rename_and_drop", INTS),
    ("assignments_with_loc", INTS),
    ("conversions", INTS),
    ("frames_as_a_whole", INTS),
    ("large_integers_wrap", INTS),
    ("largest_and_smallest", INTS),
    ("mean_over_rows", "refused: it depends on the other rows"),
    ("missing_numbers_are_nan_in_apply", INTS),
    ("numbers_from_texts", INTS),
    ("pandas_int_arithmetic", INTS),
    ("roundings", INTS),
    ("shift_over_rows", "refused: it depends on the other rows"),
    ("stored_view", INTS),
    ("texts_with_their_own_zone", FORMATS),
    ("texts_with_utc", FORMATS),
];

const FORMATS: &str = "pandas guesses one format from the first text and refuses the others";

const INTS: &str = "an int column with a missing value is a float column: large ints lose digits";

fn written() -> Vec<Case> {
    WRITTEN.iter().flat_map(|file| Case::all(file)).collect()
}

/// The functions that compile.
fn compiled() -> impl Iterator<Item = Case> {
    written().into_iter().filter(|case| REFUSED.iter().all(|(name, _)| *name != case.name()))
}

fn differences(case: &Case) -> Vec<String> {
    match compile(&case.definition()) {
        Ok(program) => case.differences(&program.evaluate(&case.batch()).unwrap()),
        Err(error) => vec![format!("{}: {error} (hint: {:?})", case.name(), error.hint())],
    }
}

#[test]
fn every_recorded_function_compiles_and_answers_as_feast_does() {
    let wrong: Vec<_> = compiled().flat_map(|case| differences(&case)).collect();
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_recorded_functions_are_many_and_those_refused_are_named() {
    let written = written();
    assert!(written.len() >= 197, "{}", written.len());
    for (name, reason) in REFUSED {
        let case = written.iter().find(|case| case.name() == *name).unwrap();
        let error = compile(&case.definition()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
        assert!(error.location().is_some() && error.hint().is_some(), "{name}: {error}");
        assert!(!reason.is_empty());
    }
}

#[test]
fn where_feast_itself_answers_batches_differently_is_known() {
    let mut apart: Vec<_> = written()
        .iter()
        .filter(|case| !case.same_in_a_batch())
        .map(|case| case.name().to_owned())
        .collect();
    apart.sort();
    assert_eq!(apart, BATCH_DIFFERS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[test]
fn random_functions_answer_as_feast_does() {
    check_random(RANDOM);
}

#[test]
fn random_functions_with_exceptions_answer_as_feast_does() {
    check_random(RANDOM_TRY);
}

fn check_random(recorded: &str) {
    let cases = Case::random(recorded);
    let compiled: Vec<_> =
        cases.iter().filter(|case| compile(&case.definition()).is_ok()).collect();
    // The rest raises in every row for some operand, or mixes texts and numbers in one value.
    assert!(compiled.len() * 20 >= cases.len() * 19, "{} of {}", compiled.len(), cases.len());
    let wrong: Vec<_> = compiled.into_iter().flat_map(differences).collect();
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn one_row_at_a_time_gives_what_the_whole_batch_gives() {
    for case in compiled() {
        let program = compile(&case.definition()).unwrap();
        let batch = case.batch();
        let bound = program.bind(batch.schema_ref()).unwrap();
        let whole = bound.evaluate(&batch).unwrap();
        for row in 0..batch.num_rows() {
            let single = bound.evaluate(&batch.slice(row, 1)).unwrap();
            for (whole, single) in whole.iter().zip(&single) {
                let whole = whole.slice(row, 1);
                assert_eq!(whole.as_ref(), single.as_ref(), "{} row {row}", case.name());
            }
        }
        let none = bound.evaluate(&batch.slice(0, 0)).unwrap();
        assert!(none.iter().all(Array::is_empty), "{}", case.name());
    }
}
