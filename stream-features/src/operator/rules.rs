//! Rules about each event in the light of what its key did before.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use larder_core::{Error, Result, Value};

use super::pending::Pending;
use super::{Change, Event, KeyTable, Operator, OutputRow, TooLate};
use crate::aggregate::bytes::{Reader, put_i64, put_len, put_u64};
use crate::aggregate::{Function, State, StateKind};
use crate::checkpoint::Scope;
use crate::scalar::Scalar;

/// Different values of a key that a rule remembers; the one seen longest ago is forgotten first.
const REMEMBERED: usize = 256;

/// When a rule speaks. Each reads one input, which is null where the rule is not about the event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Condition {
    /// The event follows the previous one of the key, of whatever sort, in less than this.
    SoonAfter { less_than: i64 },
    /// The number is more than `times` the mean of the key's numbers before, of which there are at least `least`.
    AboveMean { times: f64, least: u64 },
    /// The value was not seen of the key before, and the key's previous event is no longer ago than this.
    Unseen { within: i64 },
}

/// A rule: a condition and the answer that it gives.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) condition: Condition,
    pub(crate) reason: String,
    pub(crate) severity: String,
    pub(crate) alert_type: String,
}

/// The rules of a job. Times are UTC microseconds.
#[derive(Debug, Clone)]
pub(crate) struct RulePlan {
    /// One per input; the input after the last is told with every alert and names the event.
    pub(crate) rules: Vec<Rule>,
    /// How long a key without events is remembered.
    pub(crate) ttl: i64,
}

/// What one rule remembers of a key.
#[derive(Debug)]
enum Memory {
    Nothing,
    Mean(State),
    /// Hashes with the time they were last seen.
    Seen(Vec<(u64, i64)>),
}

#[derive(Debug, Default)]
struct History {
    /// Time of the latest event, once there was one.
    previous: Option<i64>,
    memories: Vec<Memory>,
}

/// Tells an alert per event and rule that speaks. Events are seen in the order of their times: each waits until the
/// watermark has passed it, and one that comes after that is too late.
#[derive(Debug)]
pub(crate) struct RuleOperator {
    plan: RulePlan,
    pending: Pending,
    keys: KeyTable<History>,
    /// When to look whether a key can be forgotten.
    timers: BinaryHeap<Reverse<(i64, u32)>>,
    reached: i64,
}

impl RuleOperator {
    pub(crate) fn new(plan: RulePlan) -> Self {
        Self {
            plan,
            pending: Pending::default(),
            keys: KeyTable::default(),
            timers: BinaryHeap::new(),
            reached: i64::MIN,
        }
    }

    fn forget(&mut self) {
        while let Some(Reverse((due, id))) = self.timers.peek().copied() {
            if due > self.reached {
                break;
            }
            self.timers.pop();
            let Some((_, history)) = self.keys.get(id) else { continue };
            let due = history.previous.map_or(i64::MIN, |at| at.saturating_add(self.plan.ttl));
            if due <= self.reached {
                self.keys.remove(id);
            } else {
                self.timers.push(Reverse((due, id)));
            }
        }
    }
}

impl Operator for RuleOperator {
    fn fresh(&self) -> Box<dyn Operator> {
        Box::new(Self::new(self.plan.clone()))
    }

    fn add(&mut self, event: Event<'_>) -> std::result::Result<(), TooLate> {
        if event.time < self.reached {
            return Err(TooLate);
        }
        self.pending.push(event);
        Ok(())
    }

    fn advance(&mut self, watermark: i64, out: &mut Vec<OutputRow>) {
        let Self { plan, pending, keys, timers, .. } = self;
        pending.before(watermark, |event| {
            let (id, history) = keys.get_or_default(event.key);
            if history.previous.is_none() {
                timers.push(Reverse((event.time.saturating_add(plan.ttl), id)));
            }
            judge(plan, history, event, out);
        });
        self.reached = self.reached.max(watermark);
        self.forget();
    }

    fn keys(&self) -> usize {
        self.keys.len() + self.pending.len()
    }

    fn save(&mut self, scope: Scope, out: &mut Vec<u8>) {
        put_i64(self.reached, out);
        self.keys.save(scope, out, |history, _, out| history.save(out));
        self.pending.save(scope, out);
    }

    fn load(&mut self, bytes: &mut Reader<'_>) -> Result<()> {
        self.reached = bytes.i64()?;
        let plan = &self.plan;
        self.keys.load(bytes, |history, bytes| {
            *history = History::load(plan, bytes)?;
            Ok(())
        })?;
        self.pending.load(bytes)
    }

    fn settle(&mut self) {
        // The keys know of these already.
        self.pending.before(self.reached, |_| {});
        let due = |history: &History| {
            history.previous.map_or(i64::MIN, |at| at.saturating_add(self.plan.ttl))
        };
        let timers = self.keys.iter().map(|(id, _, history)| Reverse((due(history), id)));
        self.timers = timers.collect();
    }
}

/// Tells what the rules say of an event and remembers it.
fn judge(plan: &RulePlan, history: &mut History, event: Event<'_>, out: &mut Vec<OutputRow>) {
    // A key that was silent for the ttl is a new one, whether or not it was forgotten in time.
    if history.previous.is_some_and(|at| event.time - at >= plan.ttl) {
        *history = History::default();
    }
    if history.memories.is_empty() {
        history.memories = plan.rules.iter().map(|rule| Memory::of(rule.condition)).collect();
    }
    let since = history.previous.map(|at| event.time - at);
    let subject = event.inputs.get(plan.rules.len()).copied().unwrap_or(Scalar::Null);
    let judged = plan.rules.iter().zip(&mut history.memories).zip(event.inputs);
    for ((rule, memory), input) in judged.filter(|(_, input)| !input.is_null()) {
        if memory.speaks(rule.condition, since, *input, event.time) {
            out.push(alert(rule, event, subject));
        }
    }
    history.previous = Some(event.time);
}

fn alert(rule: &Rule, event: Event<'_>, subject: Scalar<'_>) -> OutputRow {
    let text = |text: &str| Value::String(text.to_owned());
    OutputRow {
        key: event.key.to_vec(),
        result: event.time,
        time: event.time,
        values: vec![
            subject.to_value(),
            text(&rule.alert_type),
            text(&rule.severity),
            text(&rule.reason),
            Value::Int64(event.time.div_euclid(1_000)),
        ],
        change: Change::Insert,
    }
}

impl History {
    fn save(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.previous.is_some()));
        put_i64(self.previous.unwrap_or(0), out);
        put_len(self.memories.len(), out);
        self.memories.iter().for_each(|memory| memory.save(out));
    }

    fn load(plan: &RulePlan, bytes: &mut Reader<'_>) -> Result<Self> {
        let (has_previous, previous) = (bytes.flag()?, bytes.i64()?);
        let memories = match bytes.len(0)? {
            0 => Vec::new(),
            known if known == plan.rules.len() => {
                let rules = plan.rules.iter();
                rules.map(|rule| Memory::load(rule.condition, bytes)).collect::<Result<_>>()?
            }
            other => return Err(Error::data(format!("a key has memories of {other} rules"))),
        };
        Ok(Self { previous: has_previous.then_some(previous), memories })
    }
}

impl Memory {
    fn save(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            Self::Mean(state) => state.encode(out),
            Self::Seen(seen) => {
                put_len(seen.len(), out);
                for (hash, at) in seen {
                    put_u64(*hash, out);
                    put_i64(*at, out);
                }
            }
        }
    }

    fn load(condition: Condition, bytes: &mut Reader<'_>) -> Result<Self> {
        Ok(match condition {
            Condition::SoonAfter { .. } => Self::Nothing,
            Condition::AboveMean { .. } => Self::Mean(State::decode(StateKind::Moments, bytes)?),
            Condition::Unseen { .. } => {
                let seen = bytes.len(16)?;
                let mut one = || Ok((bytes.u64()?, bytes.i64()?));
                Self::Seen((0..seen).map(|_| one()).collect::<Result<_>>()?)
            }
        })
    }

    fn of(condition: Condition) -> Self {
        match condition {
            Condition::SoonAfter { .. } => Self::Nothing,
            Condition::AboveMean { .. } => Self::Mean(State::empty(StateKind::Moments)),
            Condition::Unseen { .. } => Self::Seen(Vec::new()),
        }
    }

    /// Whether the condition holds; the value is remembered then.
    fn speaks(
        &mut self,
        condition: Condition,
        since: Option<i64>,
        input: Scalar<'_>,
        time: i64,
    ) -> bool {
        match (condition, self) {
            (Condition::SoonAfter { less_than }, _) => since.is_some_and(|since| since < less_than),
            (Condition::AboveMean { times, least }, Self::Mean(numbers)) => {
                let Some(number) = input.number() else { return false };
                let mean = numbers.value(Function::Mean);
                let enough = matches!(numbers.value(Function::Count), Value::Int64(n) if n.cast_unsigned() >= least);
                numbers.add(time, Scalar::Double(number));
                enough && matches!(mean, Value::Double(mean) if number > times * mean)
            }
            (Condition::Unseen { within }, Self::Seen(seen)) => {
                !remember(seen, input.stable_hash(), time)
                    && since.is_some_and(|since| since <= within)
            }
            (_, Self::Nothing | Self::Mean(_) | Self::Seen(_)) => false,
        }
    }
}

/// Remembers a value as seen now; answers whether it was known.
fn remember(seen: &mut Vec<(u64, i64)>, hash: u64, time: i64) -> bool {
    if let Some(known) = seen.iter_mut().find(|(known, _)| *known == hash) {
        known.1 = time;
        return true;
    }
    if seen.len() == REMEMBERED {
        let oldest = seen.iter().enumerate().min_by_key(|(_, (hash, at))| (*at, *hash));
        if let Some((index, _)) = oldest {
            seen.swap_remove(index);
        }
    }
    seen.push((hash, time));
    false
}

#[cfg(test)]
mod tests;
