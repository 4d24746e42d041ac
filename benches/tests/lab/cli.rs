//! The contract of the program: arguments, JSON, errors. Nothing here depends on time.

use std::process::{Command, Output, Stdio};

use lab::record::Record;
use lab_work::workload::DEPTHS;

pub(super) fn lab(args: &[&str]) -> Output {
    command(args).output().expect("the lab runs")
}

pub(super) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(args).env_remove("LAB_TAIL").stdin(Stdio::null());
    command
}

/// So little sampling that a test takes no time.
pub(super) const TINY: [&str; 5] = ["--quick", "--samples", "2", "--sample-time", "1"];

pub(super) fn tiny(args: &[&str]) -> Output {
    lab(&[args, &TINY[..]].concat())
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn records(json: &[u8]) -> Vec<Record> {
    text(json).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

pub(super) fn refuses(output: &Output, reason: &str) {
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains(reason), "{}", text(&output.stderr));
}

/// The strategy of this project in this build.
fn ours() -> &'static str {
    if cfg!(feature = "tail-call") { "direct-tail" } else { "direct" }
}

#[test]
fn list_names_experiments_and_strategies() {
    // Without a compiler on the path, so that nobody waits for C++.
    let output = command(&["list"]).env("PATH", "").output().unwrap();
    assert!(output.status.success());
    let text = text(&output.stdout);
    let experiments = [
        "resume",
        "call",
        "crossover",
        "memory",
        "join",
        "generate",
        "prefetch",
        "wake",
        "runtime",
        "service",
        "build",
        "size",
        "debug",
    ];
    for name in experiments.into_iter().chain(lab_strategies::registry::names()) {
        assert!(text.contains(name), "{name} is missing in {text}");
    }
    let other = if cfg!(feature = "tail-call") { "see direct-tail" } else { "--tail-lab" };
    assert!(text.contains(other), "{text}");
}

#[test]
fn list_says_that_there_is_no_compiler() {
    let output = command(&["list"]).env("PATH", "").output().unwrap();
    assert!(output.status.success());
    let text = text(&output.stdout);
    assert!(text.contains("no clang++ on the path"), "{text}");
    assert!(text.contains("no g++ on the path"), "{text}");
    assert!(text.contains("no rustc on the path"), "{text}");
}

/// What `lab list` says if a program is a script.
#[cfg(unix)]
fn list_with(program: &str, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(program);
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = command(&["list"]).env("PATH", dir.path()).output().unwrap();
    text(&output.stdout)
}

/// A stand-in for a compiler that says its version and then fails.
#[cfg(unix)]
#[test]
fn list_quotes_a_compiler_that_fails() {
    let script = "#!/bin/sh\ncase $1 in -dump*) echo 99.1.0;; *) echo 'peer.cpp:1:1: error: out of \
                  order' >&2; exit 1;; esac\n";
    let text = list_with("g++", script);
    assert!(text.contains("error: out of order"), "{text}");
}

#[cfg(unix)]
#[test]
fn list_says_which_tools_of_llvm_are_missing() {
    let rustc = |llvm| format!("#!/bin/sh\necho 'release: 1.2.3'; echo 'LLVM version: {llvm}'\n");
    let text = list_with("rustc", &rustc("19.1.7"));
    assert!(text.contains("rustc 1.2.3 has LLVM 19.1.7, and the plugin is written for"), "{text}");
    let text = list_with("rustc", &rustc("22.1.2"));
    assert!(text.contains("no opt of LLVM 22 on the path, which is rustc's"), "{text}");
}

#[test]
fn resume_writes_every_cell_as_json() {
    let strategies = format!("nested,{}", ours());
    let output = tiny(&["resume", "--strategies", &strategies, "--json", "-"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let records = records(&output.stdout);
    assert_eq!(records.len(), 2 * 2 * DEPTHS.len());
    for record in &records {
        assert_eq!(record.experiment, "resume");
        assert!(["nested", ours()].contains(&record.strategy.as_str()));
        assert_eq!((record.metric.as_str(), record.unit.as_str()), ("time_per_resume", "ns"));
        assert!(["static", "dyn"].contains(&record.text("chain").as_str()));
        assert!(DEPTHS.iter().any(|&depth| record.number("depth") == Some(u64::from(depth))));
        assert_eq!(record.samples, 2);
        assert!(record.low <= record.value && record.value <= record.high && record.low >= 0.0);
    }
}

#[test]
fn call_names_its_cases_and_placements() {
    let output = tiny(&["call", "--strategies", ours(), "--json", "-"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let records = records(&output.stdout);
    for (case, metric, placements) in [
        ("ready", "time_per_level", &["inline", "stack", "heap"][..]),
        ("once", "time_per_level", &["inline", "stack", "heap"]),
        ("fib", "time_per_call", &["heap", "stack"]),
        ("fib-yield", "time_per_call", &["heap", "stack"]),
    ] {
        let of_case: Vec<_> = records.iter().filter(|r| r.text("case") == case).collect();
        for placement in placements {
            let placed = of_case.iter().any(|record| record.text("placement") == *placement);
            assert!(placed, "{case}: {placement}");
        }
        for record in of_case {
            assert_eq!(record.metric, metric);
            assert!(placements.contains(&&*record.text("placement")), "{case}");
            assert!(record.number("depth").is_some());
        }
    }
}

/// Without a compiler on the path, so that it is the same everywhere and no test waits for C++.
#[cfg(target_os = "linux")]
#[test]
fn memory_names_its_cases_and_placements_and_who_is_absent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("memory.json");
    let args = ["memory", "--json", path.to_str().unwrap()];
    let output = command(&[&args[..], &TINY[..]].concat()).env("PATH", "").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let tables = text(&output.stdout);
    assert!(tables.contains("without cpp-clang: no clang++ on the path"), "{tables}");
    assert!(tables.contains("without cpp-gcc: no g++ on the path"), "{tables}");

    let records = records(&std::fs::read(&path).unwrap());
    let ours = ours();
    for (case, strategy, expected) in [
        ("held", ours, &["boxed", "heap", "inline", "stack"][..]),
        ("held", "nested", &[""]),
        ("held", "nested-boxed", &[""]),
        ("held", "stackful", &[""]),
        ("passed", ours, &["boxed", "heap", "inline", "may", "stack"]),
        ("passed-late", ours, &["boxed", "heap", "inline", "stack"]),
        ("wrap", ours, &["boxed", "heap", "inline", "stack"]),
        ("wrap", "nested", &[""]),
        ("wrap", "stackful", &[]),
        ("combine", ours, &["boxed", "heap", "inline", "stack"]),
        ("timeout", ours, &["inline"]),
        ("timeout", "nested-boxed", &[]),
        ("sequential", ours, &["boxed", "heap", "inline", "may", "stack"]),
        ("disjoint", ours, &["boxed", "heap", "inline", "stack"]),
        ("packed", ours, &["inline"]),
        ("packed", "nested", &[]),
        ("branch", ours, &["boxed", "heap", "inline", "stack"]),
        ("join", ours, &["inline"]),
        ("join", "nested", &[""]),
        ("recursion", ours, &["boxed", "heap", "stack"]),
        ("recursion", "nested", &[""]),
        ("recursion", "stackful", &[""]),
        ("tasks-arguments", ours, &["boxed", "contiguous", "heap", "inline", "stack"]),
        ("tasks-arguments", "nested", &["contiguous", "inline"]),
        ("tasks-locals", ours, &["boxed", "contiguous", "heap", "inline", "stack"]),
        ("tasks-locals", "stackful", &[""]),
        ("move", ours, &[""]),
        ("move", "nested", &[""]),
    ] {
        let mut placements: Vec<String> = records
            .iter()
            .filter(|record| record.text("case") == case && record.strategy == strategy)
            .map(|record| record.text("placement"))
            .collect();
        placements.sort_unstable();
        placements.dedup();
        assert_eq!(placements, expected, "{strategy} {case}");
    }
    for record in &records {
        assert_eq!(record.experiment, "memory");
        assert!(record.number("depth").is_some() && record.number("payload").is_some());
        let unit = match record.metric.as_str() {
            "bytes" | "peak_bytes" => "B",
            "allocations" => "1",
            "time_per_move" | "time_per_spawn" => "ns",
            metric => panic!("{metric}"),
        };
        assert_eq!(record.unit, unit);
        assert!(record.low <= record.value && record.value <= record.high && record.low >= 0.0);
    }
    // A peak is what was there at any time, so also while suspended.
    let find = |of: &Record, metric: &str| {
        let peer = records.iter().find(|record| {
            (&record.strategy, &record.params, record.metric.as_str())
                == (&of.strategy, &of.params, metric)
        });
        peer.map(|record| record.value)
    };
    for record in records.iter().filter(|record| record.metric == "peak_bytes") {
        assert!(find(record, "bytes").is_some_and(|bytes| bytes <= record.value), "{record:?}");
        assert!(find(record, "allocations").is_some_and(|count| count >= 1.0), "{record:?}");
    }
}

#[test]
fn crossover_shows_the_ratio_and_draws_it() {
    let dir = tempfile::tempdir().unwrap();
    let html = dir.path().join("report");
    let output = tiny(&["crossover", "--html", html.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let title = format!("static chain: time nested / time {}", ours());
    assert!(text(&output.stdout).contains(&title), "{}", text(&output.stdout));
    let page = std::fs::read_to_string(html.join("index.html")).unwrap();
    assert!(page.contains("<svg") && page.contains(&title));
    // Self-contained: nothing is fetched.
    assert!(!page.contains("src=") && !page.contains("<link"));
}

#[test]
fn generate_names_its_shapes_and_says_who_ends_where() {
    let output = tiny(&["generate", "--json", "-"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let records = records(&output.stdout);
    assert!(
        records.iter().all(|r| (r.metric.as_str(), r.unit.as_str()) == ("time_per_item", "ns"))
    );
    let depths = |shape: &str, strategy: &str| -> Vec<u64> {
        let of = |r: &&Record| r.strategy == strategy && r.text("shape") == shape;
        records.iter().filter(of).map(|r| r.number("depth").unwrap()).collect()
    };
    for strategy in [ours(), "explicit-stack", "nested-iterator", "genawaiter", "visitor"] {
        assert_eq!(depths("balanced", strategy), [5, 10, 15], "{strategy}");
        assert_eq!(depths("random", strategy), [10, 15], "{strategy}");
        let deepest = match strategy {
            "nested-iterator" | "genawaiter" => 1000,
            "visitor" => 10_000,
            _ => 100_000,
        };
        assert_eq!(depths("degenerate", strategy).last(), Some(&deepest), "{strategy}");
    }
}

#[test]
fn prefetch_names_tables_ways_and_pages() {
    let strategies = format!("naive,state-machine,{}", ours());
    let dir = tempfile::tempdir().unwrap();
    let html = dir.path().to_str().unwrap();
    let output = tiny(&["prefetch", "--strategies", &strategies, "--json", "-", "--html", html]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (floor, records): (Vec<_>, Vec<_>) =
        records(&output.stdout).into_iter().partition(|record| !record.text("beside").is_empty());
    for (workload, metric, params) in [
        ("bsearch", "time_per_step", &[][..]),
        ("chase", "time_per_step", &[]),
        ("hash", "time_per_lookup", &["keys", "chain_length", "hit_rate"]),
        ("btree", "time_per_lookup", &["distribution"]),
        ("nesting", "time_per_step", &["table", "call_depth"]),
    ] {
        let of_workload: Vec<_> = (records.iter())
            .filter(|record| record.text("workload") == workload && record.unit == "ns")
            .collect();
        for strategy in strategies.split(',') {
            // By hand there is no call depth and, for the floor, a group; one by one is naive.
            let expected = strategy != "naive" || workload != "nesting";
            let there = of_workload.iter().any(|record| record.strategy == strategy);
            assert_eq!(there, expected, "{strategy} in {workload}");
        }
        for record in &of_workload {
            assert_eq!(record.metric, metric);
            assert!(["2 MiB", "mixed", "4 KiB", "unknown"].contains(&&*record.text("pages")));
            assert!(record.number("table_bytes").is_some() && record.number("group").is_some());
            for param in params {
                assert!(record.params.contains_key(*param), "{param} in {workload}");
            }
        }
        // What the machine can do at best, beside each table; `chase` is this itself.
        let beside = floor.iter().filter(|record| record.text("beside").starts_with(workload));
        assert_eq!(beside.count() == 0, workload == "chase", "{workload}");
    }
    assert!(floor.iter().all(|record| record.strategy == "naive"));
    // Stated if not available, and then no figures.
    let counted = records.iter().any(|record| record.metric.starts_with("branch_misses"));
    assert_ne!(counted, text(&output.stderr).contains("hardware counters: not available here"));
    let page = std::fs::read_to_string(dir.path().join("index.html")).unwrap();
    for part in ["prefetch, bsearch 16 KiB: ns per step by group", "with one chain", "call depth"] {
        assert!(page.contains(part), "{part}");
    }
}

/// The runtimes, each in both flavours.
const RUNTIMES: [&str; 3] = ["reactor", "tokio", "async-executor"];

#[cfg(target_os = "linux")]
#[test]
fn wake_names_its_sources_depths_flavours_and_bodies() {
    let output = tiny(&["wake", "--json", "-"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let records = records(&output.stdout);
    let mut expected = 0;
    for flavour in ["current", "multi"] {
        for source in ["self", "task", "thread", "reactor"] {
            for (body, depth) in
                ["direct", "boxed"].iter().flat_map(|b| [0, 16, 256].map(|d| (b, d)))
            {
                for metric in ["time_per_wake", "cpu_per_wake"] {
                    let found: Vec<&str> = (records.iter())
                        .filter(|r| {
                            (r.text("flavour"), r.text("source")) == (flavour.into(), source.into())
                        })
                        .filter(|r| {
                            (r.text("body").as_str(), r.number("depth")) == (body, Some(depth))
                        })
                        .filter(|r| r.metric == metric)
                        .map(|r| r.strategy.as_str())
                        .collect();
                    assert_eq!(found, RUNTIMES, "{flavour} {source} {body} {depth} {metric}");
                    expected += found.len();
                }
            }
        }
    }
    assert_eq!(records.len(), expected);
    for record in &records {
        assert_eq!((record.experiment.as_str(), record.unit.as_str()), ("wake", "ns"));
        assert!(record.low <= record.value && record.value <= record.high && record.low >= 0.0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn runtime_names_its_benches_and_metrics() {
    let output = tiny(&["runtime", "--json", "-"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let records = records(&output.stdout);
    for (bench, params, metrics) in [
        ("spawn_many", &[][..], &["time_total", "cpu_per_item"][..]),
        ("spawn_join", &[], &["time_total", "cpu_per_item"]),
        ("yield_many", &[], &["time_total", "cpu_per_item"]),
        ("ping_pong", &[], &["time_total", "cpu_per_item"]),
        ("chained_spawn", &[], &["time_total", "cpu_per_item"]),
        ("echo", &["connections"], &["cpu_per_item", "throughput", "p50", "p99"]),
        ("hyper", &["connections"], &["cpu_per_item", "throughput", "p50", "p99"]),
        ("timers_arm", &["timers"], &["time_total", "cpu_per_item"]),
        ("timers_repoll", &["timers"], &["time_total", "cpu_per_item"]),
        ("timers_cancel", &["timers"], &["time_total", "cpu_per_item"]),
        ("timers_fire", &["timers"], &["cpu_per_item"]),
    ] {
        for workers in [1, 2] {
            for strategy in RUNTIMES {
                let of_cell: Vec<_> = (records.iter())
                    .filter(|r| r.text("bench") == bench && r.number("workers") == Some(workers))
                    .filter(|r| r.strategy == strategy)
                    .collect();
                let mut found: Vec<&str> = of_cell.iter().map(|r| r.metric.as_str()).collect();
                found.truncate(metrics.len());
                assert_eq!(found, metrics, "{bench} {strategy} {workers}");
                for record in of_cell {
                    let unit = if record.metric == "throughput" { "1/s" } else { "ns" };
                    assert_eq!(record.unit, unit);
                    assert!(params.iter().all(|param| record.number(param).is_some()), "{bench}");
                }
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn service_names_its_servers_and_draws_percentiles() {
    let dir = tempfile::tempdir().unwrap();
    let html = dir.path().to_str().unwrap();
    let output = tiny(&["service", "--json", "-", "--html", html]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let records = records(&output.stdout);
    let found = |of: &dyn Fn(&&Record) -> bool| -> Vec<String> {
        records.iter().filter(of).map(|r| format!("{} {}", r.strategy, r.metric)).collect()
    };
    let both = |metrics: &[&str]| -> Vec<String> {
        let of = |strategy| metrics.iter().map(move |metric| format!("{strategy} {metric}"));
        ["nested", ours()].into_iter().flat_map(of).collect()
    };
    let mut expected = 0;
    for (runtime, workers) in [("tokio", 1), ("tokio", 2), ("reactor", 1), ("reactor", 2)] {
        for connections in [1, 64, 512] {
            let is_it = |r: &&Record, depth| {
                (r.text("runtime").as_str(), r.number("workers")) == (runtime, Some(workers))
                    && (r.number("connections"), r.number("depth"))
                        == (Some(connections), Some(depth))
            };
            let memory: &[&str] = if workers == 1 { &["bytes_per_connection"] } else { &[] };
            let sampled = found(&|r| is_it(r, 8) && r.unit != "B");
            assert_eq!(sampled, both(&["throughput", "cpu_per_request", "p50", "p99", "p999"]));
            for depth in [8, 32] {
                assert_eq!(found(&|r| is_it(r, depth) && r.unit == "B"), both(memory));
            }
            expected += sampled.len() + 2 * both(memory).len();
        }
    }
    for depth in [8, 32] {
        let alone = found(&|r| r.metric == "time_alone" && r.number("depth") == Some(depth));
        assert_eq!(alone, both(&["time_alone"]));
        for runtime in ["tokio", "reactor"] {
            let is_it = |r: &&Record| r.metric == "handler_bytes" && r.text("runtime") == runtime;
            let sizes = found(&|r| is_it(r) && r.number("depth") == Some(depth));
            assert_eq!(sizes, both(&["handler_bytes"]));
            expected += sizes.len();
        }
        expected += alone.len();
    }
    assert_eq!(records.len(), expected);
    for record in &records {
        assert_eq!(record.experiment, "service");
        let unit = match record.metric.as_str() {
            "throughput" => "1/s",
            "bytes_per_connection" | "handler_bytes" => "B",
            _ => "ns",
        };
        assert_eq!(record.unit, unit);
        assert!(record.low <= record.value && record.value <= record.high && record.low >= 0.0);
    }
    let page = std::fs::read_to_string(dir.path().join("index.html")).unwrap();
    for server in
        ["tokio, one thread", "tokio, 2 workers", "reactor, one thread", "reactor, 2 workers"]
    {
        let title = format!("<title>service: ns that a request takes, {server}, depth 8</title>");
        assert!(page.contains(&title), "{title}");
    }
    for line in ["nested (p99.9)", "p99)"] {
        assert!(page.contains(line), "{line}");
    }
}
