//! Operators: values, order of evaluation, short circuits, and the text and place of their panics.

both! {
    arithmetic: body(7, 2), body(-7, 3);
    #[rustfmt::co]
    async fn body(a: i32, b: i32) -> [i32; 9] {
        let (x, y) = (echo(a).await, echo(b).await);
        [x + y, x - y, x * echo(y).await, echo(x).await / y, x % y, x & y, x | y, x ^ y, x << y]
    }
}

both! {
    unary: body();
    #[rustfmt::co]
    async fn body() -> (i32, u8, bool, i32, i32) {
        let x = 5;
        (-echo(1).await, !echo(1_u8).await, !echo(true).await, *&echo(2).await, - -echo(x).await)
    }
}

both! {
    precedence: body();
    #[rustfmt::co]
    async fn body() -> (i32, bool, i32, u32) {
        (
            echo(1).await + echo(2).await * echo(3).await - 4 << 1,
            echo(1).await + 1 == 2 && echo(3).await > 2 || echo(false).await,
            -echo(2_i32).await.pow(2),
            echo(1_u8).await as u32 + 300 & 0xff,
        )
    }
}

both! {
    order_of_operands: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        seen(echo(1).await) + seen(2) * seen(echo(3).await) - { did("block"); seen(echo(4).await) }
    }
}

both! {
    short_circuit: body(true), body(false);
    #[rustfmt::co]
    async fn body(x: bool) -> (bool, bool, bool) {
        let and = echo(x).await && { did("and"); echo(true).await };
        let or = echo(x).await || { did("or"); echo(false).await };
        (and, or, x && return (or, and, !x))
    }
}

both! {
    lazy_operators_drop_temporaries: body(true), body(false);
    #[rustfmt::co]
    async fn body(x: bool) -> bool {
        give("left").await.len() > 0 && x && give("right").await.len() > 0
            || give("other").await.len() == 0
    }
}

both! {
    comparisons: body(1, 2), body(2, 2);
    #[rustfmt::co]
    async fn body(a: u32, b: u32) -> [bool; 6] {
        let (x, y) = (&echo(a).await, &echo(b).await);
        [x == y, x != &echo(b).await, x < y, *x <= *y, x > y, &echo(a).await >= y]
    }
}

both! {
    compound_assignments: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut v = vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        v[0] += echo(1).await;
        v[echo(1).await] -= 1;
        v[echo(2).await] *= echo(3).await;
        v[3] /= echo(2).await;
        v[4] %= echo(3).await;
        v[5] &= echo(3).await;
        v[6] |= echo(8).await;
        v[7] ^= echo(1).await;
        v[8] <<= echo(2_u8).await;
        v[9] >>= echo(1_i64).await;
        v
    }
}

both! {
    order_in_compound_assignments: body();
    #[rustfmt::co]
    async fn body() -> [u32; 2] {
        // Of primitive types the right operand is evaluated first.
        let mut a = [1, 2];
        a[seen(echo(1).await)] += { did("right"); echo(5).await };
        *{ did("place"); &mut a[0] } += { did("value"); pause().await; 7 };
        a
    }
}

/// For overloaded operators.
#[derive(Debug, PartialEq, Clone)]
pub(crate) struct Words(String);

impl std::ops::Add<&str> for Words {
    type Output = Words;
    fn add(mut self, other: &str) -> Words {
        self.0.push_str(other);
        self
    }
}

impl std::ops::AddAssign<u32> for Words {
    fn add_assign(&mut self, n: u32) {
        self.0 += &n.to_string();
    }
}

impl std::ops::Neg for &Words {
    type Output = usize;
    fn neg(self) -> usize {
        self.0.len()
    }
}

impl std::ops::Index<&'static str> for Words {
    type Output = str;
    fn index(&self, s: &'static str) -> &str {
        let at = self.0.find(s).expect("to be there");
        &self.0[at..]
    }
}

both! {
    overloaded: body();
    #[rustfmt::co]
    async fn body() -> (Words, usize, String) {
        let mut words = echo(Words("a".to_owned())).await + "b" + echo("c").await;
        words += echo(5).await;
        // Of other types the left operand is evaluated first.
        *{ did("left"); &mut words } += { did("right"); echo(6).await };
        let n = -&words;
        let tail = words[echo("c").await].to_owned();
        (words, n, tail)
    }
}

both! {
    string_concatenation: body("y");
    #[rustfmt::co]
    async fn body(y: &str) -> String {
        let owned = String::from("z");
        "x".to_owned() + echo(y).await + &echo(owned).await + &format!("{}", 1)
    }
}

both! {
    casts: body();
    #[rustfmt::co]
    async fn body() -> (u8, i8, f32, u32, char, i64, usize, bool) {
        fn f(n: u8) -> u8 {
            n
        }
        let pointer = f as fn(u8) -> u8;
        let address = &echo(1_u16).await as *const u16;
        (
            echo(300_i32).await as u8,
            echo(200_u8).await as i8,
            echo(1.5_f64).await as f32,
            echo(-1.0_f64).await as u32,
            echo(b'a').await as char,
            echo('a').await as i64,
            pointer(echo(7).await) as usize,
            address as usize % 2 == 0,
        )
    }
}

both! {
    cast_in_comparison: body(3);
    #[rustfmt::co]
    async fn body(n: u8) -> (bool, bool) {
        ((echo(n).await as u32) < 5, echo(n).await as i32 > -1)
    }
}

both! {
    ranges: body();
    #[rustfmt::co]
    async fn body() -> (Vec<u32>, usize, bool, std::ops::RangeFull) {
        let v = [1, 2, 3, 4];
        let part = &v[echo(1).await..][..=echo(1).await];
        (
            (echo(1).await..echo(2).await + 2).collect(),
            part.len() + v[..].len(),
            (..=echo(3).await).contains(&3),
            ..,
        )
    }
}

both! {
    references_and_dereferences: body();
    #[rustfmt::co]
    async fn body() -> (i32, i32, String) {
        let mut x = echo(1).await;
        let r = &mut x;
        *r += echo(1).await;
        let rr = &&*r;
        let boxed = Box::new(echo(String::from("moved")).await);
        (**rr, *&mut *Box::new(echo(3).await), *boxed)
    }
}

both! {
    raw_borrows: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut x = echo(1_u32).await;
        let p = &raw mut x;
        unsafe { *p += 1 };
        let q = &raw const x;
        let n = unsafe { *q };
        n + echo(1).await
    }
}

// In a release build those on overflow wrap: then it is the values that are compared.
bodies! {
    sub_overflows -> usize { let n = echo(0_usize).await; n - 1 }
    add_assign_out_of_bounds -> u8 {
        let mut x = [200_u8];
        x[echo(1).await] += { did("right"); echo(100).await };
        x[0]
    }
    index_of_a_vec_out_of_bounds -> u32 { let v = vec![1]; v[echo(7).await] }
    slice_out_of_bounds -> usize { let v = [1, 2]; v[echo(2).await..echo(9).await].len() }
    slice_ends_before_its_start -> usize { [1, 2, 3][echo(2).await..echo(1).await].len() }
    str_slice_in_a_char -> String { echo("äö").await[echo(1).await..].to_owned() }
    user_index_panics -> usize { Words(String::new())[echo("x").await].len() }
    in_a_match -> u8 {
        match echo(0).await { n if 10 / n > 3 => 1, _ => 2 }
    }
}

bodies! {
    add_assign_to_an_index_overflows -> u8 {
        let mut x = [200_u8];
        x[echo(0).await] += echo(100).await;
        x[0]
    }
    add_assign_overflows -> u8 {
        let mut x = 200_u8;
        x += echo(100).await;
        x
    }
    add_of_a_literal_overflows -> u8 { echo(255_u8).await + 1 }
    add_overflows -> u8 {
        echo(200_u8).await
            + echo(100).await
    }
    division_by_zero -> u32 { echo(1_u32).await / echo(0).await }
    division_overflows -> i32 { echo(i32::MIN).await / echo(-1).await }
    in_a_loop -> u8 {
        let mut x = 250;
        loop {
            x += echo(1_u8).await;
            if x < 100 { break x }
        }
    }
    in_a_condition -> u8 {
        if echo(200_u8).await + 100 > 3 { 1 } else { 2 }
    }
    in_a_return -> u8 {
        return echo(200_u8).await + 100;
    }
    in_an_argument -> u8 {
        u8::max(
            1,
            echo(200_u8).await + 100,
        )
    }
    in_parentheses -> u8 {
        (echo(200_u8).await + (
            echo(100).await
        ))
    }
    index_out_of_bounds -> u32 { echo([1_u32, 2]).await[echo(7_usize).await] }
    literal_and_awaited_overflow -> u8 { 1 + echo(255_u8).await }
    mul_overflows -> i32 { echo(i32::MAX).await * echo(2).await }
    neg_overflows -> i8 { -echo(i8::MIN).await }
    remainder_by_zero -> u32 { let x = 5; x % echo(0).await }
    shl_overflows -> u32 { 1_u32 << echo(32).await }
    shr_overflows -> u32 { echo(1_u32).await >> { echo(40).await } }
}
