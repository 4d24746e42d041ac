//! A task of the multi-thread executor: what the executor keeps of it, and its waker.

use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::multi::Shared;
use crate::multi::list::{Linked, Links};
use crate::multi::worker::is_worker_of;
use crate::task::cell::{self, Common, Header};
use crate::task::counter::{Counter, Wake};
use crate::task::member::Member;
use crate::task::origin::Origin;
#[cfg(feature = "tracing")]
use crate::task::traced::{self, Traced};

/// The header of a task.
#[repr(C)]
pub(super) struct Task {
    common: Common,
    pub(super) counter: Counter,
    pub(super) shared: Member<Shared>,
    pub(super) links: Links<Task>,
}

// What a task takes besides its future, its output or its panic.
#[cfg(all(
    target_pointer_width = "64",
    not(any(feature = "metrics", feature = "tracing", shuttle))
))]
const _: () = assert!(size_of::<Task>() <= 104);

// SAFETY: it begins with its `Common`, and is `repr(C)`.
unsafe impl Header for Task {
    #[inline(always)]
    fn runs_here(&self) -> bool {
        false
    }

    #[inline(always)]
    unsafe fn release(task: *const Task) {
        // SAFETY: the caller has the reference.
        unsafe { Task::release(task) }
    }
}

// SAFETY: the field is the links, and `multi/list.rs` alone uses it.
unsafe impl Linked for Task {
    fn links(&self) -> &Links<Task> {
        &self.links
    }
}

impl Task {
    /// A task that is to be put into a queue, with two references: the executor's, and that of its handle.
    pub(super) fn allocate<F: Future>(
        shared: Member<Shared>,
        list: usize,
        future: F,
        origin: Origin,
    ) -> *const Task {
        let header = |common| Task {
            common,
            counter: Counter::scheduled(2),
            shared,
            links: Links::of(list as u32),
        };
        cell::Cell::allocate(future, origin, header).cast()
    }

    pub(super) fn common(&self) -> &Common {
        &self.common
    }

    /// A waker that takes a reference over.
    ///
    /// # Safety
    /// There is one that nobody else gives up; `task` is a pointer to the whole.
    #[inline(always)]
    pub(super) unsafe fn waker(task: *const Task) -> Waker {
        #[cfg(feature = "tracing")]
        let vtable = <Task as Traced>::traced();
        #[cfg(not(feature = "tracing"))]
        let vtable = &WAKER;
        // SAFETY: the functions keep the contract of a waker, for a pointer to a task that is kept by a reference.
        unsafe { Waker::new(task.cast(), vtable) }
    }

    /// The same, for a handle: its uses are no events.
    ///
    /// # Safety
    /// As for [`waker`](Task::waker).
    #[inline(always)]
    pub(super) unsafe fn reference(task: *const Task) -> Waker {
        // SAFETY: as in `waker`, with its functions or those that they call.
        unsafe { Waker::new(task.cast(), &WAKER) }
    }

    /// Gives up a reference.
    ///
    /// # Safety
    /// The caller has it.
    pub(super) unsafe fn release(task: *const Task) {
        // SAFETY: the reference keeps the task until it is given up; the last one frees it. There is no future then:
        // the executor has a reference until the task is complete.
        unsafe {
            if (*task).counter.release() {
                ((*task).common.vtable.free)(task.cast());
            }
        }
    }
}

static WAKER: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

#[cfg(feature = "tracing")]
static TRACED: RawWakerVTable = traced::vtable::<Task>();

#[cfg(feature = "tracing")]
impl Traced for Task {
    fn quiet() -> &'static RawWakerVTable {
        &WAKER
    }

    fn traced() -> &'static RawWakerVTable {
        &TRACED
    }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: a waker keeps its task.
    unsafe { (*data.cast::<Task>()).counter.clone_reference() };
    RawWaker::new(data, &WAKER)
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the waker gives its reference up.
    unsafe { Task::release(data.cast()) }
}

unsafe fn wake(data: *const ()) {
    let task = data.cast::<Task>();
    // SAFETY: a waker keeps its task.
    if !is_worker_of(unsafe { &(*task).shared }) {
        // SAFETY: the waker's reference is given up after the wake: until then a task that is to be scheduled is kept,
        // also if the runtime goes away meanwhile.
        return unsafe {
            wake_by_ref(data);
            drop_waker(data);
        };
    }
    // SAFETY: the waker's reference keeps the task for the read-modify-write that gives it up. One that is to be
    // scheduled is kept by the executor's reference, which only a worker's run gives up as long as this worker runs.
    // One that is to be freed is nobody's.
    unsafe {
        match (*task).counter.wake() {
            Wake::Nothing => {}
            Wake::Schedule => Shared::schedule(task),
            Wake::Free => ((*task).common.vtable.free)(task.cast()),
        }
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    let task = data.cast::<Task>();
    // SAFETY: a waker keeps its task, which is in no queue if it is to be scheduled.
    unsafe {
        if (*task).counter.wake_by_ref() == Wake::Schedule {
            Shared::schedule(task);
        }
    }
}
