//! What is coerced, borrowed again or inferred, before and after an `.await`.

pub(crate) use std::fmt::{Debug, Display};

fn length(s: &str) -> usize {
    s.len()
}

fn show(x: &dyn Debug) -> String {
    format!("{x:?}")
}

macro_rules! after_a_pause {
    ($($name:ident: $call:expr; ($($params:tt)*) -> $ty:ty { $($body:tt)* })*) => { $(
        both! {
            $name: $call;
            #[rustfmt::co]
            async fn body($($params)*) -> $ty { pause().await; $($body)* }
        }
    )* };
}

after_a_pause! {
    box_to_reference: async { body(&Box::new(5)).await }; (n: &Box<u32>) -> u32 {
        fn get(n: &u32) -> u32 { *n }
        get(n)
    }
    vec_to_slice: async { body(&mut vec![2, 1]).await }; (v: &mut Vec<u32>) -> u32 {
        fn sort(s: &mut [u32]) { s.sort() }
        sort(v);
        v[0]
    }
    mutable_to_shared: body(&mut 5); (n: &mut u32) -> u32 {
        fn get(n: &u32) -> u32 { *n }
        get(n)
    }
    box_to_boxed_trait_object: async { body(Box::new(5)).await.to_string() }; (n: Box<u32>) -> Box<dyn Display> { n }
    box_in_an_argument: body(Box::new(5)); (n: Box<u32>) -> String {
        fn take(n: Box<dyn Debug>) -> String { format!("{n:?}") }
        take(n)
    }
    rc_to_rc_of_a_trait_object: body(std::rc::Rc::new(5)); (n: std::rc::Rc<u32>) -> String {
        let d: std::rc::Rc<dyn Debug> = n;
        format!("{d:?}")
    }
    struct_field: body(&"abc".to_owned()); (s: &String) -> usize {
        struct S<'a> { s: &'a str }
        S { s }.s.len()
    }
    method_argument: body(&"bc".to_owned()); (s: &String) -> bool { "abcd".contains(s.as_str()) && "bc" == s }
    function_to_pointer: body(|n| n + 1); (f: fn(u32) -> u32) -> u32 {
        fn call(f: &dyn Fn(u32) -> u32) -> u32 { f(1) }
        call(&f)
    }
    closure_argument_to_pointer: body(1); (n: u32) -> u32 {
        let fs: [fn(u32) -> u32; 2] = [|n| n + 1, |n| n * 2];
        fs.iter().map(|f| f(n)).sum()
    }
    raw_pointer: body(&mut 5); (n: &mut u32) -> u32 {
        let p: *const u32 = n;
        unsafe { *p }
    }
    number_types_by_use: body(5); (n: u8) -> u32 {
        let m = 10;
        let k = n + 1;
        u32::from(k) + m
    }
    subtyping: body("a"); (s: &'static str) -> bool {
        fn same<'a>(a: &'a str, b: &'a str) -> bool { a == b }
        let local = String::from("a");
        same(s, &local)
    }
    never_in_a_match_arm: body(Some(1)); (n: Option<u32>) -> u32 {
        let m = match n { Some(m) => m, None => panic!() };
        m
    }
    into_by_return: body(5); (n: u32) -> u64 { n.into() }
    default_by_return: body(); () -> Vec<u32> { Default::default() }
    collect_by_return: body("1,x"); (s: &str) -> Result<Vec<u32>, std::num::ParseIntError> {
        s.split(',').map(str::parse).collect()
    }
    reborrow_in_an_argument: async { let mut v = vec![]; body(&mut v).await; v }; (v: &mut Vec<u32>) -> () {
        fn push(v: &mut Vec<u32>, n: u32) { v.push(n) }
        push(v, 1);
        push(v, 2);
        v.push(3);
    }
    reborrow_in_a_struct: async { let mut n = 1; body(&mut n).await; n }; (n: &mut u32) -> () {
        struct S<'a>(&'a mut u32);
        *S(n).0 += 1;
        *n += 1;
    }
    reborrow_in_a_call: async { let mut n = 1; body(&mut n).await; n }; (n: &mut u32) -> () {
        *n += 1;
        let m = n;
        *m += echo(1).await;
        let k = &mut *m;
        *k += 1;
        *m += 1;
    }
    if_branches_to_a_common_type: body(true, &[1], &[1, 2]); (b: bool, x: &[u32; 1], y: &[u32; 2]) -> usize {
        let s: &[u32] = if b { x } else { y };
        s.len()
    }
    array_of_trait_objects: body(1, "a"); (n: u32, s: &str) -> String {
        let all: [&dyn Display; 2] = [&n, &s];
        all.iter().map(|d| d.to_string()).collect()
    }
    deref_of_a_guard: body(&std::cell::RefCell::new("abc".to_owned())); (c: &std::cell::RefCell<String>) -> usize {
        length(&c.borrow())
    }
    once_as_an_argument_of_a_generic: body("abc".to_owned()); (s: String) -> usize {
        fn len<S: AsRef<str>>(s: S) -> usize { s.as_ref().len() }
        len(s)
    }
    once_in_an_index: body(1); (i: usize) -> u32 { [1, 2, 3][i] }
    once_in_a_range: body(2); (n: usize) -> usize { [1, 2, 3][..n].len() }
    once_in_a_cast: body(200); (n: u32) -> i8 { n as i8 }
    once_in_a_macro: body("x".to_owned()); (s: String) -> String { format!("{s}{}", s.len()) }
    once_in_a_loop: body(note("n"), 3); (n: Note, times: u32) -> usize {
        let mut sum = 0;
        for _ in 0..times { sum += n.len() }
        sum
    }
    once_as_a_receiver: body(vec![1, 2]); (v: Vec<u32>) -> u32 { v.into_iter().sum() }
    once_as_a_reference_receiver: body(&mut [1, 2].iter()); (i: &mut dyn Iterator<Item = &u32>) -> Option<u32> {
        i.next().copied()
    }
    once_in_a_closure: body(note("n")); (n: Note) -> usize { let f = || n.len(); f() + f() }
    once_in_an_async_block: body(note("n")); (n: Note) -> usize { async { look(&n).await }.await }
    once_in_a_return: body(note("n")); (n: Note) -> Note { if true { return n } note("other") }
    once_in_a_break: body(note("n")); (n: Note) -> Note { loop { break n } }
    once_in_an_operator: body("a".to_owned()); (s: String) -> String { s + "b" }
    once_in_an_array: body(&"ab".to_owned()); (s: &String) -> usize { let a: [&str; 1] = [s]; a[0].len() }
    once_in_a_tuple: body(Box::new(1)); (b: Box<u32>) -> u32 { let t: (Box<u32>, ()) = (b, ()); *t.0 }
    once_in_an_assignment: body("x".to_owned()); (s: String) -> String { let mut t = String::new(); t.clone_from(&s); t = s; t }
    once_under_a_question_mark: body(Some(1)); (n: Option<u32>) -> Option<u32> { Some(n? + 1) }
    once_as_a_callee: body(|| 5); (f: impl FnOnce() -> u32) -> u32 { f() }
    once_matched: body(Some("x".to_owned())); (s: Option<String>) -> usize { match s { Some(s) => s.len(), None => 0 } }
    once_in_if_let: body(Some(note("x"))); (s: Option<Note>) -> usize { if let Some(n) = s { n.len() } else { 0 } }
    once_in_let_else: body(Some(note("x"))); (s: Option<Note>) -> usize { let Some(n) = s else { return 0 }; n.len() }
    once_as_an_argument_of_a_coroutine: body(&"abc".to_owned()); (s: &String) -> usize {
        #[rustfmt::co]
        async fn len(s: &str) -> usize { pause().await; s.len() }
        len(s).await
    }
    once_moved_into_a_coroutine: body(note("n"), Box::new(1)); (n: Note, b: Box<u32>) -> String {
        #[rustfmt::co]
        async fn take(n: Note, b: Box<dyn Debug>) -> String { pause().await; format!("{b:?}") }
        take(n, b).await
    }
}

after_a_pause! {
    string_to_str: async { body(&"abc".to_owned()).await }; (name: &String) -> usize { length(name) }
    array_to_slice: body(&[1, 2, 3]); (a: &[u32; 3]) -> usize {
        fn len(s: &[u32]) -> usize { s.len() }
        len(a)
    }
    to_trait_object: body(&5); (n: &u32) -> String { show(n) }
    box_in_some: body(Box::new(5)); (n: Box<u32>) -> usize {
        let v: Option<Box<dyn Debug>> = Some(n);
        v.iter().count()
    }
    push_of_a_box: body(Box::new(5), Box::new("x")); (a: Box<u32>, b: Box<&'static str>) -> String {
        let mut v: Vec<Box<dyn Debug>> = Vec::new();
        v.push(a);
        v.push(b);
        format!("{v:?}")
    }
}
