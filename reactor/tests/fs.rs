//! Files on the pool of threads.

#![cfg(not(loom))]

use std::io::{ErrorKind, SeekFrom};
use std::path::PathBuf;
use std::task::Poll;

use futures::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use reactor::fs::{self, File};
use reactor::{Builder, block_on};

/// A file that is removed with it.
struct Path(PathBuf);

impl Path {
    fn new(name: &str) -> Self {
        Path(std::env::temp_dir().join(format!("reactor-fs-{}-{name}", std::process::id())))
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl AsRef<std::path::Path> for Path {
    fn as_ref(&self) -> &std::path::Path {
        &self.0
    }
}

#[test]
fn whole_files() {
    let path = Path::new("whole");
    block_on(async {
        assert_eq!(fs::read(&path).await.unwrap_err().kind(), ErrorKind::NotFound);
        fs::write(&path, "hello").await.unwrap();
        fs::write(&path, [0xff, 0xfe]).await.unwrap();
        assert_eq!(fs::read(&path).await.unwrap(), [0xff, 0xfe]);
        assert_eq!(fs::read_to_string(&path).await.unwrap_err().kind(), ErrorKind::InvalidData);
    });
}

#[test]
fn a_file_larger_than_what_is_read_ahead() {
    let path = Path::new("large");
    let data: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let runtime = Builder::new().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let mut file = File::create(&path).await.unwrap();
        file.write_all(&data).await.unwrap();
        file.close().await.unwrap();
        let mut read = Vec::new();
        File::open(&path).await.unwrap().read_to_end(&mut read).await.unwrap();
        assert!(read == data);
    });
}

#[test]
fn a_seek_after_reads_says_where() {
    let path = Path::new("seek");
    block_on(async {
        fs::write(&path, "hello world").await.unwrap();
        let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let mut file = File::from(file);
        let mut text = [0; 5];
        file.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"hello");
        assert_eq!(file.seek(SeekFrom::Start(6)).await.unwrap(), 6);
        file.write_all(b"there").await.unwrap();
        let length = file.into_std().await.unwrap().metadata().unwrap().len();
        assert_eq!(length, 11);
        assert_eq!(fs::read_to_string(&path).await.unwrap(), "hello there");
    });
}

#[test]
fn a_seek_from_the_current_position_is_from_where_the_reader_is() {
    let path = Path::new("current");
    block_on(async {
        fs::write(&path, "hello world").await.unwrap();
        let mut file = File::open(&path).await.unwrap();
        let mut text = [0; 5];
        file.read_exact(&mut text).await.unwrap();
        assert_eq!(
            file.seek(SeekFrom::Current(-20)).await.unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        assert_eq!(file.seek(SeekFrom::Current(1)).await.unwrap(), 6);
        file.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"world");
        // The end is told each time, and what is appended meanwhile is read.
        assert_eq!(file.read(&mut text).await.unwrap(), 0);
        assert_eq!(file.read(&mut text).await.unwrap(), 0);
        std::fs::write(&path, "hello world!").unwrap();
        assert_eq!(file.read(&mut text).await.unwrap(), 1);
    });
}

#[test]
fn reads_and_writes_take_turns_and_may_be_given_up() {
    let path = Path::new("turns");
    let options = || {
        let file =
            std::fs::File::options().read(true).write(true).create(true).truncate(true).open(&path);
        File::from(file.unwrap())
    };
    // A future that is polled once and dropped.
    async fn once<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
    block_on(async {
        let mut file = options();
        let data: Vec<u8> = (0..600_000_u32).map(|number| (number % 241) as u8).collect();
        let mut written = 0;
        while written < data.len() {
            // What is given up has written nothing.
            let piece = data.len().min(written + 70_000);
            if let Some(count) = once(file.write(&data[written..piece])).await {
                written += count.unwrap();
            }
        }
        once(file.flush()).await;
        assert_eq!(file.seek(SeekFrom::Current(0)).await.unwrap(), 600_000);
        file.seek(SeekFrom::Start(0)).await.unwrap();
        let mut read = Vec::new();
        let mut piece = [0; 7_000];
        while read.len() < data.len() {
            match once(file.read(&mut piece)).await {
                Some(count) => read.extend_from_slice(&piece[..count.unwrap()]),
                None => reactor::sleep(std::time::Duration::from_micros(10)).await,
            }
        }
        assert!(read == data);
        assert_eq!(file.seek(SeekFrom::Start(3)).await.unwrap(), 3);
        file.write_all(b"abc").await.unwrap();
        let mut next = [0; 2];
        file.read_exact(&mut next).await.unwrap();
        assert_eq!(next, [6, 7]);
        drop(file.into_std().await.unwrap());
        assert_eq!(&std::fs::read(&path).unwrap()[..7], [0, 1, 2, b'a', b'b', b'c', 6]);
    });
}

#[test]
fn the_errors_of_writes_come_with_the_flush() {
    let path = Path::new("read-only");
    block_on(async {
        fs::write(&path, "").await.unwrap();
        for is_flushed in [true, false] {
            let mut file = File::open(&path).await.unwrap();
            let _ = file.write_all(b"it cannot be written").await;
            let result =
                if is_flushed { file.flush().await } else { file.into_std().await.map(drop) };
            assert!(result.is_err());
        }
    });
}
