//! The parts of Python's standard library (and of `yaml`) that definitions use.

use std::rc::Rc;

use super::call::{Arguments, NativeFunction};
use super::exception::{Exception, Outcome};
use super::interpreter::{Interpreter, LibraryName};
use super::types::Type;
use super::value::Value;
use super::{builtins, class, environment, files, iterate, json, paths};

/// Modules whose names stand for nothing that definitions could depend on.
const WITHOUT_EFFECT: [&str; 8] = [
    "abc",
    "collections.abc",
    "logging",
    "types",
    "typing",
    "typing_extensions",
    "warnings",
    "__future__",
];

const MODULES: [&str; 15] = [
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "itertools",
    "json",
    "math",
    "operator",
    "os",
    "os.path",
    "pathlib",
    "sys",
    "yaml",
];

/// Whether the module is one of those.
pub(super) fn has_module(name: &str) -> bool {
    MODULES.contains(&name) || WITHOUT_EFFECT.contains(&name) || name == "textwrap"
}

/// A name of a module; `None` for a module that is not of the standard library.
pub(super) fn attribute(module: &str, name: &str) -> Option<LibraryName> {
    if WITHOUT_EFFECT.contains(&module) {
        return Some(match (module, name) {
            ("collections", "abc") => LibraryName::Missing,
            ("typing" | "typing_extensions", "TYPE_CHECKING") => {
                LibraryName::Known(Value::Bool(false))
            }
            ("typing" | "typing_extensions", "cast") => native("cast", |_, arguments| {
                arguments.value(1).cloned().ok_or_else(|| arity("cast"))
            }),
            _ => LibraryName::Known(Value::Opaque(Rc::from(format!("{module}.{name}")))),
        });
    }
    Some(match (module, name) {
        ("os", name) => environment::attribute(name),
        ("os.path", "sep") => LibraryName::Known(Value::text("/")),
        ("os.path", name) => match paths::function(name) {
            Some(function) => LibraryName::Known(Value::Native(function)),
            None => LibraryName::Foreign,
        },
        ("pathlib", "Path" | "PosixPath" | "PurePath" | "PurePosixPath") => kind(Type::Path),
        ("datetime", "datetime") => kind(Type::DateTime),
        ("datetime", "date") => kind(Type::Date),
        ("datetime", "timedelta") => kind(Type::Duration),
        ("datetime", "timezone") => kind(Type::Zone),
        ("datetime", "UTC") => LibraryName::Known(Value::Zone(0)),
        ("math", name) => math(name),
        ("json", "dumps") => native("dumps", json::dumps),
        ("json", "load" | "loads") => native("loads", json::loads),
        ("yaml", "safe_load" | "load") => native("safe_load", files::safe_load),
        ("yaml", "SafeLoader" | "FullLoader" | "Loader") => {
            LibraryName::Known(Value::Opaque(Rc::from("yaml.Loader")))
        }
        ("sys", "path" | "argv") => LibraryName::Known(Value::list(Vec::new())),
        ("sys", "platform") => LibraryName::Known(Value::text("linux")),
        ("sys", "version_info") => {
            let version = [3, 11, 0].map(Value::Int).to_vec();
            LibraryName::Known(Value::tuple(version))
        }
        ("enum", "Enum" | "IntEnum" | "StrEnum" | "auto" | "unique") => {
            LibraryName::Known(Value::Opaque(Rc::from(format!("enum.{name}"))))
        }
        ("dataclasses", "dataclass") => native("dataclass", class::dataclass),
        ("dataclasses", "field") => native("field", field),
        ("copy", "copy" | "deepcopy") => native("copy", copy),
        ("textwrap", "dedent") => native("dedent", dedent),
        ("functools", "lru_cache" | "cache" | "wraps") => native("identity", identity_decorator),
        ("functools", "reduce") => native("reduce", reduce),
        ("itertools", "chain") => native("chain", chain),
        ("itertools", "product") => native("product", product),
        ("collections", "OrderedDict") => kind(Type::Dict),
        _ if MODULES.contains(&module) || module == "textwrap" => LibraryName::Foreign,
        _ => return None,
    })
}

fn kind(kind: Type) -> LibraryName {
    LibraryName::Known(Value::Type(kind))
}

fn native(
    name: &'static str,
    call: fn(&mut Interpreter<'_>, &Arguments) -> Outcome<Value>,
) -> LibraryName {
    LibraryName::Known(Value::Native(NativeFunction { name, call }))
}

fn math(name: &str) -> LibraryName {
    macro_rules! real {
        ($name:literal, $function:expr) => {
            native($name, |_, arguments| {
                let [number] = arguments.bind($name, ["x"], 1)?;
                let function: fn(f64) -> f64 = $function;
                Ok(Value::Float(function(builtins::number(number.as_ref(), $name)?)))
            })
        };
    }
    macro_rules! whole {
        ($name:literal, $function:expr) => {
            native($name, |_, arguments| {
                let [number] = arguments.bind($name, ["x"], 1)?;
                let function: fn(f64) -> f64 = $function;
                let number = function(builtins::number(number.as_ref(), $name)?);
                Ok(Value::Int(super::operators::round_half_even(number)?))
            })
        };
    }
    match name {
        "pi" => LibraryName::Known(Value::Float(std::f64::consts::PI)),
        "e" => LibraryName::Known(Value::Float(std::f64::consts::E)),
        "inf" => LibraryName::Known(Value::Float(f64::INFINITY)),
        "nan" => LibraryName::Known(Value::Float(f64::NAN)),
        "sqrt" => real!("sqrt", f64::sqrt),
        "exp" => real!("exp", f64::exp),
        "log2" => real!("log2", f64::log2),
        "log10" => real!("log10", f64::log10),
        "log" => real!("log", f64::ln),
        "fabs" => real!("fabs", f64::abs),
        "floor" => whole!("floor", f64::floor),
        "ceil" => whole!("ceil", f64::ceil),
        "trunc" => whole!("trunc", f64::trunc),
        _ => LibraryName::Foreign,
    }
}

/// `dataclasses.field(default=..., default_factory=...)`: the default itself.
fn field(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    match (arguments.keyword("default"), arguments.keyword("default_factory")) {
        (Some(default), _) => Ok(default.clone()),
        (None, Some(factory)) => interpreter.call_values(factory, Vec::new()),
        (None, None) => Ok(Value::None),
    }
}

/// `copy.copy` and `copy.deepcopy`: containers are copied, objects keep their identity inside them.
fn copy(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [value, _] = arguments.bind("copy", ["x", "memo"], 1)?;
    copied(interpreter, &value.unwrap_or(Value::None))
}

fn copied(interpreter: &mut Interpreter<'_>, value: &Value) -> Outcome<Value> {
    interpreter.tick()?;
    interpreter.nested(|interpreter| {
        Ok(match value {
            Value::List(list) => {
                let items = list.0.borrow().clone();
                let items = items.iter().map(|item| copied(interpreter, item));
                Value::list(items.collect::<Outcome<_>>()?)
            }
            Value::Dict(dict) => {
                let mut entries = dict.0.borrow().clone();
                for (_, value) in entries.values_mut() {
                    *value = copied(interpreter, value)?;
                }
                Value::dict(entries)
            }
            Value::Set(set) => Value::set(set.0.borrow().clone()),
            Value::Object(object) => Value::Object(object.copy()),
            other => other.clone(),
        })
    })
}

fn dedent(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let Some(text) = arguments.value(0).and_then(Value::as_str) else {
        return Err(arity("dedent"));
    };
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let lines = || text.split('\n');
    let margin = lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let stripped = lines().map(|line| if line.trim().is_empty() { "" } else { &line[margin..] });
    Ok(Value::text(stripped.collect::<Vec<_>>().join("\n")))
}

/// `@lru_cache`, `@lru_cache(maxsize=...)`, `@wraps(f)`: the function itself.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a native function")]
fn identity_decorator(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    match arguments.value(0) {
        Some(Value::Function(function)) => Ok(Value::Function(Rc::clone(function))),
        _ => Ok(Value::Native(NativeFunction { name: "identity", call: identity_decorator })),
    }
}

fn reduce(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let names = ["function", "iterable", "initial"];
    let [function, items, initial] = arguments.bind("reduce", names, 2)?;
    let mut items = iterate::collect(interpreter, &items.unwrap_or(Value::None))?.into_iter();
    let function = function.unwrap_or(Value::None);
    let mut total = initial.or_else(|| items.next()).ok_or_else(|| arity("reduce"))?;
    for item in items {
        total = interpreter.call_values(&function, vec![total, item])?;
    }
    Ok(total)
}

fn chain(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let mut all = Vec::new();
    for argument in &arguments.positional {
        all.extend(iterate::collect(interpreter, &argument.value)?);
    }
    Ok(Value::iterator(all))
}

fn product(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for argument in &arguments.positional {
        let items = iterate::collect(interpreter, &argument.value)?;
        interpreter.charge(rows.len().saturating_mul(items.len()))?;
        let extended = rows.iter().flat_map(|row| {
            items.iter().map(move |item| row.iter().cloned().chain([item.clone()]).collect())
        });
        rows = extended.collect();
    }
    Ok(Value::iterator(rows.into_iter().map(Value::tuple)))
}

fn arity(callee: &str) -> super::exception::Stop {
    Exception::raise("TypeError", format!("{callee}() misses an argument"))
}
