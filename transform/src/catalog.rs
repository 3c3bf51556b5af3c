//! Views of a catalog as definitions to compile.

use std::sync::Arc;

use larder_core::{Error, ErrorKind, OnDemandFeatureView, Result, SQL_TAG, Transformation};

use crate::{Column, Definition, Function, Mode, Program, Source, compile, substrait};

/// How the features of a view are computed.
#[derive(Debug, Clone)]
pub enum Transform {
    /// By expressions.
    Compiled(Program),
    /// By calling its function.
    Called(Arc<Function>),
}

impl Transform {
    /// Compiles a view whose function may read `inputs`. With `called`, a valid function that does not compile is
    /// called.
    ///
    /// # Errors
    /// As [`compile_view`] and [`Self::new`].
    pub fn of(view: &OnDemandFeatureView, inputs: Vec<Column>, called: bool) -> Result<Self> {
        if !called || plan(view).is_some() {
            return compile_view(view, inputs).map(Self::Compiled);
        }
        Self::new(definition(view, inputs)?)
    }

    /// Compiles a definition; its function is called if it is valid but does not compile.
    ///
    /// # Errors
    /// As [`compile`], but `Unsupported` for SQL, and for what [`Function::new`] refuses, only.
    pub fn new(definition: Definition) -> Result<Self> {
        match compile(&definition) {
            Ok(program) => Ok(Self::Compiled(program)),
            Err(error)
                if error.kind() != ErrorKind::Unsupported || definition.mode == Mode::Sql =>
            {
                Err(error)
            }
            Err(_) => Function::new(definition).map(|function| Self::Called(Arc::new(function))),
        }
    }
}

/// Compiles a view whose function or Substrait plan may read `inputs`.
///
/// # Errors
/// `Unsupported` for a mode without compiler and for operations of a plan that are not known, `Invalid` for a damaged
/// plan, and what [`compile`] answers, with the place in the function's text (counted from its first decorator).
pub fn compile_view(view: &OnDemandFeatureView, inputs: Vec<Column>) -> Result<Program> {
    match plan(view) {
        Some(plan) => substrait::compile(&view.name, plan, &inputs, &outputs(view)),
        None => compile(&definition(view, inputs)?),
    }
}

/// The Substrait plan of a view that has no SQL expressions.
fn plan(view: &OnDemandFeatureView) -> Option<&[u8]> {
    match &view.transformation {
        Some(Transformation::Substrait { plan, .. }) if !view.tags.contains_key(SQL_TAG) => {
            Some(plan)
        }
        _ => None,
    }
}

fn outputs(view: &OnDemandFeatureView) -> Vec<Column> {
    view.features.iter().map(|field| Column::new(&field.name, field.value_type)).collect()
}

/// The definition of a view: its SQL expressions if it has any, else its function's text.
///
/// # Errors
/// As [`compile_view`]; `Unsupported` for a Substrait plan, which has no text.
pub fn definition(view: &OnDemandFeatureView, inputs: Vec<Column>) -> Result<Definition> {
    let (mode, function, text) = match (view.tags.get(SQL_TAG), &view.transformation) {
        (Some(expressions), _) => (Mode::Sql, String::new(), expressions.clone()),
        (None, Some(Transformation::Function { name, body_text, mode, .. })) => {
            let declared = if mode.is_empty() { view.mode.as_str() } else { mode.as_str() };
            (parse_mode(view, declared)?, name.clone(), body_text.clone())
        }
        (None, Some(Transformation::Substrait { .. })) => {
            return Err(unsupported(view, "a Substrait plan"));
        }
        (None, None) => return Err(unsupported(view, "no function")),
    };
    Ok(Definition {
        view: view.name.clone(),
        mode,
        singleton: view.singleton,
        function,
        source: Source {
            text,
            file: format!("on demand feature view {}", view.name),
            first_line: 1,
        },
        inputs,
        outputs: outputs(view),
    })
}

/// Feast 0.67 takes an empty mode for pandas.
fn parse_mode(view: &OnDemandFeatureView, mode: &str) -> Result<Mode> {
    match mode {
        "python" => Ok(Mode::Python),
        "pandas" | "" => Ok(Mode::Pandas),
        other => Err(unsupported(view, &format!("mode \"{other}\""))),
    }
}

fn unsupported(view: &OnDemandFeatureView, what: &str) -> Error {
    Error::unsupported(format!(
        "on demand feature view \"{}\" has {what}, which cannot be computed",
        view.name
    ))
    .with_hint("use mode=\"python\", mode=\"pandas\" or SQL expressions in YAML")
}
