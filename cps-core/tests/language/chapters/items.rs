//! Items that stand in a body: they are bodies of their own, and see nothing of its variables.

both! {
    function: body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        fn double(n: u32) -> u32 {
            if n == 0 {
                return 0;
            }
            n * 2
        }
        double(echo(n).await) + double(0)
    }
}

both! {
    function_after_its_use: body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        return triple(echo(n).await);
        fn triple(n: u32) -> u32 {
            n * 3
        }
    }
}

both! {
    nested_async_fn: body(3), body(0);
    #[rustfmt::co]
    async fn body(n: u32) -> Result<u32, String> {
        async fn half(n: u32) -> Result<u32, u32> {
            if n % 2 == 1 {
                return Err(n);
            }
            pause().await;
            Ok(n / 2)
        }
        half(n).await.map_err(|n| format!("{n} is odd"))?;
        Ok(half(n + 4).await.unwrap())
    }
}

both! {
    nested_coroutine: body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        #[rustfmt::co]
        async fn inner(n: u32) -> u32 {
            echo(n).await + 1
        }
        inner(inner(n).await).await
    }
}

both! {
    recursive_nested_coroutine: body(4);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        #[rustfmt::co]
        async fn sum(n: u32) -> u32 {
            if n == 0 { 0 } else { n + Box::pin(async move { sum(n - 1).await }).await }
        }
        sum(n).await
    }
}

both! {
    structs: body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        struct Unit;
        struct Tuple(u32, u32);
        #[derive(Clone, Copy, Debug, PartialEq)]
        struct Named {
            a: u32,
            b: Option<u32>,
        }
        let Unit = echo(Unit).await;
        let Tuple(x, y) = echo(Tuple(n, 2)).await;
        let named = Named { a: x, b: Some(y) };
        if echo(named).await == named { named.a + named.b.unwrap() } else { 0 }
    }
}

both! {
    enums: body();
    #[rustfmt::co]
    async fn body() -> i32 {
        #[derive(Clone, Copy)]
        enum Level {
            Low = -1,
            High = 7,
        }
        use Level::*;
        echo(Low).await as i32 + match echo(High).await {
            Low => 1,
            High => 2,
        }
    }
}

both! {
    generic_enum: body();
    #[rustfmt::co]
    async fn body() -> usize {
        enum Either<A, B = ()> {
            Left(A),
            Right { b: B },
        }
        let values: [Either<&str>; 2] = [Either::Left("abc"), Either::Right { b: pause().await }];
        let mut n = 0;
        for value in values {
            n += match value {
                Either::Left(s) => s.len(),
                Either::Right { b: () } => 10,
            };
        }
        n
    }
}

both! {
    union_: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        #[repr(C)]
        union Bits {
            float: f32,
            bits: u32,
        }
        let bits = Bits { float: echo(1.0).await };
        unsafe { bits.bits }
    }
}

both! {
    impl_with_self: body(5);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        struct Counter {
            n: u32,
        }
        impl Counter {
            const STEP: u32 = 2;
            fn step(&mut self) -> &mut Self {
                self.n += Self::STEP;
                self
            }
            async fn run(mut self) -> u32 {
                pause().await;
                self.step().step().n
            }
        }
        Counter { n }.run().await
    }
}

both! {
    impl_with_coroutines: body(5);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        struct Counter(u32);
        impl Counter {
            #[rustfmt::co]
            async fn add(&mut self, by: u32) -> &mut Self {
                pause().await;
                self.0 += by;
                self
            }
        }
        let mut counter = Counter(n);
        counter.add(1).await.add(2).await;
        counter.0
    }
}

both! {
    impl_of_outer_trait: body();
    #[rustfmt::co]
    async fn body() -> String {
        struct Inner;
        impl std::fmt::Display for Inner {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("inner")
            }
        }
        impl Drop for Inner {
            fn drop(&mut self) {
                did("inner is dropped");
            }
        }
        let inner = Inner;
        pause().await;
        inner.to_string()
    }
}

both! {
    traits: body(2);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        trait Area {
            const SIDES: u32;
            type Side: Into<u32>;
            fn side(&self) -> Self::Side;
            fn area(&self) -> u32 {
                let side: u32 = self.side().into();
                side * Self::SIDES
            }
        }
        struct Square(u8);
        impl Area for Square {
            const SIDES: u32 = 4;
            type Side = u8;
            fn side(&self) -> u8 {
                self.0
            }
        }
        Square(echo(3).await).area() + n
    }
}

both! {
    trait_with_coroutine: body();
    #[rustfmt::co]
    async fn body() -> usize {
        trait Source {
            #[rustfmt::co]
            async fn next(&mut self) -> Option<usize>;
            #[rustfmt::co]
            async fn sum(&mut self) -> usize {
                let mut sum = 0;
                while let Some(n) = self.next().await {
                    sum += n;
                }
                sum
            }
        }
        struct Down(usize);
        impl Source for Down {
            #[rustfmt::co]
            async fn next(&mut self) -> Option<usize> {
                pause().await;
                self.0 = self.0.checked_sub(1)?;
                Some(self.0)
            }
        }
        Down(4).sum().await
    }
}

both! {
    consts: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        const N: usize = 2 + M;
        const M: usize = 1;
        const fn square(n: u32) -> u32 {
            return n * n;
        }
        const _: () = assert!(N == 3);
        let array = echo([square(3); N]).await;
        array.iter().sum()
    }
}

both! {
    statics: body(), body();
    #[rustfmt::co]
    async fn body() -> u32 {
        use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        COUNT.fetch_add(echo(1).await, Relaxed);
        let more = COUNT.fetch_sub(1, Relaxed);
        more - COUNT.load(Relaxed)
    }
}

both! {
    thread_locals: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        use std::cell::Cell;
        thread_local! {
            static DEPTH: Cell<u32> = const { Cell::new(1) };
        }
        DEPTH.set(DEPTH.get() + 1);
        pause().await;
        let depth = DEPTH.get();
        DEPTH.set(1);
        depth
    }
}

both! {
    static_mut: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        static mut COUNT: u32 = 5;
        unsafe { echo(COUNT).await + COUNT }
    }
}

both! {
    use_declarations: body();
    #[rustfmt::co]
    async fn body() -> Vec<(i32, &'static str)> {
        use std::collections::{BTreeMap as Map, btree_map::Entry::*};
        let mut map = Map::new();
        for key in [1, 2, 1] {
            match map.entry(echo(key).await) {
                Vacant(place) => *place.insert("new"),
                Occupied(mut place) => place.insert("again"),
            };
        }
        map.into_iter().collect()
    }
}

both! {
    use_that_shadows: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        fn ready(n: u32) -> u32 {
            n + 1
        }
        {
            use std::future::ready;
            ready(()).await;
        }
        ready(echo(1).await)
    }
}

both! {
    modules: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        mod inner {
            pub(super) const N: u32 = 4;
            pub fn get() -> u32 {
                N + self::deeper::one()
            }
            mod deeper {
                pub(in super) fn one() -> u32 {
                    1
                }
            }
        }
        pause().await;
        inner::get() + inner::N
    }
}

both! {
    type_aliases: body();
    #[rustfmt::co]
    async fn body() -> Result<u32, String> {
        type Result<T> = std::result::Result<T, String>;
        type Pair<T> = (T, T);
        let pair: Pair<_> = echo((1, 2)).await;
        let value: Result<u32> = Ok(pair.0 + pair.1);
        value
    }
}

both! {
    generic_items: body("x");
    #[rustfmt::co]
    async fn body<T: Clone + std::fmt::Debug>(x: T) -> String {
        struct Twice<T>(T, T);
        fn twice<T: Clone>(x: &T) -> Twice<T> {
            Twice(x.clone(), x.clone())
        }
        let Twice(a, b) = twice(&x);
        pause().await;
        format!("{a:?}{b:?}")
    }
}

both! {
    derives: body();
    #[rustfmt::co]
    async fn body() -> bool {
        #[derive(Default, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        struct Key {
            #[allow(dead_code)]
            name: String,
            n: Vec<u8>,
        }
        #[derive(Default, PartialEq)]
        enum Kind {
            #[default]
            First,
            Second,
        }
        let key = Key::default();
        echo(key.clone()).await >= key && echo(Kind::default()).await == Kind::First
    }
}

both! {
    items_in_inner_blocks: body(true), body(false);
    #[rustfmt::co]
    async fn body(first: bool) -> u32 {
        const N: u32 = 1;
        if echo(first).await {
            const N: u32 = 2;
            echo(N).await
        } else {
            fn n() -> u32 {
                N
            }
            n()
        }
    }
}

both! {
    extern_c_function: body();
    #[rustfmt::co]
    async fn body() -> i32 {
        extern "C" fn callback(n: i32) -> i32 {
            n + 1
        }
        let pointer: extern "C" fn(i32) -> i32 = callback;
        pointer(echo(1).await)
    }
}

both! {
    impl_for_outer_type: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        trait Get {
            fn get(&self) -> u32;
        }
        impl Get for u32 {
            fn get(&self) -> u32 {
                *self + 1
            }
        }
        echo(1_u32).await.get()
    }
}

both! {
    macro_rules_in_a_body: body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        macro_rules! twice {
            ($e:expr) => {
                $e + $e
            };
        }
        let m = twice!(echo(n).await);
        twice!(m) * 10
    }
}

both! {
    nested_items_use_generic_names: body::<u8>(3);
    #[rustfmt::co]
    async fn body<T: Into<u32>>(n: T) -> u32 {
        fn add<T: std::ops::Add<Output = T>>(a: T, b: T) -> T {
            a + b
        }
        add(n.into(), echo(1).await)
    }
}

both! {
    self_in_items_of_a_method: Owner { name: "a" }.body();
    pub(super) struct Owner {
        name: &'static str,
    }
    impl Owner {
        #[rustfmt::co]
        async fn body(self) -> String {
            struct Inner(u32);
            impl Inner {
                fn get(&self) -> u32 {
                    self.0
                }
            }
            trait Named {
                fn own(&self) -> &'static str;
            }
            impl Named for Owner {
                fn own(&self) -> &'static str {
                    self.name
                }
            }
            pause().await;
            format!("{}{}", Inner(1).get(), self.own())
        }
    }
}
