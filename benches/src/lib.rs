//! Compares ways of resuming suspended call stacks.
//!
//! An [`experiment`] chooses [work](lab_work); each [strategy](lab_strategies) does it in its own way;
//! [`measure`] samples all of them in alternating rounds and checks every result; what comes out are
//! [records](record), which [`show`] prints and draws. Committed ones are the source of the figures in texts: [`tables`].
//!
//! [`layout`] is of another kind: it looks at coroutines of programs that are not the lab's.
//!
//! The program `lab` is [the command line](cli) for it; the criterion benches run the same workloads.
//! `benches/README.md` says where what belongs.

pub mod cli;
pub mod compare;
pub mod experiment;
pub mod gate;
pub mod layout;
pub mod machine;
pub mod measure;
pub mod record;
pub mod self_check;
pub mod serve;
pub mod show;
pub mod tables;
