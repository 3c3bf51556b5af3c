//! `s3://bucket/key`.

use std::fmt;

use larder_core::{Error, Result};
use object_store::path::Path;

const SCHEME: &str = "s3://";

/// An object, or what stands below a prefix, in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectUri {
    /// The bucket.
    pub bucket: String,
    /// Key or prefix, without a slash at its ends; empty for the whole bucket.
    pub key: Path,
}

impl ObjectUri {
    /// Whether a text is written as one.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Reads `s3://bucket/key`; the key is taken as it is written, without unescaping.
    ///
    /// # Errors
    /// `Invalid` for another scheme, no bucket, or a key with empty or relative parts.
    pub fn parse(text: &str) -> Result<Self> {
        let unusable = |why: &str| {
            Error::invalid(format!("\"{text}\" is no usable URI: {why}"))
                .with_hint("write s3://BUCKET/KEY")
        };
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| unusable("its scheme is not s3"))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(unusable("it has no bucket"));
        }
        if bucket.contains(['@', ':', '?', '#']) {
            // Never repeated in the message: some write credentials there.
            return Err(Error::invalid("the bucket of an s3:// URI has characters that none has")
                .with_hint("credentials do not belong into the URI: see AWS_ACCESS_KEY_ID"));
        }
        let key = Path::parse(key).map_err(|error| unusable(&error.to_string()))?;
        Ok(Self { bucket: bucket.to_owned(), key })
    }
}

impl fmt::Display for ObjectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn a_uri_has_a_bucket_and_a_key() {
        for (text, shown) in [
            ("s3://lake/stats/day=1/a b.parquet", "s3://lake/stats/day=1/a b.parquet"),
            ("s3://lake/stats/", "s3://lake/stats"),
            ("s3://lake", "s3://lake/"),
            ("s3://lake/a%20b", "s3://lake/a%20b"),
        ] {
            assert_eq!(ObjectUri::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_uri_is_invalid_and_keeps_secrets_to_itself() {
        for text in ["s3://", "s3:///key", "gs://lake/a", "s3://lake/a//b", "s3://lake/../b"] {
            assert_eq!(ObjectUri::parse(text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
        let error = ObjectUri::parse("s3://AKIA:hush@lake/a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
}
