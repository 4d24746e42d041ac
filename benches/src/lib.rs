//! Compares ways of resuming suspended call stacks.
//!
//! An [`experiment`] chooses [work](lab_work); each [strategy](lab_strategies) does it in its own way;
//! [`measure`] samples all of them in alternating rounds and checks every result; what comes out are
//! [records](record), shown as [tables](table) and as a [`report`].
//!
//! The program `lab` is the command line for it; the criterion benches run the same workloads.

pub mod experiment;
pub mod instructions;
pub mod machine;
pub mod measure;
pub mod plot;
pub mod record;
pub mod report;
pub mod serve;
pub mod table;
