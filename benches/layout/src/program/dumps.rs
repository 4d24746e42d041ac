//! The dumps of a build, and what each definition of a coroutine in them says.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result};

use crate::liveness::{StorageEnds, Stored, analyse};
use crate::mir::Body;
use crate::mir::saved::{Declared, Saved, declared};

/// Behind the path of a definition in the name of a dump.
pub(super) const BEFORE: &str = ".-------.coroutine_before.0.mir";
pub(super) const RESUME: &str = ".-------.coroutine_resume.0.mir";

/// All dumps below a directory.
#[derive(Debug, Default)]
pub struct Dumps {
    files: HashMap<String, Vec<PathBuf>>,
    read: HashMap<PathBuf, Option<Rc<Definition>>>,
    /// Dumps that could not be read, and why.
    pub unreadable: BTreeMap<PathBuf, String>,
}

/// A coroutine as it is written, before types are filled in.
#[derive(Debug)]
pub struct Definition {
    before: String,
    /// What the compiler found.
    pub saved: Saved,
    /// How what it stores is declared.
    pub declared: Vec<Declared>,
    /// What the analyses here find.
    pub own: Stored,
    /// For each captured variable the local that it is moved into first.
    pub fed: Vec<(usize, u32)>,
    /// The same, if it is copied.
    pub copied: Vec<(usize, u32)>,
    relocated: OnceCell<(usize, Rc<Relocated>)>,
}

/// The same with its captures relocated.
#[derive(Debug)]
pub struct Relocated {
    /// As rustc would store it.
    pub stored: Stored,
    /// If storage ended with the scope only.
    pub scoped: Stored,
    /// As a coroutine of `cps-core` stores it, if that is another way.
    pub moved_once: Option<Stored>,
    /// The local of capture 0.
    pub first_capture: u32,
}

impl Dumps {
    /// Lists the dumps in a directory and in those below it. `only` chooses among the latter, by name.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn list(directory: &Path, only: impl Fn(&str) -> bool) -> Result<Self> {
        let mut dumps = Self::default();
        dumps.add(directory, &only)?;
        Ok(dumps)
    }

    fn add(&mut self, directory: &Path, only: &dyn Fn(&str) -> bool) -> Result<()> {
        let entries = std::fs::read_dir(directory)
            .with_context(|| format!("cannot read {}", directory.display()))?;
        for entry in entries {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if path.is_dir() {
                if only(name) {
                    self.add(&path, &|_| true)?;
                }
            } else if let Some(definition) = name.strip_suffix(BEFORE) {
                self.files.entry(definition.to_owned()).or_default().push(path);
            }
        }
        self.files.values_mut().for_each(|files| files.sort());
        Ok(())
    }

    /// How many coroutines there are dumps of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What is dumped of a definition: more than one if a crate was compiled in several versions.
    pub fn definitions(&mut self, path: &[String]) -> Vec<Rc<Definition>> {
        let files = self.files.get(&dump_name(path)).cloned().unwrap_or_default();
        files.into_iter().filter_map(|file| self.definition(file)).collect()
    }

    fn definition(&mut self, file: PathBuf) -> Option<Rc<Definition>> {
        if let Some(known) = self.read.get(&file) {
            return known.clone();
        }
        let definition = match Definition::read(&file) {
            Ok(definition) => Some(Rc::new(definition)),
            Err(error) => {
                self.unreadable.insert(file.clone(), format!("{error:#}"));
                None
            }
        };
        self.read.insert(file, definition.clone());
        definition
    }

    /// Of the definitions that were asked for: in how many the analyses find what the compiler found, and the others.
    #[must_use]
    pub fn compared(&self) -> (usize, Vec<&Path>) {
        let read = || self.read.iter().filter_map(|(file, read)| Some((file, read.as_ref()?)));
        let mut wrong: Vec<&Path> = read()
            .filter(|(_, d)| d.own.saved != d.saved)
            .map(|(file, _)| file.as_path())
            .collect();
        wrong.sort();
        (read().count() - wrong.len(), wrong)
    }
}

impl Definition {
    fn read(before: &Path) -> Result<Self> {
        let name = before.to_str().context("the name is no text")?;
        let resume = format!("{}{RESUME}", name.strip_suffix(BEFORE).unwrap_or(name));
        let text = std::fs::read_to_string(before)?;
        Self::parse(text, &std::fs::read_to_string(resume)?)
    }

    /// From the two dumps of a coroutine.
    ///
    /// # Errors
    /// If a text is not what rustc wrote when this was made.
    pub fn parse(before: String, resume: &str) -> Result<Self> {
        let body = Body::parse(&before)?;
        Ok(Self {
            saved: Saved::parse(resume)?,
            declared: declared(resume)?,
            own: analyse(&body, 0, StorageEnds::WithMove),
            fed: body.fed,
            copied: body.copied,
            before,
            relocated: OnceCell::new(),
        })
    }

    /// With its captures relocated. All types of one definition have equally many.
    ///
    /// # Errors
    /// If the dump cannot be read, or was asked for with another number before.
    pub fn relocated(&self, captures: usize) -> Result<Rc<Relocated>> {
        if let Some((known, relocated)) = self.relocated.get() {
            anyhow::ensure!(*known == captures, "{captures} captures, and {known} before");
            return Ok(relocated.clone());
        }
        let body = Body::parse_relocated(&self.before, captures)?;
        let relocated = Rc::new(Relocated {
            stored: analyse(&body, captures, StorageEnds::WithMove),
            scoped: analyse(&body, captures, StorageEnds::WithScope),
            moved_once: Body::parse_moved_once(&self.before, captures)?
                .map(|body| analyse(&body, captures, StorageEnds::WithMove)),
            first_capture: body.locals - u32::try_from(captures)?,
        });
        Ok(self.relocated.get_or_init(|| (captures, relocated)).1.clone())
    }
}

/// The name of the dump of a definition: `a::b::{impl#2}::f::{async_fn_env#0}<T>` is `a.b-{impl#2}-f-{closure#0}`.
fn dump_name(path: &[String]) -> String {
    let parts = path.iter().skip(1).map(|part| {
        let (kind, number) =
            part.split_once("_env#").or_else(|| part.split_once('#')).unwrap_or(("", ""));
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        if part.starts_with('{') && !kind.starts_with("{impl") && digits > 0 {
            format!("{{closure#{}}}", &number[..digits])
        } else if part.starts_with('{') {
            part.clone()
        } else {
            part.split('<').next().unwrap_or(part).to_owned()
        }
    });
    let parts: Vec<String> = parts.collect();
    format!("{}.{}", path.first().map_or("", String::as_str), parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::super::recorded::{RESUME_TEXT, write};
    use super::*;

    fn name(path: &[&str]) -> String {
        dump_name(&path.iter().map(|&part| part.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_path_leads_to_its_dump() {
        assert_eq!(
            name(&["a", "b", "{impl#2}", "f<T>", "{async_block#1}", "{async_fn_env#0}<u8>"]),
            "a.b-{impl#2}-f-{closure#1}-{closure#0}"
        );
    }

    #[test]
    fn a_dump_that_cannot_be_read_is_named() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "s1.f-{closure#0}", RESUME_TEXT);
        write(directory.path(), "s1.g-{closure#0}", "cut");
        let mut dumps = Dumps::list(directory.path(), |_| true).unwrap();
        assert_eq!(dumps.len(), 2);
        let path = |name: &str| ["s1", name, "{async_fn_env#0}"].map(str::to_owned);
        assert_eq!(dumps.definitions(&path("f")).len(), 1);
        assert!(dumps.definitions(&path("g")).is_empty() && dumps.unreadable.len() == 1);
        assert_eq!(dumps.compared(), (1, Vec::new()));
    }
}
