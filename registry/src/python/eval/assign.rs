//! Assignment to names, attributes, subscripts and tuples of them.

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::exception::{Exception, Outcome};
use super::interpreter::Interpreter;
use super::value::Value;
use super::{attribute, iterate, subscript};

impl Interpreter<'_> {
    /// Assigns a value to a target.
    pub(crate) fn assign(&mut self, target: &Expr, value: Value) -> Outcome<()> {
        match target {
            Expr::Name(name) => {
                self.frame.scope.set(&name.id, value);
                Ok(())
            }
            Expr::Attribute(access) => {
                let owner = self.evaluate(&access.value)?;
                attribute::set(self, &owner, &access.attr, value)
            }
            Expr::Subscript(access) => {
                let owner = self.evaluate(&access.value)?;
                let index = self.evaluate(&access.slice)?;
                subscript::set(self, &owner, &index, value)
            }
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, &value),
            Expr::List(list) => self.unpack(&list.elts, &value),
            Expr::Starred(starred) => self.assign(&starred.value, value),
            other => Err(self.unsupported(other, "assignment to this target", "assign to a name")),
        }
        .map_err(|stop| stop.at(|| self.location(target.range())))
    }

    fn unpack(&mut self, targets: &[Expr], value: &Value) -> Outcome<()> {
        let mut items = iterate::collect(self, value)?;
        let star = targets.iter().position(Expr::is_starred_expr);
        let fits = match star {
            None => items.len() == targets.len(),
            Some(_) => items.len() + 1 >= targets.len(),
        };
        if !fits {
            let message =
                format!("{} values cannot be unpacked into {} names", items.len(), targets.len());
            return Err(Exception::raise("ValueError", message));
        }
        if let Some(star) = star {
            let after = targets.len() - star - 1;
            let rest = items.drain(star..items.len() - after).collect();
            items.insert(star, Value::list(rest));
        }
        for (target, item) in targets.iter().zip(items) {
            self.assign(target, item)?;
        }
        Ok(())
    }
}
