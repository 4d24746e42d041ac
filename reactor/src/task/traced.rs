//! Tasks as spans of `tracing`, and their wakers' events: with the targets and fields that `tokio-console` looks for.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, forget};
use std::task::{RawWaker, RawWakerVTable, Waker};

use tracing::Span;
use tracing::span::Entered;

use crate::task::cell::{Common, Header};
use crate::task::id::Id;
use crate::task::origin::Origin;

/// The span of a task: from its spawn until it is complete, and entered while it is polled.
pub(crate) struct TaskSpan {
    /// By who runs the task.
    span: UnsafeCell<Span>,
    id: Option<tracing::Id>,
}

impl TaskSpan {
    pub(crate) fn new(origin: &Origin, id: Id, size: usize) -> Self {
        let place = origin.place();
        let span = tracing::trace_span!(
            target: "tokio::task",
            parent: None,
            "runtime.spawn",
            kind = %origin.kind(),
            task.name = %origin.name().unwrap_or_default(),
            task.id = id.get(),
            original_size.bytes = size,
            size.bytes = size,
            loc.file = place.file(),
            loc.line = place.line(),
            loc.col = place.column(),
        );
        TaskSpan { id: span.id(), span: UnsafeCell::new(span) }
    }

    /// # Safety
    /// By who runs the task, as long as that lasts.
    pub(crate) unsafe fn enter(&self) -> Entered<'_> {
        // SAFETY: the caller runs the task, and nobody else uses the span.
        unsafe { &*self.span.get() }.enter()
    }

    /// Closes it, however long wakers and handles live.
    ///
    /// # Safety
    /// By who runs the task, outside of it.
    pub(crate) unsafe fn close(&self) {
        // SAFETY: the caller runs the task, and nobody else uses the span.
        let span = std::mem::replace(unsafe { &mut *self.span.get() }, Span::none());
        // The subscriber is foreign code.
        crate::task::cell::quietly(|| drop(span));
    }
}

/// A header whose wakers are traced.
pub(crate) trait Traced: Header {
    /// Of wakers that say nothing, and of the references that handles are.
    fn quiet() -> &'static RawWakerVTable;

    /// The other, made of [`vtable`]. It has one address, by which wakers are compared.
    fn traced() -> &'static RawWakerVTable;
}

/// The functions of wakers that say what is done with them, then do it.
pub(crate) const fn vtable<H: Traced>() -> RawWakerVTable {
    RawWakerVTable::new(
        Functions::<H>::clone,
        Functions::<H>::wake,
        Functions::<H>::wake_by_ref,
        Functions::<H>::drop,
    )
}

struct Functions<H>(PhantomData<H>);

impl<H: Traced> Functions<H> {
    /// Says what is done, and gives the waker to do it with.
    ///
    /// # Safety
    /// The data is that of a waker of a task with the header `H`.
    unsafe fn say(data: *const (), op: &str) -> ManuallyDrop<Waker> {
        // SAFETY: a header begins with its `Common`, and a waker keeps its task.
        let common = unsafe { &*data.cast::<Common>() };
        if let Some(id) = &common.span.id {
            tracing::trace!(target: "tokio::task::waker", op = op, task.id = id.into_u64());
        }
        // SAFETY: the two kinds of wakers have the same data, and this one is not dropped unless the caller's is.
        ManuallyDrop::new(unsafe { Waker::new(data, H::quiet()) })
    }

    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: a vtable of `vtable` belongs to wakers of such tasks.
        forget(Waker::clone(&*unsafe { Self::say(data, "waker.clone") }));
        RawWaker::new(data, H::traced())
    }

    unsafe fn wake(data: *const ()) {
        // SAFETY: a vtable of `vtable` belongs to wakers of such tasks; the caller's waker ends here.
        ManuallyDrop::into_inner(unsafe { Self::say(data, "waker.wake") }).wake();
    }

    unsafe fn wake_by_ref(data: *const ()) {
        // SAFETY: a vtable of `vtable` belongs to wakers of such tasks.
        unsafe { Self::say(data, "waker.wake_by_ref") }.wake_by_ref();
    }

    unsafe fn drop(data: *const ()) {
        // SAFETY: a vtable of `vtable` belongs to wakers of such tasks; the caller's waker ends here.
        drop(ManuallyDrop::into_inner(unsafe { Self::say(data, "waker.drop") }));
    }
}
