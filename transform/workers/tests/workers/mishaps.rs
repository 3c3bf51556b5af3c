//! Functions that crash, hang, hoard or raise.

use std::time::{Duration, Instant};

use larder_core::{ErrorKind, ValueType};
use larder_transform::Mode;
use larder_transform_workers::{PythonWorkers, WorkerSettings};

use crate::fixture::{call, function, pool, returning, settings, works};

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_ends_its_process_fails_alone() {
    let pool = pool();
    for ending in ["import os; os._exit(3)", "import os; os.kill(os.getpid(), 11)"] {
        let crash = function(Mode::Python, &format!("def f(inputs):\n    {ending}\n"));
        let error = call(&pool, &crash, &[1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.message().contains("\"careless\""), "{error}");
        works(&pool).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_ends_at_its_time_and_not_later() {
    let timeout = Duration::from_millis(700);
    let pool = PythonWorkers::new(WorkerSettings { timeout, ..settings() }).unwrap();
    pool.start().await.unwrap();
    for endless in ["while True: pass", "import time; time.sleep(3600)"] {
        let start = Instant::now();
        let endless = function(Mode::Python, &format!("def f(inputs):\n    {endless}\n"));
        let error = call(&pool, &endless, &[1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
        assert!(start.elapsed() >= timeout, "{:?}", start.elapsed());
        assert!(error.hint().is_some());
        works(&pool).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_hog_is_stopped_and_the_worker_goes_on() {
    let pool = pool();
    let hogs = [
        (Mode::Python, "def f(inputs):\n    return {'r': [len(bytearray(1 << 30))]}\n"),
        (Mode::Pandas, "def f(df):\n    df['r'] = np.ones(1 << 28)[:1]\n    return df\n"),
    ];
    for (mode, hog) in hogs {
        let error = call(&pool, &function(mode, hog), &[1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.hint().unwrap().contains("memory_limit"), "{error}");
        works(&pool).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_raises_is_told_at_its_line() {
    let pool = pool();
    let cases = [
        // The decorator is of the text, and not there.
        (
            "@on_demand_feature_view(\n    mode=\"python\",\n)\ndef f(inputs):\n    x = 1\n    return {'r': [1 // 0]}\n",
            6,
        ),
        ("def f(inputs):\n    def g(a):\n        return a['b']\n    return {'r': [g({})]}\n", 3),
        ("def f(inputs):\n    return {'r': [math.pi]}\n", 2),
        ("x = missing\ndef f(inputs):\n    return {}\n", 1),
        ("def f(inputs):\n    return {'r' [1]}\n", 2),
        ("def f(inputs):\n    raise SystemExit(1)\n", 2),
        ("f = lambda inputs: {'r': [1]}\n", 1),
        ("def f(inputs):\n    return {}\n", 1),
        ("def f(inputs):\n    return None\n", 1),
        ("def f(inputs):\n    return {'r': [1, 2, 3]}\n", 1),
        ("def f(inputs):\n    return {'r': [2 ** 70, 1]}\n", 1),
        ("def f(inputs):\n    return {'r': ['one', 'two']}\n", 1),
    ];
    for (text, line) in cases {
        let error = call(&pool, &function(Mode::Python, text), &[1, 2]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}: {error}");
        assert_eq!(error.location().unwrap().line, line, "{text}: {error}");
        assert!(error.message().contains("\"careless\""), "{error}");
    }
    works(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_prints_and_closes_harms_nobody() {
    let pool = pool();
    let loud = "def f(inputs):\n    import os, sys\n    print('x' * 100000)\n    os.write(1, b'y' * 70000)\n    \
                sys.stderr.write('z')\n    os.close(0)\n    os.close(1)\n    return {'r': inputs['a']}\n";
    call(&pool, &function(Mode::Python, loud), &[1]).await.unwrap();
    works(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_sees_no_environment_no_descriptors_and_a_folder_of_its_own() {
    let pool = pool();
    let text = "def f(inputs):\n    import os\n    \
                open('mine', 'w').close()\n    \
                sockets = [x for x in os.listdir('/proc/self/fd') if int(x) > 2]\n    \
                return {'r': [' '.join(sorted(os.environ)) + '|' + os.getcwd() + '|' + str(len(sockets))]}\n";
    let answer =
        call(&pool, &returning(Mode::Python, text, ValueType::String), &[1]).await.unwrap();
    let answer = arrow_array::cast::AsArray::as_string::<i32>(&answer[0]).value(0).to_owned();
    let [names, folder, descriptors] = answer.split('|').collect::<Vec<_>>()[..] else { panic!() };
    // Cargo set these for this test; the worker has none of them.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(
        names.split(' ').all(|name| !name.starts_with("CARGO") && !name.starts_with("FS_")),
        "{names}"
    );
    assert!(folder.contains("larder-worker-"), "{folder}");
    // Its socket, the null device and the listing itself.
    assert!(descriptors.parse::<u32>().unwrap() <= 4, "{descriptors}");
    drop(pool);
    assert!(!std::path::Path::new(folder).try_exists().unwrap());
}
