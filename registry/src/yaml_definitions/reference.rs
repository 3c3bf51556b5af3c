//! What services and on-demand views take from views.

use std::rc::Rc;

use larder_core::Result;

use super::argument::text_map;
use super::builder::Builder;
use crate::python::{Object, Reference, Value};
use crate::yaml::{Data, Value as Yaml};

impl Builder<'_> {
    /// An item of a service: `view`, `view:feature`, `view@v2:feature`, or `{view, features, alias, join_key_map}`.
    pub(super) fn served(&mut self, value: &Yaml<'_>) -> Result<Value> {
        if matches!(value.node().data, Data::Map(_)) {
            return self.projection("BaseFeatureView", value).map(Value::Object);
        }
        let reference = reference(value)?;
        self.named(&["BaseFeatureView"], &reference.view, value, "feature view")?;
        value.text().map(Value::text)
    }

    /// A source of an on-demand view: a request source or a view, by name or written out.
    pub(super) fn input(&mut self, value: &Yaml<'_>) -> Result<Value> {
        if let Data::Map(_) = &value.node().data {
            return if value.node().get("view").is_some() {
                self.projection("FeatureView", value)
            } else {
                self.source(value)
            }
            .map(Value::Object);
        }
        let name = value.text()?;
        if let Some(source) = self.find("RequestSource", &name)? {
            return Ok(Value::Object(source));
        }
        let reference = reference(value)?;
        let (classes, what) = (["FeatureView", "RequestSource"], "feature view or request source");
        let view = self.named(&classes, &reference.view, value, what)?;
        let features = reference.feature.map(|feature| vec![feature]);
        self.chosen_of(&view, reference.version, features, value).map(Value::Object)
    }

    fn projection(&mut self, class: &str, value: &Yaml<'_>) -> Result<Rc<Object>> {
        let section = value.section()?;
        let name = section.require("view")?;
        let reference = reference(&name)?;
        if reference.feature.is_some() {
            return Err(name.error("names a feature").with_hint("list features under features"));
        }
        let view = self.named(&[class], &reference.view, &name, "feature view")?;
        let features = section.read("features", Yaml::texts)?;
        let alias = section.read("alias", Yaml::text)?;
        let keys = section.read("join_key_map", text_map)?;
        section.finish()?;
        let copy = self.chosen_of(&view, reference.version, features, value)?;
        if let Some(alias) = alias {
            copy.set("_alias", Value::text(alias));
        }
        if let Some(keys) = keys {
            copy.set("_join_key_map", keys);
        }
        Ok(copy)
    }

    /// The view with these of its features only; those of another version are known to the registry.
    fn chosen_of(
        &mut self,
        view: &Rc<Object>,
        version: Option<i32>,
        features: Option<Vec<String>>,
        value: &Yaml<'_>,
    ) -> Result<Rc<Object>> {
        let names = features.map(|names| Value::list(names.into_iter().map(Value::text).collect()));
        let copy = match (version, names) {
            (None, Some(names)) => self
                .constructors
                .select(view, &names)
                .map_err(|error| with_hint_of(value.error(error.message()), &error))?,
            (_, names) => {
                let copy = view.copy();
                if let Some(names) = names {
                    copy.set("_projected", names);
                }
                copy
            }
        };
        if let Some(version) = version {
            copy.set("_version_tag", Value::Int(version.into()));
        }
        Ok(copy)
    }
}

fn with_hint_of(error: larder_core::Error, of: &larder_core::Error) -> larder_core::Error {
    match of.hint() {
        Some(hint) => error.with_hint(hint.to_owned()),
        None => error,
    }
}

fn reference(value: &Yaml<'_>) -> Result<Reference> {
    let text = value.text()?;
    Reference::parse(&text).ok_or_else(|| {
        value
            .error(format!("\"{text}\" is no reference"))
            .with_hint("write view, view:feature or view@v2:feature")
    })
}
