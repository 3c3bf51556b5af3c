//! On-demand features of a request: inputs gathered into Arrow columns, programs run, results encoded.

use arrow_array::ArrayRef;
use larder_core::{InputSource, Result, RetrievalPlan, ValueType};
use larder_proto::convert::{self, EncodedColumn};

use super::prepared::PreparedPlan;
use super::read::{TypedColumns, ViewRows};
use crate::on_demand::CompiledInput;

/// Computes every on-demand view of the plan; one encoded column per feature of each view.
///
/// # Errors
/// `Data` when stored bytes are not of the declared type; whatever a program answers.
pub(crate) fn compute(
    prepared: &PreparedPlan,
    views: &[ViewRows],
    columns: &TypedColumns,
    rows: usize,
) -> Result<Vec<Vec<EncodedColumn>>> {
    prepared
        .plan
        .on_demand
        .iter()
        .zip(&prepared.programs)
        .map(|(on_demand, program)| {
            let inputs = program
                .inputs()
                .iter()
                .map(|input| input_array(&prepared.plan, input, views, columns, rows))
                .collect::<Result<_>>()?;
            let outputs = program.evaluate(inputs, rows)?;
            let features = on_demand.view.features.iter().zip(&outputs);
            features.map(|(field, array)| convert::encode_column(array, field.value_type)).collect()
        })
        .collect()
}

fn input_array(
    plan: &RetrievalPlan,
    input: &CompiledInput,
    views: &[ViewRows],
    columns: &TypedColumns,
    rows: usize,
) -> Result<ArrayRef> {
    match input.source {
        InputSource::Feature { view, feature } => convert::decode_column(
            input.value_type,
            (0..rows).map(|row| views[view].value(row, feature)),
        ),
        InputSource::Request(index) => {
            values_array(columns, &plan.request_columns[index].name, input.value_type)
        }
        InputSource::JoinKey { view, key } => {
            values_array(columns, &plan.views[view].join_keys[key].column, input.value_type)
        }
    }
}

fn values_array(columns: &TypedColumns, name: &str, value_type: ValueType) -> Result<ArrayRef> {
    let encoded = EncodedColumn::of_values(columns.get(name).unwrap_or(&[]))?;
    convert::decode_column(value_type, encoded.iter().map(Some))
}
