//! What jobs do with events: windows, sessions and rules over keyed state. No IO, no clock.
//!
//! An operator is told of events in any order and of the watermark; it answers with rows. Rows of one key and start are
//! versions of one result, of which the last told is right: after the end of the events, that is the result of the same
//! events in order.

mod keys;
mod pending;
#[cfg(test)]
mod replay;
pub(crate) mod rules;
pub(crate) mod session;
pub(crate) mod window;

pub(crate) use keys::{KeyTable, decode_key};

use larder_core::{Result, Value};

use crate::aggregate::bytes::Reader;
use crate::checkpoint::Scope;
use crate::scalar::Scalar;

/// An event as an operator sees it. Times are UTC microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) time: i64,
    /// Encoded values of the key.
    pub(crate) key: &'a [u8],
    /// One value per input of the operator.
    pub(crate) inputs: &'a [Scalar<'a>],
}

/// The event came when its results could not be changed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLate;

/// A version of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputRow {
    /// Encoded values of the key.
    pub(crate) key: Vec<u8>,
    /// Which result of the key, UTC microseconds: the end of a window, the start of a session, the time of an event.
    pub result: i64,
    /// Event time of the row, UTC microseconds.
    pub time: i64,
    /// Values in the order of [`RowSchema::values`](crate::RowSchema::values); none for a withdrawal.
    pub values: Vec<Value>,
    /// What the row does to the versions before it.
    pub change: Change,
}

impl OutputRow {
    /// The values of the key.
    ///
    /// # Errors
    /// `Data` when they cannot be read back.
    pub fn key(&self) -> Result<Vec<Value>> {
        decode_key(&self.key)
    }
}

/// By time and key, the versions of a result as they were told: an order that does not depend on who came first.
fn put_in_order(rows: &mut [OutputRow]) {
    rows.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.key.cmp(&b.key)));
}

/// What a row does to the versions before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is the first.
    Insert,
    /// It takes the place of an earlier version.
    Replace,
    /// The result does not exist: late events joined it to another.
    Withdraw,
}

/// What a job does with the events of each key.
pub(crate) trait Operator: std::fmt::Debug + Send {
    /// Another one that does the same and has seen nothing.
    fn fresh(&self) -> Box<dyn Operator>;

    /// Takes an event.
    fn add(&mut self, event: Event<'_>) -> std::result::Result<(), TooLate>;

    /// Answers everything that changed or became due at this watermark, which never goes back; `i64::MAX` is the end.
    /// The order of the rows is a function of the events too.
    fn advance(&mut self, watermark: i64, out: &mut Vec<OutputRow>);

    /// Keys that state is kept of.
    fn keys(&self) -> usize;

    /// Appends all of the state, or what changed since the last time.
    fn save(&mut self, scope: Scope, out: &mut Vec<u8>);

    /// Takes what was saved: all of it into an operator that has seen nothing, then what changed, in order.
    ///
    /// # Errors
    /// `Data` for bytes that are no such state; the operator is not to be used then.
    fn load(&mut self, bytes: &mut Reader<'_>) -> Result<()>;

    /// Goes on behind the last that was loaded.
    fn settle(&mut self);
}
