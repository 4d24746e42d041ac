//! Patterns in parameters, receivers, and when arguments are dropped.

both! {
    simple: body(1, note("a"));
    #[rustfmt::co]
    async fn body(n: u32, a: Note) -> u32 {
        pause().await;
        n + a.len() as u32
    }
}

both! {
    mutable: body(1, vec![1]);
    #[rustfmt::co]
    async fn body(mut n: u32, mut v: Vec<u32>) -> Vec<u32> {
        n += echo(1).await;
        v.push(n);
        v
    }
}

both! {
    by_reference: body(vec![1, 2]);
    #[rustfmt::co]
    async fn body(ref v: Vec<u32>) -> usize {
        pause().await;
        let w: &Vec<u32> = v;
        w.len()
    }
}

both! {
    tuples: body((1, (2, 3)), ((), [4]));
    #[rustfmt::co]
    async fn body((a, (b, _)): (u32, (u32, u32)), ((), [c]): ((), [u32; 1])) -> u32 {
        pause().await;
        a + b + c
    }
}

both! {
    structs: body(P { x: 1, y: note("y") }, T(2, 3));
    pub(super) struct P { x: u32, y: Note }
    pub(super) struct T(u32, u32);
    #[rustfmt::co]
    async fn body(P { x, y: renamed }: P, T(first, ..): T) -> u32 {
        pause().await;
        x + first + renamed.len() as u32
    }
}

both! {
    slices: body([1, 2, 3, 4], &[5, 6]);
    #[rustfmt::co]
    async fn body([first, .., last]: [u32; 4], &[a, ref b]: &[u32; 2]) -> u32 {
        pause().await;
        first + last + a + *b
    }
}

both! {
    slices_with_rest: body([1, 2, 3]);
    #[rustfmt::co]
    async fn body([head, tail @ ..]: [u32; 3]) -> (u32, [u32; 2]) {
        pause().await;
        (head, tail)
    }
}

both! {
    references: body(&1, &mut 2, &&3);
    #[rustfmt::co]
    async fn body(&a: &u32, &mut b: &mut u32, &&c: &&u32) -> u32 {
        pause().await;
        a + b + c
    }
}

both! {
    wildcards: body(note("first"), note("second"), note("named"));
    #[rustfmt::co]
    async fn body(_: Note, _: Note, _named: Note) {
        let _local = note("local");
        pause().await;
        did("end");
    }
}

both! {
    at_bindings: body((1, 2), 3);
    #[rustfmt::co]
    async fn body(whole @ (a, _): (u32, u32), n @ _: u32) -> u32 {
        pause().await;
        whole.1 + a + n
    }
}

both! {
    irrefutable_or_pattern: body(Ok(1)), body(Err(2));
    #[rustfmt::co]
    async fn body((Ok(n) | Err(n)): Result<u32, u32>) -> u32 {
        echo(n).await
    }
}

both! {
    unit_and_never_used: body((), 1);
    #[rustfmt::co]
    async fn body((): (), _: u32) -> u32 {
        echo(1).await
    }
}

both! {
    duplicate_looking_names: body(1, 2);
    #[rustfmt::co]
    async fn body(a: u32, _a: u32) -> u32 {
        let a = a + _a;
        echo(a).await
    }
}

both! {
    default_binding_modes: body(&(1, vec![2]), &mut (3, 4));
    #[rustfmt::co]
    async fn body((a, v): &(u32, Vec<u32>), (b, c): &mut (u32, u32)) -> u32 {
        *b += echo(*a).await;
        *c += v[0];
        *b + *c
    }
}

both! {
    arguments_are_dropped_in_reverse: body(note("a"), (note("b"), note("c")), note("d"));
    #[rustfmt::co]
    async fn body(a: Note, (b, _): (Note, Note), _d: Note) {
        let _local = note("local");
        pause().await;
    }
}

both! {
    argument_is_moved_out: body(note("a"), note("b"));
    #[rustfmt::co]
    async fn body(a: Note, b: Note) {
        drop(echo(a).await);
        did("middle");
        pause().await;
    }
}

both! {
    argument_is_never_used: body(note("a"), note("b"));
    #[rustfmt::co]
    async fn body(a: Note, b: Note) {}
}

both! {
    parts_of_an_argument_are_moved_out: body((note("a"), note("b")), P { x: note("x"), y: note("y") });
    pub(super) struct P { x: Note, y: Note }
    #[rustfmt::co]
    async fn body(pair: (Note, Note), p: P) {
        drop(pair.1);
        pause().await;
        let P { x, .. } = p;
        pause().await;
        did(x.len());
    }
}

both! {
    pattern_binds_part_and_drops_the_rest_last: body((note("a"), note("b")), note("after"));
    #[rustfmt::co]
    async fn body((a, _): (Note, Note), after: Note) {
        drop(a);
        drop(after);
        pause().await;
        did("end");
    }
}

both! {
    arguments_of_an_unpolled_future: async {
        let f = body(note("a"), (note("b"), note("c")), note("d"));
        did("made");
        drop(f);
    };
    #[rustfmt::co]
    async fn body(a: Note, (_, c): (Note, Note), _: Note) {
        pause().await;
    }
}

both! {
    captured_by_a_closure: body(note("a"), vec![1]);
    #[rustfmt::co]
    async fn body(a: Note, mut v: Vec<u32>) -> usize {
        let mut push = |n| v.push(n);
        push(echo(1).await);
        let f = move || a.len();
        pause().await;
        f() + v.len()
    }
}

both! {
    shadowed_argument: body(note("argument"));
    #[rustfmt::co]
    async fn body(n: Note) {
        let n = (note("shadow"), n.len());
        pause().await;
        did(n.1);
    }
}

both! {
    assigned_argument: body(note("old"));
    #[rustfmt::co]
    async fn body(mut n: Note) -> usize {
        n = give("new").await;
        pause().await;
        n.len()
    }
}

both! {
    in_a_match_guard: body(Some(3), 2), body(None, 2);
    #[rustfmt::co]
    async fn body(a: Option<u32>, b: u32) -> u32 {
        match a {
            Some(n) if n > b => echo(n).await,
            Some(_) => 0,
            None => b,
        }
    }
}

both! {
    many: body(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
    #[rustfmt::co]
    async fn body(
        a: u8, b: u16, c: u32, d: u64, e: i8, f: i16, g: i32, h: i64, i: u8, j: u8, k: u8, l: u8,
        m: u8, n: u8,
    ) -> i64 {
        pause().await;
        a as i64 + b as i64 + c as i64 + d as i64 + e as i64 + f as i64 + g as i64 + h
            + (i + j + k + l + m + n) as i64
    }
}

macro_rules! methods {
    ($($name:ident: $call:expr; { $($method:tt)* })*) => { $(
        both! {
            $name: $call;
            use std::{pin::Pin, rc::Rc, sync::Arc};
            #[derive(Debug, Clone, PartialEq, Default)]
            pub(super) struct Counter {
                n: u32,
            }
            impl Counter {
                #[rustfmt::co]
                $($method)*
            }
        }
    )* };
}

methods! {
    self_by_value: Counter { n: 1 }.get(); {
        async fn get(self) -> u32 { echo(self.n).await + self.n }
    }
    self_by_mutable_value: Counter { n: 1 }.bump(); {
        async fn bump(mut self) -> Self { self.n += echo(1).await; self }
    }
    self_by_reference: async { Counter { n: 1 }.get().await }; {
        async fn get(&self) -> u32 { echo(self.n).await + self.n }
    }
    self_by_mutable_reference: async { let mut c = Counter { n: 1 }; c.bump().await; c }; {
        async fn bump(&mut self) -> &mut u32 { self.n += echo(1).await; &mut self.n }
    }
    self_of_a_lifetime: async { let c = Counter { n: 1 }; *c.get(&3).await }; {
        async fn get<'a>(&'a self, _: &u32) -> &'a u32 { pause().await; &self.n }
    }
    self_typed: Counter { n: 1 }.get(); {
        async fn get(self: Self) -> u32 { echo(self.n).await }
    }
    self_typed_reference: async { Counter { n: 1 }.get().await }; {
        async fn get(self: &Self) -> u32 { echo(self.n).await }
    }
    self_boxed: Box::new(Counter { n: 1 }).get(); {
        async fn get(self: Box<Self>) -> u32 { let Self { n } = *self; echo(n).await }
    }
    self_boxed_mutably: Box::new(Counter { n: 1 }).bump(); {
        async fn bump(mut self: Box<Self>) -> Counter { self.n += echo(1).await; *self }
    }
    self_rc: Rc::new(Counter { n: 1 }).get(); {
        async fn get(self: Rc<Self>) -> u32 { echo(self.n).await + Rc::strong_count(&self) as u32 }
    }
    self_arc_reference: async { Arc::new(Counter { n: 1 }).get().await }; {
        async fn get(self: &Arc<Self>) -> u32 { let me = Arc::clone(self); echo(me.n).await }
    }
    self_pinned: async { Pin::new(&mut Counter { n: 1 }).bump().await }; {
        async fn bump(mut self: Pin<&mut Self>) -> u32 { self.n += echo(1).await; self.n }
    }
    self_pinned_and_reborrowed: async { Pin::new(&mut Counter { n: 1 }).bump().await }; {
        async fn bump(self: Pin<&mut Self>) -> u32 { let me = self.get_mut(); me.n += echo(1).await; me.n }
    }
    self_in_closures: async { let mut c = Counter { n: 1 }; c.bump().await; c }; {
        async fn bump(&mut self) -> u32 {
            let mut f = |by| { self.n += by; self.n };
            f(echo(1).await) + f(2)
        }
    }
    self_in_async_blocks: async { let mut c = Counter { n: 1 }; c.bump().await; c }; {
        async fn bump(&mut self) { async { self.n += echo(1).await }.await; self.n += 1 }
    }
    self_in_std_macros: async { Counter { n: 1 }.show().await }; {
        async fn show(&self) -> String {
            pause().await;
            assert!(self.n == 1, "{}", self.n);
            format!("{} {self:?} {:?}", self.n, vec![self.n; 2])
        }
    }
    self_captured_in_a_format_string: Counter { n: 1 }.show(); {
        async fn show(self) -> String { pause().await; format!("{self:?}") }
    }
    self_in_patterns_and_literals: Counter { n: 1 }.copy(); {
        async fn copy(self) -> Self {
            let Self { n } = self;
            let other = Self { n: echo(n).await, ..Default::default() };
            match other { Self { n: 1 } => Self::default(), other => other }
        }
    }
    self_calls_self: async { Counter { n: 3 }.count().await }; {
        async fn count(&self) -> u32 {
            if self.n == 0 {
                return 0;
            }
            pause().await;
            Box::pin(async move { Counter { n: self.n - 1 }.count().await }).await + 1
        }
    }
    self_shadowed_by_nothing: Counter { n: 1 }.get(); {
        async fn get(self) -> u32 { let this = &self; let __self = 5; echo(this.n + __self).await }
    }
    associated: Counter::make(5); {
        async fn make(n: u32) -> Self { Self { n: echo(n).await } }
    }
    generic_method: async { Counter { n: 1 }.with::<u8, _>(3, |n| n + 1).await }; {
        async fn with<T: Into<u32>, F: FnOnce(u32) -> u32>(&self, t: T, f: F) -> u32 {
            f(echo(t).await.into()) + self.n
        }
    }
}

both! {
    self_is_dropped_after_the_other_arguments: Owner(note("self")).run(note("argument"));
    pub(super) struct Owner(Note);
    impl Owner {
        #[rustfmt::co]
        async fn run(self, a: Note) {
            let _local = note("local");
            pause().await;
        }
    }
}

both! {
    by_mutable_reference: body(vec![1, 2], (1, 2));
    #[rustfmt::co]
    async fn body(ref mut v: Vec<u32>, (ref mut a, _): (u32, u32)) -> usize {
        v.push(echo(3).await);
        *a += 1;
        pause().await;
        v.len() + *a as usize
    }
}
