//! The hot paths whose instructions are watched.

use std::borrow::Cow;

use anyhow::{Context as _, Result};
use lab_strategies::registry::{self, Role, Setup, Work};
use lab_work::child::Request;
use lab_work::drive::Placement;
use lab_work::flavour::Flavour;
use lab_work::generate::Shape;
use lab_work::join;
use lab_work::prefetch::{Spec, Way};
use lab_work::tasks::{self, Bench};
use lab_work::wake::{self, Body, Source};
use lab_work::workload::{Chain, Workload, fib_calls};

/// A path, and how its instructions are counted.
#[derive(Debug)]
pub(super) struct HotPath {
    pub(super) name: Cow<'static, str>,
    /// Whose.
    pub(super) strategy: &'static str,
    /// The sum of these counts, each with its weight, is what the path takes. The first weight is positive.
    pub(super) counts: Vec<(f64, Request)>,
}

const FEW: u64 = 200;
const MANY: u64 = 1200;

/// A run of so many iterations.
type Run<'r> = &'r dyn Fn(u64) -> Request;

/// What `run` takes for each iteration, without what it takes in any case.
fn each(units: f64, (few, many): (u64, u64), run: Run<'_>) -> Vec<(f64, Request)> {
    let weight = 1.0 / ((many - few) as f64 * units);
    vec![(weight, run(many)), (-weight, run(few))]
}

fn chain(workload: Workload, placement: Placement, units: f64) -> Vec<(f64, Request)> {
    each(units, (FEW, MANY), &|iterations| Request::Run {
        workload,
        placement: Some(placement),
        iterations,
    })
}

/// What a level adds when the depth doubles.
fn level(suspensions: u64, placement: Placement) -> Vec<(f64, Request)> {
    let call = |depth| {
        let workload = Workload::Call { chain: Chain::Static, depth, suspensions };
        chain(workload, placement, 8.0)
    };
    let less = call(8).into_iter().map(|(weight, request)| (-weight, request));
    call(16).into_iter().chain(less).collect()
}

/// This project's strategy for work of this kind.
fn ours(work: Work) -> Result<&'static str> {
    let loaded =
        registry::load(|entry| entry.role == Role::Ours && entry.does(work), &Setup::default());
    let first = loaded.into_iter().find(|loaded| loaded.state.is_ok());
    first
        .map(|loaded| loaded.entry.name)
        .with_context(|| format!("no strategy of ours does {work:?}"))
}

/// All of them.
pub(super) fn all() -> Result<Vec<HotPath>> {
    let mut paths = Vec::new();
    let mut add = |work, name: &str, counts| -> Result<()> {
        paths.push(HotPath { name: name.to_owned().into(), strategy: ours(work)?, counts });
        Ok(())
    };
    // Where each level is called through a pointer, so is the root's poll.
    for (name, kind, placement) in [
        ("resume, inlined", Chain::Static, Placement::Inline),
        ("resume, opaque", Chain::Dyn, Placement::Heap),
    ] {
        let workload = Workload::Resume { chain: kind, depth: 8 };
        add(Work::Chains, name, chain(workload, placement, 1.0))?;
    }
    for (name, suspensions) in [("a root, ready", 0), ("a root, once", 1)] {
        let workload = Workload::Call { chain: Chain::Static, depth: 1, suspensions };
        add(Work::Chains, name, chain(workload, Placement::Inline, 1.0))?;
    }
    for placement in [Placement::Inline, Placement::Stack, Placement::Heap] {
        for (what, suspensions) in [("ready", 0), ("once", 1)] {
            let name = format!("call, {}, {what}", placement.name());
            add(Work::Chains, &name, level(suspensions, placement))?;
        }
    }
    for placement in [Placement::Stack, Placement::Heap] {
        let (n, name) = (15, format!("recursion, {}", placement.name()));
        let workload = Workload::Fib { n, yields: false };
        let counts = each(fib_calls(n) as f64, (1, 2), &|iterations| Request::Run {
            workload,
            placement: Some(placement),
            iterations,
        });
        add(Work::Chains, &name, counts)?;
    }
    for (name, case, branches) in [
        ("join, a wake of one of 63", join::Case::WakeOne, 63),
        ("join, two ready", join::Case::Ready2, 2),
        ("join, a wake below", join::Case::Below, 8),
    ] {
        let run = |iterations| Request::Join { case, branches, iterations };
        add(Work::Branches, name, each(1.0, (FEW, MANY), &run))?;
    }
    let (shape, depth) = (Shape::Balanced, 10);
    let traversal = |iterations| Request::Generate { shape, depth, iterations };
    add(Work::Items, "generator, an item", each(f64::from((1 << depth) - 1), (1, 2), &traversal))?;
    let spec = Spec::Bsearch { bytes: 16 << 10 };
    let lookups = |lookups| Request::Lookups {
        spec,
        inputs: MANY as usize,
        way: Way { group: 16, call_depth: None },
        range: 0..lookups as usize,
    };
    let steps = f64::from(spec.steps().context("a binary search has steps")?);
    add(Work::Lookups, "interleaving, a switch", each(steps, (FEW, MANY), &lookups))?;
    for (name, source) in [("wake, by itself", Source::Own), ("wake, by a task", Source::Task)] {
        let spec = wake::Spec { source, depth: 16, flavour: Flavour::Current, body: Body::Direct };
        let run = |iterations| Request::Wakes { spec, iterations };
        add(Work::Runtime, name, each(f64::from(source.wakes()), (FEW, MANY), &run))?;
    }
    for (name, bench) in [
        ("task, spawned and joined", Bench::SpawnJoin),
        ("task, spawned", Bench::SpawnMany),
        ("task, a yield", Bench::YieldMany),
    ] {
        let spec = tasks::Spec { bench, flavour: Flavour::Current };
        let run = |iterations| Request::Tasks { spec, iterations };
        add(Work::Runtime, name, each(bench.items() as f64, (1, 2), &run))?;
    }
    Ok(paths)
}
