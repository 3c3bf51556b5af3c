//! Objects of documents, each made when it is first asked for: a document may name objects of any other.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use larder_core::{Error, Location, Result};

use super::kinds;
use crate::python::{ClassSpec, Constructors, Fallback, Object, Value, Variables};
use crate::yaml::{Origin, Section, Value as Yaml, did_you_mean};

/// One document.
pub(super) struct Document<'a> {
    pub(super) class: &'static ClassSpec,
    pub(super) section: Section<'a>,
    pub(super) location: Location,
}

impl Document<'_> {
    /// The declared name; some sources are named by their table or path instead.
    fn name(&self) -> Option<String> {
        self.section.get("name").and_then(|name| name.text().ok())
    }
}

/// How far the object of a document is.
enum State {
    Waiting,
    Started,
    Made(Rc<Object>),
}

/// Makes the objects of documents.
pub(super) struct Builder<'a> {
    documents: &'a [Document<'a>],
    states: Vec<State>,
    /// Positions of documents by the name of their object.
    names: HashMap<String, Vec<usize>>,
    /// Objects of the Python files, by name.
    known: HashMap<String, Vec<Rc<Object>>>,
    pub(super) constructors: Constructors<'a>,
    /// Where the functions of on-demand views start, by view.
    pub(super) functions: BTreeMap<String, Location>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        documents: &'a [Document<'a>],
        known: &'a [Rc<Object>],
        constructors: Constructors<'a>,
    ) -> Self {
        let states = documents.iter().map(|_| State::Waiting).collect();
        let mut names: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, document) in documents.iter().enumerate() {
            if let Some(name) = document.name() {
                names.entry(name).or_default().push(index);
            }
        }
        let mut by_name: HashMap<String, Vec<Rc<Object>>> = HashMap::new();
        for object in known {
            by_name.entry(object.name()).or_default().push(Rc::clone(object));
        }
        let functions = BTreeMap::new();
        Self { documents, states, names, known: by_name, constructors, functions }
    }

    /// The objects of all documents, in their order.
    ///
    /// # Errors
    /// `Invalid` with file, line and key for what is wrong in any document.
    pub(super) fn all(&mut self) -> Result<Vec<Rc<Object>>> {
        // What has no name in its document must be there before others look for it.
        for index in 0..self.documents.len() {
            if self.documents[index].name().is_none() {
                let name = self.make(index)?.name();
                self.names.entry(name).or_default().push(index);
            }
        }
        (0..self.documents.len()).map(|index| self.make(index)).collect()
    }

    fn make(&mut self, index: usize) -> Result<Rc<Object>> {
        let document = &self.documents[index];
        match std::mem::replace(&mut self.states[index], State::Started) {
            State::Made(object) => {
                self.states[index] = State::Made(Rc::clone(&object));
                return Ok(object);
            }
            State::Started => return Err(document.section.error("it is made of itself")),
            State::Waiting => {}
        }
        let object = self.construct(document.class, &document.section, &document.location)?;
        self.states[index] = State::Made(Rc::clone(&object));
        Ok(object)
    }

    /// The object of this name that is of a class or of a descendant.
    pub(super) fn find(&mut self, class: &str, name: &str) -> Result<Option<Rc<Object>>> {
        let mut known = self.known.get(name).into_iter().flatten();
        if let Some(object) = known.find(|object| object.is_a(class)) {
            return Ok(Some(Rc::clone(object)));
        }
        let mut documents = self.names.get(name).into_iter().flatten().copied();
        let found = documents.find(|&index| self.documents[index].class.is_a(class));
        found.map(|index| self.make(index)).transpose()
    }

    /// As [`Builder::find`] for the first of the classes that has it, for a name that stands at `value`.
    ///
    /// # Errors
    /// `Invalid` at the value when there is none; `what` names the sort of object.
    pub(super) fn named(
        &mut self,
        classes: &[&str],
        name: &str,
        value: &Yaml<'_>,
        what: &str,
    ) -> Result<Rc<Object>> {
        for class in classes {
            if let Some(object) = self.find(class, name)? {
                return Ok(object);
            }
        }
        let names = self.names(classes);
        let error = value.error(format!("there is no {what} \"{name}\""));
        Err(match did_you_mean(name, names.iter().map(String::as_str)) {
            Some(near) => error.with_hint(format!("did you mean \"{near}\"?")),
            None => error.with_hint(format!("define the {what} in YAML or in Python")),
        })
    }

    /// Names of all objects of these classes.
    fn names(&self, classes: &[&str]) -> Vec<String> {
        let fits = |spec: &ClassSpec| classes.iter().any(|class| spec.is_a(class));
        let known = self.known.iter().filter(|(_, all)| all.iter().any(|it| fits(it.spec)));
        let documents = self.names.iter().filter(|(_, positions)| {
            positions.iter().any(|&position| fits(self.documents[position].class))
        });
        known.map(|(name, _)| name).chain(documents.map(|(name, _)| name)).cloned().collect()
    }

    /// An object of a class, made of the keys of a section. Every key must be a parameter of the class.
    ///
    /// # Errors
    /// `Invalid` at the key that is unknown, missing or wrong, and for what the constructor refuses.
    pub(super) fn construct(
        &mut self,
        class: &'static ClassSpec,
        section: &Section<'_>,
        location: &Location,
    ) -> Result<Rc<Object>> {
        if class.refused.is_some() {
            return self.constructors.construct(class, Variables::new(), location);
        }
        let mut arguments = Variables::new();
        for parameter in kinds::keys(class) {
            if let Some(value) = self.parameter(class, parameter, section)? {
                arguments.insert(Rc::from(parameter.name), value);
            }
        }
        if kinds::computes(class) {
            self.computation(class, section, &mut arguments)?;
        }
        // Feast's constructors of batch and stream views have no such parameter, the objects have the attribute.
        let enabled = match class.name {
            "BatchFeatureView" | "StreamFeatureView" => section.read("enabled", Yaml::boolean)?,
            _ => None,
        };
        section.finish()?;
        check_complete(class, section, &arguments)?;
        let object = self.constructors.construct(class, arguments, location)?;
        if let Some(enabled) = enabled {
            object.set("enabled", Value::Bool(enabled));
        }
        Ok(object)
    }
}

fn check_complete(
    class: &'static ClassSpec,
    section: &Section<'_>,
    arguments: &Variables,
) -> Result<()> {
    for parameter in kinds::keys(class) {
        let required = matches!(parameter.default, Fallback::Required);
        if required && !arguments.contains_key(parameter.name) {
            return Err(section.error(format!("{} is missing", parameter.name)));
        }
    }
    Ok(())
}

/// Where a value stands.
pub(super) fn place(value: &Yaml<'_>) -> Result<Location> {
    match &**value.origin() {
        Origin::File(location) => Ok(Location { column: 0, ..location.clone() }),
        _ => Err(Error::internal("a definition that stands in no file")),
    }
}
