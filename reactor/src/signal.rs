//! Signals of the operating system, on Unix.
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! reactor::block_on(async {
//!     println!("Ctrl-C ends it");
//!     reactor::signal::ctrl_c().await
//! })
//! # }
//! ```
//!
//! # The usual effect
//!
//! Once a signal was asked for, its usual effect, such as the end of the process, does not come back: not when all that
//! wait for it are dropped, either. Other crates may handle the same signals by `signal-hook`.
//!
//! # Implementation notes
//!
//! Each [`Signal`] has a pair of sockets. The handler, of the crate `signal-hook`, writes a byte to one of them, and
//! the event queue waits for the other.

#![forbid(unsafe_code)]

use std::ffi::c_int;
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll};

use signal_hook::SigId;
use signal_hook::consts;
use signal_hook::low_level::{self, pipe};

use crate::io::AsyncFd;

/// Which signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignalKind(c_int);

impl SignalKind {
    /// A signal by the system's number.
    #[must_use]
    pub const fn from_raw(number: c_int) -> Self {
        SignalKind(number)
    }

    /// The system's number.
    #[must_use]
    pub const fn as_raw(self) -> c_int {
        self.0
    }

    /// `SIGALRM`: a timer of the system has ended.
    #[must_use]
    pub const fn alarm() -> Self {
        SignalKind(consts::SIGALRM)
    }

    /// `SIGCHLD`: a child process has stopped or ended.
    #[must_use]
    pub const fn child() -> Self {
        SignalKind(consts::SIGCHLD)
    }

    /// `SIGHUP`: the terminal is gone. Services often read their configuration anew.
    #[must_use]
    pub const fn hangup() -> Self {
        SignalKind(consts::SIGHUP)
    }

    /// `SIGINT`: the user wants the program to end, by Ctrl-C.
    #[must_use]
    pub const fn interrupt() -> Self {
        SignalKind(consts::SIGINT)
    }

    /// `SIGPIPE`: nobody reads what was written. (Programs in Rust ignore it unless it is asked for.)
    #[must_use]
    pub const fn pipe() -> Self {
        SignalKind(consts::SIGPIPE)
    }

    /// `SIGQUIT`: the user wants the program to end with a dump of its memory, by Ctrl-\\.
    #[must_use]
    pub const fn quit() -> Self {
        SignalKind(consts::SIGQUIT)
    }

    /// `SIGTERM`: somebody wants the program to end.
    #[must_use]
    pub const fn terminate() -> Self {
        SignalKind(consts::SIGTERM)
    }

    /// `SIGUSR1`: what it means is the program's matter.
    #[must_use]
    pub const fn user_defined1() -> Self {
        SignalKind(consts::SIGUSR1)
    }

    /// `SIGUSR2`: what it means is the program's matter.
    #[must_use]
    pub const fn user_defined2() -> Self {
        SignalKind(consts::SIGUSR2)
    }

    /// `SIGWINCH`: the terminal has another size.
    #[must_use]
    pub const fn window_change() -> Self {
        SignalKind(consts::SIGWINCH)
    }
}

/// Receives a signal, from when [`signal`] is called on.
///
/// Any number of them may be there for the same signal: each receives it.
pub struct Signal {
    kind: SignalKind,
    receiver: AsyncFd<UnixStream>,
    handler: SigId,
}

/// Begins to receive a signal.
///
/// ```
/// use reactor::signal::{SignalKind, signal};
///
/// # fn main() -> std::io::Result<()> {
/// reactor::block_on(async {
///     let mut hangups = signal(SignalKind::hangup())?;
///     # signal_hook::low_level::raise(SignalKind::hangup().as_raw())?;
///     hangups.recv().await?; // Then read the configuration anew.
///     Ok(())
/// })
/// # }
/// ```
///
/// # Errors
///
/// The system's, as for a number that is no signal. [`InvalidInput`](ErrorKind::InvalidInput) for signals that cannot
/// be received: `SIGKILL`, `SIGSTOP`, and those of faults of the program (`SIGILL`, `SIGFPE`, `SIGSEGV`).
///
/// # Panics
///
/// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
#[track_caller]
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    crate::context::expect_driver("signal");
    if consts::FORBIDDEN.contains(&kind.0) {
        let message = format!("signal {} cannot be received", kind.0);
        return Err(io::Error::new(ErrorKind::InvalidInput, message));
    }
    let (receiver, sender) = UnixStream::pair()?;
    receiver.set_nonblocking(true)?;
    let receiver = AsyncFd::new(receiver)?;
    let handler = pipe::register(kind.0, sender)?;
    Ok(Signal { kind, receiver, handler })
}

/// Waits for Ctrl-C (`SIGINT`), if it comes after the first poll.
///
/// # Errors
///
/// As [`signal`] and [`Signal::recv`].
///
/// # Panics
///
/// As [`signal`].
///
/// # Cancellation
///
/// What came before the next call is lost. A loop has a [`Signal`] instead.
pub async fn ctrl_c() -> io::Result<()> {
    signal(SignalKind::interrupt())?.recv().await
}

impl Signal {
    /// Waits for the signal. Signals that come while nobody waits are received by the next call, all as one.
    ///
    /// # Errors
    ///
    /// If the runtime is gone.
    ///
    /// # Cancellation
    ///
    /// Loses nothing.
    pub async fn recv(&mut self) -> io::Result<()> {
        self.receiver.read_with(take_all).await
    }

    /// As [`recv`](Signal::recv), for futures that are written by hand.
    ///
    /// # Errors
    ///
    /// As [`recv`](Signal::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.receiver.poll_read_with(cx, take_all)
    }
}

/// Takes all bytes that are there, at least one.
fn take_all(mut receiver: &UnixStream) -> io::Result<()> {
    let mut buffer = [0; 64];
    let mut is_first = true;
    loop {
        match receiver.read(&mut buffer) {
            // The handler keeps the other end: it is not closed while this one is there.
            Ok(read) if read == buffer.len() => is_first = false,
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && !is_first => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        low_level::unregister(self.handler);
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signal").field(&self.kind).finish()
    }
}
