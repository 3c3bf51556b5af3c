//! On-demand views compiled against the inputs of a plan; online and offline retrieval share them.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use larder_core::{Error, InputSource, OnDemandPlan, Result, ValueType};
use larder_transform::{BoundProgram, Column};

/// A compiled view with the places of the columns that it reads.
#[derive(Debug)]
pub(crate) struct CompiledView {
    program: BoundProgram,
    schema: SchemaRef,
    inputs: Vec<CompiledInput>,
}

/// One column that the program reads.
#[derive(Debug, Clone)]
pub(crate) struct CompiledInput {
    /// Name as the function spells it, bare or `view__feature`.
    pub(crate) name: String,
    /// Declared type.
    pub(crate) value_type: ValueType,
    /// Where the values are.
    pub(crate) source: InputSource,
}

impl CompiledView {
    /// Compiles the view of a plan.
    ///
    /// # Errors
    /// `Unsupported` or `Invalid` with the place in the function for one that does not compile.
    pub(crate) fn new(plan: &OnDemandPlan) -> Result<Self> {
        let program = larder_transform::compile_view(&plan.view, input_columns(plan))?;
        let inputs = program
            .inputs()
            .iter()
            .map(|column| compiled_input(plan, column))
            .collect::<Result<Vec<_>>>()?;
        let fields: Vec<Field> = inputs
            .iter()
            .map(|input| Field::new(&input.name, input.value_type.arrow_type(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { program: program.bind(&schema)?, schema, inputs })
    }

    /// The columns read, in the order that [`Self::evaluate`] takes them.
    pub(crate) fn inputs(&self) -> &[CompiledInput] {
        &self.inputs
    }

    /// One array per feature of the view; `inputs` as [`Self::inputs`] lists them, of their declared types.
    pub(crate) fn evaluate(&self, inputs: Vec<ArrayRef>, rows: usize) -> Result<Vec<ArrayRef>> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), inputs, &options)
                .map_err(|error| {
                    Error::internal("on-demand inputs do not fit together").with_source(error)
                })?;
        self.program.evaluate(&batch)
    }
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

fn compiled_input(plan: &OnDemandPlan, column: &Column) -> Result<CompiledInput> {
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
    Ok(CompiledInput {
        name: column.name.clone(),
        value_type: input.value_type,
        source: input.source,
    })
}
