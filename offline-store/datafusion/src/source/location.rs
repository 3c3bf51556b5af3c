//! Where the files of a source are.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use larder_core::{DataSource, Error, FileFormat, Result, SourceKind};
use larder_object_storage::ObjectUri;
use object_store::path::Path as ObjectPath;

/// A file, a folder or a glob, on the local file system or in a bucket.
#[derive(Debug)]
pub(crate) struct Location {
    pub(crate) place: Place,
    /// The file or folder; with a pattern the folder above its first wildcard.
    pub(crate) prefix: ObjectPath,
    /// What paths below the prefix must match.
    pub(crate) pattern: Option<GlobMatcher>,
    /// The path as messages show it.
    pub(crate) shown: String,
    /// Whether the files of the folder are those that the log of a Delta table has.
    pub(crate) is_delta: bool,
}

/// What a location is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The local file system, at this path.
    Local(PathBuf),
    /// A bucket of S3-compatible storage.
    Bucket {
        name: String,
        /// The endpoint that the source names; empty for that of the settings.
        endpoint: String,
    },
}

impl Location {
    /// The location of a source; relative paths start from `repo_root`.
    pub(crate) fn of(source: &DataSource, repo_root: &Path) -> Result<Self> {
        let offline = source.offline().ok_or_else(|| unreadable(source))?;
        let SourceKind::File { uri, format, s3_endpoint_override } = &offline.kind else {
            return Err(unreadable(offline));
        };
        let location = Self::at(offline, uri, s3_endpoint_override, repo_root)?;
        match format {
            Some(FileFormat::Delta { .. }) => location.of_delta(),
            _ => Ok(location),
        }
    }

    fn at(source: &DataSource, uri: &str, endpoint: &str, repo_root: &Path) -> Result<Self> {
        match uri.split_once("://") {
            Some(("file", path)) => Self::local(Path::new(path), uri),
            Some(("s3", _)) => Self::in_bucket(uri, endpoint),
            Some((scheme, _)) => Err(Error::unsupported(format!(
                "source \"{}\" is at {scheme}://, which this engine cannot reach",
                source.name
            ))
            .with_hint(
                "files on the local file system and in S3-compatible storage (s3://) can be read",
            )),
            None => Self::local(&repo_root.join(uri), uri),
        }
    }

    /// The same folder as a Delta table.
    pub(crate) fn of_delta(self) -> Result<Self> {
        if self.pattern.is_some() {
            let what = format!("\"{}\" is a pattern of file names and no Delta table", self.shown);
            return Err(Error::invalid(what).with_hint("name the folder that holds _delta_log"));
        }
        Ok(Self { is_delta: true, ..self })
    }

    /// A local path, which may hold wildcards.
    pub(crate) fn local(path: &Path, shown: &str) -> Result<Self> {
        let unusable = || Error::invalid(format!("\"{shown}\" is no usable path"));
        let (base, wild) = split_wildcards(path);
        let pattern = wild.map(|wild| glob(&wild, shown)).transpose()?;
        // Resolving also removes `..`, which object stores do not know. A path that does not exist stays as it is.
        let absolute = std::fs::canonicalize(&base).or_else(|_| std::path::absolute(&base));
        let absolute = absolute.map_err(|error| unusable().with_source(error))?;
        let prefix = ObjectPath::from_absolute_path(&absolute)
            .map_err(|error| unusable().with_source(error))?;
        let place = Place::Local(absolute);
        Ok(Self { place, prefix, pattern, shown: shown.to_owned(), is_delta: false })
    }

    /// An `s3://` URI, which may hold wildcards.
    pub(crate) fn in_bucket(uri: &str, endpoint: &str) -> Result<Self> {
        let (base, wild) = split_wildcards(Path::new(uri));
        let ObjectUri { bucket, key } = ObjectUri::parse(&base.to_string_lossy())?;
        let place = Place::Bucket { name: bucket, endpoint: endpoint.to_owned() };
        let pattern = wild.map(|wild| glob(&wild, uri)).transpose()?;
        Ok(Self { place, prefix: key, pattern, shown: uri.to_owned(), is_delta: false })
    }

    /// The local path, when it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Local(path) => Some(path),
            Place::Bucket { .. } => None,
        }
    }
}

fn unreadable(source: &DataSource) -> Error {
    Error::unsupported(format!(
        "source \"{}\" is a {}, which Larder stores but cannot read",
        source.name,
        source.class_name()
    ))
    .with_hint("FileSource can be read, also as the batch source of a PushSource or stream source")
}

/// The part of a path before its first component with a wildcard, and the rest.
fn split_wildcards(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_string_lossy();
    let Some(wildcard) = text.find(['*', '?', '[']) else { return (path.to_owned(), None) };
    let cut = text[..wildcard].rfind('/').map_or(0, |slash| slash + 1);
    (PathBuf::from(&text[..cut]), Some(text[cut..].to_owned()))
}

fn glob(pattern: &str, shown: &str) -> Result<GlobMatcher> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| {
        Error::invalid(format!("\"{shown}\" is no valid file pattern")).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use larder_core::{ErrorKind, Warehouse};

    fn file(uri: &str) -> DataSource {
        let (uri, s3_endpoint_override) = (uri.to_owned(), String::new());
        DataSource::new("stats", SourceKind::File { uri, format: None, s3_endpoint_override })
    }

    #[test]
    fn relative_paths_start_at_the_repository_and_absolute_ones_do_not() {
        for (uri, expected) in [
            ("data/stats.parquet", "no/such/repo/data/stats.parquet"),
            ("/elsewhere/stats.parquet", "elsewhere/stats.parquet"),
            ("file:///elsewhere/stats.parquet", "elsewhere/stats.parquet"),
        ] {
            let location = Location::of(&file(uri), Path::new("/no/such/repo")).unwrap();
            assert_eq!(location.prefix.as_ref(), expected);
        }
    }

    #[test]
    fn wildcards_split_off_after_the_last_plain_folder() {
        let location = Location::of(&file("data/day=*/*.parquet"), Path::new("/repo")).unwrap();
        assert_eq!(location.prefix.as_ref(), "repo/data");
        let pattern = location.pattern.unwrap();
        assert!(pattern.is_match("day=1/a.parquet"));
        assert!(!pattern.is_match("day=1/deeper/a.parquet"));
    }

    #[test]
    fn remote_uris_keep_their_bucket() {
        for (uri, prefix) in [
            ("s3://lake/stats/", "stats"),
            ("s3://lake/stats/*/*.parquet", "stats"),
            ("s3://lake/*.parquet", ""),
        ] {
            let location = Location::of(&file(uri), Path::new("/repo")).unwrap();
            let (name, endpoint) = ("lake".to_owned(), String::new());
            assert_eq!(location.place, Place::Bucket { name, endpoint });
            assert_eq!(location.prefix.as_ref(), prefix);
        }
    }

    #[test]
    fn a_delta_table_is_a_folder() {
        for (uri, is_one) in [("s3://lake/stats", true), ("stats", true), ("stats/*", false)] {
            let mut delta = file(uri);
            if let SourceKind::File { format, .. } = &mut delta.kind {
                *format = Some(FileFormat::Delta {
                    checkpoint_location: String::new(),
                    properties: BTreeMap::default(),
                });
            }
            let location = Location::of(&delta, Path::new("/repo"));
            let location = location.map(|location| location.is_delta);
            let expected = if is_one { Ok(true) } else { Err(ErrorKind::Invalid) };
            assert_eq!(location.map_err(|error| error.kind()), expected, "{uri}");
        }
    }

    #[test]
    fn other_schemes_are_unsupported() {
        for source in [file("gs://lake/stats"), file("hdfs://lake/stats")] {
            let error = Location::of(&source, Path::new("/repo")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_warehouse_source_is_named_with_its_class() {
        let kind = SourceKind::Warehouse {
            warehouse: Warehouse::Snowflake,
            table: "t".to_owned(),
            query: String::new(),
            schema: String::new(),
            database: String::new(),
            data_source: String::new(),
        };
        let error = Location::of(&DataSource::new("stats", kind), Path::new("/repo")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("SnowflakeSource"));
        assert!(error.hint().is_some_and(|hint| hint.contains("FileSource")));
    }
}
