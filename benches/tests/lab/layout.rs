//! `lab layout`: its arguments, its records, its report. What is concluded is tested in `lab-layout`.

use std::path::Path;
use std::process::Command;

use lab::record::Record;
use lab_layout::mir::READ_FOR;

use super::cli::{lab, records, refuses, text};

#[test]
fn layout_needs_a_program_and_its_dumps() {
    refuses(&lab(&["layout", "--binary", "program"]), "--dumps");
    refuses(
        &lab(&["layout", "--binary", "a", "--dumps", "b", "--bin", "c"]),
        "cannot be used with",
    );
    let nowhere = lab(&["layout", "--binary", "/nonexistent/program", "--dumps", "."]);
    refuses(&nowhere, "/nonexistent/program");
    let nothing = lab(&["layout", "--manifest-path", "/nonexistent/Cargo.toml"]);
    refuses(&nothing, "the build has failed");
}

#[test]
fn layout_builds_a_program_and_writes_records_of_it() {
    let rustc = Command::new("rustc").arg("--version").output().unwrap().stdout;
    if !READ_FOR.iter().any(|version| text(&rustc).starts_with(&format!("rustc {version}."))) {
        eprintln!("SKIPPED: the dumps of {} were not read", text(&rustc).trim());
        return;
    }
    let report = tempfile::tempdir().unwrap();
    let shapes = Path::new(env!("CARGO_MANIFEST_DIR")).join("layout/shapes/Cargo.toml");
    let output = lab(&[
        "layout",
        "--manifest-path",
        shapes.to_str().unwrap(),
        "--min-bytes",
        "16000",
        "--json",
        "-",
        "--html",
        report.path().to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let records = records(&output.stdout);
    let total = |scheme: &str| {
        let mut totals = records.iter().filter(|record| {
            record.metric == "bytes"
                && record.text("scheme") == scheme
                && record.text("coroutine").is_empty()
        });
        let total = totals.next().unwrap_or_else(|| panic!("no total of {scheme}")).value;
        assert!(totals.next().is_none());
        total
    };
    assert!(records.iter().all(|record| record.text("program") == "lab-shapes"));
    // As a committed file must, to be made anew.
    let machine = records[0].machine.as_ref().expect("the first says how it was made");
    assert!(machine.command.starts_with("lab layout --manifest-path"), "{machine:?}");
    assert!(machine.compiler.starts_with("rustc") && machine.noise.is_none(), "{machine:?}");
    assert!(total("today") > total("relocated") && total("relocated") > total("both"));
    assert!(total("both") >= total("inlined") && total("inlined") >= total("bound"));
    assert!(total("coroutine") > total("coroutine-8"));
    let large = |record: &&Record| record.text("coroutine").contains("nested::wrap");
    assert!(records.iter().filter(large).any(|record| record.metric == "dead_bytes"));
    let page = std::fs::read_to_string(report.path().join("index.html")).unwrap();
    assert!(page.contains("What lab-shapes stores") && page.contains("<svg"));
}
