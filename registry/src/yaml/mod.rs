//! YAML as a tree that remembers where every value was written.
//!
//! Configuration files and YAML definitions are read through this tree, so that every error can name
//! the file, the line and the key, and so that layers (file, environment, flags) can be merged first.

mod hint;
mod node;
mod parse;
mod section;

pub(crate) use hint::did_you_mean;
pub use node::Origin;
pub(crate) use node::{Data, Node};
pub(crate) use parse::{parse_document, parse_documents};
pub(crate) use section::{Section, Value};
