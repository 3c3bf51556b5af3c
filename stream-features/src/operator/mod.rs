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

use larder_core::Value;

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
    pub fn key(&self) -> larder_core::Result<Vec<Value>> {
        decode_key(&self.key)
    }
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
    /// Takes an event.
    fn add(&mut self, event: Event<'_>) -> Result<(), TooLate>;

    /// Answers everything that changed or became due at this watermark, which never goes back; `i64::MAX` is the end.
    fn advance(&mut self, watermark: i64, out: &mut Vec<OutputRow>);

    /// Keys that state is kept of.
    fn keys(&self) -> usize;
}
