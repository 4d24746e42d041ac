//! `size`: bytes of machine code of a coroutine and of an await, against plain `async fn`s of the same text.

use std::fs;

use anyhow::{Context as _, Result, bail};
use lab_strategies::registry::{Entry, Work};
use lab_work::source::Size;
use object::{Object as _, ObjectSection as _};

use super::run::{Experiment, Run};
use super::tools::{packages, params};
use crate::measure::generated::{Mode, Package};
use crate::measure::record_of;
use crate::record::Record;
use crate::show::Section;
use crate::show::table::Grid;

pub(super) struct CodeSize;

const NAME: &str = "size";

/// The program around the functions.
const NONE: Size = Size { chains: 0, levels: 0, awaits: 0 };

/// A hundred functions, or twenty for a first look, of which nine in ten call another so many times.
fn functions(quick: bool, awaits: u32) -> Size {
    Size { chains: if quick { 2 } else { 10 }, levels: 10, awaits }
}

impl Experiment for CodeSize {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "bytes of machine code for a coroutine and for an await, in debug and release builds"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Sources)
    }

    fn in_overview(&self) -> bool {
        false
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let packages = packages(run.participants)?;
        let modes = [Mode::Debug, Mode::Release];
        let (once, thrice) = (functions(run.quick, 1), functions(run.quick, 3));
        run.progress.expect((packages.len() * modes.len()) as u64);
        let mut records = Vec::new();
        for (strategy, package) in packages {
            for mode in modes {
                let text = |size| {
                    text_bytes(&package, size, mode)
                        .with_context(|| format!("{NAME} of {strategy}"))
                };
                let (none, one, three) = (text(NONE)?, text(once)?, text(thrice)?);
                let callers = f64::from(once.functions() - once.chains);
                let per_await = (three - one) / (callers * f64::from(thrice.awaits - once.awaits));
                let figures = [
                    ("coroutine", (one - none) / f64::from(once.functions())),
                    ("await", per_await),
                ];
                for (of, bytes) in figures {
                    let mut params = params! { "of": of, "profile": mode.name() };
                    params.extend(package.params());
                    records.push(record_of(
                        NAME,
                        strategy,
                        &params,
                        "text_bytes",
                        "B",
                        vec![bytes],
                    ));
                }
                run.progress.tick();
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let all: Vec<&Record> = records.iter().collect();
        let column = |record: &Record| format!("{}, {}", record.text("of"), record.text("profile"));
        Ok(vec![Section {
            title: "size: bytes of machine code".to_owned(),
            note: "Of a function that awaits one call (one in ten suspends once instead), and of each further call that \
                   it awaits. The difference in the section `.text` of programs with and without a hundred functions (twenty \
                   with `--quick`), over that number."
                .to_owned(),
            grid: Grid::pivot("strategy", &all, Record::label, column),
            figure: None,
        }])
    }
}

/// Bytes of the section `.text` of a program of this size.
fn text_bytes(package: &Package, size: Size, mode: Mode) -> Result<f64> {
    package.compile(size, mode)?;
    package.verify(size, mode)?;
    let program = fs::read(package.program(mode))?;
    let file = object::File::parse(program.as_slice())?;
    let Some(text) = file.section_by_name(".text") else { bail!("a program without `.text`") };
    Ok(text.size() as f64)
}
