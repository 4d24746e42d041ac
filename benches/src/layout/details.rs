//! Each large coroutine: what it stores at each suspension, and what can be done about it.

use std::cmp::Ordering;
use std::io::{self, Write};

use lab_layout::detail::{Suspended, Use};
use lab_layout::scheme::{DRIVER, Scheme};

use super::names::{bytes, change, coroutine, place, variable};
use super::{Findings, Large, picture};
use crate::show::Section;
use crate::show::table::Grid;

/// For the terminal.
pub(super) fn write(out: &mut impl Write, findings: &Findings) -> io::Result<()> {
    for large in &findings.largest {
        let name = coroutine(&findings.program.types.get(large.ty).name);
        writeln!(out, "\n{name}: {} bytes", bytes(large.detail.size))?;
        for suspended in &large.detail.suspensions {
            writeln!(
                out,
                "  {}: live {}{}; dead {}{}; free {}",
                place(&suspended.place),
                bytes(suspended.bytes(Use::Live)),
                list(suspended, Use::Live),
                bytes(suspended.bytes(Use::Dead)),
                list(suspended, Use::Dead),
                bytes(suspended.free(large.detail.size)),
            )?;
        }
        for line in advice(findings, large) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// For the report: with a picture of each.
pub(super) fn sections(findings: &Findings) -> Vec<Section> {
    let section = |large: &Large| {
        let row = |suspended: &Suspended| {
            let cell = |use_| format!("{}{}", bytes(suspended.bytes(use_)), list(suspended, use_));
            let free = bytes(suspended.free(large.detail.size));
            (place(&suspended.place), vec![cell(Use::Live), cell(Use::Dead), free])
        };
        let name = coroutine(&findings.program.types.get(large.ty).name);
        Section {
            title: format!("{name}: {} bytes", bytes(large.detail.size)),
            note: advice(findings, large).join(" "),
            grid: Grid {
                corner: "suspension".to_owned(),
                columns: ["live", "dead", "free"].map(str::to_owned).into(),
                rows: large.detail.suspensions.iter().map(row).collect(),
            },
            figure: Some(picture::of(findings, large)),
        }
    };
    findings.largest.iter().map(section).collect()
}

/// The largest pieces of one use: ` (__awaitee 976, text 24, …)`.
fn list(suspended: &Suspended, use_: Use) -> String {
    let mut pieces: Vec<_> = suspended.pieces.iter().filter(|piece| piece.use_ == use_).collect();
    if pieces.is_empty() {
        return String::new();
    }
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.size));
    let more = if pieces.len() > 4 { ", …" } else { "" };
    let names = pieces
        .iter()
        .take(4)
        .map(|piece| format!("{} {}", variable(&piece.name), bytes(piece.size)));
    format!(" ({}{more})", names.collect::<Vec<_>>().join(", "))
}

/// In sentences.
fn advice(findings: &Findings, large: &Large) -> Vec<String> {
    let size = |scheme| findings.size(large.ty, scheme);
    let (today, ours) = (size(Scheme::Today), size(Scheme::Coroutine));
    let mut lines = Vec::new();
    let doubled: Vec<String> = large
        .detail
        .doubled
        .iter()
        .map(|(name, size)| format!("{name} {}", bytes(*size)))
        .collect();
    if !doubled.is_empty() {
        lines.push(format!(
            "Stored twice, as an argument and as a variable: {}.",
            doubled.join(", ")
        ));
    }
    // No other awaits it, so that it would be a root.
    let driver = if findings.totals.roots.contains(&large.ty) {
        format!(", and {DRIVER} for the driver of its chain")
    } else {
        String::new()
    };
    let sizes = format!("{} → {} bytes", bytes(today), bytes(ours));
    lines.push(match ours.cmp(&today) {
        Ordering::Less => format!("As a coroutine {sizes} ({}){driver}.", change(today, ours)),
        Ordering::Equal => format!("As a coroutine as large{driver}."),
        Ordering::Greater => format!("Larger as a coroutine: {sizes}{driver}."),
    });
    if let Some(blocks) = &large.blocks {
        let lines_of = blocks.lines.iter().map(|(first, last)| {
            if first.file == last.file && first.line == last.line {
                format!("around line {}", first.line)
            } else {
                format!("from line {} to {}", first.line, last.line)
            }
        });
        let lines_of: Vec<String> = lines_of.collect();
        lines.push(match lines_of.as_slice() {
            [one] => {
                format!(
                    "A block {one}, packed by itself (`pack!`), saves {} of these.",
                    bytes(blocks.saves)
                )
            }
            several => format!(
                "Blocks {}, each packed by itself (`pack!`), save {} of these.",
                several.join(", "),
                bytes(blocks.saves)
            ),
        });
    }
    lines
}
