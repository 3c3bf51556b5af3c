//! Seeded draws from the distributions that shops show.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A repeatable source of draws.
#[derive(Debug)]
pub(crate) struct Draws(StdRng);

impl Draws {
    /// The same seed gives the same draws.
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Uniform in 0 (included) to 1 (excluded).
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// Uniform in `low` (included) to `high` (excluded).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0 (included) to `end` (excluded); `end` must not be 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal, by the Box-Muller transform.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Log-normal with this median; prices, durations and order values look like it.
    pub(crate) fn log_normal(&mut self, median: f64, spread: f64) -> f64 {
        median * (spread * self.normal()).exp()
    }

    /// Number of events of a Poisson process, by Knuth's product of uniforms; for small means.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let (mut product, mut events) = (self.unit(), 0);
        while product > limit {
            product *= self.unit();
            events += 1;
        }
        events
    }

    /// An index with probability proportional to its weight; weights must not all be 0.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(draws: impl Iterator<Item = f64>) -> f64 {
        let all: Vec<f64> = draws.collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    #[test]
    fn draws_repeat_with_the_seed() {
        let (mut first, mut second) = (Draws::new(7), Draws::new(7));
        for _ in 0..100 {
            assert_eq!(first.normal().to_bits(), second.normal().to_bits());
        }
    }

    #[test]
    fn means_are_those_of_the_distributions() {
        let mut draws = Draws::new(1);
        assert!((mean((0..20_000).map(|_| draws.normal()))).abs() < 0.03);
        assert!((mean((0..20_000).map(|_| f64::from(draws.poisson(1.5)))) - 1.5).abs() < 0.05);
        let heavy = mean((0..20_000).map(|_| draws.weighted(&[1.0, 3.0]) as f64));
        assert!((heavy - 0.75).abs() < 0.02);
    }
}
