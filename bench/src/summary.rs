//! Medians and how they are printed.

use std::fmt;
use std::time::Duration;

/// Figures of several runs of one thing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs(Vec<f64>);

impl Runs {
    /// Adds one run.
    pub(crate) fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// Adds one run in seconds.
    pub(crate) fn add_duration(&mut self, duration: Duration) {
        self.add(duration.as_secs_f64());
    }

    /// The median; NaN without a run.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            even if even % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        }
    }
}

/// Prints the median with the lowest and highest run, in three significant digits.
impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let text = format!("{} ({}..{})", figure(self.median()), figure(low), figure(high));
        f.pad(&text)
    }
}

/// A number in about three significant digits.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(figures: &[f64]) -> Runs {
        Runs(figures.to_vec())
    }

    #[test]
    fn the_median_does_not_depend_on_the_order() {
        assert!((runs(&[3.0, 1.0, 2.0]).median() - 2.0).abs() < f64::EPSILON);
        assert!((runs(&[4.0, 1.0]).median() - 2.5).abs() < f64::EPSILON);
        assert!(runs(&[]).median().is_nan());
    }

    #[test]
    fn runs_are_printed_with_their_spread() {
        assert_eq!(runs(&[0.25, 1234.0, 12.0]).to_string(), "12.0 (0.250..1234)");
    }
}
