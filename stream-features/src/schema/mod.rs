//! What the fields of events are, as an Avro schema declares them, whatever the events are encoded in.

mod event_type;
mod parse;
mod want;

pub(crate) use event_type::{
    Column, Default as FieldDefault, EventType, FieldType, Kind, ListColumns, Slot, TimeUnit,
};
