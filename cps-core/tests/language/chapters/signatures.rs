//! Generics, lifetimes, `impl Trait`, `where`, returns, visibilities, qualifiers.

pub(crate) use std::fmt::{Debug, Display};
pub(crate) use std::future::{Future, IntoFuture};

both! {
    generic: body(1_u8, "x");
    #[rustfmt::co]
    async fn body<T, U>(t: T, u: U) -> (U, T) {
        (echo(u).await, t)
    }
}

both! {
    bounds: body(3, &[1, 2, 3]);
    #[rustfmt::co]
    async fn body<T: PartialEq + Debug + Copy>(x: T, all: &[T]) -> Option<usize> {
        for (i, y) in all.iter().enumerate() {
            if echo(*y).await == x {
                return Some(i);
            }
        }
        None
    }
}

both! {
    where_clauses: body(vec![1, 2], 3);
    #[rustfmt::co]
    async fn body<I, T>(all: I, x: T) -> T
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: ExactSizeIterator,
        T: std::iter::Sum<T> + std::ops::Add<Output = T>,
        for<'a> &'a T: std::ops::Mul<&'a T, Output = T>,
        [T; 1]: Sized,
    {
        pause().await;
        let sum: T = all.into_iter().sum();
        &sum * &x
    }
}

both! {
    const_generics: body([1, 2, 3]), body::<0>([]);
    #[rustfmt::co]
    async fn body<const N: usize>(a: [u32; N]) -> ([u32; N], usize) {
        pause().await;
        (a.map(|n| n + N as u32), N)
    }
}

both! {
    const_generic_expressions: body::<{ 1 + 2 }, true>();
    #[rustfmt::co]
    async fn body<const N: usize, const B: bool>() -> usize {
        let a = [echo(1).await; N];
        if B { a.len() } else { 0 }
    }
}

both! {
    elided_lifetimes: async { body("abc", &mut 1).await.len() };
    #[rustfmt::co]
    async fn body(s: &'static str, n: &mut usize) -> &'static str {
        *n += echo(1).await;
        &s[*n..]
    }
}

both! {
    elided_return: async { let s = String::from("abc"); body(&s).await.to_owned() };
    #[rustfmt::co]
    async fn body(s: &str) -> &str {
        pause().await;
        s.get(1..).unwrap_or(s)
    }
}

both! {
    named_lifetimes: async { let (a, b) = (String::from("a"), String::from("bc")); body(&a, &b).await.len() };
    #[rustfmt::co]
    async fn body<'a, 'b: 'a>(a: &'a str, b: &'b str) -> &'a str {
        pause().await;
        if a.len() > b.len() { a } else { b }
    }
}

both! {
    two_unrelated_lifetimes: async { let mut v = vec![]; let s = String::from("x"); body(&mut v, &s).await; v.len() };
    #[rustfmt::co]
    async fn body<'v, 's>(v: &'v mut Vec<&'s str>, s: &'s str) {
        pause().await;
        v.push(s);
    }
}

both! {
    anonymous_lifetimes: async { body(std::borrow::Cow::Borrowed("a"), [1].iter()).await };
    #[rustfmt::co]
    async fn body(c: std::borrow::Cow<'_, str>, i: std::slice::Iter<'_, u32>) -> String {
        pause().await;
        format!("{c}{}", i.as_slice().len())
    }
}

both! {
    hidden_lifetimes: async { let s = String::from("ab"); body(W(&s)).await.0.len() };
    #[derive(Clone, Copy)]
    pub(super) struct W<'a>(pub(super) &'a str);
    #[rustfmt::co]
    async fn body<'a>(w: W<'a>) -> W<'a> {
        let x = echo(w).await;
        x
    }
}

both! {
    higher_ranked: body(|s| s.len(), &|s: &str| &s[1..]);
    #[rustfmt::co]
    async fn body<F>(f: F, g: &dyn for<'a> Fn(&'a str) -> &'a str) -> usize
    where
        F: for<'a> Fn(&'a str) -> usize,
    {
        let s = echo(String::from("abc")).await;
        f(g(&s))
    }
}

both! {
    late_and_early_bound: async { let n = 5; *body::<u32>(&n, &6).await };
    #[rustfmt::co]
    async fn body<'a, T: 'a>(x: &'a T, _: &T) -> &'a T {
        pause().await;
        x
    }
}

both! {
    impl_trait_in_arguments: body(1, &"x", [1, 2].into_iter(), |n| n + 1);
    #[rustfmt::co]
    async fn body(
        a: impl Display,
        b: &(impl Debug + ?Sized),
        c: impl Iterator<Item = u32>,
        d: impl Fn(u32) -> u32,
    ) -> String {
        pause().await;
        format!("{a}{b:?}{}", d(c.sum()))
    }
}

both! {
    impl_trait_in_return: async { body(3).await.collect::<Vec<_>>() };
    #[rustfmt::co]
    async fn body(n: u32) -> impl Iterator<Item = u32> {
        pause().await;
        (0..n).rev()
    }
}

both! {
    impl_trait_within_return_types: async {
        let (f, debug) = body(3).await.unwrap();
        format!("{} {debug:?}", f(1))
    };
    #[rustfmt::co]
    async fn body(n: u32) -> Result<(impl Fn(u32) -> u32, impl Debug), String> {
        if echo(n).await == 0 {
            return Err(String::new());
        }
        Ok((move |m| m + n, "debug"))
    }
}

both! {
    impl_trait_that_borrows: async { body(&[1, 2, 3]).await.count() };
    #[rustfmt::co]
    async fn body<'a>(v: &'a [u32]) -> impl Iterator<Item = &'a u32> + 'a {
        pause().await;
        v.iter().filter(|n| **n > 1)
    }
}

both! {
    impl_future_in_return: async { body(1).await.await };
    #[rustfmt::co]
    async fn body(n: u32) -> impl Future<Output = u32> {
        pause().await;
        async move { echo(n).await + 1 }
    }
}

both! {
    dyn_arguments: body(&1, Box::new("x"), &mut [1].iter());
    #[rustfmt::co]
    async fn body(a: &dyn Display, b: Box<dyn Debug + '_>, c: &mut dyn Iterator<Item = &u32>) -> String {
        pause().await;
        format!("{a}{b:?}{:?}", c.next())
    }
}

both! {
    unsized_arguments_behind_references: body("s", &[1][..], std::path::Path::new("p"));
    #[rustfmt::co]
    async fn body(a: &str, b: &[u32], c: &std::path::Path) -> String {
        pause().await;
        format!("{a}{b:?}{}", c.display())
    }
}

both! {
    function_pointers: body(|n| n + 1, str::len);
    #[rustfmt::co]
    async fn body(f: fn(u32) -> u32, g: for<'a> fn(&'a str) -> usize) -> usize {
        f(echo(1).await) as usize + g("abc")
    }
}

both! {
    async_fn_bounds: body(async |n| { n + 1 }, async |s: &str| s.len() as u32);
    #[rustfmt::co]
    async fn body(f: impl AsyncFn(u32) -> u32, g: impl AsyncFnOnce(&str) -> u32) -> u32 {
        f(1).await + g("abc").await
    }
}

both! {
    futures_as_arguments: body(async { 1 }, std::future::ready("x"));
    #[rustfmt::co]
    async fn body<F: Future, I: IntoFuture<Output = &'static str>>(f: F, i: I) -> (F::Output, I::Output) {
        (f.await, i.await)
    }
}

both! {
    returns_of_all_kinds: async { (unit().await, tuple().await, array().await, function().await(1), nested().await) };
    #[rustfmt::co]
    async fn unit() -> () {}
    #[rustfmt::co]
    async fn tuple() -> (u32, (), (u8,)) { pause().await; (1, (), (2,)) }
    #[rustfmt::co]
    async fn array() -> [[u8; 2]; 1] { [[echo(1).await; 2]] }
    #[rustfmt::co]
    async fn function() -> fn(u32) -> u32 { pause().await; std::convert::identity }
    #[rustfmt::co]
    async fn nested() -> Option<Result<Vec<&'static str>, ()>> { Some(Ok(vec![echo("x").await])) }
}

both! {
    associated_types: body([1, 2]);
    #[rustfmt::co]
    async fn body<I: IntoIterator>(i: I) -> Vec<<I as IntoIterator>::Item>
    where
        I::Item: Clone,
    {
        let mut v = vec![];
        for x in i {
            v.push(echo(x).await);
        }
        v
    }
}

both! {
    unsafe_function: async { unsafe { body(&7).await } };
    #[rustfmt::co]
    async unsafe fn body(p: *const u32) -> u32 {
        pause().await;
        unsafe { *p }
    }
}

both! {
    visibilities: async { inner::a().await + inner::b().await };
    mod inner {
        pub(super) async fn a() -> u32 {
            1
        }
        pub(crate) async fn b() -> u32 {
            2
        }
    }
    #[rustfmt::co]
    pub(in super::super) async fn body() {}
}

both! {
    raw_name: r#match(1);
    #[rustfmt::co]
    async fn r#match(r#in: u32) -> u32 {
        echo(r#in).await
    }
}

both! {
    name_of_a_callee: echo2(1);
    #[rustfmt::co]
    async fn echo2(echo2: u32) -> u32 {
        echo(echo2).await
    }
}

both! {
    phantom_generics: body::<str>(std::marker::PhantomData);
    #[rustfmt::co]
    async fn body<T: ?Sized>(_: std::marker::PhantomData<T>) -> &'static str {
        pause().await;
        std::any::type_name::<T>()
    }
}

both! {
    not_send_values: body(std::rc::Rc::new(1));
    #[rustfmt::co]
    async fn body(n: std::rc::Rc<u32>) -> u32 {
        let cell = std::cell::Cell::new(echo(1).await);
        let p: *const u32 = &*n;
        pause().await;
        cell.get() + *n + unsafe { *p }
    }
}

both! {
    is_send_if_its_parts_are: async {
        fn is_send<T: Send>(t: T) -> T { t }
        is_send(IntoFuture::into_future(body(vec![1], &2))).await
    };
    #[rustfmt::co]
    async fn body(v: Vec<u32>, n: &u32) -> u32 {
        { let rc = std::rc::Rc::new(1); drop(rc) }
        let m = std::future::ready(1).await;
        inner(v.len()).await + n + m
    }
    #[rustfmt::co]
    async fn inner(n: usize) -> u32 { std::future::ready(()).await; n as u32 }
}

both! {
    generic_send: async {
        fn is_send<T: Send>(t: T) -> T { t }
        is_send(IntoFuture::into_future(body(1, "x"))).await
    };
    #[rustfmt::co]
    async fn body<T: Send, U: Send + Copy>(t: T, u: U) -> (T, U) {
        std::future::ready(()).await;
        (t, u)
    }
}

both! {
    impl_fn_that_returns_a_box: async { body(1).await(2)(3) };
    #[rustfmt::co]
    async fn body(x: u32) -> impl Fn(u32) -> Box<dyn Fn(u32) -> u32> {
        pause().await;
        move |y| Box::new(move |z| x + y + z)
    }
}
