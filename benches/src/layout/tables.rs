//! The tables of a whole program.

use std::io::{self, Write};

use lab_layout::scheme::{DRIVER, Scheme};

use super::Findings;
use super::names::{bytes, change, coroutine};
use crate::show::Section;
use crate::show::table::Grid;

/// What was compared with the compiler, and what could not be.
pub(super) fn checks(out: &mut impl Write, findings: &Findings) -> io::Result<()> {
    let program = &findings.program;
    let checked = &program.checked;
    let definitions = checked.definitions + checked.other_liveness.len();
    writeln!(
        out,
        "coroutine types: {} in the program, {} modelled, of which {} have the compiler's size",
        program.types.coroutines.len(),
        program.coroutines.len(),
        checked.types,
    )?;
    writeln!(
        out,
        "their definitions: {definitions}, of which {} have the compiler's liveness",
        checked.definitions
    )?;
    for (ty, reason) in &program.missing {
        let name = coroutine(&program.types.get(*ty).name);
        writeln!(out, "not modelled: {name}: {}", reason.name())?;
    }
    Ok(())
}

/// Totals by scheme, causes, and the large coroutines by scheme.
pub(super) fn sections(findings: &Findings) -> Vec<Section> {
    let mut sections = vec![by_scheme(findings), by_cause(findings)];
    sections.extend((!findings.largest.is_empty()).then(|| largest(findings)));
    sections
}

fn by_scheme(findings: &Findings) -> Section {
    let today = findings.totals.bytes(Scheme::Today);
    let rows = Scheme::ALL.map(|scheme| {
        let total = findings.totals.bytes(scheme);
        (scheme.name().to_owned(), vec![bytes(total), change(today, total)])
    });
    Section {
        title: "All coroutine types: bytes by scheme".to_owned(),
        note: format!(
            "The sum over {} types. For coroutines that is their frames; {} are awaited by no other, and would be \
             roots, each with {DRIVER} bytes for the driver of its chain.",
            findings.totals.coroutines.len(),
            findings.totals.roots.len(),
        ),
        grid: Grid {
            corner: "scheme".to_owned(),
            columns: vec!["bytes".to_owned(), "change".to_owned()],
            rows: rows.into(),
        },
        figure: None,
    }
}

fn by_cause(findings: &Findings) -> Section {
    let causes = findings.totals.causes();
    let all = [
        ("arguments and captures, stored for life", causes.captures),
        ("locals over several awaits, stored for life", causes.several_awaits),
        ("awaited coroutines, packed by themselves", causes.nesting),
        ("the rest, to the bound", causes.rest),
    ];
    let sum: i128 = all.iter().map(|(_, bytes)| bytes).sum();
    let share = |part: i128| {
        if sum == 0 { String::new() } else { format!("{:.1} %", 100.0 * part as f64 / sum as f64) }
    };
    let rows = all.map(|(cause, part)| (cause.to_owned(), vec![part.to_string(), share(part)]));
    Section {
        title: "What can be removed: bytes by cause".to_owned(),
        note: format!("{sum} bytes of {} in all.", findings.totals.bytes(Scheme::Today)),
        grid: Grid {
            corner: "cause".to_owned(),
            columns: vec!["bytes".to_owned(), "share".to_owned()],
            rows: rows.into(),
        },
        figure: None,
    }
}

fn largest(findings: &Findings) -> Section {
    let rows = findings.largest.iter().map(|large| {
        let name = coroutine(&findings.program.types.get(large.ty).name);
        let cells = Scheme::ALL.map(|scheme| findings.size(large.ty, scheme).to_string());
        (name, cells.into())
    });
    Section {
        title: "Large coroutines: bytes by scheme".to_owned(),
        note: String::new(),
        grid: Grid {
            corner: "coroutine".to_owned(),
            columns: Scheme::ALL.map(|scheme| scheme.name().to_owned()).into(),
            rows: rows.collect(),
        },
        figure: None,
    }
}
