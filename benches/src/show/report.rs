//! The HTML report: one file with everything in it, its data too. It loads nothing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lab_strategies::registry::Entry;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::machine::Machine;
use crate::record::Record;
use crate::show::Section;
use crate::show::table::TIES;

const STYLE: &str = include_str!("style.css");

/// A strategy that did not take part, and why.
#[derive(Debug)]
pub struct Absent {
    /// Its name.
    pub name: &'static str,
    /// The reason.
    pub reason: String,
}

/// What a page has besides its sections.
#[derive(Debug)]
pub struct Page<'p> {
    /// The headline.
    pub title: String,
    /// How its figures are to be read.
    pub about: String,
    /// What its sections were made of, to be downloaded.
    pub records: &'p [Record],
    /// What is compared.
    pub strategies: Vec<&'static Entry>,
    /// What is not.
    pub absent: &'p [Absent],
}

impl<'p> Page<'p> {
    /// The page of experiments.
    #[must_use]
    pub fn of_experiments(
        records: &'p [Record],
        strategies: Vec<&'static Entry>,
        absent: &'p [Absent],
    ) -> Self {
        Page {
            title: "Ways of resuming a suspended call stack".to_owned(),
            about: format!(
                "Values are medians of samples taken in alternating rounds; every result was checked. Bands around \
                 lines are the 99 % intervals of the medians. Compare values within this report only. {TIES}."
            ),
            records,
            strategies,
            absent,
        }
    }
}

/// Writes `index.html` into `directory`, which is created if missing, and returns its path.
///
/// # Errors
/// If the directory or the file cannot be written.
pub fn write(
    directory: &Path,
    machine: &Machine,
    page: &Page<'_>,
    sections: &[Section],
) -> Result<PathBuf> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let path = directory.join("index.html");
    std::fs::write(&path, html_of(machine, page, sections).into_string())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn html_of(machine: &Machine, page: &Page<'_>, sections: &[Section]) -> Markup {
    // Figures and tables are numbered as one series.
    let numbered = || sections.iter().enumerate().map(|(index, section)| (index + 1, section));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (page.title) }
                (circumstances(machine, page.records))
                p { (page.about) }
                nav {
                    h2 { "Contents" }
                    ol { @for (number, section) in numbered() {
                        li { a href={ "#r" (number) } { (section.title) } }
                    } }
                }
                @for (number, section) in numbered() { (section_html(number, section)) }
                @if !page.strategies.is_empty() {
                    h2 id="strategies" { "Strategies" }
                    dl { @for entry in &page.strategies { dt { (entry.name) } dd { (entry.about) } } }
                }
                @if !page.absent.is_empty() {
                    h2 id="absent" { "Not measured" }
                    ul { @for a in page.absent { li { b { (a.name) } ": " (a.reason) } } }
                }
                @if !page.records.is_empty() { (data(page.records)) }
                h2 id="cite" { "How to cite" }
                pre {
                    "The cps-core developers. cps-core: continuation-passing coroutines for Rust. Measurements by `"
                    (machine.command) "`, commit " (machine.commit) ", " (machine.date) ", on " (machine.processor) "."
                }
            }
        }
    }
}

fn circumstances(machine: &Machine, records: &[Record]) -> Markup {
    let noise = records
        .iter()
        .filter_map(|record| Some((&record.experiment, record.machine.as_ref()?.noise?)));
    html! {
        dl {
            dt { "Processor" } dd { (machine.processor) "; " (machine.stepping) "; " (machine.caches) }
            dt { "System" }
            dd {
                "kernel " (machine.kernel) "; governor " (machine.governor) "; hypervisor: " (machine.hypervisor)
                "; huge pages " (machine.huge_pages)
            }
            dt { "Compiler" } dd { (machine.compiler) ", opt-level " (machine.opt_level) }
            dt { "Peers" } dd { @for (name, version) in &machine.peers { (name) " " (version) "; " } }
            dt { "Commit" } dd { (machine.commit) }
            dt { "Command" } dd { code { (machine.command) } ", " (machine.date) }
            dt { "Noise" }
            @for (experiment, noise) in noise { dd { (experiment) ": the machine is " (noise.line()) } }
        }
    }
}

fn section_html(number: usize, section: &Section) -> Markup {
    html! {
        h2 id={ "r" (number) } { (number) ". " (section.title) }
        @if let Some(figure) = &section.figure {
            figure {
                div class="wide" { (PreEscaped(titled(figure, &section.title))) }
                figcaption { "Figure " (number) ". " (section.title) ". " (section.note) }
            }
        } @else if !section.note.is_empty() {
            p { (section.note) }
        }
        div class="wide" {
            table {
                thead { tr {
                    th { (section.grid.corner) }
                    @for column in &section.grid.columns { th { (column) } }
                } }
                tbody { @for (head, cells) in &section.grid.rows {
                    tr { th { (head) } @for cell in cells { td { (cell) } } }
                } }
            }
        }
    }
}

/// The picture with a name for those who cannot see it.
fn titled(svg: &str, title: &str) -> String {
    let title = html! { title { (title) } }.into_string();
    match svg.find("<svg").and_then(|start| Some(start + svg[start..].find('>')? + 1)) {
        Some(end) => format!("{}{title}{}", &svg[..end], &svg[end..]),
        None => svg.to_owned(),
    }
}

/// The records, in the page itself.
fn data(records: &[Record]) -> Markup {
    let lines = records.iter().filter_map(|record| serde_json::to_string(record).ok());
    let json = lines.fold(String::new(), |all, line| all + &line + "\n");
    let mut csv = "experiment,strategy,params,metric,unit,value,low,high,samples,interval_low,interval_high\n".to_owned();
    for record in records {
        let Record { experiment, strategy, metric, unit, value, low, high, samples, .. } = record;
        let params: Vec<String> =
            record.params.keys().map(|name| format!("{name}={}", record.text(name))).collect();
        let [from, to] =
            record.interval.map_or([String::new(), String::new()], |i| i.map(|b| b.to_string()));
        let params = params.join("; ").replace('"', "\"\"");
        let _ = writeln!(
            csv,
            "{experiment},{strategy},\"{params}\",{metric},{unit},{value},{low},{high},{samples},{from},{to}"
        );
    }
    html! {
        h2 id="data" { "Data" }
        p {
            a download="records.json" href=(uri("application/x-ndjson", &json)) { "records, as JSON" } " · "
            a download="records.csv" href=(uri("text/csv", &csv)) { "as CSV" }
        }
    }
}

/// The text as an address that contains it.
fn uri(kind: &str, text: &str) -> String {
    let mut uri = format!("data:{kind};charset=utf-8,");
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b','
            | b':'
            | b'/' => {
                uri.push(char::from(byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::table::Grid;

    fn page(records: &[Record]) -> Page<'_> {
        Page { title: "A & B".into(), ..Page::of_experiments(records, Vec::new(), &[]) }
    }

    #[test]
    fn texts_are_escaped() {
        let machine = Machine { command: "lab <script>".into(), ..Machine::here() };
        let page = html_of(&machine, &page(&[]), &[]).into_string();
        assert!(page.contains("A &amp; B"));
        assert!(page.contains("lab &lt;script&gt;") && !page.contains("<script>"));
    }

    #[test]
    fn figures_have_numbers_names_and_their_data() {
        let section = Section {
            title: "ns by depth <8".into(),
            note: "A note".into(),
            grid: Grid::default(),
            figure: Some("<svg width=\"1\"><g/></svg>".into()),
        };
        let records = [Record {
            experiment: "resume".into(),
            interval: Some([1.0, 2.0]),
            ..Record::default()
        }];
        let html = html_of(&Machine::here(), &page(&records), &[section]).into_string();
        assert!(html.contains("<svg width=\"1\"><title>ns by depth &lt;8</title><g/>"), "{html}");
        assert!(html.contains("Figure 1. ns by depth") && html.contains("href=\"#r1\""));
        assert!(
            html.contains("data:text/csv;charset=utf-8,experiment,strategy")
                && html.contains("resume,,%22%22")
        );
        assert!(html.contains("width=device-width") && html.contains("prefers-color-scheme: dark"));
        assert!(!html.contains("src=") && !html.contains("<link") && !html.contains("@import"));
    }
}
