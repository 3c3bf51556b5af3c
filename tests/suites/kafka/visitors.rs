//! Events of a shop.

use larder_tests::Kafka;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::shop::{PARTITIONS, PRODUCTS};

const USERS: usize = 300;

/// Events of many users, a little out of order, each user in one partition.
pub(crate) struct Visitors {
    random: StdRng,
    next: usize,
    begin: i64,
}

impl Visitors {
    pub(crate) fn new(seed: u64) -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_millis();
        let begin = i64::try_from(now).expect("milliseconds") / 300_000 * 300_000 - 86_400_000;
        Self { random: StdRng::seed_from_u64(seed), next: 0, begin }
    }

    /// The next events with their partitions.
    pub(crate) fn events(&mut self, count: usize) -> Vec<(i32, String)> {
        (0..count).map(|_| self.event()).collect()
    }

    fn event(&mut self) -> (i32, String) {
        let (number, random) = (self.next, &mut self.random);
        self.next += 1;
        let user = random.random_range(0..USERS);
        let kind = ["page_view", "click", "purchase"][random.random_range(0..3)];
        let late = random.random_range(0..3_000);
        let event = json!({
            "eventId": number.to_string(),
            "userId": format!("u{user}"),
            "sessionId": format!("s{}", user / 2),
            "eventType": kind,
            "timestamp": self.begin + i64::try_from(number).expect("a time") * 20 - late,
            "properties": {
                "productId": format!("p{}", random.random_range(0..PRODUCTS)),
                "amount": (f64::from(random.random_range(100..10_000)) / 100.0).to_string(),
            },
            "context": {"userAgent": "x", "ip": "10.0.0.1", "platform": "web", "referrer": null},
        });
        (i32::try_from(user).expect("a user") % PARTITIONS, event.to_string())
    }
}

/// Puts events into a topic.
pub(crate) fn put(kafka: &Kafka, topic: &str, events: &[(i32, String)]) {
    kafka.produce(topic, events.iter().map(|(partition, event)| (*partition, event.as_str())));
}
