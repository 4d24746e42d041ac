//! The first polls of several branches, one after the other.

use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::task::Waker;

use super::joiner::Wakes;
use super::wakers::{BranchAt, First};

/// A [`First`] for one branch after the other, of which nothing is written twice.
#[derive(Debug)]
pub struct Firsts<'a> {
    /// What differs between branches is written by [`Firsts::turn_to`].
    first: MaybeUninit<First<'a>>,
}

impl<'a> Firsts<'a> {
    /// For the branches of `joiner`, `count` in all. `waker` is the one of its poll.
    #[inline(always)]
    pub fn new(wakes: &'a Wakes, count: usize, waker: &'a Waker, joiner: *const ()) -> Self {
        let mut first = MaybeUninit::<First<'a>>::uninit();
        let place = first.as_mut_ptr();
        // SAFETY: the place is a local's, and these are fields of it.
        unsafe {
            (&raw mut (*place).wakes).write(wakes);
            (&raw mut (*place).count).write(count);
            (&raw mut (*place).waker).write(waker);
            (&raw mut (*place).kind).write(AtomicPtr::new(ptr::null_mut()));
            (*place).branch.joiner = joiner;
        }
        Firsts { first }
    }

    /// What [`Wakes::first`] gives for this branch. If the last one has reported, that was
    /// [taken](First::take_report).
    #[inline(always)]
    pub fn turn_to(&mut self, index: usize, sole: bool, branch: BranchAt) -> &mut First<'a> {
        let place = self.first.as_mut_ptr();
        // SAFETY: the place is this one's, and these are fields of it: all that `new` has not written.
        unsafe {
            (&raw mut (*place).index).write(index);
            (&raw mut (*place).sole).write(sole);
            (&raw mut (*place).branch.future).write(branch.future);
            (&raw mut (*place).branch.type_id).write(branch.type_id);
            &mut *place
        }
    }
}
