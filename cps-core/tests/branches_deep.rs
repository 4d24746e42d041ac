//! Recursion through branching points, deeper than any host stack: started, suspended, resumed, cancelled, and with a
//! panic at the bottom. Everything happens in the order of nested polls, of which `support/branches_model.rs` is the
//! model.
#![forbid(unsafe_code)]

#[allow(dead_code, reason = "shared")]
#[path = "support/gate.rs"]
mod gate;
#[allow(dead_code, reason = "shared")]
#[path = "support/hostile.rs"]
mod hostile;
#[path = "support/branches_model.rs"]
mod model;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use cps_core::{BoxCoroutine, coroutine_block, join, race, scope, select, timeout, try_join};
use gate::Gate;
use hostile::{Task, fail, fails};
use model::*;

/// The depth of a recursion. A wide one is less deep.
fn levels(kinds: &[Kind]) -> u32 {
    match kinds {
        _ if cfg!(miri) => KINDS.len() as u32,
        [JoinMany] => 1_000,
        _ if cfg!(debug_assertions) => 10_000,
        _ => 100_000,
    }
}

/// The depth down to which the order of all events is compared.
fn ordered(kinds: &[Kind]) -> u32 {
    levels(kinds).min(400)
}

#[derive(Clone, Copy, PartialEq)]
enum Leaf {
    Ready,
    Waits,
    Panics,
    /// When it is resumed.
    PanicsLater,
}

#[derive(Clone)]
struct World {
    kinds: &'static [Kind],
    leaf: Leaf,
    gate: Gate,
    log: Option<Arc<Mutex<Vec<Event>>>>,
    /// Values that are not dropped yet.
    alive: Arc<AtomicUsize>,
}

impl World {
    fn new(kinds: &'static [Kind], leaf: Leaf, is_logged: bool) -> Self {
        World {
            kinds,
            leaf,
            gate: Gate::default(),
            log: is_logged.then(Arc::default),
            alive: Arc::default(),
        }
    }

    fn note(&self, event: Event) {
        if let Some(log) = &self.log {
            log.lock().unwrap().push(event);
        }
    }

    fn noted(&self) -> Vec<Event> {
        std::mem::take(&mut *self.log.as_ref().unwrap().lock().unwrap())
    }

    fn guard(&self, event: Event) -> Guard {
        self.alive.fetch_add(1, SeqCst);
        Guard { event, world: self.clone() }
    }

    fn kind(&self, depth: u32) -> Kind {
        self.kinds[depth as usize % self.kinds.len()]
    }
}

struct Guard {
    event: Event,
    world: World,
}

impl std::ops::Drop for Guard {
    fn drop(&mut self) {
        self.world.note(self.event);
        self.world.alive.fetch_sub(1, SeqCst);
    }
}

/// The branch beside the deep one: ready, or for ever pending.
struct Side {
    depth: u32,
    is_ready: bool,
    was_polled: bool,
    guard: Guard,
}

impl Side {
    fn new(world: &World, depth: u32, is_ready: bool) -> Self {
        Side { depth, is_ready, was_polled: false, guard: world.guard(SideDrop(depth)) }
    }
}

impl Future for Side {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        if !std::mem::replace(&mut self.was_polled, true) {
            self.guard.world.note(Side(self.depth));
        }
        if self.is_ready { Poll::Ready(1) } else { Poll::Pending }
    }
}

fn walk(depth: u32, world: World) -> BoxCoroutine<'static, u32> {
    coroutine_block! {
        let _guard = world.guard(Drop(depth));
        world.note(Enter(depth));
        let value = if depth == 0 {
            match world.leaf {
                Leaf::Ready => 0,
                Leaf::Waits => world.gate.clone().await,
                Leaf::PanicsLater => {
                    world.gate.clone().await;
                    fail();
                    0
                }
                Leaf::Panics => {
                    fail();
                    0
                }
            }
        } else {
            level(depth, world.clone()).await
        };
        world.note(Leave(depth));
        value
    }
    .boxed()
}

fn level(depth: u32, world: World) -> BoxCoroutine<'static, u32> {
    let kind = world.kind(depth);
    let deep = walk(depth - 1, world.clone());
    let side = |is_ready| Side::new(&world, depth, is_ready);
    match kind {
        Join => {
            let side = side(true);
            coroutine_block! { let (a, b) = join((deep, side)).await; a + b }.boxed()
        }
        JoinLast => {
            let side = side(true);
            coroutine_block! { let (a, b) = join((side, deep)).await; a + b }.boxed()
        }
        JoinMany => {
            let side = side(true);
            coroutine_block! {
                let boxed = coroutine_block! { side.await }.boxed();
                let zeros = (0..60).map(|_| coroutine_block! { 0 }.boxed());
                join([deep, boxed].into_iter().chain(zeros).collect::<Vec<_>>()).await.iter().sum()
            }
            .boxed()
        }
        TryJoin => {
            let side = side(true);
            coroutine_block! {
                let deep = coroutine_block! { Ok::<_, ()>(deep.await) };
                let (a, b) = try_join((deep, async { Ok(side.await) })).await.unwrap();
                a + b
            }
            .boxed()
        }
        Race => {
            let side = side(false);
            coroutine_block! { race((deep, side)).await + 1 }.boxed()
        }
        Select => {
            let side = side(false);
            coroutine_block! {
                let mut both = pin!(select((deep, side)));
                both.as_mut().next().await.unwrap().1 + 1
            }
            .boxed()
        }
        During => {
            let side = side(false);
            coroutine_block! {
                let mut one = pin!(select([side]));
                one.as_mut().during(deep).await + 1
            }
            .boxed()
        }
        Timeout => {
            let side = side(false);
            coroutine_block! { timeout(side, deep).await.unwrap() + 1 }.boxed()
        }
        Nested => {
            let side = side(false);
            coroutine_block! { join((timeout(side, race([deep])),)).await.0.unwrap() + 1 }.boxed()
        }
        Scope => {
            let side = side(true);
            coroutine_block! {
                scope(|s| async move {
                    let (deep, side) = (s.spawn(deep), s.spawn(side));
                    deep.await + side.await
                })
                .await
            }
            .boxed()
        }
        ScopeBody => {
            let side = side(true);
            coroutine_block! {
                scope(|s| coroutine_block! {
                    let side = s.spawn(side);
                    deep.await + side.await
                })
                .await
            }
            .boxed()
        }
    }
}

/// On a thread with a small stack.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Each kind alone, which takes an interpreter too long, and all of them in turn.
fn all() -> impl Iterator<Item = &'static [Kind]> {
    let alone = if cfg!(miri) { 0 } else { KINDS.len() };
    (0..alone).map(|index| &KINDS[index..=index]).chain([&KINDS[..]])
}

/// Polls until it is ready, each time that the task was woken.
fn run(task: &Arc<Task>, root: &mut Pin<Box<BoxCoroutine<'static, u32>>>, what: &[Kind]) -> u32 {
    let mut answered = 0;
    for _ in 0..4 {
        if let Poll::Ready(value) = task.poll(root) {
            return value;
        }
        assert!(task.wakes() > answered, "{what:?}: lost wake-up");
        answered = task.wakes();
    }
    panic!("{what:?}: polled too often")
}

#[test]
fn all_happens_in_the_order_of_nested_polls() {
    for kinds in all() {
        let ordered = ordered(kinds);
        for leaf in [Leaf::Ready, Leaf::Waits, Leaf::Panics, Leaf::PanicsLater] {
            let expected = match leaf {
                Leaf::Ready => [model(kinds, |m| m.start(ordered, Outcome::Value)), Vec::new()],
                Leaf::Panics => [model(kinds, |m| m.start(ordered, Outcome::Panic)), Vec::new()],
                Leaf::Waits | Leaf::PanicsLater => [
                    model(kinds, |m| m.start(ordered, Outcome::Pending)),
                    model(kinds, |m| m.end(ordered, leaf == Leaf::Waits)),
                ],
            };
            on_a_small_stack(move || {
                let world = World::new(kinds, leaf, true);
                let task = Task::new();
                let mut root = Box::pin(walk(ordered, world.clone()));
                match leaf {
                    Leaf::Ready => assert_eq!(run(&task, &mut root, kinds), ordered, "{kinds:?}"),
                    Leaf::Panics => assert!(fails(|| task.poll(&mut root)), "{kinds:?}"),
                    Leaf::Waits | Leaf::PanicsLater => {
                        assert!(task.poll(&mut root).is_pending(), "{kinds:?}");
                        assert_same(&world.noted(), &expected[0], kinds);
                        world.gate.open(0);
                        match leaf {
                            Leaf::Waits => assert_eq!(run(&task, &mut root, kinds), ordered),
                            _ => assert!(fails(|| task.poll(&mut root)), "{kinds:?}"),
                        }
                    }
                }
                let rest = if world.gate.polls() > 0 { &expected[1] } else { &expected[0] };
                assert_same(&world.noted(), rest, kinds);
                drop(root);
                assert_eq!(world.noted(), []);
            });
        }
    }
}

#[test]
fn frames_and_branches_are_dropped_in_the_order_of_nested_drops() {
    for kinds in all() {
        let ordered = ordered(kinds);
        let expected = model(kinds, |m| m.end(ordered, false));
        on_a_small_stack(move || {
            let world = World::new(kinds, Leaf::Waits, true);
            let mut root = Box::pin(walk(ordered, world.clone()));
            assert!(Task::new().poll(&mut root).is_pending());
            world.noted();
            drop(root);
            assert_same(&world.noted(), &expected, kinds);
        });
    }
}

#[test]
fn what_is_ready_at_once_comes_to_its_value() {
    for kinds in all() {
        on_a_small_stack(move || {
            let world = World::new(kinds, Leaf::Ready, false);
            let mut root = Box::pin(walk(levels(kinds), world.clone()));
            assert_eq!(run(&Task::new(), &mut root, kinds), levels(kinds), "{kinds:?}");
            assert_eq!(world.alive.load(SeqCst), 0, "{kinds:?}");
        });
    }
}

#[test]
fn what_waits_at_the_bottom_is_woken_and_resumed() {
    for kinds in all() {
        on_a_small_stack(move || {
            let world = World::new(kinds, Leaf::Waits, false);
            let task = Task::new();
            let mut root = Box::pin(walk(levels(kinds), world.clone()));
            assert!(task.poll(&mut root).is_pending(), "{kinds:?}");
            for nudge in 1..4 {
                let before = task.wakes();
                world.gate.nudge();
                assert!(task.wakes() > before, "{kinds:?}: not woken");
                assert!(task.poll(&mut root).is_pending(), "{kinds:?}");
                assert_eq!(world.gate.polls(), 1 + nudge, "{kinds:?}: each poll is one");
            }
            world.gate.open(0);
            assert_eq!(run(&task, &mut root, kinds), levels(kinds), "{kinds:?}");
            assert_eq!(world.alive.load(SeqCst), 0, "{kinds:?}");
        });
    }
}

#[test]
fn what_waits_at_the_bottom_is_cancelled() {
    for kinds in all() {
        on_a_small_stack(move || {
            let world = World::new(kinds, Leaf::Waits, false);
            let mut root = Box::pin(walk(levels(kinds), world.clone()));
            assert!(Task::new().poll(&mut root).is_pending(), "{kinds:?}");
            let waker = world.gate.waker();
            drop(root);
            assert_eq!(world.alive.load(SeqCst), 0, "{kinds:?}");
            // Of a set that lives as long as this, in a chain of sets.
            waker.wake();
        });
    }
}

#[test]
fn what_is_woken_is_dropped_meanwhile() {
    for kinds in all() {
        on_a_small_stack(move || {
            let world = World::new(kinds, Leaf::Waits, false);
            let task = Task::new();
            let mut root = Box::pin(walk(levels(kinds), world.clone()));
            assert!(task.poll(&mut root).is_pending(), "{kinds:?}");
            let number = task.wakes();
            task.on_wake(number, move || drop(root));
            world.gate.nudge();
            assert_eq!(world.alive.load(SeqCst), 0, "{kinds:?}");
            assert_eq!(task.wakers(), usize::from(world.gate.is_waiting()), "{kinds:?}");
        });
    }
}

#[test]
fn a_wake_that_panics_is_heard_by_the_next() {
    for kinds in all() {
        on_a_small_stack(move || {
            let world = World::new(kinds, Leaf::Waits, false);
            let task = Task::new();
            let mut root = Box::pin(walk(levels(kinds), world.clone()));
            assert!(task.poll(&mut root).is_pending(), "{kinds:?}");
            let number = task.wakes();
            task.on_wake(number, fail);
            assert!(fails(|| world.gate.nudge()), "{kinds:?}");
            world.gate.open(0);
            assert_eq!(task.wakes(), number + 2, "{kinds:?}");
            assert_eq!(run(&task, &mut root, kinds), levels(kinds), "{kinds:?}");
        });
    }
}

#[test]
fn a_panic_at_the_bottom_reaches_the_top_with_all_else_dropped() {
    for kinds in all() {
        for leaf in [Leaf::Panics, Leaf::PanicsLater] {
            on_a_small_stack(move || {
                let world = World::new(kinds, leaf, false);
                let task = Task::new();
                let mut root = Box::pin(walk(levels(kinds), world.clone()));
                if leaf == Leaf::PanicsLater {
                    assert!(task.poll(&mut root).is_pending(), "{kinds:?}");
                    world.gate.open(0);
                }
                assert!(fails(|| task.poll(&mut root)), "{kinds:?}");
                assert_eq!(world.alive.load(SeqCst), 0, "{kinds:?}");
            });
        }
    }
}
