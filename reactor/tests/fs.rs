//! Files on the pool of threads.

#![cfg(not(loom))]

use std::io::{ErrorKind, SeekFrom};
use std::path::PathBuf;

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
