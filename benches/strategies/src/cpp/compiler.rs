//! Finding a C++ compiler, and compiling the peers with it.

use std::env::consts::ARCH;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use lab_work::paths;

use crate::foreign::run;

/// As Rust's release profile: full optimisation for the target's baseline processor.
const FLAGS: [&str; 6] = [
    "-O3",
    "-std=c++20",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    "-Wno-unused-command-line-argument",
];

/// What the units include: the name, and the text.
const HEADER: (&str, &str) = ("task.hpp", include_str!("peers/task.hpp"));

/// A family of compilers.
#[derive(Debug)]
pub struct Compiler {
    /// The program's name without a version.
    program: &'static str,
    /// The package of Debian's that has it.
    package: &'static str,
    /// The versions looked for as `program-version`, newest first.
    versions: std::ops::RangeInclusive<u32>,
    /// What the variables end in by which a parent `lab` names the libraries that it has built.
    suffix: &'static str,
    /// The first version that knows `[[clang::coro_await_elidable]]`.
    elides_from: u32,
    /// Whether one program compiles for all machines.
    takes_target: bool,
}

/// Clang 14 is the first whose `<coroutine>` needs no flag.
pub const CLANG: Compiler = Compiler {
    program: "clang++",
    package: "clang",
    versions: 14..=24,
    suffix: "CLANG",
    elides_from: 20,
    takes_target: true,
};

/// GCC 11 is the first with coroutines in plain C++20.
pub const GCC: Compiler = Compiler {
    program: "g++",
    package: "g++",
    versions: 11..=17,
    suffix: "GCC",
    elides_from: u32::MAX,
    takes_target: false,
};

/// A library to be compiled.
#[derive(Debug)]
pub(crate) struct Unit {
    /// The file's name, for messages.
    pub(crate) file: &'static str,
    /// Its text.
    pub(crate) source: &'static str,
    /// What it asks of the compiler; `-D…`.
    pub(crate) define: Option<&'static str>,
    /// What the variable begins with by which a parent `lab` names the library.
    pub(crate) variable: &'static str,
}

/// A compiler that was found.
#[derive(Debug)]
pub(crate) struct Toolchain {
    compiler: &'static Compiler,
    program: String,
    version: String,
    /// What it is told to compile for, if that is not what it does anyway.
    target: Option<String>,
}

impl Compiler {
    /// The newest compiler of the family on the path that compiles for the lab's architecture.
    pub(crate) fn find(&'static self) -> Result<Toolchain> {
        // As Debian names compilers for another machine, too.
        let names = [self.program.to_owned(), format!("{ARCH}-linux-gnu-{}", self.program)];
        let numbered = names.iter().flat_map(|name| {
            self.versions.clone().rev().map(move |version| format!("{name}-{version}"))
        });
        names
            .iter()
            .cloned()
            .chain(numbered)
            .filter_map(|program| self.toolchain(program))
            // The first of the newest.
            .rev()
            .max_by_key(|toolchain| major(&toolchain.version))
            .with_context(|| {
                format!("no {0} on the path: apt-get install {1}", self.program, self.package)
            })
    }

    /// The compiler of this name, if it is there and can compile for the lab's architecture.
    fn toolchain(&'static self, program: String) -> Option<Toolchain> {
        let ask = |question: &str| {
            let output = Command::new(&program).arg(question).output().ok()?;
            let answer = String::from_utf8(output.stdout).ok()?.trim().to_owned();
            output.status.success().then_some(answer)
        };
        let version = ask("-dumpfullversion").or_else(|| ask("-dumpversion"))?;
        major(&version)?;
        let is_foreign = ask("-dumpmachine")
            .is_some_and(|machine| machine.contains('-') && !machine.starts_with(ARCH));
        let target = is_foreign.then(|| format!("--target={ARCH}-linux-gnu"));
        if target.is_some() && !self.takes_target {
            return None;
        }
        Some(Toolchain { compiler: self, program, version, target })
    }

    /// The variable by which a parent `lab` names its library of this unit.
    pub(crate) fn variable(&self, unit: &Unit) -> String {
        format!("{}_{}", unit.variable, self.suffix)
    }
}

impl Toolchain {
    /// Whether it can put the frame of a callee into its caller's when it is asked to.
    pub(crate) fn elides(&self) -> bool {
        major(&self.version).is_some_and(|version| version >= self.compiler.elides_from)
    }

    /// What the libraries are built by.
    pub(crate) fn describe(&self) -> String {
        [&self.program, &self.version, FLAGS[0]]
            .into_iter()
            .chain(self.target.as_deref())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The path of the compiled unit, now or before.
    pub(crate) fn library(&self, unit: &Unit) -> Result<PathBuf> {
        let Toolchain { program, version, target, .. } = self;
        let mut hasher = DefaultHasher::new();
        (unit.source, HEADER, unit.define, FLAGS, program, version, target).hash(&mut hasher);
        let directory = paths::cache("lab-peers")?;
        let path = directory.join(format!("{program}-{:016x}.so", hasher.finish()));
        if !path.exists() {
            self.compile(unit, &directory, &path)
                .with_context(|| format!("{program} {version} cannot build {}", unit.file))?;
        }
        Ok(path)
    }

    /// Compiles into a file of its own and renames it, so that another `lab` never loads half of one.
    fn compile(&self, unit: &Unit, directory: &Path, library: &Path) -> Result<()> {
        let work = tempfile::tempdir_in(directory)?;
        let source = work.path().join(unit.file);
        let output = work.path().join("peer.so");
        std::fs::write(&source, unit.source)?;
        std::fs::write(work.path().join(HEADER.0), HEADER.1)?;
        run(Command::new(&self.program).args(&self.target).args(FLAGS).args(unit.define).args([
            source.as_os_str(),
            OsStr::new("-o"),
            output.as_os_str(),
        ]))?;
        std::fs::rename(&output, library)?;
        Ok(())
    }
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}
