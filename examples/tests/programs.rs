//! Runs the examples and checks what they print.

use std::process::Command;

/// What the program prints, provided that it succeeds.
fn output(program: &str) -> String {
    output_with(program, &[])
}

fn output_with(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout).expect("the output is text")
}

#[test]
fn fetch_follows_three_links_under_both_runtimes() {
    let expected = "tokio: a -> b -> c -> d\nreactor: a -> b -> c -> d\n";
    assert_eq!(output(env!("CARGO_BIN_EXE_fetch")), expected);
}

#[test]
fn deep_parses_and_cancels_a_million_levels_where_plain_async_aborts() {
    let output = output(env!("CARGO_BIN_EXE_deep"));
    let (coroutine, plain) = output.split_once("plain async fn").expect(&output);
    assert_eq!(
        coroutine,
        "coroutine, 1000000 levels\n  \
           suspended, 1000000 lists open\n  \
           resumed, sum 7, 0 lists open\n\
         coroutine, 1000000 levels, dropped while suspended\n  \
           suspended, 1000000 lists open\n  \
           cancelled, 0 lists open\n"
    );
    let (_, overflow) = plain.trim_end().rsplit_once("\n  ").expect(&output);
    assert!(plain.contains("  100 levels: exit status: 0\n"), "{output}");
    assert!(overflow.ends_with("levels: signal: 6 (SIGABRT)"), "{output}");
}

#[test]
fn traverse_yields_ranges_in_order_and_files_page_by_page() {
    assert_eq!(
        output(env!("CARGO_BIN_EXE_traverse")),
        "squares from 7 to 9: [(7, 49), (8, 64), (9, 81)]\n\
         keys above 4000: 999\n\
         the last key: Some(4999)\n\
         home: notes\nhome: cat\nhome: dog\nhome: owl\nhome: todo\nhome: the end\n\
         home: notes\nhome: cat\nhome: enough\n\
         mail: inbox\nmail: no directory archive\nmail: the end\n"
    );
}

/// The program itself compares what each form finds.
#[test]
fn lookup_finds_the_same_in_each_form() {
    let output = output_with(env!("CARGO_BIN_EXE_lookup"), &["1"]);
    for table in ["binary search", "hash, chains of 16", "B+-tree", "breadth-first search"] {
        assert!(output.contains(table), "{output}");
    }
}

/// The columns of the table below `title`: the sizes of futures and of coroutines by level.
fn table(output: &str, title: &str) -> (Vec<usize>, Vec<usize>) {
    let mut lines = output.lines().skip_while(|line| !line.starts_with(title)).skip(2);
    lines
        .by_ref()
        .take_while(|line| !line.is_empty())
        .map(|line| {
            let cells: Vec<usize> =
                line.split_whitespace().map(|cell| cell.parse().expect(line)).collect();
            (cells[1], cells[2])
        })
        .unzip()
}

#[test]
fn sizes_of_coroutines_do_not_double() {
    let output = output(env!("CARGO_BIN_EXE_sizes"));

    let (future, coroutine) = table(&output, "combining_future");
    assert_eq!(future.len(), 9, "{output}");
    assert!(future[4] > 1_000_000 && future[8] > 16_000_000, "{output}");
    assert!(coroutine[4] <= 66_300 && coroutine[8] <= 66_900, "{output}");

    let (future, coroutine) = table(&output, "an argument");
    assert!(future[8] > 17 * 65_536, "{output}");
    assert!(coroutine[8] <= 66_900, "{output}");
}
