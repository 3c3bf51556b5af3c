//! Random events of the shop, of the last hours.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use larder_tests::Repository;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Users and products of the events.
pub(crate) const KEYS: usize = 40;

/// Milliseconds of the first event: rows are served while they are younger than their ttl.
static BEGIN: LazyLock<i64> = LazyLock::new(|| {
    let now = UNIX_EPOCH.elapsed().expect("a clock after 1970").as_millis();
    i64::try_from(now).expect("milliseconds") - 5 * 3_600_000
});

/// Writes this many events as files of the repository, out of order by less than the jobs wait for; some lines are none.
pub(crate) fn write(repository: &Repository, seed: u64, count: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut files = vec![String::new(); 3];
    let step = 4 * 3_600_000 / i64::try_from(count).expect("a number of events");
    let mut arrivals: Vec<(i64, i64)> = (0..count)
        .map(|at| *BEGIN + step * i64::try_from(at).expect("a number"))
        .map(|time| (time + random.random_range(0..300_000), time))
        .collect();
    arrivals.sort_unstable();
    for (id, (_, time)) in arrivals.into_iter().enumerate() {
        let user = random.random_range(0..KEYS);
        let kinds = ["page_view", "click", "purchase", "search"];
        let (kind, product) = (kinds[random.random_range(0..4)], random.random_range(0..KEYS));
        let file = &mut files[random.random_range(0..3)];
        writeln!(
            file,
            r#"{{"eventId":"{id}","userId":"u{user}","sessionId":"s{user}-{}","eventType":"{kind}","timestamp":{time},"properties":{{"page":"/{product}","productId":"p{product}","amount":"{}"}},"context":{{"userAgent":"x","ip":"10.0.0.{}","platform":"web","referrer":null}}}}"#,
            random.random_range(0..9),
            random.random_range(1..400),
            random.random_range(0..4),
        )
        .expect("a string takes every text");
        if random.random_bool(0.001) {
            file.push_str("not an event\n");
        }
    }
    for (at, text) in files.iter().enumerate() {
        repository.write(&format!("data/user_events/{at}.jsonl"), text);
    }
}
