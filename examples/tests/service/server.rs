//! A server of either version in this process.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use examples::service::shared::{Settings, Store};
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::Client;
use crate::log;

/// The `serve` of a version.
pub(crate) type Serve = fn(TcpListener, Settings) -> BoxFuture<'static, io::Result<()>>;

/// Longer than anything here may take, on any machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) settings: Settings,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// `limit` is that of a query.
    pub(crate) async fn start(serve: Serve, limit: Duration) -> Self {
        let store = Store::new(&[("anvil", 1), ("lamp", 5), ("rope", 8), ("saw", 2)]);
        let settings = Settings::new(store, limit);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Server { address, task: tokio::spawn(serve(listener, settings.clone())), settings }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Stops it, and gives what it has delivered.
    pub(crate) async fn stop(self) -> Vec<String> {
        self.settings.shutdown.cancel();
        self.stopped().await
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(self) -> Vec<String> {
        self.task.await.unwrap().unwrap();
        self.settings.store.deliveries()
    }
}

/// Runs a test on a runtime of its own, on this thread.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    log::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(LONG, test).await.expect("it takes too long") })
}
