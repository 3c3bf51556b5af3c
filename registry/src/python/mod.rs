//! Feature repositories written in Python, read without Python.
//!
//! The declarative part of the language is evaluated: imports across files, constructors, literals,
//! arithmetic, f-strings, comprehensions, loops, helper functions. What goes beyond it is an error
//! with its place, its name and a hint. A hostile repository ends with an error too: steps, calls,
//! nesting and file sizes are limited.

mod constructors;
mod eval;
mod feast;
mod ignore;
mod load;
mod source;

pub(crate) use constructors::{
    Constructors, class, members, primitive, primitives, resources, value_type,
};
pub use eval::interpreter::Limits;
pub(crate) use eval::record::{ClassSpec, Fallback, Kind, Object, Parameter};
pub(crate) use eval::scope::Variables;
pub(crate) use eval::value::Value;
pub(crate) use feast::{Reference, definition};
pub use ignore::{IGNORE_FILE, IgnoreRules, repository_files};
pub(crate) use load::load_objects;
pub use load::{Failures, load};
pub use source::{DirectoryFiles, Environment, MemoryFiles, SourceFiles};
