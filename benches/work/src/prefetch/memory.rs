//! Memory for tables, on huge pages if the system grants them, and the kind of pages that it granted.

use std::fs;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use anyhow::{Context as _, Result};
use bytemuck::Pod;
use memmap2::MmapMut;

/// Size and alignment of a huge page on x86-64, and on aarch64 with 4 KiB base pages.
const HUGE_PAGE: usize = 2 << 20;

/// An array on memory of its own, aligned to huge pages and advised to be on them. Zero at first.
#[derive(Debug)]
pub struct Mapping<T> {
    memory: MmapMut,
    /// Where the array begins, in bytes.
    start: usize,
    /// How many bytes it has.
    bytes: usize,
    content: PhantomData<T>,
}

impl<T: Pod> Mapping<T> {
    /// Maps zeroes for `len` elements.
    ///
    /// # Errors
    /// If the system has not as much memory.
    pub fn zeroed(len: usize) -> Result<Self> {
        let bytes = len * size_of::<T>();
        // A small array too gets a huge page of its own.
        let memory = MmapMut::map_anon(bytes.next_multiple_of(HUGE_PAGE) + HUGE_PAGE)
            .with_context(|| format!("cannot map {bytes} bytes"))?;
        #[cfg(target_os = "linux")]
        // Refused by kernels without huge pages; `Pages::of` says what came of it.
        let _ = memory.advise(memmap2::Advice::HugePage);
        let start = memory.as_ptr().align_offset(HUGE_PAGE);
        Ok(Self { memory, start, bytes, content: PhantomData })
    }
}

impl<T: Pod> Deref for Mapping<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        bytemuck::cast_slice(&self.memory[self.start..self.start + self.bytes])
    }
}

impl<T: Pod> DerefMut for Mapping<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.memory[self.start..self.start + self.bytes])
    }
}

/// What pages an array lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Huge pages, at least nineteen parts in twenty.
    Huge,
    /// Huge pages in part.
    Mixed,
    /// None that are huge.
    Small,
    /// The system does not say.
    Unknown,
}

impl Pages {
    /// Asks the system about the pages of `array`, which has been written.
    pub fn of<T>(array: &[T]) -> Self {
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
        Self::parse(&smaps, array.as_ptr().addr()).unwrap_or(Self::Unknown)
    }

    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Huge => "2 MiB",
            Self::Mixed => "mixed",
            Self::Small => "4 KiB",
            Self::Unknown => "unknown",
        }
    }

    /// Looks up the mapping that has `address`. The kernel joins neighbours that are alike, so only
    /// the proportion counts.
    fn parse(smaps: &str, address: usize) -> Option<Self> {
        let mut lines = smaps.lines().skip_while(|line| !contains(line, address)).skip(1);
        let mut field = |name: &str| {
            let line = lines.find(|line| line.starts_with(name))?;
            line[name.len()..].trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        // In this order in the file.
        let (resident, huge) = (field("Rss:")?, field("AnonHugePages:")?);
        Some(match huge {
            0 => Self::Small,
            _ if huge * 20 >= resident * 19 => Self::Huge,
            _ => Self::Mixed,
        })
    }
}

/// Whether `line` is the head of the mapping with `address`: `from-to permissions …`.
fn contains(line: &str, address: usize) -> bool {
    let hex = |text| usize::from_str_radix(text, 16).ok();
    let bounds = line.split_whitespace().next().and_then(|range| range.split_once('-'));
    bounds.and_then(|(from, to)| Some((hex(from)?..hex(to)?).contains(&address))) == Some(true)
}

/// How many bytes can be had without swapping, if the system says so.
#[must_use]
pub fn available() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_aligned_zeroed_and_writable() {
        let mut mapping = Mapping::<u64>::zeroed(1000).unwrap();
        assert_eq!(mapping.as_ptr().addr() % HUGE_PAGE, 0);
        assert!(mapping.len() == 1000 && mapping.iter().all(|&word| word == 0));
        mapping[999] = 7;
        assert_eq!(mapping[999], 7);
    }

    #[test]
    fn the_pages_are_those_of_the_mapping_with_the_address() {
        let smaps = "1000-3000 rw-p 00000000 00:00 0\nRss:  8 kB\nAnonHugePages:  0 kB\n\
                     400000-800000 rw-p 00000000 00:00 0\nRss:  4096 kB\nAnonHugePages:  4096 kB\n\
                     800000-c00000 rw-p 00000000 00:00 0\nRss:  4096 kB\nAnonHugePages:  2048 kB\n";
        assert_eq!(Pages::parse(smaps, 0x2fff), Some(Pages::Small));
        assert_eq!(Pages::parse(smaps, 0x3000), None);
        assert_eq!(Pages::parse(smaps, 0x400000), Some(Pages::Huge));
        assert_eq!(Pages::parse(smaps, 0xbfffff), Some(Pages::Mixed));
    }
}
