//! Functions that are made coroutines of LLVM's, against `async fn` of the same text: results, drops and their order,
//! cancelled after every resume and panicking at every point. Where the tools are that this takes, and the variable
//! `LAB_TEST_LLVM` is set.

use lab_strategies::llvm_coro::{LlvmCoro, LlvmCoroInlined, Lowering, available, differential};
use lab_work::drive::Placement;
use lab_work::memory::{Case, PAYLOADS, Shape};
use lab_work::strategy::Strategy;

fn is_skipped() -> bool {
    let reason = match available() {
        Ok(()) if std::env::var_os("LAB_TEST_LLVM").is_some() => return false,
        Ok(()) => "LAB_TEST_LLVM is not set".to_owned(),
        Err(missing) => format!("{missing:#}"),
    };
    println!("SKIPPED: {reason}");
    true
}

#[test]
fn functions_made_coroutines_do_what_async_functions_do() {
    if is_skipped() {
        return;
    }
    for lowering in [Lowering::Heap, Lowering::Elided, Lowering::Inlined, Lowering::Eager] {
        let outcome = differential(lowering).unwrap();
        println!("{lowering:?}: {outcome:?}");
        assert_eq!((outcome.different, outcome.frames), (0, 0), "{lowering:?}: {outcome:?}");
        assert!(outcome.cases >= 600, "{lowering:?}: {outcome:?}");
    }
}

/// An array that is passed by value and written to before the first suspension: by rustc's `dead_on_return` nobody
/// reads it after the function has returned. A ramp returns at the first suspension.
#[test]
fn what_rustc_says_of_functions_miscompiles_coroutines() {
    if is_skipped() {
        return;
    }
    let outcome = differential(Lowering::EagerWithAttributes).unwrap();
    println!("{outcome:?}");
    assert!(outcome.different > 0, "{outcome:?}");
}

/// What a chain keeps while it is suspended.
fn bytes(strategy: &dyn Strategy, shape: Shape, depth: u32, payload: u32) -> f64 {
    let case = Case { shape, depth, payload, tasks: 1 };
    let mut probes = strategy.probes(case).unwrap().into_iter();
    let probe = probes.find(|probe| probe.placement == Some(Placement::Inline)).unwrap();
    // It fails if the result is wrong, or a frame is left over.
    (probe.measure)().unwrap().bytes
}

/// Of bodies that are one function LLVM lets all locals overlap that are not alive at the same time.
#[test]
fn what_was_inlined_takes_one_payload() {
    if is_skipped() {
        return;
    }
    let strategy = LlvmCoroInlined::load().unwrap();
    let cases: [(Shape, &[u32]); 8] = [
        (Shape::Held, &[0]),
        (Shape::Passed, &[1, 8]),
        (Shape::PassedLate, &[1, 8]),
        (Shape::Wrap, &[1, 8]),
        (Shape::Combine, &[1, 8]),
        (Shape::Sequential, &[1, 4, 16]),
        (Shape::Disjoint, &[1, 2, 4]),
        (Shape::Branch, &[1]),
    ];
    for (shape, depths) in cases {
        for (&depth, payload) in depths.iter().flat_map(|d| PAYLOADS.map(|payload| (d, payload))) {
            let bytes = bytes(&strategy, shape, depth, payload);
            assert!(bytes <= f64::from(payload) + 64.0, "{shape:?} {depth} {payload}: {bytes}");
        }
    }
}

/// LLVM says of a frame in its caller's where it is, and not when it is needed; the plugin does.
#[test]
fn frames_of_callees_that_follow_one_another_overlap() {
    if is_skipped() {
        return;
    }
    let strategy = LlvmCoro::load().unwrap();
    for payload in PAYLOADS {
        let [one, four] = [1, 4].map(|calls| bytes(&strategy, Shape::Sequential, calls, payload));
        assert!(four <= one + 32.0, "{payload}: {four}, and {one} for one call");
    }
}
