//! Attributes on coroutines, and on statements, arms, fields, parameters and expressions in them.

both! {
    cfg_on_statements: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        #[cfg(any())]
        let x: NoSuchType = no_such_function().await;
        #[cfg(all())]
        let x = echo(1).await;
        #[cfg(any())]
        {
            no_such_function().await
        }
        #[cfg(not(any()))]
        {
            pause().await;
        }
        #[cfg(any())]
        no_such_macro!();
        #[cfg_attr(all(), cfg(any()))]
        no_such_function().await;
        x
    }
}

both! {
    cfg_on_arms: body(1), body(2);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        match echo(n).await {
            #[cfg(any())]
            no::Such(path) => path.await,
            #[cfg(all())]
            1 => echo(10).await,
            #[allow(unreachable_patterns)]
            1 => 11,
            _ => 20,
        }
    }
}

both! {
    cfg_on_fields: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        struct S {
            a: u32,
            #[cfg(any())]
            b: NoSuchType,
        }
        let s = S {
            a: echo(1).await,
            #[cfg(any())]
            b: no_such_function().await,
        };
        let S {
            a,
            #[cfg(any())]
            b,
        } = s;
        a
    }
}

both! {
    cfg_on_elements: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut v = vec![echo(1).await, 2];
        let a = [
            #[cfg(any())]
            no_such_value,
            #[cfg(all())]
            echo(3).await,
        ];
        v.extend(a);
        v.push(u32::max(
            #[cfg(all())]
            echo(4).await,
            #[cfg(any())]
            no_such_value,
            5,
        ));
        v
    }
}

both! {
    cfg_on_parameters: body(5);
    #[rustfmt::co]
    async fn body(
        #[cfg(any())] _gone: NoSuchType,
        #[cfg(all())] y: u32,
        #[cfg(any())] y: NoSuchType,
    ) -> u32 {
        echo(y).await
    }
}

both! {
    cfg_on_generics: body::<u32>(5);
    #[rustfmt::co]
    async fn body<#[cfg(any())] U: NoSuchTrait, #[cfg(all())] T>(t: T) -> T {
        echo(t).await
    }
}

both! {
    cfg_on_coroutines: async { body().await + other().await };
    #[cfg(any())]
    #[rustfmt::co]
    async fn body() -> NoSuchType {}
    #[cfg(all())]
    #[rustfmt::co]
    async fn body() -> u32 {
        echo(1).await
    }
    #[rustfmt::co]
    #[cfg(any())]
    async fn other() -> NoSuchType {}
    #[rustfmt::co]
    #[cfg_attr(all(), cfg(all()))]
    async fn other() -> u32 {
        2
    }
}

both! {
    cfg_on_items_and_methods: S.get();
    pub(super) struct S;
    impl S {
        #[cfg(any())]
        #[rustfmt::co]
        async fn get(self) -> NoSuchType {}
        #[rustfmt::co]
        async fn get(self) -> u32 {
            #[cfg(any())]
            fn one() -> NoSuchType {}
            #[cfg(all())]
            fn one() -> u32 { 1 }
            #[cfg(any())]
            use no::such::path;
            echo(one()).await
        }
    }
}

both! {
    lints_on_everything: body(1, 2);
    #[rustfmt::co]
    #[allow(non_snake_case, clippy::all)]
    async fn body(#[allow(unused_mut)] mut X: u32, #[expect(unused_variables)] y: u32) -> u32 {
        #[allow(unused_variables)]
        let a = 1;
        #[expect(unused_mut)]
        let mut b = echo(1).await;
        #[allow(unused_must_use)]
        Ok::<u32, u32>(echo(1).await);
        #[allow(unused_parens)]
        if (X == 1) { pause().await }
        #[allow(clippy::never_loop)]
        loop {
            break;
        }
        X + b
    }
}

both! {
    attributes_on_expressions: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let a = [#[allow(unused_parens)] (echo(1).await), #[allow(unused)] 2];
        let f = |n: u32| n + 1;
        #[allow(unused_unsafe)]
        unsafe {
            pause().await;
        }
        f(a[0]) + echo(5).await
    }
}

both! {
    documentation: body(1);
    /// A line.
    #[doc = concat!("computed ", "text")]
    /** A block. */
    #[rustfmt::co]
    /// After the attribute, with "quotes" and `code`.
    async fn body(
        n: u32,
    ) -> u32 {
        /// On a statement's item.
        fn inner() {}
        // A comment, and one /* in */ another.
        echo(n /* here too */).await
    }
}

both! {
    inlining: async { a(1).await + b(1).await + c(1).await + d(1).await };
    #[inline]
    #[rustfmt::co]
    async fn a(n: u32) -> u32 { echo(n).await }
    #[rustfmt::co]
    #[inline(always)]
    async fn b(n: u32) -> u32 { echo(n).await }
    #[inline(never)]
    #[rustfmt::co]
    async fn c(n: u32) -> u32 { echo(n).await }
    #[rustfmt::co]
    #[cold]
    async fn d(n: u32) -> u32 { echo(n).await }
}

both! {
    must_use_and_deprecated: async {
        #[allow(deprecated)]
        let n = a(1).await + b(1).await;
        let _ = a(1);
        n
    };
    #[must_use]
    #[rustfmt::co]
    async fn a(n: u32) -> u32 { echo(n).await }
    #[rustfmt::co]
    #[deprecated(since = "0", note = "old")]
    #[must_use = "for a reason"]
    async fn b(n: u32) -> u32 { echo(n).await }
}

both! {
    track_caller_of_plain_functions: body();
    #[track_caller]
    fn line() -> u32 {
        std::panic::Location::caller().line()
    }
    #[rustfmt::co]
    async fn body() -> [u32; 3] {
        let a = line();
        let b = echo(line()).await;
        let f = || line();
        [a, b, f()]
    }
}

both! {
    attributes_by_macros: async { a().await + b().await };
    macro_rules! with {
        ($(#[$meta:meta])* $name:ident) => {
            $(#[$meta])*
            #[rustfmt::co]
            async fn $name() -> u32 { echo(1).await }
        };
    }
    with!(#[inline] #[allow(dead_code)] /** Documented. */ a);
    with!(b);
}

both! {
    two_attributes_before_and_after: body(1);
    #[allow(unused)]
    #[rustfmt::co]
    #[allow(clippy::all)]
    #[cfg_attr(all(), inline, must_use)]
    async fn body(n: u32) -> u32 {
        echo(n).await
    }
}

both! {
    automatically_derived_types: body(Point { x: 1, y: 2 });
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub(super) struct Point {
        x: i32,
        y: i32,
    }
    #[rustfmt::co]
    async fn body(p: Point) -> (Point, bool) {
        #[derive(Debug, PartialEq)]
        #[repr(u8)]
        enum Side {
            #[allow(dead_code)]
            Left = 1,
            Right,
        }
        let side = echo(Side::Right).await;
        (echo(p).await, side == Side::Right)
    }
}

both! {
    inner_attributes: body();
    #[rustfmt::co]
    async fn body() {
        #![allow(unused)]
        let i = 1;
        pause().await;
    }
}

both! {
    inner_documentation: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        //! Documented within.
        #![doc = "twice"]
        echo(1).await
    }
}

both! {
    cfg_attr_on_parameters: body(5, 6);
    #[rustfmt::co]
    async fn body(
        #[cfg_attr(all(), cfg(any()))] _gone: NoSuchType,
        #[cfg_attr(all(), allow(unused_variables))] y: u32,
        #[cfg_attr(any(), cfg(any()))] z: u32,
    ) -> u32 {
        echo(z).await
    }
}
