//! A file as a stream of bytes.

use std::fmt;
use std::fs;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncSeek, AsyncWrite};

use crate::pool::{self, Run};

/// Bytes that are read ahead or written behind, at most.
const AHEAD: usize = 1 << 18;
/// Bytes that are read at first.
const FIRST: usize = 1 << 13;

/// A file as a stream of bytes, by the traits of [`futures_io`].
///
/// A thread of the pool reads ahead of it, and writes behind: what was written is in the file after a flush or a close
/// (`futures::AsyncWriteExt::flush`), which also gives the errors of writes. Without it the last bytes are lost. It works
/// on any executor.
///
/// After reads, a seek says where to write: the thread has read on meanwhile. (Seeks know where the reader is.)
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
pub struct File {
    place: Place,
    buffer: Vec<u8>,
    content: Content,
}

/// What is in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Nothing,
    /// What was read, of which so many bytes were given. Without any it is the end of the file, of which nobody has heard.
    Read(usize),
    /// What is to be written.
    Written,
}

/// Where the file is.
enum Place {
    Here(fs::File),
    /// A thread of the pool reads it or writes to it.
    There(Run<Operation, Done>),
    /// Nowhere: a thread has panicked.
    Lost,
}

type Operation = Box<dyn FnOnce() -> Done + Send>;

/// What a thread gives back.
struct Done {
    file: fs::File,
    buffer: Vec<u8>,
    result: io::Result<()>,
}

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
        poll_fn(|cx| Pin::new(&mut self).poll_flush(cx)).await?;
        match self.place {
            Place::Here(file) => Ok(file),
            Place::There(_) | Place::Lost => Err(lost()),
        }
    }

    /// Has a thread do something with the file, which is here, and with the buffer.
    fn send(
        &mut self,
        operation: impl FnOnce(&mut fs::File, &mut Vec<u8>) -> io::Result<()> + Send + 'static,
    ) {
        self.place = match std::mem::replace(&mut self.place, Place::Lost) {
            Place::Here(mut file) => {
                let mut buffer = std::mem::take(&mut self.buffer);
                Place::There(pool::run(Box::new(move || {
                    let result = operation(&mut file, &mut buffer);
                    Done { file, buffer, result }
                })))
            }
            place => place,
        };
    }

    /// Waits until the file is here.
    fn poll_here(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut fs::File>> {
        if let Place::There(run) = &mut self.place {
            // A panic leaves the file lost.
            let done = ready!(Pin::new(run).poll(cx));
            (self.place, self.buffer) = (Place::Here(done.file), done.buffer);
            let is_read = self.content == Content::Nothing && done.result.is_ok();
            self.content = if is_read { Content::Read(0) } else { Content::Nothing };
            done.result?;
        }
        match &mut self.place {
            Place::Here(file) => Poll::Ready(Ok(file)),
            Place::There(_) | Place::Lost => Poll::Ready(Err(lost())),
        }
    }

    /// Waits until what is to be written is in the file, which is here then.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut fs::File>> {
        ready!(self.poll_here(cx))?;
        if self.content == Content::Written {
            self.send(|file, buffer| file.write_all(buffer));
        }
        self.poll_here(cx)
    }

    /// Takes what there is room for, from the front.
    fn take(&mut self, data: &[u8]) -> usize {
        if self.content != Content::Written {
            self.buffer.clear();
            self.content = Content::Written;
        }
        let taken = data.len().min(AHEAD - self.buffer.len());
        self.buffer.extend_from_slice(&data[..taken]);
        taken
    }
}

fn lost() -> io::Error {
    io::Error::other("the file was lost by a panic")
}

/// Reads ahead: more each time, as long as so much is there.
fn fill(file: &mut fs::File, buffer: &mut Vec<u8>) -> io::Result<()> {
    let room = (4 * buffer.len()).clamp(FIRST, AHEAD);
    buffer.resize(room, 0);
    let read = loop {
        match file.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read,
        }
    };
    buffer.truncate(*read.as_ref().unwrap_or(&0));
    read.map(drop)
}

impl From<fs::File> for File {
    /// A file that was opened by other means, for options that are not here.
    fn from(file: fs::File) -> Self {
        File { place: Place::Here(file), buffer: Vec::new(), content: Content::Nothing }
    }
}

impl AsyncRead for File {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_written(cx))?;
        if self.content == Content::Nothing {
            self.send(fill);
            ready!(self.poll_here(cx))?;
        }
        let Content::Read(given) = self.content else { return Poll::Ready(Err(lost())) };
        let rest = &self.buffer[given..];
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.content =
            if read == rest.len() { Content::Nothing } else { Content::Read(given + read) };
        Poll::Ready(Ok(read))
    }
}

impl AsyncWrite for File {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_here(cx))?;
        if self.content == Content::Written && self.buffer.len() == AHEAD {
            ready!(self.poll_written(cx))?;
        }
        Poll::Ready(Ok(data.iter().map(|data| self.take(data)).sum()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx).map_ok(drop)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        position: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        ready!(self.poll_written(cx))?;
        let left = match self.content {
            Content::Read(given) => self.buffer.len() - given,
            _ => 0,
        };
        let position = match position {
            // From where the reader is.
            SeekFrom::Current(offset) => SeekFrom::Current(offset.saturating_sub(left as i64)),
            position => position,
        };
        // Here and now: no system waits for the disk.
        let position = ready!(self.poll_here(cx))?.seek(position)?;
        self.content = Content::Nothing;
        Poll::Ready(Ok(position))
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}
