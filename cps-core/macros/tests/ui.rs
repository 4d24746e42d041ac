//! What does not compile, and what the compiler says about it.
#![allow(missing_docs)]
#![cfg(not(miri))]

/// The compiler whose messages are recorded. `TRYBUILD=overwrite` records them anew.
const RECORDED: &str = "1.95.0";

#[test]
fn errors_are_clear() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = std::process::Command::new(rustc).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    if !version.starts_with(&format!("rustc {RECORDED} ")) {
        println!("SKIPPED: the messages recorded are those of rustc {RECORDED}, this is {version}");
        return;
    }
    if std::env::var_os("RUSTC_BOOTSTRAP").is_some() {
        println!("SKIPPED: with RUSTC_BOOTSTRAP the compiler says other things than to its users");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
