//! A folder that takes the place of another in one step.

use std::fs;
use std::io;
use std::path::Path;

use larder_core::{Error, Result};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::parquet_file::{TEMPORARY, broken};

/// Refuses to replace what is more than a folder of Parquet files: it may be anything.
///
/// # Errors
/// `Invalid` naming what else is there.
pub(super) fn check_folder(path: &Path) -> Result<()> {
    let kept = |what: String| {
        Err(Error::invalid(format!("{} cannot be replaced: {what}", path.display()))
            .with_hint("only a folder that holds nothing but Parquet files is replaced"))
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(broken(path, error)),
        Ok(found) if !found.is_dir() => return kept("it is a file".to_owned()),
        Ok(_) => {}
    }
    for entry in fs::read_dir(path).map_err(|error| broken(path, error))? {
        let entry = entry.map_err(|error| broken(path, error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_file || !(name.ends_with(".parquet") || name.starts_with(TEMPORARY)) {
            return kept(format!("it holds \"{name}\""));
        }
    }
    Ok(())
}

/// Gives the folder at `new` the name `place`; what was there before has the name `new` then.
///
/// # Errors
/// Those of the file system; both folders are where they were then.
pub(super) fn exchange(new: &Path, place: &Path) -> Result<()> {
    match renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        Err(Errno::NOENT) => fs::rename(new, place).map_err(|error| broken(place, error)),
        // Not every file system can.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => one_after_the_other(new, place),
        Err(error) => Err(broken(place, error.into())),
    }
}

fn one_after_the_other(new: &Path, place: &Path) -> Result<()> {
    let aside = new.with_extension("old");
    fs::rename(place, &aside).map_err(|error| broken(place, error))?;
    if let Err(error) = fs::rename(new, place) {
        fs::rename(&aside, place).map_err(|error| broken(place, error))?;
        return Err(broken(place, error));
    }
    fs::rename(&aside, new).map_err(|error| broken(&aside, error))
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn folders_change_places_either_way() {
        for change in [exchange, one_after_the_other] {
            let root = tempfile::tempdir().unwrap();
            let (new, old) = (root.path().join("new"), root.path().join("old"));
            for folder in [&new, &old] {
                fs::create_dir(folder).unwrap();
                fs::write(folder.join("name"), folder.file_name().unwrap().as_encoded_bytes())
                    .unwrap();
            }
            change(&new, &old).unwrap();
            assert_eq!(fs::read(old.join("name")).unwrap(), b"new");
            assert_eq!(fs::read(new.join("name")).unwrap(), b"old");
        }
    }

    #[test]
    fn a_folder_takes_a_free_name() {
        let root = tempfile::tempdir().unwrap();
        let new = root.path().join("new");
        fs::create_dir(&new).unwrap();
        exchange(&new, &root.path().join("free")).unwrap();
        assert!(root.path().join("free").is_dir() && !new.is_dir());
    }

    #[test]
    fn what_is_more_than_parquet_files_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("saved");
        assert!(check_folder(&folder).is_ok(), "nothing is there");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("part.parquet"), "").unwrap();
        assert!(check_folder(&folder).is_ok());
        assert_eq!(
            check_folder(&folder.join("part.parquet")).unwrap_err().kind(),
            ErrorKind::Invalid
        );
        for name in ["notes.txt", "sub.parquet"] {
            let other = folder.join(name);
            if name.ends_with("txt") { fs::write(&other, "") } else { fs::create_dir(&other) }
                .unwrap();
            assert_eq!(check_folder(&folder).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
            if name.ends_with("txt") { fs::remove_file(&other) } else { fs::remove_dir(&other) }
                .unwrap();
        }
    }
}
