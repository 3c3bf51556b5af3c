//! Which objects of a module Feast would register.

use std::collections::HashSet;
use std::rc::Rc;

use larder_core::Result;

use super::{field, service, sources, views};
use crate::definitions::{Definitions, Located, Object as Definition, Warning};
use crate::python::eval::record::Object;
use crate::python::eval::scope::Scope;
use crate::python::eval::value::Value;

/// Collects the objects of one module after the other, each object once.
///
/// As Feast does: variables of modules only (not what lists or functions hold), in alphabetical order,
/// told apart by identity, and with the data sources that a view or a stream source names.
#[derive(Default)]
pub(in crate::python) struct Collector {
    found: Vec<Rc<Object>>,
    seen: HashSet<usize>,
}

impl Collector {
    /// Takes the objects of a module.
    pub(in crate::python) fn module(&mut self, scope: &Scope) {
        let mut names = scope.names();
        names.sort();
        for name in names {
            if let Some(Value::Object(object)) = scope.get(&name) {
                self.object(&object);
            }
        }
    }

    fn object(&mut self, object: &Rc<Object>) {
        let collected =
            ["DataSource", "BaseFeatureView", "Entity", "FeatureService", "Permission", "Project"];
        if !collected.iter().any(|class| object.is_a(class)) {
            return;
        }
        // The object is kept alive in `found`, so its address stays its own.
        if !self.seen.insert(Rc::as_ptr(object).addr()) {
            return;
        }
        self.found.push(Rc::clone(object));
        let nested: &[&str] = match object.spec.name {
            "PushSource" | "KafkaSource" | "KinesisSource" | "BatchFeatureView" => {
                &["batch_source"]
            }
            _ if object.is_a("BaseFeatureView") => &["batch_source", "stream_source"],
            _ => &[],
        };
        for nested in nested {
            if let Value::Object(source) = object.get(nested) {
                self.object(&source);
            }
        }
    }

    /// The objects themselves.
    pub(in crate::python) fn into_objects(self) -> Vec<Rc<Object>> {
        self.found
    }

    /// The domain objects. Errors are collected too: one per object.
    pub(in crate::python) fn definitions(
        &self,
        warnings: Vec<Warning>,
    ) -> (Definitions, Vec<larder_core::Error>) {
        let mut definitions = Definitions { warnings, ..Definitions::default() };
        let mut errors = Vec::new();
        for object in &self.found {
            let location = object.location.clone();
            if object.is_a("OnDemandFeatureView")
                && let Some(place) = views::function_place(object)
            {
                definitions.functions.insert(object.name(), place);
            }
            match definition(object) {
                Ok(value) => definitions.objects.push(Located { value, location }),
                Err(error) if error.location().is_some() => errors.push(error),
                Err(error) => errors.push(error.with_location(location)),
            }
        }
        (definitions, errors)
    }
}

/// The domain object of an object of Feast.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for what the registry cannot hold.
pub(crate) fn definition(object: &Object) -> Result<Definition> {
    Ok(if object.is_a("DataSource") {
        Definition::DataSource(sources::data_source(object)?)
    } else if object.is_a("OnDemandFeatureView") {
        Definition::OnDemandFeatureView(views::on_demand_feature_view(object)?)
    } else if object.is_a("BaseFeatureView") {
        Definition::FeatureView(views::feature_view(object)?)
    } else if object.is_a("FeatureService") {
        Definition::FeatureService(service::feature_service(object)?)
    } else if object.is_a("Permission") {
        Definition::Permission(service::permission(object)?)
    } else if object.is_a("Project") {
        Definition::Project(field::project(object))
    } else {
        Definition::Entity(field::entity(object))
    })
}
