//! Trees of branching points.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use cps_core::interleave::Group;
use cps_core::{coroutine_block, join, race, scope, scope::Scope, select, timeout, try_join};

use super::leaf::Leaf;
use super::world::{Tree, World};

/// Branches of one that has many: more than a small wake set has room for.
const MANY: usize = 66;

#[cps_core::coroutine]
async fn called(tree: Tree) -> u32 {
    tree.await
}

/// Called by a coroutine, as a frame.
#[cps_core::coroutine]
async fn joined(one: Tree, other: Tree) -> u32 {
    let (one, other) = join((called(one), other)).await;
    one + other
}

#[cps_core::coroutine]
async fn in_time(deadline: Tree, body: Tree) -> u32 {
    timeout(deadline, called(body)).await.unwrap_or(0)
}

#[cps_core::coroutine]
async fn try_joined(one: Tree, other: Tree) -> u32 {
    let one = coroutine_block! { Ok::<_, u32>(one.await) };
    let both = (one, async { Err::<u32, _>(other.await) });
    match try_join(both).await {
        Ok((one, other)) => one + other,
        Err(error) => error,
    }
}

#[cps_core::coroutine]
async fn selected(branches: Vec<Tree>, during: Option<Tree>) -> u32 {
    let mut select = pin!(select(branches));
    let mut sum = 0;
    if let Some(during) = during {
        sum += select.as_mut().during(during).await;
    }
    while let Some((_, value)) = select.as_mut().next().await {
        sum += value;
    }
    sum
}

/// What is done with a child's handle, or with the child.
#[derive(Clone, Copy)]
enum Handle {
    Dropped,
    Awaited,
    Aborted,
    /// The child is started by another one.
    OfChild,
}

#[cps_core::coroutine]
async fn scoped(children: Vec<(Tree, Handle)>, body: Tree) -> u32 {
    scope(move |s: Scope<'static>| async move {
        let (mut awaited, mut aborted) = (Vec::new(), Vec::new());
        for (child, handle) in children {
            match handle {
                Handle::Dropped => drop(s.spawn(child)),
                Handle::Awaited => awaited.push(s.spawn(called(child))),
                Handle::Aborted => aborted.push(s.spawn(child)),
                Handle::OfChild => {
                    let spawner = s.clone();
                    drop(s.spawn(async move { drop(spawner.spawn(child)) }));
                }
            }
        }
        let mut sum = body.await;
        aborted.into_iter().for_each(cps_core::scope::Child::abort);
        for handle in awaited {
            sum += handle.await;
        }
        sum
    })
    .await
}

#[cps_core::coroutine]
async fn in_batch(inputs: Vec<Tree>, size: usize, is_ordered: bool) -> u32 {
    let mut sum = 0;
    let mut group = Group::new(size);
    if is_ordered {
        group.batch_in_order(inputs, called, |_, value| sum += value).await;
    } else {
        group.batch(inputs, called, |_, value| sum += value).await;
    }
    sum
}

/// Two futures that are polled together, as others join them.
struct Both(Option<Tree>, Option<Tree>);

impl Future for Both {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        let this = &mut *self;
        for branch in [&mut this.0, &mut this.1] {
            if branch.as_mut().is_some_and(|tree| Pin::new(tree).poll(cx).is_ready()) {
                *branch = None;
            }
        }
        if this.0.is_none() && this.1.is_none() { Poll::Ready(2) } else { Poll::Pending }
    }
}

fn leaf(world: &Arc<World>) -> Tree {
    let leaf = Leaf::new(world);
    coroutine_block! { leaf.await }.boxed()
}

/// A tree by the world's script, no deeper than `depth`.
pub(crate) fn grow(world: &Arc<World>, depth: usize) -> Tree {
    let kind = if depth == 0 { 0 } else { world.below(13) };
    let sub = || grow(world, depth - 1);
    let some = |least| (0..least + world.below(4)).map(|_| sub()).collect::<Vec<_>>();
    match kind {
        0 => leaf(world),
        1 => joined(sub(), sub()).boxed(),
        2 => {
            let branches = some(1);
            coroutine_block! { join(branches).await.into_iter().sum() }.boxed()
        }
        3 => {
            let mut branches = some(2);
            branches.resize_with(MANY, || leaf(world));
            coroutine_block! { join(branches).await.into_iter().sum() }.boxed()
        }
        4 => try_joined(sub(), sub()).boxed(),
        5 => {
            let branches = some(1);
            coroutine_block! { race(branches).await }.boxed()
        }
        6 => {
            let during = (world.below(2) == 1).then(sub);
            selected(some(1), during).boxed()
        }
        7 | 8 => {
            let handles = [Handle::Dropped, Handle::Awaited, Handle::Aborted, Handle::OfChild];
            let children = some(1).into_iter().map(|child| (child, handles[world.below(4)]));
            scoped(children.collect(), sub()).boxed()
        }
        9 => in_time(sub(), sub()).boxed(),
        10 => {
            let (size, is_ordered) = (1 + world.below(3), world.below(2) == 1);
            in_batch(some(1), size, is_ordered).boxed()
        }
        11 => {
            let both = Both(Some(sub()), Some(sub()));
            coroutine_block! { both.await }.boxed()
        }
        _ => {
            // Not a chain in the branch where it is, but a future in which there is one.
            let tree = sub();
            let plain: Pin<Box<dyn Future<Output = u32> + Send>> = Box::pin(tree);
            coroutine_block! { plain.await }.boxed()
        }
    }
}
