//! Panics: what is dropped and in which order, where a panic is caught, text and place.

pub(crate) use std::future::{Future, IntoFuture};
pub(crate) use std::panic::{AssertUnwindSafe, catch_unwind};

/// A destructor that panics.
pub(crate) struct Bomb(pub(crate) &'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        crate::harness::prelude::did(format_args!("bomb {}", self.0));
        if !std::thread::panicking() {
            panic!("bomb {}", self.0);
        }
    }
}

bodies! {
    before_the_first_await -> () {
        let _local = note("local");
        if true { panic!("at once") }
        pause().await
    }
    after_an_await -> () {
        let _a = note("a");
        pause().await;
        let _b = note("b");
        panic!("{} {}", "with", 2)
    }
    in_a_callee -> () {
        let _local = note("local");
        let _: () = fail("in the callee").await;
        did("never");
    }
    in_a_callee_of_a_callee -> usize {
        #[rustfmt::co]
        async fn callee(n: &Note) -> usize {
            let _local = note("callee");
            look(n).await + fail::<usize>("deep").await
        }
        let n = note("n");
        callee(&n).await
    }
    in_an_argument -> () {
        fn take(_: Note, _: ()) {}
        take(give("argument").await, fail("argument").await)
    }
    in_a_closure -> u32 {
        let n = echo(0).await;
        let f = |m: u32| { if m > n { panic!("in a closure") } m };
        f(0) + f(1)
    }
    in_an_async_block -> u32 {
        let _local = note("local");
        async { let _inner = note("inner"); fail::<u32>("in a block").await }.await
    }
    in_a_loop -> () {
        for i in 0.. {
            let _step = give("step").await;
            if i == 2 { panic!("step {i}") }
        }
    }
    in_a_guard -> u32 {
        match give("scrutinee").await {
            ref n if n.len() > 100 => 1,
            _ if fail::<bool>("in a guard").await => 2,
            _ => 3,
        }
    }
    in_a_scrutinee -> u32 {
        let _local = note("local");
        match (give("scrutinee").await, fail::<u32>("in a scrutinee").await) { (_, n) => n }
    }
    in_an_index -> u32 { vec![1][fail::<usize>("in an index").await] }
    in_an_initialiser -> u32 {
        let _a = note("a");
        let (_b, _c): (Note, u32) = (give("b").await, fail("in an initialiser").await);
        1
    }
    of_arithmetic_without_awaits -> u32 {
        pause().await;
        let v: Vec<u32> = Vec::new();
        let n = v.len() as u32;
        5 / n
    }
    of_an_index_without_awaits -> u32 {
        pause().await;
        let v = [1, 2];
        let i = v.len();
        v[i]
    }
    of_unwrap_after_an_await -> u32 {
        let n: Option<u32> = None;
        pause().await;
        n.unwrap()
    }
    of_a_tracked_function -> u32 {
        #[track_caller]
        fn check(n: u32) -> u32 { if n > 1 { panic!("tracked {n}") } n }
        check(echo(1).await)
            + check(
                echo(2).await,
            )
    }
    of_a_ref_cell -> u32 {
        let cell = std::cell::RefCell::new(1);
        let _guard = cell.borrow_mut();
        pause().await;
        let n = *cell.borrow(); n
    }
    payload_that_is_no_text -> () {
        pause().await;
        std::panic::panic_any(5_u32)
    }
    resumed_payload -> () {
        pause().await;
        std::panic::resume_unwind(Box::new("resumed"))
    }
    caught_within -> String {
        let _local = note("local");
        let n = echo(1).await;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _inner = note("inner");
            if n == 1 { panic!("caught") }
        }));
        pause().await;
        caught.unwrap_err().downcast_ref::<&str>().unwrap().to_string()
    }
    caught_while_polling -> bool {
        let mut inner = Box::pin(async { let _inner = note("inner"); fail::<()>("polled").await });
        let failed = std::future::poll_fn(|cx| {
            match catch_unwind(AssertUnwindSafe(|| inner.as_mut().poll(cx))) {
                Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
                Ok(_) => std::task::Poll::Ready(false),
                Err(_) => std::task::Poll::Ready(true),
            }
        })
        .await;
        did("caught");
        pause().await;
        failed
    }
    in_a_destructor -> () {
        let _a = note("a");
        { let _bomb = Bomb("in a scope"); pause().await }
        did("never");
    }
    in_a_destructor_of_a_temporary -> usize {
        let _a = note("a");
        let n = (Bomb("temporary"), look(&note("n")).await).1;
        did("perhaps");
        n
    }
    in_a_destructor_at_the_end -> Note {
        let _a = note("a");
        let _bomb = Bomb("at the end");
        let _b = note("b");
        pause().await;
        give("returned").await
    }
    in_a_destructor_on_return -> u32 {
        let _a = note("a");
        let _bomb = Bomb("on return");
        if echo(true).await { return echo(5).await }
        6
    }
    in_a_destructor_of_an_assigned_value -> () {
        let mut a = Bomb("old");
        let _b = note("b");
        pause().await;
        a = Bomb("new");
        did("never");
    }
    in_a_destructor_on_a_question_mark -> Option<u32> {
        let _bomb = Bomb("on a question mark");
        let _a = note("a");
        let n = echo(None::<u32>).await?;
        Some(n)
    }
    in_a_destructor_on_a_break -> u32 {
        loop {
            let _a = note("a");
            let _bomb = Bomb("on a break");
            pause().await;
            break 5;
        }
    }
    a_second_panic_is_not_caused -> () {
        let _bomb = Bomb("outer");
        let _: () = fail("first").await;
    }
    in_a_future_that_is_awaited -> () {
        let _local = note("local");
        std::future::poll_fn(|_| -> std::task::Poll<()> { panic!("in poll") }).await
    }
    in_into_future -> () {
        struct Bad;
        impl IntoFuture for Bad {
            type Output = ();
            type IntoFuture = std::future::Ready<()>;
            fn into_future(self) -> Self::IntoFuture { panic!("in into_future") }
        }
        pause().await;
        Bad.await
    }
}

both! {
    in_the_destructor_of_an_argument: body(Bomb("argument"), note("other"));
    #[rustfmt::co]
    async fn body(_bomb: Bomb, other: Note) -> usize {
        pause().await;
        other.len()
    }
}

both! {
    in_the_destructor_of_an_unnamed_argument: body(note("a"), Bomb("argument"), note("other"));
    #[rustfmt::co]
    async fn body(_: Note, _: Bomb, _: Note) -> Note {
        pause().await;
        give("value").await
    }
}

both! {
    in_the_destructor_of_self: S(Bomb("self"), note("field")).run(note("other"));
    pub(super) struct S(Bomb, Note);
    impl S {
        #[rustfmt::co]
        async fn run(self, other: Note) -> usize {
            pause().await;
            other.len()
        }
    }
}

both! {
    polled_after_a_panic: async {
        let mut f = Box::pin(IntoFuture::into_future(body()));
        std::future::poll_fn(move |cx| {
            let mut polls = 0;
            while !panics(|| f.as_mut().poll(cx)) {
                polls += 1;
            }
            std::task::Poll::Ready((polls, panics(|| f.as_mut().poll(cx))))
        })
        .await
    };
    #[rustfmt::co]
    async fn body() -> u32 {
        pause().await;
        panic!("first")
    }
}

both! {
    polled_after_its_end: async {
        let mut f = Box::pin(IntoFuture::into_future(body()));
        std::future::poll_fn(move |cx| {
            while f.as_mut().poll(cx).is_pending() {}
            std::task::Poll::Ready(panics(|| f.as_mut().poll(cx)))
        })
        .await
    };
    #[rustfmt::co]
    async fn body() -> u32 {
        echo(5).await
    }
}
