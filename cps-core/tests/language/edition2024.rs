//! What only edition 2024 has.

both! {
    let_chain: body(Some(3)), body(Some(0)), body(None);
    #[rustfmt::co]
    async fn body(n: Option<u32>) -> u32 {
        if let Some(x) = echo(n).await
            && echo(x).await > 1
            && let Some(y) = echo(x.checked_sub(1)).await
        {
            return y;
        }
        0
    }
}

both! {
    let_chain_with_temporaries: body(5), body(0);
    #[rustfmt::co]
    async fn body(n: usize) -> usize {
        if let Some(m) = give("first").await.len().checked_sub(n)
            && let Some(k) = give("second").await.len().checked_sub(m)
            && look(&note("third")).await > k
        {
            did("then");
            pause().await;
            m + k
        } else {
            did("else");
            pause().await;
            99
        }
    }
}

both! {
    while_let_chain: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut stack = vec![1, 2, 3, 40, 5];
        let mut out = vec![];
        while let Some(n) = stack.pop()
            && echo(n).await < 10
        {
            out.push(n);
        }
        out
    }
}

both! {
    let_chain_in_else_if: body(1), body(2), body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> &'static str {
        if n == 1 && let 1 = echo(n).await {
            "one"
        } else if let Some(m) = n.checked_sub(1) && m == echo(1).await && let [x] = [m] {
            "two"
        } else {
            "other"
        }
    }
}

both! {
    let_chain_leaves_by_return: body(Some(1)), body(Some(5)), body(None);
    #[rustfmt::co]
    async fn body(n: Option<u32>) -> Result<u32, &'static str> {
        let _local = note("local");
        if let Some(n) = n && let m = (if n > 3 { return Err("large") } else { echo(n).await }) {
            return Ok(m);
        }
        Err("none")
    }
}

both! {
    if_let_rescope: body();
    #[rustfmt::co]
    async fn body() {
        if let None = Some(note("some")) { did("then") } else { did("else"); pause().await }
        match Some(note("some")) { None => did("none"), _ => { did("some"); pause().await } }
    }
}

both! {
    tail_temporaries_are_dropped_before_locals: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let cell = std::cell::RefCell::new(note("inner"));
        pause().await;
        cell.borrow().len()
    }
}

both! {
    tail_temporaries_of_inner_blocks: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let n = { let _local = note("local"); give("tail").await.len() + look(&note("other")).await };
        let f = || { let _local = note("closure's"); note("closure's tail").len() };
        n + f()
    }
}

both! {
    captures_of_impl_trait: async { let s = String::from("abc"); body(&s, &1).await.count() };
    #[rustfmt::co]
    async fn body(s: &str, _n: &u32) -> impl Iterator<Item = char> {
        pause().await;
        s.chars()
    }
}

both! {
    precise_captures: async {
        let s = String::from("abc");
        let f = { let n = 1; body(&s, &n).await };
        f.count()
    };
    #[rustfmt::co]
    async fn body<'a, 'b>(s: &'a str, _n: &'b u32) -> impl Iterator<Item = char> + use<'a> {
        pause().await;
        s.chars()
    }
}

both! {
    boxed_slices_by_value: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut sum = 0;
        for n in vec![1, 2].into_boxed_slice() {
            sum += echo(n).await;
        }
        sum
    }
}

both! {
    gen_is_a_keyword: body(1);
    #[rustfmt::co]
    async fn body(r#gen: u32) -> u32 {
        echo(r#gen).await
    }
}

both! {
    unsafe_extern_and_attributes: body();
    #[rustfmt::co]
    async fn body() -> i32 {
        unsafe extern "C" {
            safe fn abs(n: i32) -> i32;
        }
        abs(echo(-3).await)
    }
}

both! {
    never_falls_back_to_never: body(true);
    #[rustfmt::co]
    async fn body(b: bool) -> Result<u32, String> {
        pause().await;
        let x = if b { 1 } else { return Err("no".to_owned()) };
        Ok(x)
    }
}
