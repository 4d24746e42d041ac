//! The table of a survey: what `lab layout --json` wrote about several programs, as Markdown.
//!
//! It needs all coroutines of each program, `--min-bytes 0`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use lab_layout::scheme::Scheme;
use serde_json::Value;

/// A coroutine's type, by its name and today's size.
type Known = (String, u64);

/// What is known about one program, or about all.
#[derive(Default)]
struct Findings {
    name: String,
    counts: BTreeMap<String, u64>,
    coroutines: BTreeMap<Known, BTreeMap<String, u64>>,
    missing: BTreeSet<String>,
}

fn main() -> Result<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    ensure!(!files.is_empty(), "usage: survey FILE…");
    let mut programs = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        programs.push(read(&text).with_context(|| file.display().to_string())?);
    }
    let mut all = Findings { name: "all, distinct".to_owned(), ..Findings::default() };
    for program in &programs {
        all.coroutines.extend(program.coroutines.clone());
        all.missing.extend(program.missing.iter().cloned());
        for (metric, count) in &program.counts {
            *all.counts.entry(metric.clone()).or_default() += count;
        }
    }
    table(&programs, &all);
    summary(&all);
    Ok(())
}

fn read(text: &str) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut sizes: BTreeMap<String, BTreeMap<u64, BTreeMap<String, u64>>> = BTreeMap::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line)?;
        let params = &record["params"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let value = record["value"].as_f64().context("a record has no value")? as u64;
        let (metric, coroutine) = (text(&record["metric"]), text(&params["coroutine"]));
        findings.name = text(&params["program"]);
        match (metric.as_str(), coroutine.is_empty()) {
            ("bytes", false) => {
                // Types of one name differ in number.
                let number = params["number"].as_u64().context("a coroutine has no number")?;
                let of = sizes.entry(coroutine).or_default().entry(number).or_default();
                of.insert(text(&params["scheme"]), value);
            }
            ("not_modelled", false) => drop(findings.missing.insert(coroutine)),
            ("bytes", true) | (_, false) => {}
            (_, true) => drop(findings.counts.insert(metric, value)),
        }
    }
    for (name, types) in sizes {
        for of in types.into_values() {
            findings.coroutines.insert((name.clone(), of[Scheme::Today.name()]), of);
        }
    }
    Ok(findings)
}

impl Findings {
    fn bytes(&self, scheme: Scheme) -> u64 {
        self.coroutines.values().map(|of| of[scheme.name()]).sum()
    }

    fn count(&self, metric: &str) -> u64 {
        self.counts.get(metric).copied().unwrap_or(0)
    }
}

fn table(programs: &[Findings], all: &Findings) {
    let schemes = &Scheme::ALL[1..];
    let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name()).collect();
    println!("| program | types | modelled | bytes | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(schemes.len() + 3));
    for findings in programs.iter().chain([all]) {
        let today = findings.bytes(Scheme::Today);
        let changes: Vec<String> = schemes
            .iter()
            .map(|&scheme| {
                format!("{:+.1}", 100.0 * (findings.bytes(scheme) as f64 / today as f64 - 1.0))
            })
            .collect();
        let modelled = findings.coroutines.len();
        let types = modelled + findings.missing.len();
        let name = findings.name.trim_start_matches("survey-");
        println!("| {name} | {types} | {modelled} | {today} | {} |", changes.join(" | "));
    }
}

fn summary(all: &Findings) {
    println!(
        "\nIn all programs together, not distinct: {} types, {} modelled, {} of these with the compiler's size; {} of \
         them are awaited by no other; {} \
         definitions read, {} of these with the compiler's liveness.",
        all.count("types"),
        all.count("modelled"),
        all.count("right"),
        all.count("roots"),
        all.count("definitions"),
        all.count("right_definitions"),
    );
    let bytes = |scheme| i128::from(all.bytes(scheme));
    let removable = bytes(Scheme::Today) - bytes(Scheme::Bound);
    let share = |from, to| 100.0 * (bytes(from) - bytes(to)) as f64 / removable as f64;
    println!(
        "\nOf {removable} bytes that can be removed, captures are {:.0} %, locals over several awaits {:.0} %, nesting \
         {:.0} %, the rest {:.0} %.",
        share(Scheme::Today, Scheme::Relocated),
        share(Scheme::Relocated, Scheme::Both),
        share(Scheme::Both, Scheme::Inlined),
        share(Scheme::Inlined, Scheme::Bound),
    );
    for least in [64, 256, 1024] {
        let large = all.coroutines.values().filter(|of| of[Scheme::Today.name()] >= least);
        let (mut smaller, mut same, mut larger) = (0, 0, 0);
        let (mut today, mut ours) = (0, 0);
        for of in large {
            let sizes = (of[Scheme::Today.name()], of[Scheme::Coroutine.name()]);
            (today, ours) = (today + sizes.0, ours + sizes.1);
            match sizes.1.cmp(&sizes.0) {
                std::cmp::Ordering::Less => smaller += 1,
                std::cmp::Ordering::Equal => same += 1,
                std::cmp::Ordering::Greater => larger += 1,
            }
        }
        println!(
            "\nTypes of {least} bytes and more: as coroutines {smaller} are smaller, {same} as large, {larger} larger; \
             together {:+.1} %.",
            100.0 * (ours as f64 / today as f64 - 1.0)
        );
    }
    let mut gains: Vec<_> = all.coroutines.iter().collect();
    gains.sort_by_key(|(_, of)| {
        std::cmp::Reverse(
            i128::from(of[Scheme::Today.name()]) - i128::from(of[Scheme::Coroutine.name()]),
        )
    });
    println!("\n| coroutine | {} |", Scheme::ALL.map(Scheme::name).join(" | "));
    println!("|---|{}", "---|".repeat(Scheme::ALL.len()));
    for ((name, _), of) in gains.into_iter().take(12) {
        let path = name.split('<').next().unwrap_or(name);
        let sizes = Scheme::ALL.map(|scheme| of[scheme.name()].to_string());
        println!("| `{path}` | {} |", sizes.join(" | "));
    }
}
