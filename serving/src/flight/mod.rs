//! Feast's remote offline store over Arrow Flight.
//!
//! A read is one `DoExchange` (Feast 0.67) or `DoPut`, `GetFlightInfo` and `DoGet` (older clients), a write is one
//! `DoPut`; the descriptor of the first message holds the command as JSON.

mod answer;
mod command;
mod config;
mod historical;
mod offline_server;
mod part;
mod pending;
mod projections;
mod pull;
mod serve;
mod service;
mod source;
mod status;
mod table;
mod ticket;
mod token;
mod type_name;
mod upload;
mod write;

pub use config::{BearerToken, OfflineConfig};
pub use offline_server::OfflineServer;
pub use serve::serve_offline;
