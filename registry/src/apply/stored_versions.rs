//! Reading stored versions of views.

use std::collections::HashMap;

use larder_core::{FeatureView, OnDemandFeatureView, Result};
use larder_proto::feast::core::FeatureViewVersionRecord;
use larder_proto::wire::registry_file::RegistryFile;

use super::view::snapshot;
use crate::definitions::Object;
use crate::inference::StoredVersions;

/// The stored versions of one project's views, by name and number.
#[derive(Debug, Default)]
pub struct RegistryVersions(HashMap<String, Vec<FeatureViewVersionRecord>>);

impl RegistryVersions {
    /// Reads them from a registry.
    ///
    /// # Errors
    /// `Data` when a record cannot be decoded.
    pub fn read(file: &RegistryFile, project: &str) -> Result<Self> {
        let mut records: HashMap<String, Vec<_>> = HashMap::new();
        for record in
            file.version_records()?.into_iter().filter(|record| record.project_id == project)
        {
            records.entry(record.feature_view_name.clone()).or_default().push(record);
        }
        Ok(Self(records))
    }

    /// The records of a view, in the order in which they were stored.
    pub fn records(&self, view: &str) -> &[FeatureViewVersionRecord] {
        self.0.get(view).map_or(&[], Vec::as_slice)
    }

    fn object(&self, name: &str, version: i32) -> Result<Option<Object>> {
        let record = self.records(name).iter().find(|record| record.version_number == version);
        record
            .map(|record| snapshot(&record.feature_view_type, &record.feature_view_proto))
            .transpose()
    }

    pub(super) fn push(&mut self, record: FeatureViewVersionRecord) {
        self.0.entry(record.feature_view_name.clone()).or_default().push(record);
    }
}

impl StoredVersions for RegistryVersions {
    fn feature_view(&self, name: &str, version: i32) -> Result<Option<FeatureView>> {
        Ok(self.object(name, version)?.and_then(|object| match object {
            Object::FeatureView(view) => Some(view),
            _ => None,
        }))
    }

    fn on_demand_feature_view(
        &self,
        name: &str,
        version: i32,
    ) -> Result<Option<OnDemandFeatureView>> {
        Ok(self.object(name, version)?.and_then(|object| match object {
            Object::OnDemandFeatureView(view) => Some(view),
            _ => None,
        }))
    }
}
