//! Lives and deaths of the processes.

use std::sync::Arc;
use std::time::Duration;

use larder_core::ErrorKind;
use larder_transform::Mode;
use larder_transform_workers::{PythonWorkers, WorkerSettings};

use crate::fixture::{
    call, children, doubling, function, futures_of, pids, pool, settings, state, until, works,
};

fn kill(pid: u32) {
    let killed =
        std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_killed_under_load_cost_the_calls_in_their_hands_and_no_more() {
    let pool = PythonWorkers::new(WorkerSettings { count: 2, ..settings() }).unwrap();
    pool.start().await.unwrap();
    let before = pids(&pool, 4).await;
    assert_eq!(before.len(), 2);
    let slow = function(
        Mode::Python,
        "def f(inputs):\n    import time\n    time.sleep(0.05)\n    return {'r': inputs['a']}\n",
    );
    let killer = async {
        tokio::time::sleep(Duration::from_millis(120)).await;
        for pid in &before {
            kill(*pid);
        }
    };
    let load = futures_of((0..40).map(|_| call(&pool, &slow, &[1])));
    let (answers, ()) = tokio::join!(load, killer);
    let failed: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(!failed.is_empty() && failed.len() <= 2, "{failed:?}");
    assert!(failed.iter().all(|error| error.kind() == ErrorKind::Unavailable), "{failed:?}");
    let after = pids(&pool, 4).await;
    assert!(after.iter().all(|pid| !before.contains(pid)));
    assert!(before.iter().all(|pid| state(*pid).is_none()), "no zombie stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_its_sleep_is_replaced_before_the_next_call() {
    let pool = pool();
    let [pid] = pids(&pool, 1).await[..] else { panic!() };
    kill(pid);
    until("the zombie is waited for", || state(pid).is_none());
    works(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_pool_is_the_end_of_its_processes() {
    let pool = PythonWorkers::new(WorkerSettings { count: 2, ..settings() }).unwrap();
    pool.start().await.unwrap();
    let [one, two] = pids(&pool, 4).await[..] else { panic!() };
    assert!(children().contains_key(&one) && children().contains_key(&two));
    pool.stop();
    assert_eq!((state(one), state(two)), (None, None));
    let error = call(&pool, &doubling(), &[1]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_started_ends_with_its_worker() {
    let pool = pool();
    let text = "def f(inputs):\n    import subprocess\n    \
                return {'r': [subprocess.Popen(['sleep', '600']).pid]}\n";
    let answer = call(&pool, &function(Mode::Python, text), &[1]).await.unwrap();
    let numbers =
        arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Int64Type>(&answer[0]);
    let grandchild = u32::try_from(numbers.value(0)).unwrap();
    assert!(state(grandchild).is_some());
    pool.stop();
    until("the grandchild ends", || state(grandchild).is_none_or(|state| state == 'Z'));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_stops_waits_for_no_endless_function() {
    let timeout = Duration::from_mins(10);
    let pool = Arc::new(PythonWorkers::new(WorkerSettings { timeout, ..settings() }).unwrap());
    pool.start().await.unwrap();
    let endless = function(Mode::Python, "def f(inputs):\n    while True: pass\n");
    let asking = {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { call(&pool, &endless, &[1]).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::task::spawn_blocking(move || pool.stop()).await.unwrap();
    let error = tokio::time::timeout(Duration::from_secs(5), asking).await.unwrap().unwrap();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_the_queue_are_refused_at_once() {
    let pool = PythonWorkers::new(WorkerSettings { queue: 2, ..settings() }).unwrap();
    pool.start().await.unwrap();
    let slow = function(
        Mode::Python,
        "def f(inputs):\n    import time\n    time.sleep(1)\n    return {'r': inputs['a']}\n",
    );
    let answers = futures_of((0..6).map(|_| call(&pool, &slow, &[1]))).await;
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!((3..=4).contains(&refused.len()), "{refused:?}");
    assert!(refused.iter().all(|error| error.kind() == ErrorKind::Unavailable));
}
