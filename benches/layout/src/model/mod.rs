//! Where each scheme puts what a coroutine stores.

pub mod placement;
pub mod relocated;
pub mod rustc;

/// The size and the alignment of something, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// A multiple of the alignment, for a type.
    pub size: u64,
    /// A power of two.
    pub align: u64,
}

impl Extent {
    /// Nothing.
    pub const EMPTY: Self = Self { size: 0, align: 1 };
    /// A byte: the number of the state.
    pub const BYTE: Self = Self { size: 1, align: 1 };

    /// The number of the state of a coroutine with so many variants.
    #[must_use]
    pub fn of_state(variants: usize) -> Self {
        if variants <= 256 { Self::BYTE } else { Self { size: 2, align: 2 } }
    }

    /// With the size rounded up to the alignment.
    #[must_use]
    pub fn padded(self) -> Self {
        Self { size: self.size.next_multiple_of(self.align), ..self }
    }

    /// This, and then `other`, as in a struct of the language C.
    #[must_use]
    pub fn then(self, other: Self) -> Self {
        let size = self.size.next_multiple_of(other.align) + other.size;
        Self { size, align: self.align.max(other.align) }
    }

    /// Memory for either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { size: self.size.max(other.size), align: self.align.max(other.align) }
    }
}
