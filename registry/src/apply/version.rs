//! Storing versions of views.

use larder_core::{Error, Result, Timestamp};
use larder_proto::convert::timestamp_to_proto;
use larder_proto::feast::core::FeatureViewVersionRecord;
use larder_proto::wire::registry_file::RegistryFile;
use uuid::Uuid;

use super::RegistryVersions;

/// The versions of one project's views: those stored before, read once per apply, and those that this apply adds.
#[derive(Debug)]
pub(super) struct Versions {
    project: String,
    known: RegistryVersions,
    new: Vec<FeatureViewVersionRecord>,
}

impl Versions {
    pub(super) fn read(file: &RegistryFile, project: &str) -> Result<Self> {
        let known = RegistryVersions::read(file, project)?;
        Ok(Self { project: project.to_owned(), known, new: Vec::new() })
    }

    /// The stored versions of a view, in the order in which they were stored.
    pub(super) fn of(&self, view: &str) -> &[FeatureViewVersionRecord] {
        self.known.records(view)
    }

    pub(super) fn find(&self, view: &str, number: i32) -> Option<&FeatureViewVersionRecord> {
        self.of(view).iter().find(|record| record.version_number == number)
    }

    /// One more than the greatest number of the view; 0 when it has no version.
    pub(super) fn next(&self, view: &str) -> i32 {
        self.of(view).iter().map(|record| record.version_number + 1).max().unwrap_or(0)
    }

    /// Stores a version: `message` is the encoded view.
    pub(super) fn store(
        &mut self,
        view: &str,
        kind: &str,
        number: i32,
        message: Vec<u8>,
        now: Timestamp,
    ) {
        let record = FeatureViewVersionRecord {
            feature_view_name: view.to_owned(),
            project_id: self.project.clone(),
            version_number: number,
            feature_view_type: kind.to_owned(),
            feature_view_proto: message,
            created_timestamp: Some(timestamp_to_proto(now)),
            description: String::new(),
            version_id: Uuid::new_v4().to_string(),
        };
        self.new.push(record.clone());
        self.known.push(record);
    }

    /// Appends the versions stored by this apply.
    pub(super) fn write(self, file: &mut RegistryFile) {
        self.new.iter().for_each(|record| file.push_version_record(record));
    }
}

/// The number of a version pin; `None` for `latest`.
///
/// # Errors
/// `Invalid` for anything but `latest`, `vN` and `versionN` (in any case).
pub(crate) fn parse_pin(view: &str, version: &str) -> Result<Option<i32>> {
    let lower = version.to_lowercase();
    if lower.is_empty() || lower == "latest" {
        return Ok(None);
    }
    let number = lower.strip_prefix("version").or_else(|| lower.strip_prefix('v'));
    number
        .and_then(|number| number.parse::<u16>().ok())
        .map(|number| Some(number.into()))
        .ok_or_else(|| {
            Error::invalid(format!(
                "feature view \"{view}\" has the version \"{version}\", which is no version"
            ))
            .with_hint("write latest or a number such as v2")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_written_in_two_ways() {
        for (text, number) in
            [("latest", None), ("", None), ("v2", Some(2)), ("Version3", Some(3)), ("V0", Some(0))]
        {
            assert_eq!(parse_pin("view", text).unwrap(), number, "{text}");
        }
        for text in ["2", "vx", "v-1", "newest"] {
            assert!(parse_pin("view", text).is_err(), "{text}");
        }
    }
}
