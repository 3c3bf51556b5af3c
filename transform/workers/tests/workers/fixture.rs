//! A pool, functions of a few lines, and a look at the child processes of this test.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array};
use larder_core::{Result, ValueType};
use larder_tests::Feast;
use larder_transform::{Column, Definition, Function, Mode, Source};
use larder_transform_workers::{PythonWorkers, WorkerSettings};

/// Long enough for a busy machine; tests of the timeout set their own.
pub(crate) fn settings() -> WorkerSettings {
    WorkerSettings {
        count: 1,
        python: PathBuf::from(Feast::get().python()),
        timeout: Duration::from_secs(20),
        memory_limit: 256 << 20,
        queue: 64,
    }
}

/// One worker.
pub(crate) fn pool() -> PythonWorkers {
    PythonWorkers::new(settings()).unwrap()
}

/// A function of one int column `a` that returns one int feature `r`.
pub(crate) fn function(mode: Mode, text: &str) -> Arc<Function> {
    returning(mode, text, ValueType::Int64)
}

/// A function of one int column `a` that returns one feature `r`.
pub(crate) fn returning(mode: Mode, text: &str, value_type: ValueType) -> Arc<Function> {
    let definition = Definition {
        view: "careless".to_owned(),
        mode,
        singleton: false,
        function: String::new(),
        source: Source { text: text.to_owned(), file: "features.py".to_owned(), first_line: 1 },
        inputs: vec![Column::new("a", ValueType::Int64)],
        outputs: vec![Column::new("r", value_type)],
    };
    Arc::new(Function::new(definition).unwrap())
}

/// Doubles its input.
pub(crate) fn doubling() -> Arc<Function> {
    function(Mode::Python, "def f(inputs):\n    return {'r': [a * 2 for a in inputs['a']]}\n")
}

/// Calls a function with some numbers.
pub(crate) async fn call(
    pool: &PythonWorkers,
    function: &Arc<Function>,
    numbers: &[i64],
) -> Result<Vec<ArrayRef>> {
    let column = Arc::new(Int64Array::from(numbers.to_vec())) as ArrayRef;
    function.call(pool, vec![column], numbers.len()).await
}

/// That the pool answers as if nothing had happened.
pub(crate) async fn works(pool: &PythonWorkers) {
    let answer = call(pool, &doubling(), &[1, 21]).await.unwrap();
    assert_eq!(answer[0].as_primitive::<Int64Type>().values(), &[2, 42]);
}

/// The process ids of the workers, as they tell them.
pub(crate) async fn pids(pool: &PythonWorkers, calls: usize) -> Vec<u32> {
    let text = "def f(inputs):\n    import os, time\n    time.sleep(0.2)\n    return {'r': [os.getpid()]}\n";
    let function = function(Mode::Python, text);
    let answers = (0..calls).map(|_| call(pool, &function, &[0]));
    let answers = futures_of(answers).await;
    let mut pids: Vec<u32> = answers
        .into_iter()
        .map(|answer| {
            u32::try_from(answer.unwrap()[0].as_primitive::<Int64Type>().value(0)).unwrap()
        })
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// All answers, asked at the same time.
pub(crate) async fn futures_of<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    futures::future::join_all(futures).await
}

/// Whether a process is there, and as what (`S`, `R`, `Z` ...).
pub(crate) fn state(pid: u32) -> Option<char> {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    status.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Children of this test by process id, with their states.
pub(crate) fn children() -> BTreeMap<u32, char> {
    let own = std::process::id().to_string();
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut words = status.rsplit_once(')')?.1.split_whitespace();
        let state = words.next()?.chars().next()?;
        (words.next()? == own).then_some((pid, state))
    });
    all.collect()
}

/// Waits until something is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
