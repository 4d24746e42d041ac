//! Experiments: which work is measured, how results are named, and how they are shown. A module for
//! each, and an entry in `OWN`.

use std::sync::OnceLock;

mod run;
mod tools;

mod build;
mod call;
mod crossover;
mod debug;
mod generate;
mod join;
mod memory;
mod prefetch;
mod resume;
mod runtime;
mod service;
mod size;
mod wake;

pub use run::{Experiment, Participant, Progress, Run};

/// The lab's experiments, in the order in which they run.
static OWN: [&dyn Experiment; 13] = [
    &resume::Resume,
    &call::Call,
    &crossover::Crossover,
    &memory::Memory,
    &join::Join,
    &generate::Generate,
    &prefetch::Prefetch,
    &wake::Wake,
    &runtime::Runtime,
    &service::Service,
    &build::Build,
    &size::CodeSize,
    &debug::Debug,
];

/// Those of the program that the lab is a part of.
static MORE: OnceLock<&'static [&'static dyn Experiment]> = OnceLock::new();

/// All experiments, in the order in which they run.
pub fn all() -> impl Iterator<Item = &'static dyn Experiment> {
    let more: &[&dyn Experiment] = MORE.get().copied().unwrap_or_default();
    OWN.into_iter().chain(more.iter().copied())
}

/// Adds experiments, once.
///
/// # Panics
/// If it is called twice, or a name is there already.
pub fn extend(experiments: &'static [&'static dyn Experiment]) {
    for new in experiments {
        let is_new = OWN.iter().all(|old| old.name() != new.name()) && new.name() != "all";
        assert!(is_new, "the lab has an experiment {} of its own", new.name());
    }
    assert!(MORE.set(experiments).is_ok(), "the lab has been extended already");
}
