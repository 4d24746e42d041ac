//! A hash table with chains.

use cps_core::cps;
use cps_core::prefetch::Policy;

/// The end of a chain.
const NIL: u32 = u32::MAX;

/// `u64` to `u64`, by separate chaining: a bucket is the head of a linked list of entries.
///
/// Entries lie where they were inserted, so that the steps along a chain are as random as the order
/// of insertion.
#[derive(Debug)]
pub struct HashTable {
    buckets: Vec<u32>,
    entries: Vec<Entry>,
    shift: u32,
}

#[derive(Debug)]
struct Entry {
    key: u64,
    value: u64,
    next: u32,
}

impl HashTable {
    /// An empty table of at least so many buckets: a power of two.
    ///
    /// # Panics
    /// If they would be more than 2³¹.
    pub fn with_buckets(buckets: usize) -> Self {
        let buckets = buckets.next_power_of_two().max(2);
        assert!(buckets <= 1 << 31, "{buckets} buckets are too many");
        HashTable {
            buckets: vec![NIL; buckets],
            entries: Vec::new(),
            shift: u64::BITS - buckets.trailing_zeros(),
        }
    }

    /// Adds an entry, in front of its chain. A lookup finds the entry that was added last.
    ///
    /// # Panics
    /// If there are 2³² − 1 entries.
    pub fn insert(&mut self, key: u64, value: u64) {
        let entry = u32::try_from(self.entries.len()).ok().filter(|entry| *entry != NIL);
        let entry = entry.expect("the table is full");
        let bucket = self.bucket(key);
        self.entries.push(Entry { key, value, next: self.buckets[bucket] });
        self.buckets[bucket] = entry;
    }

    /// The size of the table in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.buckets[..]) + size_of_val(&self.entries[..])
    }

    /// Looks up a key.
    #[cps]
    pub async fn get<P: Policy>(&self, key: u64, policy: P) -> Option<u64> {
        let first = super::load(&self.buckets[self.bucket(key)], policy).await;
        self.find(first, key, policy).await
    }

    /// Searches a chain.
    #[cps]
    async fn find<P: Policy>(&self, first: u32, key: u64, policy: P) -> Option<u64> {
        let mut next = first;
        while next != NIL {
            let entry = &self.entries[next as usize];
            policy.prefetch_read(entry).await;
            if entry.key == key {
                return Some(entry.value);
            }
            next = entry.next;
        }
        None
    }

    /// Multiplicative hashing: the upper bits of a product. (Knuth, volume 3, 6.4; the multiplier is
    /// 2⁶⁴ over the golden ratio.)
    fn bucket(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }
}
