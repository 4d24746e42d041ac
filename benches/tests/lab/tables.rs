//! Figures of texts, from files of records.

use std::fs;
use std::path::Path;
use std::process::Output;

use lab::machine::Machine;
use lab::record::Record;

use super::cli::{lab, records, text};

fn tables(project: &Path, arguments: &[&str]) -> Output {
    lab(&[&["tables", "--project", project.to_str().unwrap()], arguments].concat())
}

const COMMAND: &str = "lab resume --strategies nested,reblessive --quick --samples 5 --sample-time 1 --json \
                       docs/results/data/here/resume.json";

/// A project with one machine, one file of records, and one text.
fn project(readme: &str) -> tempfile::TempDir {
    let project = tempfile::tempdir().unwrap();
    let file = project.path().join("docs/results/data/here/resume.json");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut machine = Machine { command: COMMAND.to_owned(), ..Machine::here() };
    machine.noise = None;
    let mut machine = Some(Box::new(machine));
    let mut lines = String::new();
    for (number, (strategy, depth)) in
        [("nested", 2), ("reblessive", 2), ("nested", 8), ("reblessive", 8)].into_iter().enumerate()
    {
        let value = 100.0 + number as f64;
        let record = Record {
            experiment: "resume".to_owned(),
            strategy: strategy.to_owned(),
            params: [("depth", depth.into()), ("chain", "static".into())]
                .map(|(name, value)| (name.to_owned(), value))
                .into_iter()
                .collect(),
            metric: "time_per_resume".to_owned(),
            unit: "ns".to_owned(),
            value,
            interval: Some([value, value]),
            machine: machine.take(),
            ..Record::default()
        };
        lines += &(serde_json::to_string(&record).unwrap() + "\n");
    }
    fs::write(&file, lines).unwrap();
    fs::write(project.path().join("README.md"), readme).unwrap();
    project
}

const README: &str = "\
A wake takes <!-- lab: value here/resume chain=static depth=2 strategy=nested --><!-- /lab --> ns.

<!-- lab: table here/resume chain=static
corner depth
rows depth = 2 8
columns strategy = nested reblessive
-->
<!-- /lab -->

`<!-- lab: value` is how it begins.
";

#[test]
fn figures_are_written_from_the_records_and_then_pass_the_check() {
    let project = project(README);
    let path = project.path();
    let output = tables(path, &["--check"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("2 figures are not what the records say"));
    assert_eq!(fs::read_to_string(path.join("README.md")).unwrap(), README);

    let output = tables(path, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let written = fs::read_to_string(path.join("README.md")).unwrap();
    assert!(written.contains("strategy=nested -->100<!-- /lab --> ns."), "{written}");
    assert!(
        written
            .contains("-->\n| depth | nested | reblessive |\n|---|---|---|\n| 2 | 100 | 101 |\n"),
        "{written}"
    );
    assert!(
        written.contains("[here/resume](docs/results/data/here/resume.json): `lab resume "),
        "{written}"
    );
    assert!(tables(path, &["--check"]).status.success());

    // By hand, and back.
    fs::write(path.join("README.md"), written.replace(">100<", ">99<")).unwrap();
    let output = tables(path, &["--check"]);
    assert!(!output.status.success());
    assert!(text(&output.stdout).contains("README.md:1\n- 99\n+ 100"), "{}", text(&output.stdout));
    let file = path.join("docs/results/data/here/resume.json");
    assert!(tables(path, &[file.to_str().unwrap()]).status.success());
    assert_eq!(fs::read_to_string(path.join("README.md")).unwrap(), written);
}

#[test]
fn a_figure_without_a_record_is_refused_with_its_place() {
    for (marker, reason) in [
        ("value here/resume depth=3", "README.md:1: no record is"),
        ("value here/resume depth=2", "2 records are depth=2 file=here/resume"),
        ("value there/join depth=2", "no file docs/results/data/there/join.json"),
        ("picture here/resume", "`picture`: there are"),
    ] {
        let project = project(&format!("a <!-- lab: {marker} -->1<!-- /lab -->\n"));
        let output = tables(project.path(), &[]);
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains(reason), "{reason}: {}", text(&output.stderr));
    }
}

#[test]
fn a_file_that_no_text_uses_is_named() {
    let project = project("Nothing.\n");
    let output = tables(project.path(), &["--check"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("here/resume"), "{}", text(&output.stderr));
}

/// A file says by which command it was made, and that it was made where it is.
#[test]
fn a_file_is_made_anew_by_its_own_command() {
    let project = project(README);
    let file = project.path().join("docs/results/data/here/resume.json");
    let record = || tables(project.path(), &["--record", file.to_str().unwrap()]);
    let before = fs::read_to_string(&file).unwrap();
    fs::write(&file, before.replace("--json docs", "--json ../docs")).unwrap();
    let output = record();
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("was not made in the project's folder"));

    fs::write(&file, before).unwrap();
    let output = record();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let after = fs::read(&file).unwrap();
    let records = records(&after);
    assert!(records.len() > 4 && records[0].samples == 5, "{records:?}");
    assert_eq!(records[0].machine.as_ref().unwrap().command, COMMAND);
    // The text has the new values.
    assert!(tables(project.path(), &["--check"]).status.success());
}

/// The project's own.
#[test]
fn the_figures_of_this_project_are_those_of_its_records() {
    let output = lab(&["tables", "--check"]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
