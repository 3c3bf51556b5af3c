//! What a process of a cluster does when this program is started as one.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use larder_core::Result;
use larder_offline_store_ballista::{
    ExecutorOptions, SchedulerOptions, run_executor, run_scheduler,
};

use crate::fixture::{block_on, engine};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Plays `scheduler TIMEOUT` or `executor SCHEDULER_PORT PORT`; `None` for the words of a test run.
pub(crate) fn play(words: &[String]) -> Option<ExitCode> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let played = match words.as_slice() {
        ["scheduler", timeout] => with_the_test(schedule(timeout.parse().unwrap())),
        ["executor", scheduler, port] => {
            let options = ExecutorOptions {
                scheduler: (LOOPBACK.to_string(), scheduler.parse().unwrap()),
                host: LOOPBACK,
                port: port.parse().unwrap(),
                advertised_host: None,
                tasks: 2,
            };
            with_the_test(run_executor(&options, engine(Path::new("/"))))
        }
        _ => return None,
    };
    played.unwrap();
    Some(ExitCode::SUCCESS)
}

async fn schedule(timeout: u64) -> Result<()> {
    let listener = tokio::net::TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr().unwrap().port()).unwrap();
    out.flush().unwrap();
    let options = SchedulerOptions { executor_timeout: Duration::from_secs(timeout) };
    run_scheduler(listener, &options, engine(Path::new("/"))).await
}

/// Plays until the test that started this process is gone, however it ended: then standard input is closed.
fn with_the_test(play: impl Future<Output = Result<()>>) -> Result<()> {
    let (gone, test_is_gone) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        drop(gone);
    });
    block_on(async {
        tokio::select! {
            played = play => played,
            _ = test_is_gone => Ok(()),
        }
    })
}
