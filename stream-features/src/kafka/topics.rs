//! Topics as a repository wants them, and as a cluster has them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use larder_core::{Error, ErrorKind, Location, Result};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::definition::Micros;

/// Messages are removed by whole segments: smaller ones than usual.
const SEGMENT_BYTES: &str = "52428800";

/// The file with the topics of a repository, relative to it.
pub(crate) const FILE: &str = "streams/topics.yaml";

/// The topics of a repository.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// Copies of every partition, unless a topic says otherwise.
    pub replication: Option<i32>,
    #[serde(default)]
    topics: BTreeMap<String, Spanned<TopicSpec>>,
}

/// A topic as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// Partitions.
    pub partitions: i32,
    /// How long messages are kept; the broker's own when left out.
    retention: Option<Retention>,
    /// What becomes of old messages.
    #[serde(default)]
    pub cleanup: Cleanup,
    /// Copies of every partition; those of all topics when left out.
    pub replication: Option<i32>,
    /// Further settings under Kafka's names.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
}

/// What becomes of old messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cleanup {
    /// They go when the retention is over.
    #[default]
    Delete,
    /// The latest of every key stays.
    Compact,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Retention {
    Infinite(Infinite),
    For(Micros),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Infinite {
    Infinite,
}

/// A topic as a cluster has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicState {
    /// Partitions.
    pub partitions: i32,
    /// Copies of every partition.
    pub replication: i32,
    /// Settings under Kafka's names.
    pub config: BTreeMap<String, String>,
}

/// A setting that is not as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `partitions`, `replication`, or Kafka's name of the setting.
    pub setting: String,
    /// What the cluster has.
    pub found: String,
    /// What the repository wants.
    pub wanted: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.setting, self.found, self.wanted)
    }
}

impl Topics {
    /// Reads `streams/topics.yaml` of a repository; none when there is no such file.
    ///
    /// # Errors
    /// `Invalid` with file and line for what is no topic.
    pub fn load(repository: &Path) -> Result<Self> {
        let path = repository.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                let message = format!("{} cannot be read", path.display());
                return Err(Error::new(ErrorKind::Unavailable, message).with_source(error));
            }
        };
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        let topics: Self = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let message = error.without_snippet().to_string();
            let line = error.location().map_or(1, |at| u32::try_from(at.line()).unwrap_or(1));
            let first = message.lines().next().unwrap_or_default().trim_end_matches('.');
            Error::invalid(format!("not a list of topics: {first}")).with_location(place(line))
        })?;
        for (name, spec) in &topics.topics {
            let line = u32::try_from(spec.referenced.line()).unwrap_or(1).max(1);
            check(name, &spec.value).map_err(|error| error.with_location(place(line)))?;
        }
        Ok(topics)
    }

    /// The topics with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TopicSpec)> {
        self.topics.iter().map(|(name, spec)| (name.as_str(), &spec.value))
    }
}

fn place(line: u32) -> Location {
    Location { file: FILE.to_owned(), line, column: 0 }
}

/// Kafka's own rules for names, and what no topic can be.
fn check(name: &str, spec: &TopicSpec) -> Result<()> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.len() > 249 || name == "." || name == ".." || !name.chars().all(is_letter) {
        return Err(Error::invalid(format!("\"{name}\" is no name of a topic"))
            .with_hint("use letters, digits, dots, underscores and hyphens"));
    }
    if spec.partitions < 1 || spec.replication.is_some_and(|copies| copies < 1) {
        return Err(Error::invalid(format!(
            "topic \"{name}\" has partitions and copies from 1 on"
        )));
    }
    Ok(())
}

impl TopicSpec {
    /// The topic between the stages of a job: nothing goes by time, and what was read is removed in small pieces.
    pub fn repartition(partitions: i32) -> Self {
        Self {
            partitions,
            retention: Some(Retention::Infinite(Infinite::Infinite)),
            cleanup: Cleanup::Delete,
            replication: None,
            config: BTreeMap::from([("segment.bytes".to_owned(), SEGMENT_BYTES.to_owned())]),
        }
    }

    /// All settings under Kafka's names.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let cleanup = match self.cleanup {
            Cleanup::Delete => "delete",
            Cleanup::Compact => "compact",
        };
        let mut settings = self.config.clone();
        settings.insert("cleanup.policy".to_owned(), cleanup.to_owned());
        let millis = self.retention.map(|retention| match retention {
            Retention::Infinite(_) => -1,
            Retention::For(micros) => micros.0.div_euclid(1_000),
        });
        if let Some(millis) = millis {
            settings.insert("retention.ms".to_owned(), millis.to_string());
        }
        settings
    }

    /// What a cluster has otherwise; `copies` of every partition are wanted.
    pub fn differences(&self, found: &TopicState, copies: i32) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut compare = |setting: &str, found: String, wanted: String| {
            if found != wanted {
                differences.push(Difference { setting: setting.to_owned(), found, wanted });
            }
        };
        compare("partitions", found.partitions.to_string(), self.partitions.to_string());
        compare("replication", found.replication.to_string(), copies.to_string());
        for (name, wanted) in self.settings() {
            compare(&name, found.config.get(&name).cloned().unwrap_or_default(), wanted);
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
replication: 2
topics:
  user-events: {partitions: 24, retention: 7d}
  profiles: {partitions: 6, retention: infinite, cleanup: compact, replication: 3}
";

    #[test]
    fn settings_have_kafkas_names() {
        let topics = Topics::parse(TEXT).unwrap();
        assert_eq!(topics.replication, Some(2));
        let specs: BTreeMap<_, _> = topics.iter().collect();
        let settings = |name: &str| specs[name].settings().into_iter().collect::<Vec<_>>();
        let pairs = |pairs: [(&str, &str); 2]| {
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
        };
        let week = [("cleanup.policy", "delete"), ("retention.ms", "604800000")];
        assert_eq!(settings("user-events"), pairs(week));
        let ever = [("cleanup.policy", "compact"), ("retention.ms", "-1")];
        assert_eq!(settings("profiles"), pairs(ever));
    }

    #[test]
    fn a_topic_that_cannot_be_is_refused_with_its_line() {
        for text in [
            "topics: {a b: {partitions: 1}}",
            "topics: {a: {partitions: 0}}",
            "topics: {a: {partitions: 1, replication: 0}}",
            "topics: {a: {partitions: 1, cleanup: burn}}",
            "topics: {a: {partitions: 1, retention: long}}",
            "topics: {a: {}}",
            "topics: {a: {partitions: 1, colour: red}}",
        ] {
            let error = Topics::parse(&format!("# first\n{text}\n")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
            assert_eq!(error.location().map(|at| at.line), Some(2), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_otherwise_is_told_by_its_name() {
        let topics = Topics::parse(TEXT).unwrap();
        let (_, spec) = topics.iter().find(|(name, _)| *name == "user-events").unwrap();
        let mut state = TopicState { partitions: 24, replication: 2, config: spec.settings() };
        assert_eq!(spec.differences(&state, 2), []);
        state.partitions = 12;
        state.config.insert("retention.ms".to_owned(), "1".to_owned());
        let differences = spec.differences(&state, 3);
        let settings: Vec<&str> = differences.iter().map(|one| one.setting.as_str()).collect();
        assert_eq!(settings, ["partitions", "replication", "retention.ms"]);
    }
}
