//! Every strategy that can run here gives the known result of every workload, in every placement.

use lab_strategies::registry::{self, Entry, Loaded, Role, Setup, Work};
use lab_work::flavour::Flavour;
use lab_work::generate::{Shape, Tree};
use lab_work::join::Case;
use lab_work::prefetch::{self, CALL_DEPTHS, Data, Distribution, GROUPS, Spec, Way};
use lab_work::tasks::{self, Bench};
use lab_work::wake::{self, Body, Source};
use lab_work::workload::{Chain, DEPTHS, Workload};

/// All strategies; those in C++ only if the variable `LAB_TEST_CPP` is set, and those by LLVM's tools
/// only if `LAB_TEST_LLVM` is, for they take as long to compile as all others to run.
fn loaded() -> Vec<Loaded> {
    let left_out: Vec<_> = [("LAB_TEST_CPP", "cpp-"), ("LAB_TEST_LLVM", "llvm-")]
        .into_iter()
        .filter(|(variable, _)| std::env::var_os(variable).is_none())
        .map(|(_, prefix)| prefix)
        .collect();
    let wanted = |entry: &Entry| !left_out.iter().any(|prefix| entry.name.starts_with(prefix));
    registry::load(wanted, &Setup::default())
}

fn workloads() -> Vec<Workload> {
    let mut all = Vec::new();
    for chain in Chain::ALL {
        for depth in DEPTHS {
            all.push(Workload::Resume { chain, depth });
            for suspensions in [0, 1, 5] {
                all.push(Workload::Call { chain, depth, suspensions });
            }
        }
    }
    for n in [0, 1, 2, 10] {
        all.extend([false, true].map(|yields| Workload::Fib { n, yields }));
    }
    all
}

#[test]
fn every_strategy_gives_the_known_result() {
    for Loaded { entry, state } in loaded() {
        let Ok(strategy) = state else { continue };
        for workload in workloads() {
            let variants = strategy.variants(workload);
            assert_eq!(
                !variants.is_empty(),
                entry.does(Work::Chains),
                "{} on {workload:?}",
                entry.name
            );
            for mut variant in variants {
                for n in [1, 3, 100] {
                    let timed = (variant.run)(n).unwrap();
                    let expected = workload.expected(n);
                    let placement = variant.placement;
                    assert_eq!(
                        timed.checksum, expected,
                        "{} {placement:?} {workload:?} {n}",
                        entry.name
                    );
                }
            }
        }
    }
}

fn specs() -> Vec<Spec> {
    // Sizes that no group divides; one value; one full inner node and one more leaf.
    let mut all = vec![Spec::Bsearch { bytes: 4 }, Spec::Bsearch { bytes: 4 * 777 }];
    all.push(Spec::Chase { bytes: 64 * 1000 });
    for (chain_length, hit_rate) in [(1, 100), (1, 50), (4, 0), (16, 50)] {
        all.push(Spec::Hash { keys: 1 << 10, chain_length, hit_rate });
    }
    for keys in [1, 31 * 42 + 1, 100_000] {
        all.extend(
            [Distribution::Uniform, Distribution::Zipf]
                .map(|distribution| Spec::Btree { keys, distribution }),
        );
    }
    all
}

/// Inputs fewer than a group, as many, and with and without a rest.
const RANGES: [std::ops::Range<usize>; 5] = [0..0, 0..1, 3..19, 0..33, 0..100];

#[test]
fn every_strategy_looks_up_what_the_loop_by_hand_looks_up_in_its_order() {
    let strategies = loaded();
    let mut taking_part = Vec::new();
    for spec in specs() {
        let data = Data::build(spec, 100).unwrap();
        for Loaded { entry, state } in &strategies {
            let Ok(strategy) = state else { continue };
            for group in [0].into_iter().chain(GROUPS) {
                for call_depth in [None].into_iter().chain(CALL_DEPTHS.map(Some)) {
                    let way = Way { group, call_depth };
                    let Some(mut lookups) = strategy.lookups(spec, way) else { continue };
                    taking_part.push(entry.name);
                    for range in RANGES {
                        lookups(&data, range, None)
                            .unwrap_or_else(|error| panic!("{} {way:?}: {error}", entry.name));
                    }
                }
            }
        }
    }
    for Loaded { entry, state } in strategies {
        let does = state.is_ok() && entry.does(Work::Lookups);
        assert_eq!(taking_part.contains(&entry.name), does, "{}", entry.name);
    }
}

#[test]
fn a_wrong_result_is_noticed() {
    let data = Data::build(Spec::Bsearch { bytes: 400 }, 10).unwrap();
    let mut wrong = prefetch::lookups(|table, inputs, outputs| {
        prefetch::sequential(table, inputs, outputs);
        outputs[7] += 1;
    });
    let error = wrong(&data, 0..10, None).unwrap_err().to_string();
    assert!(error.contains("wrong result") && error.contains("Bsearch"), "{error}");
    let mut missing = prefetch::lookups(|_, _, _| ());
    missing(&data, 0..1, None).unwrap_err();
}

#[test]
fn every_way_of_joining_hears_every_call() {
    for Loaded { entry, state } in loaded() {
        let Ok(strategy) = state else { continue };
        let mut cases = 0;
        for case in Case::ALL {
            for branches in [1, 2, 8, 63, 64, 200].into_iter().filter(|&n| case.allows(n)) {
                // It checks what it hears.
                if let Some(mut sample) = strategy.join(case, branches) {
                    sample(50).unwrap();
                    cases += 1;
                }
            }
        }
        assert_eq!(cases > 0, entry.does(Work::Branches), "{}", entry.name);
    }
}

#[test]
fn every_way_of_generating_yields_every_item_in_order() {
    let trees: Vec<_> = [(Shape::Balanced, 1), (Shape::Balanced, 6), (Shape::Random, 6)]
        .into_iter()
        .chain([1, 2, 300].map(|depth| (Shape::Degenerate, depth)))
        .map(|(shape, depth)| Tree::build(shape, depth))
        .collect();
    for Loaded { entry, state } in loaded() {
        let Ok(strategy) = state else { continue };
        let samples: Vec<_> = trees.iter().filter_map(|tree| strategy.generate(tree)).collect();
        let expected = if entry.does(Work::Items) { trees.len() } else { 0 };
        assert_eq!(samples.len(), expected, "{}", entry.name);
        // It checks what it is given.
        for mut sample in samples {
            sample(2).unwrap();
        }
    }
}

#[test]
fn every_runtime_wakes_tasks_of_any_depth() {
    for Loaded { entry, state } in loaded() {
        let Ok(strategy) = state else { continue };
        let mut flavours = Vec::new();
        for flavour in Flavour::ALL {
            for (source, body) in Source::ALL.into_iter().flat_map(|s| Body::ALL.map(|b| (s, b))) {
                for depth in [0, 1, 5, 256] {
                    let spec = wake::Spec { source, depth, flavour, body };
                    let Ok(Some(mut wakes)) = strategy.wakes(spec) else { continue };
                    flavours.push(flavour);
                    for events in [1, 100] {
                        // It checks that it has gone through all levels.
                        wakes(events).unwrap_or_else(|e| panic!("{} {spec:?}: {e:#}", entry.name));
                    }
                }
            }
        }
        assert_eq!(
            flavours.contains(&Flavour::Current),
            entry.does(Work::Runtime),
            "{}",
            entry.name
        );
    }
}

#[test]
fn every_runtime_does_what_runtimes_do() {
    let benches = [
        Bench::SpawnMany,
        Bench::SpawnJoin,
        Bench::YieldMany,
        Bench::PingPong,
        Bench::ChainedSpawn,
        Bench::Echo { connections: 1 },
        Bench::Echo { connections: 3 },
        Bench::Hyper { connections: 1 },
        Bench::Hyper { connections: 3 },
        Bench::TimersArm { timers: 100 },
        Bench::TimersRepoll { timers: 100 },
        Bench::TimersCancel { timers: 100 },
        // The first one fires after 20 ms.
        Bench::TimersFire { timers: 10 },
    ];
    for Loaded { entry, state } in loaded() {
        let Ok(strategy) = state else { continue };
        for flavour in Flavour::ALL {
            for bench in benches {
                let spec = tasks::Spec { bench, flavour };
                let tasks = strategy.tasks(spec);
                if flavour == Flavour::Current {
                    let does = matches!(tasks, Ok(Some(_)));
                    assert_eq!(does, entry.does(Work::Runtime), "{}", entry.name);
                }
                let Ok(Some(mut tasks)) = tasks else { continue };
                let cost = tasks(2).unwrap_or_else(|e| panic!("{} {spec:?}: {e:#}", entry.name));
                assert!(cost.elapsed > std::time::Duration::ZERO, "{} {spec:?}", entry.name);
            }
        }
    }
}

#[test]
fn ours_is_direct_or_direct_tail_by_the_feature() {
    let chains = |entry: &Entry| entry.role == Role::Ours && entry.does(Work::Chains);
    let loaded = registry::load(chains, &Setup::default());
    let present: Vec<_> = loaded.iter().filter(|l| l.state.is_ok()).map(|l| l.entry.name).collect();
    let expected: &[_] =
        if cfg!(feature = "tail-call") { &["direct-tail"] } else { &["direct", "direct-nested"] };
    assert_eq!(present, expected);
}
