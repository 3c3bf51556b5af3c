//! Events of a shop, the same in every run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Files, which are partitions.
const PARTITIONS: u64 = 2;

/// The first event.
const BEGIN: i64 = 1_767_225_600_000;

/// Milliseconds between two events; no two have the same time.
const STEP: i64 = 5;

/// Pages: as many different ones as the engine counts exactly, so that a peer comes to the same numbers.
const PAGES: u32 = 200;

/// Sorts of products, and what users hold in their hands.
const CATEGORIES: [&str; 5] = ["electronics", "fashion", "books", "home", "sports"];
const PLATFORMS: [&str; 3] = ["mobile", "desktop", "tablet"];

/// The first of the users who are watched, whom chance does not bring.
const WATCHED: u64 = 8_000_000;

/// An event comes by at most so many milliseconds too late.
const DISORDER: i64 = 900;

/// How events are spread over users.
#[derive(Debug, Clone, Copy)]
pub(super) enum Users {
    /// The n-th of so many users has a share of 1/n.
    Zipf(u32),
    /// Each event is of another user.
    Each,
}

/// Encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Format {
    /// A line per event.
    Json,
    /// Confluent's framing, each after its length.
    Avro,
}

impl Format {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Avro => "avro",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    /// When it comes, which decides its place in the file.
    arrival: i64,
    time: i64,
    id: u64,
    user: u64,
    is_known: bool,
    kind: usize,
    product: u32,
    /// Quarters of the currency, so that sums in floating point are exact.
    quarters: u32,
    is_elsewhere: bool,
}

/// Symbols of the schema, in its order.
const KINDS: [&str; 5] = ["page_view", "click", "purchase", "add_to_cart", "search"];

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36";
const REFERRER: &str = "https://www.shop.example/search?q=shoes";

/// Writes `count` events of a format below a folder; answers their bytes.
pub(super) fn write(folder: &Path, format: Format, count: u64, users: Users) -> Result<u64> {
    std::fs::create_dir_all(folder)?;
    let file = |at: u64| {
        let path = folder.join(format!("events-{at}.{}", format.name()));
        Ok(BufWriter::with_capacity(1 << 20, File::create(path)?))
    };
    let mut files = (0..PARTITIONS).map(file).collect::<Result<Vec<_>>>()?;
    let mut bytes = 0;
    let (mut waiting, mut random) = (BinaryHeap::new(), StdRng::seed_from_u64(7));
    let mut encoded = Vec::new();
    for id in 0..=count {
        let now = if id < count {
            let event = Event::random(id, users, &mut random);
            let now = event.time;
            waiting.push(Reverse(event));
            now
        } else {
            i64::MAX
        };
        while waiting.peek().is_some_and(|Reverse(event): &Reverse<Event>| event.arrival <= now) {
            let Some(Reverse(event)) = waiting.pop() else { break };
            encoded.clear();
            match format {
                Format::Json => event.json(&mut encoded)?,
                Format::Avro => event.avro(&mut encoded),
            }
            bytes += encoded.len() as u64;
            let partition = usize::try_from(event.user % PARTITIONS)?;
            files[partition].write_all(&encoded)?;
        }
    }
    files.into_iter().try_for_each(|mut file| file.flush()).context("events cannot be written")?;
    Ok(bytes)
}

impl Event {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
    fn random(id: u64, users: Users, random: &mut StdRng) -> Self {
        let user = match users {
            Users::Zipf(users) => f64::from(users + 1).powf(random.random()) as u64 - 1,
            Users::Each => id,
        };
        // Milliseconds apart when there is a user for each, so that no session ends before the last begins.
        let step = if matches!(users, Users::Each) { 1 } else { STEP };
        let time = BEGIN + id.cast_signed() * step;
        let kind = [0, 0, 0, 0, 1, 1, 2, 3, 4, 4][random.random_range(0..10)];
        let times = if random.random_ratio(1, 100) { 20 } else { 1 };
        Self {
            arrival: time + random.random_range(0..DISORDER),
            time,
            id,
            user,
            // Some users never log in.
            is_known: user % 32 != 31,
            kind,
            product: random.random_range(0..5_000),
            quarters: random.random_range(20..800) * times,
            is_elsewhere: random.random_ratio(1, 500),
        }
    }

    /// An event of a user at a time.
    pub(super) fn at(time: i64, id: u64, users: u32, random: &mut StdRng) -> Self {
        Self { time, arrival: time, ..Self::random(id, Users::Zipf(users), random) }
    }

    /// Which of so many partitions it is of.
    pub(super) fn partition(&self, partitions: u64) -> u64 {
        self.user % partitions
    }

    /// A visit of a page by a user who is watched.
    pub(super) fn watched(mut self, user: u64) -> Self {
        (self.user, self.is_known, self.kind) = (WATCHED + user, true, 0);
        self
    }

    /// The bytes of a message.
    pub(super) fn encode(&self, format: Format) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match format {
            Format::Json => self.json(&mut bytes)?,
            Format::Avro => self.avro(&mut bytes),
        }
        // Files have a line feed behind, or the length before.
        Ok(match format {
            Format::Json => bytes[..bytes.len() - 1].to_vec(),
            Format::Avro => bytes[4..].to_vec(),
        })
    }

    fn session(&self) -> String {
        format!("session-{:07}-{}", self.user, self.time / 3_600_000)
    }

    fn ip(&self) -> String {
        let net = if self.is_elsewhere { 192 } else { 10 };
        format!("{net}.{}.{}.{}", self.user >> 16, self.user >> 8 & 255, self.user & 255)
    }

    fn platform(&self) -> &'static str {
        PLATFORMS[usize::try_from(self.user).unwrap_or_default() % PLATFORMS.len()]
    }

    /// Entries of the map: what a purchase cost, what was searched, what was looked at.
    fn properties(&self) -> Vec<(&'static str, String)> {
        let mut properties = vec![("page", format!("/pages/{}", self.product % PAGES))];
        if KINDS[self.kind] != "search" {
            properties.push(("productId", format!("product-{:05}", self.product)));
        }
        if KINDS[self.kind] == "purchase" {
            properties.push(("amount", format!("{:.2}", f64::from(self.quarters) / 4.0)));
        }
        let category = CATEGORIES[self.product as usize % CATEGORIES.len()];
        properties.push(("category", category.to_owned()));
        properties.push(("position", (self.product % 20).to_string()));
        properties
    }

    fn json(&self, out: &mut Vec<u8>) -> Result<()> {
        write!(out, r#"{{"eventId":"e-{:012}","userId":"#, self.id)?;
        if self.is_known {
            write!(out, r#""user-{:07}""#, self.user)?;
        } else {
            out.extend(b"null");
        }
        let (session, kind, time) = (self.session(), KINDS[self.kind], self.time);
        write!(
            out,
            r#","sessionId":"{session}","eventType":"{kind}","timestamp":{time},"properties":{{"#
        )?;
        for (at, (key, value)) in self.properties().iter().enumerate() {
            write!(out, r#"{}"{key}":"{value}""#, if at == 0 { "" } else { "," })?;
        }
        writeln!(
            out,
            r#"}},"context":{{"userAgent":"{AGENT}","ip":"{}","platform":"{}","referrer":"{REFERRER}"}}}}"#,
            self.ip(),
            self.platform()
        )?;
        Ok(())
    }

    fn avro(&self, out: &mut Vec<u8>) {
        // The length comes first and is known last.
        out.extend([0; 4]);
        out.extend([0, 0, 0, 0, 1]);
        text(&format!("e-{:012}", self.id), out);
        long(i64::from(self.is_known), out);
        if self.is_known {
            text(&format!("user-{:07}", self.user), out);
        }
        text(&self.session(), out);
        long(i64::try_from(self.kind).unwrap_or(0), out);
        long(self.time, out);
        let properties = self.properties();
        long(i64::try_from(properties.len()).unwrap_or(0), out);
        for (key, value) in &properties {
            text(key, out);
            text(value, out);
        }
        long(0, out);
        text(AGENT, out);
        text(&self.ip(), out);
        text(self.platform(), out);
        long(1, out);
        text(REFERRER, out);
        let length = u32::try_from(out.len() - 4).unwrap_or(u32::MAX);
        out[..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// The name of a user who is watched.
pub(super) fn watched_name(user: u64) -> String {
    format!("user-{:07}", WATCHED + user)
}

/// Zigzag, then seven bits a byte.
pub(super) fn long(number: i64, out: &mut Vec<u8>) {
    let mut bits = (number << 1 ^ number >> 63).cast_unsigned();
    while bits >= 0x80 {
        out.push(bits.to_le_bytes()[0] | 0x80);
        bits >>= 7;
    }
    out.push(bits.to_le_bytes()[0]);
}

fn text(text: &str, out: &mut Vec<u8>) {
    long(i64::try_from(text.len()).unwrap_or(0), out);
    out.extend_from_slice(text.as_bytes());
}
