//! What a handler knows about its answer and the gate does not.

use std::borrow::Cow;

use larder_core::ErrorKind;

/// Most answers come from a few views: no text is made for their number.
const SMALL: [&str; 9] = ["0", "1", "2", "3", "4", "5", "6", "7", "8"];

/// Travels in the extensions of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    /// Entity rows, pushed rows.
    pub(crate) rows: usize,
    /// Features asked for and views that they are from, for online features.
    pub(crate) features: Option<(usize, usize)>,
    /// Why it was refused.
    pub(crate) kind: Option<ErrorKind>,
}

impl Facts {
    /// An answer with this many rows.
    pub(crate) fn rows(rows: usize) -> Self {
        Self { rows, ..Self::default() }
    }

    /// A refusal.
    pub(crate) fn refused(kind: ErrorKind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }

    /// Feast 0.67's labels: features in bins, views as a number; both empty where there are none.
    pub(crate) fn feature_labels(&self) -> (&'static str, Cow<'static, str>) {
        let Some((features, views)) = self.features else { return ("", Cow::Borrowed("")) };
        let bin = match features {
            0 => "0",
            1..=10 => "1-10",
            11..=50 => "11-50",
            51..=200 => "51-200",
            _ => "201+",
        };
        let views = SMALL
            .get(views)
            .map_or_else(|| Cow::Owned(views.to_string()), |small| Cow::Borrowed(*small));
        (bin, views)
    }
}
