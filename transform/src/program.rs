//! A compiled view and its evaluation.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions, new_empty_array, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use datafusion::arrow::compute::concat;
use datafusion::common::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use larder_core::{Error, Result};

use crate::definition::Column;

/// Expressions over the inputs and everything that earlier levels computed.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) schema: SchemaRef,
    pub(crate) exprs: Vec<Arc<dyn PhysicalExpr>>,
    /// Whether a value may make an expression fail, as functions of SQL do.
    pub(crate) can_fail: bool,
}

#[derive(Debug)]
struct Compiled {
    inputs: Vec<Column>,
    outputs: Vec<Column>,
    input_types: Vec<DataType>,
    output_types: Vec<DataType>,
    /// The last level makes the outputs.
    levels: Vec<Level>,
}

/// A view's computation, ready to run; cheap to clone.
///
/// Evaluation never fails on a value: a row that the view's function would raise on is null.
#[derive(Debug, Clone)]
pub struct Program(Arc<Compiled>);

impl Program {
    pub(crate) fn new(inputs: Vec<Column>, outputs: Vec<Column>, levels: Vec<Level>) -> Self {
        let types = |columns: &[Column]| {
            columns.iter().map(|column| column.value_type.arrow_type()).collect()
        };
        let (input_types, output_types) = (types(&inputs), types(&outputs));
        Self(Arc::new(Compiled { inputs, outputs, input_types, output_types, levels }))
    }

    /// The columns that the computation reads, a subset of the declared inputs in their order.
    pub fn inputs(&self) -> &[Column] {
        &self.0.inputs
    }

    /// The columns that it produces, in the declared order.
    pub fn outputs(&self) -> &[Column] {
        &self.0.outputs
    }

    /// Finds the input columns in a schema, once for all batches of that schema.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) if a column is missing or its type
    /// cannot be converted to the declared one.
    pub fn bind(&self, schema: &Schema) -> Result<BoundProgram> {
        let inputs = self.0.inputs.iter().zip(&self.0.input_types);
        let sources = inputs.map(|(input, wanted)| {
            let index = schema.index_of(&input.name).map_err(|_| {
                Error::invalid(format!("input column \"{}\" is missing", input.name))
            })?;
            let found = schema.field(index).data_type();
            if found == wanted || arrow_cast::can_cast_types(found, wanted) {
                return Ok(index);
            }
            let message = format!("input column \"{}\" is {found}, not {wanted}", input.name);
            Err(Error::invalid(message))
        });
        let sources = sources.collect::<Result<_>>()?;
        Ok(BoundProgram { compiled: Arc::clone(&self.0), sources })
    }

    /// Evaluates one batch: an array per output, of the declared type's Arrow type, as long as the batch.
    ///
    /// Columns are found by name; others are ignored. [`Self::bind`] first when many batches come.
    ///
    /// # Errors
    /// As [`Self::bind`] and [`BoundProgram::evaluate`].
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.bind(batch.schema_ref())?.evaluate(batch)
    }
}

/// A program that knows where its inputs stand in batches of one schema.
#[derive(Debug, Clone)]
pub struct BoundProgram {
    compiled: Arc<Compiled>,
    sources: Vec<usize>,
}

impl BoundProgram {
    /// The columns that it produces, in the declared order.
    pub fn outputs(&self) -> &[Column] {
        &self.compiled.outputs
    }

    /// Evaluates a batch of the bound schema: an array per output, as long as the batch.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) if the batch has another schema than
    /// the bound one, [`ErrorKind::Internal`](larder_core::ErrorKind::Internal) for a defect.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let outputs = run(&self.compiled.levels, self.read(batch)?, batch.num_rows())?;
        let wrong =
            outputs.iter().zip(&self.compiled.output_types).position(|(a, t)| a.data_type() != t);
        match wrong {
            None => Ok(outputs),
            Some(at) => Err(Error::internal(format!(
                "output \"{}\" came out as {}",
                self.compiled.outputs[at].name,
                outputs[at].data_type()
            ))),
        }
    }

    fn read(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::with_capacity(self.sources.len() + self.compiled.levels.len());
        for (at, &source) in self.sources.iter().enumerate() {
            let wanted = &self.compiled.input_types[at];
            let Some(column) = batch.columns().get(source) else {
                return Err(Error::invalid("the batch has fewer columns than the bound schema"));
            };
            columns.push(if column.data_type() == wanted {
                Arc::clone(column)
            } else {
                arrow_cast::cast(column, wanted).map_err(|error| {
                    let name = &self.compiled.inputs[at].name;
                    Error::invalid(format!("input column \"{name}\" is not {wanted}"))
                        .with_source(error)
                })?
            });
        }
        Ok(columns)
    }
}

/// What a kernel runs over rows of its own, for instance over the elements of the lists of its rows.
#[derive(Debug)]
pub(crate) struct Body {
    levels: Vec<Level>,
}

impl Body {
    pub(crate) fn new(levels: Vec<Level>) -> Self {
        Self { levels }
    }

    /// The values of its expressions over `rows` rows of its columns.
    pub(crate) fn run(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<Vec<ArrayRef>> {
        run(&self.levels, columns, rows)
    }
}

/// Runs level after level; what the last one computed.
fn run(levels: &[Level], mut columns: Vec<ArrayRef>, rows: usize) -> Result<Vec<ArrayRef>> {
    let Some((last, earlier)) = levels.split_last() else {
        return Err(Error::internal("a program has no level for its outputs"));
    };
    for level in earlier {
        let computed = level.run(&columns, rows)?;
        columns.extend(computed);
    }
    last.run(&columns, rows)
}

impl Level {
    fn run(&self, columns: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        let batch = RecordBatch::try_new_with_options(schema, columns.to_vec(), &options)
            .map_err(|error: ArrowError| failed(error))?;
        let evaluate = |expr: &Arc<dyn PhysicalExpr>| match array(expr, &batch) {
            Err(_) if self.can_fail => row_by_row(expr, &batch),
            result => result,
        };
        self.exprs.iter().map(|expr| evaluate(expr).map_err(failed)).collect()
    }
}

fn array(expr: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
    expr.evaluate(batch)?.into_array(batch.num_rows())
}

/// The values of the rows on which the expression does not fail, null on the others.
fn row_by_row(
    expr: &Arc<dyn PhysicalExpr>,
    batch: &RecordBatch,
) -> Result<ArrayRef, DataFusionError> {
    let kind = expr.data_type(batch.schema_ref())?;
    if batch.num_rows() == 0 {
        return Ok(new_empty_array(&kind));
    }
    let null = new_null_array(&kind, 1);
    let row = |row| array(expr, &batch.slice(row, 1)).unwrap_or_else(|_| Arc::clone(&null));
    let rows: Vec<ArrayRef> = (0..batch.num_rows()).map(row).collect();
    let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
    Ok(concat(&rows)?)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("evaluating an on demand transform failed").with_source(error)
}
