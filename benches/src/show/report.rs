//! The HTML report: one file with everything in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::machine::Machine;
use crate::show::Section;
use crate::show::table::TIES;

const STYLE: &str = "body{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    line-height:1.4}table{border-collapse:collapse;font-size:.85rem}td,th{border-bottom:1px solid \
    #ccc;padding:.2rem .6rem;text-align:right}svg{max-width:100%;height:auto}dt{font-weight:bold}";

/// A strategy that did not take part, and why.
#[derive(Debug)]
pub struct Absent {
    /// Its name.
    pub name: &'static str,
    /// The reason.
    pub reason: String,
}

/// What a page says before its sections.
#[derive(Debug)]
pub struct Page {
    /// The headline.
    pub title: String,
    /// How its figures are to be read.
    pub about: String,
}

/// Writes `index.html` into `directory`, which is created if missing, and returns its path.
///
/// # Errors
/// If the directory or the file cannot be written.
pub fn write(
    directory: &Path,
    machine: &Machine,
    sections: &[Section],
    absent: &[Absent],
) -> Result<PathBuf> {
    let measured = Page {
        title: "Ways of resuming a suspended call stack".to_owned(),
        about: format!(
            "Values are medians of samples taken in alternating rounds; every result was checked. Compare them \
             within this report only. {TIES}."
        ),
    };
    write_page(directory, machine, &measured, sections, absent)
}

/// The same with another headline.
///
/// # Errors
/// If the directory or the file cannot be written.
pub fn write_page(
    directory: &Path,
    machine: &Machine,
    page: &Page,
    sections: &[Section],
    absent: &[Absent],
) -> Result<PathBuf> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let path = directory.join("index.html");
    std::fs::write(&path, html_of(machine, page, sections, absent).into_string())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn html_of(machine: &Machine, page: &Page, sections: &[Section], absent: &[Absent]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "lab report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (page.title) }
                dl {
                    dt { "Processor" } dd { (machine.processor) }
                    dt { "Compiler" } dd { (machine.compiler) ", opt-level " (machine.opt_level) }
                    dt { "Commit" } dd { (machine.commit) }
                    dt { "Command" } dd { code { (machine.command) } }
                    dt { "Date" } dd { (machine.date) }
                    dt { "Machine" }
                    dd {
                        (machine.stepping) "; caches " (machine.caches) "; kernel " (machine.kernel)
                        "; governor " (machine.governor) "; hypervisor: " (machine.hypervisor)
                        "; huge pages " (machine.huge_pages)
                    }
                    dt { "Peers" }
                    dd { @for (name, version) in &machine.peers { (name) " " (version) "; " } }
                    @if let Some(noise) = &machine.noise { dt { "Noise" } dd { (noise.line()) } }
                }
                p { (page.about) }
                @for section in sections { (section_html(section)) }
                @if !absent.is_empty() {
                    h2 { "Not measured" }
                    ul { @for a in absent { li { b { (a.name) } ": " (a.reason) } } }
                }
            }
        }
    }
}

fn section_html(section: &Section) -> Markup {
    html! {
        h2 { (section.title) }
        @if !section.note.is_empty() { p { (section.note) } }
        @if let Some(figure) = &section.figure { figure { (PreEscaped(figure)) } }
        table {
            tr {
                th { (section.grid.corner) }
                @for column in &section.grid.columns { th { (column) } }
            }
            @for (head, cells) in &section.grid.rows {
                tr { th { (head) } @for cell in cells { td { (cell) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let machine = Machine { command: "lab <script>".into(), ..Machine::here() };
        let page = Page { title: "A & B".into(), about: String::new() };
        let page = html_of(&machine, &page, &[], &[]).into_string();
        assert!(page.contains("A &amp; B"));
        assert!(page.contains("lab &lt;script&gt;") && !page.contains("<script>"));
    }
}
