//! Compiles on-demand views at apply, so that what cannot be computed is known before it is asked for.

use std::collections::BTreeMap;

use larder_core::{
    DUMMY_JOIN_KEY, Error, ErrorKind, Field, Location, OnDemandFeatureView, OnDemandSource, Result,
};
use larder_registry::RepoContents;
use larder_registry::validation::TransformCheck;
use larder_serving::Functions;
use larder_transform::{Column, Definition, Mode, Transform, compile, definition};

use crate::compose;

/// The check by the engine that will compute the features.
#[derive(Debug, Clone)]
pub(super) struct CompileCheck {
    /// Join keys of every stored view; functions may read them too.
    join_keys: BTreeMap<String, Vec<Field>>,
    /// Who calls what does not compile.
    functions: Functions,
}

impl CompileCheck {
    /// A check for the views of these contents, complete with the types of their keys.
    pub(super) fn new(contents: &RepoContents, functions: Functions) -> Self {
        let keys = contents.feature_views.iter().map(|view| {
            let columns = view.value.entity_columns.iter().filter(|key| key.name != DUMMY_JOIN_KEY);
            (view.value.name.clone(), columns.cloned().collect())
        });
        Self { join_keys: keys.collect(), functions }
    }

    /// What the function of a view may read: features under both their names, join keys, request columns.
    fn inputs(&self, view: &OnDemandFeatureView) -> Vec<Column> {
        let mut inputs: Vec<Column> = Vec::new();
        let mut add = |name: String, field: &Field| {
            if inputs.iter().all(|known| known.name != name) {
                inputs.push(Column::new(name, field.value_type));
            }
        };
        for (_, source) in &view.sources {
            let OnDemandSource::Projection(projection) = source else { continue };
            for field in &projection.features {
                add(field.name.clone(), field);
                add(format!("{}__{}", projection.name_to_use(), field.name), field);
            }
        }
        for field in view.request_fields() {
            add(field.name.clone(), field);
        }
        for projection in view.projections() {
            for key in self.join_keys.get(&projection.view).into_iter().flatten() {
                let column = projection.join_key_map.get(&key.name).unwrap_or(&key.name);
                add(column.clone(), key);
            }
        }
        inputs
    }
}

impl TransformCheck for CompileCheck {
    fn check(&self, view: &OnDemandFeatureView, location: &Location) -> Result<()> {
        let placed = |error: Error| match error.location() {
            Some(_) => error,
            None => error.with_location(location.clone()),
        };
        let mut definition = definition(view, self.inputs(view)).map_err(placed)?;
        // Places inside the function are told as places of the file.
        definition.source.file.clone_from(&location.file);
        definition.source.first_line = location.line;
        self.transform(definition).map_err(placed)
    }
}

impl CompileCheck {
    /// Compiles the definition, or tries its function out with one row where functions may be called.
    fn transform(&self, definition: Definition) -> Result<()> {
        let Some(runner) = &self.functions else {
            return compile(&definition).map(drop).map_err(|error| offer(error, definition.mode));
        };
        match Transform::new(definition)? {
            Transform::Compiled(_) => Ok(()),
            Transform::Called(function) => compose::block_on(function.try_out(runner.as_ref())),
        }
    }
}

/// The other way out, for functions that Python could call.
fn offer(error: Error, mode: Mode) -> Error {
    if error.kind() != ErrorKind::Unsupported || mode == Mode::Sql {
        return error;
    }
    let hint = error.hint().map(|hint| format!("{hint}; ")).unwrap_or_default();
    error.with_hint(format!(
        "{hint}or let Python call it: transform.python_workers in larder.yaml, see docs/on-demand-views.md"
    ))
}
