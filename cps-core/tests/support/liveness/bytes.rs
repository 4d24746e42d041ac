//! Decisions, from a string of bytes.

/// What is left of the string. At its end every decision is the first one there is, which is always a harmless one.
pub(crate) struct Bytes {
    data: Vec<u8>,
    at: usize,
}

impl Bytes {
    pub(crate) fn new(data: &[u8]) -> Self {
        Bytes { data: data.to_vec(), at: 0 }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.at >= self.data.len()
    }

    /// A number below `end`, which is at most 256.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let byte = self.data.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % end
    }
}

/// So many bytes by a generator (SplitMix64, of Steele, Lea and Flood, 2014).
#[allow(dead_code, reason = "a fuzzer has bytes of its own")]
pub(crate) fn random(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut word = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    std::iter::repeat_with(|| word().to_le_bytes()).flatten().take(count).collect()
}
