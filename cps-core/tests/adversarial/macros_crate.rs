//! `crate = path` to a module that re-exports this crate and has items of its own in the place of some: it is right, or
//! does not compile (`macros/tests/ui/adv_crate_*.rs`), and is never undefined behaviour.
#![forbid(unsafe_code)]
#![allow(
    dead_code,
    unused_imports,
    clippy::extra_unused_type_parameters,
    clippy::type_complexity,
    reason = "what is overridden may not be used"
)]

use std::future::ready;

use crate::support::{Log, drive};
use crate::vandal::tick;

/// A module that stands for the crate, with these items in its `__private`, and a body of each kind under it.
macro_rules! own {
    ($name:ident { $($item:item)* }) => {
        mod $name {
            use super::*;

            mod fake {
                pub(crate) use cps_core::*;
                pub(crate) mod __private {
                    use cps_core::{Body, Coroutine, generator::{AsyncGenerator, Generator}};
                    pub(crate) use cps_core::__private::*;
                    $($item)*
                }
            }

            #[cps_core::cps(crate = fake)]
            async fn callee(log: Log, n: u32) -> u32 {
                let _note = log.note("callee");
                tick().await;
                n
            }

            #[cps_core::cps(crate = fake)]
            async fn caller(log: Log, text: String, n: Option<u32>) -> Option<u32> {
                let a = callee(log.clone(), n?).await;
                let b = callee(log.clone(), a).on_stack().await + callee(log.clone(), 1).boxed().await;
                let c = ready(b).await;
                Some(length(text) + c + callee(log, 1).on_heap().await)
            }

            fn length(text: String) -> u32 {
                text.len().try_into().unwrap()
            }

            #[cps_core::cps(crate = fake, yields = u32)]
            fn generator(n: u32) {
                cps_core::yield_(n).await;
                cps_core::yield_(n + 1).await;
            }

            #[cps_core::cps(crate = fake, yields = u32)]
            async fn stream(n: u32) {
                tick().await;
                cps_core::yield_(n).await;
            }

            #[test]
            fn does_what_the_crate_does() {
                let log = Log::default();
                assert_eq!(drive(caller(log.clone(), "abc".into(), Some(4))), (Some(9), 5));
                assert_eq!(drive(caller(log.clone(), "abc".into(), None)), (None, 1));
                assert!(std::pin::pin!(generator(1).into_root()).eq([1, 2]));
                let mut stream = std::pin::pin!(stream(7).into_root());
                assert_eq!(drive(async { stream.next().await }), (Some(7), 2));
                log.assert_each_dropped_once();
            }
        }
    };
}

// Nothing of its own; names that the expansion used once.
own!(nothing {});
own!(names_of_no_use {
    pub(crate) fn finish<S>(_: *mut S, _: u32) -> ((), u32) { unreachable!() }
    pub(crate) fn call() {}
    pub(crate) fn begin() {}
    pub(crate) struct Chain;
    pub(crate) struct Handle;
    pub(crate) struct Enter;
});

// Functions that hand on.
own!(functions {
    pub(crate) fn coroutine<P, B: Body<Capability = Waits>>(body: B) -> Coroutine<B, P> {
        cps_core::__private::coroutine(body)
    }
    pub(crate) fn generator<P, T, B: Body<Capability = Yields<T>>>(body: B) -> Generator<T, B, P> {
        cps_core::__private::generator(body)
    }
    pub(crate) fn async_generator<P, T, B: Body<Capability = WaitsAndYields<T>>>(body: B) -> AsyncGenerator<T, B, P> {
        cps_core::__private::async_generator(body)
    }
    pub(crate) fn inlined<B>(body: B) -> B {
        body
    }
});

// An argument's wrapper that keeps it elsewhere.
own!(held {
    pub(crate) struct Held<T>(Vec<T>);
    impl<T> Held<T> {
        pub(crate) fn new(value: T) -> Self {
            Held(vec![value])
        }
        pub(crate) fn __cps_into_inner(mut self) -> T {
            self.0.pop().unwrap()
        }
    }
});

/// A trait of its own in the place of `ForeignCall`: what is awaited is another callee, if it is one at all.
mod foreign_call {
    use super::*;

    mod fake {
        pub(crate) use cps_core::*;
        pub(crate) mod __private {
            pub(crate) use cps_core::__private::*;

            pub(crate) trait ForeignCall: Sized {
                /// Whatever is awaited, what is awaited is a prefetch.
                fn __cps_call(self) -> cps_core::prefetch::Prefetch {
                    cps_core::prefetch::prefetch_read(&0_u8)
                }
            }
            impl<T> ForeignCall for T {}
        }
    }

    #[cps_core::cps(crate = fake)]
    async fn callee(log: Log) -> u32 {
        let _note = log.note("callee");
        ready(log.note("dropped, not awaited")).await;
        "what is no future".await;
        1
    }

    #[cps_core::cps(crate = fake)]
    async fn caller(log: Log) -> u32 {
        // (Coroutines have the method inherently, which wins.)
        callee(log.clone()).await + callee(log).on_stack().await
    }

    #[test]
    fn awaits_another_callee() {
        let log = Log::default();
        assert_eq!(drive(caller(log.clone())), (2, 5));
        log.assert_each_dropped_once();
    }
}

/// All of `__private` is the module's own, down to the handle: nothing of this crate runs, and what the expansion calls
/// in `unsafe` is the module's safe code.
mod everything {
    use super::*;

    mod fake {
        use std::future::{Future, IntoFuture, Ready, ready};
        use std::pin::Pin;

        pub(crate) struct DefaultPlacement;

        /// What the signature says: `Coroutine<impl Body<Output = T>, DefaultPlacement>`.
        pub(crate) struct Coroutine<B: Body, P>(pub(crate) Pin<Box<B>>, pub(crate) P);

        pub(crate) trait Body: Future {}
        impl<F: Future> Body for F {}

        pub(crate) mod __private {
            use super::*;

            pub(crate) struct Waits;
            pub(crate) struct Entered<A>(std::cell::Cell<Option<A>>);
            #[derive(Default)]
            pub(crate) struct Handle(u32);
            pub(crate) struct Resumed<T>(T);
            pub(crate) struct Slot(());
            impl Slot {
                pub(crate) const EMPTY: Slot = Slot(());
            }
            pub(crate) struct Given<T>(T);
            pub(crate) trait Site {
                const AT: At;
            }
            pub(crate) type At = Option<&'static std::panic::Location<'static>>;
            pub(crate) struct Wide<T>(pub(crate) T);

            impl<T> Wide<T> {
                pub(crate) fn new(value: T) -> Self {
                    Wide(value)
                }
            }

            impl<A> Entered<A> {
                pub(crate) fn __cps_handle(&self, (): &()) -> Handle {
                    Handle::default()
                }
                pub(crate) fn __cps_args(&self) -> A {
                    self.0.take().unwrap()
                }
            }

            impl Handle {
                /// Counts its calls; what is not ready at once is awaited by the body.
                pub(crate) fn __cps_begin<S: Site, F: IntoFuture>(
                    self,
                    callee: F,
                    _: *mut Slot,
                ) -> Result<
                    (Given<F::Output>, Handle),
                    Result<impl Future<Output = (Resumed<F::Output>, Handle)>, Never>,
                > {
                    assert!(S::AT.unwrap().file().ends_with("macros_crate.rs"));
                    let handle = Handle(self.0 + 1);
                    Err(Ok(async move { (Resumed(callee.await), handle) }))
                }
            }

            pub(crate) struct Never;
            pub(crate) struct Layout {
                pub(crate) __cps_rest: (),
            }

            impl Never {
                pub(crate) fn __cps_layout(&self) -> Layout {
                    unreachable!()
                }
                pub(crate) fn __cps_never<T>(self, (): ()) -> T {
                    unreachable!()
                }
            }

            impl<T> Resumed<T> {
                pub(crate) fn __cps_finish(self, _: *mut Slot) -> T {
                    self.0
                }
            }

            impl<T> Given<T> {
                pub(crate) fn __cps_ready(self, _: *mut Slot) -> T {
                    self.0
                }
            }

            pub(crate) trait ForeignCall: Sized {
                fn __cps_call(self) -> Self {
                    self
                }
            }
            impl<T> ForeignCall for T {}

            pub(crate) struct Held<A>(std::cell::Cell<Option<A>>);
            pub(crate) fn hold<A>(args: A) -> Held<A> {
                Held(Some(args).into())
            }

            pub(crate) struct Made<F>(F);
            pub(crate) fn make<K, A, F, Fut>(args: &Held<A>, make: F) -> Made<Fut>
            where
                F: FnOnce(Ready<Entered<A>>) -> Fut,
            {
                Made(make(ready(Entered(args.0.take().into()))))
            }

            impl<F: Future> Made<F> {
                pub(crate) fn __cps_wide_coroutine<P, T>(
                    self,
                    _: *const Held<impl Sized>,
                ) -> Coroutine<impl Body<Output = T>, DefaultPlacement>
                where
                    F: Future<Output = Wide<T>>,
                {
                    Coroutine(Box::pin(async move { self.0.await.0 }), DefaultPlacement)
                }
                pub(crate) fn __cps_plain_coroutine<P>(
                    self,
                    _: *const Held<impl Sized>,
                ) -> Coroutine<F, DefaultPlacement> {
                    Coroutine(Box::pin(self.0), DefaultPlacement)
                }
            }
        }
    }

    #[cps_core::cps(crate = fake)]
    async fn callee(n: u32) -> u32 {
        tick().await;
        n
    }

    #[cps_core::cps(crate = fake)]
    async fn caller(n: u32) -> Result<u32, ()> {
        let a = callee(n).0.await;
        ready(Ok::<(), ()>(())).await?;
        Ok(a + callee(1).0.await)
    }

    #[test]
    fn is_its_own_affair() {
        assert_eq!(drive(caller(4).0), (Ok(5), 3));
    }
}
