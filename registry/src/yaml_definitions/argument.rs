//! Values of keys as arguments of Feast's constructors, by what the parameter takes.

use std::rc::Rc;

use larder_core::Result;

use super::builder::{Builder, place};
use super::choice;
use super::duration::duration;
use super::kinds;
use crate::python::{ClassSpec, Kind, Object, Parameter, Value, class, members, resources};
use crate::yaml::{Data, Section, Value as Yaml, did_you_mean};

impl Builder<'_> {
    /// The argument that a section gives for a parameter, `None` when it gives none.
    pub(super) fn parameter(
        &mut self,
        class: &'static ClassSpec,
        parameter: &'static Parameter,
        section: &Section<'_>,
    ) -> Result<Option<Value>> {
        match (class.name, parameter.name) {
            ("Entity", "join_keys") => return join_keys(section),
            ("Permission", "policy") => return self.policy(section),
            ("Permission", "types") => return section.read("types", types),
            (_, "source") if class.is_a("FeatureView") => return self.view_source(section),
            _ => {}
        }
        let value = if parameter.nullable {
            section.get_even_null(parameter.name)
        } else {
            section.get(parameter.name)
        };
        let Some(value) = value else { return Ok(None) };
        if matches!(value.node().data, Data::Null) {
            return Ok(Some(Value::None));
        }
        self.argument(&parameter.kind, &value).map(Some)
    }

    fn argument(&mut self, kind: &Kind, value: &Yaml<'_>) -> Result<Value> {
        match kind {
            Kind::Any | Kind::Map => plain(value),
            Kind::Text => value.text().map(Value::text),
            Kind::Bool => value.boolean().map(Value::Bool),
            Kind::Int => value.integer().map(|number| Value::Int(number.into())),
            Kind::Float => value.float().map(Value::Float),
            Kind::Duration => microseconds(value),
            Kind::TextMap => text_map(value),
            Kind::List(Kind::Object("Field")) => self.schema(value),
            Kind::List(item) => {
                let mut items = Vec::new();
                for element in value.list()? {
                    match self.argument(item, &element)? {
                        // One word may stand for several actions.
                        Value::List(several) => items.extend(several.0.borrow().iter().cloned()),
                        one => items.push(one),
                    }
                }
                Ok(Value::list(items))
            }
            Kind::Object(class) => self.object(class, value),
            Kind::Member("ValueType") => self.value_type(value),
            Kind::Member(enumeration) => member(enumeration, value),
            Kind::AnyOf(kinds) => self.any_of(kinds, value),
            Kind::Function => Err(value.error("is written under the key function")),
        }
    }

    /// Where Python takes several sorts of objects, a name or the shape of the value tells which one it is.
    fn any_of(&mut self, kinds: &[Kind], value: &Yaml<'_>) -> Result<Value> {
        let takes = |class: &str| {
            kinds.iter().any(|kind| matches!(kind, Kind::Object(known) if *known == class))
        };
        if takes("ComplexFeastType") {
            return self.dtype(value);
        }
        if takes("Entity") {
            let name = value.text()?;
            return self.named(&["Entity"], &name, value, "entity").map(Value::Object);
        }
        if takes("RequestSource") {
            return self.input(value);
        }
        if takes("BaseFeatureView") {
            return self.served(value);
        }
        let is_list = matches!(value.node().data, Data::List(_));
        let list = kinds.iter().find(|kind| matches!(kind, Kind::List(_)));
        match (list, kinds.iter().find(|kind| !matches!(kind, Kind::List(_)))) {
            (Some(list @ Kind::List(Kind::Object("Field"))), _) => self.argument(list, value),
            (Some(list), _) if is_list => self.argument(list, value),
            (_, Some(single)) => self.argument(single, value),
            (_, None) => Err(value.error("cannot be given here")),
        }
    }

    fn object(&mut self, name: &str, value: &Yaml<'_>) -> Result<Value> {
        if name == "DataSource" {
            return self.source(value).map(Value::Object);
        }
        if let Some(choices) = choice::of(name) {
            return self.choose(choices, value);
        }
        let found = class("", name);
        let class = found.ok_or_else(|| value.error(format!("no class is named {name}")))?;
        self.construct(class, &value.section()?, &place(value)?).map(Value::Object)
    }

    /// A data source by name, or written in place; its kind is `file_source` unless it says otherwise.
    pub(super) fn source(&mut self, value: &Yaml<'_>) -> Result<Rc<Object>> {
        if !matches!(value.node().data, Data::Map(_)) {
            let name = value.text()?;
            return self.named(&["DataSource"], &name, value, "data source");
        }
        let section = value.section()?;
        let class = match section.get("kind") {
            Some(kind) => Some(kinds::class_of(&kind)?),
            None => class("", "FileSource"),
        };
        match class.filter(|class| class.is_a("DataSource")) {
            Some(class) => self.construct(class, &section, &place(value)?),
            None => Err(value.error("is no data source")),
        }
    }

    /// `source`: one data source; `source_views`: the views that a view is derived from.
    fn view_source(&mut self, section: &Section<'_>) -> Result<Option<Value>> {
        let source = section.get("source");
        let Some(views) = section.get("source_views") else {
            return match source {
                Some(value) => self.source(&value).map(|source| Some(Value::Object(source))),
                None => Ok(None),
            };
        };
        if source.is_some() {
            let error = views.error("a view has either a source or source_views");
            return Err(error.with_hint("the source of a derived view is its sink_source"));
        }
        let mut found = Vec::new();
        for view in views.list()? {
            let name = view.text()?;
            found.push(Value::Object(self.named(
                &["FeatureView"],
                &name,
                &view,
                "feature view",
            )?));
        }
        if found.is_empty() {
            return Err(views.error("names no view"));
        }
        Ok(Some(Value::list(found)))
    }

    /// `roles`, `groups`, `namespaces`, or the last two together.
    fn policy(&mut self, section: &Section<'_>) -> Result<Option<Value>> {
        let keys = ["roles", "groups", "namespaces"];
        let mut given = crate::python::Variables::new();
        for key in keys {
            if let Some(names) = section.read(key, Yaml::texts)? {
                let names = names.into_iter().map(Value::text).collect();
                given.insert(Rc::from(key), Value::list(names));
            }
        }
        let name = match keys.map(|key| given.contains_key(key)) {
            [false, false, false] => return Ok(None),
            [true, false, false] => "RoleBasedPolicy",
            [false, true, false] => "GroupBasedPolicy",
            [false, false, true] => "NamespaceBasedPolicy",
            [false, true, true] => "CombinedGroupNamespacePolicy",
            _ => return Err(section.error("roles cannot be combined with groups or namespaces")),
        };
        let Some(class) = class("", name) else { return Ok(None) };
        let location = section.location();
        self.constructors
            .construct(class, given, &location)
            .map(|policy| Some(Value::Object(policy)))
    }
}

fn join_keys(section: &Section<'_>) -> Result<Option<Value>> {
    let keys = match (section.get("join_key"), section.get("join_keys")) {
        (Some(_), Some(many)) => return Err(many.error("give either join_key or join_keys")),
        (Some(one), None) => vec![one.text()?],
        (None, Some(many)) => many.texts()?,
        (None, None) => return Ok(None),
    };
    Ok(Some(Value::list(keys.into_iter().map(Value::text).collect())))
}

/// Classes that a permission is about, by name.
fn types(value: &Yaml<'_>) -> Result<Value> {
    let resource = |item: &Yaml<'_>| {
        let name = item.text()?;
        let known = || resources().find(|known| *known == name).and_then(|name| class("", name));
        known().map(Value::Record).ok_or_else(|| {
            let error = item.error(format!("\"{name}\" is no type of object"));
            match did_you_mean(&name, resources()) {
                Some(near) => error.with_hint(format!("did you mean \"{near}\"?")),
                None => error.with_hint(resources().collect::<Vec<_>>().join(", ")),
            }
        })
    };
    match &value.node().data {
        Data::List(_) => {
            Ok(Value::list(value.list()?.iter().map(resource).collect::<Result<_>>()?))
        }
        _ => resource(value),
    }
}

/// A member of an enumeration, in any case; a list of members by its name.
fn member(enumeration: &str, value: &Yaml<'_>) -> Result<Value> {
    let name = value.text()?;
    match members(enumeration, &name) {
        Ok(mut found) if found.len() == 1 => Ok(found.remove(0)),
        Ok(several) => Ok(Value::list(several)),
        Err(known) => {
            let error = value.error(format!("\"{name}\" is not known here"));
            let near = did_you_mean(&name.to_uppercase(), known.iter().copied());
            Err(match near {
                Some(near) => error.with_hint(format!("did you mean {near}?")),
                None => error.with_hint(format!("write one of {}", known.join(", "))),
            })
        }
    }
}

fn microseconds(value: &Yaml<'_>) -> Result<Value> {
    let micros = i128::try_from(duration(value)?.as_micros());
    micros.map(Value::Duration).map_err(|_| value.error("is too long"))
}

/// Texts by text.
pub(super) fn text_map(value: &Yaml<'_>) -> Result<Value> {
    let texts = value.text_map()?.into_iter();
    Ok(Value::text_dict(texts.map(|(key, text)| (Rc::from(key), Value::text(text)))))
}

/// Any YAML as the Python value of the same JSON.
fn plain(value: &Yaml<'_>) -> Result<Value> {
    Ok(match &value.node().data {
        Data::Null => Value::None,
        Data::Bool(flag) => Value::Bool(*flag),
        Data::Int(number) => Value::Int((*number).into()),
        Data::Float(number) => Value::Float(*number),
        Data::Text(text) => Value::text(text),
        Data::List(_) => Value::list(value.list()?.iter().map(plain).collect::<Result<Vec<_>>>()?),
        Data::Map(entries) => {
            let mut pairs = Vec::with_capacity(entries.len());
            for entry in entries {
                let path = format!("{}.{}", value.path(), entry.key);
                pairs.push((Rc::from(entry.key.as_str()), plain(&Yaml::new(path, &entry.value))?));
            }
            Value::text_dict(pairs)
        }
    })
}
