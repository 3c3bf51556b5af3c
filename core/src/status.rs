//! What a served value is worth: Feast's field statuses and the ttl rule.

use std::time::Duration;

use crate::Timestamp;

/// Status of one served value, with the numbers of `feast.serving.FieldStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum FieldStatus {
    /// The stored bytes are no value; the value is null.
    Invalid = 0,
    /// The value is there.
    Present = 1,
    /// The row is there, its value is null.
    NullValue = 2,
    /// There is no row for the entity.
    NotFound = 3,
    /// The row is older than the view's ttl; the value is withheld.
    OutsideMaxAge = 4,
}

impl FieldStatus {
    /// The protobuf enum name, as JSON responses carry it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Present => "PRESENT",
            Self::NullValue => "NULL_VALUE",
            Self::NotFound => "NOT_FOUND",
            Self::OutsideMaxAge => "OUTSIDE_MAX_AGE",
        }
    }
}

/// Whether answers follow Feast 0.67 also where Feast is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compat {
    /// The right answer.
    #[default]
    Larder,
    /// Feast's Python server, quirks included: ttl ignored, nulls PRESENT.
    Feast,
}

/// State of one stored row at the time of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowState {
    /// No row.
    Missing,
    /// A row older than the ttl.
    Expired,
    /// A row that may be served.
    Fresh,
}

impl RowState {
    /// The state of a row with this event timestamp; `ttl` as [`crate::FeatureView::effective_ttl`] gives it.
    ///
    /// A row exactly `ttl` old is fresh: offline, both ends of the window are inclusive as well.
    pub fn of(
        event: Option<Timestamp>,
        ttl: Option<Duration>,
        now: Timestamp,
        compat: Compat,
    ) -> Self {
        match (event, ttl, compat) {
            (None, ..) => Self::Missing,
            (Some(event), Some(ttl), Compat::Larder) if event < now.minus(ttl) => Self::Expired,
            _ => Self::Fresh,
        }
    }

    /// The status of a value of this row.
    ///
    /// Feast 0.67's Python server says PRESENT for nulls of a stored row.
    pub fn status(self, value_is_null: bool, compat: Compat) -> FieldStatus {
        match (self, value_is_null, compat) {
            (Self::Missing, ..) => FieldStatus::NotFound,
            (Self::Expired, ..) => FieldStatus::OutsideMaxAge,
            (Self::Fresh, true, Compat::Larder) => FieldStatus::NullValue,
            (Self::Fresh, ..) => FieldStatus::Present,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn a_row_expires_one_tick_after_its_ttl() {
        let now = Timestamp::from_seconds(1_000_000);
        let edge = now.minus(DAY);
        let tick_older = Timestamp::from_micros(edge.micros() - 1);
        for (event, expected) in [(edge, RowState::Fresh), (tick_older, RowState::Expired)] {
            assert_eq!(RowState::of(Some(event), Some(DAY), now, Compat::Larder), expected);
        }
        assert_eq!(RowState::of(Some(tick_older), Some(DAY), now, Compat::Feast), RowState::Fresh);
        assert_eq!(RowState::of(None, Some(DAY), now, Compat::Larder), RowState::Missing);
    }

    #[test]
    fn statuses_tell_null_missing_and_expired_apart() {
        for (state, null, compat, expected) in [
            (RowState::Fresh, false, Compat::Larder, FieldStatus::Present),
            (RowState::Fresh, true, Compat::Larder, FieldStatus::NullValue),
            (RowState::Fresh, true, Compat::Feast, FieldStatus::Present),
            (RowState::Missing, true, Compat::Larder, FieldStatus::NotFound),
            (RowState::Expired, false, Compat::Larder, FieldStatus::OutsideMaxAge),
        ] {
            assert_eq!(state.status(null, compat), expected);
        }
    }
}
