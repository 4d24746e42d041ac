//! Timers in order: a hierarchical timing wheel (Varghese and Lauck 1987, scheme 7).
//!
//! Time is counted in nanoseconds from the start of the driver; 2²⁰ of them, about a millisecond, are a tick. Each
//! level has 64 slots, and a slot of one level lasts as long as the whole level below. A timer is in the lowest level
//! whose block it shares with the present: the position of the highest bit in which its tick differs from the present
//! one. Eight levels hold every deadline that 64 bits can tell.
//!
//! Arming and cancelling touch a few words, however many timers there are. When time reaches a slot of a higher level,
//! its timers are spread over the levels below, so each moves seven times at most.
//!
//! # Invariants
//!
//! 1. Every timer's tick is at least `present`, and all levels above its own agree with it.
//! 2. Therefore the first occupied slot of the lowest occupied level holds the first deadline.
//! 3. Timers with one deadline are in the order in which they were armed: they are always in one list, and lists are
//!    filled from behind and emptied from the front.

#![forbid(unsafe_code)]

use slab::Slab;

/// Nanoseconds are shifted by it to give a tick: as fine as the system's timeouts, and no finer, for each level costs a
/// visit of every timer. Deadlines within a tick are told apart nevertheless.
const SHIFT: u32 = 20;
const LEVELS: usize = 8;
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;

const NONE: u32 = u32::MAX;

/// Entries that an empty wheel may keep memory for.
const KEPT: usize = 1024;

/// The timers that wait, each with a `T`.
pub(crate) struct Wheel<T> {
    /// All ticks before it are over.
    present: u64,
    levels: Box<[Level; LEVELS]>,
    entries: Slab<Entry<T>>,
}

struct Level {
    /// One bit for each slot that is not empty.
    occupied: u64,
    slots: [List; SLOTS],
}

#[derive(Clone, Copy)]
struct List {
    head: u32,
    tail: u32,
}

struct Entry<T> {
    deadline: u64,
    value: T,
    level: u8,
    previous: u32,
    next: u32,
}

const EMPTY: List = List { head: NONE, tail: NONE };

impl<T> Wheel<T> {
    pub(crate) fn new() -> Self {
        let level = || Level { occupied: 0, slots: [EMPTY; SLOTS] };
        Self {
            present: 0,
            levels: Box::new(std::array::from_fn(|_| level())),
            entries: Slab::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a timer. Gives the key that is valid until it is removed.
    ///
    /// # Panics
    ///
    /// If there are 2³² − 1 timers.
    pub(crate) fn insert(&mut self, deadline: u64, value: T) -> u32 {
        let (previous, next) = (NONE, NONE);
        let key = self.entries.insert(Entry { deadline, value, level: 0, previous, next });
        let key = u32::try_from(key).ok().filter(|&key| key != NONE).expect("too many timers");
        self.link(key);
        key
    }

    /// Removes a timer.
    pub(crate) fn remove(&mut self, key: u32) -> T {
        self.unlink(key);
        self.entries.remove(key as usize).value
    }

    /// Gives memory back that an empty wheel does not need.
    pub(crate) fn shrink(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > KEPT {
            self.entries = Slab::new();
        }
    }

    /// Moves a timer to another deadline.
    pub(crate) fn reset(&mut self, key: u32, deadline: u64) {
        self.unlink(key);
        self.entries[key as usize].deadline = deadline;
        self.link(key);
    }

    /// The value of a timer, to be replaced.
    pub(crate) fn get_mut(&mut self, key: u32) -> &mut T {
        &mut self.entries[key as usize].value
    }

    /// A time before which no timer is due, at most a few steps from the first deadline. It looks at the timers of one
    /// tick at most.
    pub(crate) fn next(&self) -> Option<u64> {
        let (level, slot) = self.first_slot()?;
        match self.start(level, slot) {
            // Of level 0: the slots of others lie ahead.
            start if start <= self.present => self.first_deadline(),
            start => Some(start << SHIFT),
        }
    }

    /// The first deadline. It may look at many timers.
    pub(crate) fn first_deadline(&self) -> Option<u64> {
        let (level, slot) = self.first_slot()?;
        let mut key = self.levels[level].slots[slot].head;
        let mut first = u64::MAX;
        while key != NONE {
            let entry = &self.entries[key as usize];
            first = first.min(entry.deadline);
            key = entry.next;
        }
        Some(first)
    }

    /// Removes all timers that are due at `now`, and gives their values to `fire` in the order of their deadlines.
    pub(crate) fn expire(&mut self, now: u64, mut fire: impl FnMut(T)) {
        let target = (now >> SHIFT).max(self.present);
        let mut due = Vec::new();
        while let Some((level, slot)) = self.first_slot() {
            let start = self.start(level, slot);
            if start > target {
                break;
            }
            // As late as the slot allows: a slot of level 0 may be the present one.
            self.present = self.present.max(start);
            let mut key = self.levels[level].slots[slot].head;
            while key != NONE {
                let Entry { deadline, next, .. } = self.entries[key as usize];
                if deadline <= now {
                    due.push((deadline, key));
                } else if level > 0 {
                    self.unlink(key);
                    self.link(key);
                }
                key = next;
            }
            due.sort_by_key(|&(deadline, _)| deadline); // Stable: invariant 3.
            for (_, key) in due.drain(..) {
                fire(self.remove(key));
            }
            if level == 0 && start == target {
                break; // What is left of the slot is not due.
            }
        }
        self.present = target;
    }

    /// Removes all timers.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = T> + use<T> {
        let entries = std::mem::replace(self, Self::new()).entries;
        entries.into_iter().map(|(_, entry)| entry.value)
    }

    /// The first occupied slot of the lowest occupied level (invariant 2).
    fn first_slot(&self) -> Option<(usize, usize)> {
        let level = self.levels.iter().position(|level| level.occupied != 0)?;
        Some((level, self.levels[level].occupied.trailing_zeros() as usize))
    }

    /// The tick at which a slot begins.
    fn start(&self, level: usize, slot: usize) -> u64 {
        let shift = BITS * level as u32;
        let block = self.present >> (shift + BITS) << (shift + BITS);
        block | (slot as u64) << shift
    }

    /// The tick of a deadline; one that has passed counts as present.
    fn tick(&self, deadline: u64) -> u64 {
        (deadline >> SHIFT).max(self.present)
    }

    fn link(&mut self, key: u32) {
        let tick = self.tick(self.entries[key as usize].deadline);
        let highest = 63 - ((tick ^ self.present) | 1).leading_zeros();
        let level = (highest / BITS) as usize;
        let slot = slot_of(tick, level);
        self.levels[level].occupied |= 1 << slot;
        let list = &mut self.levels[level].slots[slot];
        let last = std::mem::replace(&mut list.tail, key);
        match last {
            NONE => list.head = key,
            last => self.entries[last as usize].next = key,
        }
        let entry = &mut self.entries[key as usize];
        (entry.level, entry.previous, entry.next) = (level as u8, last, NONE);
        // For `unlink`, which finds the slot by the deadline.
        entry.deadline = entry.deadline.max(self.present << SHIFT);
    }

    fn unlink(&mut self, key: u32) {
        let Entry { deadline, level, previous, next, .. } = self.entries[key as usize];
        let level = &mut self.levels[level as usize];
        let slot = slot_of(deadline >> SHIFT, self.entries[key as usize].level as usize);
        let list = &mut level.slots[slot];
        match previous {
            NONE => list.head = next,
            previous => self.entries[previous as usize].next = next,
        }
        match next {
            NONE => list.tail = previous,
            next => self.entries[next as usize].previous = previous,
        }
        if list.head == NONE {
            level.occupied &= !(1 << slot);
        }
    }
}

fn slot_of(tick: u64, level: usize) -> usize {
    (tick >> (BITS * level as u32)) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn fired(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
        let mut all = Vec::new();
        wheel.expire(now, |value| all.push(value));
        all
    }

    #[test]
    fn a_timer_fires_at_its_deadline_and_not_a_nanosecond_before() {
        for deadline in [
            1,
            (1 << SHIFT) - 1,
            1 << SHIFT,
            10_000_000,
            1 << 40,
            30 * 86_400 * 1_000_000_000,
            u64::MAX,
        ] {
            let mut wheel = Wheel::new();
            wheel.insert(deadline, 7);
            // Time may go in steps: from one `next` to the next.
            let mut steps = 0;
            while wheel.next().unwrap() < deadline {
                let next = wheel.next().unwrap();
                assert_eq!(fired(&mut wheel, next), []);
                steps += 1;
                assert!(steps <= LEVELS);
            }
            assert_eq!(wheel.next(), Some(deadline));
            assert_eq!(fired(&mut wheel, deadline - 1), []);
            assert_eq!(fired(&mut wheel, deadline), [7]);
            assert_eq!((wheel.next(), wheel.len()), (None, 0));
        }
    }

    /// Random operations, compared with an ordered map.
    #[test]
    fn it_does_what_an_ordered_map_does() {
        let mut state = 1_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 20) % below
        };
        let (mut wheel, mut map) = (Wheel::new(), BTreeMap::new());
        let (mut now, mut id) = (0, 0);
        let mut keys: Vec<(u64, u64, u32)> = Vec::new();
        for _ in 0..if cfg!(miri) { 300 } else { 60_000 } {
            let span = 1 << random(44);
            match random(5) {
                0 | 1 => {
                    id += 1;
                    let deadline = now + random(span);
                    map.insert((deadline, id), ());
                    keys.push((deadline, id, wheel.insert(deadline, id)));
                }
                2 if !keys.is_empty() => {
                    let (deadline, id, key) = keys.swap_remove(random(keys.len() as u64) as usize);
                    map.remove(&(deadline, id)).unwrap();
                    assert_eq!(wheel.remove(key), id);
                }
                3 if !keys.is_empty() => {
                    let index = random(keys.len() as u64) as usize;
                    let (deadline, id, key) = keys[index];
                    // A new order of arming is a new id.
                    map.remove(&(deadline, id)).unwrap();
                    let deadline = now + random(span);
                    map.insert((deadline, id), ());
                    wheel.reset(key, deadline);
                    keys[index].0 = deadline;
                }
                _ => {
                    now += random(span);
                    assert!(wheel.next() <= map.keys().next().map(|&(deadline, _)| deadline));
                    assert_eq!(wheel.first_deadline(), map.keys().next().map(|&(first, _)| first));
                    let later = map.split_off(&(now + 1, 0));
                    let due: Vec<_> = std::mem::replace(&mut map, later).into_keys().collect();
                    keys.retain(|&(deadline, ..)| deadline > now);
                    let mut fired = fired(&mut wheel, now);
                    // Deadlines agree; equal ones may have been moved behind one another.
                    assert_eq!(fired.len(), due.len());
                    fired.sort_unstable();
                    let mut due: Vec<_> = due.into_iter().map(|(_, id)| id).collect();
                    due.sort_unstable();
                    assert_eq!(fired, due);
                }
            }
            assert_eq!(wheel.len(), map.len());
        }
    }

    #[test]
    fn timers_fire_in_the_order_of_deadlines_then_of_arming() {
        let mut wheel = Wheel::new();
        // Two levels, and one slot with several deadlines.
        for (value, deadline) in
            [900_000_000, 5, 3, 900_000_000, 5, 900_000_001, 3].into_iter().enumerate()
        {
            wheel.insert(deadline, value as u64);
        }
        assert_eq!(fired(&mut wheel, 899_000_000), [2, 6, 1, 4]);
        wheel.insert(900_000_000, 7); // Now in a lower level than those before it were.
        assert_eq!(fired(&mut wheel, u64::MAX), [0, 3, 7, 5]);
    }

    #[test]
    fn an_empty_wheel_gives_its_memory_back() {
        let mut wheel = Wheel::new();
        (0..10_000).for_each(|n| _ = wheel.insert(n, n));
        assert!(wheel.entries.capacity() >= 10_000);
        wheel.shrink();
        assert_eq!(fired(&mut wheel, u64::MAX).len(), 10_000);
        wheel.shrink();
        assert_eq!(wheel.entries.capacity(), 0);
    }
}
