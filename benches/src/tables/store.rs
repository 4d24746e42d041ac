//! Committed files of records: which there are, and what is in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::machine::Machine;
use crate::record::Record;

/// Where the files are, below the project. Each folder in it is a machine.
pub const FOLDER: &str = "docs/results/data";

/// The records of one file.
#[derive(Debug)]
pub struct DataFile {
    /// Its path, from the project's folder on.
    pub path: PathBuf,
    /// The records.
    pub records: Vec<Record>,
    /// The circumstances, of which the first record tells.
    pub machine: Machine,
}

/// All files, by `machine/name`.
#[derive(Debug)]
pub struct Store(BTreeMap<String, DataFile>);

impl Store {
    /// Reads all files of the project.
    ///
    /// # Errors
    /// If a file cannot be read, is no file of records, says nothing of its circumstances, or is of another machine than
    /// the others in its folder.
    pub fn open(project: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        for folder in entries(&project.join(FOLDER))?.into_iter().filter(|path| path.is_dir()) {
            for path in entries(&folder)? {
                if path.extension().is_some_and(|extension| extension == "json") {
                    let path = path.strip_prefix(project)?.to_owned();
                    files.insert(key(&path)?, read(project, path)?);
                }
            }
        }
        let store = Self(files);
        for (machine, files) in store.machines() {
            let other = files.iter().find(|file| !file.machine.is_like(&files[0].machine));
            if let Some(other) = other {
                let (first, other) = (files[0].path.display(), other.path.display());
                bail!(
                    "{first} and {other} are of different machines, and both in the folder {machine}"
                );
            }
        }
        Ok(store)
    }

    /// The file of this key.
    ///
    /// # Errors
    /// If there is none.
    pub fn file(&self, key: &str) -> Result<&DataFile> {
        self.0.get(key).with_context(|| format!("no file {FOLDER}/{key}.json"))
    }

    /// The keys of all files.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The machines, each with its files.
    #[must_use]
    pub fn machines(&self) -> BTreeMap<&str, Vec<&DataFile>> {
        let mut machines = BTreeMap::<&str, Vec<&DataFile>>::new();
        for (key, file) in &self.0 {
            let machine = key.split('/').next().unwrap_or_default();
            machines.entry(machine).or_default().push(file);
        }
        machines
    }
}

/// The key of the file at this path, which is from the project's folder on.
///
/// # Errors
/// If it is not where such files are.
pub fn key(path: &Path) -> Result<String> {
    let inside = path.strip_prefix(FOLDER).ok().map(|path| path.with_extension(""));
    let key =
        inside.as_ref().and_then(|path| path.to_str()).filter(|key| key.split('/').count() == 2);
    let key =
        key.with_context(|| format!("{} is not {FOLDER}/<machine>/<name>.json", path.display()))?;
    Ok(key.to_owned())
}

/// What is in a folder, in order; nothing if there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let paths: std::io::Result<Vec<PathBuf>> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.with_context(|| format!("cannot read {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

fn read(project: &Path, path: PathBuf) -> Result<DataFile> {
    let name = path.display();
    let text =
        fs::read_to_string(project.join(&path)).with_context(|| format!("cannot read {name}"))?;
    let parse = |(number, line): (usize, &str)| -> Result<Record> {
        serde_json::from_str(line)
            .with_context(|| format!("{name}, line {}: no record", number + 1))
    };
    let records: Vec<Record> = text.lines().enumerate().map(parse).collect::<Result<_>>()?;
    ensure!(!records.is_empty(), "{name} has no records");
    let machine = records[0].machine.as_deref();
    let machine = machine.with_context(|| format!("{name} does not say how it was made"))?.clone();
    Ok(DataFile { path, records, machine })
}
