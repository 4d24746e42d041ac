//! Temporaries and scopes: when what is dropped, also if the future is dropped at a suspension.

bodies! {
    statement_temporaries -> usize {
        let n = look(&give("a").await).await + look(&note("b")).await;
        did("next statement");
        n
    }
    extended_by_let -> usize {
        let a = &give("extended").await;
        let (b, ref c) = (&note("in a tuple"), note("by ref"));
        let d = &[note("in an array")][..];
        let Some(e) = &Some(note("in some")) else { unreachable!() };
        did("after");
        pause().await;
        a.len() + b.len() + c.len() + d.len() + e.len()
    }
    extended_through_blocks_and_casts -> usize {
        let a = &{ note("in a block") };
        let b: &dyn std::fmt::Debug = &note("cast") as &dyn std::fmt::Debug;
        let c = (&note("in parentheses"));
        struct S<'a> { n: &'a Note }
        let d = S { n: &note("in a struct") };
        pause().await;
        a.len() + c.len() + d.n.len()
    }
    not_extended -> usize {
        let a = look(&note("argument")).await;
        let b = (&note("field")).0.len();
        let c = { let _x = &note("inner"); 1 };
        did("after");
        pause().await;
        a + b + c
    }
    tail_temporaries -> usize {
        let _local = note("local");
        give("tail").await.len()
    }
    tail_temporaries_of_a_block -> usize {
        let n = { let _local = note("local"); give("tail").await.len() };
        did("after");
        n
    }
    tail_of_a_match_and_an_if -> usize {
        let _local = note("local");
        if note("condition").len() > 1 {
            match give("scrutinee").await.len() {
                n => { let _arm = note("arm"); look(&note("tail")).await + n }
            }
        } else { 0 }
    }
    tail_with_a_reference_to_a_local -> usize {
        let local = note("local");
        let f = |n: &Note| n.len();
        let x = f(&local) + look(&local).await; x
    }
    condition_temporaries -> u32 {
        if give("if").await.len() == 2 { pause().await; did("then") }
        while look(&note("while")).await == 4 { did("no") }
        if !(give("not").await.len() == 3) { 1 } else { pause().await; 2 }
    }
    lazy_boolean_temporaries -> bool {
        let a = give("left").await.len() > 3 && give("right").await.len() > 3;
        did("after");
        a || give("tail").await.len() == 1
    }
    match_guard_temporaries -> u32 {
        match give("scrutinee").await.0 {
            "x" => 0,
            s if give("first").await.len() == s.len() => 1,
            s if look(&note("second")).await < s.len() => { pause().await; 2 }
            _ => 3,
        }
    }
    loop_body_temporaries -> () {
        for i in 0..2 {
            let _local = give("local").await;
            did(note("statement").len() + i);
            pause().await;
        }
    }
    assignments -> () {
        let mut a = note("a");
        let b = note("b");
        a = b;
        pause().await;
        let mut pair = (note("left"), note("right"));
        pair.0 = give("new left").await;
        let moved = pair.1;
        pair.1 = give("new right").await;
        pause().await;
    }
    block_scopes -> () {
        let _a = note("a");
        {
            let _b = note("b");
            pause().await;
            let _c = note("c");
        }
        did("between");
        'l: { let _d = note("d"); if echo(true).await { break 'l } did("never") }
        let _e = note("e");
        pause().await;
    }
    reversed_declaration_order -> () {
        let (_a, _b) = (note("a"), note("b"));
        let _c = note("c");
        let [_d, _e] = [note("d"), note("e")];
        pause().await;
    }
    values_left_in_a_vec -> usize {
        let mut v = vec![give("a").await, note("b"), note("c")];
        let removed = v.remove(0);
        pause().await;
        v.push(removed);
        pause().await;
        v.len()
    }
    moved_into_an_unpolled_coroutine -> () {
        let a = note("a");
        let f = echo(a);
        did("made");
        pause().await;
        drop(f);
        did("dropped");
    }
    a_coroutine_kept_to_the_end -> () {
        let _f = echo(note("kept"));
        let _local = note("local");
        pause().await;
    }
    cancelled_in_a_callee -> usize {
        #[rustfmt::co]
        async fn callee(n: Note) -> usize {
            let _local = note("callee's local");
            look(&n).await + deeper(&n).await
        }
        #[rustfmt::co]
        async fn deeper(n: &Note) -> usize {
            let _local = note("deeper");
            pause().await;
            n.len()
        }
        let _local = note("caller's local");
        callee(give("argument").await).await + note("operand").len()
    }
    argument_temporaries_during_a_call -> usize {
        look(&give("borrowed").await).await + {
            let n = look(&note("one")).await;
            n + look(&note("two")).await
        }
    }
    method_receiver_temporaries -> usize {
        struct W(Note);
        impl W {
            #[rustfmt::co]
            async fn len(&self) -> usize { pause().await; self.0.len() }
            #[rustfmt::co]
            async fn into_len(self) -> usize { pause().await; self.0.len() }
        }
        let n = W(note("a")).len().await;
        did("after");
        n + W(give("b").await).into_len().await + W(note("c")).len().await
    }
    struct_being_built -> usize {
        struct S { a: Note, b: Note }
        let s = S { a: give("a").await, b: give("b").await };
        s.a.len() + s.b.len()
    }
    operands_kept_across -> usize {
        note("left").take() + look(&note("right")).await
    }
    tuple_of_temporaries -> (usize, usize) {
        (look(&note("a")).await, give("b").await.len())
    }
    temporaries_in_macros -> String {
        let s = format!("{} {}", look(&note("a")).await, give("b").await.len());
        did("after");
        assert!(look(&note("c")).await == 1);
        assert_eq!(give("d").await.len(), 1);
        did("after");
        s
    }
    temporaries_of_a_let_else -> usize {
        let 1 = look(&note("a")).await else { return 0 };
        did("after");
        let 0 = look(&note("b")).await else {
            did("else");
            pause().await;
            return give("tail").await.len();
        };
        9
    }
    temporaries_of_an_if_let -> usize {
        if let 1 = look(&note("a")).await { did("then"); pause().await } else { did("else") }
        if let 0 = give("b").await.len() { 0 } else { did("else"); pause().await; 1 }
    }
    temporaries_of_a_while_let -> usize {
        let mut n = 0;
        while let 1 = give("x").await.len() { n += 1; if n == 2 { break } pause().await }
        n
    }
    temporaries_of_a_return -> usize {
        let _local = note("local");
        return give("returned").await.len();
    }
    temporaries_of_a_question_mark -> Option<usize> {
        let _local = note("local");
        let n = give("a").await.len().checked_sub(0)?;
        did("after");
        Some(n + give("b").await.len().checked_sub(5)?)
    }
    temporaries_of_a_break -> usize {
        loop {
            let _local = note("local");
            break give("broken").await.len();
        }
    }
    shadowed_in_loops -> () {
        let x = note("outer");
        for _ in 0..2 {
            let x = (give("inner").await, x.len());
            pause().await;
        }
        did("after");
    }
    conditionally_initialised -> () {
        let a;
        let b = note("b");
        if echo(true).await { a = give("a").await; did(a.len()) }
        pause().await;
    }
    conditionally_moved_in_a_loop -> () {
        let mut slot = Some(note("slot"));
        for i in 0..3 {
            if i == 1 { drop(slot.take()) }
            pause().await;
        }
    }
    box_partially_moved -> usize {
        let b = Box::new((note("a"), note("b")));
        let a = b.0;
        pause().await;
        drop(a);
        pause().await;
        b.1.len()
    }
    guards -> u32 {
        let cell = std::cell::RefCell::new(1);
        *cell.borrow_mut() += 1;
        let n = *cell.borrow() + echo(1).await;
        let m = { let guard = cell.borrow(); pause().await; *guard };
        *cell.borrow_mut() += n + m;
        cell.into_inner()
    }
    const_promoted -> usize {
        let s: &'static [u32] = &[1, 2];
        let n: &'static Option<u8> = &None;
        pause().await;
        s.len() + n.iter().count()
    }
    cancelled_unpolled_async_block -> () {
        let n = note("captured");
        let block = async move { let _m = note("inner"); look(&n).await };
        pause().await;
        let _other = note("other");
        block.await;
    }
    select_by_hand -> u32 {
        // The first to be ready wins; the other is dropped where it stands.
        let mut a = Box::pin(async { let _a = note("a"); echo(echo(1).await).await });
        let mut b = Box::pin(async { let _b = note("b"); pause().await; 2 });
        let n = std::future::poll_fn(|cx| {
            use std::future::Future;
            match b.as_mut().poll(cx) {
                std::task::Poll::Pending => a.as_mut().poll(cx),
                ready => ready,
            }
        })
        .await;
        did("selected");
        n
    }
}
