//! The schemes, and the size of every type under each.

mod coroutine;
mod inlined;
mod sizes;

pub(crate) use coroutine::with_entry;
pub use coroutine::{DRIVER, HEADER};
pub use sizes::Sizes;

/// A way of packing coroutines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// rustc's.
    Today,
    /// Captures are stored only until the first resume (rust-lang/rust#135527).
    Relocated,
    /// Locals overlap unless they need storage at the same time; captures are stored for life.
    Overlapped,
    /// Both.
    Both,
    /// Both, and what is awaited is placed together with what awaits it.
    Inlined,
    /// No scheme needs less: what is live at the suspension with most.
    Bound,
    /// Every coroutine is one of `cps-core`.
    Coroutine,
    /// The same, if a frame's header were one word.
    ShortHeader,
}

impl Scheme {
    /// All, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::Today,
        Self::Relocated,
        Self::Overlapped,
        Self::Both,
        Self::Inlined,
        Self::Bound,
        Self::Coroutine,
        Self::ShortHeader,
    ];

    /// In the lab's output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Relocated => "relocated",
            Self::Overlapped => "overlapped",
            Self::Both => "both",
            Self::Inlined => "inlined",
            Self::Bound => "bound",
            Self::Coroutine => "coroutine",
            Self::ShortHeader => "coroutine-8",
        }
    }
}
