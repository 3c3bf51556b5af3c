//! Rows added to the folders of their partitions in a bucket.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::StreamExt as _;
use larder_core::{Error, Result};
use larder_object_storage::{Bucket, Condition};
use larder_offline_store::{BatchStream, MAX_PARTITIONS, Partitioning};
use object_store::path::Path;
use uuid::Uuid;

use super::object::ParquetObject;
use super::remote::RemoteTarget;

/// Objects of one write, one in each folder. They appear after the last row, one after the other: a bucket has no step
/// that would show them all.
pub(super) struct PartitionObjects<'a> {
    bucket: &'a Bucket,
    key: &'a Path,
    partitioning: Partitioning,
    objects: BTreeMap<String, ParquetObject>,
    /// The name of each of the objects.
    name: String,
}

impl<'a> PartitionObjects<'a> {
    /// No object yet.
    pub(super) fn begin(target: &'a RemoteTarget<'_>, schema: &SchemaRef) -> Result<Self> {
        Ok(Self {
            bucket: &target.bucket,
            key: target.key,
            partitioning: Partitioning::new(schema, &target.request.partition_by)?,
            objects: BTreeMap::new(),
            name: format!("{}-0.parquet", Uuid::new_v4().simple()),
        })
    }

    /// Writes all rows and answers how many they are.
    pub(super) async fn save(mut self, rows: BatchStream) -> Result<u64> {
        if let Err(error) = self.fill(rows).await {
            for object in self.objects.into_values() {
                object.give_up().await;
            }
            return Err(error);
        }
        let mut written = 0;
        for object in self.objects.into_values() {
            // Nobody else makes names of this write.
            written += object.publish(Condition::Any).await?.unwrap_or(0);
        }
        Ok(written)
    }

    async fn fill(&mut self, mut rows: BatchStream) -> Result<()> {
        while let Some(batch) = rows.next().await {
            self.write(&batch?).await?;
        }
        Ok(())
    }

    async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        for (folder, rows) in self.partitioning.split(rows)? {
            if let Some(object) = self.objects.get_mut(&folder) {
                object.write(&rows).await?;
                continue;
            }
            if self.objects.len() == MAX_PARTITIONS {
                return Err(self.partitioning.too_many());
            }
            let key = self.key_in(&folder)?;
            let mut object = ParquetObject::begin(self.bucket, key, self.partitioning.schema())?;
            let written = object.write(&rows).await;
            self.objects.insert(folder, object);
            written?;
        }
        Ok(())
    }

    /// The key of the object in a folder, whose name is escaped already.
    fn key_in(&self, folder: &str) -> Result<Path> {
        let key = format!("{}/{folder}{}", self.key, self.name);
        Path::parse(key.trim_start_matches('/')).map_err(|error| {
            Error::invalid(format!("\"{folder}\" cannot be part of a key")).with_source(error)
        })
    }
}
