//! Statements: `let` of all kinds, expression statements, empty ones, shadowing.

both! {
    empty: body();
    #[rustfmt::co]
    async fn body() {}
}

both! {
    only_semicolons: body();
    #[rustfmt::co]
    async fn body() {
        ;;;
        pause().await;;
    }
}

both! {
    let_without_a_value: body(true), body(false);
    #[rustfmt::co]
    async fn body(first: bool) -> u32 {
        let x;
        if first {
            x = echo(1).await;
        } else {
            pause().await;
            x = 2;
        }
        x
    }
}

both! {
    let_with_a_type: body();
    #[rustfmt::co]
    async fn body() -> (u8, Vec<i64>, &'static [i32]) {
        let a: u8 = echo(1).await;
        let b: Vec<_> = echo([1, 2_i64]).await.into_iter().collect();
        let c: &[i32] = &[1, 2];
        pause().await;
        (a, b, c)
    }
}

both! {
    late_let_of_a_value_with_a_destructor: body(true), body(false);
    #[rustfmt::co]
    async fn body(first: bool) {
        let a;
        let _b = note("b");
        if first {
            a = give("a").await;
            did(a.len());
        }
        pause().await;
    }
}

both! {
    shadowing: body(1);
    #[rustfmt::co]
    async fn body(n: u32) -> String {
        let n = echo(n + 1).await;
        let n = { let n = n * 2; echo(n).await };
        let n = format!("{n}");
        echo(n).await
    }
}

both! {
    shadowed_values_live_on: body();
    #[rustfmt::co]
    async fn body() {
        let x = note("first");
        let x = (give("second").await, x.len());
        let x = x.1;
        pause().await;
        did(x);
    }
}

both! {
    underscore_drops_at_once: body();
    #[rustfmt::co]
    async fn body() {
        let _ = give("at once").await;
        did("after");
        let _kept = give("kept").await;
        did("after");
        let (_, _b) = (give("whole").await, give("tuple").await);
        let _ = _kept;
        pause().await;
    }
}

both! {
    destructuring_let: body();
    #[rustfmt::co]
    async fn body() -> Vec<i32> {
        struct P {
            x: i32,
            y: (i32, [i32; 3]),
        }
        let P { x, y: (y, [first, .., last]) } = echo(P { x: 1, y: (2, [3, 4, 5]) }).await;
        let &(ref a, b) = &echo((6, 7)).await;
        let whole @ [c, ..] = [8, echo(9).await];
        vec![x, y, first, last, *a, b, c, whole[1]]
    }
}

both! {
    let_ref_and_mut: body();
    #[rustfmt::co]
    async fn body() -> (Vec<i32>, String) {
        let (mut a, ref b) = (echo(vec![1]).await, String::from("b"));
        a.push(2);
        pause().await;
        let ref mut c = a;
        c.push(echo(3).await);
        (a, b.clone())
    }
}

both! {
    let_else: body(Some(1)), body(None), body(Some(7));
    #[rustfmt::co]
    async fn body(n: Option<u32>) -> Result<u32, &'static str> {
        let Some(n) = echo(n).await else {
            pause().await;
            return Err("none");
        };
        let 0..=5 = n else { return Err("large") };
        Ok(n)
    }
}

both! {
    let_else_in_a_loop: body(&[1, 2, 30, 4]);
    #[rustfmt::co]
    async fn body(values: &[u8]) -> Vec<char> {
        let mut out = Vec::new();
        for &v in values {
            let Some(c) = char::from_digit(u32::from(v), 10) else {
                let _note = give("break").await;
                break;
            };
            out.push(echo(c).await);
        }
        out
    }
}

both! {
    let_else_temporaries: body(true), body(false);
    #[rustfmt::co]
    async fn body(some: bool) -> usize {
        let Some(n) = some.then_some(give("scrutinee").await.len()) else {
            did("else");
            pause().await;
            return 0;
        };
        did("bound");
        pause().await;
        n
    }
}

both! {
    expression_statements: body(2);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        let mut x = n;
        echo(x).await;
        x + 1;
        x += 1;
        { x += echo(1).await }
        if x > 3 { x += 1 }
        match x { 5 => x *= 2, _ => () }
        loop { x += echo(1).await; break }
        unsafe { x += 1 };
        (x);
        [give("dropped").await];
        x
    }
}

both! {
    block_statement_then_operator: body();
    #[rustfmt::co]
    async fn body() -> i32 {
        let x = 1;
        { pause().await }
        -x;
        if x == 1 { pause().await }
        *&x
    }
}

both! {
    tail_without_a_value: body();
    #[rustfmt::co]
    async fn body() {
        did("start");
        pause().await
    }
}

both! {
    tail_is_a_macro: body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> String {
        pause().await;
        format!("{n}")
    }
}

both! {
    assignment_drops_the_old: body();
    #[rustfmt::co]
    async fn body() {
        let mut x = note("old");
        x = give("new").await;
        did("assigned");
        x = { let _inner = note("inner"); give("newest").await };
        pause().await;
    }
}

both! {
    assignment_evaluates_the_right_first: body();
    #[rustfmt::co]
    async fn body() -> [u32; 3] {
        let mut a = [0; 3];
        a[{ did("index"); 1 }] = { did("value"); echo(5).await };
        a[seen(echo(2).await)] = seen(7);
        a
    }
}

both! {
    destructuring_assignment: body();
    #[rustfmt::co]
    async fn body() -> (i32, i32, i32, [i32; 2], i32) {
        struct S { f: i32, g: i32 }
        let (mut a, mut b, mut c, mut d, mut e);
        (a, b) = echo((1, 2)).await;
        (a, b) = (b, echo(a).await);
        (c, .., _) = (3, 4, 5, give("ignored").await);
        d = [0, 0];
        [d[1], d[0]] = [echo(8).await, 9];
        S { f: e, .. } = S { f: echo(10).await, g: 0 };
        (c, (_, e)) = (c + e, (0, e + 1));
        _ = give("underscore").await;
        (a, b, c, d, e)
    }
}

both! {
    delayed_uses_after_moves: body();
    #[rustfmt::co]
    async fn body() -> String {
        let mut s = String::from("a");
        let moved = echo(s).await;
        s = moved + "b";
        let t = s;
        s = echo(format!("{t}c")).await;
        s
    }
}

both! {
    conditional_moves: body(true), body(false);
    #[rustfmt::co]
    async fn body(take: bool) {
        let a = note("a");
        let _b = note("b");
        if take {
            drop(echo(a).await);
        }
        pause().await;
        did("end");
    }
}

both! {
    partial_moves: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let pair = (note("left"), note("right"));
        let right = echo(pair.1).await;
        pause().await;
        let n = pair.0.len();
        drop(right);
        pause().await;
        n
    }
}

both! {
    borrows_end_before_the_end: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut v = vec![1];
        let first = &mut v[0];
        *first += echo(1).await;
        v.push(3);
        let last = v.last_mut().unwrap();
        pause().await;
        *last += 1;
        v
    }
}

both! {
    raw_names: body(1);
    #[rustfmt::co]
    async fn body(r#type: u32) -> u32 {
        let r#match = echo(r#type).await;
        let r#loop = 'r#for: { break 'r#for r#match + 1 };
        r#loop
    }
}

both! {
    names_that_an_expansion_might_use: body(1, 2, 3);
    #[rustfmt::co]
    async fn body(__args: u32, __chain: u32, cx: u32) -> u32 {
        let (__self, __value, this, frame, body, output) = (1, 2, 3, 4, 5, 6);
        pause().await;
        __args + __chain + cx + __self + __value + this + frame + body + output
    }
}

both! {
    lets_by_a_macro: body();
    macro_rules! lets {
        ($($x:ident)*) => { $(let $x = echo(1_u32).await;)* };
    }
    #[rustfmt::co]
    async fn body() -> u32 {
        lets!(a b c d e f g h i j k l m n o p);
        let sum = echo(2).await;
        sum
    }
}
