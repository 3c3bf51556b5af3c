//! The section `s3` of `offline_store`: what only Larder knows of S3-compatible storage.

use std::time::Duration;

use larder_core::Result;
use larder_object_storage::{S3Credentials, S3Settings};

use super::reader::Reader;
use super::secret::Secret;

/// How S3-compatible storage is reached; what is absent comes from the environment (`AWS_*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Config {
    /// URL of the service; a source's `s3_endpoint_override` comes before it.
    pub endpoint: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Identifier and secret of a key.
    pub keys: Option<(Secret<String>, Secret<String>)>,
    /// Token of temporary credentials.
    pub session_token: Option<Secret<String>>,
    /// Whether the bucket stands in the host name.
    pub virtual_hosted: bool,
    /// Whether requests are not signed.
    pub anonymous: bool,
    /// How long one request may take, and be tried again.
    pub timeout: Duration,
}

impl S3Config {
    /// The same for those who speak to the storage.
    pub fn settings(&self) -> S3Settings {
        let credentials = self.keys.as_ref().map(|(id, secret)| S3Credentials {
            access_key_id: id.expose().clone(),
            secret_access_key: secret.expose().clone(),
            session_token: self.session_token.as_ref().map(|token| token.expose().clone()),
        });
        S3Settings {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            credentials,
            virtual_hosted: self.virtual_hosted,
            anonymous: self.anonymous,
            timeout: self.timeout,
        }
    }

    pub(super) fn read(section: &Reader<'_>) -> Result<Self> {
        let keys = (section.secret("access_key_id")?, section.secret("secret_access_key")?);
        let keys = match keys {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => None,
            (Some(_), None) => return Err(section.error("secret_access_key", "is missing")),
            (None, Some(_)) => return Err(section.error("access_key_id", "is missing")),
        };
        let timeout: u32 = section.number("timeout_ms", 30_000)?;
        if timeout == 0 {
            return Err(section.error("timeout_ms", "must not be zero"));
        }
        let config = Self {
            endpoint: section.optional_text("endpoint")?,
            region: section.optional_text("region")?,
            keys,
            session_token: section.secret("session_token")?,
            virtual_hosted: section.boolean("virtual_hosted", false)?,
            anonymous: section.boolean("anonymous", false)?,
            timeout: Duration::from_millis(timeout.into()),
        };
        section.finish()?;
        Ok(config)
    }
}
