//! A task of any depth is woken by one event after the other.

use std::task::{Context, Poll};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use lab_work::clock::{Cost, Whose};
use lab_work::wake::{Body, Source, Spec};

use crate::runtime::Runtime;
use baton::Baton;
use bytes::Bytes;

mod baton;
mod bytes;
mod chain;

/// What a leaf waits for.
pub(crate) trait Event: Send + 'static {
    /// Ready when the next event is there.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// The task wakes itself.
struct Own {
    is_woken: bool,
}

impl Event for Own {
    #[inline]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.is_woken = !self.is_woken;
        if self.is_woken {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// What a chain has done.
#[derive(Clone, Copy, Debug)]
struct Done {
    cost: Cost,
    levels: u32,
}

impl Done {
    fn checked(self, spec: Spec) -> Result<Cost> {
        let Done { cost, levels } = self;
        ensure!(levels == spec.depth, "wrong result: {levels} levels of {}", spec.depth);
        Ok(cost)
    }
}

/// Runs a chain as a task.
fn spawn<R: Runtime, E: Event>(
    spec: Spec,
    event: E,
    events: u64,
) -> futures::future::BoxFuture<'static, Done> {
    let whose = spec.flavour.whose();
    // The task's future is the chain itself: an executor may look at its type.
    match spec.body {
        Body::Direct => Box::pin(R::spawn(chain::direct(spec.depth, event, events, whose))),
        Body::Boxed => Box::pin(R::spawn(chain::plain(spec.depth, event, events, whose))),
    }
}

/// Makes a runtime with a task that waits for so many events.
pub(crate) fn run<R: Runtime>(spec: Spec, events: u64) -> Result<Cost> {
    match spec.source {
        Source::Own => R::block_on(Box::pin(async move {
            let done = spawn::<R, _>(spec, Own { is_woken: false }, events).await;
            done.checked(spec)
        })),
        Source::Task => R::block_on(Box::pin(async move {
            let (one, other) = Baton::pair();
            both::<R, _>(spec, one, other, events).await
        })),
        Source::Reactor => R::block_on(Box::pin(async move {
            let (one, other) = Bytes::pair::<R>()?;
            both::<R, _>(spec, one, other, events).await
        })),
        Source::Thread => {
            let (one, other) = Baton::pair();
            let partner = thread::spawn(move || {
                futures_lite::future::block_on(chain::plain(0, other, events, Whose::Thread))
            });
            let cost = R::block_on(Box::pin(async move {
                spawn::<R, _>(spec, one, events).await.checked(spec)
            }))?;
            partner.join().ok().context("the other thread has panicked")?;
            Ok(cost)
        }
    }
}

/// Two chains, each of which is the source of the other's events.
async fn both<R: Runtime, E: Event>(spec: Spec, one: E, other: E, events: u64) -> Result<Cost> {
    let (one, other) = (spawn::<R, _>(spec, one, events), spawn::<R, _>(spec, other, events));
    let cost = one.await.checked(spec)?;
    other.await.checked(spec)?;
    Ok(cost)
}
