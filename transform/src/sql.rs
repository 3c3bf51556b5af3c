//! SQL front end: one scalar expression per output.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow_schema::{DataType, Field, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, ScalarValue};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, TryCast, Volatility};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::prelude::SessionConfig;
use larder_core::{Error, Location, Result};

use crate::definition::{Column, Definition};
use crate::plan::Plan;
use crate::program::Program;

/// Compiles a definition whose text is a JSON object of output name to SQL expression.
pub(crate) fn compile(definition: &Definition) -> Result<Program> {
    definition.source.check_limits()?;
    let place = definition.source.location(1, 0);
    let texts: BTreeMap<String, String> =
        serde_json::from_str(&definition.source.text).map_err(|error| {
            Error::invalid("the SQL of a view is a JSON object of feature name to expression")
                .with_source(error)
                .with_location(place.clone())
        })?;
    let fields = definition.inputs.iter().map(input_field).collect::<Vec<_>>();
    let schema = DFSchema::try_from(Schema::new(fields))
        .map_err(|error| Error::invalid("two inputs have the same name").with_source(error))?;
    let exprs = definition.outputs.iter().map(|output| {
        let text = texts.get(&output.name).ok_or_else(|| {
            let message = format!("feature \"{}\" has no SQL expression", output.name);
            Error::invalid(message).with_location(place.clone())
        })?;
        expression(text, output, &schema).map_err(|error| explain(error, output, text, &place))
    });
    let exprs = exprs.collect::<Result<Vec<_>>>()?;
    Plan::fallible().finish(&definition.inputs, &definition.outputs, exprs)
}

fn input_field(input: &Column) -> Field {
    Field::new(&input.name, input.value_type.arrow_type(), true)
}

/// Parses, types and guards one expression and casts it to the output's type.
fn expression(text: &str, output: &Column, schema: &DFSchema) -> Result<Expr, DataFusionError> {
    let expr = session().create_logical_expr(text, schema)?;
    let expr = expr.unalias_nested().data;
    refuse_unstable(&expr)?;
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .with_config_options(Arc::clone(session().config_options()))
        .build();
    let typed = ExprSimplifier::new(context).coerce(expr, schema)?;
    let guarded = typed.transform_up(|expr| never_fail(expr, schema))?.data;
    let wanted = output.value_type.arrow_type();
    if guarded.get_type(schema)? == wanted {
        return Ok(guarded);
    }
    Ok(Expr::TryCast(TryCast::new(Box::new(guarded), wanted)))
}

/// Session with DataFusion's scalar functions; names keep their case.
fn session() -> &'static SessionState {
    static SESSION: OnceLock<SessionState> = OnceLock::new();
    SESSION.get_or_init(|| {
        let mut config = SessionConfig::new();
        config.options_mut().sql_parser.enable_ident_normalization = false;
        SessionStateBuilder::new().with_config(config).with_default_features().build()
    })
}

/// Only expressions of the row itself are the same online and offline.
fn refuse_unstable(expr: &Expr) -> Result<(), DataFusionError> {
    expr.apply(|expr| match expr {
        Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
            let message = format!(
                "function \"{}\" does not depend on the row alone; pass its value as request data",
                call.func.name()
            );
            Err(DataFusionError::NotImplemented(message))
        }
        Expr::AggregateFunction(_)
        | Expr::WindowFunction(_)
        | Expr::ScalarSubquery(_)
        | Expr::InSubquery(_)
        | Expr::Exists(_)
        | Expr::Unnest(_) => {
            let message = format!("\"{expr}\" needs more than one row");
            Err(DataFusionError::NotImplemented(message))
        }
        _ => Ok(TreeNodeRecursion::Continue),
    })?;
    Ok(())
}

/// One bad row must not fail the batch: casts give null, and so does division of integers by zero.
fn never_fail(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>, DataFusionError> {
    match expr {
        Expr::Cast(cast) => {
            let target = cast.field.data_type().clone();
            Ok(Transformed::yes(Expr::TryCast(TryCast::new(cast.expr, target))))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if matches!(op, Operator::Divide | Operator::Modulo) =>
        {
            let kind = right.get_type(schema)?;
            if !(kind.is_integer() || kind.is_decimal()) {
                let expr = Expr::BinaryExpr(BinaryExpr { left, op, right });
                return Ok(Transformed::no(expr));
            }
            let right = null_if_zero(*right, &kind)?;
            let expr = Expr::BinaryExpr(BinaryExpr { left, op, right: Box::new(right) });
            Ok(Transformed::yes(expr))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn null_if_zero(expr: Expr, kind: &DataType) -> Result<Expr, DataFusionError> {
    let zero = Expr::Literal(ScalarValue::new_zero(kind)?, None);
    let null = Expr::Literal(ScalarValue::try_from(kind)?, None);
    if matches!(&expr, Expr::Literal(value, _) if *value != ScalarValue::new_zero(kind)?) {
        return Ok(expr);
    }
    datafusion::logical_expr::when(expr.clone().eq(zero).is_true(), null).otherwise(expr)
}

fn explain(error: DataFusionError, output: &Column, text: &str, place: &Location) -> Error {
    let context = format!("SQL expression of feature \"{}\"", output.name);
    let root = match &error {
        DataFusionError::NotImplemented(message) => Error::unsupported(message.clone()),
        _ => Error::invalid(format!("{text:?} does not compile")).with_source(error),
    };
    let hint = "use scalar expressions over the view's inputs; quote names with double quotes";
    root.context(context).with_hint(hint).with_location(place.clone())
}
