//! The example repository, as it was when the binary was built.

use std::path::Path;

use larder_core::{Error, ErrorKind, Result};

/// Path in the repository and contents.
const FILES: [(&str, &str); 5] = [
    ("feature_store.yaml", include_str!("../../../feature_repo/feature_store.yaml")),
    (".feastignore", include_str!("../../../feature_repo/.feastignore")),
    ("entities.py", include_str!("../../../feature_repo/entities.py")),
    ("sources.py", include_str!("../../../feature_repo/sources.py")),
    ("features.py", include_str!("../../../feature_repo/features.py")),
];

/// Writes the repository into an existing folder and returns the number of files.
///
/// # Errors
/// `Unavailable` when a file cannot be written.
pub(super) fn write(folder: &Path) -> Result<usize> {
    for (name, text) in FILES {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("cannot write {}", path.display()))
                .with_source(error)
        })?;
    }
    Ok(FILES.len())
}
