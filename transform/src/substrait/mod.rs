//! Plans of Feast's `mode="substrait"`, which ibis made of a function and the registry keeps.
//!
//! A plan is a read of the inputs with projections over it. Its expressions mean what they mean in Acero, the engine
//! of Arrow that Feast 0.67 runs them with: whole numbers wrap, missing values hand themselves on, comparisons with
//! not-a-number are false. What makes Acero fail a request is null in that row.

mod expression;
mod function;

use std::collections::BTreeMap;

use arrow_schema::DataType;
use datafusion::logical_expr::Expr;
use larder_core::{Error, Result, ValueType};
use larder_proto::substrait as wire;
use prost::Message as _;

use crate::definition::Column;
use crate::kernel::{FillMissing, ToInt, call};
use crate::plan::{Plan, column};
use crate::program::Program;

/// The type of an expression. Whole numbers are 64 bits wide, floats double.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Float,
    Text,
}

/// An expression with its type.
#[derive(Debug, Clone)]
struct Typed {
    expr: Expr,
    kind: Kind,
}

/// Compiles the plan of a view.
///
/// # Errors
/// `Invalid` for bytes that are no plan, for a plan that reads other columns than the inputs or lacks an output;
/// `Unsupported` for operations and functions that are not known.
pub(crate) fn compile(
    view: &str,
    plan: &[u8],
    inputs: &[Column],
    outputs: &[Column],
) -> Result<Program> {
    let decoded = wire::Plan::decode(plan).map_err(|error| {
        Error::invalid(format!(
            "the Substrait plan of on demand feature view \"{view}\" is damaged"
        ))
        .with_source(error)
    })?;
    let functions = decoded.extensions.iter().filter_map(|extension| {
        use wire::simple_extension_declaration::MappingType::ExtensionFunction;
        let Some(ExtensionFunction(function)) = &extension.mapping_type else { return None };
        Some((function.function_anchor, function.name.as_str()))
    });
    let mut compiler =
        Compiler { view, inputs, functions: functions.collect(), plan: Plan::default() };
    let exprs = compiler.outputs(&decoded, outputs)?;
    compiler.plan.finish(inputs, outputs, exprs)
}

/// What compiling a plan needs.
#[derive(Debug)]
struct Compiler<'p> {
    view: &'p str,
    inputs: &'p [Column],
    /// Names of functions by the numbers that the plan uses.
    functions: BTreeMap<u32, &'p str>,
    plan: Plan,
}

impl Compiler<'_> {
    fn unsupported(&self, what: impl std::fmt::Display) -> Error {
        Error::unsupported(format!(
            "the Substrait plan of on demand feature view \"{}\" has {what}, which cannot be computed",
            self.view
        ))
        .with_hint("write the function with mode=\"python\" or mode=\"pandas\"")
    }

    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::invalid(format!(
            "the Substrait plan of on demand feature view \"{}\" {what}",
            self.view
        ))
    }

    /// One expression per output, of its Arrow type.
    fn outputs(&mut self, plan: &wire::Plan, outputs: &[Column]) -> Result<Vec<Expr>> {
        let [wire::PlanRel { rel_type: Some(wire::plan_rel::RelType::Root(root)) }] =
            plan.relations.as_slice()
        else {
            return Err(self.unsupported("not one result"));
        };
        let columns = self.relation(root.input.as_ref())?;
        if columns.len() != root.names.len() {
            return Err(self.wrong(format_args!(
                "names {} of {} columns",
                root.names.len(),
                columns.len()
            )));
        }
        outputs
            .iter()
            .map(|output| {
                let at = root.names.iter().position(|name| *name == output.name);
                let Some(at) = at else {
                    return Err(self.wrong(format_args!("lacks feature \"{}\"", output.name)));
                };
                self.stored(&columns[at], output)
            })
            .collect()
    }

    /// The columns of a relation.
    fn relation(&mut self, relation: Option<&wire::Rel>) -> Result<Vec<Typed>> {
        use wire::rel::RelType::{Project, Read};
        match relation.and_then(|relation| relation.rel_type.as_ref()) {
            Some(Read(read)) => {
                let columns = self.read(read)?;
                self.emitted(read.common.as_ref(), columns)
            }
            Some(Project(project)) => {
                let mut columns = self.relation(project.input.as_deref())?;
                let made = project.expressions.iter().map(|made| {
                    let made = self.expression(Some(made), &columns)?;
                    Ok(Typed { expr: self.plan.share(made.expr, &made.kind.data_type()), ..made })
                });
                let made = made.collect::<Result<Vec<_>>>()?;
                columns.extend(made);
                self.emitted(project.common.as_ref(), columns)
            }
            None => Err(self.unsupported("an operation that leaves out, joins or aggregates rows")),
        }
    }

    /// The inputs that a plan reads.
    fn read(&mut self, read: &wire::ReadRel) -> Result<Vec<Typed>> {
        if read.filter.is_some() || read.projection.is_some() || read.named_table.is_none() {
            return Err(self.unsupported("a read of more than the inputs"));
        }
        let names = read.base_schema.iter().flat_map(|schema| &schema.names);
        names.map(|name| self.input(name)).collect()
    }

    fn input(&mut self, name: &str) -> Result<Typed> {
        let Some(input) = self.inputs.iter().find(|input| input.name == name) else {
            return Err(
                self.wrong(format_args!("reads \"{name}\", which the view has no source of"))
            );
        };
        let kind = match input.value_type {
            ValueType::Bool => Kind::Bool,
            ValueType::Int32 | ValueType::Int64 => Kind::Int,
            ValueType::Float | ValueType::Double => Kind::Float,
            ValueType::String => Kind::Text,
            // A column may stand in the plan's table without being used.
            _ => return Ok(Typed { expr: Expr::default(), kind: Kind::Text }),
        };
        let read = column(name);
        if kind.data_type() == input.value_type.arrow_type() {
            return Ok(Typed { expr: read, kind });
        }
        let expr = function::cast(read, kind.data_type());
        Ok(Typed { expr: self.plan.share(expr, &kind.data_type()), kind })
    }

    /// The columns that leave a relation.
    fn emitted(&self, common: Option<&wire::RelCommon>, columns: Vec<Typed>) -> Result<Vec<Typed>> {
        use wire::rel_common::EmitKind::Emit;
        let Some(Emit(emit)) = common.and_then(|common| common.emit_kind.as_ref()) else {
            return Ok(columns);
        };
        let column = |at: &i32| usize::try_from(*at).ok().and_then(|at| columns.get(at)).cloned();
        let chosen = emit.output_mapping.iter().map(column).collect::<Option<_>>();
        chosen.ok_or_else(|| self.wrong("hands on a column that is not there"))
    }

    /// The value as Feast stores it: not-a-number is null.
    fn stored(&self, value: &Typed, output: &Column) -> Result<Expr> {
        use ValueType::{Bool, Double, Float, Int32, Int64, String};
        let arrow = output.value_type.arrow_type();
        let expr = value.expr.clone();
        Ok(match (output.value_type, value.kind) {
            (Bool, Kind::Bool) | (Int64, Kind::Int) | (String, Kind::Text) => expr,
            (Int32, Kind::Int) => function::try_cast(expr, arrow),
            (Int64, Kind::Float) => call(ToInt, vec![expr]),
            (Int32, Kind::Float) => function::try_cast(call(ToInt, vec![expr]), arrow),
            (Double | Float, Kind::Int) => function::cast(expr, arrow),
            (Double | Float, Kind::Float) => {
                let null = function::null(&DataType::Float64);
                function::cast(call(FillMissing, vec![expr, null]), arrow)
            }
            (value_type, kind) => {
                return Err(self.wrong(format_args!(
                    "gives {} for feature \"{}\", which is declared {}",
                    kind.label(),
                    output.name,
                    value_type.name()
                )));
            }
        })
    }
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::Int => "an int",
            Self::Float => "a float",
            Self::Text => "a text",
        }
    }
}
