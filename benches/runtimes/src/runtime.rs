//! What the work asks of a runtime.

use std::io;
use std::net::TcpStream;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Result;
use futures::future::BoxFuture;
use lab_work::clock::Cost;

/// What is run. It is erased, for one instance of a runtime's loop takes long to compile; what it spawns is not.
pub(crate) type Main = BoxFuture<'static, Result<Cost>>;

/// A runtime of one flavour. Its functions are called inside [`block_on`](Runtime::block_on), but for that itself.
pub(crate) trait Runtime: 'static {
    /// One end of a socket pair.
    type Unix: Socket;
    /// A connection.
    type Tcp: Socket;
    /// A connection, for hyper.
    type Http: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static;

    /// Runs a future to its end on this thread, with a runtime around it that ends with it.
    fn block_on(main: Main) -> Result<Cost>;

    /// Spawns a task, and gives the future of its result.
    fn spawn<F>(future: F) -> impl Future<Output = F::Output> + Send + 'static
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Spawns a task that nobody waits for.
    fn detach<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// Lets other tasks run.
    fn yield_now() -> impl Future<Output = ()> + Send + 'static;

    /// Waits.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static;

    /// A pair of sockets.
    fn pair() -> io::Result<(Self::Unix, Self::Unix)>;

    /// Takes over a connection that does not block.
    fn adopt(stream: TcpStream) -> io::Result<Self::Tcp>;

    /// The connection, for hyper.
    fn http(connection: Self::Tcp) -> Self::Http;
}

/// What is read from and written to.
pub(crate) trait Socket: Send + 'static {
    /// Reads what is there.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
    /// Writes what fits.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
}

/// A socket with the traits of the crate `futures`.
pub(crate) struct Futures<S>(pub(crate) S);

impl<S> Socket for Futures<S>
where
    S: futures::io::AsyncRead + futures::io::AsyncWrite + Unpin + Send + 'static,
{
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut self.0).poll_write(cx, bytes)
    }
}
