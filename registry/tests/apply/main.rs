//! From a repository to a registry, judged by registries that real Feast made.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod conflicts;
mod crash;
mod edits;
mod feast_registry;
mod field_changes;
mod inference_rules;
mod json;
mod round_trip;
mod scale;
mod shop;
mod versions;
mod yaml_mistakes;
mod yaml_page;
mod yaml_repository;
