//! Files, on a thread of a pool.
//!
//! The systems have no event queue for files on disks: each operation blocks a thread. What is here does for whole
//! files and for streams; [`spawn_blocking`](crate::spawn_blocking) takes any function of [`std::fs`], and is faster
//! for several of them in a row.

#![forbid(unsafe_code)]

use std::fmt;
use std::fs;
use std::future::poll_fn;
use std::io::{self, IoSlice, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use blocking::Unblock;
use futures_io::{AsyncRead, AsyncSeek, AsyncWrite};

use crate::pool;

/// Bytes between the task and the thread, at most.
const AHEAD: usize = 1 << 18;

/// The bytes of a file.
///
/// # Errors
///
/// As [`std::fs::read`].
///
/// # Cancellation
///
/// Ends the wait; the file is read to no effect.
pub async fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let path = path.as_ref().to_owned();
    pool::run(move || fs::read(path)).await
}

/// The text of a file.
///
/// # Errors
///
/// As [`std::fs::read_to_string`], as for what is not UTF-8.
///
/// # Cancellation
///
/// As [`read`].
pub async fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let path = path.as_ref().to_owned();
    pool::run(move || fs::read_to_string(path)).await
}

/// Makes a file of these bytes, in place of one that is there.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("reactor-doc-{}", std::process::id()));
/// reactor::block_on(async {
///     reactor::fs::write(&path, "hello").await?;
///     assert_eq!(reactor::fs::read_to_string(&path).await?, "hello");
///     # std::fs::remove_file(path)?;
///     Ok(())
/// })
/// # }
/// ```
///
/// # Errors
///
/// As [`std::fs::write`].
///
/// # Cancellation
///
/// Ends the wait; a write that has begun goes on.
pub async fn write(path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) -> io::Result<()> {
    let (path, bytes) = (path.as_ref().to_owned(), bytes.into());
    pool::run(move || fs::write(path, bytes)).await
}

/// A file as a stream of bytes, by the traits of [`futures_io`].
///
/// A thread reads ahead of it, and writes behind: what was written is in the file after a flush or a close
/// (`futures::AsyncWriteExt::flush`), which also gives the errors of writes. Without it the last bytes may be lost. It
/// works on any executor.
///
/// After reads, a seek says where to write: the thread has read on meanwhile.
///
/// ```
/// use futures::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
/// use reactor::fs::File;
///
/// # fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("reactor-doc-file-{}", std::process::id()));
/// reactor::block_on(async {
///     let mut file = File::create(&path).await?;
///     file.write_all(b"hello").await?;
///     file.flush().await?;
///
///     let mut text = String::new();
///     File::open(&path).await?.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello");
///     # std::fs::remove_file(path)?;
///     Ok(())
/// })
/// # }
/// ```
///
/// # Cancellation
///
/// A read or write that is given up loses nothing.
pub struct File(Unblock<fs::File>);

impl File {
    /// Opens a file that is there, to read.
    ///
    /// # Errors
    ///
    /// As [`std::fs::File::open`].
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        pool::run(move || fs::File::open(path)).await.map(Self::from)
    }

    /// Makes a file to write, or empties one that is there.
    ///
    /// # Errors
    ///
    /// As [`std::fs::File::create`].
    pub async fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        pool::run(move || fs::File::create(path)).await.map(Self::from)
    }

    /// The file itself, for what is not here: its length, its permissions, writing it to the disk. What was written is
    /// in it by then. After reads its position is anywhere behind them.
    ///
    /// # Errors
    ///
    /// Those of writes before it.
    ///
    /// # Cancellation
    ///
    /// Closes the file. What was written and not flushed may be lost.
    pub async fn into_std(mut self) -> io::Result<fs::File> {
        poll_fn(|cx| Pin::new(&mut self.0).poll_flush(cx)).await?;
        Ok(self.0.into_inner().await)
    }
}

impl From<fs::File> for File {
    /// A file that was opened by other means, for options that are not here.
    fn from(file: fs::File) -> Self {
        File(Unblock::with_capacity(AHEAD, file))
    }
}

impl AsyncRead for File {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for File {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        position: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.0).poll_seek(cx, position)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}
