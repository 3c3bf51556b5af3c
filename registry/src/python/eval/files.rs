//! `open()` and `Path.read_text()` on files of the repository, `with`, and `yaml.safe_load`.

use std::cell::Cell;
use std::rc::Rc;

use ruff_python_ast::{StmtWith, WithItem};

use super::call::Arguments;
use super::exception::{Exception, Outcome, Stop};
use super::interpreter::Interpreter;
use super::json;
use super::statement::Flow;
use super::value::Value;

/// A text file opened for reading.
pub(crate) struct File {
    text: Rc<str>,
    /// Whether it has been read to its end.
    read: Cell<bool>,
}

impl File {
    /// What is still to be read.
    fn rest(&self) -> Rc<str> {
        if self.read.replace(true) { Rc::from("") } else { Rc::clone(&self.text) }
    }
}

/// Methods of files.
pub(super) const METHODS: &[&str] = &["read", "readlines", "close"];

/// `open(path)`, for reading.
pub(super) fn open(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let names = ["file", "mode", "buffering", "encoding", "errors", "newline"];
    let [path, mode, ..] = arguments.bind("open", names, 1)?;
    let mode = mode.as_ref().and_then(Value::as_str).unwrap_or("r").to_owned();
    if !matches!(mode.as_str(), "r" | "rt") {
        let what = format!("opening a file with mode \"{mode}\"");
        return Err(Stop::unsupported(
            what,
            "definitions may read text files of the repository only",
        ));
    }
    let path = match &path {
        Some(Value::Path(path)) => Rc::clone(path),
        Some(other) => Rc::from(other.as_str().unwrap_or_default()),
        None => Rc::from(""),
    };
    let text = text(interpreter, &path)?;
    Ok(Value::File(Rc::new(File { text: Rc::from(text), read: Cell::new(false) })))
}

/// The text of a file of the repository.
///
/// # Errors
/// `FileNotFoundError` for a file that the repository does not have; the end of the evaluation for one outside
/// of it or too large.
pub(super) fn text(interpreter: &mut Interpreter<'_>, path: &str) -> Outcome<String> {
    let full = super::paths::absolute(interpreter, path);
    let root = format!("{}/", interpreter.files.root());
    let Some(inside) = full.strip_prefix(&root) else {
        return Err(Stop::unsupported(
            format!("reading \"{path}\""),
            "definitions may read files of the repository only",
        ));
    };
    if !interpreter.modules.lists(inside) {
        let message = format!("the repository has no file \"{inside}\"");
        return Err(Exception::raise("FileNotFoundError", message));
    }
    let bytes = interpreter.files.read(inside).map_err(Stop::ended)?;
    if bytes.len() > interpreter.limits.file_bytes {
        let what =
            format!("file \"{inside}\" is larger than {} bytes", interpreter.limits.file_bytes);
        return Err(Stop::unsupported(what, "definitions read small files only"));
    }
    interpreter.charge_text(bytes.len())?;
    String::from_utf8(bytes)
        .map_err(|_| Exception::raise("ValueError", format!("file \"{inside}\" is not UTF-8 text")))
}

/// Calls a method of a file.
pub(super) fn call(file: &File, name: &str) -> Value {
    match name {
        "read" => Value::Str(file.rest()),
        "readlines" => Value::list(lines(file)),
        _ => Value::None,
    }
}

/// The lines of a file, each with its line end.
pub(super) fn lines(file: &File) -> Vec<Value> {
    file.rest().split_inclusive('\n').map(Value::text).collect()
}

/// `with open(path) as name: ...`.
pub(super) fn with(interpreter: &mut Interpreter<'_>, node: &StmtWith) -> Outcome<Flow> {
    for item in &node.items {
        enter(interpreter, item)?;
    }
    interpreter.run(&node.body)
}

fn enter(interpreter: &mut Interpreter<'_>, item: &WithItem) -> Outcome<()> {
    let value = interpreter.evaluate(&item.context_expr)?;
    if !matches!(value, Value::File(_) | Value::Opaque(_)) {
        let what = format!("with on a value of type {}", value.type_name());
        let hint = "definitions cannot enter contexts other than files of the repository";
        return Err(interpreter.unsupported(item, &what, hint));
    }
    match &item.optional_vars {
        Some(target) => interpreter.assign(target, value),
        None => Ok(()),
    }
}

/// Text given as a string or as a file.
pub(super) fn content(value: Option<&Value>) -> Option<Rc<str>> {
    match value? {
        Value::File(file) => Some(file.rest()),
        other => other.as_str().map(Rc::from),
    }
}

/// `yaml.safe_load(text or file)`.
pub(super) fn safe_load(
    interpreter: &mut Interpreter<'_>,
    arguments: &Arguments,
) -> Outcome<Value> {
    let Some(text) = content(arguments.value(0)) else {
        return Err(Exception::raise("TypeError", "safe_load() takes text or a file"));
    };
    interpreter.charge(text.len())?;
    match serde_saphyr::from_str::<serde_json::Value>(&text) {
        Ok(parsed) => Ok(json::value(parsed)),
        Err(error) => Err(Exception::raise("ValueError", format!("the text is no YAML: {error}"))),
    }
}
