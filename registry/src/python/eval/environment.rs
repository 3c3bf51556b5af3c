//! `os`: environment variables come from the caller, everything else about the machine is refused.

use std::rc::Rc;

use super::call::{Arguments, NativeFunction};
use super::exception::{Exception, Outcome};
use super::interpreter::{Interpreter, LibraryName};
use super::value::Value;

/// Stands for `os.environ`.
pub(super) const VARIABLES: &str = "os.environ";

/// Methods of `os.environ`.
pub(super) const METHODS: &[&str] = &["get", "setdefault", "copy"];

/// A name of the module `os`.
pub(super) fn attribute(name: &str) -> LibraryName {
    LibraryName::Known(match name {
        "environ" => Value::Opaque(Rc::from(VARIABLES)),
        "getenv" => Value::Native(NativeFunction { name: "getenv", call: get }),
        "sep" => Value::text("/"),
        "linesep" => Value::text("\n"),
        "getcwd" => Value::Native(NativeFunction {
            name: "getcwd",
            call: |interpreter, _| Ok(Value::text(interpreter.files.root())),
        }),
        // Folders are made when data is written, not when definitions are read.
        "makedirs" | "mkdir" => {
            Value::Native(NativeFunction { name: "makedirs", call: |_, _| Ok(Value::None) })
        }
        "fspath" => Value::Type(super::types::Type::Str),
        // A module of its own.
        "path" => return LibraryName::Missing,
        _ => return LibraryName::Foreign,
    })
}

/// `os.getenv(name, default)` and `os.environ.get(name, default)`.
fn get(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [name, default] = arguments.bind("getenv", ["key", "default"], 1)?;
    let Some(name) = name.as_ref().and_then(Value::as_str) else {
        return Err(Exception::raise("TypeError", "the name of a variable must be text"));
    };
    let value = interpreter.environment.variable(name).map(Value::text);
    Ok(value.or(default).unwrap_or(Value::None))
}

/// Calls a method of `os.environ`.
pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    match name {
        // `setdefault` changes nothing, but gives what would have been set.
        "get" | "setdefault" => get(interpreter, arguments),
        _ => Ok(Value::Opaque(Rc::from(VARIABLES))),
    }
}
