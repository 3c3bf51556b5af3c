//! Feature references: `view:feature`, `view@v2:feature`, `view@latest:feature`.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A reference to one feature of a view or on-demand view.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FeatureRef {
    /// View name (or projection alias when it comes from a service).
    pub view: String,
    /// Version asked for; `None` for the current one (`@latest` too).
    pub version: Option<i32>,
    /// Feature name.
    pub feature: String,
}

impl FeatureRef {
    /// A reference without a version.
    pub fn new(view: impl Into<String>, feature: impl Into<String>) -> Self {
        Self { view: view.into(), version: None, feature: feature.into() }
    }
}

impl FromStr for FeatureRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (view, feature) = text
            .split_once(':')
            .filter(|(view, feature)| !view.is_empty() && !feature.is_empty())
            .ok_or_else(|| {
                Error::invalid(format!("\"{text}\" is not a feature reference"))
                    .with_hint("write it as view:feature")
            })?;
        let (view, version) = match view.split_once('@') {
            None => (view, None),
            Some((view, tag)) => (view, parse_version(tag, text)?),
        };
        Ok(Self { view: view.to_owned(), version, feature: feature.to_owned() })
    }
}

/// Feast 0.67 takes `latest`, `vN` and `versionN`, in any case.
fn parse_version(tag: &str, text: &str) -> Result<Option<i32>> {
    let lower = tag.to_ascii_lowercase();
    if lower == "latest" {
        return Ok(None);
    }
    lower
        .strip_prefix("version")
        .or_else(|| lower.strip_prefix('v'))
        .and_then(|digits| digits.parse().ok())
        .filter(|number: &i32| *number >= 0)
        .map(Some)
        .ok_or_else(|| {
            Error::invalid(format!("\"{tag}\" in \"{text}\" is not a version"))
                .with_hint("write view@v2:feature or view@latest:feature")
        })
}

impl fmt::Display for FeatureRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "{}@v{version}:{}", self.view, self.feature),
            None => write!(f, "{}:{}", self.view, self.feature),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_reference_reads_back_as_it_was_written() {
        for (text, view, version, feature) in [
            ("v:f", "v", None, "f"),
            ("v@v2:f", "v", Some(2), "f"),
            ("v@LATEST:f", "v", None, "f"),
            ("v@Version12:f", "v", Some(12), "f"),
            ("a b:c:d", "a b", None, "c:d"),
        ] {
            let parsed: FeatureRef = text.parse().unwrap();
            assert_eq!(
                (parsed.view.as_str(), parsed.version, parsed.feature.as_str()),
                (view, version, feature)
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "f", ":f", "v:", "v@x:f", "v@v-1:f", "v@:f"] {
            assert_eq!(
                text.parse::<FeatureRef>().unwrap_err().kind(),
                ErrorKind::Invalid,
                "{text}"
            );
        }
    }
}
