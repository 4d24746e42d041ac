//! What both kinds of generators have in common with coroutines.

/// The methods of an unstarted generator, and of its root.
macro_rules! unstarted_generator {
    ($Generator:ident, $Root:ident) => {
        impl<T, B: Body, P> $Generator<T, B, P> {
            #[inline(always)]
            pub(crate) fn from_body(body: B) -> Self {
                $Generator { body, types: PhantomData }
            }

            /// Places the frame as the argument says when the generator is
            /// [delegated](crate::yield_from) to. The other methods are short for this one.
            pub fn placed<Q: Placement>(self, _: Q) -> $Generator<T, B, Q> {
                $Generator::from_body(self.body)
            }

            /// Places the frame in the caller's frame if it takes no more than `N` bytes, and on the
            /// frame stack otherwise: see [`InlineUpTo`].
            pub fn inline_up_to<const N: usize>(self) -> $Generator<T, B, InlineUpTo<N>> {
                $Generator::from_body(self.body)
            }

            /// Places the frame in the caller's frame.
            pub fn inline(self) -> $Generator<T, B, Inline> {
                $Generator::from_body(self.body)
            }

            /// Places the frame on the chain's frame stack: see
            /// [`Coroutine::on_stack`](crate::Coroutine::on_stack).
            ///
            /// # Panics
            /// As there: the delegation panics if there is no memory.
            pub fn on_stack(self) -> $Generator<T, B, Stack> {
                $Generator::from_body(self.body)
            }

            /// Places the frame on the heap: an allocation for each delegation.
            #[cfg(feature = "alloc")]
            pub fn on_heap(self) -> $Generator<T, B, Heap> {
                $Generator::from_body(self.body)
            }

            /// The generator with memory for its frame, which allocates nothing by itself: to be
            /// pinned.
            pub fn into_root(self) -> $Root<T, B> {
                $Root { chain: RootMemory::new(self.body) }
            }

            /// As [`into_root`](Self::into_root), with a frame stack that is set up as `options` say: see
            /// [`Coroutine::into_root_with`](crate::Coroutine::into_root_with).
            ///
            /// # Panics
            /// As there: if the first chunk is not inside and cannot be allocated.
            pub fn into_root_with<const N: usize>(
                self,
                options: StackOptions<N>,
            ) -> $Root<T, B, N> {
                $Root { chain: RootMemory::with_options(options, self.body) }
            }
        }

        impl<T, B: Body, P> fmt::Debug for $Generator<T, B, P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($Generator), "(unstarted)"))
            }
        }

        impl<T, B: Body, const N: usize> $Root<T, B, N> {
            /// The functions of the chain, the one that yielded first, and the delegation where each
            /// of the others is: see [`Root::backtrace`](crate::Root::backtrace).
            #[cfg(feature = "alloc")]
            #[must_use]
            pub fn backtrace(&self) -> Backtrace {
                self.chain.backtrace()
            }

            /// The memory that the frame stack uses, and the most that it has used.
            pub fn stack_usage(&self) -> StackUsage {
                self.chain.stack_usage()
            }
        }

        impl<T, B: Body, const N: usize> Drop for $Root<T, B, N> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: the chain is dropped once, and nothing runs it, since `self` is borrowed exclusively.
                unsafe { RootMemory::drop_in_place(&raw mut self.chain) }
            }
        }

        impl<T, B: Body, const N: usize> fmt::Debug for $Root<T, B, N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($Root))
                    .field(&format_args!("{}", self.chain.condition()))
                    .finish()
            }
        }
    };
}
pub(super) use unstarted_generator;
