//! What a plain `async fn` rejects, `#[coroutine]` rejects, with the errors that it draws there.
//!
//! A file of `ui_language` holds cases; each is compiled with and without its attributes, which are
//! written `#[co]`. What is compared are the codes of the errors: their texts are rustc's to change.
//! More errors may be drawn: what cannot be parsed is reported by rustc and by the attribute.
#![allow(missing_docs)]
#![cfg(not(miri))]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// The directory in which Cargo has put what this test is linked with.
fn deps() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path
}

/// The newest build of the library: the one that was made for this test.
fn library() -> PathBuf {
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libcps_core-") && name.ends_with(".rlib")
    };
    let age =
        |path: &PathBuf| path.metadata().unwrap().modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let files = std::fs::read_dir(deps()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(is_it).max_by_key(age).expect("a library that this test is linked with")
}

/// The codes of the errors of a text, or the errors' first words where they have none.
fn errors(library: &PathBuf, text: &str) -> BTreeSet<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut external = std::ffi::OsString::from("cps_core=");
    external.push(library);
    let mut rustc = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=lib", "--crate-name=case", "--emit=metadata"])
        // A file of its own for each: a device in its place would be replaced by a file.
        .arg("-o")
        .arg(format!(
            "{}/case-{:?}.rmeta",
            env!("CARGO_TARGET_TMPDIR"),
            std::thread::current().id()
        ))
        .args(["--error-format=json", "-L"])
        .arg(format!("dependency={}", deps().display()))
        .arg("--extern")
        .arg(external)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    rustc.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = rustc.wait_with_output().unwrap();
    let messages = String::from_utf8(output.stderr).unwrap();
    let errors: BTreeSet<_> = messages.lines().filter_map(error).collect();
    assert_eq!(output.status.success(), errors.is_empty(), "{messages}");
    errors
}

/// The code or the text of an error, as rustc's JSON gives it. Not of the line that counts them.
fn error(message: &str) -> Option<String> {
    let field = |name: &str| {
        let (_, rest) = message.split_once(&format!("\"{name}\":\""))?;
        rest.split('"').next()
    };
    // The level of the message itself stands before those of its notes, after its spans.
    let is_error = message.contains("\"level\":\"error\",\"spans\"");
    let text = field("message").unwrap_or_default();
    if !is_error || text.starts_with("aborting due to") {
        return None;
    }
    Some(field("code").unwrap_or(text).to_owned())
}

fn check(file: &str, text: &str) {
    let library = library();
    let found = errors(&library, "extern crate cps_core;");
    if !found.is_empty() {
        println!("SKIPPED: a build for another target, or with other flags: {found:?}");
        return;
    }
    let mut wrong = Vec::new();
    let mut cases = 0;
    for case in text.split("//# ").skip(1) {
        let (name, body) = case.split_once('\n').unwrap();
        let plain = errors(&library, &body.replace("#[co]", ""));
        let direct = errors(&library, &body.replace("#[co]", "#[cps_core::coroutine]"));
        // The first case of a file is in order: so it is not the library that is not found.
        let accepted = cases == 0;
        if plain.is_empty() != accepted
            || direct.is_empty() != accepted
            || !plain.is_subset(&direct)
        {
            wrong.push(format!("{file}, {name}: {plain:?} plainly, {direct:?} as a coroutine"));
        }
        cases += 1;
    }
    assert!(wrong.is_empty(), "of {cases} cases\n{}", wrong.join("\n"));
}

macro_rules! files {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            let file = concat!(stringify!($name), ".rs");
            check(file, include_str!(concat!("ui_language/", stringify!($name), ".rs")));
        }
    )* };
}

files!(borrows bodies types signatures);
// `pending` differs today.
