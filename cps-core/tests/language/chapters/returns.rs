//! `return`, `?`, the never type, and what is inferred of them.

pub(crate) use std::future::Future;

both! {
    plain_return: body(0), body(1);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        if n == 0 {
            return 10;
        }
        return echo(20).await;
    }
}

both! {
    return_of_nothing: body(0), body(1);
    #[rustfmt::co]
    async fn body(n: u32) {
        if n == 0 {
            return;
        }
        pause().await;
        return ();
    }
}

both! {
    return_of_an_awaited_unit: body();
    #[rustfmt::co]
    async fn body() {
        return pause().await;
    }
}

both! {
    return_in_arguments: body(0), body(1);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        u32::max(seen(1), if n == 0 { return echo(50).await } else { echo(2).await })
    }
}

both! {
    return_in_an_awaited_argument: body(true), body(false);
    #[rustfmt::co]
    async fn body(b: bool) -> Note {
        let _local = note("local");
        echo((note("first"), if b { return give("early").await } else { give("late").await })).await.1
    }
}

both! {
    return_of_a_return: body();
    #[rustfmt::co]
    #[allow(unreachable_code)]
    async fn body() -> u32 {
        return return echo(1).await;
    }
}

both! {
    return_as_an_operand: body(true), body(false);
    #[rustfmt::co]
    #[allow(unreachable_code)]
    async fn body(b: bool) -> bool {
        let _x = b || return echo(false).await;
        !(b && return { pause().await; true })
    }
}

both! {
    return_in_every_expression: body(0), body(1), body(2), body(3), body(4), body(5), body(6);
    #[rustfmt::co]
    #[allow(unreachable_code)]
    async fn body(n: u32) -> u32 {
        pause().await;
        if n == 0 { let _ = (1, return 0); }
        if n == 1 { let _ = [return 1, 2]; }
        if n == 2 { let _ = Some(return 2); }
        if n == 3 { match return 3 { () => {} } }
        if n == 4 { for _ in 0..(return 4) {} }
        if n == 5 { let _ = !return 5; }
        if n == 6 { while return 6 {} }
        7
    }
}

both! {
    return_drops_in_order: body(true), body(false);
    #[rustfmt::co]
    async fn body(early: bool) -> Note {
        let _a = note("a");
        let b = note("b");
        {
            let _c = note("c");
            if early {
                return give("returned").await;
            }
        }
        pause().await;
        b
    }
}

both! {
    question_mark_on_results: body("1"), body("x"), body("7");
    #[derive(Debug)]
    pub(super) enum Failure {
        Parse(std::num::ParseIntError),
        Seven,
    }
    impl From<std::num::ParseIntError> for Failure {
        fn from(error: std::num::ParseIntError) -> Self {
            did("from");
            Failure::Parse(error)
        }
    }
    #[rustfmt::co]
    async fn body(s: &str) -> Result<u32, Failure> {
        let _local = note("local");
        let n: u32 = echo(s).await.parse()?;
        if n == 7 {
            Err(Failure::Seven)?;
        }
        let m = echo(Ok::<_, std::num::ParseIntError>(n)).await?;
        Ok(m + echo("2").await.parse::<u32>()?)
    }
}

both! {
    question_mark_on_options: body(&[Some(1), Some(2)]), body(&[None]), body(&[]);
    #[rustfmt::co]
    async fn body(v: &[Option<u32>]) -> Option<u32> {
        let a = (*echo(v.first()).await?)?;
        Some(a + echo(v.get(1)).await.copied()??)
    }
}

both! {
    question_mark_into_boxed_errors: body("1"), body("x"), body("");
    #[rustfmt::co]
    async fn body(s: &str) -> Result<i8, Box<dyn std::error::Error>> {
        if s.is_empty() {
            return Err("empty".into());
        }
        let n: i8 = echo(s).await.parse()?;
        Err(format!("not {n}"))?
    }
}

both! {
    question_mark_into_boxed_send_errors: body("1"), body("x");
    #[rustfmt::co]
    async fn body(s: &str) -> Result<i8, Box<dyn std::error::Error + Send + Sync + 'static>> {
        Ok(echo(s).await.parse::<i8>()?)
    }
}

both! {
    question_mark_on_ready_poll: body();
    #[rustfmt::co]
    async fn body() -> std::ops::ControlFlow<u32, u32> {
        use std::ops::ControlFlow::*;
        let n = echo(Continue::<u32, u32>(1)).await?;
        if n == 1 {
            Break(echo(5).await)?;
        }
        Continue(n)
    }
}

both! {
    question_mark_in_a_loop: body();
    #[rustfmt::co]
    async fn body() -> Result<u32, String> {
        let mut sum = 0;
        for s in ["1", "2", "x", "3"] {
            let _step = note("step");
            sum += echo(s).await.parse::<u32>().map_err(|e| format!("{e} after {sum}"))?;
        }
        Ok(sum)
    }
}

both! {
    question_mark_drops_temporaries: body();
    #[rustfmt::co]
    async fn body() -> Result<usize, String> {
        let _local = note("local");
        fn check(n: usize) -> Result<usize, String> {
            if n > 4 { Err("long".to_owned()) } else { Ok(n) }
        }
        let a = check(give("abc").await.len())?;
        Ok(a + check(give("abcdef").await.len())?)
    }
}

both! {
    question_mark_on_unit_results: body(true), body(false);
    #[rustfmt::co]
    async fn body(ok: bool) -> Result<(), &'static str> {
        async { if ok { Ok(()) } else { Err("no") } }.await?;
        pause().await;
        Ok(())
    }
}

both! {
    tail_question_mark: body();
    #[rustfmt::co]
    async fn body() -> Option<u32> {
        echo(Some(Some(1))).await?
    }
}

both! {
    never_coerces: body(1), body(2);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        let x: u32 = if n == 1 { 5 } else { fail("not one").await };
        let _y: String = match n { 1 => String::new(), _ => unreachable!("{n}") };
        echo(x).await
    }
}

both! {
    ends_in_a_panic: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let _local = note("local");
        pause().await;
        panic!("at the end")
    }
}

both! {
    ends_in_todo: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        pause().await;
        todo!()
    }
}

both! {
    ends_in_a_loop: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut n = 0;
        loop {
            n += echo(1).await;
            if n > 2 {
                return n;
            }
        }
    }
}

both! {
    only_an_infinite_loop: async {
        let mut f = std::pin::pin!(std::future::IntoFuture::into_future(body()));
        for _ in 0..3 {
            std::future::poll_fn(|cx| {
                std::task::Poll::Ready(f.as_mut().poll(cx).is_pending())
            })
            .await;
        }
    };
    #[rustfmt::co]
    async fn body() -> u32 {
        let _local = note("local");
        loop {
            std::future::pending::<()>().await
        }
    }
}

both! {
    unreachable_code_after_return: body();
    #[rustfmt::co]
    #[allow(unreachable_code)]
    async fn body() -> u32 {
        return echo(1).await;
        pause().await;
        2
    }
}

both! {
    returned_references: async { let v = vec![3, 1]; *body(&v).await };
    #[rustfmt::co]
    async fn body(v: &[u32]) -> &u32 {
        for n in v {
            if echo(*n).await == 1 {
                return n;
            }
        }
        &v[0]
    }
}

both! {
    coercion_at_returns: body(0), body(1), body(2);
    #[rustfmt::co]
    async fn body(n: u32) -> Box<dyn std::fmt::Debug> {
        pause().await;
        if n == 0 {
            return Box::new("zero");
        }
        match n {
            1 => return Box::new(1_u8),
            _ => {}
        }
        Box::new(echo(n).await)
    }
}

both! {
    coercion_of_references_at_returns: body(true), body(false);
    #[rustfmt::co]
    async fn body(b: bool) -> &'static [u8] {
        if b {
            return &[1, 2];
        }
        pause().await;
        b"abc"
    }
}

both! {
    coercion_of_functions_at_returns: async { body(true).await(1) + body(false).await(1) };
    #[rustfmt::co]
    async fn body(b: bool) -> fn(u32) -> u32 {
        fn one(n: u32) -> u32 { n + 1 }
        if b {
            return one;
        }
        pause().await;
        |n| n + 2
    }
}

both! {
    inference_from_the_signature: body();
    #[rustfmt::co]
    async fn body() -> (Vec<u8>, Option<u16>, u64) {
        let mut v = Vec::new();
        let none = None;
        if echo(false).await {
            return (vec![], Some(1), 0);
        }
        v.push(echo(1).await);
        (v, none, "5".parse().unwrap())
    }
}

both! {
    inference_from_return_alone: body();
    #[rustfmt::co]
    async fn body() -> Vec<u8> {
        if echo(true).await {
            return [1, 2].into_iter().collect();
        }
        Default::default()
    }
}

both! {
    returns_never: async {
        let mut f = std::pin::pin!(std::future::IntoFuture::into_future(body()));
        std::future::poll_fn(|cx| std::task::Poll::Ready(f.as_mut().poll(cx).is_pending())).await
    };
    #[rustfmt::co]
    async fn body() -> ! {
        let _local = note("local");
        loop {
            std::future::pending::<()>().await
        }
    }
}

both! {
    calls_what_returns_never: body(true), body(false);
    #[rustfmt::co]
    async fn never(text: &str) -> ! {
        pause().await;
        panic!("{text}")
    }
    #[rustfmt::co]
    async fn body(b: bool) -> u32 {
        if b { never("stop").await }
        match b { true => 1, false => never("no").await }
    }
}
