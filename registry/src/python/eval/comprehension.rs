//! List, set and dict comprehensions and generator expressions.

use indexmap::IndexMap;
use ruff_python_ast::{Comprehension, Expr};
use ruff_text_size::Ranged;

use super::exception::{Outcome, Stop};
use super::interpreter::Interpreter;
use super::iterate::{self, Cursor};
use super::key::Key;
use super::scope::Scope;
use super::value::{Value, put};

/// Evaluates a comprehension. Generators are evaluated at once: definitions have no effects to delay.
pub(super) fn evaluate(interpreter: &mut Interpreter<'_>, node: &Expr) -> Outcome<Value> {
    let scope = Scope::inside(&interpreter.frame.scope);
    interpreter.in_scope(scope, |interpreter| match node {
        Expr::ListComp(node) => {
            Ok(Value::list(elements(interpreter, &node.elt, &node.generators)?))
        }
        Expr::Generator(node) => {
            Ok(Value::iterator(elements(interpreter, &node.elt, &node.generators)?))
        }
        Expr::SetComp(node) => {
            let items = elements(interpreter, &node.elt, &node.generators)?;
            iterate::to_set(interpreter, items)
        }
        Expr::DictComp(node) => {
            let mut entries = IndexMap::new();
            run(interpreter, &node.generators, &mut |interpreter| {
                let Some(key) = &node.key else {
                    return Err(Stop::unsupported("** in a comprehension", "use a loop"));
                };
                let key = interpreter.evaluate(key)?;
                let value = interpreter.evaluate(&node.value)?;
                put(&mut entries, Key::of(interpreter, &key)?, (key, value));
                Ok(())
            })?;
            Ok(Value::dict(entries))
        }
        other => Err(interpreter.unsupported(other, "this comprehension", "use a loop")),
    })
}

fn elements(
    interpreter: &mut Interpreter<'_>,
    element: &Expr,
    generators: &[Comprehension],
) -> Outcome<Vec<Value>> {
    let mut items = Vec::new();
    run(interpreter, generators, &mut |interpreter| {
        items.push(interpreter.evaluate(element)?);
        Ok(())
    })?;
    Ok(items)
}

/// Runs `each` for every combination that the `for` and `if` clauses let through.
fn run(
    interpreter: &mut Interpreter<'_>,
    generators: &[Comprehension],
    each: &mut dyn FnMut(&mut Interpreter<'_>) -> Outcome<()>,
) -> Outcome<()> {
    let Some((generator, rest)) = generators.split_first() else { return each(interpreter) };
    if generator.is_async {
        let hint = "use a plain comprehension";
        return Err(interpreter.unsupported(generator, "an async comprehension", hint));
    }
    let iterable = interpreter.evaluate(&generator.iter)?;
    let mut cursor = Cursor::over(interpreter, &iterable)
        .map_err(|stop| stop.at(|| interpreter.location(generator.iter.range())))?;
    'items: while let Some(item) = cursor.next(interpreter)? {
        interpreter.assign(&generator.target, item)?;
        for condition in &generator.ifs {
            if !interpreter.evaluate(condition)?.truth() {
                continue 'items;
            }
        }
        run(interpreter, rest, each)?;
    }
    Ok(())
}
