//! From text to a checked expression.

use larder_core::{Error, Result};
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, UnaryOperator, Value,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::evaluate::{Comparison, Expression, Operation};
use super::list;
use crate::scalar::{Held, ScalarType};

/// How deep expressions may nest, so that neither reading nor evaluating one exhausts the stack.
const MAX_DEPTH: usize = 50;

/// What names in an expression mean.
pub(crate) trait Columns {
    /// The expression and type of a name.
    ///
    /// # Errors
    /// `Invalid` for a name that means nothing.
    fn column(&mut self, path: &[&str]) -> Result<(Expression, ScalarType)>;

    /// Which of the lists a name is.
    ///
    /// # Errors
    /// `Invalid` for a name of no list.
    fn list(&mut self, path: &[&str]) -> Result<usize>;

    /// The list, its column and the type of what a path leads to in the elements of a list.
    ///
    /// # Errors
    /// `Invalid` for a path that leads through no list or to no scalar.
    fn items(&mut self, path: &[&str]) -> Result<(usize, usize, ScalarType)>;
}

/// An expression with its type; a bare null has none.
pub(super) type Typed = (Expression, Option<ScalarType>);

/// Compiles a text.
///
/// # Errors
/// `Invalid` for text that is no expression, unknown names and operands of wrong types; `Unsupported` for SQL beyond the
/// part that is known here.
pub(crate) fn compile(text: &str, columns: &mut dyn Columns) -> Result<(Expression, ScalarType)> {
    let invalid = |error: sqlparser::parser::ParserError| {
        Error::invalid(format!("\"{text}\" is no expression")).with_source(error)
    };
    let mut parser = Parser::new(&GenericDialect {})
        .with_recursion_limit(MAX_DEPTH)
        .try_with_sql(text)
        .map_err(invalid)?;
    let parsed = parser.parse_expr().map_err(invalid)?;
    let rest = parser.peek_token();
    if rest.token != sqlparser::tokenizer::Token::EOF {
        return Err(Error::invalid(format!("\"{text}\" goes on after the expression, at {rest}")));
    }
    match (Compiler { columns }).expression(&parsed, 0)? {
        (expression, Some(value_type)) => Ok((expression, value_type)),
        (_, None) => Err(Error::invalid(format!("\"{text}\" is always null"))),
    }
}

struct Compiler<'a> {
    columns: &'a mut dyn Columns,
}

impl Compiler<'_> {
    fn expression(&mut self, expr: &Expr, depth: usize) -> Result<Typed> {
        if depth > MAX_DEPTH {
            return Err(Error::invalid("the expression is nested too deep"));
        }
        let depth = depth + 1;
        match expr {
            Expr::Nested(inner) => self.expression(inner, depth),
            Expr::Identifier(name) => self.column(std::slice::from_ref(name)),
            Expr::CompoundIdentifier(path) => self.column(path),
            Expr::Value(value) => literal(&value.value),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr, depth),
            Expr::BinaryOp { left, op, right } => {
                let (left, right) = (self.expression(left, depth)?, self.expression(right, depth)?);
                binary(op, left, right)
            }
            Expr::IsNull(inner) => self.is_null(inner, depth),
            Expr::IsNotNull(inner) => {
                let (is_null, boolean) = self.is_null(inner, depth)?;
                Ok((Expression::Not(Box::new(is_null)), boolean))
            }
            Expr::InList { expr, list, negated } => {
                let found = self.in_list(expr, list, depth)?;
                Ok(if *negated { negate(found) } else { found })
            }
            Expr::Between { expr, negated, low, high } => {
                let [value, low, high] = [expr, low, high].map(|expr| self.expression(expr, depth));
                let value = value?;
                let above = binary(&BinaryOperator::GtEq, value.clone(), low?)?;
                let below = binary(&BinaryOperator::LtEq, value, high?)?;
                let within = binary(&BinaryOperator::And, above, below)?;
                Ok(if *negated { negate(within) } else { within })
            }
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, ..
            } => {
                let operand = self.expression(expr, depth)?;
                cast(operand, data_type)
            }
            // To the parser, names such as `user` are functions of SQL; here they are fields.
            Expr::Function(Function { name, args: FunctionArguments::None, .. }) => {
                let name: Vec<Ident> =
                    name.0.iter().filter_map(|part| part.as_ident()).cloned().collect();
                self.column(&name)
            }
            Expr::Function(function) => self.function(function, depth),
            other => Err(unsupported(other)),
        }
    }

    fn column(&mut self, path: &[Ident]) -> Result<Typed> {
        let path: Vec<&str> = path.iter().map(|part| part.value.as_str()).collect();
        let (expression, value_type) = self.columns.column(&path)?;
        Ok((expression, Some(value_type)))
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Expr, depth: usize) -> Result<Typed> {
        let operand = self.expression(operand, depth)?;
        match operator {
            UnaryOperator::Plus => Ok(operand),
            UnaryOperator::Minus => {
                let zero = (Expression::Literal(Held::Int(0)), Some(ScalarType::Int));
                binary(&BinaryOperator::Minus, zero, operand)
            }
            UnaryOperator::Not => {
                expect(&operand, ScalarType::Bool, "not")?;
                Ok(negate(operand))
            }
            other => Err(unsupported(other)),
        }
    }

    fn is_null(&mut self, operand: &Expr, depth: usize) -> Result<Typed> {
        let (operand, _) = self.expression(operand, depth)?;
        Ok((Expression::IsNull(Box::new(operand)), Some(ScalarType::Bool)))
    }

    fn in_list(&mut self, operand: &Expr, list: &[Expr], depth: usize) -> Result<Typed> {
        let (operand, operand_type) = self.expression(operand, depth)?;
        let mut known = Vec::new();
        for item in list {
            let (item, item_type) = self.expression(item, depth)?;
            let Expression::Literal(held) = item else {
                return Err(Error::unsupported("a list after in holds literals only"));
            };
            if !comparable(operand_type, item_type) {
                return Err(mismatch("in", operand_type, item_type));
            }
            known.push(held);
        }
        Ok((Expression::In(Box::new(operand), known), Some(ScalarType::Bool)))
    }

    fn function(&mut self, function: &Function, depth: usize) -> Result<Typed> {
        let FunctionArguments::List(arguments) = &function.args else {
            return Err(unsupported(function));
        };
        let mut operands = Vec::new();
        for argument in &arguments.args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument else {
                return Err(unsupported(function));
            };
            operands.push(argument);
        }
        match function.name.to_string().to_ascii_lowercase().as_str() {
            "coalesce" => self.coalesce(&operands, depth),
            name if name.starts_with("array_") => self.of_list(name, &operands),
            _ => Err(unsupported(function)
                .with_hint(format!("the functions here are cast, coalesce, {}", list::NAMES))),
        }
    }

    fn of_list(&mut self, name: &str, operands: &[&Expr]) -> Result<Typed> {
        let (path, second) = match operands {
            [path] => (path, None),
            [path, Expr::Value(second)] => (path, Some(literal(&second.value)?)),
            _ => return Err(Error::invalid(format!("{name} takes a list"))),
        };
        let path = match path {
            Expr::Identifier(name) => std::slice::from_ref(name),
            Expr::CompoundIdentifier(path) => path,
            _ => return Err(Error::invalid(format!("{name} takes the name of a list"))),
        };
        let second = match second {
            Some((Expression::Literal(held), Some(value_type))) => Some((held, value_type)),
            Some(_) => return Err(Error::invalid(format!("{name} does not take null"))),
            None => None,
        };
        let path: Vec<&str> = path.iter().map(|part| part.value.as_str()).collect();
        list::call(name, &path, second, self.columns)
    }

    fn coalesce(&mut self, arguments: &[&Expr], depth: usize) -> Result<Typed> {
        let (mut operands, mut common) = (Vec::new(), None);
        for argument in arguments {
            let (operand, operand_type) = self.expression(argument, depth)?;
            if common.is_some() && operand_type.is_some() && common != operand_type {
                return Err(mismatch("coalesce", common, operand_type));
            }
            common = common.or(operand_type);
            operands.push(operand);
        }
        Ok((Expression::Coalesce(operands), common))
    }
}

fn negate((operand, value_type): Typed) -> Typed {
    (Expression::Not(Box::new(operand)), value_type)
}

fn literal(value: &Value) -> Result<Typed> {
    let (held, value_type) = match value {
        Value::Null => return Ok((Expression::Null, None)),
        Value::Boolean(truth) => (Held::Bool(*truth), ScalarType::Bool),
        Value::SingleQuotedString(text) => (Held::Text(text.as_str().into()), ScalarType::Text),
        Value::Number(text, false) => {
            if let Ok(number) = text.parse() {
                (Held::Int(number), ScalarType::Int)
            } else {
                let number: f64 =
                    text.parse().map_err(|_| Error::invalid(format!("{text} is no number")))?;
                (Held::Double(number), ScalarType::Double)
            }
        }
        other => return Err(unsupported(other).with_hint("texts stand in single quotes")),
    };
    Ok((Expression::Literal(held), Some(value_type)))
}

fn binary(operator: &BinaryOperator, left: Typed, right: Typed) -> Result<Typed> {
    let arithmetic = match operator {
        BinaryOperator::Plus => Some(Operation::Add),
        BinaryOperator::Minus => Some(Operation::Subtract),
        BinaryOperator::Multiply => Some(Operation::Multiply),
        BinaryOperator::Divide => Some(Operation::Divide),
        BinaryOperator::Modulo => Some(Operation::Remainder),
        _ => None,
    };
    let name = operator.to_string().to_lowercase();
    if let Some(operation) = arithmetic {
        let result = result_of_arithmetic(&name, left.1, right.1)?;
        let operands = (Box::new(left.0), Box::new(right.0));
        return Ok((Expression::Arithmetic(operation, operands.0, operands.1), result));
    }
    let boolean = Some(ScalarType::Bool);
    if matches!(operator, BinaryOperator::And | BinaryOperator::Or) {
        expect(&left, ScalarType::Bool, &name)?;
        expect(&right, ScalarType::Bool, &name)?;
        let (left, right) = (Box::new(left.0), Box::new(right.0));
        return Ok(match operator {
            BinaryOperator::And => (Expression::And(left, right), boolean),
            _ => (Expression::Or(left, right), boolean),
        });
    }
    let comparison = match operator {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        other => return Err(unsupported(other)),
    };
    if !comparable(left.1, right.1) {
        return Err(mismatch(&name, left.1, right.1));
    }
    Ok((Expression::compare(comparison, left.0, right.0), boolean))
}

fn result_of_arithmetic(
    name: &str,
    left: Option<ScalarType>,
    right: Option<ScalarType>,
) -> Result<Option<ScalarType>> {
    let is_number = |operand: Option<ScalarType>| operand.is_none_or(ScalarType::is_number);
    if !is_number(left) || !is_number(right) {
        let hint = "cast a text that holds a number: cast(x as double)";
        return Err(mismatch(name, left, right).with_hint(hint));
    }
    Ok(match (left, right) {
        (Some(ScalarType::Int), Some(ScalarType::Int)) => Some(ScalarType::Int),
        (None, other) | (other, None) => other,
        _ => Some(ScalarType::Double),
    })
}

fn cast((operand, from): Typed, data_type: &DataType) -> Result<Typed> {
    let name = data_type.to_string().to_lowercase();
    let to = match name.as_str() {
        "double" | "double precision" | "float" | "real" => ScalarType::Double,
        "bigint" | "int" | "integer" | "long" => ScalarType::Int,
        "boolean" | "bool" => ScalarType::Bool,
        "text" | "varchar" | "string" => ScalarType::Text,
        _ => {
            return Err(unsupported(data_type).with_hint("cast to double, bigint, boolean or text"));
        }
    };
    let possible = match (from, to) {
        (None | Some(ScalarType::Text), _) => true,
        (Some(from), to) if from == to => true,
        (Some(ScalarType::Int), ScalarType::Double)
        | (Some(ScalarType::Double | ScalarType::Bool), ScalarType::Int) => true,
        _ => false,
    };
    if !possible {
        return Err(mismatch("cast", from, Some(to)));
    }
    Ok((Expression::Cast(Box::new(operand), to), Some(to)))
}

fn comparable(left: Option<ScalarType>, right: Option<ScalarType>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left == right || left.is_number() && right.is_number(),
        _ => true,
    }
}

fn expect((_, found): &Typed, wanted: ScalarType, operator: &str) -> Result<()> {
    match found {
        Some(found) if *found != wanted => Err(Error::invalid(format!(
            "{operator} takes a {}, not a {}",
            wanted.name(),
            found.name()
        ))),
        _ => Ok(()),
    }
}

fn mismatch(operator: &str, left: Option<ScalarType>, right: Option<ScalarType>) -> Error {
    let name = |side: Option<ScalarType>| side.map_or("null", ScalarType::name);
    Error::invalid(format!("{operator} cannot be used with {} and {}", name(left), name(right)))
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::unsupported(format!("\"{what}\" cannot be used in an expression"))
}
