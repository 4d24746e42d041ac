//! Calls, methods, fields, indices, tuples, arrays, structs, literals, place expressions.

pub(crate) use std::collections::HashMap;
pub(crate) use std::future::Future;

both! {
    arguments_in_order: body();
    #[rustfmt::co]
    async fn body() -> (u32, u32, u32) {
        fn three(a: u32, b: u32, c: u32) -> (u32, u32, u32) {
            (a, b, c)
        }
        three(seen(1), seen(echo(2).await), seen(3))
    }
}

both! {
    function_is_evaluated_first: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let f = |n: u32| { did("called"); n + 1 };
        ({ did("function"); pause().await; f })({ did("argument"); echo(1).await })
    }
}

both! {
    temporaries_of_arguments: body();
    #[rustfmt::co]
    async fn body() -> usize {
        usize::max(note("a").len(), look(&note("b")).await) + look(&give("c").await).await
    }
}

both! {
    arguments_that_are_dropped_when_a_later_one_is_not_made: body();
    #[rustfmt::co]
    async fn body() {
        fn take(_: Note, _: Note, _: Note) {}
        take(note("first"), give("second").await, give("third").await);
        did("called");
        take(note("first"), give("second").await, fail("third").await);
    }
}

both! {
    nested_calls: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        echo(echo(echo(1).await + echo(2).await).await.max(echo(4).await)).await
    }
}

both! {
    coroutine_awaited_later: body();
    #[rustfmt::co]
    async fn body() -> (u32, Note) {
        let later = echo(1);
        let never = echo(note("never"));
        let kept = echo(give("kept").await);
        did("made");
        let n = later.await;
        drop(never);
        (n, kept.await)
    }
}

both! {
    coroutine_in_a_struct: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        struct Held<F>(F, u32);
        let Held(f, n) = Held(echo(1), 2);
        let held = Held(echo(3), 4);
        f.await + n + held.0.await + held.1
    }
}

both! {
    coroutine_from_a_branch: body(true), body(false);
    #[rustfmt::co]
    async fn body(first: bool) -> u32 {
        let a = echo(1);
        let b = echo(2);
        (if first { a } else { b }).await
    }
}

both! {
    coroutine_as_a_generic_value: body();
    #[rustfmt::co]
    async fn body() -> usize {
        fn same<T>(x: T) -> T {
            x
        }
        same(look(&note("x"))).await + Some(echo(1)).unwrap().await
    }
}

both! {
    qualified_calls: body();
    #[rustfmt::co]
    async fn body() -> (u32, String, usize) {
        let v: Vec<u32> = Vec::<u32>::from([echo(1).await]);
        (
            <u32 as std::ops::Add>::add(echo(1).await, v[0]),
            <_ as ToString>::to_string(&echo(5).await),
            <[u32]>::len(&v),
        )
    }
}

both! {
    turbofish: body();
    #[rustfmt::co]
    async fn body() -> (u8, Vec<u16>) {
        let n = echo("12").await.parse::<u8>().unwrap();
        (echo::<u8>(n).await, [1, 2].into_iter().collect::<Vec<_>>())
    }
}

both! {
    method_chain: body();
    #[rustfmt::co]
    async fn body() -> String {
        echo(vec!["b", "a"])
            .await
            .iter()
            .rev()
            .map(|s| s.to_uppercase())
            .chain([echo("c".to_owned()).await])
            .collect::<Vec<_>>()
            .join(echo("-").await)
    }
}

both! {
    autoref: body();
    #[rustfmt::co]
    async fn body() -> (usize, usize, u32) {
        struct S(u32);
        impl S {
            fn by_ref(&self) -> u32 {
                self.0
            }
            fn by_mut(&mut self, n: u32) -> &mut Self {
                self.0 += n;
                self
            }
            fn by_value(self) -> u32 {
                self.0
            }
        }
        let mut s = S(1);
        s.by_mut(echo(1).await).by_mut(echo(2).await);
        let mut boxed = Box::new(s);
        boxed.by_mut(boxed.by_ref());
        let text = Box::new(String::from("abc"));
        pause().await;
        (text.len(), (&&text).len(), boxed.by_value())
    }
}

both! {
    two_phase_borrows: body();
    #[rustfmt::co]
    async fn body() -> Vec<usize> {
        let mut v = vec![1, 2];
        v.push(v.len());
        pause().await;
        v.push(v.len() + v[0]);
        v.insert(v.len(), v.iter().sum());
        v
    }
}

both! {
    argument_awaited_while_the_receiver_is_borrowed: body();
    #[rustfmt::co]
    async fn body() -> Vec<usize> {
        let mut v = vec![1];
        v.push(echo(2).await);
        v.extend([echo(3).await, echo(4).await]);
        v.get_mut(echo(0).await).map(|n| *n += 10);
        v
    }
}

both! {
    receiver_is_evaluated_first: body();
    #[rustfmt::co]
    async fn body() -> usize {
        give("receiver").await.len() + { did("block"); note("x") }.take()
    }
}

both! {
    fields: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        #[derive(Clone, Copy)]
        struct P { x: u32, inner: (u32, [u32; 2]) }
        let mut p = P { x: 1, inner: (2, [3, 4]) };
        p.inner.1[echo(1).await] += p.inner.0;
        p.inner.0 = echo(p.x).await;
        let x = &mut p.x;
        let inner = &mut p.inner;
        *x += inner.0;
        inner.1[0] += echo(*x).await;
        echo(p).await.inner.1[0] + echo((1, (2, 3))).await.1.0 + p.inner.1[1]
    }
}

both! {
    function_in_a_field: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        struct S<F: Fn(u32) -> u32> { f: F, g: fn(u32) -> u32 }
        let s = S { f: |n| n + 1, g: |n| n * 2 };
        (s.f)(echo(1).await) + (s.g)(echo(2).await)
    }
}

both! {
    struct_literals: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        #[derive(Default)]
        struct S { a: u32, b: u32, c: u32 }
        let a = echo(1).await;
        let s = S { c: seen(echo(3).await), a, b: seen(2) };
        let t = S { b: echo(5).await, ..s };
        let u = S { a: echo(6).await, ..S::default() };
        t.a + t.b + t.c + u.a + u.b
    }
}

both! {
    struct_update_moves: body();
    #[rustfmt::co]
    async fn body() -> usize {
        struct S { a: Note, b: Note }
        let s = S { a: note("a"), b: note("b") };
        let t = S { a: give("new a").await, ..s };
        pause().await;
        look(&s.a).await + t.b.len()
    }
}

both! {
    struct_literal_is_left_half_made: body();
    #[rustfmt::co]
    async fn body() {
        struct S { a: Note, b: Note, c: u32 }
        let s = S { b: note("b"), a: give("a").await, c: fail("c").await };
        drop((s.a, s.b));
    }
}

both! {
    tuple_structs_and_functions: body();
    #[rustfmt::co]
    async fn body() -> Vec<Option<u32>> {
        #[derive(Debug)]
        struct T(u32, u32);
        let t = T { 1: echo(2).await, 0: 1 };
        let make: fn(u32, u32) -> T = T;
        let u = make(t.0, t.1);
        [u.0, echo(u.1).await].into_iter().map(Some).collect()
    }
}

both! {
    arrays: body();
    #[rustfmt::co]
    async fn body() -> ([u32; 3], [u8; 4], usize) {
        const N: usize = 4;
        let empty: [u32; 0] = [];
        pause().await;
        ([seen(1), echo(2).await, seen(3)], [echo(7).await; N], empty.len() + [echo(()).await].len())
    }
}

both! {
    array_is_left_half_made: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let whole = [note("a"), give("b").await, give("c").await];
        [note("d"), give("e").await, fail("f").await].len() + whole.len()
    }
}

both! {
    tuples: body();
    #[rustfmt::co]
    async fn body() -> ((), (u32,), (u32, (u32, &'static str))) {
        (pause().await, (echo(1).await,), (seen(2), (seen(3), echo("x").await)))
    }
}

both! {
    index_evaluation_order: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let v = vec![vec![1, 2], vec![3, 4]];
        0 + { did("base"); v }[{ did("first"); echo(1).await }][{ did("second"); echo(0).await }]
    }
}

both! {
    index_of_a_map: body();
    #[rustfmt::co]
    async fn body() -> (u32, u32) {
        let map = HashMap::from([("a", 1), ("b", 2)]);
        (map[echo("a").await], map[&*echo(String::from("b")).await])
    }
}

both! {
    literals: body();
    #[rustfmt::co]
    async fn body() -> String {
        pause().await;
        let bytes: (&[u8; 2], &std::ffi::CStr, u8) = (b"a\x00", c"c", b'\'');
        format!(
            "{:?}",
            (
                (1_000u64, 0xff_u8, 0o17, 0b1010_0101, 1e3, 2.5f32, 1.),
                ('\u{1f600}', '\'', "tab\t\
                    joined", r#"raw "quoted""#, br"\n", true),
                bytes,
            )
        )
    }
}

both! {
    parentheses_and_blocks: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        ((((echo(1).await)))) + ({ { echo(2).await } }) + { let x = (echo(3)).await; x }
    }
}

both! {
    places_through_calls: body();
    #[rustfmt::co]
    async fn body() -> (Vec<u32>, String) {
        let mut v = vec![1, 2, 3];
        *v.first_mut().unwrap() = echo(10).await;
        v.iter_mut().rev().nth(echo(1).await).map(|n| *n += 5);
        std::mem::swap(&mut v[0], &mut echo(7).await);
        let mut s = String::new();
        *&mut s += echo("x").await;
        (v, s)
    }
}

both! {
    moves_out_of_boxes: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let boxed = Box::new((note("a"), note("b")));
        let a = echo(boxed.0).await;
        pause().await;
        let (c, _) = *Box::new((boxed.1, note("d")));
        a.len() + look(&c).await
    }
}

both! {
    comparison_of_awaited_references: body();
    #[rustfmt::co]
    async fn body() -> (bool, bool) {
        let s = String::from("a");
        (*echo(&s).await == "a", echo(s.as_str()).await < "b")
    }
}

both! {
    awaited_in_awaited_places: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        // rustc 1.95 loses the first of two indices of an array over an `.await` in the second:
        // of `grid[i][f().await]` nothing can be said. The indices of vectors are arguments.
        let mut grid = vec![vec![0; 3]; 3];
        grid[echo(1).await][echo(2).await] = echo(grid[0][echo(0).await] + 5).await;
        grid[1][2] += grid[1][echo(2).await];
        grid.iter().flatten().sum()
    }
}

both! {
    await_on_other_futures: body();
    #[rustfmt::co]
    async fn body() -> (u32, u32, u32, u32) {
        struct Later(u32);
        impl std::future::IntoFuture for Later {
            type Output = u32;
            type IntoFuture = std::future::Ready<u32>;
            fn into_future(self) -> Self::IntoFuture {
                did("into_future");
                std::future::ready(self.0)
            }
        }
        let mut pinned = std::pin::pin!(async { echo(2).await });
        let boxed: std::pin::Pin<Box<dyn Future<Output = u32>>> = Box::pin(async { echo(3).await });
        let mut ready = std::future::ready(4);
        (Later(1).await, pinned.as_mut().await, boxed.await, (&mut ready).await)
    }
}
