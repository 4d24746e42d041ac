//! The options of a root's frame stack, and its account of its use.

use core::fmt;

/// The size of the first chunk, with its head: a kilobyte with the allocator's own header.
///
/// A smaller one, of 704 bytes, was measured (see `docs/results`). A root then takes less memory, but a recursion
/// that is deeper than that and shallower than a kilobyte passes a chunk's boundary with every call. With many roots,
/// set the size with [`StackOptions`].
#[cfg(feature = "alloc")]
pub(crate) const FIRST_CHUNK: usize = 1024 - 2 * size_of::<usize>();

/// How a root's frame stack is set up: `f().into_root_with(options)`. `N` is the size of what lies
/// [`inside`](Self::inside) the root.
///
/// ```
/// use cps_core::cps;
/// use cps_core::placement::StackOptions;
///
/// #[cps]
/// async fn nested(depth: u32) -> u32 {
///     if depth == 0 { 0 } else { nested(depth - 1).on_stack().await + 1 }
/// }
///
/// let options = StackOptions::new().limit(64 * 1024).measured();
/// let mut root = Box::pin(nested(100).into_root_with(options));
/// # futures::executor::block_on(async {
/// assert_eq!(root.as_mut().await, 100);
/// let usage = root.stack_usage();
/// assert!(usage.most_in_use.unwrap() < usage.most_reserved);
/// assert!(usage.most_reserved <= 64 * 1024);
/// # });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StackOptions<const N: usize = 0> {
    pub(crate) limit: usize,
    pub(crate) measured: bool,
    #[cfg(feature = "alloc")]
    pub(crate) first_chunk: usize,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the first chunk lies.
impl StackOptions {
    /// No limit, a small first chunk, not measured: as roots are without options.
    #[must_use]
    pub const fn new() -> Self {
        StackOptions {
            limit: usize::MAX,
            measured: false,
            #[cfg(feature = "alloc")]
            first_chunk: FIRST_CHUNK,
        }
    }

    /// The size of the first chunk, in bytes with its head. It is allocated when the root is made.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub const fn first_chunk(mut self, bytes: usize) -> Self {
        self.first_chunk = bytes;
        self
    }

    /// The first chunk is a part of the root and not allocated: `N` bytes, of which the chunk's head takes less than
    /// 128. A smaller `N` than that head does not compile.
    ///
    /// With the feature `alloc` the stack grows by further chunks, which are allocated, up to its limit; without, what
    /// is inside is all there is.
    ///
    /// ```
    /// use cps_core::cps;
    /// use cps_core::placement::StackOptions;
    ///
    /// #[cps]
    /// async fn height(n: u32) -> u32 {
    ///     if n == 0 { 0 } else { height(n - 1).on_stack().await + 1 }
    /// }
    ///
    /// # futures::executor::block_on(async {
    /// // Allocates nothing.
    /// let root = height(10).into_root_with(StackOptions::new().inside::<1024>().limit(1024));
    /// assert_eq!(root.await, 10);
    /// # });
    /// ```
    #[must_use]
    pub const fn inside<const N: usize>(self) -> StackOptions<N> {
        StackOptions {
            limit: self.limit,
            measured: self.measured,
            #[cfg(feature = "alloc")]
            first_chunk: self.first_chunk,
        }
    }
}

impl<const N: usize> StackOptions<N> {
    /// The most bytes that the stack may reserve for its chunks, with their heads (less than 128
    /// bytes each). One chunk that is kept for reuse does not count. A limit below the size of the
    /// first chunk makes that smaller, but for its head.
    ///
    /// A call that does not fit panics with a message that names the limit, in the body that makes
    /// it; [`try_on_stack`](crate::Coroutine::try_on_stack) is the form that can be handled there.
    #[must_use]
    pub const fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Keeps account of the bytes in use, for [`StackUsage::most_in_use`]. Each call on the
    /// stack then costs a dozen instructions more.
    #[must_use]
    pub const fn measured(mut self) -> Self {
        self.measured = true;
        self
    }
}

/// The memory of a frame stack, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StackUsage {
    /// Of the frames that are on the stack now, with what alignment takes.
    pub in_use: usize,
    /// Of the chunks that these are in, with their heads.
    pub reserved: usize,
    /// The high-water mark of `reserved`.
    pub most_reserved: usize,
    /// The high-water mark of `in_use`, if the stack is [measured](StackOptions::measured).
    pub most_in_use: Option<usize>,
}

/// Why there is no memory for a frame on the frame stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// The stack would have to reserve more than its limit.
    #[cfg(feature = "alloc")]
    Limit(usize),
    /// The allocator has no chunk of so many bytes.
    #[cfg(feature = "alloc")]
    Memory(usize),
    /// Built without an allocator, and the first chunk, if there is one, is full.
    #[cfg(not(feature = "alloc"))]
    Full,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "alloc")]
            Exhausted::Limit(limit) => {
                write!(f, "the frame stack has reached its limit of {limit} bytes")
            }
            #[cfg(feature = "alloc")]
            Exhausted::Memory(size) => {
                write!(f, "no memory for a further {size} bytes of frame stack")
            }
            #[cfg(not(feature = "alloc"))]
            Exhausted::Full => f.write_str(
                "the frame stack is full, and without the feature `alloc` it does not grow",
            ),
        }
    }
}
