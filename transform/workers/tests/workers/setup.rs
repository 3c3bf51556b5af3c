//! Interpreters that cannot be used.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use larder_core::ErrorKind;
use larder_tests::{Feast, Repository};
use larder_transform_workers::{PythonWorkers, WorkerSettings};

use crate::fixture::{children, settings, works};

/// A program that runs these lines of shell.
fn program(folder: &Repository, lines: &str) -> PathBuf {
    folder.write("python", format!("#!/bin/sh\n{lines}\n"));
    let path = folder.path().join("python");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn refused(python: &Path) -> larder_core::Error {
    let settings = WorkerSettings { python: python.to_owned(), ..settings() };
    let pool = PythonWorkers::new(settings).unwrap();
    let error = pool.start().await.unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    let known = children();
    drop(pool);
    assert!(children().len() <= known.len());
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_without_pandas_or_that_is_none_is_told_at_the_start() {
    let folder = Repository::empty();
    let real = Feast::get().python().display().to_string();
    let bare = program(&folder, &format!("exec {real} -S \"$@\""));
    let error = refused(&bare).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.hint().unwrap().contains("pip install"), "{error}");

    let error = refused(Path::new("/no/such/python")).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");

    let talker = program(&folder, "echo no python at all >&2; exit 7");
    let error = refused(&talker).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("no python at all"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_that_is_repaired_is_used_by_the_next_call() {
    let folder = Repository::empty();
    let broken = program(&folder, "exit 1");
    let pool = PythonWorkers::new(WorkerSettings { python: broken, ..settings() }).unwrap();
    pool.start().await.unwrap_err();
    let real = Feast::get().python().display().to_string();
    program(&folder, &format!("exec {real} \"$@\""));
    works(&pool).await;
}
