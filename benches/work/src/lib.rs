//! The work that the lab measures, and strategies for it.
//!
//! A module for each kind of work: chains of calls ([`workload`]), branches of one task ([`join`]),
//! items out of a recursion ([`generate`]), lookups in large tables ([`prefetch`]), bytes
//! ([`memory`]), wakes through an executor ([`mod@wake`]), the rest of what a runtime does ([`tasks`]),
//! requests to an HTTP service ([`service`]), and programs for the compiler ([`source`]).
//! They depend on [`drive`], [`clock`] and, if they serve, [`http`], which are around everything, and never on each
//! other. A
//! [`strategy`] does some of this work; [`child`] is how one lab asks another to do it.

pub mod child;
pub mod clock;
pub mod drive;
pub mod flavour;
pub mod generate;
pub mod http;
pub mod join;
pub mod memory;
pub mod paths;
pub mod prefetch;
pub mod repeated;
pub mod service;
pub mod source;
pub mod strategy;
pub mod tasks;
pub mod wake;
pub mod workload;
