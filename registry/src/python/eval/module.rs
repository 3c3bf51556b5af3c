//! Modules of the repository, and finding them.

use std::rc::Rc;

use indexmap::{IndexMap, IndexSet};
use larder_core::Error;

use super::exception::{Exception, Outcome, Stop};
use super::interpreter::{Frame, Interpreter, LibraryName, closest};
use super::scope::Scope;
use super::stdlib;
use super::value::Value;
use crate::python::source::{Source, is_python, parse};

/// An imported module.
pub(crate) struct Module {
    /// Dotted name.
    pub(crate) name: Rc<str>,
    /// Variables of a module of the repository; `None` for one of a library.
    pub(crate) scope: Option<Rc<Scope>>,
}

/// The modules of the repository.
#[derive(Default)]
pub(crate) struct Modules {
    files: IndexSet<String>,
    /// Files that are no Python.
    others: IndexSet<String>,
    folders: IndexSet<String>,
    loaded: IndexMap<String, Rc<Module>>,
}

impl Modules {
    /// Modules in these files, paths relative to the repository.
    pub(crate) fn of(listing: &[String]) -> Self {
        let mut modules = Self::default();
        for path in listing {
            if !is_python(path) {
                modules.others.insert(path.clone());
                continue;
            }
            modules.files.insert(path.clone());
            let mut folder = path.as_str();
            while let Some((outer, _)) = folder.rsplit_once('/') {
                modules.folders.insert(outer.to_owned());
                folder = outer;
            }
        }
        modules
    }

    /// The module of this name, if it has been loaded.
    pub(crate) fn loaded(&self, name: &str) -> Option<&Rc<Module>> {
        self.loaded.get(name)
    }

    /// The file that a dotted name stands for, and whether it is a package.
    fn file(&self, name: &str) -> Option<(String, bool)> {
        let path = name.replace('.', "/");
        let (module, package) = (format!("{path}.py"), format!("{path}/__init__.py"));
        if self.files.contains(&package) {
            Some((package, true))
        } else {
            self.files.contains(&module).then_some((module, false))
        }
    }

    /// Whether the repository has a module or folder of this dotted name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.file(name).is_some() || self.folders.contains(&name.replace('.', "/"))
    }

    /// Whether the repository has this file.
    pub(super) fn lists(&self, path: &str) -> bool {
        self.files.contains(path) || self.others.contains(path)
    }

    /// Whether the repository has this file, or a folder with Python files of this name.
    pub(super) fn has_path(&self, path: &str) -> bool {
        self.lists(path) || self.folders.contains(path)
    }

    /// Ends the cycles between modules and their functions, so that everything is freed.
    pub(crate) fn clear(&mut self) {
        for module in self.loaded.values() {
            if let Some(scope) = &module.scope {
                scope.clear();
            }
        }
    }
}

/// The dotted module name of a file.
pub(crate) fn module_name(path: &str) -> String {
    path.trim_end_matches(".py").replace('/', ".")
}

impl Interpreter<'_> {
    /// Imports a module of the repository or of a library, parents first.
    ///
    /// # Errors
    /// What the module's code raises; `ModuleNotFoundError` for a part of the repository that does not exist.
    pub(crate) fn import_module(&mut self, name: &str) -> Outcome<Value> {
        let mut at = 0;
        while let Some(dot) = name[at..].find('.') {
            self.import_one(&name[..at + dot])?;
            at += dot + 1;
        }
        self.import_one(name)
    }

    fn import_one(&mut self, name: &str) -> Outcome<Value> {
        if let Some(module) = self.modules.loaded(name) {
            return Ok(Value::Module(Rc::clone(module)));
        }
        let module = if let Some((path, package)) = self.modules.file(name) {
            self.load(name, &path, package)?
        } else if self.modules.has(name) {
            self.register(name, Some(Scope::module()))
        } else if stdlib::has_module(name) || self.library.has_module(name) {
            self.register(name, None)
        } else {
            let top = name.split('.').next().unwrap_or(name);
            if name.starts_with('.') || self.modules.has(top) {
                let message = format!("the repository has no module \"{name}\"");
                return Err(Exception::raise("ModuleNotFoundError", message));
            }
            return Ok(Value::Foreign(Rc::from(name)));
        };
        if let Some((parent, child)) = name.rsplit_once('.')
            && let Some(scope) = self.modules.loaded(parent).and_then(|parent| parent.scope.clone())
        {
            scope.set(child, Value::Module(Rc::clone(&module)));
        }
        Ok(Value::Module(module))
    }

    fn register(&mut self, name: &str, scope: Option<Rc<Scope>>) -> Rc<Module> {
        let module = Rc::new(Module { name: Rc::from(name), scope });
        self.modules.loaded.insert(name.to_owned(), Rc::clone(&module));
        module
    }

    /// Runs a file of the repository as a module. A failed module is forgotten, as in Python.
    fn load(&mut self, name: &str, path: &str, package: bool) -> Outcome<Rc<Module>> {
        let (source, body) = self.read(path)?;
        let scope = Scope::module();
        scope.set("__name__", Value::text(name));
        scope.set("__file__", Value::text(format!("{}/{path}", self.files.root())));
        scope.set("__doc__", Value::None);
        let module = self.register(name, Some(Rc::clone(&scope)));
        let frame = Frame { source, scope, module: Rc::from(name), package };
        let result = self.call_frame(frame, |interpreter| interpreter.run(&body));
        match result {
            Ok(_) => Ok(module),
            Err(stop) => {
                self.modules.loaded.shift_remove(name);
                Err(stop)
            }
        }
    }

    fn read(&self, path: &str) -> Outcome<(Rc<Source>, ruff_python_ast::Suite)> {
        let bytes = self.files.read(path).map_err(Stop::ended)?;
        let limit = self.limits.file_bytes;
        if bytes.len() > limit {
            let message = format!("file \"{path}\" is larger than {limit} bytes");
            let hint = "definitions are small; list data files in .feastignore";
            return Err(Stop::ended(Error::unsupported(message).with_hint(hint)));
        }
        let source = Source::new(path, bytes).map_err(Stop::ended)?;
        let body = parse(&source).map_err(Stop::ended)?;
        Ok((Rc::new(source), body))
    }
}

/// Reads `module.name`.
pub(super) fn attribute(
    interpreter: &mut Interpreter<'_>,
    module: &Module,
    name: &str,
) -> Outcome<Value> {
    if let Some(value) = find(interpreter, module, name)? {
        return Ok(value);
    }
    let message = format!("module \"{}\" has no attribute \"{name}\"", module.name);
    let stop = Exception::raise("AttributeError", message);
    Err(match near(interpreter, module, name) {
        Some(near) => stop.hint(format!("did you mean \"{near}\"?")),
        None => stop,
    })
}

/// A name of a module: a variable, what a library says about it, or a module below it.
pub(super) fn find(
    interpreter: &mut Interpreter<'_>,
    module: &Module,
    name: &str,
) -> Outcome<Option<Value>> {
    if let Some(scope) = &module.scope {
        return Ok(scope.get(name));
    }
    let below = format!("{}.{name}", module.name);
    let known = match stdlib::attribute(&module.name, name) {
        Some(known) => Some(known),
        None => interpreter.library.attribute(&module.name, name),
    };
    Ok(match known {
        Some(LibraryName::Known(value)) => Some(value),
        Some(LibraryName::Foreign) => Some(Value::Foreign(Rc::from(below))),
        Some(LibraryName::Missing) | None => {
            if stdlib::has_module(&below) || interpreter.library.has_module(&below) {
                Some(interpreter.import_module(&below)?)
            } else {
                None
            }
        }
    })
}

/// The name of a module most like a mistyped one.
pub(super) fn near(interpreter: &Interpreter<'_>, module: &Module, name: &str) -> Option<String> {
    if let Some(scope) = &module.scope {
        let names = scope.names();
        return closest(name, names.iter().map(AsRef::as_ref)).map(str::to_owned);
    }
    closest(name, interpreter.library.names(&module.name)).map(str::to_owned)
}
