//! The real programs that tests and benchmarks run against, kept below `target/services`.
//!
//! Servers that a single test needs (`fs serve`, `feast serve`) are started and stopped by that
//! test; what stands here is installed once and shared.

mod cassandra;
mod debian;
mod feast;
mod flink;
mod jars;
mod java;
mod kafka;
mod peers;
mod process;
mod python;
mod redis;
mod s3;
#[cfg(test)]
mod scripted;

use std::ffi::OsString;

use anyhow::{Context as _, Result, bail};

use crate::cli::ServicesAction;
use crate::workspace::{Workspace, step};
use cassandra::Cassandra;
pub(crate) use debian::require_build_tools;
use feast::FeastEnvironment;
use flink::Flink;
use kafka::Kafka;
use peers::Peers;
use redis::Redis;
use s3::S3;

/// One program that tests run against.
pub(crate) trait Service {
    /// Name for people.
    fn name(&self) -> &'static str;

    /// Installs what is missing and begins to start, without waiting for an answer.
    ///
    /// Returns whether something was started that has to be stopped again.
    fn start(&self) -> Result<bool>;

    /// Waits until it answers; where it does.
    fn wait(&self) -> Result<String>;

    /// Where it answers, `None` when it is not installed or not running.
    fn status(&self) -> Result<Option<String>>;

    /// Stops it; does nothing when it is not running.
    fn stop(&self) -> Result<()>;

    /// What tests read to find it.
    fn environment(&self) -> Result<Vec<(&'static str, OsString)>>;
}

/// Every service that tests use, the slowest to start first.
pub(crate) fn all(workspace: &Workspace) -> Vec<Box<dyn Service>> {
    vec![
        Box::new(Cassandra::of(workspace)),
        Box::new(Kafka::of(workspace)),
        Box::new(S3::of(workspace)),
        Box::new(Redis::of(workspace)),
        Box::new(FeastEnvironment::of(workspace)),
    ]
}

/// The services with these names; those that tests use if there is none.
pub(crate) fn named(workspace: &Workspace, names: &[String]) -> Result<Vec<Box<dyn Service>>> {
    let mut services = all(workspace);
    if names.iter().any(|name| name == "peers") {
        services.push(Box::new(Peers::of(workspace)));
    }
    if names.iter().any(|name| name == "flink") {
        services.push(Box::new(Flink::of(workspace)));
    }
    if let Some(unknown) =
        names.iter().find(|name| services.iter().all(|service| service.name() != name.as_str()))
    {
        let known: Vec<&str> = services.iter().map(|service| service.name()).collect();
        bail!("there is no service \"{unknown}\": the services are {}", known.join(", "));
    }
    services.retain(|service| names.is_empty() || names.iter().any(|name| name == service.name()));
    Ok(services)
}

/// Installs, reports on, or stops the services with these names, all if there is none.
pub(crate) fn run(workspace: &Workspace, action: ServicesAction, names: &[String]) -> Result<()> {
    let services = named(workspace, names)?;
    match action {
        ServicesAction::Up => up(&services),
        ServicesAction::Status => services.iter().try_for_each(|service| {
            let status = service.status()?;
            let place = status.as_deref().unwrap_or("not there; `cargo xtask services up`");
            println!("{}: {place}", service.name());
            Ok(())
        }),
        ServicesAction::Down => services.iter().try_for_each(|service| {
            service.stop().with_context(|| format!("cannot stop {}", service.name()))?;
            println!("{}: nothing of it is running", service.name());
            Ok(())
        }),
    }
}

fn up(services: &[Box<dyn Service>]) -> Result<()> {
    for service in services {
        step(service.name(), || service.start())?;
    }
    for service in services {
        println!("{}: {}", service.name(), service.wait()?);
        for (name, value) in service.environment()? {
            println!("    {name}={}", value.display());
        }
    }
    Ok(())
}

/// Services for the time of one command: what it started is stopped when this goes, what ran before
/// stays.
pub(crate) struct Started {
    services: Vec<Box<dyn Service>>,
    ours: Vec<usize>,
}

impl Started {
    /// Installs and begins to start them.
    pub(crate) fn new(services: Vec<Box<dyn Service>>) -> Result<Self> {
        let mut started = Self { services, ours: Vec::new() };
        for at in 0..started.services.len() {
            let service = &started.services[at];
            let is_ours = step(service.name(), || service.start())?;
            if is_ours {
                started.ours.push(at);
            }
        }
        Ok(started)
    }

    /// Waits until all of them answer; what tests read to find them.
    pub(crate) fn ready(&self) -> Result<Vec<(&'static str, OsString)>> {
        let mut environment = Vec::new();
        for service in &self.services {
            service.wait().with_context(|| format!("{} does not answer", service.name()))?;
            environment.extend(service.environment()?);
        }
        Ok(environment)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        for &at in &self.ours {
            let service = &self.services[at];
            if let Err(error) = service.stop() {
                eprintln!("warning: cannot stop {}: {error:#}", service.name());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// Records what happens to it.
    struct Recorded {
        starts: bool,
        stops: Rc<RefCell<u32>>,
    }

    impl Service for Recorded {
        fn name(&self) -> &'static str {
            "recorded"
        }

        fn start(&self) -> Result<bool> {
            Ok(self.starts)
        }

        fn wait(&self) -> Result<String> {
            Ok(String::new())
        }

        fn status(&self) -> Result<Option<String>> {
            Ok(None)
        }

        fn stop(&self) -> Result<()> {
            *self.stops.borrow_mut() += 1;
            Ok(())
        }

        fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
            Ok(vec![("FS_TEST_X", OsString::from("1"))])
        }
    }

    #[test]
    fn services_are_chosen_by_name() {
        let workspace = Workspace::at(std::path::Path::new("nowhere"));
        let names = |chosen: &[&str]| -> Result<Vec<&str>> {
            let chosen: Vec<String> = chosen.iter().map(|name| (*name).to_owned()).collect();
            Ok(named(&workspace, &chosen)?.iter().map(|service| service.name()).collect())
        };
        assert_eq!(names(&["redis"]).unwrap(), ["redis"]);
        assert_eq!(names(&[]).unwrap().len(), all(&workspace).len());
        assert!(names(&["redis", "rediss"]).is_err());
    }

    #[test]
    fn only_what_a_command_started_is_stopped_with_it() {
        for starts in [true, false] {
            let stops = Rc::default();
            let service = Recorded { starts, stops: Rc::clone(&stops) };
            let started = Started::new(vec![Box::new(service)]).unwrap();
            assert_eq!(started.ready().unwrap().len(), 1);
            drop(started);
            assert_eq!(*stops.borrow(), u32::from(starts));
        }
    }
}
