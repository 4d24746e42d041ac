//! `lab tables`: the figures of the project's texts, from committed files of records.
//!
//! A text says between which of its words a figure stands and which records it is made of ([`marker`], [`draw`]). The
//! files are what `lab <experiment> --json` writes, in [a folder for each machine](store::FOLDER), and each says by which
//! command it was made: so it can be [made anew](recorded).

mod draw;
mod marker;
mod number;
mod query;
pub mod store;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use marker::Part;
use store::Store;

/// Write the figures of README.md and docs/ anew, from the records in docs/results/data
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only the figures that are made of these files
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Write nothing, and fail if a figure would change
    #[arg(long, conflicts_with = "record")]
    check: bool,

    /// First make the files anew, each by the command that it names
    #[arg(long, requires = "files")]
    pub record: bool,

    /// Another project than the lab's
    #[arg(long, hide = true, value_name = "DIR")]
    project: Option<PathBuf>,
}

impl Arguments {
    /// The folder that texts and files are in.
    ///
    /// # Errors
    /// If there is none.
    pub fn project(&self) -> Result<PathBuf> {
        let project = match &self.project {
            Some(project) => project.clone(),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        };
        project.canonicalize().with_context(|| format!("no project in {}", project.display()))
    }

    /// The named files, from the project's folder on.
    fn named(&self) -> Result<Vec<PathBuf>> {
        let project = self.project()?;
        let inside = |path: &PathBuf| {
            let full =
                path.canonicalize().with_context(|| format!("no file {}", path.display()))?;
            let inside = full.strip_prefix(&project);
            Ok(inside
                .with_context(|| format!("{} is not in the project", path.display()))?
                .to_owned())
        };
        self.files.iter().map(inside).collect()
    }
}

/// By which command a file was made, with the file itself as the last word.
#[derive(Debug)]
pub struct Recorded {
    /// The file, from the project's folder on.
    pub path: PathBuf,
    /// `lab …`
    pub command: String,
}

/// The commands of the files that are to be made anew.
///
/// # Errors
/// If a file cannot be read, or says no command that writes this file.
pub fn recorded(arguments: &Arguments) -> Result<Vec<Recorded>> {
    let store = Store::open(&arguments.project()?)?;
    let of = |path: PathBuf| {
        let command = store.file(&store::key(&path)?)?.machine.command.clone();
        let file = path.display().to_string();
        ensure!(
            command.ends_with(&format!("--json {file}")),
            "{file} was not made in the project's folder by `lab … --json {file}`, but by `{command}`"
        );
        Ok(Recorded { path, command })
    };
    arguments.named()?.into_iter().map(of).collect()
}

/// The texts, from the project's folder on: all Markdown there and in `docs`, and the lab's own.
fn documents(project: &Path) -> Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![
        project.to_owned(),
        project.join("benches"),
        project.join("docs"),
        project.join("docs/results"),
    ];
    folders.retain(|folder| folder.is_dir());
    for folder in folders {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.insert(path.strip_prefix(project)?.to_owned());
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// A figure that is not what the records say.
struct Change {
    place: String,
    before: String,
    after: String,
}

/// `lab tables`
///
/// # Errors
/// If a file or a text is malformed, or if it is to be checked and a figure would change, or a file is used by no text.
pub fn run(arguments: &Arguments) -> Result<()> {
    let project = arguments.project()?;
    let store = Store::open(&project)?;
    let named: Vec<String> =
        arguments.named()?.iter().map(|path| store::key(path)).collect::<Result<_>>()?;
    for key in &named {
        store.file(key)?;
    }
    let (mut used, mut changes, mut texts) = (BTreeSet::new(), Vec::new(), Vec::new());
    let mut figures = 0;
    for document in documents(&project)? {
        let path = project.join(&document);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut new = String::with_capacity(text.len());
        let parts = marker::parts(&text).with_context(|| document.display().to_string())?;
        for part in parts {
            let (definition, content, line) = match part {
                Part::Text(text) => {
                    new.push_str(text);
                    continue;
                }
                Part::Figure { definition, content, line } => (definition, content, line),
            };
            let place = format!("{}:{line}", document.display());
            let drawn = draw::draw(&store, &document, definition).with_context(|| place.clone())?;
            figures += 1;
            let is_meant = named.is_empty() || drawn.files.iter().any(|file| named.contains(file));
            used.extend(drawn.files);
            if is_meant && drawn.content != content {
                new.push_str(&drawn.content);
                changes.push(Change { place, before: content.to_owned(), after: drawn.content });
            } else {
                new.push_str(content);
            }
        }
        if new != text {
            texts.push((path, new));
        }
    }
    // Nothing is written if one of them cannot be made.
    for (path, new) in texts.iter().filter(|_| !arguments.check) {
        fs::write(path, new).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut out = io::stdout().lock();
    for change in &changes {
        show(&mut out, change)?;
    }
    let unused: Vec<&str> = store.keys().filter(|key| !used.contains(*key)).collect();
    writeln!(out, "{figures} figures, {} changed", changes.len())?;
    ensure!(unused.is_empty(), "no text uses {unused:?} of {}", store::FOLDER);
    ensure!(
        !arguments.check || changes.is_empty(),
        "{} figures are not what the records say: `lab tables` writes them anew",
        changes.len()
    );
    Ok(())
}

/// The lines that differ.
fn show(out: &mut impl io::Write, change: &Change) -> io::Result<()> {
    let Change { place, before, after } = change;
    writeln!(out, "{place}")?;
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    for line in old.iter().filter(|line| !new.contains(line)) {
        writeln!(out, "- {line}")?;
    }
    for line in new.iter().filter(|line| !old.contains(line)) {
        writeln!(out, "+ {line}")?;
    }
    Ok(())
}
