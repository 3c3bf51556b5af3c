//! What running jobs say of themselves, for `fs stream status`: a small file per job and instance beside its state.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use larder_core::{Clock as _, Error, Timestamp};
use larder_registry::RepoConfig;
use larder_stream_features::{Committed, RunObserver, Taken};
use serde::{Deserialize, Serialize};

use crate::clock::SystemClock;
use crate::compose::stream_folder;
use crate::times;

/// How often a file is renewed.
const INTERVAL: Duration = Duration::from_secs(2);

/// A file that is older is of an instance that died, in seconds.
const STALE: i64 = 15;

/// How an instance does with a job, counted from its start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Vitals {
    pub(super) instance: String,
    process: u32,
    updated: String,
    pub(super) events: u64,
    /// Lately.
    events_per_second: f64,
    /// Behind the watermark, and still counted.
    pub(super) late: u64,
    pub(super) rows: u64,
    pub(super) dead_letters: u64,
    /// How long the last commit took.
    pub(super) commit_milliseconds: Option<u64>,
    /// Of the state that it wrote.
    commit_bytes: Option<u64>,
    watermark: Option<String>,
    /// How far the watermark is behind the clock.
    watermark_delay_seconds: Option<f64>,
}

impl Vitals {
    /// Events a second, lately.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded rate")]
    pub(super) fn rate(&self) -> u64 {
        self.events_per_second as u64
    }

    /// Seconds that the watermark is behind the clock.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds")]
    pub(super) fn delay(&self) -> Option<u64> {
        self.watermark_delay_seconds.map(|delay| delay.max(0.0) as u64)
    }
}

/// A job with when its file was renewed, and its events then.
#[derive(Debug)]
struct Watched {
    vitals: Vitals,
    renewed: Instant,
    events: u64,
}

/// Keeps the files of an instance; they are gone when it ends.
#[derive(Debug)]
pub(super) struct Recorder {
    folder: PathBuf,
    instance: String,
    jobs: Mutex<HashMap<String, Watched>>,
}

impl Recorder {
    /// Of the jobs of a repository that this instance runs.
    pub(super) fn new(config: &RepoConfig, instance: &str) -> Arc<Self> {
        let instance = instance.to_owned();
        Arc::new(Self { folder: stream_folder(config, ""), instance, jobs: Mutex::default() })
    }

    /// An observer that passes on what it is told.
    pub(super) fn observer(self: &Arc<Self>, told: Arc<dyn RunObserver>) -> Arc<dyn RunObserver> {
        Arc::new(Recorded { told, recorder: Arc::clone(self) })
    }

    fn path(&self, job: &str) -> PathBuf {
        self.folder.join(job).join(format!("running.{}.json", self.instance))
    }

    fn change(&self, job: &str, change: impl FnOnce(&mut Vitals)) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = jobs.entry(job.to_owned()).or_insert_with(|| Watched {
            vitals: Vitals {
                instance: self.instance.clone(),
                process: std::process::id(),
                ..Vitals::default()
            },
            renewed: Instant::now(),
            events: 0,
        });
        change(&mut watched.vitals);
        let passed = watched.renewed.elapsed();
        if passed < INTERVAL && !watched.vitals.updated.is_empty() {
            return;
        }
        let now = SystemClock.now();
        let vitals = &mut watched.vitals;
        let events = vitals.events - watched.events;
        vitals.events_per_second = (events as f64 / passed.as_secs_f64().max(1.0)).round();
        vitals.updated = times::iso(now);
        (watched.renewed, watched.events) = (Instant::now(), vitals.events);
        self.renew(job, vitals);
    }

    /// Nobody depends on the file: what cannot be written is left.
    fn renew(&self, job: &str, vitals: &Vitals) {
        let path = self.path(job);
        let part = path.with_extension("part");
        let Ok(text) = serde_json::to_vec(vitals) else { return };
        let renewed = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, &path));
        if let Err(error) = renewed {
            tracing::debug!("{} cannot be written: {error}", path.display());
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        for job in jobs.keys() {
            // Else it is stale in a moment.
            drop(std::fs::remove_file(self.path(job)));
        }
    }
}

#[derive(Debug)]
struct Recorded {
    told: Arc<dyn RunObserver>,
    recorder: Arc<Recorder>,
}

impl RunObserver for Recorded {
    fn held_back(&self, job: &str, error: &Error, pause: Duration) {
        self.told.held_back(job, error, pause);
    }

    fn went_on(&self, job: &str) {
        self.told.went_on(job);
    }

    fn took(&self, job: &str, taken: &Taken) {
        self.told.took(job, taken);
        self.recorder.change(job, |vitals| {
            vitals.events += taken.events;
            vitals.late += taken.late;
            vitals.rows += taken.rows;
            vitals.dead_letters += taken.dead_letters.iter().sum::<u64>();
            if let Some(watermark) = taken.watermark {
                vitals.watermark = Some(times::iso(watermark));
                let behind = SystemClock.now().micros().saturating_sub(watermark.micros());
                vitals.watermark_delay_seconds = Some((behind / 1_000) as f64 / 1e3);
            }
        });
    }

    fn committed(&self, job: &str, commit: &Committed) {
        self.told.committed(job, commit);
        self.recorder.change(job, |vitals| {
            vitals.commit_milliseconds = u64::try_from(commit.took.as_millis()).ok();
            vitals.commit_bytes = Some(commit.written);
        });
    }

    fn gave_up(&self, job: &str, uncommitted: u64, error: &Error) {
        self.told.gave_up(job, uncommitted, error);
    }
}

/// What the instances say that run a job now from this repository, by their names.
pub(super) fn running(config: &RepoConfig, job: &str, now: Timestamp) -> Vec<Vitals> {
    let entries = std::fs::read_dir(stream_folder(config, job)).into_iter().flatten();
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("running.") && path.extension().is_some_and(|end| end == "json")
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_one);
    let mut found: Vec<Vitals> = paths.filter_map(|path| fresh(&path, now)).collect();
    found.sort_by(|a, b| a.instance.cmp(&b.instance));
    found
}

fn fresh(path: &std::path::Path, now: Timestamp) -> Option<Vitals> {
    let renewed = path.metadata().ok()?.modified().ok()?;
    let renewed = renewed.duration_since(std::time::UNIX_EPOCH).ok()?;
    let age = now.micros() / 1_000_000 - i64::try_from(renewed.as_secs()).ok()?;
    let vitals = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (age <= STALE).then_some(vitals)
}
