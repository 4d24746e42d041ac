//! Compares ways of resuming suspended call stacks.
//!
//! An [`experiment`] chooses [workloads](workload); each [strategy](mod@strategy) runs them in its
//! own way; [`measure`] samples all of them in alternating rounds and checks every result; what
//! comes out are [records](record), shown as [tables](table) and as a [`report`].
//!
//! The lookups of [`prefetch`] are work of another kind, on tables that stay in memory from sample to
//! sample: strategies do these too, or nothing else.
//!
//! A new strategy is a file in [`strategies`] and an entry in [`mod@strategy`]; a new experiment is a
//! file in [`experiment`] and an entry in [`experiment::ALL`]. The command line, the tables and the
//! report follow.
//!
//! The program `lab` is the command line for it; the criterion benches run the same workloads.

// Eight wrappers around one another are more types within types than the compiler's default admits.
#![recursion_limit = "256"]

pub mod child;
pub mod drive;
pub mod experiment;
pub mod generate;
pub mod instructions;
pub mod join;
pub mod machine;
pub mod measure;
pub mod memory;
pub mod paths;
pub mod plot;
pub mod prefetch;
pub mod record;
pub mod report;
pub mod strategies;
pub mod strategy;
pub mod table;
pub mod workload;
