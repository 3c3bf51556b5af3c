//! Which row groups and pages of a file can hold rows of an interval.

use std::ops::Range;

use arrow_array::ArrayRef;
use larder_offline_store::Instants;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

use crate::source::TimeBounds;

/// The time column of a file with the bounds on it.
pub(super) struct TimePruning<'a> {
    footer: &'a ArrowReaderMetadata,
    column: StatisticsConverter<'a>,
    bounds: TimeBounds,
}

impl<'a> TimePruning<'a> {
    /// `None` when the file has no such column or it cannot be judged by.
    pub(super) fn new(
        footer: &'a ArrowReaderMetadata,
        time: &str,
        bounds: TimeBounds,
    ) -> Option<Self> {
        let (schema, stored) = (footer.schema(), footer.parquet_schema());
        let column = StatisticsConverter::try_new(time, schema, stored).ok()?;
        Instants::unit_of(column.arrow_field().data_type())?;
        Some(Self { footer, column, bounds })
    }

    /// Per row group whether it may hold rows within the bounds.
    pub(super) fn row_groups(&self) -> Vec<bool> {
        let groups = self.footer.metadata().row_groups();
        let mins = self.column.row_group_mins(groups);
        let maxes = self.column.row_group_maxes(groups);
        match (mins, maxes) {
            (Ok(mins), Ok(maxes)) => self.overlaps(&mins, &maxes),
            _ => vec![true; groups.len()],
        }
    }

    /// The rows of a row group in pages that may hold rows within the bounds, `None` for all of them.
    pub(super) fn pages(&self, group: usize) -> Option<Vec<Range<usize>>> {
        let metadata = self.footer.metadata();
        let (index, offsets) = (metadata.column_index()?, metadata.offset_index()?);
        let mins = self.column.data_page_mins(index, offsets, [&group]).ok()?;
        let maxes = self.column.data_page_maxes(index, offsets, [&group]).ok()?;
        let counts = self.column.data_page_row_counts(offsets, metadata.row_groups(), [&group]);
        let counts = counts.ok()??;
        let kept = self.overlaps(&mins, &maxes);
        if kept.len() != counts.len() || kept.iter().all(|kept| *kept) {
            return None;
        }
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut first = 0;
        for (kept, count) in kept.into_iter().zip(counts.values()) {
            let next = first + usize::try_from(*count).ok()?;
            match ranges.last_mut() {
                _ if !kept => {}
                Some(last) if last.end == first => last.end = next,
                _ => ranges.push(first..next),
            }
            first = next;
        }
        Some(ranges)
    }

    /// Whether each pair of least and greatest time meets the bounds; unknown ones do.
    fn overlaps(&self, mins: &ArrayRef, maxes: &ArrayRef) -> Vec<bool> {
        let (Ok(least), Ok(greatest)) = (Instants::read(mins), Instants::read(maxes)) else {
            return vec![true; mins.len()];
        };
        let TimeBounds { first, last } = self.bounds;
        let overlap = |row: usize| {
            let ends_early = first.zip(greatest.nanos(row)).is_some_and(|(first, max)| max < first);
            let begins_late = last.zip(least.nanos(row)).is_some_and(|(last, min)| min > last);
            !ends_early && !begins_late
        };
        (0..mins.len()).map(overlap).collect()
    }
}
