//! The point-in-time join as a plan node.
//!
//! The entity rows are held in memory, indexed by key and time; the feature rows stream by once. A feature row is a
//! candidate for the first entity row of its key that it can serve, found by binary search; per such slot the best
//! candidate is kept. After the pass the best candidate is carried forward along the times of each key, and the ttl is
//! applied last: where the newest row is too old, every older one is too.

mod exec;
mod index;
mod keys;
mod pass;
mod winners;

pub use exec::{PitJoin, PitJoinExec};
pub(crate) use keys::{KeyEncoder, KeyTable, common_key_type};
pub(crate) use winners::Winners;
