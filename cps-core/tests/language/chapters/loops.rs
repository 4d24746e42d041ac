//! `loop`, `while`, `while let`, `for`, labels, and what `break` and `continue` leave behind.

both! {
    loop_with_a_value: body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        let mut i = 0;
        let found = loop {
            i += echo(1).await;
            if i == n {
                break i * 10;
            }
        };
        found + loop { break echo(1).await }
    }
}

both! {
    loop_without_a_value: body();
    #[rustfmt::co]
    async fn body() -> () {
        let mut i = 0;
        loop {
            i += 1;
            pause().await;
            if i > 2 { break }
        }
    }
}

both! {
    labelled_loops: body();
    #[rustfmt::co]
    async fn body() -> Vec<(u32, u32)> {
        let mut out = vec![];
        'outer: for i in 0..4 {
            'inner: for j in 0..4 {
                if j == echo(2).await {
                    continue 'outer;
                }
                if i == 1 {
                    continue 'inner;
                }
                if i == 3 {
                    break 'outer;
                }
                out.push((i, j));
            }
        }
        out
    }
}

both! {
    labelled_break_with_a_value: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        'a: loop {
            let _n = note("outer");
            loop {
                let _m = note("inner");
                if echo(true).await {
                    break 'a echo(5).await;
                }
            }
        }
    }
}

both! {
    label_shadows_label: body();
    #[rustfmt::co]
    #[allow(unused_labels)]
    async fn body() -> u32 {
        let mut n = 0;
        'x: loop {
            n += 1;
            if n > 3 {
                break 'x;
            }
            let mut m = 0;
            loop {
                m += echo(1).await;
                if m > n { continue 'x }
            }
        }
        n
    }
}

both! {
    labels_that_an_expansion_might_use: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        'body: {
            '__body: loop {
                if echo(true).await { break 'body 1 }
                break '__body;
            }
            2
        }
    }
}

both! {
    while_loop: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut n = 0;
        while echo(n).await < 3 {
            n += 1;
            if n == 2 {
                continue;
            }
            did(n);
        }
        n
    }
}

both! {
    while_with_a_block_as_condition: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut n = 0;
        while { n += 1; echo(n).await < 3 } {}
        'l: while { if n > 5 { break 'l } pause().await; true } { n += 1 }
        n
    }
}

both! {
    while_condition_drops_its_temporaries: body();
    #[rustfmt::co]
    async fn body() {
        let mut n = 0;
        while give("condition").await.len() > n * 4 {
            n += 1;
            let _body = give("body").await;
            did("in the body");
        }
    }
}

both! {
    while_let: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut stack = vec![1, 2, 3];
        let mut out = vec![];
        while let Some(n) = echo(stack.pop()).await {
            if n == 2 { continue }
            out.push(n);
        }
        while let 0 | 2..=4 = out.len() {
            out.push(echo(9).await);
        }
        out
    }
}

both! {
    while_let_keeps_its_temporaries: body();
    #[rustfmt::co]
    async fn body() {
        let mut n = 0;
        while let 5.. = give("scrutinee").await.len() {
            did("in the body");
            pause().await;
            n += 1;
            if n == 2 { break }
        }
    }
}

both! {
    for_loop: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut sum = 0;
        for i in echo(0).await..echo(4).await {
            if i == 2 { continue }
            sum += echo(i).await;
        }
        sum
    }
}

both! {
    for_with_patterns: body();
    #[rustfmt::co]
    async fn body() -> String {
        let mut s = String::new();
        for (i, &[a, ref b]) in [["x", "y"], ["z", "w"]].iter().enumerate() {
            s += echo(a).await;
            s += b;
            s += &i.to_string();
        }
        for _ in 0..2 {
            s += echo("_").await;
        }
        s
    }
}

both! {
    for_over_references: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut v = vec![1, 2];
        for n in &mut v {
            *n += echo(1).await;
        }
        for n in &v {
            did(echo(n).await);
        }
        v
    }
}

both! {
    for_keeps_the_iterator_and_its_temporaries: body();
    #[rustfmt::co]
    async fn body() {
        for note in [note("a"), note("b"), note("c")] {
            if look(&note).await == 1 && note.0 == "b" {
                break;
            }
        }
        did("after");
        for i in 0..give("temporary").await.len() {
            did(i);
            pause().await;
        }
    }
}

both! {
    for_is_left_by_return: body();
    #[rustfmt::co]
    async fn body() -> usize {
        for note in vec![note("a"), note("b"), note("c")] {
            let _local = give("local").await;
            if note.0 == "b" {
                return look(&note).await;
            }
        }
        0
    }
}

both! {
    labelled_blocks: body(0), body(1), body(2);
    #[rustfmt::co]
    async fn body(n: u32) -> &'static str {
        let first = 'a: {
            let _n = note("in a");
            if n == 0 {
                break 'a echo("zero").await;
            }
            let m = 'b: {
                if n == 1 { break 'a "one" }
                break 'b echo(n).await;
            };
            if m == 2 { break 'a "two" }
            "many"
        };
        pause().await;
        first
    }
}

both! {
    break_in_odd_places: body();
    #[rustfmt::co]
    #[allow(unreachable_code)]
    async fn body() -> u32 {
        let mut n = 0;
        loop {
            n += 1;
            let x: u32 = if n > 1 { break } else { echo(n).await };
            let _y = (x, if n == 7 { continue } else { 1 });
        }
        loop { echo(break).await }
        let z = loop { break loop { break echo(3).await } };
        loop { [1, { break }, 3]; }
        n + z
    }
}

both! {
    continue_in_odd_places: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut sum = 0_u32;
        for i in 0..8 {
            sum += match echo(i).await {
                0 => continue,
                1 => { if sum == 0 { continue } 1 }
                n if n > 5 => break,
                n => n,
            };
            let Some(m) = sum.checked_sub(4) else { continue };
            sum += if m % 2 == 0 { continue } else { echo(1).await };
        }
        sum
    }
}

both! {
    loops_in_expressions: body();
    #[rustfmt::co]
    async fn body() -> (u32, u32) {
        (
            loop { break echo(1).await } + 'x: { break 'x 2 },
            match loop { break Some(echo(3).await) } { Some(n) => n, None => 0 },
        )
    }
}

both! {
    borrows_across_iterations: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let v = vec![3, 1, 2];
        let mut best = &v[0];
        for n in &v {
            if echo(*n).await < *best {
                best = n;
            }
        }
        *best
    }
}

both! {
    values_made_in_one_iteration_and_used_in_the_next: body();
    #[rustfmt::co]
    async fn body() {
        let mut last = None;
        for name in ["a", "b", "c"] {
            last = Some(give(name).await);
            did(last.as_ref().unwrap().0);
        }
        drop(last);
    }
}

both! {
    ever_ending_loop: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        for i in 0.. {
            if echo(i).await * i > 10 {
                return i;
            }
        }
        unreachable!()
    }
}

both! {
    nested_three_deep: body();
    #[rustfmt::co]
    async fn body() -> Vec<u8> {
        let mut out = vec![];
        for a in 0..2 {
            let mut b = 0;
            while b < 2 {
                loop {
                    out.push(echo(a * 2 + b).await);
                    if out.len() % 2 == 0 { break }
                }
                b += 1;
            }
        }
        out
    }
}
