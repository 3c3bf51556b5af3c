//! Feast's CQL layout: one table per view, one partition per entity key, one row per feature.

use std::time::Duration;

use larder_core::{Error, Result};
use scylla::value::CqlTimestamp;

use super::{CqlConfig, CqlFlavour};
use crate::ViewTable;

const MICROS_PER_MILLI: i64 = 1_000;

/// The longest partition key of CQL, in bytes.
const MAX_KEY_TEXT: usize = 65_535;

/// The longest name of a table: Cassandra 5.0 makes longer ones and cannot store them; others allow less and say so.
const MAX_TABLE_NAME: usize = 222;

/// The longest time to live of CQL: twenty years.
const MAX_TTL: u64 = 20 * 365 * 24 * 60 * 60;

/// The statements on one view's table; their texts are those of Feast 0.67 (misc.json).
#[derive(Debug)]
pub(super) struct Statements {
    table: String,
    flavour: CqlFlavour,
}

/// What an INSERT takes besides feature, value, key and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InsertUsing {
    /// A time to live in seconds.
    pub(super) ttl: bool,
    /// A write time in microseconds; not Feast's.
    pub(super) timestamp: bool,
}

impl Statements {
    /// # Errors
    /// `Invalid` for a name that no version of Cassandra can store.
    pub(super) fn new(config: &CqlConfig, table: &ViewTable) -> Result<Self> {
        let name = format!("{}_{}", table.project(), table.view());
        if name.len() > MAX_TABLE_NAME {
            return Err(Error::invalid(format!(
                "the table name \"{name}\" of {table} has more than {MAX_TABLE_NAME} characters"
            ))
            .with_hint("shorten the name of the project or of the view"));
        }
        let table = format!("{}.{}", identifier(&config.keyspace), identifier(&name));
        Ok(Self { table, flavour: config.flavour })
    }

    pub(super) fn create(&self) -> String {
        let Self { table, .. } = self;
        match self.flavour {
            CqlFlavour::Cassandra => format!(
                "\n    CREATE TABLE IF NOT EXISTS {table} (\
                 \n        entity_key      TEXT,\n        feature_name    TEXT,\
                 \n        value           BLOB,\n        event_ts        TIMESTAMP,\
                 \n        created_ts      TIMESTAMP,\
                 \n        PRIMARY KEY ((entity_key), feature_name)\
                 \n    ) WITH CLUSTERING ORDER BY (feature_name ASC);\n"
            ),
            CqlFlavour::ScyllaDb => format!(
                "CREATE TABLE IF NOT EXISTS {table} (\
                 \n    entity_key   TEXT,\n    feature_name TEXT,\n    value        BLOB,\
                 \n        event_ts     TIMESTAMP,\n    created_ts   TIMESTAMP,\
                 \n    PRIMARY KEY ((entity_key), feature_name)\n);"
            ),
        }
    }

    pub(super) fn drop(&self) -> String {
        format!("DROP TABLE IF EXISTS {};", self.table)
    }

    /// key -> feature name, value, event timestamp, in the order of the names.
    ///
    /// The whole partition, as in Feast: a row's time is that of its newest feature, whichever are asked for.
    pub(super) fn select(&self) -> String {
        format!("SELECT feature_name, value, event_ts FROM {} WHERE entity_key = ?;", self.table)
    }

    /// See [`BoundInsert`](super::bound_insert::BoundInsert) for the parameters.
    pub(super) fn insert(&self, using: InsertUsing) -> String {
        let (column, marker) = match self.flavour {
            CqlFlavour::Cassandra => ("", ""),
            CqlFlavour::ScyllaDb => (", created_ts", ", ?"),
        };
        let using = match (using.ttl, using.timestamp) {
            (false, false) => "",
            (true, false) => " USING TTL ?",
            (false, true) => " USING TIMESTAMP ?",
            (true, true) => " USING TTL ? AND TIMESTAMP ?",
        };
        format!(
            "INSERT INTO {} (feature_name, value, entity_key, event_ts{column}) \
             VALUES (?, ?, ?, ?{marker}){using};",
            self.table
        )
    }
}

/// What Feast's `ScyllaDB` store makes a keyspace with.
const REPLICATION: &str = "{'class': 'NetworkTopologyStrategy', 'replication_factor': '3'}";

pub(super) fn create_keyspace(keyspace: &str) -> String {
    let keyspace = identifier(keyspace);
    format!("CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {REPLICATION};")
}

/// A name in quotes: case is kept and nothing in it is syntax.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The partition key: lower-case hexadecimal digits of the entity key.
///
/// # Errors
/// `Invalid` for a key that CQL cannot hold: no bytes, or more than 32 767.
pub(super) fn key_text(key: &[u8]) -> Result<String> {
    if key.is_empty() {
        return Err(Error::invalid("an entity key has no bytes: CQL has no empty partition keys"));
    }
    if key.len() * 2 > MAX_KEY_TEXT {
        return Err(Error::invalid(format!(
            "an entity key has {} bytes, more than the {} that fit into a partition key",
            key.len(),
            MAX_KEY_TEXT / 2
        )));
    }
    Ok(hex::encode(key))
}

/// A time as CQL has it; fractions of milliseconds are cut off towards 1970, as by Feast's driver.
pub(super) fn cql_timestamp(micros: i64) -> CqlTimestamp {
    CqlTimestamp(micros / MICROS_PER_MILLI)
}

/// A stored time in UTC microseconds.
pub(super) fn micros(stored: CqlTimestamp) -> i64 {
    stored.0.saturating_mul(MICROS_PER_MILLI)
}

/// Seconds to live. Fractions are cut off as in Feast, where less than a second means for ever.
pub(super) fn seconds_to_live(ttl: Duration) -> i32 {
    i32::try_from(ttl.as_secs().min(MAX_TTL)).expect("twenty years fit")
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    /// Every statement that real Feast 0.67 gave to its driver, of one recorded store.
    fn recorded(store: &str) -> Vec<String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/online/misc.json");
        let text = std::fs::read_to_string(path).unwrap();
        let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
        let steps = golden["cql"][store].as_object().unwrap().values();
        let calls = steps.flat_map(|step| step.as_array().unwrap());
        let texts = calls.filter_map(|call| call.get("prepare").or_else(|| call.get("execute")));
        texts.map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn statements_are_those_of_feast_to_the_letter() {
        for (store, flavour, keyspace, ttl) in [
            ("cassandra", CqlFlavour::Cassandra, "Feast_KS", false),
            ("cassandra_multi_dc", CqlFlavour::Cassandra, "ks", false),
            ("scylladb", CqlFlavour::ScyllaDb, "feast_ks", true),
        ] {
            let config =
                CqlConfig { keyspace: keyspace.to_owned(), ..CqlConfig::new(flavour, ["h1"]) };
            let table = ViewTable::new("shop", "User_Stats", ["clicks"]).unwrap();
            let statements = Statements::new(&config, &table).unwrap();
            let mut texts = vec![
                statements.create(),
                statements.insert(InsertUsing { ttl, timestamp: false }),
                statements.select(),
                statements.drop(),
            ];
            if flavour == CqlFlavour::ScyllaDb {
                texts.push(create_keyspace(keyspace));
            }
            let recorded = recorded(store);
            for text in texts {
                assert!(recorded.contains(&text), "{store}: {text:?} is not in {recorded:#?}");
            }
        }
    }

    #[test]
    fn nothing_in_a_name_is_syntax() {
        let config = CqlConfig {
            keyspace: "k\"s".to_owned(),
            ..CqlConfig::new(CqlFlavour::Cassandra, ["h"])
        };
        let table = ViewTable::new("p", "v\"; DROP", ["f"]).unwrap();
        assert_eq!(
            Statements::new(&config, &table).unwrap().drop(),
            "DROP TABLE IF EXISTS \"k\"\"s\".\"p_v\"\"; DROP\";"
        );
    }

    #[test]
    fn keys_that_are_no_partition_keys_are_refused() {
        assert_eq!(key_text(&[0x0a, 0xff]).unwrap(), "0aff");
        assert_eq!(key_text(&vec![0; 32_767]).unwrap().len(), 65_534);
        for key in [vec![], vec![0; 32_768]] {
            assert_eq!(key_text(&key).unwrap_err().kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn times_are_whole_milliseconds() {
        // Feast 0.67, cassandra-driver: int(seconds * 1e3 + microseconds / 1e3).
        for (written, stored) in [(1_999, 1), (-1, 0), (-1_500, -1), (-2_000, -2), (0, 0)] {
            assert_eq!(cql_timestamp(written), CqlTimestamp(stored));
        }
        assert_eq!(micros(CqlTimestamp(-2)), -2_000);
        assert_eq!(micros(CqlTimestamp(i64::MAX)), i64::MAX);
    }

    #[test]
    fn a_time_to_live_is_whole_seconds_of_twenty_years_at_most() {
        assert_eq!(seconds_to_live(Duration::from_millis(7_200_999)), 7_200);
        assert_eq!(seconds_to_live(Duration::from_millis(999)), 0);
        assert_eq!(seconds_to_live(Duration::from_secs(u64::MAX)), 630_720_000);
    }
}
