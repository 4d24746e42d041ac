//! The gate of a spanned call. The driver resumes it in order to enter spans, and the gate resumes the frame behind
//! it.
//!
//! **Invariant T**: while a chain is suspended in spanned calls, its leaf is the gate of the innermost of them, and the
//! gates of all of them are a list, in the order of their frames in the chain. While a gate's resume is under way the
//! list belongs to that [`Resume`], and the leaf is the frame behind the gate. A gate in a list is live: it lies beside
//! its frame, and leaves the list when that ends (`unlink`).

use core::cell::{Cell, UnsafeCell};
use core::ptr;

use tracing::Span;
use tracing::span::EnteredSpan;

use crate::chain::driver::Driver;
use crate::chain::drop_chain::DropChain;
use crate::chain::header::{Description, Header, VTable};
use crate::chain::step::Step;

/// A span, and whether it is entered.
enum State {
    Left(Span),
    Entered(EnteredSpan),
    Closed,
}

/// The state beside a spanned frame. If it is the leaf, it is in the chain as a frame without a body.
#[repr(C)]
pub(super) struct Gate {
    /// While this is the leaf, its caller is the frame that runs next.
    header: Header,
    /// The step to go on with once the spans are entered; used while this is the leaf.
    step: Cell<Step>,
    /// The outermost gate of the list that begins with this; used while this is the leaf.
    outermost: Cell<*const Gate>,
    outer: Cell<*const Gate>,
    inner: Cell<*const Gate>,
    /// The resume that is under way, once the chain has suspended in this call.
    resume: Cell<*const Resume>,
    /// Whether the body has returned, and its result lies in the frame.
    pub(super) has_returned: Cell<bool>,
    state: UnsafeCell<State>,
}

/// A gate's resume that is under way.
pub(super) struct Resume {
    /// The innermost of the calls that the chain is in.
    innermost: Cell<*const Gate>,
}

/// The gates' vtable, by which a gate is told from other frames.
static GATE: VTable = {
    unsafe fn describe(_: *const Header) -> Description {
        Description { body: "", call: None, branches: None }
    }
    VTable { resume: resume_gate, drop: enter_to_drop, describe, drop_branches: None }
};

impl Gate {
    pub(super) fn new(span: Span) -> Self {
        Gate {
            header: Header::new(&raw const GATE, ptr::null()),
            step: Cell::new(Step::NONE),
            outermost: Cell::new(ptr::null()),
            outer: Cell::new(ptr::null()),
            inner: Cell::new(ptr::null()),
            resume: Cell::new(ptr::null()),
            has_returned: Cell::new(false),
            state: UnsafeCell::new(State::Left(span)),
        }
    }

    /// The gate that a leaf is, if it is one.
    ///
    /// # Safety
    /// The leaf is live.
    unsafe fn of_leaf(leaf: *const Header) -> Option<*const Gate> {
        // SAFETY: `link` and `resume_gate`, which call this, have the leaf of a chain that runs (invariant L).
        ptr::eq(unsafe { (*leaf).vtable.get() }, &raw const GATE).then_some(leaf.cast())
    }

    fn take(&self) -> State {
        // SAFETY: no reference to the state is ever made: it is moved in and out, by `take` and `put` alone.
        unsafe { self.state.get().replace(State::Closed) }
    }

    fn put(&self, state: State) {
        // SAFETY: no reference to the state is ever made. What is overwritten was taken: its callers have done so.
        unsafe { self.state.get().write(state) }
    }

    pub(super) fn enter(&self) {
        match self.take() {
            State::Left(span) => self.put(State::Entered(span.entered())),
            other => self.put(other),
        }
    }

    fn leave(&self) {
        match self.take() {
            State::Entered(entered) => self.put(State::Left(entered.exit())),
            other => self.put(other),
        }
    }

    /// Ends a call whose future was dropped, or has dropped all that it owned. The subscriber sees the events of both.
    pub(super) fn close(&self, is_to_be_dropped: bool) {
        self.leave();
        if is_to_be_dropped {
            self.enter();
            self.leave();
        }
        drop(self.take());
    }

    /// Puts a call that has suspended in its start into the chain.
    ///
    /// # Safety
    /// - The driver is that of the running chain (invariant D).
    /// - The gate's frame was linked just now.
    pub(super) unsafe fn link(this: *const Gate, driver: *const Driver) {
        // SAFETY: the call that has just suspended keeps its gate live, and its chain runs (invariant D).
        let (gate, driver) = unsafe { (&*this, &*driver) };
        let leaf = driver.leaf.get();
        // SAFETY: the leaf is a frame that has suspended just now (invariant L).
        let Some(innermost) = (unsafe { Gate::of_leaf(leaf) }) else {
            gate.stand_before(leaf, driver.now.step.get(), this);
            driver.leaf.set(this.cast());
            driver.now.step.set(const { Step::CONTINUE.of_callee() });
            return;
        };
        // The leaf is the gate of a callee, which has suspended together with this call. SAFETY: the leaf is a gate,
        // and so are those in its list, which are live (invariant T).
        unsafe {
            let outermost = (*innermost).outermost.replace(this);
            (*outermost).outer.set(this);
            gate.inner.set(outermost);
        }
    }

    fn stand_before(&self, leaf: *const Header, step: Step, outermost: *const Gate) {
        self.header.caller.set(leaf);
        self.step.set(step);
        self.outermost.set(outermost);
    }

    /// Enters the spans of the list that begins with this, and makes the frame behind it the leaf. Returns the step
    /// to go on with.
    ///
    /// # Safety
    /// The gate is the leaf of the driver's chain, which `resume` runs.
    unsafe fn open(this: *const Gate, driver: *const Driver, resume: &Resume) -> Step {
        // SAFETY: `resume_gate`, the only caller, has the leaf of a chain that runs (invariants L and D).
        let (gate, driver) = unsafe { (&*this, &*driver) };
        driver.leaf.set(gate.header.caller.get());
        let outermost = gate.outermost.get();
        let outer = resume.innermost.replace(this);
        // SAFETY: invariant T: both are in lists, the leaf's and the resume's, whose gates are live.
        unsafe {
            (*outermost).outer.set(outer);
            if let Some(outer) = outer.as_ref() {
                outer.inner.set(outermost);
            }
        }
        // SAFETY: the gate was the leaf, and the list that begins with it is whole (invariant T).
        unsafe {
            Gate::inwards(this, |gate| {
                gate.resume.set(resume);
                gate.enter();
            });
        }
        gate.step.get()
    }

    /// Visits the list that begins with this, the outermost gate first.
    ///
    /// # Safety
    /// The gate is, or was just now, the leaf of its chain.
    unsafe fn inwards(this: *const Gate, mut visit: impl FnMut(&Gate)) {
        // SAFETY: `open` and `enter_to_drop` have the leaf of a chain, which is live (invariant L).
        let mut gate = unsafe { (*this).outermost.get() };
        while !gate.is_null() {
            // SAFETY: invariant T: the gates of a list are live, since none of their frames has ended.
            let visited = unsafe { &*gate };
            visit(visited);
            gate = if ptr::eq(gate, this) { ptr::null() } else { visited.inner.get() };
        }
    }

    /// Leaves the span, since the chain has suspended in this call: the gate of the next call outwards.
    fn suspend(&self) -> *const Gate {
        self.leave();
        self.resume.set(ptr::null());
        self.outer.get()
    }

    /// Whether the call has been resumed, and has not suspended since.
    pub(super) fn is_resumed(&self) -> bool {
        !self.resume.get().is_null()
    }

    /// Takes the innermost call out of the list of the resume that is under way.
    pub(super) fn unlink(&self) {
        let outer = self.outer.replace(ptr::null());
        // SAFETY: a resume that is under way is live: it clears this pointer before it ends, in `Resume::suspend`, or
        // its `DropChain` drops the frame. So is the gate of the next call outwards, whose frame has not ended
        // (invariant T).
        unsafe {
            if let Some(resume) = self.resume.replace(ptr::null()).as_ref() {
                resume.innermost.set(outer);
            }
            if let Some(outer) = outer.as_ref() {
                outer.inner.set(ptr::null());
            }
        }
    }
}

impl Resume {
    /// Leaves the spans of the calls in which the chain has suspended, the innermost first, and makes the innermost's
    /// gate the leaf.
    ///
    /// # Safety
    /// The driver's chain is the one that this resumes, and has suspended or ended.
    unsafe fn suspend(&self, driver: &Driver) {
        let innermost = self.innermost.get();
        let (mut gate, mut outermost) = (innermost, innermost);
        while !gate.is_null() {
            outermost = gate;
            // SAFETY: invariant T: the gates in the list of a resume are live.
            gate = unsafe { (*gate).suspend() };
        }
        // SAFETY: invariant T: the innermost gate is in the resume's list.
        if let Some(gate) = unsafe { innermost.as_ref() } {
            gate.stand_before(driver.leaf.get(), Step::CONTINUE, outermost);
            driver.leaf.set(innermost.cast());
        }
    }
}

/// [`VTable::resume`] of a gate.
unsafe fn resume_gate(gate: *mut Header, driver: *const Driver) -> Step {
    let resume = Resume { innermost: Cell::new(ptr::null()) };
    // If a body panics, its callers' frames are dropped in their spans.
    let unwinding = DropChain(driver);
    // SAFETY: the driver's loop calls this for its leaf, in a poll (invariants L and D), and only gates have this
    // vtable (invariant V).
    let (own, mut step) =
        unsafe { (&*driver, Gate::open(gate.cast_const().cast(), driver, &resume)) };
    loop {
        own.now.step.set(Step::NONE);
        if step.is_pending() || step.is_yielded() || step == Step::RETURNED || step == Step::ENDED {
            break;
        }
        let leaf = own.leaf.get();
        // SAFETY: the chain goes on, so its leaf is live (invariant L).
        step = match unsafe { Gate::of_leaf(leaf) } {
            // The gate of calls that have suspended in their start. SAFETY: that gate is the leaf, and `resume` runs
            // the chain.
            Some(gate) => unsafe { Gate::open(gate, driver, &resume) },
            // SAFETY: the leaf is live, its vtable is its own (invariants L and V), and the step was reset (invariant
            // S).
            None => unsafe { ((*(*leaf).vtable.get()).resume)(leaf.cast_mut(), driver) },
        };
    }
    // SAFETY: the loop has ended, because the chain has suspended or ended.
    unsafe { resume.suspend(own) };
    core::mem::forget(unwinding);
    step
}

/// [`VTable::drop`] of a gate: enters the spans, which the frames that are dropped after it leave.
unsafe fn enter_to_drop(gate: *mut Header) {
    // SAFETY: only gates have this vtable (invariant V), and `drop_chain` calls this for the leaf, before the frames of
    // the list's calls have ended.
    unsafe { Gate::inwards(gate.cast_const().cast(), Gate::enter) };
}

/// Closes the span of a call that ends in its start.
pub(super) struct Close(pub(super) *const Gate);

impl Drop for Close {
    fn drop(&mut self) {
        // SAFETY: `InSpan`'s call has written the gate, and makes this guard for the time until the call has ended or
        // suspended.
        unsafe { (*self.0).close(true) }
    }
}
