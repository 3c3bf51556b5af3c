//! Training sets on disk, and what they were made of.
//!
//! What it is: writers of one file or of a folder with a [`Manifest`], the comparison of a manifest with what is there
//! now ([`findings`]) and of two data sets with each other ([`Comparison`]). What it is not: it joins nothing and knows
//! no registry; rows, definitions and the files of sources are handed in.

mod compare;
mod definitions;
mod digest;
mod entity_set;
mod manifest;
mod read;
mod remote;
mod verify;
mod write;

pub use compare::{ColumnChange, Comparison};
pub use definitions::{Definitions, Hashed, OnDemandDefinition, ViewDefinition};
pub use digest::{ColumnDigest, Digests};
pub use entity_set::{EntityOrigin, EntitySet};
pub use manifest::{
    AsOf, Column, ColumnOrigin, FORMAT_VERSION, File, Layout, MANIFEST, Manifest, Request, Source,
    SourceFile,
};
pub use remote::RemoteDataset;
pub use verify::{Finding, Kept, findings};
pub use write::{ClosedDataset, DatasetWriter, FileFormat, Sink, Written};
