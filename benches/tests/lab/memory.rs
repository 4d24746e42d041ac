//! What `lab memory` counts, where it is a claim of this project and not only a figure.

use lab_strategies::direct::Direct;
use lab_strategies::nested::Nested;
use lab_work::drive::Placement;
use lab_work::memory::{Case, Footprint, PAYLOADS, Shape, WORDS};
use lab_work::strategy::Strategy;

fn footprint(strategy: &dyn Strategy, case: Case, placement: Option<Placement>) -> Footprint {
    let mut probes = strategy.probes(case).unwrap().into_iter();
    let probe = probes.find(|probe| probe.placement == placement);
    (probe.unwrap_or_else(|| panic!("{case:?} in {placement:?}")).measure)().unwrap()
}

fn inline(shape: Shape, depth: u32, payload: u32) -> Footprint {
    let case = Case { shape, depth, payload, tasks: 1 };
    footprint(&Direct, case, Some(Placement::Inline))
}

/// The cases in which one payload exists at a time, with the number of levels.
const BY_VALUE: [(Shape, &[u32]); 6] = [
    (Shape::Held, &[0]),
    (Shape::Passed, &[1, 2, 4, 8]),
    (Shape::PassedLate, &[1, 2, 4, 8]),
    (Shape::Wrap, &[1, 2, 4, 8]),
    (Shape::Combine, &[1, 4, 8]),
    (Shape::Branch, &[1]),
];

#[test]
fn by_value_chains_take_one_payload_and_at_most_64_bytes_a_level() {
    for (shape, depths) in BY_VALUE {
        for (&depth, payload) in depths.iter().flat_map(|d| PAYLOADS.map(|payload| (d, payload))) {
            let levels = f64::from(depth + 1);
            let most = 1.02 * f64::from(payload) + 64.0 * levels;
            let Footprint { bytes, peak_bytes, allocations } = inline(shape, depth, payload);
            let case = format!("{shape:?} {depth}, payload {payload}");
            assert!(bytes <= most, "{case}: {bytes} > {most}");
            assert!(peak_bytes.is_some_and(|peak| peak <= most), "{case}: peak {peak_bytes:?}");
            // The root's.
            assert_eq!(allocations, 1.0, "{case}");
        }
    }
}

#[test]
fn calls_one_after_the_other_take_the_memory_of_one() {
    for payload in PAYLOADS {
        let one = inline(Shape::Sequential, 1, payload).bytes;
        for calls in [2, 4, 16] {
            // The sum of the results so far.
            assert!(inline(Shape::Sequential, calls, payload).bytes <= one + 8.0);
        }
    }
}

#[test]
fn packed_blocks_take_the_memory_of_one() {
    for payload in PAYLOADS {
        for blocks in [1, 2, 4] {
            let bytes = inline(Shape::Packed, blocks, payload).bytes;
            assert!(bytes <= f64::from(payload) + 164.0, "{blocks} of {payload}: {bytes}");
        }
        // Without, they add up.
        assert!(inline(Shape::Disjoint, 4, payload).bytes >= 4.0 * f64::from(payload));
    }
}

#[test]
fn a_level_of_recursion_on_the_heap_takes_at_most_32_bytes_more_than_a_boxed_future() {
    for payload in WORDS {
        let case = Case { shape: Shape::Recursion, depth: 1000, payload, tasks: 1 };
        let peak = |strategy: &dyn Strategy, placement| {
            footprint(strategy, case, placement).peak_bytes.unwrap() / 1000.0
        };
        let (ours, nested) = (peak(&Direct, Some(Placement::Heap)), peak(&Nested, None));
        // The root's share is less than a byte.
        assert!(ours <= nested + 33.0, "{payload} held: {ours} > {nested} + 32");
    }
}

/// The instrument, on a strategy whose sizes are the compiler's: an argument that is held over an
/// await is there twice.
#[test]
fn the_meter_sees_what_the_compiler_stores() {
    let case = Case { shape: Shape::Held, depth: 0, payload: 65_536, tasks: 1 };
    let Footprint { bytes, peak_bytes, allocations } = footprint(&Nested, case, None);
    assert!((131_072.0..131_136.0).contains(&bytes), "{bytes}");
    assert_eq!((peak_bytes, allocations), (Some(bytes), 1.0));
}
