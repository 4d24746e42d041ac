//! Closures, `async` blocks and closures, `const` and `unsafe` blocks: bodies of their own.

pub(crate) use std::future::Future;

both! {
    closure_by_reference: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let s = echo(String::from("abc")).await;
        let len = || s.len();
        pause().await;
        len() + s.len()
    }
}

both! {
    closure_by_unique_reference: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut v = vec![];
        let mut push = |n| v.push(n);
        push(echo(1).await);
        push(echo(2).await);
        v.push(3);
        v
    }
}

both! {
    closure_by_move: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let n = note("moved");
        let f = move || n.len();
        pause().await;
        let len = f();
        did("called");
        len
    }
}

both! {
    closure_called_once: body();
    #[rustfmt::co]
    async fn body() {
        let n = note("consumed");
        let f = || drop(n);
        pause().await;
        f();
        pause().await;
    }
}

both! {
    closure_captures_fields: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let mut pair = (note("left"), vec![1]);
        let mut f = || pair.1.push(2);
        did(pair.0.len());
        f();
        let g = || { let taken = pair.0; taken.len() };
        pause().await;
        g() + pair.1.len()
    }
}

both! {
    closure_with_returns: body(0), body(5);
    #[rustfmt::co]
    async fn body(n: u32) -> Result<u32, String> {
        let check = |n: u32| -> Result<u32, u32> {
            if n == 0 {
                return Err(0);
            }
            let m = n.checked_sub(2).ok_or(1_u32)?;
            for i in 0.. {
                if i == m {
                    return Ok(i);
                }
            }
            unreachable!()
        };
        pause().await;
        check(n).map_err(|e| e.to_string())
    }
}

both! {
    nested_closures: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let a = echo(1).await;
        let add = |b: u32| move |c: u32| a + b + c;
        let f = add(echo(2).await);
        f(3) + add(4)(echo(5).await)
    }
}

both! {
    closure_with_patterns: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let f = |(a, [b, ..]): (u32, [u32; 2]), &c: &u32, _: ()| a + b + c;
        f((1, [2, 3]), &echo(4).await, pause().await)
    }
}

both! {
    boxed_closures: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let n = echo(1).await;
        let mut fs: Vec<Box<dyn Fn(u32) -> u32>> = vec![Box::new(|x| x)];
        fs.push(Box::new(move |x| x + n));
        let mut sum = 0;
        for f in &fs {
            sum += f(echo(10).await);
        }
        sum
    }
}

both! {
    closure_as_an_argument: body();
    #[rustfmt::co]
    async fn body() -> (Vec<u32>, Option<usize>) {
        let limit = echo(2).await;
        let v: Vec<u32> = [1, 2, 3].into_iter().filter(|n| *n >= limit).map(|n| n * limit).collect();
        let found = v.iter().position(|&n| n == 6);
        (v, echo(found).await)
    }
}

both! {
    closure_that_returns_a_coroutine: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let f = |n: u32| echo(n + 1);
        f(1).await + f(2).await
    }
}

both! {
    immediately_called_closure: body();
    #[rustfmt::co]
    async fn body() -> Option<u32> {
        let r = (|| -> Option<u32> { Some(None::<u32>? + 1) })();
        pause().await;
        r.or((|| Some(3))())
    }
}

both! {
    function_items_and_pointers: body();
    #[rustfmt::co]
    async fn body() -> Vec<String> {
        let f: fn(&u32) -> String = ToString::to_string;
        [echo(1).await, 2].iter().map(f).chain(["a"].into_iter().map(str::to_owned)).collect()
    }
}

both! {
    async_block: body(0), body(7);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        let block = async {
            if n == 0 {
                return 100;
            }
            echo(n).await + 1
        };
        did("made");
        block.await + echo(1).await
    }
}

both! {
    async_block_with_question_mark: body("1"), body("x");
    #[rustfmt::co]
    async fn body(s: &str) -> String {
        let result = async { Ok::<u32, std::num::ParseIntError>(echo(s).await.parse::<u32>()? + 1) };
        match result.await {
            Ok(n) => format!("{n}"),
            Err(error) => format!("{error}"),
        }
    }
}

both! {
    async_move_block: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let n = note("moved");
        let m = note("never polled");
        let block = async move { look(&n).await };
        let never = async move { look(&m).await };
        pause().await;
        let len = block.await;
        did("done");
        len
    }
}

both! {
    async_block_borrows: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut v = vec![1];
        async { v.push(echo(2).await) }.await;
        let shared = async { v.len() as u32 };
        let n = shared.await + v[0];
        v.push(n);
        v
    }
}

both! {
    async_blocks_in_loops: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut sum = 0;
        for i in 0..4 {
            let step = async {
                for j in 0.. {
                    if echo(j).await == i {
                        break;
                    }
                    if j == 2 {
                        return 50;
                    }
                }
                i
            };
            sum += step.await;
        }
        sum
    }
}

both! {
    async_closure: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let base = echo(10).await;
        let add = async |n: u32| {
            if n == 0 {
                return 0;
            }
            echo(n).await + base
        };
        add(0).await + add(1).await
    }
}

both! {
    async_closure_that_mutates: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut v = vec![];
        let mut push = async |n| {
            pause().await;
            v.push(n);
        };
        push(1).await;
        push(2).await;
        v
    }
}

both! {
    async_move_closure: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let n = note("captured");
        let f = async move || look(&n).await;
        let len = f().await + f().await;
        did("end");
        len
    }
}

both! {
    async_closure_as_an_argument: body();
    async fn twice(mut f: impl AsyncFnMut(u32) -> u32) -> u32 {
        f(1).await + f(2).await
    }
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut calls = 0;
        let sum = twice(async |n| { calls += 1; echo(n).await }).await;
        sum * 10 + calls
    }
}

both! {
    closure_of_an_async_block: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let f = |n: u32| async move { echo(n).await + 1 };
        f(1).await + f(echo(2).await).await
    }
}

both! {
    const_block: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let n = const { let mut i = 0; while i < 5 { i += 1 } i };
        echo(n).await + const { u32::MAX - (u32::MAX - 1) }
    }
}

both! {
    unsafe_block: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        unsafe fn read(p: *const u32) -> u32 {
            unsafe { *p }
        }
        let x = echo(1).await;
        let y = unsafe { read(&x) };
        let z = unsafe { let _ = &x; echo(read(&y)).await };
        y + z
    }
}

both! {
    hand_written_future: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut left = 2;
        std::future::poll_fn(|cx| {
            if left == 0 {
                return std::task::Poll::Ready(());
            }
            left -= 1;
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        left + echo(1).await
    }
}

both! {
    joined_by_hand: body();
    async fn both_of<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
        let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
        let (mut x, mut y) = (None, None);
        std::future::poll_fn(move |cx| {
            if x.is_none() {
                if let std::task::Poll::Ready(v) = a.as_mut().poll(cx) { x = Some(v) }
            }
            if y.is_none() {
                if let std::task::Poll::Ready(v) = b.as_mut().poll(cx) { y = Some(v) }
            }
            if x.is_some() && y.is_some() {
                return std::task::Poll::Ready((x.take().unwrap(), y.take().unwrap()));
            }
            std::task::Poll::Pending
        })
        .await
    }
    #[rustfmt::co]
    async fn body() -> (usize, u32) {
        let n = note("shared");
        both_of(async { look(&n).await }, async { echo(echo(1).await).await + 1 }).await
    }
}
