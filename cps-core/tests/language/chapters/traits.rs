//! Coroutines in traits and their implementations, and generic code over these.

both! {
    declared_and_implemented: async { S(1).get().await };
    trait Get {
        #[rustfmt::co]
        async fn get(&self) -> u32;
    }
    struct S(u32);
    impl Get for S {
        #[rustfmt::co]
        async fn get(&self) -> u32 {
            echo(self.0).await + 1
        }
    }
}

both! {
    default_bodies: async { S.twice().await };
    trait Get {
        #[rustfmt::co]
        async fn get(&self) -> u32 {
            echo(3).await
        }
        #[rustfmt::co]
        async fn twice(&self) -> u32 {
            self.get().await + self.get().await
        }
    }
    struct S;
    impl Get for S {
        #[rustfmt::co]
        async fn get(&self) -> u32 { pause().await; 4 }
    }
}

both! {
    generic_callers: async { sum(&mut Count(3)).await + all([Count(1), Count(2)]).await };
    trait Next {
        #[rustfmt::co]
        async fn next(&mut self) -> Option<u32>;
    }
    struct Count(u32);
    impl Next for Count {
        #[rustfmt::co]
        async fn next(&mut self) -> Option<u32> {
            pause().await;
            self.0 = self.0.checked_sub(1)?;
            Some(self.0)
        }
    }
    impl<T: Next> Next for &mut T {
        #[rustfmt::co]
        async fn next(&mut self) -> Option<u32> { (**self).next().await }
    }
    #[rustfmt::co]
    async fn sum(mut of: impl Next) -> u32 {
        let mut sum = 0;
        while let Some(n) = of.next().await { sum += n }
        sum
    }
    #[rustfmt::co]
    async fn all<T: Next, const N: usize>(of: [T; N]) -> u32 {
        let mut n = 0;
        for t in of { n += sum(t).await }
        n
    }
}

both! {
    associated_functions_and_consts: async { make::<S>().await };
    trait Make: Sized {
        const N: u32;
        #[rustfmt::co]
        async fn make() -> Self;
        #[rustfmt::co]
        async fn n() -> u32 { echo(Self::N).await }
    }
    struct S(u32);
    impl Make for S {
        const N: u32 = 4;
        #[rustfmt::co]
        async fn make() -> Self { S(Self::n().await) }
    }
    #[rustfmt::co]
    async fn make<T: Make + Into<u32>>() -> u32 { T::make().await.into() }
    impl From<S> for u32 { fn from(s: S) -> u32 { s.0 } }
}

both! {
    generics_and_lifetimes: async {
        let mut v = vec!["a"];
        let s = String::from("b");
        let n = v.add("x", &s).await.len();
        (n, v)
    };
    trait Add<'a, T> {
        #[rustfmt::co]
        async fn add<'b>(&'b mut self, t: T, s: &str) -> &'b [T] where T: 'b;
    }
    impl<'a> Add<'a, &'a str> for Vec<&'a str> {
        #[rustfmt::co]
        async fn add<'b>(&'b mut self, t: &'a str, s: &str) -> &'b [&'a str] where 'a: 'b {
            echo(s.len()).await;
            self.push(t);
            self
        }
    }
}

both! {
    associated_types: async { S.parse("12").await };
    trait Parse {
        type Out;
        type Error: std::fmt::Debug;
        #[rustfmt::co]
        async fn parse(&self, s: &str) -> Result<Self::Out, Self::Error>;
    }
    struct S;
    impl Parse for S {
        type Out = u32;
        type Error = std::num::ParseIntError;
        #[rustfmt::co]
        async fn parse(&self, s: &str) -> Result<Self::Out, Self::Error> {
            Ok(echo(s).await.parse::<u32>()? + 1)
        }
    }
}

both! {
    receivers: async { (Box::new(S(1)).boxed().await, S(2).value().await, std::pin::Pin::new(&mut S(3)).pinned().await) };
    trait Receivers {
        #[rustfmt::co]
        async fn boxed(self: Box<Self>) -> u32;
        #[rustfmt::co]
        async fn value(self) -> u32;
        #[rustfmt::co]
        async fn pinned(self: std::pin::Pin<&mut Self>) -> u32;
    }
    struct S(u32);
    impl Receivers for S {
        #[rustfmt::co]
        async fn boxed(mut self: Box<Self>) -> u32 { self.0 += echo(1).await; self.0 }
        #[rustfmt::co]
        async fn value(mut self) -> u32 { self.0 += echo(1).await; self.0 }
        #[rustfmt::co]
        async fn pinned(mut self: std::pin::Pin<&mut Self>) -> u32 { self.0 += echo(1).await; self.0 }
    }
}

both! {
    blanket_implementations: async { 5_u32.show().await + &"x".show().await };
    trait Show {
        #[rustfmt::co]
        async fn show(&self) -> String;
    }
    impl<T: std::fmt::Debug + ?Sized> Show for T {
        #[rustfmt::co]
        async fn show(&self) -> String { pause().await; format!("{self:?}") }
    }
}

both! {
    supertraits: async { S.both().await };
    trait A {
        #[rustfmt::co]
        async fn a(&self) -> u32;
    }
    trait B: A {
        #[rustfmt::co]
        async fn both(&self) -> u32 { self.a().await + <Self as A>::a(self).await }
    }
    struct S;
    impl A for S {
        #[rustfmt::co]
        async fn a(&self) -> u32 { echo(2).await }
    }
    impl B for S {}
}

both! {
    plain_methods_in_between: async { S(1).get().await };
    trait Get {
        fn base(&self) -> u32;
        async fn plain(&self) -> u32 { self.base() }
        #[rustfmt::co]
        async fn get(&self) -> u32 { self.plain().await + echo(self.base()).await }
    }
    struct S(u32);
    impl Get for S {
        fn base(&self) -> u32 { self.0 }
    }
}

both! {
    patterns_in_trait_methods: async { S.add((1, 2), [3]).await };
    trait Add {
        #[rustfmt::co]
        async fn add(&self, pair: (u32, u32), _: [u32; 1]) -> u32;
    }
    struct S;
    impl Add for S {
        #[rustfmt::co]
        async fn add(&self, (a, mut b): (u32, u32), [c]: [u32; 1]) -> u32 {
            b += echo(a).await;
            b + c
        }
    }
}

both! {
    impl_trait_in_trait_methods: async { S.add(1_u8).await.collect::<Vec<_>>() };
    trait Add {
        #[rustfmt::co]
        async fn add(&self, n: impl Into<u32>) -> impl Iterator<Item = u32>;
    }
    struct S;
    impl Add for S {
        #[rustfmt::co]
        async fn add(&self, n: impl Into<u32>) -> impl Iterator<Item = u32> {
            pause().await;
            0..n.into() + 1
        }
    }
}

both! {
    drops_in_trait_methods: async { S(note("self")).run(note("argument"), note("unused")).await };
    trait Run {
        #[rustfmt::co]
        async fn run(self, a: Note, _: Note) -> usize;
    }
    struct S(Note);
    impl Run for S {
        #[rustfmt::co]
        async fn run(self, a: Note, _: Note) -> usize {
            let _local = note("local");
            look(&a).await + self.0.len()
        }
    }
}

both! {
    default_body_drops: async { S(note("self")).run(note("argument")).await };
    trait Run: Sized {
        #[rustfmt::co]
        async fn run(self, _a: Note) {
            let _local = note("local");
            pause().await;
        }
    }
    struct S(Note);
    impl Run for S {}
}

both! {
    unsafe_trait_methods: async { unsafe { S.read(&5).await } };
    trait Read {
        #[rustfmt::co]
        async unsafe fn read(&self, p: *const u32) -> u32;
    }
    struct S;
    impl Read for S {
        #[rustfmt::co]
        async unsafe fn read(&self, p: *const u32) -> u32 { pause().await; unsafe { *p } }
    }
}

both! {
    operators_by_traits: async { (Num(1) + Num(2)).get().await };
    struct Num(u32);
    impl std::ops::Add for Num {
        type Output = Num;
        fn add(self, other: Num) -> Num { Num(self.0 + other.0) }
    }
    impl Num {
        #[rustfmt::co]
        async fn get(self) -> u32 { let n = Num(echo(1).await) + self; n.0 }
    }
}

both! {
    implements_a_plain_trait: async { let s = S(3); s.name().await + s.other().await + s.third().await };
    trait Named {
        fn name(&self) -> impl std::future::Future<Output = u32> + Send;
        async fn other(&self) -> u32;
        fn third(&self) -> impl std::future::Future<Output = u32>;
    }
    struct S(u32);
    impl Named for S {
        #[rustfmt::co]
        async fn name(&self) -> u32 { std::future::ready(self.0).await }
        #[rustfmt::co]
        async fn other(&self) -> u32 { echo(self.0).await + 1 }
        #[rustfmt::co]
        async fn third(&self) -> u32 { echo(self.0).await + 2 }
    }
}
