//! Which jobs of a topic read it together.

use std::convert::Infallible;
use std::time::Duration;

use larder_stream_features::{Standing, Stop};
use tokio::sync::watch;

/// Jobs that are further apart than so many messages do not share a reading: the one in front would stand still while the
/// other catches up.
const FAR: u64 = 200_000;

/// Those that read apart go on together when they are as near as this.
const NEAR: u64 = 50_000;

/// Time between two looks at how near they are.
const INTERVAL: Duration = Duration::from_secs(2);

/// Jobs by their positions, those together that share a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lanes(Vec<Vec<usize>>);

impl Lanes {
    /// The lanes of jobs that are so many messages behind.
    pub(super) fn new(behind: &[u64]) -> Self {
        Self::within(behind, FAR)
    }

    /// Lanes whose jobs are no further apart than `most`.
    fn within(behind: &[u64], most: u64) -> Self {
        let mut order: Vec<usize> = (0..behind.len()).collect();
        order.sort_by_key(|at| (behind[*at], *at));
        let mut lanes: Vec<Vec<usize>> = Vec::new();
        for at in order {
            match lanes.last_mut() {
                Some(lane) if behind[at] - behind[lane[0]] <= most => lane.push(at),
                _ => lanes.push(vec![at]),
            }
        }
        for lane in &mut lanes {
            lane.sort_unstable();
        }
        Self(lanes)
    }

    /// Whether some jobs read apart from others.
    pub(super) fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Whether jobs that are behind by so much now would do with fewer readings.
    fn can_join(&self, behind: &[u64]) -> bool {
        Self::within(behind, NEAR).0.len() < self.0.len()
    }
}

/// Asks the lanes to end with a commit when the run is to end, or when they can be fewer.
pub(super) async fn end(
    run: &Stop,
    (lanes, standing): (&Lanes, Option<&Standing>),
    sender: &watch::Sender<bool>,
) -> Infallible {
    loop {
        run.within(INTERVAL).await;
        let can_join = match standing {
            Some(standing) => standing.behind().await.is_ok_and(|now| lanes.can_join(&now)),
            None => false,
        };
        if can_join || run.is_requested() {
            sender.send_replace(true);
            return std::future::pending().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(behind: &[u64]) -> Vec<Vec<usize>> {
        Lanes::new(behind).0
    }

    #[test]
    fn jobs_far_behind_read_apart_from_those_in_front() {
        assert_eq!(lanes(&[0]), [[0]]);
        assert_eq!(lanes(&[7, 0, FAR]), [[0, 1, 2]]);
        assert_eq!(lanes(&[FAR + 1, 0, 5]), [vec![1, 2], vec![0]]);
        let millions = [9_000_000, 0, 9_000_100, 5_000_000];
        assert_eq!(lanes(&millions), [vec![1], vec![3], vec![0, 2]]);
    }

    #[test]
    fn jobs_that_read_apart_join_when_they_are_near() {
        let apart = Lanes::new(&[0, FAR + 1]);
        for (behind, expected) in [([0, FAR], false), ([0, NEAR + 1], false), ([3, NEAR], true)] {
            assert_eq!(apart.can_join(&behind), expected, "{behind:?}");
        }
        assert!(!Lanes::new(&[0, 1]).can_join(&[0, 0]));
    }
}
