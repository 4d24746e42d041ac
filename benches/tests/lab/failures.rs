//! What the program does when something is wrong: with its arguments, its files, or its children.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::cli::{TINY, command, lab, records, refuses, text, tiny};

#[test]
fn bad_names_are_refused_with_the_good_ones() {
    refuses(&lab(&["resumee"]), "crossover");
    refuses(&lab(&["resume", "--strategies", "nested,nest"]), "stackful");
    refuses(&lab(&["resume", "--stratgies", "nested"]), "--strategies");
    // A good name in the wrong place.
    let output = tiny(&["resume", "--strategies", "naive,group-prefetch"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("`resume` has nothing for naive, group-prefetch to do"));
}

#[test]
fn an_absent_strategy_is_refused_when_named() {
    let output =
        command(&["resume", "--strategies", "cpp-clang"]).env("PATH", "").output().unwrap();
    refuses(&output, "cpp-clang cannot run here: no clang++");
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_measuring() {
    refuses(&lab(&["resume", "--json", "/nowhere/at/all.json"]), "/nowhere/at/all.json");
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = file.path().join("report");
    refuses(&lab(&["resume", "--html", below.to_str().unwrap()]), "cannot create");
}

#[test]
fn a_refused_run_leaves_an_old_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.json");
    std::fs::write(&path, "old\n").unwrap();
    let args = ["resume", "--strategies", "cpp-gcc", "--json", path.to_str().unwrap()];
    assert!(!command(&args).env("PATH", "").output().unwrap().status.success());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old\n");
}

#[test]
fn a_closed_pipe_ends_the_lab_quietly_and_the_file_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.json");
    let args = ["call", "--strategies", "nested", "--json", path.to_str().unwrap()];
    let mut child = command(&[&args[..], &TINY[..]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    whole_lines(&path);
}

fn whole_lines(path: &Path) {
    let json = std::fs::read(path).unwrap();
    assert!(json.is_empty() || json.ends_with(b"\n"));
    records(&json);
}

#[test]
fn a_cell_checks_its_result() {
    let request =
        r#"{"run":{"workload":{"fib":{"n":10,"yields":true}},"placement":null,"iterations":3}}"#;
    assert!(lab(&["__cell", "nested", request]).status.success());
    refuses(&lab(&["__cell", "nested", "{}"]), "error");
    let request = |group: u32| {
        format!(
            r#"{{"lookups":{{"spec":{{"bsearch":{{"bytes":4096}}}},"inputs":50,
               "way":{{"group":{group},"call_depth":5}},"range":{{"start":10,"end":50}}}}}}"#
        )
    };
    let wakes = r#"{"wakes":{"spec":{"source":"task","depth":3,"flavour":"current","body":"direct"},
                    "iterations":7}}"#;
    assert!(lab(&["__cell", "reactor", wakes]).status.success());
    refuses(&lab(&["__cell", "nested", wakes]), "no runtime");
    let tasks = r#"{"tasks":{"spec":{"bench":{"echo":{"connections":2}},"flavour":"current"},
                    "iterations":7}}"#;
    assert!(lab(&["__cell", "tokio", tasks]).status.success());
    let requests = r#"{"requests":{"depth":32,"iterations":7}}"#;
    assert!(lab(&["__cell", "nested", requests]).status.success());
    refuses(&lab(&["__cell", "tokio", requests]), "no such requests");
    assert!(lab(&["__cell", "nested", &request(8)]).status.success());
    refuses(&lab(&["__cell", "nested", &request(0)]), "does not do these lookups");
}

/// What `--tail-lab` does, with a strategy that every build has.
#[test]
fn a_lab_serves_another() {
    use lab_strategies::remote::Remote;
    use lab_work::prefetch::{Data, Spec, Way};
    use lab_work::strategy::Strategy;
    use lab_work::workload::Workload;
    let remote = Remote::start(Path::new(env!("CARGO_BIN_EXE_lab")), "nested").unwrap();
    for workload in [Workload::Fib { n: 10, yields: true }, Workload::Fib { n: 5, yields: false }] {
        let mut variant = remote.variants(workload).pop().unwrap();
        for n in [1, 7] {
            assert_eq!((variant.run)(n).unwrap().checksum, workload.expected(n));
        }
    }
    for (spec, group) in [
        (Spec::Hash { keys: 64, chain_length: 4, hit_rate: 50 }, 8),
        (Spec::Chase { bytes: 4096 }, 4),
    ] {
        let data = Data::build(spec, 30).unwrap();
        let mut lookups = remote.lookups(spec, Way { group, call_depth: None }).unwrap();
        for range in [0..30, 7..20] {
            assert!(lookups(&data, range, None).unwrap() > Duration::ZERO);
        }
    }
}

#[test]
fn a_tail_lab_that_cannot_is_refused() {
    let strategies = ["resume", "--strategies", "direct-tail", "--tail-lab", "/bin/false"];
    if !cfg!(feature = "tail-call") {
        refuses(&lab(&strategies), "/bin/false cannot run direct-tail");
    }
}

#[test]
fn instructions_without_valgrind_are_refused() {
    let args = ["resume", "--instructions", "--strategies", "nested"];
    refuses(&command(&args).env("PATH", "").output().unwrap(), "valgrind");
    refuses(
        &lab(&["crossover", "--instructions", "--strategies", "nested"]),
        "no instruction counts",
    );
}
