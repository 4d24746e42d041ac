//! Where a task comes from: the place of its spawn, and its name if it has one. One word, since few tasks have one.

use std::fmt;
use std::panic::Location;

/// The place of a spawn; or, with the lowest bit set, a box with that and a name.
pub(crate) struct Origin {
    word: *const (),
    /// How it was spawned.
    #[cfg(feature = "tracing")]
    kind: &'static str,
}

struct Named {
    place: &'static Location<'static>,
    name: Box<str>,
}

const NAMED: usize = 1;
const _: () = assert!(align_of::<Location<'_>>() > NAMED && align_of::<Named>() > NAMED);

// SAFETY: it is a `&'static Location` or a `Box<Named>`, which are both `Send`.
unsafe impl Send for Origin {}
// SAFETY: it is a `&'static Location` or a `Box<Named>`, which are both `Sync`.
unsafe impl Sync for Origin {}

impl Origin {
    #[inline(always)]
    pub(crate) fn at(place: &'static Location<'static>) -> Self {
        Origin::new((&raw const *place).cast())
    }

    pub(crate) fn named(place: &'static Location<'static>, name: Box<str>) -> Self {
        let named = Box::into_raw(Box::new(Named { place, name }));
        Origin::new(named.cast_const().cast::<()>().map_addr(|address| address | NAMED))
    }

    #[inline(always)]
    fn new(word: *const ()) -> Self {
        Origin {
            word,
            #[cfg(feature = "tracing")]
            kind: "task",
        }
    }

    /// Says how the task is spawned, if that is not by `spawn`. Only spans show it.
    #[cfg_attr(not(feature = "tracing"), allow(unused_mut, unused_variables))]
    #[inline(always)]
    pub(crate) fn of_kind(mut self, kind: &'static str) -> Self {
        #[cfg(feature = "tracing")]
        {
            self.kind = kind;
        }
        self
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    fn as_named(&self) -> Option<*const Named> {
        let is_named = self.word.addr() & NAMED != 0;
        is_named.then(|| self.word.map_addr(|address| address & !NAMED).cast())
    }

    pub(crate) fn place(&self) -> &'static Location<'static> {
        match self.as_named() {
            // SAFETY: with that bit it is the box of `named`, which lives as long as this.
            Some(named) => unsafe { (*named).place },
            // SAFETY: without that bit it is the reference of `at`.
            None => unsafe { &*self.word.cast() },
        }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        // SAFETY: it is the box of `named`, which lives as long as this.
        self.as_named().map(|named| unsafe { &*(*named).name })
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        if let Some(named) = self.as_named() {
            // SAFETY: the box of `named`, dropped once.
            drop(unsafe { Box::from_raw(named.cast_mut()) });
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut origin = f.debug_struct("Origin");
        origin.field("place", &format_args!("{}", self.place()));
        if let Some(name) = self.name() {
            origin.field("name", &name);
        }
        origin.finish()
    }
}
