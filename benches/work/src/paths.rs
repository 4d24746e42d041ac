//! The default places of the lab's output.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// The build directory that this program lies in, or the system's directory for temporary files if
/// it has been moved elsewhere.
#[must_use]
pub fn target() -> PathBuf {
    let exe = std::env::current_exe().ok();
    let target = exe.iter().flat_map(|exe| exe.ancestors()).find(|directory| {
        // Cargo puts this file into the root of every build directory.
        directory.join("CACHEDIR.TAG").is_file()
    });
    target.map_or_else(std::env::temp_dir, PathBuf::from)
}

/// The directory `name` below [`target`], created if missing.
///
/// # Errors
/// If it cannot be created.
pub fn cache(name: &str) -> Result<PathBuf> {
    let directory = target().join(name);
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    Ok(directory)
}
