//! `import` statements.

use std::rc::Rc;

use ruff_python_ast::{StmtImport, StmtImportFrom};

use super::exception::{Exception, Outcome};
use super::interpreter::Interpreter;
use super::iterate;
use super::module::{self, Module};
use super::value::Value;

/// `import a.b as c`.
pub(super) fn import(interpreter: &mut Interpreter<'_>, node: &StmtImport) -> Outcome<()> {
    for alias in &node.names {
        let name = alias.name.as_str();
        let module = interpreter
            .import_module(name)
            .map_err(|stop| stop.at(|| interpreter.location(alias.range)))?;
        if let Some(bound) = &alias.asname {
            interpreter.frame.scope.set(bound, module);
        } else {
            // `import a.b` binds `a`.
            let top = name.split('.').next().unwrap_or(name);
            let value = interpreter.import_module(top)?;
            interpreter.frame.scope.set(top, value);
        }
    }
    Ok(())
}

/// `from a import b as c`.
pub(super) fn import_from(interpreter: &mut Interpreter<'_>, node: &StmtImportFrom) -> Outcome<()> {
    let written = node.module.as_ref().map(ruff_python_ast::Identifier::as_str).unwrap_or_default();
    let name = if node.level == 0 {
        written.to_owned()
    } else {
        relative(interpreter, node.level, written)?
    };
    if name == "__future__" {
        return Ok(());
    }
    if node.level > 0 && !name.is_empty() && !interpreter.modules.has(&name) {
        return Err(absent(&name));
    }
    let module = if name.is_empty() { Value::None } else { interpreter.import_module(&name)? };
    for alias in &node.names {
        let wanted = alias.name.as_str();
        if wanted == "*" {
            star(interpreter, &module)?;
            continue;
        }
        let value = member(interpreter, &module, &name, wanted)
            .map_err(|stop| stop.at(|| interpreter.location(alias.range)))?;
        let bound = alias.asname.as_ref().unwrap_or(&alias.name);
        interpreter.frame.scope.set(bound, value);
    }
    Ok(())
}

/// The absolute name of a relative import; empty for the repository's root.
fn relative(interpreter: &Interpreter<'_>, level: u32, written: &str) -> Outcome<String> {
    let frame = &interpreter.frame;
    let mut parts: Vec<&str> = frame.module.split('.').collect();
    if !frame.package {
        parts.pop();
    }
    for _ in 1..level {
        if parts.pop().is_none() {
            let message = "the relative import leads out of the repository";
            return Err(Exception::raise("ImportError", message));
        }
    }
    parts.extend(written.split('.').filter(|part| !part.is_empty()));
    Ok(parts.join("."))
}

fn member(
    interpreter: &mut Interpreter<'_>,
    module: &Value,
    name: &str,
    wanted: &str,
) -> Outcome<Value> {
    let below = if name.is_empty() { wanted.to_owned() } else { format!("{name}.{wanted}") };
    let module: &Module = match module {
        Value::Module(module) => module,
        Value::Foreign(_) => return Ok(Value::Foreign(Rc::from(below))),
        _ if interpreter.modules.has(&below) => return interpreter.import_module(&below),
        _ => return Err(absent(&below)),
    };
    if let Some(value) = module::find(interpreter, module, wanted)? {
        return Ok(value);
    }
    if interpreter.modules.has(&below) {
        return interpreter.import_module(&below);
    }
    let message = format!("module \"{name}\" has no \"{wanted}\" to import");
    let stop = Exception::raise("ImportError", message);
    Err(match module::near(interpreter, module, wanted) {
        Some(near) => stop.hint(format!("did you mean \"{near}\"?")),
        None => stop,
    })
}

fn absent(name: &str) -> super::exception::Stop {
    let message = format!("the repository has no module \"{name}\"");
    Exception::raise("ModuleNotFoundError", message)
}

/// `from module import *`.
fn star(interpreter: &mut Interpreter<'_>, module: &Value) -> Outcome<()> {
    let Value::Module(module) = module else { return Ok(()) };
    let Some(scope) = &module.scope else {
        for name in interpreter.library.names(&module.name) {
            if let Some(value) = module::find(interpreter, module, name)? {
                interpreter.frame.scope.set(name, value);
            }
        }
        return Ok(());
    };
    let names: Vec<Rc<str>> = match scope.get("__all__") {
        Some(listed) => iterate::collect(interpreter, &listed)?
            .iter()
            .filter_map(|name| name.as_str().map(Rc::from))
            .collect(),
        None => scope.names().into_iter().filter(|name| !name.starts_with('_')).collect(),
    };
    for name in names {
        let Some(value) = scope.get(&name) else {
            let message = format!("module \"{}\" has no \"{name}\" to import", module.name);
            return Err(Exception::raise("ImportError", message));
        };
        interpreter.frame.scope.set(&name, value);
    }
    Ok(())
}
