//! What `prefetch` measures: tables, groups, call depths.

use lab_work::prefetch::{CALL_DEPTHS, Distribution, GROUPS};
use serde_json::Value;

use super::{Params, Spec, Way, params};

/// A table, and the ways of looking up in it.
pub(super) struct Case {
    /// The name in the JSON.
    pub(super) workload: &'static str,
    pub(super) spec: Spec,
    /// How many a sample has.
    pub(super) lookups: usize,
    groups: Vec<usize>,
    /// None: the depth is that of the lookup's code.
    call_depths: Vec<u32>,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

impl Case {
    pub(super) fn ways(&self) -> Vec<Way> {
        let depths: Vec<Option<u32>> = match &self.call_depths[..] {
            [] => vec![None],
            depths => depths.iter().copied().map(Some).collect(),
        };
        let groups = self.groups.iter();
        groups
            .flat_map(|&group| depths.iter().map(move |&call_depth| Way { group, call_depth }))
            .collect()
    }

    /// The table, for people.
    pub(super) fn title(&self) -> String {
        title(&self.params(Way { group: 0, call_depth: None }))
    }

    pub(super) fn params(&self, way: Way) -> Params {
        let mut params = params! { "workload": self.workload };
        match self.spec {
            Spec::Bsearch { .. } if self.workload == "nesting" => {
                params.insert("table".to_owned(), "bsearch".into());
            }
            Spec::Btree { .. } if self.workload == "nesting" => {
                params.insert("table".to_owned(), "btree".into());
            }
            Spec::Bsearch { .. } | Spec::Chase { .. } => {}
            Spec::Hash { keys, chain_length, hit_rate } => {
                params.extend(params! {
                    "keys": keys, "chain_length": chain_length, "hit_rate": hit_rate
                });
            }
            Spec::Btree { distribution, .. } => {
                params.insert("distribution".to_owned(), distribution.name().into());
            }
        }
        params.insert("table_bytes".to_owned(), self.spec.table_bytes().into());
        params.insert("group".to_owned(), way.group.into());
        if let Some(depth) = way.call_depth {
            params.insert("call_depth".to_owned(), depth.into());
        }
        params
    }
}

/// The table that a record's parameters are about, for people.
pub(super) fn title(params: &Params) -> String {
    let text = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| params.get(name).and_then(Value::as_u64);
    let mut title = text("workload").to_owned();
    let mut add = |part: &str| {
        title.push(' ');
        title.push_str(part);
    };
    if params.contains_key("table") {
        add(text("table"));
    }
    add(&size(number("table_bytes").unwrap_or_default()));
    if let (Some(length), Some(rate)) = (number("chain_length"), number("hit_rate")) {
        add(&format!("chain {length} hits {rate} %"));
    }
    if params.contains_key("distribution") {
        add(text("distribution"));
    }
    title
}

/// Bytes, for people.
pub(super) fn size(bytes: u64) -> String {
    let (unit, size) = match bytes as usize {
        GIB.. => ("GiB", GIB),
        MIB.. => ("MiB", MIB),
        _ => ("KiB", KIB),
    };
    let number = bytes as f64 / size as f64;
    if number.fract() == 0.0 { format!("{number} {unit}") } else { format!("{number:.1} {unit}") }
}

/// The sequential form, then all groups.
fn groups(quick: bool) -> Vec<usize> {
    if quick { vec![0, 8, 16, 32] } else { [&[0][..], &GROUPS].concat() }
}

pub(super) fn bsearch(bytes: usize, lookups: usize, quick: bool) -> Case {
    let spec = Spec::Bsearch { bytes };
    Case { workload: "bsearch", spec, lookups, groups: groups(quick), call_depths: vec![] }
}

fn chase(bytes: usize, quick: bool) -> Case {
    let groups = groups(quick).into_iter().filter(|&group| group > 0).collect();
    let spec = Spec::Chase { bytes };
    Case { workload: "chase", spec, lookups: CHAINS, groups, call_depths: vec![] }
}

fn hash(keys: usize, chain_length: usize, hit_rate: u32, quick: bool) -> Case {
    let spec = Spec::Hash { keys, chain_length, hit_rate };
    let lookups = if quick { 5_000 } else { 20_000 };
    Case { workload: "hash", spec, lookups, groups: groups(quick), call_depths: vec![] }
}

fn btree(keys: usize, distribution: Distribution, lookups: usize, quick: bool) -> Case {
    let spec = Spec::Btree { keys, distribution };
    Case { workload: "btree", spec, lookups, groups: groups(quick), call_depths: vec![] }
}

fn nesting(spec: Spec, lookups: usize, groups: &[usize], call_depths: &[u32]) -> Case {
    let (groups, call_depths) = (groups.to_vec(), call_depths.to_vec());
    Case { workload: "nesting", spec, lookups, groups, call_depths }
}

/// Starts of chains: as many whole groups of every size, so that no chain runs alone at the end.
const CHAINS: usize = 480;
const _: () = {
    let mut i = 0;
    while i < GROUPS.len() {
        assert!(CHAINS % GROUPS[i] == 0);
        i += 1;
    }
};

/// The floor beside a table of so many bytes: chains of dependent accesses over as many.
pub(super) fn floor(table_bytes: usize) -> Case {
    // At least two nodes.
    let bytes = table_bytes.next_multiple_of(64).max(128);
    chase(bytes, true)
}

/// All tables and groups; if `quick`, smaller tables and fewer groups.
pub(super) fn all(quick: bool) -> Vec<Case> {
    let uniform = Distribution::Uniform;
    let mut cases = Vec::new();
    if quick {
        cases.extend([bsearch(16 * KIB, 5_000, quick), bsearch(64 * MIB, 5_000, quick)]);
        cases.push(chase(64 * MIB, quick));
        cases.extend([hash(1 << 16, 1, 100, quick), hash(1 << 20, 16, 100, quick)]);
        cases.push(btree(2_000_000, uniform, 10_000, quick));
        cases.push(nesting(Spec::Bsearch { bytes: 64 * MIB }, 5_000, &[16], &[1, 5, 16]));
        return cases;
    }
    for bytes in [16 * KIB, 200 * KIB, 6 * MIB] {
        cases.push(bsearch(bytes, 20_000, quick));
    }
    // 31 samples of each: 620 000 lookups.
    for bytes in [256 * MIB, GIB] {
        cases.push(bsearch(bytes, 20_000, quick));
    }
    cases.extend([chase(256 * MIB, quick), chase(4 * GIB, quick)]);
    for keys in [1 << 16, 1 << 20, 1 << 23] {
        for chain_length in [1, 4, 16] {
            cases.extend([50, 100].map(|hit_rate| hash(keys, chain_length, hit_rate, quick)));
        }
    }
    // 31 samples of each: 5 million lookups.
    for distribution in [uniform, Distribution::Zipf] {
        cases.push(btree(50_000_000, distribution, 165_000, quick));
    }
    for spec in [
        Spec::Bsearch { bytes: 256 * MIB },
        Spec::Btree { keys: 50_000_000, distribution: uniform },
    ] {
        cases.push(nesting(spec, 20_000, &[16, 32], &CALL_DEPTHS));
    }
    cases
}

/// Of which instructions are counted: their number does not depend on the size of the table, but
/// for the number of steps.
pub(super) fn counted(quick: bool) -> Vec<Case> {
    let of_group = |mut case: Case| {
        case.groups.retain(|group| [0, 16].contains(group));
        case
    };
    let small = Spec::Bsearch { bytes: 16 * KIB };
    let depths: &[u32] = if quick { &[1, 5, 16] } else { &CALL_DEPTHS };
    [
        bsearch(16 * KIB, 0, quick),
        chase(16 * KIB, quick),
        hash(1 << 12, 16, 100, quick),
        btree(50_000, Distribution::Uniform, 0, quick),
        nesting(small, 0, &[16], depths),
    ]
    .map(of_group)
    .into()
}
