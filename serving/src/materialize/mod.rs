//! Rows moved from the offline to the online store at a client's request, as `fs materialize` moves them.

mod jobs;
mod refusal;

use std::sync::Arc;

use larder_core::{Catalog, Compat, Error, FeatureView, Interval, Result, Timestamp};
use larder_materializer::{
    Materializer, PrecomputedService, Silent, ViewTask, full, incremental, select_views_at,
};

use crate::FeatureServer;
use crate::feast_words::FeastWords;
use crate::on_demand::Functions;
use crate::on_write::ComputedOffline;

pub(crate) use jobs::{Jobs, jobs};
use refusal::refuse_as_feast;

/// Which views to materialize over which event times.
#[derive(Debug)]
pub struct MaterializeRequest {
    /// Views; `None` for all that can be.
    pub views: Option<Vec<String>>,
    /// Version of the one view named; only the current one can be written.
    pub version: Option<String>,
    /// Event times, or what is wrong with them. Of several faults Feast 0.67 names those of the version first, then
    /// those of the views, then those of the times.
    pub window: Result<Window>,
}

/// Event times of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// From 1970 until now.
    All,
    /// Both ends included; the start lies before the end.
    Range(Timestamp, Timestamp),
    /// From where each view's last run ended.
    Until(Timestamp),
}

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) project: String,
    pub(crate) tasks: Vec<ViewTask>,
}

impl Run {
    /// The views, in the order of the run.
    pub(crate) fn views(&self) -> Vec<String> {
        self.tasks.iter().map(|task| task.view.name.clone()).collect()
    }
}

impl FeatureServer {
    /// What a request comes to.
    ///
    /// # Errors
    /// As [`select_views_at`]; what is wrong with the window.
    pub(crate) fn materialization(&self, request: MaterializeRequest) -> Result<Run> {
        let snapshot = self.online().catalog().load();
        let catalog = snapshot.catalog();
        if self.online().config().compat == Compat::Feast {
            refuse_as_feast(catalog, request.views.as_deref(), request.version.as_deref())?;
        }
        let views = views(catalog, &request)?;
        let (window, now) = (request.window?, self.online().now());
        let tasks = views
            .into_iter()
            .map(|view| {
                let interval = interval(catalog, &view, window, now)?;
                let task = view_task(catalog, view, interval, self.online().functions())?;
                Ok(match window {
                    Window::Until(_) => task.incremental(self.online().config().overlap),
                    Window::All | Window::Range(..) => task,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Run { project: catalog.project().name.clone(), tasks })
    }

    /// Runs to the end; intervals are recorded as by `fs materialize`.
    ///
    /// # Errors
    /// `Unsupported` when this server has nothing to materialize with; as [`Materializer::run`].
    pub(crate) async fn materialize(&self, run: Run) -> Result<()> {
        let materializer = self.materializer().ok_or_else(cannot)?;
        materialize(materializer, &run).await
    }

    /// Takes up a run that nobody waits for. Views of `run` that wait or run already are answered, and nothing is
    /// taken up then, unless `force`.
    ///
    /// # Errors
    /// `Unsupported` as [`Self::materialize`]; `Unavailable` when too many runs wait.
    pub(crate) fn materialize_later(&self, run: Run, force: bool) -> Result<Vec<String>> {
        self.materializer().ok_or_else(cannot)?;
        self.jobs().ok_or_else(cannot)?.take(run, force)
    }
}

/// The task of a selected view: an on-demand view is computed, vectors of services are made of what is written.
///
/// # Errors
/// `Unsupported` or `Invalid` for an on-demand view that neither compiles nor can be called.
pub fn view_task(
    catalog: &Catalog,
    view: Arc<FeatureView>,
    interval: Interval,
    functions: &Functions,
) -> Result<ViewTask> {
    let computed = catalog.on_demand_feature_views().get(&view.name);
    let task = ViewTask::new(view, catalog.online_versioning(), interval)
        .with_services(&PrecomputedService::all(catalog));
    match computed {
        None => Ok(task),
        Some(view) => Ok(task.computed(Arc::new(ComputedOffline::new(catalog, view, functions)?))),
    }
}

async fn materialize(materializer: &Arc<Materializer>, run: &Run) -> Result<()> {
    materializer.run(&run.project, &run.tasks, &Silent).await.map(drop)
}

fn views(catalog: &Catalog, request: &MaterializeRequest) -> Result<Vec<Arc<FeatureView>>> {
    match request.views.as_deref() {
        // Feast 0.67: an empty list is no view, a missing one is every view.
        Some([]) => Ok(Vec::new()),
        names => select_views_at(catalog, names.unwrap_or_default(), request.version.as_deref()),
    }
}

fn interval(
    catalog: &Catalog,
    view: &FeatureView,
    window: Window,
    now: Timestamp,
) -> Result<Interval> {
    match window {
        Window::All => full(Timestamp::EPOCH, now),
        Window::Range(start, end) => full(start, end),
        Window::Until(end) => Ok(incremental(catalog, view, end, now)),
    }
}

fn cannot() -> Error {
    Error::unsupported("this server cannot materialize").with_hint("use fs materialize")
}

impl Window {
    /// A range that goes forward (Feast 0.67 wants the start before the end here, not on its command line).
    ///
    /// # Errors
    /// `Invalid` for any other.
    pub fn range(start: Timestamp, end: Timestamp) -> Result<Self> {
        if start < end {
            return Ok(Self::Range(start, end));
        }
        let (from, to) = (python_time(start), python_time(end));
        Err(Error::invalid(format!("start_ts {from} does not lie before end_ts {to}")).with_source(
            FeastWords::bare(format!("start_ts ({from}) must be before end_ts ({to})")),
        ))
    }
}

/// As Python prints an aware time: `2026-01-01 00:00:00+00:00`.
fn python_time(time: Timestamp) -> String {
    let mut text = Vec::new();
    larder_proto::wire::timestamp::write_rfc3339(time, &mut text);
    let text = String::from_utf8_lossy(&text).replacen('T', " ", 1);
    format!("{}+00:00", text.trim_end_matches('Z'))
}
