//! Ordinary code that draws nothing.

#![deny(clippy::missing_docs_in_private_items, clippy::pedantic)]

use std::future::ready;

both! {
    /// Documented.
    struct Account {
        /// Documented.
        balance: u64,
    }

    impl Account {
        /// Documented.
        #[rustfmt::co]
        async fn deposit(&mut self, amount: u64) -> &u64 {
            self.balance += ready(amount).await;
            &self.balance
        }

        /// Documented.
        #[rustfmt::co]
        async fn close(self) -> Result<u64, String> {
            if self.balance == 0 {
                return Err(String::new());
            }
            let amount = ready(self.balance).await;
            ready(Ok::<(), String>(())).await?;
            Ok(amount)
        }
    }

    /// Documented.
    #[rustfmt::co]
    async fn loops(limit: u32) -> Vec<u32> {
        let mut out = Vec::new();
        for i in 0..limit {
            if ready(i).await == 2 {
                continue;
            }
            out.push(ready(i).await);
        }
        while let Some(last) = out.pop() {
            if last < 3 {
                break;
            }
        }
        out
    }

    /// Documented.
    #[rustfmt::co]
    async fn patterns((a, b): (u32, u32), mut c: u32, _: u32) -> u32 {
        c += ready(a).await;
        let done = match ready(b).await {
            1 => "one",
            _ if c > 3 => "many",
            _ => return c,
        };
        println!("{done} {}", ready(1).await);
        c
    }

    /// Documented.
    #[rustfmt::co]
    async fn closures(n: u32) -> u32 {
        let add = |m: u32| m + n;
        let block = async { ready(n).await + 1 };
        add(block.await)
    }

    /// Documented.
    ///
    /// # Panics
    ///
    /// If it is not.
    #[rustfmt::co]
    async fn asserts(n: Option<u32>) {
        assert!(ready(true).await, "text");
        assert_eq!(ready(1).await, n.unwrap());
    }

    /// Documented.
    #[rustfmt::co]
    async fn generic<T: Clone, const N: usize>(t: &T) -> [T; N] {
        ready(()).await;
        std::array::from_fn(|_| t.clone())
    }

    /// Documented.
    #[rustfmt::co]
    async fn parameter_that_is_not_used(_unused: u32) {
        ready(()).await;
    }

    /// Documented.
    #[rustfmt::co]
    async fn awaited_unit() {
        let done = ready(()).await;
        ready(done).await;
    }
}
