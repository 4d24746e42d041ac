//! `match`, `if`, `if let`, and all kinds of patterns.

both! {
    match_on_literals: body(1), body(-1), body(9);
    #[rustfmt::co]
    async fn body(n: i32) -> &'static str {
        match echo(n).await {
            -1 => "minus one",
            1 => echo("one").await,
            _ => "other",
        }
    }
}

both! {
    match_on_text_and_chars: body("b"), body("x");
    #[rustfmt::co]
    async fn body(s: &str) -> u32 {
        const B: &str = "b";
        let a = match echo(s).await { "a" => 1, B => 2, _ => 3 };
        a + match s.chars().next() { Some('a'..='f') => echo(10).await, Some(_) => 20, None => 30 }
    }
}

both! {
    or_patterns: body(Ok(1)), body(Err(2)), body(Ok(5)), body(Err(5));
    #[rustfmt::co]
    async fn body(r: Result<u32, u32>) -> u32 {
        match echo(r).await {
            Ok(n) | Err(n) if n < 2 => n,
            Ok(2 | 3) | Err(2 | 3) => echo(23).await,
            Ok(n @ (4 | 5)) => n + 100,
            Ok(n) | Err(n) => n,
        }
    }
}

both! {
    ranges: body(0), body(7), body(11), body(255);
    #[rustfmt::co]
    async fn body(n: u8) -> &'static str {
        const LIMIT: u8 = 10;
        match echo(n).await {
            ..=4 => "few",
            5..LIMIT => "some",
            LIMIT..=100 => "many",
            101.. => "lots",
        }
    }
}

both! {
    bindings: body(Some(5)), body(Some(50)), body(None);
    #[rustfmt::co]
    async fn body(n: Option<u32>) -> String {
        match echo(n).await {
            whole @ Some(part @ 1..=9) => format!("{whole:?} {part}"),
            whole @ Some(_) => format!("{whole:?}"),
            none => format!("{none:?}"),
        }
    }
}

both! {
    slices: body(&[]), body(&[1]), body(&[1, 2]), body(&[1, 2, 3, 4]);
    #[rustfmt::co]
    async fn body(v: &[u32]) -> String {
        match echo(v).await {
            [] => "empty".to_owned(),
            [one] => format!("{one}"),
            [first, rest @ ..] if rest.len() == 1 => format!("{first} {rest:?}"),
            [first, middle @ .., last] => format!("{first} {middle:?} {last}"),
        }
    }
}

both! {
    structs_and_tuples: body(1, true), body(2, false);
    #[rustfmt::co]
    async fn body(n: u32, b: bool) -> u32 {
        struct P { x: u32, y: (bool, Option<u32>) }
        match echo(P { x: n, y: (b, Some(n)) }).await {
            P { x: 1, y: (true, Some(z)) } => z,
            P { x, y: (.., None) } => x,
            P { x, y: (_, Some(ref z)) } => x + z,
        }
    }
}

both! {
    nested_enums_and_boxes: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        enum Tree { Leaf(u32), Node(Box<Tree>, Box<Tree>) }
        use Tree::*;
        let tree = Node(Box::new(Leaf(1)), Box::new(Node(Box::new(Leaf(2)), Box::new(Leaf(3)))));
        let mut todo = vec![&tree];
        let mut sum = 0;
        while let Some(tree) = todo.pop() {
            match tree {
                Leaf(n) => sum += echo(*n).await,
                Node(left, right) => todo.extend([&**left, &**right]),
            }
        }
        sum
    }
}

both! {
    references: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut pair = (1, vec![2]);
        match &mut pair {
            (a, b) => {
                *a += echo(1).await;
                b.push(*a);
            }
        }
        match &pair { &(a, ref b) => a + b[1] }
    }
}

both! {
    ref_and_ref_mut: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let mut x = Some(vec![1]);
        match x {
            Some(ref mut v) => { pause().await; v.push(2) }
            None => {}
        }
        match x {
            Some(ref v) if v.len() > echo(5).await => 0,
            Some(v) => v.len(),
            None => 9,
        }
    }
}

both! {
    guards_with_awaits: body(1), body(2), body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> &'static str {
        match echo(n).await {
            x if echo(x).await == 1 => "one",
            x if { did("second guard"); echo(x + 1).await == 3 } => "two",
            _ if echo(false).await => "never",
            _ => "other",
        }
    }
}

both! {
    guard_borrows_what_the_arm_moves: body();
    #[rustfmt::co]
    async fn body() -> usize {
        match Some(give("a").await) {
            Some(n) if look(&n).await > 3 => n.len(),
            Some(n) if n.len() == 1 => { drop(n); echo(7).await }
            _ => 0,
        }
    }
}

both! {
    guard_temporaries: body();
    #[rustfmt::co]
    async fn body() {
        match give("scrutinee").await.len() {
            n if give("guard").await.len() == n => did("no"),
            n if note("other guard").len() > n => { did("yes"); pause().await }
            _ => did("no"),
        }
    }
}

both! {
    scrutinee_temporaries_live_through_the_arms: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let n = match look(&give("scrutinee").await).await {
            n => { let _arm = give("arm").await; n }
        };
        did("after");
        n
    }
}

both! {
    match_moves_or_borrows: body(true), body(false);
    #[rustfmt::co]
    async fn body(take: bool) {
        let value = Some(note("value"));
        match value {
            Some(n) if take => { pause().await; drop(n); did("taken") }
            Some(_) => did("left"),
            None => {}
        }
        pause().await;
    }
}

both! {
    match_on_a_place_does_not_move: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let pair = (note("a"), note("b"));
        match pair {
            (_, ref b) => did(b.len()),
        }
        let (_, b) = pair;
        pause().await;
        drop(b);
        look(&pair.0).await
    }
}

both! {
    arms_of_all_forms: body(0), body(1), body(2), body(3), body(4);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        match echo(n).await {
            | 0 => pause().await,
            1 => { pause().await }
            2 => return 20,
            3 => { return echo(30).await }
            _ => (),
        };
        1 + match n { 0 => 1, _ => 2 }
    }
}

both! {
    empty_match: body(Ok(3));
    #[rustfmt::co]
    async fn body(r: Result<u32, std::convert::Infallible>) -> u32 {
        match echo(r).await {
            Ok(n) => n,
            Err(never) => match never {},
        }
    }
}

both! {
    match_on_a_match: body(Some(1)), body(None);
    #[rustfmt::co]
    async fn body(n: Option<u32>) -> u32 {
        match match echo(n).await { Some(n) => Ok(n), None => Err(()) } {
            Ok(n) => match n { 1 => echo(10).await, _ => 20 },
            Err(()) => 30,
        }
    }
}

both! {
    consts_and_paths: body(None), body(Some(i32::MAX));
    #[rustfmt::co]
    async fn body(n: Option<i32>) -> u32 {
        const NOTHING: Option<i32> = None;
        match echo(n).await {
            NOTHING => 0,
            Some(i32::MAX) => 1,
            Option::Some(self::ZERO) => 2,
            Some(_) => 3,
        }
    }
    const ZERO: i32 = 0;
}

both! {
    if_else: body(1), body(2), body(3);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        if echo(n).await == 1 {
            echo(10).await
        } else if { pause().await; n == 2 } {
            20
        } else {
            30
        }
    }
}

both! {
    if_without_else: body(true), body(false);
    #[rustfmt::co]
    async fn body(b: bool) {
        if b { pause().await }
        if !b && echo(true).await { did("not") }
    }
}

both! {
    if_condition_drops_its_temporaries: body();
    #[rustfmt::co]
    async fn body() {
        if give("condition").await.len() > 3 {
            did("then");
            pause().await;
        }
        if look(&note("other")).await == 0 {} else { did("else") }
    }
}

both! {
    if_let_temporaries_in_both_branches: body(true), body(false);
    #[rustfmt::co]
    async fn body(b: bool) -> usize {
        // Editions differ: in 2024 the temporary does not live in the `else`.
        let n = if let Some(n) = give("scrutinee").await.len().checked_sub(if b { 1 } else { 50 }) {
            did("then");
            pause().await;
            n
        } else {
            did("else");
            pause().await;
            0
        };
        did("after");
        n
    }
}

both! {
    if_let_else_if_let: body(Some(1), None), body(None, Some(2)), body(None, None);
    #[rustfmt::co]
    async fn body(a: Option<u32>, b: Option<u32>) -> u32 {
        if let Some(n) = echo(a).await {
            n
        } else if let Some(n) = echo(b).await {
            n * 10
        } else {
            echo(99).await
        }
    }
}

both! {
    if_let_of_several_patterns: body(3), body(4);
    #[rustfmt::co]
    async fn body(n: u32) -> &'static str {
        if let 1 | 3 | 5 = echo(n).await { "odd" } else { "other" }
    }
}

both! {
    if_as_a_value_in_odd_places: body(true), body(false);
    #[rustfmt::co]
    async fn body(b: bool) -> u32 {
        let v = [if b { echo(1).await } else { 2 }, if let true = b { 3 } else { echo(4).await }];
        v[if b { 0 } else { 1 }] + u32::from(if b { !b } else { echo(true).await })
    }
}

both! {
    matches_macro: body(Some(5)), body(Some(1)), body(None);
    #[rustfmt::co]
    async fn body(n: Option<u32>) -> (bool, bool) {
        let n = echo(n).await;
        (matches!(n, Some(x) if x > 3), matches!(echo(n).await, None | Some(1)))
    }
}

both! {
    binding_modes_by_default: body();
    #[rustfmt::co]
    async fn body() -> String {
        let value = Some((String::from("a"), [1, 2]));
        let Some((s, [a, _])) = &value else { unreachable!() };
        pause().await;
        if let Some((t, _)) = &value { format!("{s}{t}{a}") } else { String::new() }
    }
}

both! {
    guard_is_reached_several_times: body(1, 3), body(2, 4), body(3, 4);
    fn even(n: u32) -> bool {
        did("even");
        n % 2 == 0
    }
    #[rustfmt::co]
    async fn body(kind: u32, n: u32) -> u32 {
        pause().await;
        match kind {
            1 | 2 if even(n) => 1,
            _ => 2,
        }
    }
}
