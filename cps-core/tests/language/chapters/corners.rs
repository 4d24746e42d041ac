//! What is rare, and what an attribute that reads signatures could get wrong.

pub(crate) use std::fmt::Debug;
pub(crate) use std::future::Future;
pub(crate) use std::pin::Pin;

both! {
    attributes_on_self: async { S(1).value().await + S(2).by_ref().await };
    pub(super) struct S(u32);
    impl S {
        #[rustfmt::co]
        async fn value(#[cfg(all())] #[allow(unused_mut)] mut self) -> u32 { echo(self.0).await }
        #[rustfmt::co]
        async fn by_ref(#[allow(unused)] &self, #[cfg(any())] n: NoSuchType) -> u32 { echo(self.0).await }
    }
}

both! {
    receivers_behind_references: async { let mut b = Box::new(S(1)); b.boxed().await + Pin::new(&S(5)).pinned().await };
    pub(super) struct S(u32);
    impl S {
        #[rustfmt::co]
        async fn boxed(self: &mut Box<Self>) -> u32 { self.0 += echo(1).await; self.0 }
        #[rustfmt::co]
        async fn pinned(self: Pin<&Self>) -> u32 { pause().await; self.get_ref().0 }
    }
}

both! {
    receiver_with_a_lifetime: async { let s = S("x".to_owned()); let r = s.get().await; r.len() };
    pub(super) struct S(String);
    impl S {
        #[rustfmt::co]
        async fn get<'a>(self: &'a Self) -> &'a str { pause().await; &self.0 }
    }
}

both! {
    generic_impl: async { W(vec![1, 2], 0).first(|n| n + 1).await };
    pub(super) struct W<T, C>(C, T);
    impl<T, C> W<T, C>
    where
        C: AsRef<[T]>,
        T: Copy + 'static,
    {
        #[rustfmt::co]
        async fn first<F>(&self, f: F) -> Option<T>
        where
            F: Fn(T) -> T,
            Self: Sized,
        {
            let t = *self.0.as_ref().first()?;
            Some(echo(f(t)).await)
        }
    }
}

both! {
    self_as_a_type_in_the_signature: async { S::<u8>::make(1).await.pair(S(2)).await };
    #[derive(Debug)]
    pub(super) struct S<T>(T);
    impl<T: Debug> S<T> {
        const N: usize = 2;
        #[rustfmt::co]
        async fn make(t: T) -> Self { Self(echo(t).await) }
        #[rustfmt::co]
        async fn pair(self, other: Self) -> [Self; 2] { pause().await; [self, other] }
        #[rustfmt::co]
        async fn sized(&self) -> [u8; 2] { [echo(1).await; 2] }
    }
}

both! {
    opaque_within_opaque: async { body(1).await.await };
    #[rustfmt::co]
    async fn body(n: u32) -> impl Future<Output = impl Debug> {
        pause().await;
        async move { Some(echo(n).await) }
    }
}

both! {
    opaque_by_a_macro: async { body(3).await.count() };
    macro_rules! numbers { () => { impl Iterator<Item = u32> }; }
    #[rustfmt::co]
    async fn body(n: u32) -> numbers!() {
        pause().await;
        0..n
    }
}

both! {
    types_by_macros: body((1, 2), [3]);
    macro_rules! pair { ($t:ty) => { ($t, $t) }; }
    macro_rules! one { () => { 1 }; }
    #[rustfmt::co]
    async fn body((a, b): pair!(u32), c: [u32; one!()]) -> pair!(u32) {
        pause().await;
        (a + b, c[0])
    }
}

both! {
    patterns_by_macros: body((1, 2));
    macro_rules! first { ($p:ident) => { ($p, _) }; }
    #[rustfmt::co]
    async fn body(first!(a): (u32, u32)) -> u32 {
        echo(a).await
    }
}

both! {
    constant_in_a_parameter_pattern: body(S);
    #[derive(Debug)]
    pub(super) struct S;
    #[rustfmt::co]
    async fn body(S: S) -> u32 { echo(1).await }
}

both! {
    parameter_named_like_an_item: body(1);
    fn n() -> u32 { 7 }
    #[rustfmt::co]
    async fn body(n: u32) -> u32 { let m = n; { fn n() -> u32 { 8 } m + n() + echo(1).await } }
}

both! {
    parameter_named_like_its_function: body(1);
    #[rustfmt::co]
    async fn body(body: u32) -> u32 { echo(body).await }
}

both! {
    parameters_named_like_types_and_macros: body(1, 2, 3, 4);
    #[rustfmt::co]
    async fn body(u32: u32, vec: u32, some: u32, core: u32) -> u32 {
        pause().await;
        u32 + vec![vec][0] + some + core
    }
}

both! {
    std_names_are_shadowed: body();
    mod core {}
    mod std {}
    mod cps_core {}
    struct Option;
    #[allow(non_camel_case_types)]
    struct Coroutine;
    trait Future {}
    trait IntoFuture {}
    #[rustfmt::co]
    async fn body() -> u32 {
        let _ = (Option, Coroutine);
        echo(1).await
    }
}

both! {
    a_trait_with_methods_of_all_names: body();
    trait Everything {
        fn into_future(&self) -> u32 { 5 }
        fn poll(&self) -> u32 { 6 }
        fn resume(&self) -> u32 { 7 }
        fn start(&self) -> u32 { 8 }
    }
    impl<T> Everything for T {}
    #[rustfmt::co]
    async fn body() -> u32 {
        1_u8.poll() + 1_u8.resume() + 1_u8.start() + echo(1).await
    }
}

both! {
    lifetimes_that_only_the_output_names: async { body::<'static>().await };
    #[rustfmt::co]
    async fn body<'a>() -> &'a str
    where
        'a: 'a,
    {
        pause().await;
        "text"
    }
}

both! {
    higher_ranked_argument: body(|s| Box::pin(async move { s.len() }));
    #[rustfmt::co]
    async fn body<F>(f: F) -> usize
    where
        F: for<'a> Fn(&'a str) -> Pin<Box<dyn Future<Output = usize> + 'a>>,
    {
        let s = echo(String::from("abc")).await;
        f(&s).await
    }
}

both! {
    default_types_and_consts: body(W::<u8> { t: [1; 3] });
    #[derive(Debug)]
    pub(super) struct W<T = u8, const N: usize = 3> { t: [T; N] }
    #[rustfmt::co]
    async fn body<T: Debug>(W { t: [first, ..] }: W<T>) -> T { echo(first).await }
}

both! {
    comments_in_every_place: /* before */ body(1) /* after */;
    #[rustfmt::co]
    /* a */ async /* b */ fn /* c */ body /* d */ (/* e */ n /* f */ : /* g */ u32 /* h */,) /* i */
    -> /* j */ u32 /* k */
    {
        /* l */ echo(/* m */ n) /* n */ . /* o */ await /* p */
    }
}

both! {
    trailing_commas_and_empty_lists: body::<u32,>(1,);
    #[rustfmt::co]
    async fn body<T,>(t: T,) -> (T,)
    where
        T: Clone,
        T: ,
    {
        (echo(t,).await,)
    }
}

both! {
    empty_generics_and_where: body();
    #[rustfmt::co]
    async fn body<>() -> u32 where { echo::<u32>(1).await }
}

both! {
    many_awaits_in_one_expression: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        echo(echo(1).await + echo(2).await * echo(3).await).await
            + [echo(4).await, echo(5).await][echo(1_usize).await]
            - if echo(true).await { echo(6).await } else { echo(7).await }
            + match echo(Some(8)).await { Some(n) => echo(n).await, None => 0 }
    }
}

both! {
    large_values: body([7; 600]);
    #[rustfmt::co]
    async fn body(a: [u64; 600]) -> u64 {
        let b = echo(a).await;
        let c = [b, a];
        pause().await;
        c.iter().flatten().sum()
    }
}

both! {
    zero_sized_and_aligned_values: body((), Aligned(1));
    #[derive(Debug, Clone, Copy)]
    #[repr(align(64))]
    pub(super) struct Aligned(u8);
    #[rustfmt::co]
    async fn body(unit: (), a: Aligned) -> (bool, Aligned) {
        let local = a;
        pause().await;
        ((&raw const local).addr() % 64 == 0 && (&raw const a).addr() % 64 == 0, echo(a).await)
    }
}

both! {
    addresses_do_not_change: body();
    #[rustfmt::co]
    async fn body() -> bool {
        let local = [1, 2];
        let before = (&raw const local).addr();
        pause().await;
        before == (&raw const local).addr()
    }
}

both! {
    wakes_from_elsewhere: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut waker = None;
        std::future::poll_fn(|cx| match waker.take() {
            None => { waker = Some(cx.waker().clone()); cx.waker().wake_by_ref(); std::task::Poll::Pending }
            Some(w) => { w.wake_by_ref(); std::task::Poll::Ready(()) }
        })
        .await;
        echo(1).await
    }
}
