//! Experiments: which work is measured, how results are named, and how they are shown. A module for
//! each, and an entry in [`ALL`].

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
mod size;
mod wake;

pub use run::{Experiment, Participant, Progress, Run};

/// All experiments, in the order in which they run.
pub static ALL: [&dyn Experiment; 12] = [
    &resume::Resume,
    &call::Call,
    &crossover::Crossover,
    &memory::Memory,
    &join::Join,
    &generate::Generate,
    &prefetch::Prefetch,
    &wake::Wake,
    &runtime::Runtime,
    &build::Build,
    &size::CodeSize,
    &debug::Debug,
];
