//! Spans need a feature.

#[cps_core::cps(instrument)]
async fn option() {}

#[cps_core::cps]
#[tracing::instrument]
async fn below() {}

fn main() {
    let _ = (option(), below());
}
