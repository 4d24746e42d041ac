//! What resuming a frame has led to, and what that means for the chain.

/// What resuming a frame has led to; in a driver, what `Pending` from the running body means.
///
/// | bits | |
/// |---|---|
/// | `000` | it waits for a future that is no coroutine, or ([`Step::ITEM`]) has yielded an item |
/// | `xx1` | a callee has suspended: the driver's leaf is the innermost |
/// | `01x` | the driver's loop must resume the leaf, since a call or a return was deferred; or the chain has ended |
/// | `10x` | the chain has yielded its turn |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step(u32);

impl Step {
    const CALLS: u32 = 0b001;
    const CONTINUES: u32 = 0b010;
    const YIELDS: u32 = 0b100;

    /// The resumed frame waits; in a driver, a body runs.
    pub(crate) const NONE: Step = Step(0);
    /// The chain goes on: the driver's loop must resume the leaf. Either a body has returned and
    /// the leaf is its caller, or a call was deferred and the leaf is its unstarted callee.
    pub(crate) const CONTINUE: Step = Step(Self::CONTINUES);
    /// The chain has suspended to let others run: it waits for nothing.
    pub(crate) const YIELDED: Step = Step(Self::YIELDS);
    /// The root body returned; its result lies in the root frame.
    pub(crate) const RETURNED: Step = Step(8 | Self::CONTINUES);
    /// There is no chain.
    pub(crate) const ENDED: Step = Step(16 | Self::CONTINUES);
    /// A nested body waits as in [`Step::NONE`], and its host has not been resumed since it was called
    /// (`placement/nested.rs`).
    pub(crate) const NESTED: Step = Step(64);
    /// There is no chain yet, and none is to be made: the root frame is to be called.
    pub(crate) const CALLED: Step = Step(32 | Self::CONTINUES);

    /// The chain of a generator waits, since it has yielded an item, which lies in its channel
    /// (`generator/channel.rs`).
    pub(crate) const ITEM: Step = Step(128);

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// The chain has suspended, and waits.
    #[inline(always)]
    pub(crate) fn is_pending(self) -> bool {
        self.0 & (Self::CONTINUES | Self::YIELDS) == 0
    }

    /// The chain has yielded its turn.
    #[inline(always)]
    pub(crate) fn is_yielded(self) -> bool {
        self.0 & Self::YIELDS != 0
    }

    /// Whether there is an item.
    #[inline(always)]
    pub(crate) fn has_item(self) -> bool {
        self.0 & Self::ITEM.0 != 0
    }

    /// Whether a callee has suspended.
    #[inline(always)]
    pub(crate) fn calls(self) -> bool {
        self.0 & Self::CALLS != 0
    }

    /// This step, taken by a callee.
    #[inline(always)]
    pub(crate) const fn of_callee(self) -> Self {
        Step(self.0 | Self::CALLS)
    }
}

/// How the turn of a chain among others has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// It lets others run, and goes on in its next turn.
    Yielded,
    /// It waits for a wake-up.
    Waiting,
    /// The root body has returned.
    Returned,
    /// There was no chain.
    Ended,
}
