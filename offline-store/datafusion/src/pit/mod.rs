//! The point-in-time join as a plan node.
//!
//! The entity rows are held in memory, indexed by key and time. The first pass reads keys and times of the feature rows
//! once: a row is a candidate for the first entity row of its key that it can serve, and per such slot the best
//! candidate is kept. Then the best candidate is carried forward along the times of each key, and the ttl is applied:
//! where the newest row is too old, every older one is too. The second pass reads the features of the rows that won and
//! of no others. Both passes are shared by as many workers as there are processors: what wins does not depend on the
//! order of reading, because rows are ranked by time and position.

mod answers;
mod by_view;
mod candidates;
mod choose;
mod exec;
mod held;
mod index;
mod integer_keys;
mod join;
mod key_index;
mod keys;
mod layout;
mod merged;
mod partitioned;
mod pass;
mod pieces;
mod regions;
mod scratch;
mod winners;
mod workers;

pub use exec::PitJoinExec;
pub(crate) use exec::{ViewColumns, ViewJoin, Visible};
pub(crate) use held::{held, held_by_one, held_per_row};
pub(crate) use keys::{EncodedKeys, KeyEncoder, KeyTable, common_key_type};
pub(crate) use partitioned::Cut;
pub(crate) use winners::Winners;
pub(crate) use workers::share;
