//! The e-commerce repository of the golden vectors, in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::{DataSource, Error, ErrorKind, FixedClock, Result, SourceKind, Timestamp};
use larder_offline_store::{
    BatchStream, HistoricalRequest, OfflineStore, PullRequest, SaveRequest,
};
use larder_proto::wire::registry_file::RegistryFile;
use larder_registry::apply::{Applied, ApplyOptions, RegistryVersions, apply};
use larder_registry::inference::{infer, read_schemas};
use larder_registry::plan::{Plan, plan};
use larder_registry::python::{DirectoryFiles, Limits};
use larder_registry::repo_config::{FixedEnvironment, LoadOptions, RepoConfig};
use larder_registry::store::{FileRegistryStore, RegistryStore};
use larder_registry::validation::{Unchecked, validate};
use larder_registry::{RepoContents, load_definitions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Where the golden vectors are.
pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/registry")
}

/// The registry of the golden vectors with this name.
pub(crate) fn feast_registry(name: &str) -> RegistryFile {
    RegistryFile::parse(&fs::read(vectors().join(name)).unwrap()).unwrap()
}

/// An instant long after the golden registries were made.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_900_000_000);

/// A repository folder.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            repository.write(name, text);
        }
        repository
    }

    /// The golden e-commerce repository with its data.
    pub(crate) fn shop() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        for name in [
            "entities.py",
            "features.py",
            "sources.py",
            "feature_store.yaml",
            ".feastignore",
            "scratch/broken.py",
        ] {
            repository.write(name, &fs::read_to_string(vectors().join("repo").join(name)).unwrap());
        }
        repository.copy_data();
        repository
    }

    /// What `feast init` writes, with its data.
    pub(crate) fn template() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        let files = ["feature_definitions.py", "test_workflow.py", "feature_store.yaml"];
        fs::create_dir_all(repository.path().join("data")).unwrap();
        for name in files
            .into_iter()
            .chain(["data/driver_stats.parquet", "data/driver_quality_labels.parquet"])
        {
            fs::copy(vectors().join("template").join(name), repository.path().join(name)).unwrap();
        }
        repository
    }

    /// Copies the golden Parquet files to `data/`.
    pub(crate) fn copy_data(&self) {
        fs::create_dir_all(self.path().join("data")).unwrap();
        for entry in fs::read_dir(vectors().join("inputs")).unwrap() {
            let from = entry.unwrap().path();
            fs::copy(&from, self.path().join("data").join(from.file_name().unwrap())).unwrap();
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a piece of one file, which must be there.
    pub(crate) fn edit(&self, name: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path().join(name)).unwrap();
        assert!(text.contains(old), "{name} has no {old:?}");
        self.write(name, &text.replace(old, new));
    }

    pub(crate) fn config(&self) -> RepoConfig {
        let options = LoadOptions { repo_path: self.path().to_owned(), ..LoadOptions::default() };
        RepoConfig::load(&options, &FixedEnvironment::default()).unwrap()
    }

    pub(crate) fn store(&self) -> FileRegistryStore {
        FileRegistryStore::new(self.path().join("data/registry.db"), Arc::new(FixedClock(NOW)))
    }

    /// The complete definitions, as an apply sees them.
    pub(crate) fn contents(&self, file: &RegistryFile) -> Result<RepoContents> {
        let config = self.config();
        let files = DirectoryFiles::open(self.path())?;
        let definitions = load_definitions(&files, &FixedEnvironment::default(), Limits::default())
            .map_err(larder_registry::python::Failures::into_first)?;
        let mut contents = RepoContents::collect(definitions, &config)?;
        let versions = RegistryVersions::read(file, &config.project)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let schemas =
            runtime.block_on(read_schemas(&ParquetSchemas(config.repo_path), &contents))?;
        infer(&mut contents, &schemas, &versions)?;
        validate(&contents, &Unchecked)?;
        Ok(contents)
    }

    /// The plan against a registry.
    pub(crate) fn plan_against(&self, file: &RegistryFile) -> Result<Plan> {
        plan(file, &self.contents(file)?, Some("/online.db"))
    }

    /// The plan against the folder's registry.
    pub(crate) fn plan(&self) -> Result<Plan> {
        self.plan_against(&self.store().load()?.unwrap_or_else(RegistryFile::new))
    }

    /// Plans and applies.
    pub(crate) fn apply(&self) -> Result<Applied> {
        apply(&self.store(), &self.plan()?, NOW, ApplyOptions::default())
    }

    /// The folder's registry.
    pub(crate) fn registry(&self) -> RegistryFile {
        self.store().load().unwrap().unwrap()
    }
}

/// Names of what a plan changes, as `kind name`.
pub(crate) fn changed(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(|change| format!("{} {}", change.kind.label(), change.name)).collect()
}

/// An offline store that knows the schemas of Parquet files below a folder, and nothing else.
#[derive(Debug)]
struct ParquetSchemas(PathBuf);

fn no_rows<T>() -> Result<T> {
    Err(Error::unsupported("this store has schemas only"))
}

#[async_trait::async_trait]
impl OfflineStore for ParquetSchemas {
    async fn source_schema(&self, source: &DataSource) -> Result<SchemaRef> {
        let SourceKind::File { uri, .. } = &source.kind else {
            return Err(Error::unsupported(format!("cannot read {}", source.class_name())));
        };
        let file = fs::File::open(self.0.join(uri)).map_err(|error| {
            Error::new(ErrorKind::NotFound, format!("no file {uri}")).with_source(error)
        })?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|error| Error::data(format!("{uri} is no Parquet file")).with_source(error))?;
        Ok(Arc::clone(reader.schema()))
    }

    async fn pull_latest(&self, _: PullRequest) -> Result<BatchStream> {
        no_rows()
    }

    async fn pull_all(&self, _: PullRequest) -> Result<BatchStream> {
        no_rows()
    }

    async fn historical_features(&self, _: HistoricalRequest) -> Result<BatchStream> {
        no_rows()
    }

    async fn write(&self, _: &DataSource, _: Vec<RecordBatch>) -> Result<u64> {
        no_rows()
    }

    async fn save(&self, _: SaveRequest, _: BatchStream) -> Result<u64> {
        no_rows()
    }
}

/// Texts by key, for short tests.
pub(crate) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
