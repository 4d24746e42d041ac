//! Building a program so that it can be looked at: Cargo, with this program as its `RUSTC_WRAPPER`.

pub mod wrapper;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::program::dumps::Dumps;

/// What is built.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The package's or workspace's manifest; that of the current directory if there is none.
    pub manifest_path: Option<PathBuf>,
    /// The package.
    pub package: Option<String>,
    /// The program, if the package has several.
    pub target: Option<Target>,
    /// Features, as Cargo takes them.
    pub features: Vec<String>,
    /// A toolchain of rustup.
    pub toolchain: Option<String>,
}

/// A program of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `--bin`
    Bin(String),
    /// `--example`
    Example(String),
    /// `--test`
    Test(String),
}

/// A program that was built.
#[derive(Debug)]
pub struct Built {
    /// Its name.
    pub name: String,
    /// The file.
    pub binary: PathBuf,
    /// The dumps of all that is in it.
    pub dumps: Dumps,
}

impl Target {
    /// As Cargo calls such a target, and its name.
    fn kind_and_name(&self) -> (&str, &str) {
        match self {
            Self::Bin(name) => ("bin", name),
            Self::Example(name) => ("example", name),
            Self::Test(name) => ("test", name),
        }
    }
}

/// Where the dumps are, below the target directory. There is a directory for each unit that Cargo compiles, which has
/// the hash in the unit's file name. So it is right also if the unit was compiled by an earlier build.
const DUMPS: &str = "dumps";

impl Build {
    /// Builds in `directory`, with `wrapper` as the program that calls [`wrapper::run`] if it is called as a wrapper.
    /// What Cargo says goes to the standard error.
    ///
    /// # Errors
    /// If Cargo fails, or does not build exactly one program.
    pub fn run(&self, directory: &Path, wrapper: &Path) -> Result<Built> {
        let dumps = directory.join(DUMPS);
        std::fs::create_dir_all(&dumps)
            .with_context(|| format!("cannot create {}", dumps.display()))?;
        let mut cargo = Command::new(self.cargo());
        cargo
            .args(self.arguments())
            .env("RUSTC_WRAPPER", wrapper)
            .env(wrapper::DUMPS, &dumps)
            .env("CARGO_TARGET_DIR", directory)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "2")
            .env("CARGO_PROFILE_TEST_DEBUG", "2")
            // Those of the Cargo that this program may run under are of another package.
            .env_remove("RUSTC")
            .env_remove("RUSTC_WORKSPACE_WRAPPER")
            .env_remove("CARGO_BUILD_TARGET_DIR")
            .stdout(Stdio::piped());
        let mut running = cargo.spawn().context("cannot run cargo")?;
        let output = running.stdout.take().context("cargo has no output")?;
        let mut artifacts = Artifacts::default();
        for line in BufReader::new(output).lines() {
            artifacts.read(&line?);
        }
        ensure!(running.wait()?.success(), "the build has failed");
        let (name, binary) = artifacts.program(self.target.as_ref())?;
        let dumps = Dumps::list(&dumps, |unit| artifacts.has(unit))?;
        ensure!(!dumps.is_empty(), "the compiler has dumped nothing: no crate of {name} is async");
        Ok(Built { name, binary, dumps })
    }

    fn cargo(&self) -> OsString {
        // With a toolchain it must be the one of rustup.
        match (&self.toolchain, std::env::var_os("CARGO")) {
            (None, Some(cargo)) => cargo,
            _ => "cargo".into(),
        }
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        arguments.extend(self.toolchain.iter().map(|toolchain| format!("+{toolchain}").into()));
        arguments.push("build".into());
        arguments.push("--message-format=json-render-diagnostics".into());
        let mut add = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        if let Some(path) = &self.manifest_path {
            add("--manifest-path", path.into());
        }
        if let Some(package) = &self.package {
            add("--package", package.into());
        }
        match &self.target {
            Some(Target::Bin(name)) => add("--bin", name.into()),
            Some(Target::Example(name)) => add("--example", name.into()),
            Some(Target::Test(name)) => add("--test", name.into()),
            None => {}
        }
        if !self.features.is_empty() {
            add("--features", self.features.join(",").into());
        }
        arguments
    }
}

/// What Cargo says that it has built, or found built.
#[derive(Debug, Default)]
struct Artifacts {
    /// Hashes of units.
    units: BTreeSet<String>,
    programs: Vec<Executable>,
}

#[derive(Debug)]
struct Executable {
    kind: String,
    name: String,
    file: PathBuf,
}

impl Artifacts {
    fn read(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        if message["reason"] != "compiler-artifact" {
            return;
        }
        for file in message["filenames"].as_array().into_iter().flatten() {
            let stem = file.as_str().and_then(|file| Path::new(file).file_stem()?.to_str());
            if let Some((_, hash)) = stem.and_then(|stem| stem.rsplit_once('-')) {
                self.units.insert(hash.to_owned());
            }
        }
        if let Some(file) = message["executable"].as_str() {
            let name = message["target"]["name"].as_str().unwrap_or_default();
            // A program's file may have no hash in its name: then its crate does.
            self.units.insert(name.replace('-', "_"));
            let kind = message["target"]["kind"][0].as_str().unwrap_or_default();
            let (kind, name) = (kind.to_owned(), name.to_owned());
            self.programs.push(Executable { kind, name, file: file.into() });
        }
    }

    /// Whether a directory of dumps, `hash` or `crate-hash`, is of one of these units.
    fn has(&self, unit: &str) -> bool {
        let (name, hash) = unit.rsplit_once('-').unwrap_or(("", unit));
        self.units.contains(hash) || self.units.contains(name)
    }

    /// The program that was asked for: with a test Cargo builds the programs of its package, too.
    fn program(&self, target: Option<&Target>) -> Result<(String, PathBuf)> {
        let target = target.map(Target::kind_and_name);
        let is_meant = |program: &&Executable| {
            target.is_none_or(|(kind, name)| (kind, name) == (&program.kind, &program.name))
        };
        let programs: Vec<&Executable> = self.programs.iter().filter(is_meant).collect();
        match programs.as_slice() {
            [one] => Ok((one.name.clone(), one.file.clone())),
            [] => bail!("there is no program in it: name one with --bin, --example or --test"),
            several => {
                let names: Vec<&str> = several.iter().map(|program| &*program.name).collect();
                bail!("it has several programs, name one: {}", names.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_the_program_are_read_from_messages() {
        let mut artifacts = Artifacts::default();
        artifacts.read(
            r#"{"reason":"compiler-artifact","filenames":["/t/deps/liba-0f1e.rlib","/t/deps/liba-0f1e.rmeta"]}"#,
        );
        assert!(artifacts.program(None).unwrap_err().to_string().contains("--bin"));
        let program = |kind: &str, name: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["{kind}"],"name":"{name}"}},"filenames":["/t/{name}"],
                    "executable":"/t/{name}"}}"#
            )
        };
        artifacts.read("not JSON");
        artifacts.read(&program("bin", "my-program"));
        assert_eq!(artifacts.program(None).unwrap().1, Path::new("/t/my-program"));
        assert!(artifacts.has("a-0f1e") && artifacts.has("my_program-77aa"));
        assert!(!artifacts.has("b-77aa"));
        artifacts.read(&program("test", "other"));
        let error = artifacts.program(None).unwrap_err().to_string();
        assert!(error.contains("my-program, other"), "{error}");
        let test = artifacts.program(Some(&Target::Test("other".to_owned()))).unwrap();
        assert_eq!(test, ("other".to_owned(), "/t/other".into()));
    }
}
