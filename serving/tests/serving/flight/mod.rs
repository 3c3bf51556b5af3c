//! The offline server: limits, waiting tables, shutdown, and what Feast's client does not send.

mod answers;
mod fixture;
mod limits;
