//! The `offline_store` section.

use larder_core::Result;
use larder_object_storage::S3Settings;

use super::reader::Reader;
use super::s3::S3Config;

/// What reads the sources. Larder reads files with its own engine whatever local type is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineStoreConfig {
    /// Local engine: `dask`, its alias `file`, or `duckdb`.
    Local {
        /// The type as written.
        kind: String,
        /// DuckDB's staging location, if any.
        staging_location: Option<String>,
        /// S3 endpoint of the staging location, if any.
        staging_location_endpoint_override: Option<String>,
        /// How S3-compatible storage is reached.
        s3: Box<S3Config>,
    },
    /// An offline server.
    Remote {
        /// `http` or `https`.
        scheme: String,
        /// Host.
        host: String,
        /// Port; Feast's server listens on 8815.
        port: Option<u16>,
        /// Certificate; empty when none.
        cert: String,
        /// Retries.
        connection_retries: u32,
    },
    /// Point-in-time joins on a Ballista cluster, everything else by the local engine.
    Ballista {
        /// Host and port of the scheduler.
        scheduler: String,
        /// Partitions of the entity rows by join key.
        partitions: u16,
        /// How S3-compatible storage is reached from here; executors have settings of their own.
        s3: Box<S3Config>,
    },
    /// A store of Feast's that Larder cannot use.
    Other {
        /// The type as written.
        kind: String,
    },
}

/// The options that Feast 0.67 knows for a type; `None` when Larder does not know the type.
pub(super) fn feast_keys(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "dask" | "file" => Some(&["type"]),
        "duckdb" => Some(&["type", "staging_location", "staging_location_endpoint_override"]),
        "remote" => Some(&["type", "scheme", "host", "port", "cert", "connection_retries"]),
        _ => None,
    }
}

impl OfflineStoreConfig {
    /// How S3-compatible storage is reached; other stores than local ones leave it to the environment.
    pub fn object_storage(&self) -> S3Settings {
        match self {
            Self::Local { s3, .. } | Self::Ballista { s3, .. } => s3.settings(),
            Self::Remote { .. } | Self::Other { .. } => S3Settings::default(),
        }
    }

    pub(super) fn read(section: &Reader<'_>) -> Result<Self> {
        let kind = section.text("type", "dask")?;
        let config = match kind.as_str() {
            "dask" | "file" => Self::Local {
                kind,
                staging_location: None,
                staging_location_endpoint_override: None,
                s3: Box::new(S3Config::read(&section.child("s3")?)?),
            },
            "duckdb" => Self::Local {
                kind,
                staging_location: section.optional_text("staging_location")?,
                staging_location_endpoint_override: section
                    .optional_text("staging_location_endpoint_override")?,
                s3: Box::new(S3Config::read(&section.child("s3")?)?),
            },
            "remote" => {
                let host = section.text("host", "")?;
                if host.is_empty() {
                    return Err(section.error("host", "is missing"));
                }
                Self::Remote {
                    scheme: section
                        .choice("scheme", "http", &[("http", "http"), ("https", "https")])?
                        .to_owned(),
                    host,
                    port: section.optional_number("port")?,
                    cert: section.text("cert", "")?,
                    connection_retries: section.number("connection_retries", 3)?,
                }
            }
            "ballista" => Self::read_ballista(section)?,
            _ => return Ok(Self::Other { kind }),
        };
        section.finish()?;
        Ok(config)
    }

    fn read_ballista(section: &Reader<'_>) -> Result<Self> {
        let scheduler = section.text("scheduler", "")?;
        if scheduler.is_empty() {
            let hint = "start one with fs cluster scheduler and give its address, for instance localhost:50050";
            return Err(section.error("scheduler", "is missing").with_hint(hint));
        }
        if host_and_port(&scheduler).is_none() {
            let hint = "write host:port without a scheme, for instance localhost:50050";
            return Err(section.error("scheduler", "is no host and port").with_hint(hint));
        }
        let partitions = section.number("partitions", 8_u16)?;
        if partitions == 0 {
            return Err(section.error("partitions", "must not be zero"));
        }
        let s3 = Box::new(S3Config::read(&section.child("s3")?)?);
        Ok(Self::Ballista { scheduler, partitions, s3 })
    }
}

/// The parts of `host:port`; `None` for a text without one of them, with a scheme or a path, and for port 0.
pub fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty() && !host.contains('/')).then_some((host, port))
}
