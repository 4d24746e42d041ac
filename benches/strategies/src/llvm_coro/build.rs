//! Building peers: from Rust to bitcode, by the plugin to coroutines, and linked with what rustc would link.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use lab_work::paths;

use super::toolchain::Toolchain;
use crate::foreign::run;

/// Files by name.
type Files<'t> = [(&'t str, &'t str)];

/// The pass plugin; the first is the one to be compiled.
const PLUGIN: &Files<'static> = &[
    ("plugin.cpp", include_str!("plugin/plugin.cpp")),
    ("coroutine.hpp", include_str!("plugin/coroutine.hpp")),
    ("frame_lives.hpp", include_str!("plugin/frame_lives.hpp")),
    ("local_lives.hpp", include_str!("plugin/local_lives.hpp")),
];

/// What all peers may use.
const SHARED: &Files<'static> = &[
    ("coroutine.rs", include_str!("peers/coroutine.rs")),
    ("frames.rs", include_str!("peers/frames.rs")),
    ("tables.rs", include_str!("peers/tables.rs")),
];

/// The bodies of the other strategies. What makes them asynchronous is taken out of the text; nothing else differs.
const BODIES: &Files<'static> = &[
    ("bodies/mod.rs", include_str!("../bodies/mod.rs")),
    ("bodies/chain.rs", include_str!("../bodies/chain.rs")),
    ("bodies/lookups.rs", include_str!("../bodies/lookups.rs")),
    ("bodies/moving.rs", include_str!("../bodies/moving.rs")),
    ("bodies/service.rs", include_str!("../bodies/service.rs")),
    ("programs.rs", include_str!("../../../programs/src/bodies.rs")),
];

/// As LLVM's own; it has no type information that could be used.
const PLUGIN_FLAGS: [&str; 5] = ["-O1", "-std=c++17", "-fPIC", "-shared", "-fno-rtti"];

/// rustc optimises its own representation only: the plugin comes before LLVM's passes. It must see all
/// of a peer at once.
const RUSTC_FLAGS: [&str; 9] = [
    "--edition=2024",
    "--crate-type=staticlib",
    "--crate-name=peer",
    "--check-cfg=cfg(arena, count, eager, inlined)",
    "-Adead_code",
    "-Copt-level=3",
    "-Ccodegen-units=1",
    "-Cno-prepopulate-passes",
    "-Crelocation-model=pic",
];

/// Whatever the frequency of a call, its callee's frame may lie in the caller's.
const OPT_FLAGS: [&str; 1] = ["-coro-elide-branch-ratio=0"];

const LLC_FLAGS: [&str; 4] =
    ["-relocation-model=pic", "-function-sections", "-data-sections", "-filetype=obj"];

/// Nothing of Rust's library is exported, and of the peer all that is unused goes.
const LINK_FLAGS: [&str; 5] =
    ["-O2", "-nostdlib++", "-Wl,--gc-sections", "-Wl,-Bsymbolic", "-Wl,--exclude-libs,ALL"];

/// As `rustc --print native-static-libs` says on Linux.
const LINKED_WITH: [&str; 7] =
    ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-Wl,--strip-debug"];

/// Before the plugin: what is not `#[inline(never)]` becomes part of its callers, as long as all are
/// ordinary functions. Of a peer with `--cfg inlined` that is all but recursion.
const INLINE: &str = "cgscc(inline,function(sroa,early-cse,dce,simplifycfg))";

/// In what is not optimised: only the functions around the plugin's markers.
const INLINE_ALWAYS: &str = "always-inline";

/// A peer to be built.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Unit {
    /// The name of its crate's file.
    pub(super) file: &'static str,
    /// Its text.
    pub(super) source: &'static str,
    /// A library, or a program.
    pub(super) is_library: bool,
    /// The `cfg`s of the source.
    pub(super) cfgs: &'static [&'static str],
    /// Options of the pass, as it takes them.
    pub(super) options: &'static str,
    /// How far LLVM optimises it: `O3`.
    pub(super) level: &'static str,
}

impl Toolchain {
    /// The path of the built peer, now or before.
    ///
    /// # Errors
    /// What the first tool says that fails.
    pub(super) fn built(&self, unit: &Unit) -> Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        (unit, SHARED, BODIES, PLUGIN, self.versions()).hash(&mut hasher);
        (PLUGIN_FLAGS, RUSTC_FLAGS, OPT_FLAGS, LLC_FLAGS, LINK_FLAGS, LINKED_WITH)
            .hash(&mut hasher);
        (INLINE, INLINE_ALWAYS).hash(&mut hasher);
        let (stem, _) = unit.file.split_once('.').unwrap_or((unit.file, ""));
        cached(&format!("llvm-{stem}-{:016x}.so", hasher.finish()), |work| {
            self.build(unit, work).with_context(|| format!("cannot build {}", unit.file))
        })
    }

    /// The plugin's path, now or before.
    fn plugin(&self) -> Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        (PLUGIN, PLUGIN_FLAGS, self.versions()).hash(&mut hasher);
        cached(&format!("llvm-plugin-{:016x}.so", hasher.finish()), |work| {
            write(PLUGIN, work)?;
            let plugin = work.join("plugin.so");
            run(Command::new(&self.clang)
                .args(PLUGIN_FLAGS)
                .arg("-isystem")
                .arg(&self.headers)
                .arg(work.join(PLUGIN[0].0))
                .arg("-o")
                .arg(&plugin))
            .context("cannot build the plugin")?;
            Ok(plugin)
        })
    }

    fn build(&self, unit: &Unit, work: &Path) -> Result<PathBuf> {
        let plugin = self.plugin()?;
        write(SHARED, work)?;
        for (name, text) in BODIES {
            write(&[(name, &text.replace("async fn ", "fn ").replace(".await", ""))], work)?;
        }
        write(&[(unit.file, unit.source)], work)?;
        let [bitcode, archive, lowered, object, linked] =
            ["peer.bc", "libpeer.a", "lowered.bc", "peer.o", "peer.so"].map(|name| work.join(name));
        // 1. Rust to bitcode, and an archive with all that it needs.
        // (It leaves its own objects where it runs.)
        run(Command::new("rustc")
            .current_dir(work)
            .args(RUSTC_FLAGS)
            .args(unit.cfgs.iter().map(|cfg| format!("--cfg={cfg}")))
            .arg(format!("--emit=llvm-bc={},link={}", bitcode.display(), archive.display()))
            .arg(work.join(unit.file)))?;
        // 2. Functions to coroutines, and all of LLVM's optimisations.
        let Unit { options, level, .. } = unit;
        let passes = match *level {
            "O0" => format!("{INLINE_ALWAYS},rust-coro<{options}>,verify,default<O0>"),
            _ => format!("{INLINE},rust-coro<{options}>,verify,default<{level}>"),
        };
        run(Command::new(&self.opt)
            .arg(format!("-load-pass-plugin={}", plugin.display()))
            .args(OPT_FLAGS)
            .arg(format!("-passes={passes}"))
            .arg(&bitcode)
            .arg("-o")
            .arg(&lowered))?;
        // 3. To machine code.
        run(Command::new(&self.llc)
            .arg(format!("-{level}"))
            .args(LLC_FLAGS)
            .arg(&lowered)
            .arg("-o")
            .arg(&object))?;
        // 4. Of the archive the linker takes what the object lacks: not rustc's own object of the peer.
        run(Command::new(&self.clang)
            .args(unit.is_library.then_some("-shared"))
            .args(LINK_FLAGS)
            .args([&object, &archive])
            .args(LINKED_WITH)
            .arg("-o")
            .arg(&linked))?;
        Ok(linked)
    }
}

/// What `build` makes in a directory of its own, moved to the cache, so that another `lab` never loads
/// half of it.
fn cached(name: &str, build: impl FnOnce(&Path) -> Result<PathBuf>) -> Result<PathBuf> {
    let directory = paths::cache("lab-peers")?;
    let path = directory.join(name);
    if !path.exists() {
        let work = tempfile::tempdir_in(&directory)?;
        std::fs::rename(build(work.path())?, &path)?;
    }
    Ok(path)
}

fn write(files: &Files<'_>, directory: &Path) -> Result<()> {
    for (name, text) in files {
        let path = directory.join(name);
        path.parent().map(std::fs::create_dir_all).transpose()?;
        std::fs::write(path, text)?;
    }
    Ok(())
}
