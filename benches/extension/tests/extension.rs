//! The program is the lab and knows what this package adds.

use std::process::{Command, Output};

fn lab(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab-extension"));
    // Without compilers on the path, so that nobody waits for C++.
    let output = command.args(arguments).env("PATH", "").env_remove("LAB_TAIL").output();
    output.expect("it runs")
}

fn records(output: &Output) -> Vec<serde_json::Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

const TINY: [&str; 6] = ["--quick", "--samples", "2", "--sample-time", "1", "--json"];

#[test]
fn the_strategy_is_measured_beside_the_others() {
    let strategies = ["resume", "--strategies", "nested,by-hand"];
    let records = records(&lab(&[&strategies[..], &TINY, &["-"]].concat()));
    let by =
        |strategy: &str| records.iter().filter(|record| record["strategy"] == strategy).count();
    // Of two kinds of chains it has one.
    assert_eq!(by("nested"), 2 * by("by-hand"));
    assert!(by("by-hand") > 5);
}

#[test]
fn a_child_of_the_lab_knows_the_strategy() {
    let request = r#"{"run":{"workload":{"resume":{"chain":"dyn","depth":3}},"placement":null,"iterations":10}}"#;
    assert!(lab(&["__cell", "by-hand", request]).status.success());
}

#[test]
fn the_experiment_is_one_of_the_lab_s() {
    let records = records(&lab(&[&["cancel"][..], &TINY, &["-"]].concat()));
    assert_eq!(records.len(), 10);
    let list = lab(&["list"]);
    let text = String::from_utf8_lossy(&list.stdout);
    assert!(text.contains("cancel ") && text.contains("by-hand "), "{text}");
}
