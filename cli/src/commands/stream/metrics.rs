//! The metrics of running jobs, served beside them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use larder_core::{Error, Result};
use larder_online_store::StoreObserver;
use larder_serving::{Addresses, Listeners, StreamMetrics};
use larder_stream_features::{Fault, JobDefinition};
use tokio::sync::watch;

use super::super::serve::resolve;
use crate::clock::SystemClock;
use crate::report;

/// Where metrics are served unless an address is named.
pub(super) const DEFAULT_ADDRESS: &str = "127.0.0.1:8001";

/// Metrics of jobs on a page of their own, on a thread of its own: jobs that are busy keep no scraper waiting. It ends
/// with this value.
#[derive(Debug)]
pub(super) struct MetricsPage {
    metrics: Arc<StreamMetrics>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl MetricsPage {
    /// Serves the metrics of these jobs on `HOST:PORT`, or a port of the loopback address; port 0 takes a free one.
    ///
    /// # Errors
    /// `Invalid` for what is no address; `Unavailable` when nobody can listen there.
    pub(super) fn open(address: &str, jobs: &[JobDefinition]) -> Result<Self> {
        let address = parse(address)?;
        let names: Vec<&str> = jobs.iter().map(JobDefinition::name).collect();
        let faults = Fault::ALL.map(Fault::as_str);
        let metrics = Arc::new(StreamMetrics::new(&names, &faults, Arc::new(SystemClock))?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let failed = |error| Error::internal("metrics cannot be served").with_source(error);
        let runtime = runtime.map_err(failed)?;
        let addresses = Addresses { metrics: Some(address), ..Addresses::default() };
        let listeners = runtime.block_on(Listeners::bind(addresses))?;
        if let Some(address) = listeners.metrics() {
            report::note(format_args!("serving metrics on http://{address}/metrics"));
        }
        let (stop, stopped) = watch::channel(false);
        let page = Arc::clone(&metrics);
        let serve = move || {
            if let Err(error) = runtime.block_on(page.serve(listeners, stopped)) {
                tracing::error!("metrics are not served: {error}");
            }
        };
        let thread = std::thread::Builder::new().name("metrics".to_owned()).spawn(serve);
        Ok(Self { metrics, stop, thread: Some(thread.map_err(failed)?) })
    }

    /// What the page shows.
    pub(super) fn metrics(&self) -> &Arc<StreamMetrics> {
        &self.metrics
    }

    /// Who watches the online store.
    pub(super) fn of_store(&self) -> Arc<dyn StoreObserver> {
        Arc::clone(&self.metrics) as Arc<dyn StoreObserver>
    }
}

impl Drop for MetricsPage {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // A page that panicked has said so.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn parse(text: &str) -> Result<SocketAddr> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => (host.trim_matches(['[', ']']), port),
        Some((_, port)) => ("127.0.0.1", port),
        None => ("127.0.0.1", text),
    };
    let port = port.parse().map_err(|error| {
        Error::invalid(format!("\"{text}\" is no address to serve metrics on"))
            .with_source(error)
            .with_hint("--metrics=HOST:PORT, or --metrics=PORT on the loopback address")
    })?;
    resolve(host, port)
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn an_address_is_a_port_or_a_host_with_one() {
        for (text, expected) in [
            (DEFAULT_ADDRESS, "127.0.0.1:8001"),
            ("9000", "127.0.0.1:9000"),
            (":9000", "127.0.0.1:9000"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::1]:9000", "[::1]:9000"),
        ] {
            assert_eq!(parse(text).unwrap(), expected.parse().unwrap(), "{text}");
        }
        for text in ["", "here", "127.0.0.1", "127.0.0.1:70000"] {
            assert_eq!(parse(text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
    }
}
