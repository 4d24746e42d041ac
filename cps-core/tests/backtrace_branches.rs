//! Backtraces across branching points, as whole texts. As in `backtrace.rs`, the `.await` marked `at name` is
//! where `name` waits.

mod support;

use std::future::{Future, IntoFuture, pending, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use cps_core::{join, local_scope, race, scope, select, timeout, try_join};
use support::gate::Gate;

/// `at file:line:column` of the await in the line marked so.
fn place(marker: &str) -> String {
    let marker = format!("// at {marker}");
    let (index, line) = include_str!("backtrace_branches.rs")
        .lines()
        .enumerate()
        .find(|(_, line)| line.ends_with(&marker))
        .unwrap_or_else(|| panic!("no {marker}"));
    let column = line.find("await").or_else(|| line.find("cps_core::backtrace")).unwrap();
    format!("{}:{}:{}", file!(), index + 1, column + 1)
}

/// Replaces `@name` by that place. A line that ends in `?@name` is there with the feature `backtrace` only.
fn text(template: &str) -> String {
    let mut text = String::new();
    for line in template.lines().skip(1) {
        match line.split_once('@') {
            Some((before, name)) => match before.strip_suffix('?') {
                Some(before) if cfg!(feature = "backtrace") => {
                    text += &format!("{before}{}\n", place(name));
                }
                Some(_) => {}
                None => text += &format!("{before}{}\n", place(name)),
            },
            None => text += &format!("{line}\n"),
        }
    }
    text
}

fn poll<F: Future>(future: Pin<&mut F>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[cps_core::coroutine]
async fn leaf(gate: &Gate) -> u32 {
    gate.clone().await // at leaf
}

#[cps_core::coroutine]
async fn inner(gate: &Gate) -> u32 {
    leaf(gate).on_stack().await // at inner
}

#[cps_core::coroutine]
async fn three(gates: &[Gate]) -> (u32, u32, u32) {
    join((inner(&gates[0]), leaf(&gates[1]), gates[2].clone())).await // at three
}

#[cps_core::coroutine]
async fn outer(gates: &[Gate]) -> (u32, u32, u32) {
    three(gates).await // at outer
}

#[test]
fn a_join_shows_the_chain_of_each_branch_below_its_own() {
    let gates = support::gate::gates(3);
    let mut root = pin!(outer(&gates).into_future());
    assert_eq!(root.backtrace().branches().len(), 0);
    assert!(!poll(root.as_mut()));
    let backtrace = root.backtrace();
    assert_eq!(
        backtrace.to_string(),
        text(
            "
   0: backtrace_branches::three
             at @three
   1: backtrace_branches::outer
             at @outer
      branch 0:
       0: backtrace_branches::leaf
                 at ?@leaf
       1: backtrace_branches::inner
                 at @inner
      branch 1:
       0: backtrace_branches::leaf
                 at ?@leaf
      branch 2: a future"
        )
    );
    let numbers: Vec<_> = backtrace.branches().iter().map(|branch| branch.number()).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let frames = backtrace.branches()[0].backtrace().frames();
    assert_eq!(frames[1].function(), "backtrace_branches::inner");
    // What has finished is not shown; what was woken and resumed is as before.
    gates[0].nudge();
    gates[1].open(1);
    assert!(!poll(root.as_mut()));
    assert_eq!(
        root.backtrace().to_string(),
        text(
            "
   0: backtrace_branches::three
             at @three
   1: backtrace_branches::outer
             at @outer
      branch 0:
       0: backtrace_branches::leaf
                 at ?@leaf
       1: backtrace_branches::inner
                 at @inner
      branch 2: a future"
        )
    );
    gates.iter().for_each(|gate| gate.open(0));
    assert!(poll(root.as_mut()));
    assert_eq!(root.backtrace().to_string(), "");
}

#[cps_core::coroutine]
async fn nested(gates: &[Gate]) -> u32 {
    let pairs = vec![pair(&gates[..2]), pair(&gates[2..])];
    let (sums, one) = join((join(pairs), leaf(&gates[0]).boxed())).await; // at nested
    sums.iter().sum::<u32>() + one
}

#[cps_core::coroutine]
async fn pair(gates: &[Gate]) -> u32 {
    let [a, b] = join([leaf(&gates[0]), leaf(&gates[1])]).await; // at pair
    a + b
}

#[test]
fn branching_points_nest_directly_and_within_chains() {
    let gates = support::gate::gates(4);
    let mut root = pin!(nested(&gates).into_future());
    assert!(!poll(root.as_mut()));
    assert_eq!(
        root.backtrace().to_string(),
        text(
            "
   0: backtrace_branches::nested
             at @nested
      branch 0:
          branch 0:
           0: backtrace_branches::pair
                     at @pair
              branch 0:
               0: backtrace_branches::leaf
                         at ?@leaf
              branch 1:
               0: backtrace_branches::leaf
                         at ?@leaf
          branch 1:
           0: backtrace_branches::pair
                     at @pair
              branch 0:
               0: backtrace_branches::leaf
                         at ?@leaf
              branch 1:
               0: backtrace_branches::leaf
                         at ?@leaf
      branch 1:
       0: backtrace_branches::leaf
                 at ?@leaf"
        )
    );
}

#[test]
fn each_kind_of_branching_point_shows_its_branches() {
    #[cps_core::coroutine]
    async fn races(gate: &Gate) -> u32 {
        race((leaf(gate), pending())).await // at races
    }
    #[cps_core::coroutine]
    async fn tries(gate: &Gate) -> Result<(u32, ()), ()> {
        #[cps_core::coroutine]
        async fn fallible(gate: &Gate) -> Result<u32, ()> {
            Ok(leaf(gate).await) // at fallible
        }
        try_join((fallible(gate), pending::<Result<(), ()>>())).await // at tries
    }
    #[cps_core::coroutine]
    async fn times_out(gate: &Gate) -> bool {
        timeout(pending::<()>(), leaf(gate)).await.is_ok() // at times out
    }
    #[cps_core::coroutine]
    async fn selects(gate: &Gate) -> Option<(usize, u32)> {
        let mut both = pin!(select([leaf(gate)]));
        both.as_mut().next().await // at selects
    }
    #[cps_core::coroutine]
    async fn meanwhile(gate: &Gate) {
        let mut both = pin!(select([leaf(gate)]));
        both.as_mut().during(pending::<()>()).await // at meanwhile
    }
    let gate = Gate::default();
    let test = "backtrace_branches::each_kind_of_branching_point_shows_its_branches";
    let one = "
      branch 0:
       0: backtrace_branches::leaf
                 at ?@leaf";
    let check =
        |backtrace: cps_core::backtrace::Backtrace, name: &str, marker: &str, branches: &str| {
            let head = format!("\n   0: {test}::{name}\n             at @{marker}");
            assert_eq!(backtrace.to_string(), text(&(head + branches)));
        };
    macro_rules! check {
        ($function:ident, $marker:literal, $branches:expr) => {
            let mut root = pin!($function(&gate).into_future());
            assert!(!poll(root.as_mut()));
            check(root.backtrace(), stringify!($function), $marker, $branches);
            // However it is polled.
            gate.nudge();
            assert!(!poll(root.as_mut()));
            check(root.backtrace(), stringify!($function), $marker, $branches);
        };
    }
    check!(races, "races", &format!("{one}\n      branch 1: a future"));
    let fallible = format!(
        "
      branch 0:
       0: backtrace_branches::leaf
                 at ?@leaf
       1: {test}::tries::fallible
                 at @fallible
      branch 1: a future"
    );
    // The names of functions within functions end with those of their closures.
    let _ = fallible;
    check!(times_out, "times out", &format!("{one}\n      branch 1: a future"));
    check!(selects, "selects", one);
    let during = "
      branch 0: a future
      branch 1:
          branch 0:
           0: backtrace_branches::leaf
                     at ?@leaf";
    check!(meanwhile, "meanwhile", during);
    let mut root = pin!(tries(&gate).into_future());
    assert!(!poll(root.as_mut()));
    let backtrace = root.backtrace();
    let frames = backtrace.branches()[0].backtrace().frames();
    assert!(frames[1].function().contains("fallible"));
    assert_eq!(frames[1].location().unwrap().to_string(), place("fallible"));
}

#[cps_core::coroutine]
async fn parent(gates: &[Gate]) -> u32 {
    scope(|s| {
        cps_core::coroutine_block! {
            let first = s.spawn(leaf(&gates[0]));
            s.spawn(inner(&gates[1]));
            s.spawn(gates[2].clone());
            first.await + leaf(&gates[3]).await // at body
        }
    })
    .await // at parent
}

#[test]
fn a_scope_shows_its_body_and_its_children() {
    let gates = support::gate::gates(4);
    let mut root = pin!(parent(&gates).into_future());
    assert!(!poll(root.as_mut()));
    let children = "
      branch 2:
       0: backtrace_branches::leaf
                 at ?@leaf
       1: backtrace_branches::inner
                 at @inner
      branch 3: a future";
    let first = "
   0: backtrace_branches::parent
             at @parent
      branch 0:
       0: backtrace_branches::parent::{block}
                 at ?@body
      branch 1:
       0: backtrace_branches::leaf
                 at ?@leaf";
    let waits = format!("{first}{children}");
    // With the feature the line of the first await is known, whose column is another.
    let seen = root.backtrace().to_string();
    if !cfg!(feature = "backtrace") {
        assert_eq!(seen, text(&waits));
    }
    gates[0].open(1);
    while root.backtrace().branches().len() > 3 {
        assert!(!poll(root.as_mut()));
    }
    let backtrace = root.backtrace();
    let numbers: Vec<_> = backtrace.branches().iter().map(|branch| branch.number()).collect();
    assert_eq!(numbers, [0, 2, 3]);
    gates.iter().for_each(|gate| gate.open(1));
    while !poll(root.as_mut()) {}
}

#[test]
fn the_last_branch_alone_is_shown_too() {
    #[cps_core::coroutine]
    async fn sole(gate: &Gate) -> (u32, u32) {
        join((ready(1), leaf(gate))).await // at sole
    }
    let gate = Gate::default();
    let mut root = pin!(sole(&gate).into_future());
    assert!(!poll(root.as_mut()));
    let backtrace = root.backtrace();
    assert_eq!(backtrace.branches().len(), 1);
    assert_eq!(backtrace.branches()[0].number(), 1);
    let frames = backtrace.branches()[0].backtrace().frames();
    assert_eq!(frames[0].function(), "backtrace_branches::leaf");
}

/// A future that only contains a chain, where it begins, is not taken for one: it may end any time.
#[test]
fn a_future_that_contains_a_chain_is_a_future() {
    #[cps_core::coroutine]
    async fn wraps(gate: &Gate) -> (u32, u32) {
        let wrapped = Box::pin(async { leaf(gate).into_future().await });
        let in_place = async { leaf(gate).into_future().await };
        join((wrapped, in_place)).await // at wraps
    }
    let gate = Gate::default();
    let mut root = pin!(wraps(&gate).into_future());
    assert!(!poll(root.as_mut()));
    let backtrace = root.backtrace();
    let branches = backtrace.branches();
    assert_eq!(branches.len(), 2);
    assert!(branches.iter().all(|branch| branch.backtrace().frames().is_empty()));
}

/// Bodies that have lent what they own to themselves go on after a walk.
#[test]
fn a_walk_touches_nothing_that_a_body_has_lent_out() {
    #[cps_core::coroutine]
    async fn lends(gate: &Gate) -> u32 {
        let mut count = 0;
        let lent = &mut count;
        let plain = async {
            let mut own = 0;
            let inside = &mut own;
            gate.clone().await;
            *inside += 1;
            *lent += 1;
            *inside
        };
        let (a, b) = join((plain, leaf(gate))).await; // at lends
        a + b + count
    }
    let gate = Gate::default();
    let other = Gate::default();
    let _ = &other;
    let mut root = pin!(lends(&gate).into_future());
    assert!(!poll(root.as_mut()));
    for _ in 0..3 {
        assert_eq!(root.backtrace().branches().len(), 2);
        gate.nudge();
        assert!(!poll(root.as_mut()));
    }
}

#[test]
fn children_that_are_not_send_are_shown() {
    #[cps_core::coroutine]
    async fn local(gate: &Gate) -> u32 {
        local_scope(|s| {
            cps_core::coroutine_block! {
                let cell = std::cell::Cell::new(1);
                s.spawn(leaf(gate)).await + cell.get()
            }
        })
        .await // at local
    }
    let gate = Gate::default();
    let mut root = pin!(local(&gate).into_future());
    assert!(!poll(root.as_mut()));
    let backtrace = root.backtrace();
    assert_eq!(backtrace.branches().len(), 2);
    assert_eq!(backtrace.branches()[1].backtrace().frames().len(), 1);
    gate.open(1);
    while !poll(root.as_mut()) {}
}

#[cfg(feature = "backtrace")]
#[test]
fn a_branch_that_asks_sees_its_chain_and_that_of_the_branching_point() {
    #[cps_core::coroutine]
    async fn asks(gate: &Gate) -> String {
        gate.clone().await;
        cps_core::backtrace().to_string() // at asks
    }
    #[cps_core::coroutine]
    async fn between(gate: &Gate) -> String {
        asks(gate).await // at between
    }
    #[cps_core::coroutine]
    async fn joins(gate: &Gate, early: bool) -> String {
        if early {
            gate.open(0);
        }
        join((between(gate), ready(()))).await.0 // at joins
    }
    #[cps_core::coroutine]
    async fn top(gate: &Gate, early: bool) -> String {
        joins(gate, early).await // at top
    }
    for early in [true, false] {
        let gate = Gate::default();
        let mut root = Box::pin(top(&gate, early).into_future());
        let mut poll = || root.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let seen = match poll() {
            std::task::Poll::Ready(seen) => seen,
            std::task::Poll::Pending => {
                gate.open(0);
                match poll() {
                    std::task::Poll::Ready(seen) => seen,
                    std::task::Poll::Pending => panic!("woken"),
                }
            }
        };
        let test =
            "backtrace_branches::a_branch_that_asks_sees_its_chain_and_that_of_the_branching_point";
        let expected = format!(
            "
   0: {test}::asks
             at @asks
   1: {test}::between
             at @between
   2: {test}::joins
             at @joins
   3: {test}::top
             at @top"
        );
        assert_eq!(seen, text(&expected));
    }
}
