//! One module per command family; each reads its arguments, calls a library and prints the answer.

pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod configuration;
pub(crate) mod dataset;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod features;
pub(crate) mod get_historical;
pub(crate) mod get_online;
pub(crate) mod init;
pub(crate) mod listen;
pub(crate) mod materialize;
pub(crate) mod online;
pub(crate) mod permissions;
pub(crate) mod plan;
pub(crate) mod projects;
pub(crate) mod reference;
pub(crate) mod registry_dump;
pub(crate) mod serve;
pub(crate) mod serve_offline;
pub(crate) mod stream;
pub(crate) mod teardown;
pub(crate) mod version;
pub(crate) mod views;
