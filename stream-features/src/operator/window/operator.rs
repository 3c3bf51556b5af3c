//! Windows over keyed tiles.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use larder_core::{Error, Result};

use super::plan::{Emit, WindowPlan};
use super::tiles::KeyTiles;
use crate::aggregate::bytes::{Reader, put_bytes, put_i64, put_len};
use crate::checkpoint::Scope;
use crate::operator::{Change, Event, KeyTable, Operator, OutputRow, TooLate, put_in_order};

/// Tells the row of every key and end at which a window with events closes; corrects it while lateness lasts.
///
/// Windows without events have no row. Every row has all features: those of windows that did not close at its end are
/// those of their latest complete window.
#[derive(Debug)]
pub(crate) struct WindowOperator {
    plan: WindowPlan,
    keys: KeyTable<KeyTiles>,
    /// When to look at which key.
    timers: BinaryHeap<Reverse<(i64, u32)>>,
    /// Rows that were told and that late events changed.
    corrections: BTreeSet<(i64, u32)>,
    dirty: Vec<u32>,
    reached: i64,
}

impl WindowOperator {
    pub(crate) fn new(plan: WindowPlan) -> Self {
        Self {
            plan,
            keys: KeyTable::default(),
            timers: BinaryHeap::new(),
            corrections: BTreeSet::new(),
            dirty: Vec::new(),
            reached: i64::MIN,
        }
    }

    /// Marks the rows of the past that an event of this tile is in.
    fn correct(&mut self, id: u32, tile: i64) {
        let reached = self.reached;
        let final_to = reached.saturating_sub(self.plan.lateness);
        let told = self.plan.rows_of(tile).take_while(|end| *end <= reached);
        let open = told.filter(|end| *end > final_to);
        self.corrections.extend(open.map(|end| (end, id)));
    }

    /// Sets the timer of a key to when it is next to be looked at; answers whether the key is still needed.
    fn rest(&mut self, id: u32, watermark: i64) -> bool {
        let Some((_, tiles)) = self.keys.get_mut(id) else { return false };
        tiles.forget(&self.plan, watermark);
        if tiles.is_empty() {
            return false;
        }
        let closes = match self.plan.emit {
            Emit::WindowClose => tiles.next_end(&self.plan, watermark),
            Emit::EachEvent => None,
        };
        tiles.due = closes.unwrap_or_else(|| tiles.unused_from(&self.plan));
        self.timers.push(Reverse((tiles.due, id)));
        true
    }

    fn tell_corrections(&mut self, out: &mut Vec<OutputRow>) {
        for (end, id) in std::mem::take(&mut self.corrections) {
            let Some((key, tiles)) = self.keys.get(id) else { continue };
            if tiles.closes(&self.plan, end) {
                out.push(row(key, tiles, &self.plan, end, Change::Replace));
            }
        }
    }

    fn tell_dirty(&mut self, out: &mut Vec<OutputRow>) {
        for id in std::mem::take(&mut self.dirty) {
            let Some((key, tiles)) = self.keys.get_mut(id) else { continue };
            tiles.is_dirty = false;
            let latest = tiles.latest;
            let values = tiles.latest_row(&self.plan);
            let (key, change) = (key.to_vec(), Change::Insert);
            out.push(OutputRow { key, result: latest, time: latest, values, change });
        }
    }

    /// Tells every row of a key up to the watermark.
    fn tell_closed(&mut self, id: u32, watermark: i64, out: &mut Vec<OutputRow>) {
        let Some((key, tiles)) = self.keys.get(id) else { return };
        let mut after = self.reached;
        while let Some(end) = tiles.next_end(&self.plan, after).filter(|end| *end <= watermark) {
            out.push(row(key, tiles, &self.plan, end, Change::Insert));
            after = end;
        }
    }
}

fn row(key: &[u8], tiles: &KeyTiles, plan: &WindowPlan, end: i64, change: Change) -> OutputRow {
    OutputRow { key: key.to_vec(), result: end, time: end, values: tiles.row(plan, end), change }
}

impl Operator for WindowOperator {
    fn fresh(&self) -> Box<dyn Operator> {
        Box::new(Self::new(self.plan.clone()))
    }

    fn add(&mut self, event: Event<'_>) -> std::result::Result<(), TooLate> {
        let tile = self.plan.tile_of(event.time);
        if self.plan.closed_for_good(tile) <= self.reached {
            return Err(TooLate);
        }
        let (id, tiles) = self.keys.get_or_default(event.key);
        tiles.add(&self.plan, tile, event.time, event.inputs);
        let due = match self.plan.emit {
            Emit::WindowClose => self.plan.next_end(tile, self.reached),
            Emit::EachEvent => None,
        };
        let due = due.unwrap_or_else(|| self.plan.unused_from(tile));
        if due < tiles.due {
            tiles.due = due;
            self.timers.push(Reverse((due, id)));
        }
        match self.plan.emit {
            Emit::WindowClose if tile < self.reached => self.correct(id, tile),
            Emit::EachEvent if !tiles.is_dirty => {
                tiles.is_dirty = true;
                self.dirty.push(id);
            }
            Emit::WindowClose | Emit::EachEvent => {}
        }
        Ok(())
    }

    fn advance(&mut self, watermark: i64, out: &mut Vec<OutputRow>) {
        let first = out.len();
        self.tell_corrections(out);
        self.tell_dirty(out);
        while let Some(Reverse((due, id))) = self.timers.peek().copied() {
            if due > watermark {
                break;
            }
            self.timers.pop();
            if self.keys.get(id).is_none_or(|(_, tiles)| tiles.due != due) {
                continue;
            }
            if self.plan.emit == Emit::WindowClose {
                self.tell_closed(id, watermark, out);
            }
            if !self.rest(id, watermark) {
                self.keys.remove(id);
            }
        }
        put_in_order(&mut out[first..]);
        self.reached = self.reached.max(watermark);
    }

    fn keys(&self) -> usize {
        self.keys.len()
    }

    fn save(&mut self, scope: Scope, out: &mut Vec<u8>) {
        put_i64(self.reached, out);
        self.keys.save(scope, out, KeyTiles::save);
        let key = |(end, id): &(i64, u32)| Some((*end, self.keys.get(*id)?.0));
        put_len(self.corrections.iter().filter_map(key).count(), out);
        for (end, key) in self.corrections.iter().filter_map(key) {
            put_i64(end, out);
            put_bytes(key, out);
        }
    }

    fn load(&mut self, bytes: &mut Reader<'_>) -> Result<()> {
        self.reached = bytes.i64()?;
        let plan = &self.plan;
        self.keys.load(bytes, |tiles, bytes| tiles.load(plan, bytes))?;
        self.corrections.clear();
        for _ in 0..bytes.len(12)? {
            let (end, key) = (bytes.i64()?, bytes.bytes()?);
            let id = self.keys.number(key);
            let id = id.ok_or_else(|| Error::data("a correction is of a key that is not here"))?;
            self.corrections.insert((end, id));
        }
        Ok(())
    }

    fn settle(&mut self) {
        let timers = self.keys.iter().map(|(id, _, tiles)| Reverse((tiles.due, id)));
        self.timers = timers.collect();
        let dirty = self.keys.iter().filter(|(_, _, tiles)| tiles.is_dirty);
        self.dirty = dirty.map(|(id, ..)| id).collect();
    }
}
