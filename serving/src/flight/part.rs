//! One message of a table, before it is decoded.

use arrow_flight::FlightData;

/// Whether the message's body holds every buffer that its header names.
///
/// arrow-ipc 59.3 takes the header's word for it and panics when it is wrong. A header that is no message passes: the
/// decoder says what is wrong with it.
pub(super) fn is_whole(part: &FlightData) -> bool {
    let Ok(message) = arrow_ipc::root_as_message(&part.data_header) else { return true };
    let dictionary = || message.header_as_dictionary_batch().and_then(|batch| batch.data());
    let Some(buffers) =
        message.header_as_record_batch().or_else(dictionary).and_then(|batch| batch.buffers())
    else {
        return true;
    };
    let body = i64::try_from(part.data_body.len()).unwrap_or(i64::MAX);
    buffers.iter().all(|buffer| {
        let (start, length) = (buffer.offset(), buffer.length());
        start >= 0 && length >= 0 && start.checked_add(length).is_some_and(|end| end <= body)
    })
}
