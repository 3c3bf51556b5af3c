//! Functions that are called instead of compiled: what they get, what they must answer, how their errors read.
//!
//! Nothing here runs Python. [`FunctionRunner`] is the seam; who implements it decides where the function runs.

mod sample;

use std::fmt;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_empty_array};
use arrow_schema::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use larder_core::{Error, Result, ValueType};

use crate::definition::{Column, Definition, Mode, Source};

/// Calls functions that do not compile.
///
/// Object-safe, batch-first, and free to be slow: callers await it.
#[async_trait]
pub trait FunctionRunner: fmt::Debug + Send + Sync {
    /// Calls a function with a batch of [`Function::schema`] that has at least one row.
    ///
    /// Answers one array per output of the function, in their order; [`Function::call`] checks lengths and types.
    ///
    /// # Errors
    /// - [`Function::raised`] for what the function itself raises;
    /// - `Deadline` when it takes too long;
    /// - `Unavailable` when nothing can run it now, or what ran it died;
    /// - `Invalid` when the runner is set up wrongly.
    async fn call(&self, function: &Arc<Function>, inputs: RecordBatch) -> Result<Vec<ArrayRef>>;
}

/// A view's function as its text, with the columns that it gets and must return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    definition: Definition,
    schema: SchemaRef,
}

/// When a function raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// While its text was read.
    Load,
    /// While it ran.
    Call,
    /// While what it returned was turned into features.
    Result,
}

/// An exception as Python tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// When it was raised.
    pub phase: Phase,
    /// Name of its class.
    pub exception: String,
    /// Its text.
    pub message: String,
    /// Line of the function's text, from 1; 0 when none is known.
    pub line: u32,
}

impl Function {
    /// The function of a definition.
    ///
    /// Inputs of a type that cannot be handed to Python (scalar maps, nested lists, zoned timestamps) are left out.
    ///
    /// # Errors
    /// `Unsupported` for SQL and for an output of such a type.
    pub fn new(mut definition: Definition) -> Result<Self> {
        definition.source.check_limits()?;
        if definition.mode == Mode::Sql {
            return Err(Error::unsupported("SQL expressions are compiled, never called"));
        }
        if let Some(output) =
            definition.outputs.iter().find(|output| !is_carried(output.value_type))
        {
            return Err(Error::unsupported(format!(
                "on demand feature view \"{}\": feature \"{}\" is of type {}, which no function can return",
                definition.view,
                output.name,
                output.value_type.name()
            ))
            .with_location(definition.source.location(1, 0)));
        }
        definition.inputs.retain(|input| is_carried(input.value_type));
        let fields: Vec<Field> = definition
            .inputs
            .iter()
            .map(|input| Field::new(&input.name, input.value_type.arrow_type(), true))
            .collect();
        Ok(Self { definition, schema: Arc::new(Schema::new(fields)) })
    }

    /// Name of the view.
    pub fn view(&self) -> &str {
        &self.definition.view
    }

    /// Name of the function in the text; empty for the first.
    pub fn name(&self) -> &str {
        &self.definition.function
    }

    /// The text with its decorators.
    pub fn source(&self) -> &Source {
        &self.definition.source
    }

    /// `Python` or `Pandas`.
    pub fn mode(&self) -> Mode {
        self.definition.mode
    }

    /// Whether it gets one row of scalars at a time.
    pub fn singleton(&self) -> bool {
        self.definition.singleton
    }

    /// What it gets: all of the definition's inputs, because nobody knows which ones it reads.
    pub fn inputs(&self) -> &[Column] {
        &self.definition.inputs
    }

    /// What it must return.
    pub fn outputs(&self) -> &[Column] {
        &self.definition.outputs
    }

    /// The schema of the batches that it is called with: [`Self::inputs`] under their declared types.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Calls the function: an array per output, of the declared type, as long as the inputs.
    ///
    /// `inputs` are arrays of [`Self::schema`]. Without rows nothing is called.
    ///
    /// # Errors
    /// As [`FunctionRunner::call`]; `Internal` when arrays do not fit the declared columns.
    pub async fn call(
        self: &Arc<Self>,
        runner: &dyn FunctionRunner,
        inputs: Vec<ArrayRef>,
        rows: usize,
    ) -> Result<Vec<ArrayRef>> {
        if rows == 0 {
            let empty = |output: &Column| new_empty_array(&output.value_type.arrow_type());
            return Ok(self.outputs().iter().map(empty).collect());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), inputs, &options)
                .map_err(|error| {
                    Error::internal("on-demand inputs do not fit together").with_source(error)
                })?;
        let outputs = runner.call(self, batch).await?;
        self.check(&outputs, rows)?;
        Ok(outputs)
    }

    /// Calls the function with one row of made-up values, as `feast apply` does, to see that it can be called.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn try_out(self: &Arc<Self>, runner: &dyn FunctionRunner) -> Result<()> {
        let inputs = self.inputs().iter().map(|input| sample::value(input.value_type)).collect();
        self.call(runner, inputs, 1).await.map(drop)
    }

    fn check(&self, outputs: &[ArrayRef], rows: usize) -> Result<()> {
        let fits = |(array, output): (&ArrayRef, &Column)| {
            array.len() == rows && *array.data_type() == output.value_type.arrow_type()
        };
        if outputs.len() == self.outputs().len() && outputs.iter().zip(self.outputs()).all(fits) {
            return Ok(());
        }
        Err(Error::internal(format!(
            "on demand feature view \"{}\": the answer has other columns than were asked for",
            self.view()
        )))
    }

    /// The error of a function that raised: `Invalid`, at the line of the text that did it.
    pub fn raised(&self, raised: &Raised) -> Error {
        let when = match raised.phase {
            Phase::Load => "the function's text raises",
            Phase::Call => "the function raises",
            Phase::Result => "what the function returns is no feature:",
        };
        let Raised { exception, message, .. } = raised;
        let colon = if message.is_empty() { "" } else { ": " };
        let error = Error::invalid(format!(
            "on demand feature view \"{}\": {when} {exception}{colon}{message}",
            self.view()
        ));
        let error = match (raised.phase, exception.as_str()) {
            (_, "MemoryError") => {
                error.with_hint("raise transform.python_workers.memory_limit in larder.yaml")
            }
            (_, "NameError") => error.with_hint(
                "only the text of the function is registered: imports, constants and helpers belong inside of it",
            ),
            _ => error,
        };
        let line = usize::try_from(raised.line).unwrap_or(0).max(1);
        error.with_location(self.source().location(line, 0))
    }
}

/// Whether values of a type have a counterpart in Python that both sides agree on.
fn is_carried(value_type: ValueType) -> bool {
    !matches!(
        value_type,
        ValueType::Unknown
            | ValueType::Null
            | ValueType::ValueList
            | ValueType::ValueSet
            | ValueType::ScalarMap
            | ValueType::ZonedTimestamp
    )
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    fn definition(inputs: &[ValueType], output: ValueType) -> Definition {
        let input =
            |(at, &value_type): (usize, &ValueType)| Column::new(format!("c{at}"), value_type);
        Definition {
            view: "v".to_owned(),
            mode: Mode::Python,
            singleton: false,
            function: String::new(),
            source: Source {
                text: "def f(inputs):\n    return {}\n".to_owned(),
                file: "features.py".to_owned(),
                first_line: 10,
            },
            inputs: inputs.iter().enumerate().map(input).collect(),
            outputs: vec![Column::new("r", output)],
        }
    }

    #[test]
    fn columns_that_python_cannot_hold_are_left_out_and_never_promised() {
        let types = [ValueType::Int64, ValueType::ScalarMap, ValueType::StringList];
        let function = Function::new(definition(&types, ValueType::Double)).unwrap();
        let names: Vec<_> = function.inputs().iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["c0", "c2"]);
        assert_eq!(function.schema().fields().len(), 2);
        let error = Function::new(definition(&[], ValueType::ZonedTimestamp)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn an_exception_is_told_at_its_line_of_the_file() {
        let function = Function::new(definition(&[], ValueType::Double)).unwrap();
        let raised = |line| Raised {
            phase: Phase::Call,
            exception: "ZeroDivisionError".to_owned(),
            message: "division by zero".to_owned(),
            line,
        };
        for (line, wanted) in [(0, 10), (1, 10), (2, 11)] {
            let error = function.raised(&raised(line));
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert_eq!(error.location().unwrap().line, wanted);
        }
    }

    #[test]
    fn every_type_that_is_carried_has_a_sample_of_its_arrow_type() {
        for &value_type in ValueType::ALL.iter().filter(|value_type| is_carried(**value_type)) {
            let sample = sample::value(value_type);
            assert_eq!(*sample.data_type(), value_type.arrow_type(), "{value_type:?}");
            assert_eq!((sample.len(), sample.null_count()), (1, 0), "{value_type:?}");
        }
    }
}
