//! `pathlib.Path` and `os.path`, on text: nothing is read from the file system.

use std::rc::Rc;

use super::call::Arguments;
use super::exception::{Exception, Outcome, Stop};
use super::interpreter::Interpreter;
use super::value::Value;

/// Methods of paths.
pub(super) const METHODS: &[&str] = &[
    "absolute",
    "as_posix",
    "as_uri",
    "exists",
    "expanduser",
    "is_absolute",
    "is_dir",
    "is_file",
    "joinpath",
    "mkdir",
    "open",
    "read_text",
    "relative_to",
    "resolve",
    "with_name",
    "with_suffix",
    "__str__",
];

/// `Path(...)`.
pub(super) fn construct(arguments: &Arguments) -> Outcome<Value> {
    let mut path = String::new();
    for argument in &arguments.positional {
        let part = text(&argument.value).ok_or_else(|| {
            let message = format!("a path cannot hold a {}", argument.value.type_name());
            Exception::raise("TypeError", message)
        })?;
        path = join(&path, part);
    }
    Ok(path_value(&path))
}

/// Text of a path or string.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Path(path) => Some(path),
        other => other.as_str(),
    }
}

/// A path as `pathlib` keeps it: without repeated or trailing slashes and `.` parts.
fn path_value(path: &str) -> Value {
    let parts: Vec<&str> =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let joined = parts.join("/");
    Value::text(if path.starts_with('/') {
        format!("/{joined}")
    } else if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    })
    .into_path()
}

impl Value {
    fn into_path(self) -> Self {
        match self {
            Self::Str(text) => Self::Path(text),
            other => other,
        }
    }
}

/// `left / right`.
pub(super) fn join_operator(left: &Value, right: &Value) -> Option<Value> {
    Some(path_value(&join(text(left)?, text(right)?)))
}

/// `os.path.join` of two parts.
fn join(left: &str, right: &str) -> String {
    if right.starts_with('/') || left.is_empty() {
        right.to_owned()
    } else if left.ends_with('/') {
        format!("{left}{right}")
    } else {
        format!("{left}/{right}")
    }
}

/// An absolute path without `.` and `..`.
pub(super) fn absolute(interpreter: &Interpreter<'_>, path: &str) -> String {
    let full = join(interpreter.files.root(), path);
    let mut parts: Vec<&str> = Vec::new();
    for part in full.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => ".",
    }
}

fn file_name(path: &str) -> &str {
    match path.rsplit('/').next() {
        Some("." | "..") | None => "",
        Some(name) => name,
    }
}

/// File name without suffix, and the suffix with its dot.
fn split_suffix(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && dot + 1 < name.len() => name.split_at(dot),
        _ => (name, ""),
    }
}

/// `path.name` and the like.
pub(super) fn attribute(path: &Rc<str>, name: &str) -> Option<Value> {
    let parts = || {
        let root = path.starts_with('/').then(|| Value::text("/"));
        let names = path.split('/').filter(|part| !part.is_empty()).map(Value::text);
        root.into_iter().chain(names).collect()
    };
    Some(match name {
        "parent" => path_value(parent(path)),
        "name" => Value::text(file_name(path)),
        "stem" => Value::text(split_suffix(file_name(path)).0),
        "suffix" => Value::text(split_suffix(file_name(path)).1),
        "parts" => Value::tuple(parts()),
        "parents" => {
            let mut parents = Vec::new();
            let mut at: &str = path;
            while parent(at) != at && at != "." {
                at = parent(at);
                parents.push(path_value(at));
            }
            Value::tuple(parents)
        }
        _ => return None,
    })
}

/// Calls a method of a path.
pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    path: &Rc<str>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let one = || {
        let argument = arguments.value(0).and_then(text);
        argument.ok_or_else(|| Exception::raise("TypeError", format!("{name}() takes a path")))
    };
    Ok(match name {
        "absolute" | "resolve" => path_value(&absolute(interpreter, path)),
        "as_posix" | "__str__" => Value::Str(Rc::clone(path)),
        "as_uri" => Value::text(format!("file://{path}")),
        "expanduser" => path_value(&expand_user(interpreter, path)?),
        "is_absolute" => Value::Bool(path.starts_with('/')),
        "exists" | "is_file" | "is_dir" => exists(interpreter, path)?,
        // Folders are made when data is written, not when definitions are read.
        "mkdir" => Value::None,
        "read_text" => Value::text(super::files::text(interpreter, path)?),
        "open" => {
            let arguments = arguments.with_receiver(Value::Path(Rc::clone(path)));
            super::files::open(interpreter, &arguments)?
        }
        "joinpath" => {
            let parts = arguments.positional.iter().map(|argument| &argument.value);
            parts.fold(Value::Path(Rc::clone(path)), |left, right| {
                join_operator(&left, right).unwrap_or(left)
            })
        }
        "relative_to" => {
            let base = one()?.trim_end_matches('/');
            let rest = path.strip_prefix(base).map(|rest| rest.trim_start_matches('/'));
            let outside = || Exception::raise("ValueError", "the path is not below the other one");
            path_value(rest.ok_or_else(outside)?)
        }
        "with_name" => path_value(&join(parent(path), one()?)),
        _ => {
            let stem = split_suffix(file_name(path)).0;
            path_value(&join(parent(path), &format!("{stem}{}", one()?)))
        }
    })
}

/// Whether a path exists, as far as the repository's files tell.
fn exists(interpreter: &Interpreter<'_>, path: &str) -> Outcome<Value> {
    let full = absolute(interpreter, path);
    let below =
        full.strip_prefix(interpreter.files.root()).map(|rest| rest.trim_start_matches('/'));
    match below {
        Some("") => Ok(Value::Bool(true)),
        Some(below) if interpreter.modules.has_path(below) => Ok(Value::Bool(true)),
        _ => Err(Stop::unsupported(
            format!("asking whether \"{path}\" exists"),
            "definitions must not depend on the machine that reads them",
        )),
    }
}

fn expand_user(interpreter: &Interpreter<'_>, path: &str) -> Outcome<String> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
    match interpreter.environment.variable("HOME") {
        Some(home) => Ok(format!("{home}{rest}")),
        None => Err(Exception::raise("RuntimeError", "the home folder is not known")
            .hint("set the environment variable HOME")),
    }
}

/// A function of `os.path`.
pub(super) fn function(name: &str) -> Option<super::call::NativeFunction> {
    type Native = fn(&mut Interpreter<'_>, &Arguments) -> Outcome<Value>;
    const FUNCTIONS: &[(&str, Native)] = &[
        ("join", |_, arguments| {
            let mut path = String::new();
            for argument in &arguments.positional {
                let part = text(&argument.value);
                path = join(&path, part.ok_or_else(not_a_path)?);
            }
            Ok(Value::text(path))
        }),
        ("dirname", |_, arguments| {
            let path = only(arguments)?;
            Ok(Value::text(match path.rsplit_once('/') {
                Some(("", _)) => "/",
                Some((folder, _)) => folder,
                None => "",
            }))
        }),
        ("basename", |_, arguments| {
            Ok(Value::text(only(arguments)?.rsplit('/').next().unwrap_or_default()))
        }),
        ("abspath", |interpreter, arguments| {
            Ok(Value::text(absolute(interpreter, &only(arguments)?)))
        }),
        ("realpath", |interpreter, arguments| {
            Ok(Value::text(absolute(interpreter, &only(arguments)?)))
        }),
        ("normpath", |interpreter, arguments| {
            let path = only(arguments)?;
            let full = absolute(interpreter, &path);
            if path.starts_with('/') {
                return Ok(Value::text(full));
            }
            let root = format!("{}/", interpreter.files.root());
            Ok(Value::text(full.strip_prefix(&root).unwrap_or(&full)))
        }),
        ("expanduser", |interpreter, arguments| {
            Ok(Value::text(expand_user(interpreter, &only(arguments)?)?))
        }),
        ("isabs", |_, arguments| Ok(Value::Bool(only(arguments)?.starts_with('/')))),
        ("exists", |interpreter, arguments| exists(interpreter, &only(arguments)?)),
        ("isfile", |interpreter, arguments| exists(interpreter, &only(arguments)?)),
        ("isdir", |interpreter, arguments| exists(interpreter, &only(arguments)?)),
        ("splitext", |_, arguments| {
            let path = only(arguments)?;
            let name = path.rsplit('/').next().unwrap_or_default();
            let suffix = split_suffix(name).1;
            let stem = &path[..path.len() - suffix.len()];
            Ok(Value::tuple(vec![Value::text(stem), Value::text(suffix)]))
        }),
    ];
    let (name, call) = FUNCTIONS.iter().find(|(known, _)| *known == name)?;
    Some(super::call::NativeFunction { name, call: *call })
}

fn only(arguments: &Arguments) -> Outcome<String> {
    arguments.value(0).and_then(text).map(str::to_owned).ok_or_else(not_a_path)
}

fn not_a_path() -> Stop {
    Exception::raise("TypeError", "a path must be text")
}
