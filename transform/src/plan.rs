//! From logical expressions to a program: sharing, pruning, simplification, physical expressions.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column as ColumnName, DFSchema, DataFusionError, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use larder_core::{Error, Result};

use crate::definition::Column;
use crate::program::{Body, Level, Program};

/// Deepest expression that is made by putting single-use steps into their only user.
const MAX_DEPTH: usize = 40;

/// Starts the name of a shared value; no feature is named like this.
const STEP_PREFIX: char = '\u{1}';

/// A computed value that other expressions use.
#[derive(Debug)]
struct Step {
    number: usize,
    expr: Expr,
    kind: DataType,
}

/// Expressions under construction; shared values become columns of the working batch.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Tells its steps from those of the plans around it.
    id: usize,
    steps: Vec<Step>,
    /// Types of the columns that expressions may read.
    types: BTreeMap<String, DataType>,
    /// Whether a value may make an expression fail.
    can_fail: bool,
}

impl Plan {
    /// A plan for expressions that may fail on a value; such rows become null.
    pub(crate) fn fallible() -> Self {
        Self { can_fail: true, ..Self::default() }
    }

    /// A column that holds the expression's value; columns and constants stand for themselves.
    pub(crate) fn share(&mut self, expr: Expr, kind: &DataType) -> Expr {
        if matches!(expr, Expr::Column(_) | Expr::Literal(..)) {
            return expr;
        }
        let number = self.steps.len();
        self.steps.push(Step { number, expr, kind: kind.clone() });
        self.declare(step_name(self.id, number), kind.clone())
    }

    /// A column that is there when the expressions run.
    pub(crate) fn declare(&mut self, name: String, kind: DataType) -> Expr {
        self.types.insert(name.clone(), kind);
        column(name)
    }

    /// A plan for what a kernel runs over rows of its own; its expressions may read all columns of this one.
    pub(crate) fn nested(&self, id: usize) -> Self {
        Self { id, steps: Vec::new(), types: self.types.clone(), can_fail: self.can_fail }
    }

    /// Compiles what a kernel runs: `own` are the columns that it makes itself. Comes with the other columns that are
    /// read, in the order in which they follow the own ones.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub(crate) fn body(self, own: &[Expr], exprs: Vec<Expr>) -> Result<(Body, Vec<Expr>)> {
        let (id, types) = (self.id, self.types.clone());
        let (steps, exprs) = self.inline(exprs).map_err(internal)?;
        let mut read = BTreeSet::new();
        for expr in steps.iter().map(|step| &step.expr).chain(&exprs) {
            let outer = expr.column_refs().into_iter().filter(|it| step_number(it, id).is_none());
            read.extend(outer.map(|column| column.name.clone()));
        }
        let own: Vec<String> =
            own.iter().flat_map(Expr::column_refs).map(|column| column.name.clone()).collect();
        let captured: Vec<String> = read.into_iter().filter(|name| !own.contains(name)).collect();
        let field = |name: &String| {
            let kind = types.get(name).cloned().unwrap_or(DataType::Null);
            Field::new(name, kind, true)
        };
        let fields = own.iter().chain(&captured).map(field).collect();
        let levels = compile(id, fields, steps, &exprs).map_err(internal)?;
        Ok((Body::new(levels), captured.into_iter().map(column).collect()))
    }

    /// Compiles the expressions of the outputs; what they do not need is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](larder_core::ErrorKind::Internal) if an expression is not well typed.
    pub(crate) fn finish(
        self,
        inputs: &[Column],
        outputs: &[Column],
        exprs: Vec<Expr>,
    ) -> Result<Program> {
        let (id, can_fail) = (self.id, self.can_fail);
        let (steps, exprs) = self.inline(exprs).map_err(internal)?;
        let mut read = HashSet::new();
        for expr in steps.iter().map(|step| &step.expr).chain(&exprs) {
            read.extend(expr.column_refs().into_iter().map(|column| column.name.clone()));
        }
        let inputs: Vec<Column> =
            inputs.iter().filter(|input| read.contains(&input.name)).cloned().collect();
        let field =
            |column: &Column| Field::new(&column.name, column.value_type.arrow_type(), true);
        let fields = inputs.iter().map(field).collect();
        let mut levels = compile(id, fields, steps, &exprs).map_err(internal)?;
        for level in &mut levels {
            level.can_fail = can_fail;
        }
        Ok(Program::new(inputs, outputs.to_vec(), levels))
    }

    /// How often each step is used by what the outputs need.
    fn uses(&self, exprs: &[Expr]) -> Vec<usize> {
        let mut uses = vec![0; self.steps.len()];
        let count = |expr: &Expr, uses: &mut [usize]| {
            for (column, times) in expr.column_refs_counts() {
                if let Some(number) = step_number(column, self.id) {
                    uses[number] += times;
                }
            }
        };
        for expr in exprs {
            count(expr, &mut uses);
        }
        // Steps refer to earlier ones only, so one pass from the end sees every use.
        for step in self.steps.iter().rev() {
            if uses[step.number] > 0 {
                count(&step.expr, &mut uses);
            }
        }
        uses
    }

    /// Puts steps that are used once into their user and drops the unused.
    fn inline(self, exprs: Vec<Expr>) -> Result<(Vec<Step>, Vec<Expr>), DataFusionError> {
        let (uses, id) = (self.uses(&exprs), self.id);
        let mut inlined: BTreeMap<usize, Expr> = BTreeMap::new();
        let mut kept = Vec::new();
        for mut step in self.steps {
            if uses[step.number] == 0 {
                continue;
            }
            step.expr = substitute(step.expr, id, &inlined)?;
            if uses[step.number] == 1 && depth(&step.expr)? <= MAX_DEPTH {
                inlined.insert(step.number, step.expr);
            } else {
                kept.push(step);
            }
        }
        let exprs = exprs.into_iter().map(|expr| substitute(expr, id, &inlined));
        Ok((kept, exprs.collect::<Result<_, _>>()?))
    }
}

/// The value of an expression that reads no column.
pub(crate) fn constant(expr: &Expr) -> Option<ScalarValue> {
    if expr.any_column_refs() {
        return None;
    }
    let context = SimplifyContext::builder()
        .with_config_options(Arc::new(ConfigOptions::default()))
        .with_schema(Arc::new(DFSchema::empty()))
        .build();
    match ExprSimplifier::new(context).simplify(expr.clone()) {
        Ok(Expr::Literal(value, _)) => Some(value),
        _ => None,
    }
}

/// The expression that reads a column.
pub(crate) fn column(name: impl Into<String>) -> Expr {
    Expr::Column(ColumnName::new_unqualified(name))
}

fn step_name(id: usize, number: usize) -> String {
    format!("{STEP_PREFIX}{id}.{number}")
}

/// The number of a step of the plan with this id.
fn step_number(column: &ColumnName, id: usize) -> Option<usize> {
    let (plan, number) = column.name.strip_prefix(STEP_PREFIX)?.split_once('.')?;
    if plan.parse() == Ok(id) { number.parse().ok() } else { None }
}

fn substitute(
    expr: Expr,
    id: usize,
    inlined: &BTreeMap<usize, Expr>,
) -> Result<Expr, DataFusionError> {
    let replaced = expr.transform_up(|expr| {
        let Expr::Column(column) = &expr else { return Ok(Transformed::no(expr)) };
        match step_number(column, id).and_then(|number| inlined.get(&number)) {
            Some(replacement) => Ok(Transformed::yes(replacement.clone())),
            None => Ok(Transformed::no(expr)),
        }
    })?;
    Ok(replaced.data)
}

fn depth(expr: &Expr) -> Result<usize, DataFusionError> {
    let mut deepest = 0;
    expr.apply_children(|child| {
        deepest = deepest.max(depth(child)?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(deepest + 1)
}

/// Groups the steps into levels, each of which reads only what earlier levels made.
fn compile(
    id: usize,
    mut fields: Vec<Field>,
    steps: Vec<Step>,
    exprs: &[Expr],
) -> Result<Vec<Level>, DataFusionError> {
    let mut level_of: BTreeMap<usize, usize> = BTreeMap::new();
    let mut grouped: Vec<Vec<Step>> = Vec::new();
    for step in steps {
        let needs = step.expr.column_refs();
        let below = needs.iter().filter_map(|column| level_of.get(&step_number(column, id)?)).max();
        let level = below.map_or(0, |below| below + 1);
        level_of.insert(step.number, level);
        if grouped.len() <= level {
            grouped.resize_with(level + 1, Vec::new);
        }
        grouped[level].push(step);
    }
    let mut levels = Vec::new();
    for group in grouped {
        let level_exprs: Vec<Expr> = group.iter().map(|step| step.expr.clone()).collect();
        levels.push(compile_level(&fields, &level_exprs)?);
        fields.extend(
            group.into_iter().map(|step| Field::new(step_name(id, step.number), step.kind, true)),
        );
    }
    levels.push(compile_level(&fields, exprs)?);
    Ok(levels)
}

fn compile_level(fields: &[Field], exprs: &[Expr]) -> Result<Level, DataFusionError> {
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let named = Arc::new(DFSchema::try_from(Arc::clone(&schema))?);
    let context = SimplifyContext::builder()
        .with_schema(Arc::clone(&named))
        .with_config_options(Arc::new(ConfigOptions::default()))
        .build();
    let simplifier = ExprSimplifier::new(context);
    let physical = |expr: &Expr| -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
        let expr = simplifier.simplify(expr.clone())?;
        let props = ExecutionProps::new();
        create_physical_expr(&expr, &named, &props, &PhysicalPlanningContext::default())
    };
    let exprs = exprs.iter().map(physical).collect::<Result<_, _>>()?;
    Ok(Level { schema, exprs, can_fail: false })
}

fn internal(error: DataFusionError) -> Error {
    Error::internal("compiling an on demand transform failed").with_source(error)
}
