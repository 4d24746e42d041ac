//! The wrapper of rustc that adds the dumps to what Cargo compiles.
//!
//! The flags are unstable: `RUSTC_BOOTSTRAP=1` lets a stable compiler take them. Only Cargo's own compilations get
//! them. A build script that asks the compiler what it can do, asks without `-C metadata=`, and gets the answer of a
//! stable one.

use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode};

/// The variable that says where the dumps go, and by that, that this program is called as a wrapper.
pub const DUMPS: &str = "LAB_LAYOUT_DUMPS";

/// Which passes are dumped.
const PASSES: &str = "coroutine_before | coroutine_resume";

/// Runs the compiler, if this program was called as its wrapper.
///
/// It must be called before the arguments are looked at.
#[must_use]
pub fn run() -> Option<ExitCode> {
    let dumps = std::env::var_os(DUMPS)?;
    let mut arguments = std::env::args_os().skip(1);
    let rustc = arguments.next()?;
    let arguments: Vec<OsString> = arguments.collect();
    let mut command = Command::new(&rustc);
    command.args(&arguments);
    if let Some(unit) = unit(&arguments) {
        command.env("RUSTC_BOOTSTRAP", "1").args(flags(&dumps, &unit));
    }
    let code = match command.status() {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
        Err(error) => {
            eprintln!("error: cannot run {}: {error}", rustc.to_string_lossy());
            1
        }
    };
    Some(ExitCode::from(code))
}

/// The name of the unit that Cargo compiles, `crate-hash`; none if it does not compile one.
fn unit(arguments: &[OsString]) -> Option<String> {
    let mut codegen =
        arguments.windows(2).filter(|two| two[0] == "-C").filter_map(|two| two[1].to_str());
    if !codegen.clone().any(|option| option.starts_with("metadata=")) {
        return None;
    }
    let hash = codegen.find_map(|option| option.strip_prefix("extra-filename="))?;
    let name = arguments.windows(2).find(|two| two[0] == "--crate-name")?[1].to_str()?;
    Some(format!("{name}{hash}"))
}

/// What is added. Of two options of one name the last counts.
fn flags(dumps: &OsStr, unit: &str) -> Vec<OsString> {
    let mut directory = OsString::from("-Zdump-mir-dir=");
    directory.push(std::path::Path::new(dumps).join(unit));
    // Frames as in an optimised build, in which they have no room for large results.
    let of_frames = unit.starts_with("cps_core-").then(|| "-Cdebug-assertions=off".into());
    let of_all = [
        directory,
        format!("-Zdump-mir={PASSES}").into(),
        "-Cdebuginfo=2".into(),
        "-Csplit-debuginfo=off".into(),
        "-Cstrip=none".into(),
    ];
    of_all.into_iter().chain(of_frames).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn only_what_cargo_compiles_is_a_unit() {
        let cargo =
            "--crate-name a src/lib.rs -C opt-level=3 -C metadata=1 -C extra-filename=-0f1e";
        assert_eq!(unit(&arguments(cargo)).as_deref(), Some("a-0f1e"));
        assert_eq!(unit(&arguments("--crate-name probe --emit=metadata -C opt-level=3 -")), None);
        assert_eq!(unit(&arguments("-vV")), None);
    }

    #[test]
    fn each_unit_has_a_directory_of_its_own() {
        let flags = flags(OsStr::new("/t/dumps"), "a-0f1e");
        assert!(flags.contains(&"-Zdump-mir-dir=/t/dumps/a-0f1e".into()), "{flags:?}");
    }
}
