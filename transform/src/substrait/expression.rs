//! Expressions of a plan.

use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;
use larder_proto::substrait::expression::literal::LiteralType;
use larder_proto::substrait::expression::{Cast, IfThen, Literal, RexType, SingularOrList};
use larder_proto::substrait::function_argument::ArgType;
use larder_proto::substrait::{self as wire, r#type};

use super::function::{self, choose, null};
use super::{Compiler, Kind, Typed};

impl Compiler<'_> {
    /// The expression over these columns.
    pub(super) fn expression(
        &mut self,
        expression: Option<&wire::Expression>,
        columns: &[Typed],
    ) -> Result<Typed> {
        match expression.and_then(|expression| expression.rex_type.as_ref()) {
            Some(RexType::Literal(literal)) => self.literal(literal),
            Some(RexType::Selection(field)) => self.field(field, columns),
            Some(RexType::ScalarFunction(called)) => self.scalar_function(called, columns),
            Some(RexType::IfThen(choice)) => self.if_then(choice, columns),
            Some(RexType::SingularOrList(list)) => self.any_of(list, columns),
            Some(RexType::Cast(cast)) => self.cast(cast, columns),
            None => Err(self.unsupported("an expression over other rows, or of an unknown form")),
        }
    }

    fn literal(&self, literal: &Literal) -> Result<Typed> {
        use LiteralType::{
            Boolean, FixedChar, Fp32, Fp64, I8, I16, I32, I64, Null, String, VarChar,
        };
        let int = |value: i64| (lit(value), Kind::Int);
        let (expr, kind) = match &literal.literal_type {
            Some(Boolean(value)) => (lit(*value), Kind::Bool),
            Some(I8(value) | I16(value) | I32(value)) => int(i64::from(*value)),
            Some(I64(value)) => int(*value),
            Some(Fp32(value)) => (lit(f64::from(*value)), Kind::Float),
            Some(Fp64(value)) => (lit(*value), Kind::Float),
            Some(String(text) | FixedChar(text)) => (lit(text.clone()), Kind::Text),
            Some(VarChar(text)) => (lit(text.value.clone()), Kind::Text),
            Some(Null(kind)) => {
                let kind = self.kind(Some(kind))?;
                (null(&kind.data_type()), kind)
            }
            None => return Err(self.unsupported("a constant of an unknown type")),
        };
        Ok(Typed { expr, kind })
    }

    fn kind(&self, kind: Option<&wire::Type>) -> Result<Kind> {
        use r#type::Kind::{Bool, Fp32, Fp64, I8, I16, I32, I64, String};
        match kind.and_then(|kind| kind.kind.as_ref()) {
            Some(Bool(_)) => Ok(Kind::Bool),
            Some(I8(_) | I16(_) | I32(_) | I64(_)) => Ok(Kind::Int),
            Some(Fp32(_) | Fp64(_)) => Ok(Kind::Float),
            Some(String(_)) => Ok(Kind::Text),
            _ => Err(self.unsupported("a type that is no number, bool or text")),
        }
    }

    fn field(&self, field: &wire::expression::FieldReference, columns: &[Typed]) -> Result<Typed> {
        let segment = field.direct_reference.as_ref().filter(|_| field.expression.is_none());
        let field = segment.and_then(|segment| segment.struct_field.as_ref());
        let Some(field) = field.filter(|field| field.child.is_none()) else {
            return Err(self.unsupported("a reference into a nested value"));
        };
        let column = usize::try_from(field.field).ok().and_then(|at| columns.get(at));
        let column = column.ok_or_else(|| self.wrong("reads a column that is not there"))?;
        if column.expr == Expr::default() {
            return Err(self.unsupported("a column of times, lists, maps or bytes"));
        }
        Ok(column.clone())
    }

    fn scalar_function(
        &mut self,
        called: &wire::expression::ScalarFunction,
        columns: &[Typed],
    ) -> Result<Typed> {
        let Some(name) = self.functions.get(&called.function_reference).copied() else {
            return Err(self.wrong("calls a function that it does not name"));
        };
        // The types of the arguments stand behind the name.
        let name = name.split(':').next().unwrap_or(name);
        if let Some(option) = called.options.first() {
            return Err(self.unsupported(format_args!("option {} of {name}", option.name)));
        }
        let mut arguments = Vec::new();
        for argument in &called.arguments {
            let Some(ArgType::Value(value)) = &argument.arg_type else {
                return Err(
                    self.unsupported(format_args!("an argument of {name} that is no value"))
                );
            };
            arguments.push(self.expression(Some(value), columns)?);
        }
        function::call_named(name, &arguments)
            .ok_or_else(|| self.unsupported(format_args!("function {name} of these arguments")))
    }

    fn if_then(&mut self, choice: &IfThen, columns: &[Typed]) -> Result<Typed> {
        let mut result = match choice.r#else.as_deref() {
            Some(otherwise) => Some(self.expression(Some(otherwise), columns)?),
            None => None,
        };
        for clause in choice.ifs.iter().rev() {
            let condition = self.expression(clause.r#if.as_ref(), columns)?;
            let then = self.expression(clause.then.as_ref(), columns)?;
            if condition.kind != Kind::Bool {
                return Err(self.wrong("chooses by something that is no bool"));
            }
            let missing = Typed { expr: null(&then.kind.data_type()), ..then.clone() };
            let otherwise = result.unwrap_or(missing);
            let Some((then, otherwise)) = function::alike(&then, &otherwise) else {
                return Err(self.unsupported("a choice between values of two types"));
            };
            // Acero takes one clause for `if_else`, which hands a missing condition on, and more for `case_when`,
            // which goes on to the next.
            let holds =
                if choice.ifs.len() == 1 { condition.expr } else { condition.expr.is_true() };
            let expr = choose(holds, then.expr, otherwise.expr);
            result = Some(Typed { expr, kind: then.kind });
        }
        result.ok_or_else(|| self.wrong("chooses between nothing"))
    }

    /// `value in (..)`: null for null.
    fn any_of(&mut self, list: &SingularOrList, columns: &[Typed]) -> Result<Typed> {
        let value = self.expression(list.value.as_deref(), columns)?;
        let value = Typed { expr: self.plan.share(value.expr, &value.kind.data_type()), ..value };
        let mut found = lit(false);
        for option in &list.options {
            let option = self.expression(Some(option), columns)?;
            let Some(equal) = function::call_named("equal", &[value.clone(), option]) else {
                return Err(self.unsupported("a list of another type than what is looked for"));
            };
            found = if found == lit(false) { equal.expr } else { found.or(equal.expr) };
        }
        Ok(Typed { expr: found, kind: Kind::Bool })
    }

    fn cast(&mut self, cast: &Cast, columns: &[Typed]) -> Result<Typed> {
        let value = self.expression(cast.input.as_deref(), columns)?;
        let kind = self.kind(cast.r#type.as_ref())?;
        let Some(expr) = function::converted(&value, kind) else {
            let what = format_args!("a conversion of {} to {}", value.kind.label(), kind.label());
            return Err(self.unsupported(what));
        };
        Ok(Typed { expr, kind })
    }
}
