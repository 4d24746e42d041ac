//! Circumstances of a run in its records, and the comparison of two runs.

use std::process::{Command, Output};

use lab::record::Record;

fn lab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lab")).args(args).env_remove("LAB_TAIL").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_first_record_says_where_when_and_how_and_a_run_equals_itself() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run.json");
    let path = file.to_str().unwrap();
    let tiny = ["--quick", "--samples", "5", "--sample-time", "1"];
    let output =
        lab(&[&["join", "--strategies", "nested,futures-unordered", "--json", path], &tiny[..]]
            .concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("join: the machine is "), "{}", text(&output.stdout));

    let lines = std::fs::read_to_string(&file).unwrap();
    let records: Vec<Record> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let machine = records[0].machine.as_ref().expect("circumstances");
    assert!(machine.date.ends_with('Z') && machine.command.starts_with("lab join"), "{machine:?}");
    assert!(machine.noise.is_some() && machine.peers.contains_key("tokio"), "{machine:?}");
    assert!(records[1..].iter().all(|record| record.machine.is_none()));
    for record in &records {
        let [low, high] = record.interval.expect("an interval");
        assert!(low <= record.value && record.value <= high, "{record:?}");
    }

    let output = lab(&["compare", path, path]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let expected = format!("{} cells in both, 0 differ", records.len());
    assert!(text(&output.stdout).contains(&expected), "{}", text(&output.stdout));
}

#[test]
fn compare_refuses_what_is_no_result() {
    let dir = tempfile::tempdir().unwrap();
    let (empty, missing) = (dir.path().join("empty.json"), dir.path().join("missing.json"));
    std::fs::write(&empty, "").unwrap();
    for (path, reason) in [(&missing, "cannot read"), (&empty, "has no records")] {
        let path = path.to_str().unwrap();
        let output = lab(&["compare", path, path]);
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains(reason), "{}", text(&output.stderr));
    }
}
