//! What a store answers, as our errors, without what it says of credentials.

use std::fmt;

use larder_core::{Error, ErrorKind};
use object_store::Error as StoreError;

/// The error of a store; `doing` says what was tried and names the object.
///
/// Kinds: `NotFound` for objects and buckets, `PermissionDenied`, `AlreadyExists` and `Conflict` for conditions that
/// did not hold, `Invalid` for a wrong region, `Unavailable` for everything that may pass.
pub fn from_store(doing: impl fmt::Display, error: StoreError) -> Error {
    let text = without_secrets(&error.to_string());
    let (kind, hint) = classified(&error, &text);
    drop(error);
    let failed = Error::new(kind, doing.to_string()).with_source(Cause(text));
    if hint.is_empty() { failed } else { failed.with_hint(hint) }
}

const DENIED: &str = "check the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or offline_store.s3) and \
    that their policy allows s3:ListBucket, s3:GetObject and, to write, s3:PutObject";
const REGION: &str = "set the bucket's region: AWS_REGION or offline_store.s3.region";
const NO_BUCKET: &str = "check the bucket's name and the endpoint";
const SILENT: &str = "check that the endpoint answers: s3_endpoint_override of the source, offline_store.s3.endpoint or \
    AWS_ENDPOINT_URL";

fn classified(error: &StoreError, text: &str) -> (ErrorKind, &'static str) {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match error {
        _ if says(&["NoSuchBucket"]) => (ErrorKind::NotFound, NO_BUCKET),
        StoreError::NotFound { .. } => (ErrorKind::NotFound, ""),
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            (ErrorKind::PermissionDenied, DENIED)
        }
        StoreError::AlreadyExists { .. } => (ErrorKind::AlreadyExists, ""),
        StoreError::Precondition { .. } | StoreError::NotModified { .. } => {
            (ErrorKind::Conflict, "ask again")
        }
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
            (ErrorKind::Unsupported, "")
        }
        StoreError::InvalidPath { .. } | StoreError::UnknownConfigurationKey { .. } => {
            (ErrorKind::Invalid, "")
        }
        _ if says(&[
            "AccessDenied",
            "403 Forbidden",
            "401 Unauthorized",
            "InvalidToken",
            "ExpiredToken",
        ]) =>
        {
            (ErrorKind::PermissionDenied, DENIED)
        }
        _ if says(&["PermanentRedirect", "AuthorizationHeaderMalformed", "301 Moved"]) => {
            (ErrorKind::Invalid, REGION)
        }
        _ if says(&["404 Not Found"]) => (ErrorKind::NotFound, NO_BUCKET),
        _ => (ErrorKind::Unavailable, SILENT),
    }
}

/// What the store said, as far as it may be shown.
#[derive(Debug)]
struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

/// Keeps the code and the message of a body: the rest repeats keys, tokens and what was signed. Queries of URLs go too,
/// since a role is assumed with its token in one.
fn without_secrets(text: &str) -> String {
    let (before, body) = text.split_at(text.find('<').unwrap_or(text.len()));
    let shown = before.split(' ').map(|word| match word.find("://") {
        Some(_) => word.split('?').next().unwrap_or(word),
        None => word,
    });
    let mut shown = shown.collect::<Vec<_>>().join(" ");
    if let Some(code) = element(body, "Code") {
        shown.push_str(code);
    }
    if let Some(message) = element(body, "Message") {
        shown.push_str(": ");
        shown.push_str(message);
    }
    shown.trim_end().to_owned()
}

fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreError {
        StoreError::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn bodies_and_queries_are_not_repeated() {
        let body = "Error performing GET https://h/lake/k in 1ms - 400 Bad Request: <?xml?><Error>\
            <Code>InvalidToken</Code><Message>The token is malformed</Message><Token-0>hush</Token-0>\
            <AWSAccessKeyId>AKIAHUSH</AWSAccessKeyId></Error>";
        let assumed = "Error performing POST https://sts/?Action=Assume&WebIdentityToken=hush in 1ms - timed out";
        for text in [body, assumed] {
            let error = from_store("cannot read s3://lake/k", generic(text));
            let shown = format!("{error} {error:?}").to_lowercase();
            assert!(!shown.contains("hush"), "{shown}");
        }
        let error = from_store("cannot read s3://lake/k", generic(body));
        assert!(error.to_string().ends_with("InvalidToken: The token is malformed"), "{error}");
    }

    #[test]
    fn what_hides_in_a_generic_error_has_its_kind() {
        for (text, kind) in [
            ("404 Not Found: <Code>NoSuchBucket</Code>", ErrorKind::NotFound),
            ("403 Forbidden: <Code>AccessDenied</Code>", ErrorKind::PermissionDenied),
            ("400 Bad Request: <Code>ExpiredToken</Code>", ErrorKind::PermissionDenied),
            ("301 Moved Permanently: <Code>PermanentRedirect</Code>", ErrorKind::Invalid),
            ("error sending request: connection refused", ErrorKind::Unavailable),
            ("503 Service Unavailable: <Code>SlowDown</Code>", ErrorKind::Unavailable),
        ] {
            assert_eq!(from_store("x", generic(text)).kind(), kind, "{text}");
        }
    }
}
