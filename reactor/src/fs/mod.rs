//! Files, on a thread of a pool.
//!
//! The systems have no event queue for files on disks: each operation blocks a thread. What is here does for whole
//! files and for streams; [`spawn_blocking`](crate::spawn_blocking) takes any function of [`std::fs`], and is faster
//! for several of them in a row.

#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::Path;

use crate::pool;

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

mod stream;

pub use stream::File;
