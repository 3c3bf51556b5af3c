//! Where the configuration texts are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use larder_core::{Error, ErrorKind, Result};

use super::LoadOptions;
use super::env::{Environment, FEAST_FS_YAML_FILE_PATH, FEATURE_STORE_YAML_BASE64};

/// Largest configuration text.
const MAX_BYTES: u64 = 1 << 20;

/// A configuration text and the name that errors call it by.
pub(super) struct Text {
    pub(super) name: String,
    pub(super) path: Option<PathBuf>,
    pub(super) content: String,
}

/// The texts of one repository.
pub(super) struct Sources {
    pub(super) repo_path: PathBuf,
    pub(super) feature_store: Option<Text>,
    pub(super) larder: Option<Text>,
}

/// Finds the texts: flag, then (where allowed) base64, then environment, then the folder's own file.
///
/// The repository folder stays `repo_path` even when the file stands elsewhere, as in Feast 0.67.
pub(super) fn sources(options: &LoadOptions, environment: &dyn Environment) -> Result<Sources> {
    let repo_path = absolute(&options.repo_path)?;
    let base64 = environment
        .get(FEATURE_STORE_YAML_BASE64)
        .filter(|text| options.allow_base64 && !text.is_empty());
    let feature_store = if let Some(path) = &options.feature_store_yaml {
        Some(required(path)?)
    } else if let Some(encoded) = base64 {
        Some(decode(&encoded)?)
    } else if let Some(path) =
        environment.get(FEAST_FS_YAML_FILE_PATH).filter(|path| !path.is_empty())
    {
        Some(required(Path::new(&path))?)
    } else {
        read(&repo_path.join("feature_store.yaml"))?
    };
    let folder =
        feature_store.as_ref().and_then(|text| text.path.as_deref()).and_then(Path::parent);
    let larder = read(&folder.unwrap_or(&repo_path).join("larder.yaml"))?;
    Ok(Sources { repo_path, feature_store, larder })
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    match fs::canonicalize(path) {
        Ok(folder) if folder.is_dir() => Ok(folder),
        Ok(_) => Err(Error::invalid(format!("{} is not a folder", path.display()))),
        Err(error) => Err(Error::new(
            ErrorKind::NotFound,
            format!("cannot open the repository folder {}", path.display()),
        )
        .with_source(error)),
    }
}

fn required(path: &Path) -> Result<Text> {
    read(path)?.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("can't find feature repo configuration file at {}", path.display()),
        )
        .with_hint("make sure you are running fs from an initialized feast repository")
    })
}

fn read(path: &Path) -> Result<Option<Text>> {
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            return Err(Error::invalid(format!("{name} is larger than {MAX_BYTES} bytes")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    }
    let path = fs::canonicalize(path).map_err(|error| unreadable(path, error))?;
    let bytes = fs::read(&path).map_err(|error| unreadable(&path, error))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::invalid(format!("{name} is not UTF-8 text")))?;
    Ok(Some(Text { name, path: Some(path), content: text }))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::invalid(format!("cannot read {}", path.display())).with_source(error)
}

fn decode(encoded: &str) -> Result<Text> {
    let invalid = || {
        Error::invalid(format!(
            "environment variable {FEATURE_STORE_YAML_BASE64} is not base64 of UTF-8 text"
        ))
    };
    let compact: String = encoded.split_whitespace().collect();
    let bytes = STANDARD.decode(compact).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    Ok(Text { name: FEATURE_STORE_YAML_BASE64.to_owned(), path: None, content: text })
}
