//! The topics of a repository on its cluster.

use std::collections::BTreeMap;

use clap::Args;
use larder_core::{Error, ErrorKind, Result};
use larder_stream_features::{Difference, TopicAdmin, TopicSpec, TopicState, Topics, load_jobs};
use serde_json::{Value, json};

use super::repartition;
use crate::compose;
use crate::output::{self, Cell, OutputFormat, Table};
use crate::repository::Repository;

/// Arguments of `fs stream topics apply`.
#[derive(Debug, Args)]
#[command(
    after_help = "Makes the topics of streams/topics.yaml and those between the stages of jobs with repartition that
the cluster does not have. Topics that are there keep their settings: what is otherwise is told.
Nothing is deleted.

Examples:
  fs stream topics apply --dry-run
  fs stream topics apply --replication 1
  fs stream topics apply --alter"
)]
pub(crate) struct TopicsApplyArguments {
    /// Change nothing; the cluster only says whether it would.
    #[arg(long)]
    dry_run: bool,
    /// Raise the number of partitions of topics that have too few. Keys move to other partitions by that.
    #[arg(long)]
    alter: bool,
    /// Copies of every partition, instead of those that the file and the configuration say.
    #[arg(long, value_name = "COPIES", value_parser = clap::value_parser!(i32).range(1..))]
    replication: Option<i32>,
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Created,
    Raised,
    Unchanged,
    Differs(Vec<Difference>),
}

impl Outcome {
    fn word(&self, is_dry: bool) -> &'static str {
        match (self, is_dry) {
            (Self::Created, false) => "created",
            (Self::Created, true) => "to create",
            (Self::Raised, false) => "raised",
            (Self::Raised, true) => "to raise",
            (Self::Unchanged, _) => "unchanged",
            (Self::Differs(_), _) => "differs",
        }
    }

    fn differences(&self) -> &[Difference] {
        match self {
            Self::Differs(differences) => differences,
            _ => &[],
        }
    }
}

pub(super) fn apply(
    repository: &Repository,
    arguments: &TopicsApplyArguments,
    format: OutputFormat,
) -> Result<()> {
    let config = repository.existing()?;
    let topics = Topics::load(&config.repo_path)?;
    let between = repartition::topics(config, &load_jobs(&config.repo_path)?);
    let named = topics.iter().chain(between.iter().map(|(name, spec)| (name.as_str(), spec)));
    let named: BTreeMap<&str, &TopicSpec> = named.collect();
    if named.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "the repository names no topics")
            .with_hint("write streams/topics.yaml, see docs/streams.md"));
    }
    let configured = config.stream.kafka.as_ref().map_or(3, |kafka| kafka.replication);
    let replication = topics.replication.unwrap_or(configured);
    let admin = TopicAdmin::new(&compose::kafka(config, None)?)?;
    let outcomes = compose::block_on(async {
        let names: Vec<&str> = named.keys().copied().collect();
        let existing = admin.existing(&names).await?;
        let mut outcomes = Vec::new();
        for (name, spec) in &named {
            let copies = arguments.replication.or(spec.replication).unwrap_or(replication);
            let found = existing.get(*name);
            outcomes.push((*name, one(&admin, (name, spec), found, copies, arguments).await?));
        }
        Ok(outcomes)
    })?;
    print(&outcomes, arguments.dry_run, format)
}

async fn one(
    admin: &TopicAdmin,
    (name, spec): (&str, &TopicSpec),
    found: Option<&TopicState>,
    copies: i32,
    arguments: &TopicsApplyArguments,
) -> Result<Outcome> {
    let Some(found) = found else {
        admin.create(name, spec, copies, arguments.dry_run).await?;
        return Ok(Outcome::Created);
    };
    let mut differences = spec.differences(found, copies);
    let is_raised = arguments.alter && found.partitions < spec.partitions;
    if is_raised {
        admin.grow(name, spec.partitions, arguments.dry_run).await?;
        differences.retain(|difference| difference.setting != "partitions");
    }
    Ok(match (differences.is_empty(), is_raised) {
        (false, _) => Outcome::Differs(differences),
        (true, true) => Outcome::Raised,
        (true, false) => Outcome::Unchanged,
    })
}

fn print(outcomes: &[(&str, Outcome)], is_dry: bool, format: OutputFormat) -> Result<()> {
    if format == OutputFormat::Json {
        let difference = |one: &Difference| json!({ "setting": one.setting, "found": one.found, "wanted": one.wanted });
        let outcome = |(name, outcome): &(&str, Outcome)| {
            let differences: Vec<Value> = outcome.differences().iter().map(difference).collect();
            let action = outcome.word(is_dry);
            json!({ "topic": name, "action": action, "differences": differences })
        };
        return output::json(&Value::Array(outcomes.iter().map(outcome).collect()), 2);
    }
    let mut table = Table::new(["TOPIC", "ACTION", "DIFFERENCES"]);
    for (name, outcome) in outcomes {
        let differences: Vec<String> =
            outcome.differences().iter().map(Difference::to_string).collect();
        table.push([
            Cell::from(*name),
            Cell::from(outcome.word(is_dry)),
            Cell::from(differences.join("; ")),
        ]);
    }
    output::table(&table, format)
}
