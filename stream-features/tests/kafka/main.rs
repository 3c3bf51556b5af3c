//! Topics of a real broker as sources, as places for rows and as the log of commits.

mod broker;
mod commits;
mod reading;
mod topics;
