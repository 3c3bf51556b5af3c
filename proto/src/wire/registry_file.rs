//! The registry file: one `feast.core.Registry` message, kept as the bytes of its objects.
//!
//! Decoding and re-encoding an object drops what this version of the messages does not know, so an
//! object that nobody changed is written back byte for byte, and so are unknown top-level fields.

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_core::{Error, Result, Timestamp};
use prost::Message;

use super::message::{Fields, put_bytes};
pub use super::registry_list::RegistryList;
use super::timestamp;
use crate::feast::core;

/// What Feast 0.67 writes into a new registry; nothing ever checks it.
const SCHEMA_VERSION: &str = "1";

const REGISTRY_SCHEMA_VERSION: u32 = 3;
const VERSION_ID: u32 = 4;
const LAST_UPDATED: u32 = 5;
const INFRA: u32 = 10;
const VERSION_HISTORY: u32 = 18;

/// One object as the file holds it. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    name: String,
    project: String,
    bytes: Arc<[u8]>,
}

impl StoredObject {
    fn new(list: RegistryList, bytes: &[u8]) -> Result<Self> {
        let (name, project) = list.name_and_project(bytes)?;
        Ok(Self { name, project, bytes: bytes.into() })
    }

    /// Name of the object.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Project of the object; empty for projects and their metadata.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The encoded object.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The decoded object.
    ///
    /// # Errors
    /// `Data` when the bytes are no message of this type.
    pub fn decode<T: RegistryObject>(&self) -> Result<T> {
        T::decode(&*self.bytes).map_err(|error| {
            Error::data(format!("the registry entry \"{}\" cannot be decoded", self.name))
                .with_source(error)
        })
    }

    fn is(&self, project: &str, name: &str) -> bool {
        self.name == name && self.project == project
    }
}

/// A message that is kept in a list of the registry.
pub trait RegistryObject: Message + Default {
    /// The list.
    const LIST: RegistryList;
}

macro_rules! registry_objects {
    ($($message:ident in $list:ident;)+) => {
        $(impl RegistryObject for core::$message {
            const LIST: RegistryList = RegistryList::$list;
        })+
    };
}

registry_objects! {
    Entity in Entities;
    FeatureView in FeatureViews;
    FeatureService in FeatureServices;
    OnDemandFeatureView in OnDemandFeatureViews;
    SavedDataset in SavedDatasets;
    DataSource in DataSources;
    ValidationReference in ValidationReferences;
    StreamFeatureView in StreamFeatureViews;
    ProjectMetadata in ProjectMetadata;
    Permission in Permissions;
    Project in Projects;
    LabelView in LabelViews;
}

/// A registry file in memory. Cloning copies no object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RegistryFile {
    schema_version: String,
    version_id: String,
    last_updated: Option<Timestamp>,
    lists: BTreeMap<RegistryList, Vec<StoredObject>>,
    infra: Option<Arc<[u8]>>,
    version_records: Vec<Arc<[u8]>>,
    /// Whether the (possibly empty) version history is written.
    has_version_history: bool,
    /// Fields of the version history other than its records.
    version_history_rest: Vec<u8>,
    /// Encoded top-level fields that are none of the above, by number.
    unknown: BTreeMap<u32, Vec<u8>>,
}

impl RegistryFile {
    /// A registry without objects, as Feast creates it when the file does not exist.
    pub fn new() -> Self {
        Self { schema_version: SCHEMA_VERSION.to_owned(), ..Self::default() }
    }

    /// Reads a file. No bytes are an empty registry.
    ///
    /// # Errors
    /// `Data` when the bytes are no registry.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut file = Self::default();
        for field in Fields::new(bytes) {
            let field = field.map_err(|error| error.context("the registry file"))?;
            if let Some(list) = RegistryList::from_number(field.number) {
                file.append(list, field.content.bytes()?)?;
                continue;
            }
            match field.number {
                REGISTRY_SCHEMA_VERSION => {
                    field.content.text()?.clone_into(&mut file.schema_version);
                }
                VERSION_ID => field.content.text()?.clone_into(&mut file.version_id),
                LAST_UPDATED => {
                    file.last_updated = Some(timestamp::decode(field.content.bytes()?)?);
                }
                INFRA => file.merge_infra(field.content.bytes()?),
                VERSION_HISTORY => file.read_version_history(field.content.bytes()?)?,
                number => {
                    file.unknown.entry(number).or_default().extend_from_slice(field.encoded);
                }
            }
        }
        Ok(file)
    }

    /// The encoded registry: fields in the order of their numbers, as Feast writes them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut fields: BTreeMap<u32, Vec<u8>> = self.unknown.clone();
        for (list, objects) in &self.lists {
            let out = fields.entry(list.number()).or_default();
            for object in objects {
                put_bytes(list.number(), &object.bytes, out);
            }
        }
        let mut put = |number: u32, bytes: &[u8]| {
            put_bytes(number, bytes, fields.entry(number).or_default());
        };
        if !self.schema_version.is_empty() {
            put(REGISTRY_SCHEMA_VERSION, self.schema_version.as_bytes());
        }
        if !self.version_id.is_empty() {
            put(VERSION_ID, self.version_id.as_bytes());
        }
        if let Some(at) = self.last_updated {
            let mut encoded = Vec::new();
            timestamp::encode(at, &mut encoded);
            put(LAST_UPDATED, &encoded);
        }
        if let Some(infra) = &self.infra {
            put(INFRA, infra);
        }
        if self.has_version_history {
            put(VERSION_HISTORY, &self.version_history());
        }
        fields.into_values().flatten().collect()
    }

    fn read_version_history(&mut self, history: &[u8]) -> Result<()> {
        self.has_version_history = true;
        for field in Fields::new(history) {
            let field = field?;
            if field.number == 1 {
                self.version_records.push(field.content.bytes()?.into());
            } else {
                self.version_history_rest.extend_from_slice(field.encoded);
            }
        }
        Ok(())
    }

    fn version_history(&self) -> Vec<u8> {
        let mut history = Vec::new();
        for record in &self.version_records {
            put_bytes(1, record, &mut history);
        }
        history.extend_from_slice(&self.version_history_rest);
        history
    }

    /// Two occurrences of a message are one with the fields of both.
    fn merge_infra(&mut self, more: &[u8]) {
        let merged = [self.infra.as_deref().unwrap_or_default(), more].concat();
        self.infra = Some(merged.into());
    }

    /// Schema version; empty when the file holds none.
    pub fn schema_version(&self) -> &str {
        &self.schema_version
    }

    /// Sets the schema version.
    pub fn set_schema_version(&mut self, version: impl Into<String>) {
        self.schema_version = version.into();
    }

    /// Id of this state of the file (a random UUID); empty when the file holds none.
    pub fn version_id(&self) -> &str {
        &self.version_id
    }

    /// When the file was last written.
    pub fn last_updated(&self) -> Option<Timestamp> {
        self.last_updated
    }

    /// Marks a new state of the file: Feast does so before every write.
    pub fn stamp(&mut self, version_id: impl Into<String>, now: Timestamp) {
        self.version_id = version_id.into();
        self.last_updated = Some(now);
    }

    /// The objects of a list, in file order, over all projects.
    pub fn objects(&self, list: RegistryList) -> &[StoredObject] {
        self.lists.get(&list).map_or(&[], Vec::as_slice)
    }

    /// The objects of one project, in file order. Projects themselves belong to the project `""`.
    pub fn objects_of<'a>(
        &'a self,
        list: RegistryList,
        project: &'a str,
    ) -> impl Iterator<Item = &'a StoredObject> {
        self.objects(list).iter().filter(move |object| object.project == project)
    }

    /// The object of this name. Projects are looked up with an empty `project`.
    pub fn find(&self, list: RegistryList, project: &str, name: &str) -> Option<&StoredObject> {
        self.objects(list).iter().find(|object| object.is(project, name))
    }

    /// The decoded object of this name, `None` when there is none.
    ///
    /// # Errors
    /// `Data` when the stored bytes cannot be decoded.
    pub fn get<T: RegistryObject>(&self, project: &str, name: &str) -> Result<Option<T>> {
        self.find(T::LIST, project, name).map(StoredObject::decode).transpose()
    }

    /// Appends an encoded object.
    ///
    /// # Errors
    /// `Data` when the bytes are malformed.
    pub fn append(&mut self, list: RegistryList, bytes: &[u8]) -> Result<()> {
        let object = StoredObject::new(list, bytes)?;
        self.lists.entry(list).or_default().push(object);
        Ok(())
    }

    /// Puts an encoded object at the end of its list, in place of the one with its project and name.
    ///
    /// Feast 0.67, file registry: a replaced object moves to the end.
    ///
    /// # Errors
    /// `Data` when the bytes are malformed.
    pub fn put(&mut self, list: RegistryList, bytes: &[u8]) -> Result<()> {
        let object = StoredObject::new(list, bytes)?;
        let objects = self.lists.entry(list).or_default();
        objects.retain(|other| !other.is(&object.project, &object.name));
        objects.push(object);
        Ok(())
    }

    /// [`put`](Self::put) of a message, whose project must be filled in.
    ///
    /// # Errors
    /// None in practice: a message encodes well.
    pub fn put_message<T: RegistryObject>(&mut self, object: &T) -> Result<()> {
        self.put(T::LIST, &object.encode_to_vec())
    }

    /// Replaces the bytes of an object where it stands; `false` when there is none of that name.
    ///
    /// # Errors
    /// `Data` when the bytes are malformed.
    pub fn replace(
        &mut self,
        list: RegistryList,
        project: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<bool> {
        let replacement = StoredObject::new(list, bytes)?;
        let objects = self.lists.get_mut(&list).into_iter().flatten();
        for object in objects {
            if object.is(project, name) {
                *object = replacement;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes an object; `false` when there is none of that name.
    pub fn remove(&mut self, list: RegistryList, project: &str, name: &str) -> bool {
        let before = self.objects(list).len();
        self.retain(list, |object| !object.is(project, name));
        self.objects(list).len() < before
    }

    /// Keeps only the objects for which `keep` is true.
    pub fn retain(&mut self, list: RegistryList, keep: impl FnMut(&StoredObject) -> bool) {
        if let Some(objects) = self.lists.get_mut(&list) {
            objects.retain(keep);
        }
    }

    /// The encoded `feast.core.Infra`, `None` when the file holds none.
    pub fn infra(&self) -> Option<&[u8]> {
        self.infra.as_deref()
    }

    /// Replaces the encoded `feast.core.Infra` of all projects.
    pub fn set_infra(&mut self, infra: Option<&[u8]>) {
        self.infra = infra.map(Into::into);
    }

    /// The stored versions of all views, in file order.
    ///
    /// # Errors
    /// `Data` when a record cannot be decoded.
    pub fn version_records(&self) -> Result<Vec<core::FeatureViewVersionRecord>> {
        self.version_records.iter().map(|record| decode_record(record)).collect()
    }

    /// Appends a stored version.
    pub fn push_version_record(&mut self, record: &core::FeatureViewVersionRecord) {
        self.has_version_history = true;
        self.version_records.push(record.encode_to_vec().into());
    }

    /// Keeps only the stored versions for which `keep` is true; kept ones stay byte for byte.
    ///
    /// # Errors
    /// `Data` when a record cannot be decoded; nothing is removed then.
    pub fn retain_version_records(
        &mut self,
        mut keep: impl FnMut(&core::FeatureViewVersionRecord) -> bool,
    ) -> Result<()> {
        let mut kept = Vec::with_capacity(self.version_records.len());
        for record in &self.version_records {
            if keep(&decode_record(record)?) {
                kept.push(Arc::clone(record));
            }
        }
        self.version_records = kept;
        Ok(())
    }

    /// The whole registry as a message.
    ///
    /// # Errors
    /// `Data` when an object cannot be decoded.
    pub fn to_message(&self) -> Result<core::Registry> {
        core::Registry::decode(self.to_bytes().as_slice())
            .map_err(|error| Error::data("the registry cannot be decoded").with_source(error))
    }
}

fn decode_record(record: &[u8]) -> Result<core::FeatureViewVersionRecord> {
    core::FeatureViewVersionRecord::decode(record)
        .map_err(|error| Error::data("a stored view version cannot be decoded").with_source(error))
}
