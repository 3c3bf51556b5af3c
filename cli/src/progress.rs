//! Progress of long commands: Feast's lines on standard output, bars on a terminal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use larder_materializer::{Counts, Progress};

use crate::{output, report};

/// Prints a line when a view begins, a bar while it runs, and a summary when it ends.
#[derive(Debug, Default)]
pub(crate) struct ViewProgress {
    /// What is printed when a view begins, by view; nothing for views without.
    headings: HashMap<String, String>,
    bars: MultiProgress,
    running: Mutex<HashMap<String, Running>>,
}

/// The bar of a view that is worked on.
#[derive(Debug)]
struct Running {
    bar: ProgressBar,
    /// Rows that were written before the run began.
    begun: u64,
}

const TICK: Duration = Duration::from_millis(100);

impl ViewProgress {
    /// Progress that announces views with these headings.
    pub(crate) fn new(headings: HashMap<String, String>) -> Self {
        Self { headings, ..Self::default() }
    }

    /// The bar of a view, taken away from the running ones.
    fn end(&self, view: &str) {
        let bar = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(view);
        if let Some(Running { bar, .. }) = bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for ViewProgress {
    fn started(&self, view: &str) {
        if let Some(heading) = self.headings.get(view) {
            // A closed standard output is noticed by the command's last line.
            drop(output::line(heading));
        }
        let style =
            ProgressStyle::with_template("{spinner} {prefix}: {human_pos} rows {msg} [{elapsed}]")
                .expect("the template is well-formed");
        let bar = self.bars.add(ProgressBar::new_spinner().with_style(style));
        bar.set_prefix(view.to_owned());
        bar.enable_steady_tick(TICK);
        let running = Running { bar, begun: 0 };
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(view.to_owned(), running);
    }

    fn planned(&self, view: &str, rows: u64, done: u64) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Running { bar, begun }) = running.get_mut(view) {
            *begun = done;
            let style = "{spinner} {prefix}: {percent} %, {human_pos} of {human_len} rows {msg} [{elapsed}, {eta} left]";
            bar.set_style(
                ProgressStyle::with_template(style).expect("the template is well-formed"),
            );
            bar.set_length(rows);
            bar.set_position(done);
            bar.reset_eta();
        }
        if done > 0 {
            let percent = u128::from(done) * 100 / u128::from(rows.max(1));
            report::note(format_args!("{view}: resumed at {percent} % ({done} of {rows} rows)"));
        }
    }

    fn advanced(&self, view: &str, counts: Counts) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Running { bar, begun }) = running.get(view) {
            bar.set_position(begun + counts.read);
            bar.set_message(format!("read, {} written", counts.written));
        }
    }

    fn finished(&self, view: &str, counts: Counts) {
        self.end(view);
        report::note(format_args!("{view}: {}", summary(counts)));
        if counts.null_keys > 0 {
            report::warning(format_args!(
                "{view}: {} rows with a null join key were left out",
                counts.null_keys
            ));
        }
    }

    fn failed(&self, view: &str) {
        self.end(view);
    }
}

/// A bar that counts rows, without an end that is known.
#[derive(Debug)]
pub(crate) struct RowProgress(ProgressBar);

impl RowProgress {
    /// A bar with this in front.
    pub(crate) fn new(what: String) -> Self {
        let style = ProgressStyle::with_template(
            "{spinner} {prefix}: {human_pos} rows, {per_sec} [{elapsed}]",
        )
        .expect("the template is well-formed");
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.set_prefix(what);
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// So many rows were seen by now.
    pub(crate) fn at(&self, rows: u64) {
        self.0.set_position(rows);
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// The counts in words.
pub(crate) fn summary(counts: Counts) -> String {
    let mut parts =
        vec![format!("{} rows read", counts.read), format!("{} written", counts.written)];
    if counts.older > 0 {
        parts.push(format!("{} older than what is stored", counts.older));
    }
    if counts.null_keys > 0 {
        parts.push(format!("{} without a key", counts.null_keys));
    }
    parts.join(", ")
}
