//! A task of a current-thread executor: what the executor keeps of it, and its waker.
//!
//! ```text
//!                       wake, on the executor's thread
//!              ┌──────────────────────────────────────────────────┐
//!   spawn      ▼             run_tasks              Pending        │
//!   ───────▶ run queue ─────────────────▶ polled ───────────────▶ idle ──┐ wake, elsewhere:
//!   (link)     ▲  ▲                        │  │                    ▲     ▼ notified
//!              │  └───── wake ─────────────┘  │ Done, panic,       │  remote queue
//!              │                              │ aborted            │     │
//!              └──────────────────── drain ───┼────────────────────┼─────┘
//!                                             ▼                    │ close
//!                                          complete ◀──────────────┘
//!                                             │ (unlink; popped, if it was in the run queue)
//!                                             ▼
//!                                           merge ─▶ free, with the last reference
//! ```

use std::cell::Cell;
use std::mem::offset_of;
use std::ptr;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::local::{Shared, is_current};
use crate::task::cell::{self, Common, Header};
use crate::task::member::Member;
use crate::task::origin::Origin;
use crate::task::references::References;
use crate::task::remote_queue::{Link, Pushed};
#[cfg(feature = "tracing")]
use crate::task::traced::{self, Traced};

/// It is in the run queue.
pub(super) const SCHEDULED: u8 = 1;
/// Its result is there; it is not run any more.
pub(super) const COMPLETE: u8 = 2;
/// All its references are counted in one place.
pub(super) const MERGED: u8 = 4;
/// It is in the executor's list.
pub(super) const LINKED: u8 = 8;

/// The header of a task.
#[repr(C)]
pub(super) struct Task {
    common: Common,
    pub(super) shared: Member<Shared>,
    /// The next one in the run queue. Owner only.
    pub(super) next_to_run: Cell<*const Task>,
    pub(super) references: References,
    /// Of the executor's list. Owner only.
    pub(super) previous: Cell<*const Task>,
    pub(super) next: Cell<*const Task>,
    pub(super) link: Link,
}

// What a task takes besides its future, its output or its panic.
#[cfg(all(target_pointer_width = "64", not(any(feature = "metrics", feature = "tracing"))))]
const _: () = assert!(size_of::<Task>() <= 112);

// SAFETY: it begins with its `Common`, and is `repr(C)`. The owner alone runs tasks; and where the executor is current,
// there is the owner.
unsafe impl Header for Task {
    #[inline(always)]
    fn runs_here(&self) -> bool {
        is_current(&self.shared)
    }

    #[inline(always)]
    unsafe fn release(task: *const Task) {
        // SAFETY: the caller has the reference.
        unsafe { drop_waker(task.cast()) }
    }
}

/// Who makes a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// The executor's thread, which links it and puts it into the run queue.
    Owner,
    /// Any thread, which puts it into the remote queue.
    Elsewhere,
}

impl Task {
    /// A scheduled task with two references: the executor's, and that of its handle. If it comes from elsewhere it has
    /// a third, the remote queue's.
    pub(super) fn allocate<F: Future>(
        shared: Member<Shared>,
        future: F,
        from: From,
        origin: Origin,
    ) -> *const Task {
        let is_remote = from == From::Elsewhere;
        let header = |common: Common| Task {
            common: common.with_flags(SCHEDULED),
            shared,
            next_to_run: Cell::new(ptr::null()),
            references: References::new(2, is_remote.into()),
            previous: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            link: Link::new(is_remote),
        };
        cell::Cell::allocate(future, origin, header).cast()
    }

    pub(super) fn common(&self) -> &Common {
        &self.common
    }

    /// The task that a link is part of.
    pub(super) fn of_link(link: *const Link) -> *const Task {
        link.wrapping_byte_sub(offset_of!(Task, link)).cast()
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.common.flags.get() & flag != 0
    }

    pub(super) fn set(&self, flag: u8) {
        self.common.flags.set(self.common.flags.get() | flag);
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

    /// Gives up a reference that is counted with those of all threads.
    ///
    /// # Safety
    /// The caller has it.
    pub(super) unsafe fn release(task: *const Task) {
        // SAFETY: the reference keeps the task until it is given up; the last one frees it. There is no future then:
        // the executor has a reference until the task is complete.
        unsafe {
            if (*task).references.drop_shared() {
                ((*task).common.vtable.free)(task.cast());
            }
        }
    }

    /// Hands a task to its executor's thread, with a reference that is counted with those of all threads.
    ///
    /// # Safety
    /// The caller is to push it ([`Link::notify`]). The task is kept meanwhile by another reference.
    pub(super) unsafe fn push_remote(task: *const Task) -> Pushed {
        // SAFETY: the caller is to push the link, and its reference keeps the task until that is taken.
        unsafe {
            let shared = &(*task).shared;
            let pushed = shared.remote.push(&raw const (*task).link);
            if pushed == Pushed::First {
                shared.driver.unpark();
            }
            pushed
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

/// Whether this is the thread that counts the task's references by itself.
///
/// # Safety
/// `task` is kept by a reference.
#[inline(always)]
unsafe fn counts_here(task: *const Task) -> bool {
    // SAFETY: the flags are looked at on the executor's thread only.
    unsafe { is_current(&(*task).shared) && !(*task).has(MERGED) }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    let task = data.cast::<Task>();
    // SAFETY: a waker keeps its task. The executor's thread has not merged the counts if `counts_here` says so.
    unsafe {
        if counts_here(task) {
            (*task).references.clone_local();
        } else {
            (*task).references.clone_shared();
        }
    }
    RawWaker::new(data, &WAKER)
}

unsafe fn drop_waker(data: *const ()) {
    let task = data.cast::<Task>();
    // SAFETY: as in `clone`; the waker gives its reference up.
    unsafe {
        if counts_here(task) {
            (*task).references.drop_local();
        } else {
            Task::release(task);
        }
    }
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the waker's reference keeps the task, and is given up after the wake.
    unsafe {
        wake_by_ref(data);
        drop_waker(data);
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    let task = data.cast::<Task>();
    // SAFETY: a waker keeps its task.
    let this = unsafe { &*task };
    if !is_current(&this.shared) {
        // SAFETY: the waker's reference keeps it.
        return unsafe { wake_remote(task) };
    }
    let flags = this.common.flags.get();
    if flags & (SCHEDULED | COMPLETE) == 0 {
        this.common.flags.set(flags | SCHEDULED);
        // SAFETY: this is the executor's thread. A task that was neither scheduled nor complete is in no queue, and the
        // executor has a reference.
        unsafe { this.shared.local.push(task) };
    }
}

/// # Safety
/// `task` is kept by a reference.
#[cold]
unsafe fn wake_remote(task: *const Task) {
    // SAFETY: the caller keeps the task. The reference that is made is the queue's, or given up again.
    unsafe {
        if !(*task).link.notify() {
            return;
        }
        (*task).references.clone_shared();
        if Task::push_remote(task) == Pushed::Closed {
            Task::release(task);
        }
    }
}
