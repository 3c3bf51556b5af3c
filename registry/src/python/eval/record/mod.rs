//! Classes that a library describes as data: parameters, defaults, types, and what follows construction.

mod bind;
mod object;
mod spec;

pub(super) use bind::construct;
pub(crate) use bind::{call, default, make};
pub(crate) use object::Object;
pub(super) use object::{attribute, call_method};
pub(crate) use spec::{
    ClassSpec, Fallback, Kind, Legacy, ObjectMethod, Parameter, nullable, optional, required, with,
};
