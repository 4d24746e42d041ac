//! `lab layout`: what each packing scheme would make of the coroutines of a real program.

mod details;
mod names;
mod picture;
mod records;
mod tables;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use lab_layout::advice::{self, Blocks};
use lab_layout::build::{Build, Built, Target};
use lab_layout::detail::{Detail, detail};
use lab_layout::dwarf::TypeId;
use lab_layout::mir::READ_FOR;
use lab_layout::program::Program;
use lab_layout::program::dumps::Dumps;
use lab_layout::scheme::{Scheme, Sizes};
use lab_layout::totals::Totals;
use lab_work::paths;

use crate::machine::Machine;
use crate::record::JsonSink;
use crate::show::report::{self, Page};

/// What each way of packing coroutines would make of those in a real program
///
/// Builds the program with full debug information, with this program as the wrapper of rustc, and reads from the
/// program and from the compiler's dumps what each `async fn` and block stores. It prints the bytes by scheme, what
/// can be removed by cause, and for each large coroutine what it stores at each suspension. Only what is compiled into
/// the program is there: a library is looked at through a binary, an example or a test. The dumps need unstable flags,
/// which are passed to a stable compiler by `RUSTC_BOOTSTRAP=1`.
///
/// It fails if the model does not give the compiler's size for every type that it knows, or the analyses do not find
/// what the compiler found.
#[derive(Debug, Args)]
#[command(after_long_help = SCHEMES)]
pub struct Arguments {
    /// The program's manifest
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,

    /// The program's package
    #[arg(short, long, value_name = "NAME")]
    package: Option<String>,

    /// One of several programs of the package
    #[arg(long, value_name = "NAME", group = "target")]
    bin: Option<String>,

    /// An example of the package
    #[arg(long, value_name = "NAME", group = "target")]
    example: Option<String>,

    /// A test of the package
    #[arg(long, value_name = "NAME", group = "target")]
    test: Option<String>,

    /// Features, as Cargo takes them
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    features: Vec<String>,

    /// A toolchain of rustup
    #[arg(long, value_name = "NAME")]
    toolchain: Option<String>,

    /// Build in this directory, and keep it: a second build compiles only what has changed
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// A program that was built before, instead of building one
    #[arg(long, value_name = "FILE", requires = "dumps", conflicts_with_all = BUILDING)]
    binary: Option<PathBuf>,

    /// The directory with the dumps of its build
    #[arg(long, value_name = "DIR", requires = "binary")]
    dumps: Option<PathBuf>,

    /// Show the coroutines of at least so many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 256)]
    min_bytes: u64,

    /// Write the results as one JSON object per line; `-` is the standard output, then without tables
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write a report with a picture of each large coroutine's memory into this directory
    #[arg(long, value_name = "DIR")]
    html: Option<PathBuf>,
}

const BUILDING: [&str; 8] =
    ["manifest_path", "package", "bin", "example", "test", "features", "toolchain", "keep"];

const SCHEMES: &str = "\
Schemes:
  today        rustc's
  relocated    arguments and captures are stored until the first resume only (rust-lang/rust#135527)
  overlapped   locals share memory unless they need storage at the same time
  both         relocated and overlapped
  inlined      both, and an awaited coroutine is placed together with the one that awaits it
  bound        no scheme needs less: what is live at the suspension with most
  coroutine    each is a coroutine of cps-core, by its frame in that of its caller
               (a plain future stores what it was called with, and a frame does not: it may be below the bound)
  coroutine-8  the same, if a frame's header were 8 bytes";

/// A program, and everything that was concluded about it.
struct Findings {
    name: String,
    program: Program,
    totals: Totals,
    largest: Vec<Large>,
}

/// A large coroutine.
struct Large {
    ty: TypeId,
    detail: Detail,
    blocks: Option<Blocks>,
}

impl Findings {
    fn of(name: String, program: Program, min_bytes: u64) -> Self {
        let totals = Totals::of(&program);
        let mut sizes = Sizes::new(&program, Scheme::Coroutine);
        let largest = totals.largest(min_bytes).into_iter().map(|ty| {
            let found = &program.coroutines[&ty];
            Large { ty, detail: detail(&program, found), blocks: advice::blocks(&mut sizes, found) }
        });
        let largest = largest.collect();
        Self { name, program, totals, largest }
    }

    /// The size of a coroutine under a scheme.
    fn size(&self, ty: TypeId, scheme: Scheme) -> u64 {
        self.totals.coroutines[&ty][&scheme]
    }
}

/// `lab layout`; `command` is the command line, if it is not this process's.
///
/// # Errors
/// If the program cannot be built or read, if a file cannot be written, or if something is not as the compiler has it.
pub fn run(arguments: &Arguments, command: Option<String>) -> Result<()> {
    let mut json = arguments.json.as_deref().map(JsonSink::open).transpose()?;
    let quiet = matches!(json, Some(JsonSink::Stdout));
    let (name, program) = read(arguments)?;
    let compiler = program.types.compiler.clone();
    let findings = Findings::of(name, program, arguments.min_bytes);
    if !quiet {
        let mut out = io::stdout().lock();
        writeln!(out, "{}, built by {compiler}", findings.name)?;
        tables::checks(&mut out, &findings)?;
        for section in tables::sections(&findings) {
            writeln!(out, "\n{}\n{}\n{}", section.title, section.note, section.grid.to_terminal())?;
        }
        details::write(&mut out, &findings)?;
    }
    if let Some(json) = &mut json {
        let mut records = records::of(&findings);
        let mut machine = Machine { compiler: compiler.clone(), ..Machine::here() };
        machine.command = command.unwrap_or(machine.command);
        if let Some(first) = records.first_mut() {
            first.machine = Some(Box::new(machine));
        }
        records.iter().try_for_each(|record| json.write(record))?;
    }
    if let Some(directory) = &arguments.html {
        let mut sections = tables::sections(&findings);
        sections.extend(details::sections(&findings));
        let page = Page {
            title: format!("What {} stores in its coroutines", findings.name),
            about: format!(
                "Built by {compiler}. Sizes in bytes; every size of today is the compiler's own, and the model gives \
                 the same."
            ),
            records: &[],
            strategies: Vec::new(),
            absent: &[],
        };
        let path = report::write(directory, &Machine::here(), &page, &sections)?;
        if !quiet {
            writeln!(io::stdout(), "\nreport: {}", path.display())?;
        }
    }
    verdict(&findings.program, &compiler)
}

/// The program, which is built first unless it is there.
fn read(arguments: &Arguments) -> Result<(String, Program)> {
    if let (Some(binary), Some(dumps)) = (&arguments.binary, &arguments.dumps) {
        let name = binary.file_name().unwrap_or(binary.as_os_str()).to_string_lossy().into_owned();
        return Ok((name, Program::read(binary, Dumps::list(dumps, |_| true)?)?));
    }
    let build = Build {
        manifest_path: arguments.manifest_path.clone(),
        package: arguments.package.clone(),
        target: target(arguments),
        features: arguments.features.clone(),
        toolchain: arguments.toolchain.clone(),
    };
    let built = |directory: &Path| -> Result<(String, Program)> {
        let wrapper = std::env::current_exe().context("this program's own file")?;
        let Built { name, binary, dumps } = build.run(directory, &wrapper)?;
        Ok((name, Program::read(&binary, dumps)?))
    };
    match &arguments.keep {
        Some(directory) => {
            let directory = std::path::absolute(directory)?;
            built(&directory)
        }
        None => {
            let fresh = tempfile::Builder::new().prefix("lab-layout-").tempdir_in(paths::target());
            built(fresh.context("cannot create a directory for the build")?.path())
        }
    }
}

fn target(arguments: &Arguments) -> Option<Target> {
    let bin = arguments.bin.clone().map(Target::Bin);
    let example = arguments.example.clone().map(Target::Example);
    bin.or(example).or(arguments.test.clone().map(Target::Test))
}

/// An error unless everything is as the compiler has it.
fn verdict(program: &Program, compiler: &str) -> Result<()> {
    if program.types.coroutines.is_empty() {
        bail!("there are no coroutines in the program's debug information");
    }
    let checked = &program.checked;
    if checked.is_right() && checked.types > 0 {
        return Ok(());
    }
    for (name, model, real) in checked.other_size.iter().take(10) {
        eprintln!("{name}: the compiler has {} bytes, the model {}", real.size, model.size);
    }
    for file in checked.other_liveness.iter().chain(&checked.unreadable).take(10) {
        eprintln!("{file}");
    }
    let read_for =
        READ_FOR.iter().any(|version| compiler.starts_with(&format!("rustc {version}.")));
    let hint = if read_for { "" } else { " (the text of its dumps was read for another version)" };
    bail!(
        "not as {compiler} has it: the size of {} types, the liveness of {} definitions; {} dumps cannot be read{hint}",
        checked.other_size.len(),
        checked.other_liveness.len(),
        checked.unreadable.len()
    )
}
