//! Single facts about the machine and the sources, from files of the system.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

fn unknown() -> String {
    "unknown".to_owned()
}

/// The text of a file of one line.
pub(super) fn file(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(), |text| text.trim().to_owned())
}

/// A field of the first processor in `/proc/cpuinfo`.
fn cpuinfo(field: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.split(':').next().is_some_and(|name| name.trim() == field))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The processor's name.
pub(super) fn processor() -> String {
    cpuinfo("model name").unwrap_or_else(|| "unknown processor".to_owned())
}

/// What tells processors of one name apart. On aarch64 it is all there is.
pub(super) fn stepping() -> String {
    let fields = [
        "cpu family",
        "model",
        "stepping",
        "microcode",
        "CPU implementer",
        "CPU part",
        "CPU revision",
    ];
    let known: Vec<String> =
        fields.iter().filter_map(|field| Some(format!("{field} {}", cpuinfo(field)?))).collect();
    if known.is_empty() { unknown() } else { known.join(", ") }
}

/// Level, kind and size of each cache that the first core uses.
pub(super) fn caches() -> String {
    let cache = |index: usize| {
        let directory =
            Path::new("/sys/devices/system/cpu/cpu0/cache").join(format!("index{index}"));
        let [level, kind, size] =
            ["level", "type", "size"].map(|name| fs::read_to_string(directory.join(name)));
        let (level, kind, size) = (level.ok()?, kind.ok()?, size.ok()?);
        Some(format!("L{} {} {}", level.trim(), kind.trim().to_lowercase(), size.trim()))
    };
    let all: Vec<String> = (0..8).map_while(cache).collect();
    if all.is_empty() { unknown() } else { all.join(", ") }
}

/// Whether the processor says that it is not one.
pub(super) fn hypervisor() -> String {
    match cpuinfo("flags") {
        Some(flags) if flags.split(' ').any(|flag| flag == "hypervisor") => "yes".to_owned(),
        Some(_) => "none seen".to_owned(),
        None => unknown(),
    }
}

/// What git prints in the source tree, if it succeeds.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "-c", "core.quotepath=off"])
        .args(arguments)
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The state of the source tree. Texts and results are written by runs, and change none.
pub(super) fn commit() -> String {
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return unknown() };
    let sources = [":/", ":(top,exclude)*.md", ":(top,exclude)docs"];
    let changed =
        git(&[&["status", "--porcelain", "--untracked-files=no", "--"], &sources[..]].concat());
    match changed {
        Some(changed) if changed.is_empty() => commit,
        _ => commit + "-dirty",
    }
}

/// Versions of the crates that strategies are made of, from the lock file that the lab was built with.
pub(super) fn crates() -> BTreeMap<String, String> {
    const LOCK: &str = include_str!("../../../Cargo.lock");
    const PEERS: [&str; 7] = [
        "async-executor",
        "async-io",
        "corosensei",
        "futures-util",
        "hyper",
        "reblessive",
        "tokio",
    ];
    let packages = LOCK.split("[[package]]").filter_map(|package| {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim_matches('"').to_owned())
        };
        Some((field("name = ")?, field("version = ")?))
    });
    packages.filter(|(name, _)| PEERS.contains(&&**name)).collect()
}

/// Now, in UTC.
pub(super) fn date() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    date_of(seconds)
}

fn date_of(seconds: u64) -> String {
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year}-{:02}-{:02}T{hour:02}:{minute:02}:{:02}Z", month + 1, days + 1, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_know_leap_years() {
        assert_eq!(date_of(0), "1970-01-01T00:00:00Z");
        assert_eq!(date_of(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(date_of(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(date_of(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn the_crates_that_strategies_are_made_of_have_versions() {
        let crates = crates();
        assert!(crates.len() == 7 && crates["tokio"].starts_with("1."), "{crates:?}");
    }
}
