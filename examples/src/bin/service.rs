//! The service, by coroutines or with `--plain` in plain `async`, at 127.0.0.1:8080 or the address in
//! `SERVICE_ADDRESS`, until Ctrl-C.
//!
//! The row `saw` is locked: a query for it ends after ten seconds, with 504.

use std::error::Error;
use std::time::Duration;

use examples::service::shared::{Settings, Store};
use examples::service::{direct, plain};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_target(false).init();
    let store = Store::new(&[("anvil", 1), ("lamp", 5), ("rope", 8), ("saw", 2)]);
    store.set_locked("saw", true);
    let settings = Settings::new(store, Duration::from_secs(10));
    let shutdown = settings.shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            shutdown.cancel();
        }
    });
    let address = std::env::var("SERVICE_ADDRESS");
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080")).await?;
    println!("http://{}", listener.local_addr()?);
    match std::env::args().nth(1).as_deref() {
        None => direct::serve(listener, settings).await?,
        Some("--plain") => plain::serve(listener, settings).await?,
        Some(other) => return Err(format!("{other}: not an option").into()),
    }
    Ok(())
}
