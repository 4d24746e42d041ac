//! Peers: libraries that are built when the lab runs, and loaded into its own process, so that their
//! samples alternate with everybody else's. Whatever they are written in, they have the C interface
//! of `cpp/peers/*.cpp`.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use libloading::Library;

mod chains;
mod lookups;
mod memory;

pub(crate) use chains::ChainPeer;
pub(crate) use lookups::LookupPeer;
pub(crate) use memory::MemoryPeers;

/// The libraries of one strategy; those that the parent `lab` has built are named by it.
#[derive(Debug, Default)]
pub(crate) struct Libraries {
    /// What was loaded: the variable that names it to a child, and the path.
    loaded: RefCell<Vec<(String, PathBuf)>>,
}

impl Libraries {
    /// Loads the library that `variable` names, or else the one that `build` makes of the sources in
    /// this package.
    pub(crate) fn load(
        &self,
        variable: String,
        build: impl FnOnce() -> Result<PathBuf>,
    ) -> Result<Library> {
        let path = match std::env::var_os(&variable) {
            Some(path) => path.into(),
            None => build()?,
        };
        // SAFETY: it was built from the sources in this package, which have no initialisers but those
        // of the languages' runtimes.
        let library = unsafe { Library::new(&path) }?;
        self.loaded.borrow_mut().push((variable, path));
        Ok(library)
    }

    /// What lets a child load the same.
    pub(crate) fn environment(&self) -> Vec<(String, PathBuf)> {
        self.loaded.borrow().clone()
    }
}

/// Runs a program of a toolchain, and gives what it prints. If it fails, the error is its first.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{program} does not run"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let first = message
            .lines()
            .find(|line| line.contains("error"))
            .or_else(|| message.lines().next())
            .unwrap_or("no message");
        bail!("{}", first.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
