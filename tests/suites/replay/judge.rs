//! Compares what was recorded with what is answered, and the differences with the list of exceptions.

use std::collections::BTreeSet;

use crate::exceptions::Exception;

/// Exchanges that were answered otherwise.
#[derive(Default)]
pub(crate) struct Judge {
    seen: BTreeSet<String>,
    differing: BTreeSet<String>,
    told: Vec<String>,
}

impl Judge {
    /// Takes down one exchange.
    pub(crate) fn compare<T: PartialEq + std::fmt::Debug>(
        &mut self,
        name: &str,
        recorded: &T,
        answered: &T,
    ) {
        self.seen.insert(name.to_owned());
        if recorded != answered {
            self.differing.insert(name.to_owned());
            self.told.push(format!("{name}\n  recorded {recorded:?}\n  answered {answered:?}"));
        }
    }

    /// Fails for a difference that is no exception, and for an exception that makes no difference.
    pub(crate) fn verdict(self, count: usize, exceptions: &[Exception]) {
        let excepted: BTreeSet<String> =
            exceptions.iter().map(|exception| exception.exchange.to_owned()).collect();
        let unexpected: Vec<&String> = self
            .told
            .iter()
            .filter(|text| !excepted.contains(text.lines().next().unwrap_or_default()))
            .collect();
        assert!(unexpected.is_empty(), "answered otherwise:\n{unexpected:#?}");
        let stale: Vec<&String> = excepted.difference(&self.differing).collect();
        assert!(stale.is_empty(), "excepted, but answered as recorded: {stale:?}");
        assert_eq!(self.seen.len(), count, "every exchange has a name of its own and was asked");
    }
}
