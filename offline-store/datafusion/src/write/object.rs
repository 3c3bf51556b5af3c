//! A Parquet file on its way into a bucket: it appears whole or not at all.

use std::mem;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::{Error, Result};
use larder_object_storage::{Bucket, Condition, Upload};
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

/// Rows that become one object.
pub(super) struct ParquetObject {
    uri: String,
    rows: ArrowWriter<Vec<u8>>,
    upload: Upload,
    written: u64,
}

impl ParquetObject {
    /// An object under this key.
    pub(super) fn begin(bucket: &Bucket, key: Path, schema: &SchemaRef) -> Result<Self> {
        let uri = bucket.uri(&key);
        let rows = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(schema), Some(properties()));
        let rows = rows.map_err(|error| unwritable(&uri, error))?;
        Ok(Self { uri, rows, upload: bucket.upload(key), written: 0 })
    }

    /// Appends rows; what is encoded is sent.
    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows.write(batch).map_err(|error| unwritable(&self.uri, error))?;
        self.written += batch.num_rows() as u64;
        let encoded = mem::take(self.rows.inner_mut());
        self.upload.write(&encoded).await
    }

    /// Makes the object visible and answers its rows, `None` when the condition does not hold.
    pub(super) async fn publish(self, condition: Condition) -> Result<Option<u64>> {
        let Self { uri, rows, mut upload, written } = self;
        let sent = match rows.into_inner() {
            Ok(rest) => upload.write(&rest).await,
            Err(error) => Err(unwritable(&uri, error)),
        };
        match sent {
            Ok(()) => Ok(upload.finish(condition).await?.then_some(written)),
            Err(error) => {
                upload.give_up().await;
                Err(error)
            }
        }
    }

    /// Leaves nothing behind.
    pub(super) async fn give_up(self) {
        self.upload.give_up().await;
    }
}

/// How rows are encoded.
pub(super) fn properties() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::SNAPPY).build()
}

fn unwritable(uri: &str, error: ParquetError) -> Error {
    Error::data(format!("cannot write {uri}")).with_source(error)
}
