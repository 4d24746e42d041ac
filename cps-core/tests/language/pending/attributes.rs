//! Cases of `attributes` in which the attribute differs today: not compiled yet.

use super::*;

// Inner attributes.
both! {
    inner_attributes: body();
    #[rustfmt::co]
    async fn body() {
        #![allow(unused)]
        let i = 1;
        pause().await;
    }
}

// Inner attributes.
both! {
    inner_documentation: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        //! Documented within.
        #![doc = "twice"]
        echo(1).await
    }
}

// `cfg_attr` on a parameter.
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
