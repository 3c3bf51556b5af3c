//! A pure evaluator for the declarative part of Python.
//!
//! It knows values, scopes, functions, modules and the common built-ins. Files and environment
//! variables are injected; nothing else of the machine can be reached. It knows nothing of Feast:
//! classes come from a [`Library`](interpreter::Library) as data.

mod assign;
pub(crate) mod attribute;
pub(crate) mod builtins;
pub(crate) mod call;
pub(crate) mod class;
mod compare;
mod comprehension;
mod environment;
pub(crate) mod exception;
mod expression;
mod files;
mod format;
pub(crate) mod function;
mod import;
pub(crate) mod interpreter;
pub(crate) mod iterate;
pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod member;
mod methods;
pub(crate) mod module;
mod operators;
mod paths;
mod raised;
pub(crate) mod record;
pub(crate) mod repr;
pub(crate) mod scope;
mod statement;
mod stdlib;
mod subscript;
#[cfg(test)]
mod tests;
mod times;
pub(crate) mod types;
pub(crate) mod value;
