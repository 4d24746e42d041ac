//! Counting the instructions of any architecture on any other: QEMU runs a program, and a plugin of this project counts.
//!
//! The emulated processor, and what the program takes for random, are the same each time.

use std::env::consts::ARCH;
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use lab_work::paths;

/// The plugin's source.
const SOURCE: &str = include_str!("count.c");

/// What emulates the lab's own architecture.
#[derive(Debug)]
pub(super) struct Emulator {
    program: String,
    version: String,
    plugin: PathBuf,
}

/// A processor of servers, if QEMU's usual one is not to be taken: that has everything which QEMU knows.
fn processor() -> Option<&'static str> {
    (ARCH == "aarch64").then_some("neoverse-n1")
}

impl Emulator {
    /// Looks for the emulator and builds the plugin.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn find() -> Result<Self> {
        let program = format!("qemu-{ARCH}");
        let output = Command::new(&program).arg("--version").output();
        let output = output
            .with_context(|| format!("no {program} on the path: apt-get install qemu-user"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_whitespace().skip_while(|word| *word != "version").nth(1);
        let version =
            version.with_context(|| format!("{program} does not say its version"))?.to_owned();
        let plugin = plugin(&version)?;
        Ok(Self { program, version, plugin })
    }

    /// The processor that it emulates.
    pub(super) fn describe(&self) -> String {
        let processor = processor().unwrap_or(ARCH);
        format!("{processor}, emulated by {} {} ({ARCH})", self.program, self.version)
    }

    /// Runs `program` under the emulator, as far as the caller has not said yet.
    pub(super) fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(&self.program);
        // The libraries of another architecture, where Debian puts them.
        let libraries = format!("/usr/{ARCH}-linux-gnu");
        if Path::new(&libraries).is_dir() {
            command.args(["-L", &libraries]);
        }
        if let Some(processor) = processor() {
            command.args(["-cpu", processor]);
        }
        let mut plugin = OsString::from("file=");
        plugin.push(&self.plugin);
        command.args(["-seed", "1", "-plugin"]).arg(plugin).arg(program);
        command
    }

    /// What the plugin has printed.
    pub(super) fn count(messages: &str) -> Result<f64> {
        let count =
            messages.lines().find_map(|line| line.strip_prefix("Executed : ")?.trim().parse().ok());
        count.context("the plugin did not say how many instructions it counted")
    }
}

/// The compiled plugin, now or before. The compiler's target is the emulator's architecture, whatever the lab's is.
fn plugin(version: &str) -> Result<PathBuf> {
    let major: u32 =
        version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default();
    // QEMU 9 refuses plugins of the first interface, and knows what this one calls by the second.
    let interface = format!("-DPLUGIN_VERSION={}", if major < 9 { 1 } else { 2 });
    let mut hasher = DefaultHasher::new();
    (SOURCE, &interface).hash(&mut hasher);
    let directory = paths::cache("lab-counter")?;
    let path = directory.join(format!("count-{:016x}.so", hasher.finish()));
    if !path.exists() {
        let work = tempfile::tempdir_in(&directory)?;
        let (source, library) = (work.path().join("count.c"), work.path().join("count.so"));
        std::fs::write(&source, SOURCE)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-shared", "-fPIC", &interface, "-o"]).args([&library, &source]);
        let output = compiler.output().context("no C compiler `cc` for QEMU's plugin")?;
        if !output.status.success() {
            bail!("cc cannot build QEMU's plugin: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::fs::rename(&library, &path)?;
    }
    Ok(path)
}
