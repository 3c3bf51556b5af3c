//! Writes `proto/src/generated/` from `proto/protos/`: the code of the messages and services, and
//! the descriptor set behind reflection.
//!
//! The result is committed, so that a build needs neither `protoc` nor a build script.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use prost_types::FileDescriptorSet;

/// Generated files by name.
type Files = BTreeMap<String, Vec<u8>>;

/// Name of the descriptor set beside the generated code.
const DESCRIPTORS: &str = "descriptors.bin";

/// Generates the code and writes it; with `check`, compares it with what is committed instead.
///
/// # Errors
/// When a `.proto` file does not compile, a file cannot be read or written, or, with `check`, when
/// the committed files differ from the generated ones.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent")?;
    let protos = root.join("proto/protos");
    let target = root.join("proto/src/generated");
    let generated = generate(&protos)?;
    let stale = differences(&generated, &read_folder(&target)?);
    if stale.is_empty() {
        return Ok(());
    }
    if check {
        bail!(
            "proto/src/generated is out of date: {}; run `cargo xtask codegen`",
            stale.join(", ")
        );
    }
    write_folder(&target, &generated, &stale)
}

/// Compiles every `.proto` file below `protos`.
fn generate(protos: &Path) -> Result<Files> {
    let mut names = Vec::new();
    collect_protos(protos, protos, &mut names)?;
    names.sort();
    let with_comments = compile(protos, &names, true)?;
    let bare = prost::Message::encode_to_vec(&compile(protos, &names, false)?);
    let out = tempfile::tempdir()?;
    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        .build_transport(false)
        .btree_map(".")
        .emit_rerun_if_changed(false)
        .out_dir(out.path())
        .include_file("mod.rs")
        .compile_fds(with_comments)?;
    let mut files = read_folder(out.path())?;
    files.insert(DESCRIPTORS.to_owned(), bare);
    Ok(files)
}

/// The descriptors of `names` and of all they import, imports first.
fn compile(protos: &Path, names: &[PathBuf], comments: bool) -> Result<FileDescriptorSet> {
    let mut compiler = protox::Compiler::new([protos])?;
    compiler.include_imports(true).include_source_info(comments).open_files(names)?;
    Ok(compiler.file_descriptor_set())
}

fn collect_protos(root: &Path, folder: &Path, names: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect_protos(root, &path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            names.push(path.strip_prefix(root)?.to_owned());
        }
    }
    Ok(())
}

/// The files of one folder; empty when there is no such folder.
fn read_folder(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read(entry.path())?);
    }
    Ok(files)
}

/// Names of the files that are new, changed or gone.
fn differences(new: &Files, old: &Files) -> Vec<String> {
    let changed = new.iter().filter(|(name, bytes)| old.get(*name) != Some(bytes));
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    changed.map(|(name, _)| name).chain(gone).cloned().collect()
}

fn write_folder(folder: &Path, files: &Files, names: &[String]) -> Result<()> {
    fs::create_dir_all(folder)?;
    for name in names {
        let path = folder.join(name);
        match files.get(name) {
            Some(bytes) => fs::write(&path, bytes),
            None => fs::remove_file(&path),
        }
        .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
