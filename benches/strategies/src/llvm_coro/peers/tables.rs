//! The tables of `prefetch` as lookups see them, in the memory that the lab has filled: the layouts of the lab's own
//! `prefetch` module, whose sources cannot be compiled here, for they build the tables, by other crates.

/// A sorted array.
pub mod sorted {
    use std::hint::select_unpredictable;
    use std::marker::PhantomData;

    /// A search under way: the part of the array that the lower bound is in, or just behind.
    pub struct Search<'t> {
        rest: *const i32,
        length: usize,
        key: i32,
        array: PhantomData<&'t [i32]>,
    }

    impl<'t> Search<'t> {
        #[inline(always)]
        pub fn new(values: &'t [i32], key: u64) -> Self {
            assert!(!values.is_empty());
            Self {
                rest: values.as_ptr(),
                length: values.len(),
                key: key as i32,
                array: PhantomData,
            }
        }

        /// The value that the next step reads.
        #[inline(always)]
        pub fn probe(&self) -> Option<*const i32> {
            (self.length > 1).then(|| self.rest.wrapping_add(self.length / 2 - 1))
        }

        #[inline(always)]
        pub fn step(&mut self) {
            if let Some(probe) = self.probe() {
                let half = self.length / 2;
                // SAFETY: the probe is in the rest, which is a part of the array that is borrowed.
                let less = unsafe { *probe } < self.key;
                self.rest = self.rest.wrapping_add(half_if(half, less));
                self.length -= half;
            }
        }

        #[inline(always)]
        pub fn result(&self, values: &[i32]) -> u64 {
            // SAFETY: the rest has at least one element, as the array has.
            let last = usize::from(unsafe { *self.rest } < self.key);
            ((self.rest.addr() - values.as_ptr().addr()) / size_of::<i32>() + last) as u64
        }
    }

    /// `half` or nothing, without a branch.
    #[inline(always)]
    pub fn half_if(half: usize, condition: bool) -> usize {
        select_unpredictable(condition, half, 0)
    }
}

/// A cycle of nodes, a line each.
pub mod cycle {
    /// How many nodes a lookup walks.
    pub const HOPS: u32 = 200;

    #[repr(C, align(64))]
    pub struct Node {
        next: u32,
    }

    #[inline(always)]
    pub fn next(nodes: &[Node], node: u32) -> u32 {
        nodes[node as usize].next
    }
}

/// A hash table whose buckets are chains.
pub mod chained {
    pub const NONE: u32 = u32::MAX;

    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    #[repr(C, align(32))]
    pub struct Node {
        pub key: u64,
        pub value: u64,
        pub next: u32,
    }

    #[derive(Clone, Copy)]
    pub struct View<'t> {
        pub heads: &'t [u32],
        pub nodes: &'t [Node],
        pub shift: u32,
    }

    impl<'t> View<'t> {
        #[inline(always)]
        pub fn head(&self, key: u64) -> &'t u32 {
            &self.heads[(key.wrapping_mul(FACTOR) >> self.shift) as usize]
        }

        #[inline(always)]
        pub fn node(&self, index: u32) -> Option<&'t Node> {
            if index == NONE { None } else { Some(&self.nodes[index as usize]) }
        }
    }
}

/// A B+-tree in nodes of 512 bytes.
pub mod tree {
    use super::sorted::half_if;

    const SEPARATORS: usize = 41;
    const ENTRIES: usize = 31;

    pub const NONE: u64 = u64::MAX;

    #[repr(C, align(64))]
    pub struct Inner {
        pub separators: [u64; SEPARATORS],
        children: [u32; SEPARATORS + 1],
    }

    #[repr(C, align(64))]
    pub struct Leaf {
        pub keys: [u64; ENTRIES],
        pub values: [u64; ENTRIES],
    }

    const _: () = assert!(size_of::<Inner>() == 512 && size_of::<Leaf>() == 512);

    #[derive(Clone, Copy)]
    pub struct View<'t> {
        pub inner: &'t [Inner],
        pub leaves: &'t [Leaf],
        pub height: u32,
    }

    /// How many of the sorted `keys` are less than `bound`, without a branch on a comparison.
    #[inline(always)]
    fn rank<const N: usize>(keys: &[u64; N], bound: u64) -> usize {
        let (mut before, mut length) = (0, N);
        while length > 1 {
            let half = length / 2;
            // SAFETY: `before + length` is at most `N`: either half leaves it so.
            let key = unsafe { *keys.get_unchecked(before + half - 1) };
            before += half_if(half, key < bound);
            length -= half;
        }
        // SAFETY: as in the loop, with a length of one.
        before + usize::from(unsafe { *keys.get_unchecked(before) } < bound)
    }

    impl Inner {
        #[inline(always)]
        pub fn child(&self, key: u64) -> u32 {
            self.children[rank(&self.separators, key + 1)]
        }
    }

    impl Leaf {
        #[inline(always)]
        pub fn slot(&self, key: u64) -> Option<usize> {
            let slot = rank(&self.keys, key);
            if slot < ENTRIES && self.keys[slot] == key { Some(slot) } else { None }
        }
    }

    impl<'t> View<'t> {
        #[inline(always)]
        pub fn root(&self) -> u32 {
            self.inner.len() as u32 - 1
        }

        #[inline(always)]
        pub fn inner(&self, number: u32) -> &'t Inner {
            &self.inner[number as usize]
        }

        #[inline(always)]
        pub fn leaf(&self, number: u32) -> &'t Leaf {
            &self.leaves[number as usize]
        }
    }
}
