//! What stands beside every figure: machine, compilers, sources, command.

mod facts;
pub mod noise;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use noise::Noise;

/// The circumstances of a run. An unknown fact is `unknown`. The first record of each experiment of a run carries it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// When, in UTC: `2026-01-31T23:59:59Z`.
    pub date: String,
    /// Processor and number of hardware threads.
    pub processor: String,
    /// Family, model, stepping and microcode, as the kernel names them.
    pub stepping: String,
    /// Sizes of the first core's caches.
    pub caches: String,
    /// How the clock's frequency is governed.
    pub governor: String,
    /// The kernel's version.
    pub kernel: String,
    /// Whether the machine is a virtual one, as far as it shows.
    pub hypervisor: String,
    /// Transparent huge pages: the kernel's setting.
    pub huge_pages: String,
    /// The Rust compiler.
    pub compiler: String,
    /// The optimisation level of the measured code.
    pub opt_level: String,
    /// Compilers of the strategies that are not written in Rust, and versions of the crates that others are.
    pub peers: BTreeMap<String, String>,
    /// Commit of the source tree that the lab was built from, as it is now; `-dirty` if the tree differs from it in more
    /// than texts and results.
    pub commit: String,
    /// The command line.
    pub command: String,
    /// What else the machine did, just before the experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Noise>,
}

impl Machine {
    /// Asks the system.
    #[must_use]
    pub fn here() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let command = std::env::args().skip(1).fold("lab".to_owned(), |all, arg| all + " " + &arg);
        Self {
            date: facts::date(),
            processor: format!(
                "{} ({}, {threads} threads)",
                facts::processor(),
                std::env::consts::ARCH
            ),
            stepping: facts::stepping(),
            caches: facts::caches(),
            governor: facts::file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            kernel: facts::file("/proc/sys/kernel/osrelease"),
            hypervisor: facts::hypervisor(),
            huge_pages: facts::file("/sys/kernel/mm/transparent_hugepage/enabled"),
            compiler: lab_strategies::COMPILER.to_owned(),
            opt_level: lab_strategies::OPT_LEVEL.to_owned(),
            peers: facts::crates(),
            commit: facts::commit(),
            command,
            noise: None,
        }
    }

    /// The same with a processor that is emulated here.
    #[must_use]
    pub fn emulating(self, processor: String) -> Self {
        let [stepping, caches, governor, hypervisor] = ["emulated"; 4].map(str::to_owned);
        Self { processor, stepping, caches, governor, hypervisor, ..self }
    }

    /// The most important of it in one line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{}; {}, opt-level {}; commit {}; `{}`",
            self.processor, self.compiler, self.opt_level, self.commit, self.command
        )
    }

    /// Whether the other is a machine of the same kind, whose times may be compared with this one's.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.processor, &self.stepping, &self.caches)
            == (&other.processor, &other.stepping, &other.caches)
    }
}
