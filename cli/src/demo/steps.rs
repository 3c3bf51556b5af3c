//! Numbered steps with timings; a spinner on a terminal while one runs.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use larder_core::Result;

use crate::output;

/// Prints one line per step when it is done.
#[derive(Debug)]
pub(super) struct Steps {
    started: Instant,
    done: usize,
    total: usize,
}

impl Steps {
    /// That many steps to come.
    pub(super) fn new(total: usize) -> Self {
        Self { started: Instant::now(), done: 0, total }
    }

    /// Time since the first step began.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Runs one step. It answers its result and what to say about it.
    ///
    /// # Errors
    /// Those of the step, with its title.
    pub(super) fn run<T>(
        &mut self,
        title: &str,
        step: impl FnOnce() -> Result<(T, String)>,
    ) -> Result<T> {
        self.done += 1;
        let number = format!("[{}/{}]", self.done, self.total);
        let spinner = spinner(format!("{number} {title}"));
        let start = Instant::now();
        let outcome = step();
        spinner.finish_and_clear();
        let (value, said) = outcome.map_err(|error| error.context(title))?;
        output::line(format!("{number} {title:<24} {:>8}  {said}", seconds(start.elapsed())))?;
        Ok(value)
    }
}

fn spinner(message: String) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]")
        .expect("the template is well-formed");
    let bar = ProgressBar::new_spinner().with_style(style).with_message(message);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// A duration in seconds with two digits.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
