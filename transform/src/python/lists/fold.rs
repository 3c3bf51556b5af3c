//! Loops over the lists of a row: what variables hold is handed on from one pass to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;
use ruff_python_ast::StmtFor;
use ruff_text_size::{Ranged, TextRange};

use super::nested::field_of;
use super::slot::{Place, Slot, Slots};
use super::{Elements, any_missing, raising_where};
use crate::kernel::Folded;
use crate::plan::Plan;
use crate::python::compiler::{Compiler, nothing};
use crate::python::condition::Condition;
use crate::python::flow::{Flow, Rest};
use crate::python::repeat::{assigned, targets};
use crate::python::scalar::{Kind, Scalar, choose};
use crate::python::state::State;
use crate::python::value::Value;

/// Most attempts to find types that the values of all passes have.
const MAX_ROUNDS: usize = 12;

/// Hidden variables: whether the loop was left, and how. No name of Python is like these.
const ENDED: &str = "\u{1}ended";
const RETURNED: &str = "\u{1}returned";
const RESULT: &str = "\u{1}result";
const RAISED: &str = "\u{1}raised";
const HIDDEN: [&str; 4] = [ENDED, RETURNED, RESULT, RAISED];

/// A compiled pass.
struct PassOf {
    /// The columns of the elements, then those of the values of the pass before.
    own: Vec<Expr>,
    /// What follows the values: whether the loop ends, and the code of what the pass raised.
    ends: Expr,
    fault: Option<Expr>,
    /// The values at the start and at the end of the pass, of every slot that is held.
    values: BTreeMap<Place, (Scalar, Scalar)>,
    /// Every slot as this pass wants it.
    wanted: Slots,
    /// Variables that only the passes set.
    fresh: BTreeSet<Rc<str>>,
    inner: Plan,
}

impl<'a> Compiler<'a> {
    /// A `for` over the lists of a row, and what follows it.
    pub(crate) fn fold(
        &mut self,
        each: &'a StmtFor,
        over: &Elements,
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        let at = each.range();
        let lists = over.lists.iter().map(|list| self.share_scalar(list)).collect();
        let over = Elements { lists, ..over.clone() };
        let before = HIDDEN.map(|name| self.hidden(name));
        for name in HIDDEN {
            let first = if name == RESULT { Value::None } else { Value::Bool(false) };
            self.state.bind(name, first);
        }
        let mut slots = self.first_slots(each, at)?;
        let mut settled = None;
        for _ in 0..MAX_ROUNDS {
            let pass = self.pass_of(each, &over, &slots, at)?;
            if pass.wanted == slots {
                settled = Some(pass);
                break;
            }
            slots = pass.wanted;
        }
        let pass = settled.ok_or_else(|| self.endless(at))?;
        self.run_passes(each, &over, pass, at)?;
        let ends = HIDDEN.map(|name| self.hidden(name).unwrap_or(Value::None));
        let scope = self.state.scopes.last_mut();
        if let Some(scope) = scope {
            for (name, value) in HIDDEN.iter().zip(before) {
                match value {
                    Some(value) => _ = scope.variables.insert(Rc::from(*name), value),
                    None => _ = scope.variables.remove(*name),
                }
            }
        }
        self.after_fold(each, &ends, rest, at)
    }

    fn endless(&self, at: TextRange) -> larder_core::Error {
        self.unsupported(at, "a loop whose variables never settle on a type", "use fewer variables")
    }

    fn hidden(&self, name: &str) -> Option<Value<'a>> {
        self.state.scopes.last()?.variables.get(name).cloned()
    }

    /// What follows a loop, by the way in which it was left.
    fn after_fold(
        &mut self,
        each: &'a StmtFor,
        [ended, returned, result, raised]: &[Value<'a>; 4],
        rest: Option<&Rest<'_, 'a>>,
        at: TextRange,
    ) -> Result<Flow<'a>> {
        let truth = |value: &Value<'a>| match value {
            Value::Scalar(scalar) => Condition::PerRow(scalar.clone()),
            value => Condition::Known(*value == Value::Bool(true)),
        };
        let (ended, returned, raised) = (truth(ended), truth(returned), truth(raised));
        let go_on = |c: &mut Self| {
            let otherwise = |c: &mut Self| c.block(&each.orelse, rest);
            if each.orelse.is_empty() {
                return otherwise(c);
            }
            c.two_ways(&ended, at, |c| c.block(&[], rest), otherwise)
        };
        let unless_returned = |c: &mut Self| {
            c.two_ways(&returned, at, |c| c.leave_function(result.clone(), at), go_on)
        };
        let raise = |c: &mut Self| {
            Ok(if c.folding && !c.is_trying() { c.leave_loop_by_raising() } else { Flow::Raise })
        };
        self.two_ways(&raised, at, raise, unless_returned)
    }

    /// `return` behind a loop that returned.
    fn leave_function(&mut self, result: Value<'a>, at: TextRange) -> Result<Flow<'a>> {
        match (self.folding, self.loops) {
            (true, _) => Ok(self.leave_loop(Some(result))),
            (false, 0) => Ok(Flow::Return(result)),
            (false, _) => Err(self.unsupported(
                at,
                "return inside a loop over the rows",
                "move the inner loop into a helper function",
            )),
        }
    }

    /// `break` inside of a loop over lists, or `return` with its value.
    pub(crate) fn leave_loop(&mut self, result: Option<Value<'a>>) -> Flow<'a> {
        self.state.bind(ENDED, Value::Bool(true));
        if let Some(result) = result {
            self.state.bind(RETURNED, Value::Bool(true));
            self.state.bind(RESULT, result);
        }
        Flow::Continue
    }

    /// `raise` inside of a loop over lists.
    pub(crate) fn leave_loop_by_raising(&mut self) -> Flow<'a> {
        self.state.bind(RAISED, Value::Bool(true));
        self.leave_loop(None)
    }

    /// The variables that the passes set and that exist before the loop.
    fn first_slots(&mut self, each: &'a StmtFor, at: TextRange) -> Result<Slots> {
        let mut names = BTreeSet::new();
        each.body.iter().for_each(|statement| assigned(statement, &mut names));
        let mut own = BTreeSet::new();
        targets(&each.target, &mut own);
        let index = self.state.scopes.len() - 1;
        let known = &self.state.scopes[index].variables;
        let names: Vec<_> = names.into_iter().filter(|name| known.contains_key(name)).collect();
        let mut slots = Slots::new();
        for name in names.into_iter().filter(|name| !own.contains(name)) {
            let place = Place::Variable(index, name);
            let first = self.at_place(&self.state, &place, at)?;
            slots.insert(place, first.as_ref().map_or_else(Slot::unknown, Slot::of));
        }
        Ok(slots)
    }

    /// Compiles one pass.
    fn pass_of(
        &mut self,
        each: &'a StmtFor,
        over: &Elements,
        slots: &Slots,
        at: TextRange,
    ) -> Result<PassOf> {
        let first = self.state.clone();
        let (mut pass, inner) = self.nested(|c| {
            let (mut own, element) = c.pass_columns(over);
            let mut starts = BTreeMap::new();
            for (place, slot) in slots {
                let value = slot.start(c, &mut own);
                if let Value::Scalar(value) = &value {
                    starts.insert(place.clone(), value.clone());
                }
                c.state.set(place, value);
            }
            let start = c.state.clone();
            c.assign(&each.target, element)?;
            let folding = std::mem::replace(&mut c.folding, true);
            c.loops += 1;
            let done = c.block(&each.body, None);
            c.loops -= 1;
            c.folding = folding;
            done?;
            c.end_of_pass(each, (&first, &start), own, &starts, slots, at)
        })?;
        pass.inner = inner;
        Ok(pass)
    }

    fn end_of_pass(
        &mut self,
        each: &'a StmtFor,
        (first, start): (&State<'a>, &State<'a>),
        own: Vec<Expr>,
        starts: &BTreeMap<Place, Scalar>,
        slots: &Slots,
        at: TextRange,
    ) -> Result<PassOf> {
        let mut own_targets = BTreeSet::new();
        targets(&each.target, &mut own_targets);
        let (mut fresh, changed) = self.changes(start, &own_targets, at)?;
        fresh.extend(own_targets);
        let fault = self.pass_fault();
        let failed = self.pass_failure();
        let (mut wanted, mut values) = (slots.clone(), BTreeMap::new());
        for place in slots.keys().cloned().chain(changed).collect::<BTreeSet<_>>() {
            let before = self.at_place(first, &place, at)?;
            let after = self.at_place(&self.state, &place, at)?;
            let after = match (after, &fault, &failed) {
                (Some(after), Some(fault), Some(failed)) => {
                    let failed = self.at_place(failed, &place, at)?;
                    self.unless_failed(fault, after, failed, at)?
                }
                (after, _, _) => after,
            };
            let slot = wanted
                .entry(place.clone())
                .or_insert_with(|| before.as_ref().map_or_else(Slot::unknown, Slot::of));
            let (Some(_), Some(after)) = (before, after) else {
                *slot = Slot::unknown();
                continue;
            };
            slot.take_in(&after);
            if let Some(start) = starts.get(&place) {
                values.insert(place, (start.clone(), self.share_scalar(&after)));
            }
        }
        let ended = self.hidden(ENDED).and_then(|ended| ended.scalar());
        let mut ends = ended.map_or_else(|| lit(false), |ended| ended.expr.is_not_false());
        let mut own = own;
        if let Some(fault) = &fault {
            ends = ends.or(fault.clone().not_eq(lit(0_i64)));
            // The column of the fault is written, never read.
            own.push(self.own_column(&Kind::Int));
        }
        let inner = Plan::default();
        Ok(PassOf { own, ends, fault, values, wanted, fresh, inner })
    }

    /// The value at the end of a pass; where the pass raised, as the exception left it.
    fn unless_failed(
        &mut self,
        fault: &Expr,
        after: Scalar,
        failed: Option<Scalar>,
        at: TextRange,
    ) -> Result<Option<Scalar>> {
        let Some(failed) = failed else { return Ok(Some(after)) };
        let raised = Scalar::total(fault.clone().not_eq(lit(0_i64)), Kind::Bool);
        let chosen = self.select(&raised, &Value::Scalar(failed), &Value::Scalar(after), at)?;
        Ok(chosen.scalar())
    }

    /// Runs the passes, and puts what they leave where it belongs.
    fn run_passes(
        &mut self,
        each: &'a StmtFor,
        over: &Elements,
        pass: PassOf,
        at: TextRange,
    ) -> Result<()> {
        let mut operands: Vec<Expr> = over.lists.iter().map(|list| list.expr.clone()).collect();
        let (mut states, mut results) = (Vec::new(), Vec::new());
        for (place, slot) in &pass.wanted {
            let (Some((start, after)), Slot::Held { kind, .. }) = (pass.values.get(place), slot)
            else {
                continue;
            };
            let first = self.at_place(&self.state, place, at)?.unwrap_or_else(nothing);
            let [first, after] = [&first, after].map(|value| slot.shaped(value));
            operands.push(first.expr.clone());
            states.push(kind.data_type());
            results.push(match start.raised_expr() {
                None => after.expr.clone(),
                Some(raised) => choose(raised, kind.null(), after.expr.clone()),
            });
            if slot.has_flag() {
                let flag = |value: &Scalar| value.raised_expr().unwrap_or_else(|| lit(false));
                operands.push(flag(&first));
                states.push(Kind::Bool.data_type());
                results.push(flag(start).or(flag(&after)));
            }
        }
        if let Some(fault) = &pass.fault {
            operands.push(lit(0_i64));
            states.push(Kind::Int.data_type());
            results.push(fault.clone());
        }
        results.push(pass.ends);
        let lists = over.lists.len();
        // A loop without values to hand on leaves nothing behind.
        let made = if states.is_empty() {
            lit(false)
        } else {
            let nested = (pass.inner, pass.own.as_slice(), results);
            self.call_nested(operands, nested, |inner| Folded { inner, lists, states })?
        };
        let missing = any_missing(&over.lists);
        let missing = missing.map(|it| self.plan.share(it, &Kind::Bool.data_type()));
        let mut at_field = 0;
        for (place, slot) in &pass.wanted {
            let value = slot.end(&made, &mut at_field);
            let value = match (value, &missing) {
                (Value::Scalar(value), Some(missing)) => {
                    Value::Scalar(raising_where(missing, &value))
                }
                (value, _) => value,
            };
            let value = self.share(value);
            self.state.set(place, value);
        }
        for name in &pass.fresh {
            let reason = format!("the loop sets {name}, which an empty list leaves unset");
            self.state.bind(name, Value::Unusable(Rc::from(reason)));
        }
        let fault = pass.fault.filter(|fault| *fault != lit(0_i64));
        let fault = fault.map(|_| field_of(&made, at_field));
        self.note_pass_faults(&over.lists, fault, each.iter.range())
    }
}
