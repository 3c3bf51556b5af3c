//! What a join in memory takes, before it is begun.

use std::sync::Arc;

use arrow_schema::FieldRef;

use super::candidates::Candidates;
use super::exec::ViewJoin;
use super::index::EntityIndex;
use super::regions::Regions;

/// Bytes that a join in memory of this many entity rows takes at most, besides the rows themselves.
///
/// An index where views do not share one, and the largest of: candidates of every view and what waits to become one;
/// candidates and winners of every view; winners with their features, texts being taken to have 32 bytes.
pub(crate) fn held(views: &[Arc<ViewJoin>], workers: usize, rows: usize) -> usize {
    let indexes = (0..views.len())
        .filter(|&view| views[..view].iter().all(|known| known.by != views[view].by))
        .count();
    let features = width(views);
    let candidates = Candidates::PER_SLOT.saturating_mul(rows);
    let first = candidates.saturating_mul(views.len());
    let first = first.saturating_add(workers * Regions::estimate(rows));
    let chosen = candidates
        .saturating_add(rows.saturating_mul(size_of::<u64>() + size_of::<u32>()))
        .saturating_mul(views.len());
    let second = rows.saturating_mul(views.len() * size_of::<u32>() + features);
    let index = EntityIndex::estimate(rows).saturating_mul(indexes);
    index.saturating_add(first.max(chosen).max(second))
}

/// Bytes that the features of all views in a row take, about.
pub(super) fn width(views: &[Arc<ViewJoin>]) -> usize {
    let width = |field: &FieldRef| field.data_type().primitive_width().unwrap_or(TEXT_WIDTH);
    views.iter().flat_map(|view| view.scan.features.fields()).map(width).sum()
}

/// As [`held`], of the view that takes most when views are joined one after the other.
pub(crate) fn held_by_one(views: &[Arc<ViewJoin>], workers: usize, rows: usize) -> usize {
    let views = views.iter().map(|view| held(std::slice::from_ref(view), workers, rows));
    views.max().unwrap_or(0)
}

/// Bytes per entity row of [`held_by_one`], for few rows.
pub(crate) fn held_per_row(views: &[Arc<ViewJoin>], workers: usize) -> usize {
    /// A partition has more.
    const ROWS: usize = 16 << 10;
    held_by_one(views, workers, ROWS).div_ceil(ROWS)
}

/// Bytes of a value whose width is not known.
const TEXT_WIDTH: usize = 32;
