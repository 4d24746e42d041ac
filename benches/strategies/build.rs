//! By which compiler and how the strategies are built, so that reports can say so.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let rustc = env::var_os("RUSTC").expect("cargo sets RUSTC");
    let version = Command::new(rustc).arg("--version").output().expect("rustc runs").stdout;
    println!("cargo:rustc-env=LAB_RUSTC={}", String::from_utf8_lossy(&version).trim());
    println!("cargo:rustc-env=LAB_OPT_LEVEL={}", env::var("OPT_LEVEL").unwrap_or_default());
}
