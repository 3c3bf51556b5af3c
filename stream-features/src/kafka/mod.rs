//! Kafka: topics as sources, as places for rows and dead letters, and as the log of commits.
//!
//! One transaction of the broker holds the rows that a job told and the offsets of the events that they came from, so
//! both become true together. A reader of the output topics that reads only what is committed sees every row once.

mod beginning;
mod client;
mod commit_log;
mod connection;
mod consumer;
mod error;
mod letter_topic;
mod letters;
mod member;
mod producer;
mod progress;
mod purge;
mod source;
mod standing;
mod topic_admin;
mod topic_blocks;
mod topic_events;
mod topic_rows;
mod topics;

pub use beginning::Beginning;
pub use commit_log::KafkaCommitLog;
pub use connection::KafkaConnection;
pub use letter_topic::LetterTopic;
pub use letters::TopicLetters;
pub use member::Membership;
pub use producer::KafkaProducer;
pub use progress::{PartitionProgress, TopicProgress};
pub use source::{KafkaSource, Lag};
pub use standing::Standing;
pub use topic_admin::TopicAdmin;
pub use topic_blocks::TopicBlocks;
pub use topic_events::TopicEvents;
pub use topic_rows::TopicRows;
pub use topics::{Cleanup, Difference, TopicSpec, TopicState, Topics};
