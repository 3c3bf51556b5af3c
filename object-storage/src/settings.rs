//! How S3-compatible storage is reached.

use std::fmt;
use std::time::Duration;

use larder_core::{Error, Result};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{BackoffConfig, ClientConfigKey, RetryConfig};

use crate::failure::from_store;

/// Retries of one request.
const RETRIES: usize = 5;

/// Where and as whom; what is `None` comes from the environment (`AWS_*`), then from the machine's role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// URL of the service, `None` for Amazon's own. With `http://` nothing is encrypted.
    pub endpoint: Option<String>,
    /// Region; without one `us-east-1`.
    pub region: Option<String>,
    /// Keys of an account.
    pub credentials: Option<S3Credentials>,
    /// Whether the bucket stands in the host name instead of the path.
    pub virtual_hosted: bool,
    /// Whether requests are not signed: for public buckets.
    pub anonymous: bool,
    /// How long one request may take, and for how long it is tried again when it fails.
    pub timeout: Duration,
}

/// Keys of an account; `Debug` shows none of them.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Credentials {
    /// Identifier of the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: String,
    /// Token of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Credentials(***)")
    }
}

impl Default for S3Settings {
    /// Amazon's service, everything else from the environment, 30 seconds.
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            credentials: None,
            virtual_hosted: false,
            anonymous: false,
            timeout: Duration::from_secs(30),
        }
    }
}

impl S3Settings {
    /// A client of one bucket; touches no network.
    pub(crate) fn client(&self, bucket: &str, endpoint: Option<&str>) -> Result<AmazonS3> {
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_retry(self.retries())
            .with_config(request_timeout(), format!("{} ms", self.timeout.as_millis()));
        if let Some(endpoint) = endpoint.or(self.endpoint.as_deref()) {
            builder =
                builder.with_config(AmazonS3ConfigKey::S3Endpoint, self.url(endpoint, bucket)?);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(S3Credentials { access_key_id, secret_access_key, session_token }) =
            &self.credentials
        {
            builder = builder
                .with_access_key_id(access_key_id)
                .with_secret_access_key(secret_access_key)
                // A token of the environment belongs to other keys.
                .with_token(session_token.clone().unwrap_or_default());
        }
        if self.virtual_hosted {
            builder = builder.with_virtual_hosted_style_request(true);
        }
        if self.anonymous {
            builder = builder.with_skip_signature(true);
        }
        let built = allow_plain(builder).build();
        built.map_err(|error| from_store(format_args!("cannot use the bucket {bucket}"), error))
    }

    /// The service's URL as the client wants it.
    fn url(&self, endpoint: &str, bucket: &str) -> Result<String> {
        // pyarrow takes an endpoint without a scheme, too, and speaks https to it.
        let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        if !matches!(scheme, "http" | "https") {
            return Err(Error::invalid(format!(
                "the S3 endpoint \"{endpoint}\" is no URL of HTTP"
            ))
            .with_hint("write it as https://HOST or http://HOST:PORT"));
        }
        if host.contains('@') {
            return Err(Error::invalid("the S3 endpoint holds credentials")
                .with_hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead"));
        }
        let host = host.trim_end_matches('/');
        let is_hosted = self.virtual_hosted;
        Ok(if is_hosted {
            format!("{scheme}://{bucket}.{host}")
        } else {
            format!("{scheme}://{host}")
        })
    }

    fn retries(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                max_backoff: Duration::from_secs(5),
                ..BackoffConfig::default()
            },
            max_retries: RETRIES,
            retry_timeout: self.timeout,
        }
    }
}

fn request_timeout() -> AmazonS3ConfigKey {
    AmazonS3ConfigKey::Client(ClientConfigKey::Timeout)
}

/// Plain text where the endpoint asks for it: it was written by whoever owns the data.
fn allow_plain(builder: AmazonS3Builder) -> AmazonS3Builder {
    let keys = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    let endpoint = keys.iter().find_map(|key| builder.get_config_value(key));
    let is_plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    if is_plain { builder.with_allow_http(true) } else { builder }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;
    use crate::Buckets;

    #[test]
    fn settings_show_no_secret() {
        let credentials = S3Credentials {
            access_key_id: "AKIAHUSH".to_owned(),
            secret_access_key: "hush".to_owned(),
            session_token: Some("hush".to_owned()),
        };
        let settings = S3Settings { credentials: Some(credentials), ..S3Settings::default() };
        assert!(!format!("{settings:?}").to_lowercase().contains("hush"));
        let buckets = Buckets::new(settings);
        let bucket = buckets.get("lake", Some("http://127.0.0.1:1")).unwrap();
        assert!(!format!("{buckets:?} {bucket:?}").to_lowercase().contains("hush"));
        assert!(!format!("{:?}", bucket.client()).contains("hush"));
    }

    #[test]
    fn the_bucket_stands_in_the_path_or_in_the_host() {
        let mut settings = S3Settings::default();
        assert_eq!(settings.url("http://h:9/", "lake").unwrap(), "http://h:9");
        settings.virtual_hosted = true;
        assert_eq!(settings.url("https://h", "lake").unwrap(), "https://lake.h");
        settings.virtual_hosted = false;
        assert_eq!(settings.url("h:9", "lake").unwrap(), "https://h:9");
        for wrong in ["ftp://h", "https://me:hush@h"] {
            let error = settings.url(wrong, "lake").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(!error.to_string().contains("hush"));
        }
    }
}
