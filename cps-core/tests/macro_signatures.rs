//! `#[coroutine]` takes the signatures that `async fn` takes, with the same meaning.
//!
//! Each signature is written once and compiled twice, plainly and as a coroutine.
#![deny(warnings)]
#![allow(missing_docs)]
#![allow(
    clippy::ptr_arg,
    clippy::needless_lifetimes,
    clippy::too_many_arguments,
    reason = "the signatures are what is tested"
)]

mod support;

/// Suspends in between, so that everything lives across a suspension.
macro_rules! signatures {
    ($name:ident $(, #[$co:meta])?) => {
        mod $name {
            use std::fmt::{Debug, Display};
            use std::future::IntoFuture;
            use std::pin::{Pin, pin};
            use std::rc::Rc;
            use std::sync::Arc;

            use crate::support::YieldOnce;

            fn run<F: IntoFuture>(future: F) -> F::Output {
                crate::support::drive(future.into_future()).0
            }

            async fn pause() {
                YieldOnce::default().await;
            }

            $(#[$co])?
            async fn nothing() {}

            $(#[$co])?
            async fn borrows(x: &mut Vec<u8>, y: &str) -> usize {
                pause().await;
                x.push(1);
                x.len() + y.len()
            }

            $(#[$co])?
            async fn returns_a_borrow<'a>(x: &'a mut Vec<u8>, _: &str) -> &'a mut u8 {
                pause().await;
                &mut x[0]
            }

            $(#[$co])?
            async fn elides(x: &str) -> &str {
                pause().await;
                &x[1..]
            }

            $(#[$co])?
            async fn is_generic<T, const N: usize>(x: [T; N], y: T) -> Vec<T>
            where
                T: Clone + PartialEq,
            {
                pause().await;
                x.into_iter().filter(|x| *x != y).collect()
            }

            $(#[$co])?
            async fn takes_impl(x: impl Display, y: &impl Debug) -> String {
                pause().await;
                format!("{x} {y:?}")
            }

            $(#[$co])?
            async fn returns_impl(x: &[u32]) -> impl Iterator<Item = u32> {
                pause().await;
                x.iter().map(|x| x + 1)
            }

            $(#[$co])?
            async fn returns_impl_of_borrows<'a>(x: &'a [u32]) -> impl Iterator<Item = &'a u32> {
                pause().await;
                x.iter().rev()
            }

            $(#[$co])?
            async fn returns_impl_in_result(
                x: &str,
            ) -> Result<impl Iterator<Item = u32>, Box<dyn std::error::Error>> {
                pause().await;
                let n: u32 = x.parse()?;
                if n == 13 {
                    return Err("unlucky".into());
                }
                Ok(0..n)
            }

            $(#[$co])?
            async fn returns_impl_in_option(n: u32) -> Option<impl Fn(u32) -> u32 + Clone> {
                pause().await;
                if n == 0 {
                    return None;
                }
                Some(move |x| x + n)
            }

            $(#[$co])?
            async fn coerces(n: u32) -> Box<dyn Debug> {
                pause().await;
                if n == 0 {
                    return Box::new("zero");
                }
                if n == 1 {
                    return Box::new(1_u8);
                }
                Box::new(n)
            }

            $(#[$co])?
            async fn coerces_to_fn(n: u32) -> fn(u32) -> u32 {
                fn one(x: u32) -> u32 {
                    x + 1
                }
                if n == 1 {
                    return one;
                }
                |x| x + 2
            }

            struct Point {
                x: u32,
                y: u32,
            }

            $(#[$co])?
            #[allow(clippy::toplevel_ref_arg, unused_variables)]
            async fn patterns(
                (a, b): (u32, u32),
                Point { x, y: renamed }: Point,
                _: u32,
                mut m: u32,
                ref r: u32,
                &c: &u32,
                [first, .., last]: [u32; 4],
                whole @ (d, _): (u32, u32),
                _ignored: u32,
            ) -> Vec<u32> {
                pause().await;
                m += 1;
                vec![a, b, x, renamed, m, *r, c, first, last, whole.1, d]
            }

            $(#[$co])?
            async fn attributed(
                #[allow(unused_variables)] x: u32,
                #[expect(unused_variables)] y: u32,
                #[expect(unused_mut)] mut z: u32,
                #[cfg(any())] nothing: NoSuchType,
                #[cfg(all())]
                #[cfg_attr(all(), allow(unused_variables))]
                w: u32,
                #[cfg(all())] last: u32,
            ) -> u32 {
                pause().await;
                z + last
            }

            $(#[$co])?
            async fn cfg_chooses(#[cfg(any())] x: &str, #[cfg(not(any()))] x: u32) -> u32 {
                x
            }

            $(#[$co])?
            async fn raw(r#type: u32, r#fn: &u32) -> u32 {
                pause().await;
                r#type + r#fn
            }

            $(#[$co])?
            async unsafe fn is_unsafe(x: *const u32) -> u32 {
                pause().await;
                // SAFETY: the caller's.
                unsafe { *x }
            }

            /// Documented.
            $(#[$co])?
            #[inline]
            #[cfg(all())]
            #[must_use = "for a reason"]
            pub(crate) async fn keeps_attributes() -> u32 {
                1
            }

            $(#[$co])?
            #[cfg(any())]
            async fn is_not_compiled() -> NoSuchType {}

            $(#[$co])?
            async fn takes_a_closure<F>(f: F) -> u32
            where
                F: AsyncFn(u32) -> u32,
            {
                f(1).await + f(2).await
            }

            #[test]
            fn functions() {
                run(nothing());
                let mut v = vec![7];
                assert_eq!(run(borrows(&mut v, "ab")), 4);
                let y = String::from("y");
                let first = run(returns_a_borrow(&mut v, &y));
                drop(y);
                *first += 1;
                assert_eq!(v, [8, 1]);
                assert_eq!(run(elides("abc")), "bc");
                assert_eq!(run(is_generic([1, 2, 3], 2)), [1, 3]);
                assert_eq!(run(takes_impl(1, &"x")), "1 \"x\"");
                assert_eq!(run(returns_impl(&[1, 2])).sum::<u32>(), 5);
                assert_eq!(run(returns_impl_of_borrows(&[1, 2])).next(), Some(&2));
                assert_eq!(run(returns_impl_in_result("3")).unwrap().count(), 3);
                assert!(run(returns_impl_in_result("x")).is_err());
                assert_eq!(run(returns_impl_in_result("13")).err().unwrap().to_string(), "unlucky");
                assert!(run(returns_impl_in_option(0)).is_none());
                assert_eq!(run(returns_impl_in_option(2)).unwrap()(1), 3);
                let coerced = (0..3).map(|n| format!("{:?}", run(coerces(n)))).collect::<Vec<_>>();
                assert_eq!(coerced, ["\"zero\"", "1", "2"]);
                assert_eq!((run(coerces_to_fn(1))(1), run(coerces_to_fn(2))(1)), (2, 3));
                let p = patterns(
                    (1, 2), Point { x: 3, y: 4 }, 0, 4, 6, &7, [8, 0, 0, 9], (11, 10), 0,
                );
                assert_eq!(run(p), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
                assert_eq!(run(attributed(1, 2, 3, 4, 5)), 8);
                assert_eq!(run(cfg_chooses(5)), 5);
                assert_eq!(run(raw(1, &2)), 3);
                // SAFETY: the pointer comes from a reference.
                assert_eq!(run(unsafe { is_unsafe(&5) }), 5);
                assert_eq!(run(keeps_attributes()), 1);
                let n = 10;
                assert_eq!(run(takes_a_closure(async |x| { pause().await; x + n })), 23);
            }

            #[derive(Clone, Debug, PartialEq)]
            struct Counter {
                n: u32,
                name: String,
            }

            impl Counter {
                fn new() -> Self {
                    Counter { n: 1, name: "name".to_owned() }
                }

                $(#[$co])?
                async fn by_value(self) -> String {
                    pause().await;
                    self.name
                }

                $(#[$co])?
                async fn by_mut_value(mut self) -> Self {
                    pause().await;
                    self.n += 1;
                    self
                }

                $(#[$co])?
                async fn by_ref(&self, other: &str) -> &str {
                    pause().await;
                    let _ = other;
                    &self.name
                }

                $(#[$co])?
                async fn by_lifetime<'a>(&'a self, other: &'a str) -> [&'a str; 2] {
                    pause().await;
                    [&self.name, other]
                }

                $(#[$co])?
                async fn by_mut(&mut self) -> &mut u32 {
                    pause().await;
                    self.n += 1;
                    let Self { n, .. } = self;
                    n
                }

                $(#[$co])?
                async fn by_box(self: Box<Self>) -> Box<Self> {
                    pause().await;
                    self
                }

                $(#[$co])?
                async fn by_mut_box(mut self: Box<Self>) -> u32 {
                    pause().await;
                    self.n = 5;
                    self.n
                }

                $(#[$co])?
                async fn by_pin(mut self: Pin<&mut Self>) -> u32 {
                    self.as_mut().get_mut().n += 1;
                    pause().await;
                    self.n
                }

                $(#[$co])?
                async fn by_rc(self: Rc<Self>) -> usize {
                    pause().await;
                    Rc::strong_count(&self)
                }

                $(#[$co])?
                async fn by_arc(self: Arc<Self>, other: Arc<Self>) -> bool {
                    pause().await;
                    Arc::ptr_eq(&self, &other)
                }

                $(#[$co])?
                async fn by_typed_ref(self: &Self) -> u32 {
                    pause().await;
                    self.n
                }

                $(#[$co])?
                async fn without_self(n: u32) -> Self {
                    pause().await;
                    Self { n, ..Self::new() }
                }

                $(#[$co])?
                async fn calls_methods(&mut self) -> u32 {
                    *self.by_mut().await += 1;
                    let sum = Self::by_typed_ref(self).await + self.clone().by_mut_value().await.n;
                    let in_closure = || self.n;
                    let in_block = async { self.n };
                    sum + in_closure() + in_block.await
                }
            }

            #[test]
            fn receivers() {
                let mut c = Counter::new();
                assert_eq!(run(c.clone().by_value()), "name");
                assert_eq!(run(c.clone().by_mut_value()).n, 2);
                let other = String::from("x");
                let name = run(c.by_ref(&other));
                drop(other);
                assert_eq!(name, "name");
                assert_eq!(run(c.by_lifetime("b")), ["name", "b"]);
                *run(c.by_mut()) += 10;
                assert_eq!(c.n, 12);
                assert_eq!(*run(Box::new(c.clone()).by_box()), c);
                assert_eq!(run(Box::new(c.clone()).by_mut_box()), 5);
                assert_eq!(run(pin!(c.clone()).by_pin()), 13);
                let (rc, arc) = (Rc::new(c.clone()), Arc::new(c.clone()));
                assert_eq!(run(rc.clone().by_rc()), 2);
                assert!(run(arc.clone().by_arc(arc)));
                assert_eq!(run(c.by_typed_ref()), 12);
                assert_eq!(run(Counter::without_self(3)).n, 3);
                assert_eq!(run(c.calls_methods()), 14 + 15 + 14 + 14);
            }

            trait Shape {
                const NAME: &'static str;
                type Unit: Display;

                /// Only declared.
                $(#[$co])?
                async fn area(&self, unit: &Self::Unit) -> Result<String, std::fmt::Error>;

                $(#[$co])?
                async fn grow(&mut self, by: u32) -> &mut Self;

                $(#[$co])?
                async fn describe<'a>(&self, prefix: &'a str) -> &'a str {
                    pause().await;
                    let _ = self.sides().await;
                    prefix
                }

                $(#[$co])?
                async fn sides(&self) -> u32 {
                    pause().await;
                    4
                }

                $(#[$co])?
                async fn make(n: u32) -> Self
                where
                    Self: Sized;

                $(#[$co])?
                async fn numbers(&self, #[cfg(any())] x: u8) -> impl Iterator<Item = u32>;
            }

            #[derive(Debug, PartialEq)]
            struct Square(u32);

            impl Shape for Square {
                const NAME: &'static str = "square";
                type Unit = &'static str;

                $(#[$co])?
                async fn area(&self, unit: &Self::Unit) -> Result<String, std::fmt::Error> {
                    use std::fmt::Write;
                    pause().await;
                    let mut s = String::new();
                    write!(s, "{}{unit} {} {self:?}", self.0 * self.0, Self::NAME)?;
                    Ok(s)
                }

                $(#[$co])?
                async fn grow(&mut self, by: u32) -> &mut Self {
                    pause().await;
                    self.0 += by;
                    self
                }

                $(#[$co])?
                async fn make(n: u32) -> Self {
                    pause().await;
                    Self(n)
                }

                $(#[$co])?
                async fn numbers(&self) -> impl Iterator<Item = u32> {
                    0..self.0
                }
            }

            struct Triangle;

            impl Shape for Triangle {
                const NAME: &'static str = "triangle";
                type Unit = u8;

                $(#[$co])?
                async fn area(&self, unit: &u8) -> Result<String, std::fmt::Error> {
                    Ok(unit.to_string())
                }

                $(#[$co])?
                async fn grow(&mut self, _: u32) -> &mut Self {
                    self
                }

                $(#[$co])?
                async fn sides(&self) -> u32 {
                    3
                }

                $(#[$co])?
                async fn make(_: u32) -> Self {
                    Triangle
                }

                $(#[$co])?
                async fn numbers(&self) -> impl Iterator<Item = u32> {
                    [1, 2].into_iter()
                }
            }

            $(#[$co])?
            async fn with_shape<S: Shape>(mut shape: S, unit: &S::Unit) -> (String, u32, u32) {
                let area = shape.grow(1).await.area(unit).await.unwrap();
                assert_eq!(shape.describe("p").await, "p");
                (area, shape.sides().await, shape.numbers().await.sum())
            }

            #[test]
            fn traits() {
                let square = run(Square::make(1));
                let expected = ("4m square Square(2)".to_owned(), 4, 1);
                assert_eq!(run(with_shape(square, &"m")), expected);
                assert_eq!(run(with_shape(Triangle, &1)), ("1".to_owned(), 3, 3));
            }
        }
    };
}

signatures!(plain);
signatures!(direct, #[cps_core::coroutine]);
