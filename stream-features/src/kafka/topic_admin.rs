//! Topics and groups of a cluster, as an administrator sees them.

use std::collections::BTreeMap;
use std::fmt;

use larder_core::{Error, ErrorKind, Result};
use rdkafka::Offset;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::client::Logged;
use super::consumer::{PATIENCE, blocking, list};
use super::error::{coded, failed};
use super::{KafkaConnection, TopicSpec, TopicState};

/// Looks at topics of a cluster and makes them. Deletes nothing.
pub struct TopicAdmin {
    client: std::sync::Arc<AdminClient<Logged>>,
}

impl TopicAdmin {
    /// For the cluster of a connection.
    ///
    /// # Errors
    /// `Invalid` for properties that cannot be.
    pub fn new(connection: &KafkaConnection) -> Result<Self> {
        let client = connection
            .client()
            .create_with_context(Logged::default())
            .map_err(|error| failed("no Kafka client can be made", &error))?;
        Ok(Self { client: std::sync::Arc::new(client) })
    }

    /// The topics of a cluster that have one of these names.
    ///
    /// # Errors
    /// `Unavailable` when no broker answers; `PermissionDenied` when this user may not look at them.
    pub async fn existing(&self, names: &[&str]) -> Result<BTreeMap<String, TopicState>> {
        let client = std::sync::Arc::clone(&self.client);
        let metadata = blocking(move || client.inner().fetch_metadata(None, PATIENCE)).await?;
        let metadata = metadata.map_err(|error| {
            let refusal = self.client.inner().context().refusal();
            failed("topics cannot be listed", &refusal.unwrap_or(error))
        })?;
        let mut found = BTreeMap::new();
        for topic in metadata.topics().iter().filter(|topic| names.contains(&topic.name())) {
            let copies = topic.partitions().first().map_or(0, |one| one.replicas().len());
            let state = TopicState {
                partitions: i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX),
                replication: i32::try_from(copies).unwrap_or(i32::MAX),
                config: BTreeMap::new(),
            };
            found.insert(topic.name().to_owned(), state);
        }
        self.read_settings(&mut found).await?;
        Ok(found)
    }

    async fn read_settings(&self, topics: &mut BTreeMap<String, TopicState>) -> Result<()> {
        let names: Vec<String> = topics.keys().cloned().collect();
        let asked: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let what = "settings of topics cannot be read";
        let described = self.client.describe_configs(&asked, &options(false)).await;
        let described = described.map_err(|error| failed(what, &error))?;
        for (name, resource) in names.iter().zip(described) {
            let resource =
                resource.map_err(|code| coded(format_args!("topic \"{name}\""), code))?;
            let Some(state) = topics.get_mut(name) else { continue };
            let entries = resource.entries.into_iter();
            state.config = entries.filter_map(|entry| Some((entry.name, entry.value?))).collect();
        }
        Ok(())
    }

    /// Makes a topic with so many copies of every partition, or merely asks the cluster whether it would.
    ///
    /// # Errors
    /// `Invalid` for what the cluster refuses, such as more copies than it has brokers; as
    /// [`existing`](Self::existing). One that somebody else made in the meantime is no error.
    pub async fn create(
        &self,
        name: &str,
        spec: &TopicSpec,
        copies: i32,
        is_dry: bool,
    ) -> Result<()> {
        let settings = spec.settings();
        let topic = settings.iter().fold(
            NewTopic::new(name, spec.partitions, TopicReplication::Fixed(copies)),
            |topic, (key, value)| topic.set(key, value),
        );
        let made = self.client.create_topics(&[topic], &options(is_dry)).await;
        done(name, made.map_err(|error| failed(format_args!("topic \"{name}\""), &error))?)
    }

    /// Forgets the offsets of a consumer group that nobody is a member of.
    ///
    /// # Errors
    /// `AlreadyExists` when it has members.
    pub async fn forget_group(&self, group: &str) -> Result<()> {
        let forgotten = self.client.delete_groups(&[group], &options(false)).await;
        let what = format!("consumer group \"{group}\"");
        for result in forgotten.map_err(|error| failed(&what, &error))? {
            match result {
                Ok(_) | Err((_, Code::GroupIdNotFound)) => {}
                Err((_, Code::NonEmptyGroup)) => {
                    let error = Error::new(ErrorKind::AlreadyExists, format!("{what} has members"));
                    return Err(error.with_hint("end the instances of the job first"));
                }
                Err((_, code)) => return Err(coded(&what, code)),
            }
        }
        Ok(())
    }

    /// Removes all messages of a topic; one that does not exist has none.
    ///
    /// # Errors
    /// `PermissionDenied` when this user may not delete from it; as [`existing`](Self::existing).
    pub async fn empty(&self, topic: &str) -> Result<()> {
        let what = format!("messages of topic \"{topic}\"");
        let found = self.existing(&[topic]).await?;
        let partitions = 0..found.get(topic).map_or(0, |state| state.partitions);
        let ends = list(topic, partitions.map(|partition| (partition, Offset::End)))?;
        if ends.count() == 0 {
            return Ok(());
        }
        let removed = self.client.delete_records(&ends, &options(false)).await;
        let removed = removed.map_err(|error| failed(&what, &error))?;
        for element in removed.elements() {
            element.error().map_err(|error| failed(&what, &error))?;
        }
        Ok(())
    }

    /// Raises the number of partitions.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn grow(&self, name: &str, partitions: i32, is_dry: bool) -> Result<()> {
        let count = usize::try_from(partitions).unwrap_or_default();
        let wanted = [NewPartitions::new(name, count)];
        let made = self.client.create_partitions(&wanted, &options(is_dry)).await;
        done(name, made.map_err(|error| failed(format_args!("topic \"{name}\""), &error))?)
    }
}

pub(super) fn options(is_dry: bool) -> AdminOptions {
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    options.operation_timeout(Some(PATIENCE)).validate_only(is_dry)
}

fn done(name: &str, results: Vec<std::result::Result<String, (String, Code)>>) -> Result<()> {
    for result in results {
        match result {
            Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(coded(format_args!("topic \"{name}\""), code)),
        }
    }
    Ok(())
}

impl fmt::Debug for TopicAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicAdmin").finish_non_exhaustive()
    }
}
