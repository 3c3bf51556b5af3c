//! Feature repositories written in Python, read without Python.
//!
//! The declarative part of the language is evaluated: imports across files, constructors, literals,
//! arithmetic, f-strings, comprehensions, loops, helper functions. What goes beyond it is an error
//! with its place, its name and a hint. A hostile repository ends with an error too: steps, calls,
//! nesting and file sizes are limited.

mod eval;
mod feast;
mod ignore;
mod load;
mod source;

pub use eval::interpreter::Limits;
pub use ignore::{IGNORE_FILE, IgnoreRules, repository_files};
pub use load::{Failures, load};
pub use source::{DirectoryFiles, Environment, MemoryFiles, SourceFiles};
