//! Values that must not be printed.

use std::fmt;

/// A value that shows as `***` wherever it is printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the client that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A URL or connection string without its password: `redis://user:pw@host` becomes `redis://***@host`,
/// `host:6379,password=pw` becomes `host:6379,password=***`.
pub(super) fn redact_connection(text: &str) -> String {
    let text = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => {
            format!("{}***{}", &text[..scheme + 3], &text[at..])
        }
        _ => text.to_owned(),
    };
    text.split(',')
        .map(|part| match part.split_once('=') {
            Some((key, _)) if is_secret_key(key) => format!("{key}=***"),
            _ => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(",")
}

/// Whether a setting of this name holds a secret.
pub(super) fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "secret", "token", "api_key", "access_key", "private_key"]
        .iter()
        .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_survive_redaction() {
        for (text, expected) in [
            ("redis://user:pw@host:6379/0", "redis://***@host:6379/0"),
            ("localhost:6379,password=pw,ssl=true", "localhost:6379,password=***,ssl=true"),
            ("localhost:6379", "localhost:6379"),
            ("postgresql://a:b@c/d", "postgresql://***@c/d"),
        ] {
            assert_eq!(redact_connection(text), expected);
        }
    }

    #[test]
    fn a_secret_shows_as_stars() {
        assert_eq!(format!("{:?}", Secret::new("pw")), "***");
    }
}
