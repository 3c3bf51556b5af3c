//! The `offline_store` section.

use larder_core::Result;

use super::reader::Reader;

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
    pub(super) fn read(section: &Reader<'_>) -> Result<Self> {
        let kind = section.text("type", "dask")?;
        let config = match kind.as_str() {
            "dask" | "file" => Self::Local {
                kind,
                staging_location: None,
                staging_location_endpoint_override: None,
            },
            "duckdb" => Self::Local {
                kind,
                staging_location: section.optional_text("staging_location")?,
                staging_location_endpoint_override: section
                    .optional_text("staging_location_endpoint_override")?,
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
            _ => return Ok(Self::Other { kind }),
        };
        section.finish()?;
        Ok(config)
    }
}
