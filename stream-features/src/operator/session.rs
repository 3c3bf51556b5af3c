//! Session windows: events of a key with no more than a gap between them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use larder_core::{Error, Result, Value};
use smallvec::SmallVec;

use super::{Change, Event, KeyTable, Operator, OutputRow, TooLate, put_in_order};
use crate::aggregate::bytes::{Reader, put_i64, put_len};
use crate::aggregate::{Function, State, StateKind, add_event};
use crate::checkpoint::Scope;

/// What a session is and what is told of it. Times are UTC microseconds.
#[derive(Debug, Clone)]
pub(crate) struct SessionPlan {
    /// Longest silence inside a session, included.
    pub(crate) gap: i64,
    /// How long after its close a session is corrected.
    pub(crate) lateness: i64,
    /// Kinds of the states, one per input.
    pub(crate) states: Vec<StateKind>,
    /// The answers, told after start, end and duration.
    pub(crate) outputs: Vec<(usize, Function)>,
}

#[derive(Debug)]
struct Session {
    start: i64,
    end: i64,
    states: Box<[State]>,
    /// Whether a row was told of it, under its start.
    told: bool,
    /// Whether events came since.
    changed: bool,
}

/// The sessions of one key, in order of their starts; they never overlap.
#[derive(Debug)]
struct Sessions {
    all: SmallVec<[Session; 1]>,
    /// Starts of told sessions that are part of another now.
    withdrawn: Vec<(i64, i64)>,
    due: i64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { all: SmallVec::new(), withdrawn: Vec::new(), due: i64::MAX }
    }
}

impl Sessions {
    /// Adds an event: it makes, extends or joins sessions.
    fn add(&mut self, plan: &SessionPlan, event: Event<'_>) {
        let mut joined = Session {
            start: event.time,
            end: event.time,
            states: plan.states.iter().map(|kind| State::empty(*kind)).collect(),
            told: false,
            changed: true,
        };
        add_event(&mut joined.states, event.time, event.inputs);
        let (first, last) = self.reach(plan, event.time);
        for session in self.all.drain(first..last) {
            joined.absorb(&session, &mut self.withdrawn);
        }
        self.all.insert(first, joined);
    }

    /// Extends the one session that holds the time, without making another.
    fn extend(&mut self, plan: &SessionPlan, event: Event<'_>) -> bool {
        let Some(at) = self.holding(plan, event.time) else { return false };
        let session = &mut self.all[at];
        add_event(&mut session.states, event.time, event.inputs);
        session.end = session.end.max(event.time);
        session.changed = true;
        true
    }

    /// The one session that an event at this time is part of, unless it would begin earlier: an earlier start of a told
    /// session is another result.
    fn holding(&self, plan: &SessionPlan, time: i64) -> Option<usize> {
        let holds = |session: &Session| {
            session.start <= time && time <= session.end.saturating_add(plan.gap)
        };
        // Sessions are further apart than the gap: one that holds the time is the only one unless another follows.
        if self.all.last().is_some_and(holds) {
            return Some(self.all.len() - 1);
        }
        let (first, last) = self.reach(plan, time);
        (last == first + 1 && holds(&self.all[first])).then_some(first)
    }

    fn save(&self, out: &mut Vec<u8>) {
        put_i64(self.due, out);
        put_len(self.withdrawn.len(), out);
        for (start, end) in &self.withdrawn {
            put_i64(*start, out);
            put_i64(*end, out);
        }
        put_len(self.all.len(), out);
        for session in &self.all {
            put_i64(session.start, out);
            put_i64(session.end, out);
            out.extend([u8::from(session.told), u8::from(session.changed)]);
            session.states.iter().for_each(|state| state.encode(out));
        }
    }

    fn load(plan: &SessionPlan, bytes: &mut Reader<'_>) -> Result<Self> {
        let due = bytes.i64()?;
        let withdrawn = bytes.len(16)?;
        let mut pair = || Ok((bytes.i64()?, bytes.i64()?));
        let withdrawn = (0..withdrawn).map(|_| pair()).collect::<Result<_>>()?;
        let mut all: SmallVec<[Session; 1]> = SmallVec::new();
        for _ in 0..bytes.len(18)? {
            let (start, end) = (bytes.i64()?, bytes.i64()?);
            if end < start || all.last().is_some_and(|before| before.end >= start) {
                return Err(Error::data("the sessions of a key overlap"));
            }
            let (told, changed) = (bytes.flag()?, bytes.flag()?);
            let states = plan.states.iter().map(|kind| State::decode(*kind, bytes));
            let states = states.collect::<Result<_>>()?;
            all.push(Session { start, end, states, told, changed });
        }
        Ok(Self { all, withdrawn, due })
    }

    /// The range of sessions that an event at this time is part of.
    fn reach(&self, plan: &SessionPlan, time: i64) -> (usize, usize) {
        let before = |session: &Session| session.end.saturating_add(plan.gap) < time;
        let within = |session: &Session| session.start.saturating_sub(plan.gap) <= time;
        (self.all.partition_point(before), self.all.partition_point(within))
    }
}

impl Session {
    fn absorb(&mut self, other: &Self, withdrawn: &mut Vec<(i64, i64)>) {
        let start = self.start.min(other.start);
        if self.told && self.start != start {
            withdrawn.push((self.start, self.end));
            self.told = false;
        }
        if other.told {
            if other.start == start {
                self.told = true;
            } else {
                withdrawn.push((other.start, other.end));
            }
        }
        self.start = start;
        self.end = self.end.max(other.end);
        for (ours, theirs) in self.states.iter_mut().zip(&other.states) {
            ours.merge(theirs);
        }
    }

    fn values(&self, plan: &SessionPlan) -> Vec<Value> {
        let millis = |micros: i64| Value::Int64(micros.div_euclid(1_000));
        let mut values =
            vec![millis(self.start), millis(self.end), millis(self.end.saturating_sub(self.start))];
        let answers = &plan.outputs;
        values.extend(answers.iter().map(|(state, function)| self.states[*state].value(*function)));
        values
    }
}

/// Tells of a session when the watermark passes its last event and the gap; corrects it while lateness lasts. A late
/// event may join sessions that were told: the later ones are withdrawn then.
#[derive(Debug)]
pub(crate) struct SessionOperator {
    plan: SessionPlan,
    keys: KeyTable<Sessions>,
    timers: BinaryHeap<Reverse<(i64, u32)>>,
    reached: i64,
}

impl SessionOperator {
    pub(crate) fn new(plan: SessionPlan) -> Self {
        Self { plan, keys: KeyTable::default(), timers: BinaryHeap::new(), reached: i64::MIN }
    }

    fn closes(&self, session_end: i64) -> i64 {
        session_end.saturating_add(self.plan.gap)
    }

    fn is_final(&self, session_end: i64) -> bool {
        self.closes(session_end).saturating_add(self.plan.lateness) < self.reached
    }

    fn tell(&mut self, id: u32, watermark: i64, out: &mut Vec<OutputRow>) {
        let (gap, lateness) = (self.plan.gap, self.plan.lateness);
        let Some((key, sessions)) = self.keys.get_mut(id) else { return };
        for (start, end) in sessions.withdrawn.drain(..) {
            let (key, change) = (key.to_vec(), Change::Withdraw);
            out.push(OutputRow { key, result: start, time: end, values: Vec::new(), change });
        }
        let closed = |session: &Session| session.end.saturating_add(gap) <= watermark;
        for session in sessions.all.iter_mut().filter(|session| session.changed) {
            if !closed(session) {
                // A told session that goes on is told again when it closes.
                continue;
            }
            let change = if session.told { Change::Replace } else { Change::Insert };
            (session.told, session.changed) = (true, false);
            let (result, time) = (session.start, session.end);
            let values = session.values(&self.plan);
            out.push(OutputRow { key: key.to_vec(), result, time, values, change });
        }
        let is_kept = |session: &Session| {
            session.end.saturating_add(gap).saturating_add(lateness) >= watermark
                && watermark != i64::MAX
        };
        sessions.all.retain(|session| is_kept(session));
        let next = |session: &Session| {
            let closes = session.end.saturating_add(gap);
            if session.changed { closes } else { closes.saturating_add(lateness).saturating_add(1) }
        };
        match sessions.all.iter().map(next).min() {
            Some(due) => {
                sessions.due = due;
                self.timers.push(Reverse((due, id)));
            }
            None => self.keys.remove(id),
        }
    }
}

impl Operator for SessionOperator {
    fn fresh(&self) -> Box<dyn Operator> {
        Box::new(Self::new(self.plan.clone()))
    }

    fn add(&mut self, event: Event<'_>) -> std::result::Result<(), TooLate> {
        let closes = self.closes(event.time);
        let is_late = self.is_final(event.time);
        let (id, sessions) = self.keys.get_or_default(event.key);
        if is_late {
            // Only a session that is still corrected can take it.
            let (first, last) = sessions.reach(&self.plan, event.time);
            if first == last {
                if sessions.all.is_empty() && sessions.withdrawn.is_empty() {
                    self.keys.remove(id);
                }
                return Err(TooLate);
            }
        }
        if !sessions.extend(&self.plan, event) {
            sessions.add(&self.plan, event);
        }
        // What closed already is told with the next watermark.
        let due = if closes <= self.reached { self.reached } else { closes };
        if due < sessions.due {
            sessions.due = due;
            self.timers.push(Reverse((due, id)));
        }
        Ok(())
    }

    fn advance(&mut self, watermark: i64, out: &mut Vec<OutputRow>) {
        let watermark = watermark.max(self.reached);
        let first = out.len();
        while let Some(Reverse((due, id))) = self.timers.peek().copied() {
            if due > watermark {
                break;
            }
            self.timers.pop();
            if self.keys.get(id).is_some_and(|(_, sessions)| sessions.due == due) {
                self.tell(id, watermark, out);
            }
        }
        put_in_order(&mut out[first..]);
        self.reached = watermark;
    }

    fn keys(&self) -> usize {
        self.keys.len()
    }

    fn save(&mut self, scope: Scope, out: &mut Vec<u8>) {
        put_i64(self.reached, out);
        self.keys.save(scope, out, |sessions, _, out| sessions.save(out));
    }

    fn load(&mut self, bytes: &mut Reader<'_>) -> Result<()> {
        self.reached = bytes.i64()?;
        let plan = &self.plan;
        self.keys.load(bytes, |sessions, bytes| {
            *sessions = Sessions::load(plan, bytes)?;
            Ok(())
        })
    }

    fn settle(&mut self) {
        let timers = self.keys.iter().map(|(id, _, sessions)| Reverse((sessions.due, id)));
        self.timers = timers.collect();
    }
}

#[cfg(test)]
mod tests;
