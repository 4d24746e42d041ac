//! The memory of a task: one allocation.
//!
//! ```text
//!   ┌ Cell<H, F> ────────────────────────────────────────────────────────────────────┐
//!   │ H: ┌ Common: vtable, the join's waker and state, origin, stage, number ┐        │
//!   │    │ what the executor keeps of a task: queue, list, references          │      │
//!   │ Content<F>: the future, then its output, or the payload of its panic            │
//!   └────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Everybody else has a pointer to `Common`, which is the start of the whole, or a [`Waker`] that owns a reference.
//! What is in `Content` is said by the [`Stage`]:
//!
//! ```text
//!            poll                  poll: a chain that has suspended
//!   FRESH ─────────▶ POLLED      ┌──────────────────────────────────▶ CHAIN ─┐ resume
//!     │ └───────────────────────┘│                                     │  ▲───┘
//!     │                    │                                           │
//!     ├────────────────────┴─────────────── poll: Ready ───────────────┼──▶ OUTPUT ──── read, drop_result ──▶ EMPTY
//!     ├──────────────────────────────────── a panic ───────────────────┼──▶ PANICKED ── read, drop_result ──▶ EMPTY
//!     └──────────────────────────────────── cancel ────────────────────┴──▶ CANCELLED
//! ```
//!
//! # Invariant
//!
//! Stage and content belong to who runs the task, by the executor's protocol, until the task is complete; then to who
//! owns the result ([`JoinState`]).

use std::any::Any;
use std::cell::{Cell as Field, UnsafeCell};
use std::mem::{ManuallyDrop, MaybeUninit, offset_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use cps_core::{__hosted as hosted, backtrace::Backtrace};

use crate::task::error::JoinError;
use crate::task::id::{Id, Stored};
use crate::task::join_state::JoinState;
use crate::task::memory;
use crate::task::origin::Origin;
#[cfg(feature = "tracing")]
use crate::task::traced::TaskSpan;
#[cfg(feature = "metrics")]
use crate::task::woken::Woken;

/// What a task has panicked with.
type Payload = Box<dyn Any + Send>;

/// What is in a task's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The future, which was not polled.
    Fresh,
    /// The future.
    Polled,
    /// The future, which is a chain of coroutines that has suspended: it is resumed.
    Chain,
    /// Its output.
    Output,
    /// The payload of its panic.
    Panicked,
    /// Nothing: the task is that of a `block_on`.
    Root,
    /// Nothing: it was cancelled.
    Cancelled,
    /// Nothing: the result was taken, or something is being dropped.
    Empty,
}

/// What a poll of a task has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Progress {
    /// The future waits.
    Pending,
    /// The result is there.
    Done,
    /// The task is that of a `block_on`, which polls its future itself.
    Root,
}

/// What is known statically of a task.
pub(crate) struct VTable {
    /// Polls the future. Requires: a future is there; the caller runs the task.
    pub(crate) poll: unsafe fn(*const Common, &mut Context<'_>) -> Progress,
    /// Drops the future, whose panic is the result then; without one the task is cancelled. Requires: as `poll`.
    pub(crate) cancel: unsafe fn(*const Common),
    /// Replaces the future, whose poll has panicked, by the payload. Requires: as `poll`, or that the future is gone.
    pub(crate) fail: unsafe fn(*const Common, Payload),
    /// Moves the result to a `MaybeUninit<Result<T, JoinError>>`. Requires: the task is complete, and the caller owns
    /// the result.
    read: unsafe fn(*const Common, *mut ()),
    /// Drops the result, if it is there. Requires: as `read`.
    drop_result: unsafe fn(*const Common),
    /// Gives up the handle, with its reference. Requires: by the handle, once.
    pub(crate) drop_handle: unsafe fn(*const Common),
    /// Frees the memory. Requires: the caller had the last reference; no future and no result is there.
    pub(crate) free: unsafe fn(*const Common),
}

/// What all tasks have.
#[repr(C)]
pub(crate) struct Common {
    pub(crate) vtable: &'static VTable,
    /// See [`JoinState`].
    waker: UnsafeCell<Option<Waker>>,
    pub(crate) origin: Origin,
    pub(crate) join: JoinState,
    stage: Field<Stage>,
    /// The executor's own.
    pub(crate) flags: Field<u8>,
    id: Stored,
    #[cfg(feature = "metrics")]
    pub(crate) woken: Woken,
    #[cfg(feature = "tracing")]
    pub(crate) span: TaskSpan,
}

/// A header begins with a [`Common`].
///
/// # Safety
/// It does, and is `repr(C)`. If [`runs_here`](Header::runs_here) says so, then no other thread runs the task or completes
/// it.
pub(crate) unsafe trait Header: Sized {
    /// Whether this thread alone runs the task.
    fn runs_here(&self) -> bool;

    /// Gives up a reference.
    ///
    /// # Safety
    /// The caller has it; `task` is a pointer to the whole.
    unsafe fn release(task: *const Self);
}

/// A task.
#[repr(C)]
pub(crate) struct Cell<H, F: Future> {
    header: H,
    content: UnsafeCell<Content<F>>,
}

#[repr(C)]
union Content<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<F::Output>,
    panic: ManuallyDrop<Payload>,
}

impl<H: Header, F: Future> Cell<H, F> {
    const VTABLE: &'static VTable = &VTable {
        poll: poll::<H, F>,
        cancel: cancel::<H, F>,
        fail: fail::<H, F>,
        read: read::<H, F>,
        drop_result: drop_result_of::<H, F>,
        drop_handle: drop_handle::<H>,
        free: free::<H, F>,
    };

    /// Whether the content lies right behind the header, where an executor finds it without knowing the type.
    const IS_AT_FIXED_PLACE: bool = offset_of!(Self, content) == size_of::<H>();

    /// A new task. It has a handle.
    pub(crate) fn allocate(
        future: F,
        origin: Origin,
        header: impl FnOnce(Common) -> H,
    ) -> *const Common {
        let id = Stored::next();
        let common = Common {
            #[cfg(feature = "tracing")]
            span: TaskSpan::new(&origin, id.id(), size_of::<F>()),
            vtable: Self::VTABLE,
            waker: UnsafeCell::new(None),
            origin,
            join: JoinState::new(),
            stage: Field::new(Stage::Fresh),
            flags: Field::new(0),
            id,
            #[cfg(feature = "metrics")]
            woken: Woken::now(),
        };
        let content = UnsafeCell::new(Content { future: ManuallyDrop::new(future) });
        let header = header(common);
        let task = memory::allocate::<Self>();
        // SAFETY: the memory is for it, and this function's alone.
        unsafe { task.write(Cell { header, content }) };
        task.as_ptr().cast_const().cast()
    }
}

/// # Safety
/// The task is a `Cell<H, F>`.
unsafe fn content<H, F: Future>(task: *const Common) -> *mut Content<F> {
    // SAFETY: the caller says what the task is; the pointer is to the whole.
    unsafe { UnsafeCell::raw_get(&raw const (*task.cast::<Cell<H, F>>()).content) }
}

unsafe fn poll<H: Header, F: Future>(task: *const Common, cx: &mut Context<'_>) -> Progress {
    // SAFETY: the vtable is that of a `Cell<H, F>`, which is kept by who runs the task.
    let (content, stage) = unsafe { (content::<H, F>(task), &(*task).stage) };
    let future = content.cast::<F>();
    let polled = if stage.get() == Stage::Fresh {
        stage.set(Stage::Polled);
        // SAFETY: who runs the task has the content, which is a future, and is never moved.
        let (polled, is_chain) = unsafe { hosted::first_poll(future, cx) };
        if is_chain && Cell::<H, F>::IS_AT_FIXED_PLACE {
            stage.set(Stage::Chain);
        }
        polled
    } else {
        // SAFETY: who runs the task has the content, which is a future, and is never moved.
        unsafe { Pin::new_unchecked(&mut *future) }.poll(cx)
    };
    let Poll::Ready(output) = polled else { return Progress::Pending };
    // If the drop panics, the future is gone, and the output goes with the panic.
    stage.set(Stage::Empty);
    // SAFETY: the stage keeps the future from being dropped again. Its place is then the output's.
    unsafe {
        future.drop_in_place();
        content.cast::<F::Output>().write(output);
    }
    stage.set(Stage::Output);
    Progress::Done
}

/// Polls or resumes the future of a task whose header is an `H`.
///
/// # Safety
/// As for [`VTable::poll`].
#[inline(always)]
pub(crate) unsafe fn run<H: Header>(task: *const Common, cx: &mut Context<'_>) -> Progress {
    // SAFETY: who runs the task keeps it.
    let stage = unsafe { (*task).stage.get() };
    #[cfg(feature = "tracing")]
    // SAFETY: the caller runs the task until this returns, and keeps it.
    let _entered = (stage != Stage::Root).then(|| unsafe { (*task).span.enter() });
    match stage {
        Stage::Chain => {
            let future = task.wrapping_byte_add(size_of::<H>()).cast_mut().cast::<()>();
            // SAFETY: the caller runs the task. In this stage the future is a chain that has suspended, at that place.
            if unsafe { hosted::resume(future, cx) }.is_pending() {
                return Progress::Pending;
            }
        }
        Stage::Root => return Progress::Root,
        _ => {}
    }
    // SAFETY: the caller runs the task, in which a future is. (A chain that has returned gives its result.)
    unsafe { ((*task).vtable.poll)(task, cx) }
}

unsafe fn cancel<H: Header, F: Future>(task: *const Common) {
    // SAFETY: as in `poll`. The future is gone also if its drop panics.
    unsafe {
        (*task).stage.set(Stage::Cancelled);
        let future = content::<H, F>(task).cast::<F>();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| future.drop_in_place())) {
            content::<H, F>(task).cast::<Payload>().write(payload);
            (*task).stage.set(Stage::Panicked);
        }
    }
}

unsafe fn fail<H: Header, F: Future>(task: *const Common, payload: Payload) {
    // SAFETY: as in `poll`. A future is there unless it was its drop that panicked (`Empty`).
    unsafe {
        if (*task).stage.get() != Stage::Empty {
            cancel::<H, F>(task);
            // A second panic, of a destructor.
            drop_result_of::<H, F>(task);
        }
        content::<H, F>(task).cast::<Payload>().write(payload);
        (*task).stage.set(Stage::Panicked);
    }
}

unsafe fn read<H: Header, F: Future>(task: *const Common, to: *mut ()) {
    // SAFETY: the caller owns the result; the stage keeps it from being moved out again.
    let result = unsafe {
        let content = content::<H, F>(task);
        match (*task).stage.replace(Stage::Empty) {
            Stage::Output => Ok(content.cast::<F::Output>().read()),
            Stage::Panicked => Err(JoinError::panicked(content.cast::<Payload>().read())),
            Stage::Cancelled => Err(JoinError::cancelled()),
            stage => unreachable!("a result that is {stage:?}"),
        }
    };
    // SAFETY: the caller gives memory for it.
    unsafe { to.cast::<Result<F::Output, JoinError>>().write(result) };
}

unsafe fn drop_result_of<H: Header, F: Future>(task: *const Common) {
    // SAFETY: the caller owns the result; it is dropped once, also if its drop panics.
    unsafe {
        let content = content::<H, F>(task);
        match (*task).stage.replace(Stage::Empty) {
            Stage::Output => quietly(|| content.cast::<F::Output>().drop_in_place()),
            Stage::Panicked => quietly(|| content.cast::<Payload>().drop_in_place()),
            _ => {}
        }
    }
}

unsafe fn drop_handle<H: Header>(task: *const Common) {
    let header = task.cast::<H>();
    // SAFETY: the handle's reference keeps the task.
    let (header_ref, common) = unsafe { (&*header, &*task) };
    // A handle that is dropped where its task runs, as most are that nobody awaits, meets nobody.
    let detached = if header_ref.runs_here() {
        common.join.drop_handle_here()
    } else {
        common.join.drop_handle()
    };
    if detached.drop_result {
        // SAFETY: the task has ended, and this is its handle.
        unsafe { (common.vtable.drop_result)(task) };
    }
    if detached.drop_waker {
        // SAFETY: the slot is the handle's.
        if let Some(waker) = unsafe { common.waker_slot() }.take() {
            quietly(|| drop(waker));
        }
    }
    // SAFETY: the handle's reference is not used again.
    unsafe { H::release(header) };
}

unsafe fn free<H: Header, F: Future>(task: *const Common) {
    /// Frees the memory, also if the drop of the header panics.
    struct Memory<T>(NonNull<T>);
    impl<T> Drop for Memory<T> {
        #[inline(always)]
        fn drop(&mut self) {
            // SAFETY: `free`, which makes the guard, has a task that `Cell::allocate` has made in such memory, and that
            // is not used again.
            unsafe { memory::free(self.0) }
        }
    }

    // SAFETY: a pointer to a task is not null.
    let task = unsafe { NonNull::new_unchecked(task.cast::<Cell<H, F>>().cast_mut()) };
    let _memory = Memory(task);
    // SAFETY: the caller has had the last reference. The content is no more than memory.
    unsafe { task.drop_in_place() };
}

/// Runs foreign code of which nobody waits for a panic. (The panic hook has reported it.)
pub(crate) fn quietly(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        // The payload is foreign code, too.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(std::mem::forget);
    }
}

/// Says that a task has its result, wakes who awaits it, and drops the result if nobody does.
///
/// # Safety
/// The caller runs the task, whose result is there; once. It has a reference that outlives this.
pub(crate) unsafe fn complete(task: *const Common) {
    // SAFETY: the caller keeps the task.
    let common = unsafe { &*task };
    #[cfg(feature = "tracing")]
    // SAFETY: the caller has run the task, and does not say that it is complete before.
    unsafe {
        common.span.close();
    }
    let completed = common.join.complete();
    if completed.drop_result {
        // SAFETY: the handle is gone.
        unsafe { (common.vtable.drop_result)(task) };
    }
    if completed.wake {
        // SAFETY: the slot is the task's to read, until it says that it has.
        if let Some(waker) = unsafe { &*common.waker.get() } {
            quietly(|| waker.wake_by_ref());
        }
        if common.join.called() {
            // SAFETY: the handle is gone.
            let waker = unsafe { (*common.waker.get()).take() };
            quietly(|| drop(waker));
        }
    }
}

/// The functions of the task's future, if it is a chain of coroutines that has suspended.
///
/// # Safety
/// The caller has the task's content, as who runs it has, and its future is not being polled.
pub(crate) unsafe fn backtrace<H: Header>(task: *const Common) -> Option<Backtrace> {
    // SAFETY: the caller has the content. In that stage the future is a chain that has suspended, at that place.
    unsafe {
        ((*task).stage.get() == Stage::Chain)
            .then(|| hosted::backtrace(task.wrapping_byte_add(size_of::<H>()).cast()))
    }
}

impl Common {
    #[inline(always)]
    pub(crate) fn with_flags(self, flags: u8) -> Self {
        Common { flags: Field::new(flags), ..self }
    }

    pub(crate) fn id(&self) -> Id {
        self.id.id()
    }

    /// Whether it is the task of a `block_on`, for who runs the task.
    pub(crate) fn is_root(&self) -> bool {
        self.stage.get() == Stage::Root
    }

    /// Whether there is a future still, for who runs the task.
    pub(crate) fn has_future(&self) -> bool {
        matches!(self.stage.get(), Stage::Fresh | Stage::Polled | Stage::Chain)
    }

    /// Makes it the task of a `block_on`. Its future is never looked at.
    ///
    /// # Safety
    /// It was not run, and its future has no destructor.
    pub(crate) unsafe fn make_root(&self) {
        self.stage.set(Stage::Root);
    }

    /// The handle's place for its waker.
    ///
    /// # Safety
    /// By the handle, while it owns the slot ([`JoinState`]).
    #[allow(clippy::mut_from_ref, reason = "the slot has one owner at a time")]
    pub(crate) unsafe fn waker_slot(&self) -> &mut Option<Waker> {
        // SAFETY: the caller owns the slot.
        unsafe { &mut *self.waker.get() }
    }

    /// What lies in that place.
    ///
    /// # Safety
    /// By the handle, while the task may read it, too.
    pub(crate) unsafe fn offered_waker(&self) -> Option<&Waker> {
        // SAFETY: nobody writes to the slot before the handle is gone.
        unsafe { (*self.waker.get()).as_ref() }
    }
}

/// The result.
///
/// # Safety
/// The task's future has the output `T`, it is complete, and the result was not taken; by the handle.
pub(crate) unsafe fn take_result<T>(task: *const Common) -> Result<T, JoinError> {
    let mut result = MaybeUninit::<Result<T, JoinError>>::uninit();
    // SAFETY: the caller owns the result, of that type; `read` writes it.
    unsafe {
        ((*task).vtable.read)(task, result.as_mut_ptr().cast());
        result.assume_init()
    }
}
