//! What only edition 2024 has.

both! {
    let_chain: body(Some(3)), body(Some(0)), body(None);
    #[rustfmt::co]
    async fn body(n: Option<u32>) -> u32 {
        if let Some(x) = echo(n).await
            && echo(x).await > 1
            && let Some(y) = echo(x.checked_sub(1)).await
        {
            return y;
        }
        0
    }
}
