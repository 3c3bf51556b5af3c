//! On-demand views made ready against the inputs of a plan; online and offline retrieval share them.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use larder_core::{Error, InputSource, OnDemandPlan, Result, ValueType};
use larder_transform::{BoundProgram, Column, Function, FunctionRunner, Program, Transform};

/// Who calls functions that do not compile; `None` refuses them.
pub type Functions = Option<Arc<dyn FunctionRunner>>;

/// A view that is ready to be computed, with the places of the columns that it reads.
#[derive(Debug)]
pub(crate) struct PreparedTransform {
    computation: Computation,
    inputs: Vec<TransformInput>,
}

#[derive(Debug)]
enum Computation {
    Compiled { program: BoundProgram, schema: SchemaRef },
    Called { function: Arc<Function>, runner: Arc<dyn FunctionRunner> },
}

/// One column that the view reads.
#[derive(Debug, Clone)]
pub(crate) struct TransformInput {
    /// Name as the function spells it, bare or `view__feature`.
    pub(crate) name: String,
    /// Declared type.
    pub(crate) value_type: ValueType,
    /// Where the values are.
    pub(crate) source: InputSource,
}

impl PreparedTransform {
    /// Compiles the view of a plan, or finds out that its function can be called.
    ///
    /// # Errors
    /// `Unsupported` or `Invalid` with the place in the function for one that does not compile, if nobody calls
    /// functions.
    pub(crate) fn new(plan: &OnDemandPlan, functions: &Functions) -> Result<Self> {
        let transform = Transform::of(&plan.view, input_columns(plan), functions.is_some())?;
        let (computation, columns) = match (transform, functions) {
            (Transform::Called(function), Some(runner)) => {
                let columns = function.inputs().to_vec();
                (Computation::Called { function, runner: Arc::clone(runner) }, columns)
            }
            (Transform::Called(_), None) => {
                return Err(Error::internal("a function is called that nobody calls"));
            }
            (Transform::Compiled(program), _) => bind(&program)?,
        };
        let inputs = columns.iter().map(|column| transform_input(plan, column));
        Ok(Self { computation, inputs: inputs.collect::<Result<_>>()? })
    }

    /// The columns read, in the order that [`Self::evaluate`] takes them.
    pub(crate) fn inputs(&self) -> &[TransformInput] {
        &self.inputs
    }

    /// One array per feature of the view; `inputs` as [`Self::inputs`] lists them, of their declared types.
    ///
    /// # Errors
    /// As [`BoundProgram::evaluate`] and [`Function::call`].
    pub(crate) async fn evaluate(
        &self,
        inputs: Vec<ArrayRef>,
        rows: usize,
    ) -> Result<Vec<ArrayRef>> {
        let (program, schema) = match &self.computation {
            Computation::Compiled { program, schema } => (program, schema),
            Computation::Called { function, runner } => {
                return function.call(runner.as_ref(), inputs, rows).await;
            }
        };
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(SchemaRef::clone(schema), inputs, &options)
            .map_err(|error| {
            Error::internal("on-demand inputs do not fit together").with_source(error)
        })?;
        program.evaluate(&batch)
    }
}

fn bind(program: &Program) -> Result<(Computation, Vec<Column>)> {
    let columns = program.inputs().to_vec();
    let fields: Vec<Field> = columns
        .iter()
        .map(|column| Field::new(&column.name, column.value_type.arrow_type(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    Ok((Computation::Compiled { program: program.bind(&schema)?, schema }, columns))
}

/// Both spellings of every input: Feast offers `feature` and `view__feature`.
fn input_columns(plan: &OnDemandPlan) -> Vec<Column> {
    let bare = plan.inputs.iter().map(|input| Column::new(&input.name, input.value_type));
    let full = plan.inputs.iter().filter_map(|input| {
        input.full_name.as_ref().map(|name| Column::new(name, input.value_type))
    });
    let mut columns: Vec<Column> = Vec::new();
    for column in bare.chain(full) {
        if columns.iter().all(|known| known.name != column.name) {
            columns.push(column);
        }
    }
    columns
}

fn transform_input(plan: &OnDemandPlan, column: &Column) -> Result<TransformInput> {
    let by_bare = plan.inputs.iter().find(|input| input.name == column.name);
    let input = by_bare
        .or_else(|| {
            plan.inputs
                .iter()
                .find(|input| input.full_name.as_deref() == Some(column.name.as_str()))
        })
        .ok_or_else(|| {
            Error::internal(format!(
                "on demand feature view \"{}\" reads unknown \"{}\"",
                plan.name, column.name
            ))
        })?;
    Ok(TransformInput {
        name: column.name.clone(),
        value_type: input.value_type,
        source: input.source,
    })
}
