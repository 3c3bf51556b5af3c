//! On-demand features of a request: inputs gathered into Arrow columns, transforms run, results encoded.

use arrow_array::ArrayRef;
use larder_core::{InputSource, Result, RetrievalPlan, ValueType};
use larder_proto::convert::{self, EncodedColumn};

use super::prepared::PreparedPlan;
use super::read::{TypedColumns, ViewRows};
use crate::on_demand::TransformInput;

/// Computes every on-demand view of the plan; one encoded column per feature of each view.
///
/// # Errors
/// `Data` when stored bytes are not of the declared type; whatever a transform answers.
pub(crate) async fn compute(
    prepared: &PreparedPlan,
    views: &[ViewRows],
    columns: &TypedColumns,
    rows: usize,
) -> Result<Vec<Vec<EncodedColumn>>> {
    let mut computed = Vec::with_capacity(prepared.transforms.len());
    for (on_demand, transform) in prepared.plan.on_demand.iter().zip(&prepared.transforms) {
        let inputs = transform
            .inputs()
            .iter()
            .map(|input| input_array(&prepared.plan, input, views, columns, rows))
            .collect::<Result<_>>()?;
        let outputs = transform.evaluate(inputs, rows).await?;
        let features = on_demand.view.features.iter().zip(&outputs);
        let encoded =
            features.map(|(field, array)| convert::encode_column(array, field.value_type));
        computed.push(encoded.collect::<Result<_>>()?);
    }
    Ok(computed)
}

fn input_array(
    plan: &RetrievalPlan,
    input: &TransformInput,
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
