//! The tables and figures of `memory`.

use anyhow::Result;
use lab_work::memory::{PAYLOADS, Shape};

use super::{CHAINS, MOVE, TASKS};
use crate::experiment::tools::{lines, with};
use crate::record::Record;
use crate::show::Section;
use crate::show::plot;
use crate::show::table::Grid;

const DEFINITION: &str = "bytes: what the chain keeps while suspended, its root included, which is \
    an allocation; the most at any of its suspensions, counted by the allocator. Stackful: from \
    the stack's base to the furthest byte touched. C++ on the heap: not inlined, and so not elided.";

pub(super) fn sections(records: &[Record]) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    let metric = |name: &str| -> Vec<&Record> {
        records.iter().filter(|record| record.metric == name).collect()
    };
    for payload in PAYLOADS {
        for (name, title, note) in [
            ("bytes", "bytes while suspended", DEFINITION),
            ("peak_bytes", "bytes at any time", "As above, also while running."),
            ("allocations", "allocations", "The root's included."),
        ] {
            let chosen: Vec<&Record> = metric(name)
                .into_iter()
                .filter(|r| r.number("payload") == Some(payload.into()) && is_chain(r))
                .collect();
            if !chosen.is_empty() {
                sections.push(Section {
                    title: format!("memory, payload {payload} B: {title} by case and times"),
                    note: note.to_owned(),
                    grid: Grid::pivot(
                        "case",
                        &chosen,
                        |r| format!("{} {}", r.text("case"), r.text("depth")),
                        Record::label,
                    ),
                    figure: None,
                });
            }
        }
        let wrapped: Vec<&Record> = metric("bytes")
            .into_iter()
            .filter(|r| r.text("case") == Shape::Wrap.name())
            .filter(|r| r.number("payload") == Some(payload.into()))
            .collect();
        if let Some(section) = sections.last_mut().filter(|_| !wrapped.is_empty()) {
            section.figure =
                Some(plot::lines("wrappers", "bytes while suspended", &lines(&wrapped, "depth"))?);
        }
    }
    let recursion: Vec<Record> = with(records, "case", Shape::Recursion.name())
        .into_iter()
        .filter(|record| record.metric == "peak_bytes")
        .map(|record| Record { value: record.value / depth(record), ..record.clone() })
        .collect();
    if !recursion.is_empty() {
        let chosen: Vec<&Record> = recursion.iter().collect();
        sections.push(Section {
            title: "memory, recursion: peak bytes per level by levels and bytes held".to_owned(),
            note: "The peak of the whole chain over the number of its levels.".to_owned(),
            grid: Grid::pivot(
                "levels, held",
                &chosen,
                |r| format!("{}, {}", r.text("depth"), r.text("payload")),
                Record::label,
            ),
            figure: None,
        });
    }
    for shape in TASKS {
        let chosen: Vec<&Record> = with(records, "case", shape.name())
            .into_iter()
            .filter(|record| record.metric == "bytes")
            .collect();
        if chosen.is_empty() {
            continue;
        }
        let axis = "resident bytes per task";
        sections.push(Section {
            title: format!("memory, {}: {axis} by bytes held at each level", shape.name()),
            note: "Growth of the resident set of a fresh process over the number of tasks, all \
                   suspended, of 4 levels; the pointers to the tasks are not counted. Roots are in \
                   allocations of their own, or side by side (contiguous). Stackful: at most \
                   10 000 tasks. C++ on the heap: not inlined, and so not elided."
                .to_owned(),
            grid: Grid::pivot("held", &chosen, |r| r.text("payload"), Record::label),
            figure: Some(plot::lines(
                "bytes held at each level",
                axis,
                &lines(&chosen, "payload"),
            )?),
        });
    }
    let moved = with(records, "case", MOVE);
    for (metric, title, note) in [
        ("bytes", "bytes of a chain that has not started", "Its size: what moves."),
        ("time_per_move", "ns for moving it", "From one allocation to another, to and fro."),
        (
            "time_per_spawn",
            "ns for making a task of it",
            "Making the chain, its payload included, Box::pin behind a call, and dropping that.",
        ),
    ] {
        let chosen: Vec<&Record> =
            moved.iter().copied().filter(|record| record.metric == metric).collect();
        if !chosen.is_empty() {
            sections.push(Section {
                title: format!("memory, move, payload passed down 4 callers: {title}"),
                note: note.to_owned(),
                grid: Grid::pivot("payload", &chosen, |r| r.text("payload"), Record::label),
                figure: Some(plot::lines("payload", title, &lines(&chosen, "payload"))?),
            });
        }
    }
    Ok(sections)
}

fn depth(record: &Record) -> f64 {
    record.number("depth").map_or(1.0, |depth| depth as f64)
}

fn is_chain(record: &Record) -> bool {
    CHAINS.iter().any(|(shape, _)| record.text("case") == shape.name())
}
