//! Generators: bodies that yield.
//!
//! An ordered map as an unbalanced search tree, whose `range` is a recursive function and an iterator at
//! once; and all files of a remote directory, whose listings come in pages, as a stream. Both delegate to
//! themselves, and the next item costs the same at any depth.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::pin::pin;
use std::time::Duration;

use cps_core::{cps, yield_, yield_from};

/// An ordered map.
struct Map<K, V> {
    root: Link<K, V>,
}

type Link<K, V> = Option<Box<Node<K, V>>>;

struct Node<K, V> {
    key: K,
    value: V,
    less: Link<K, V>,
    greater: Link<K, V>,
}

impl<K: Ord, V> Map<K, V> {
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        let mut link = &mut self.root;
        while let Some(node) = link {
            link = match key.cmp(&node.key) {
                Ordering::Less => &mut node.less,
                Ordering::Greater => &mut node.greater,
                Ordering::Equal => return Some(std::mem::replace(&mut node.value, value)),
            };
        }
        *link = Some(Box::new(Node { key, value, less: None, greater: None }));
        None
    }

    /// The entries whose keys are in `range`, in order.
    #[cps(yields = (&'m K, &'m V))]
    fn range<'m>(&'m self, range: impl RangeBounds<K>) {
        yield_from(in_range(&self.root, &range)).await;
    }
}

/// Looks only at subtrees that may have keys in the range.
#[cps(yields = (&'m K, &'m V), elision = "stack")]
fn in_range<'m, K: Ord, V>(link: &'m Link<K, V>, range: &impl RangeBounds<K>) {
    let Some(node) = link else { return };
    let above_start = match range.start_bound() {
        Bound::Included(start) => node.key >= *start,
        Bound::Excluded(start) => node.key > *start,
        Bound::Unbounded => true,
    };
    let below_end = match range.end_bound() {
        Bound::Included(end) => node.key <= *end,
        Bound::Excluded(end) => node.key < *end,
        Bound::Unbounded => true,
    };
    if above_start {
        yield_from(in_range(&node.less, range)).await;
    }
    if above_start && below_end {
        yield_((&node.key, &node.value)).await;
    }
    if below_end {
        yield_from(in_range(&node.greater, range)).await;
    }
}

// Links are dropped one by one: a tree may be as deep as it is large.
impl<K, V> Drop for Map<K, V> {
    fn drop(&mut self) {
        let mut links = vec![self.root.take()];
        while let Some(link) = links.pop() {
            if let Some(mut node) = link {
                links.extend([node.less.take(), node.greater.take()]);
            }
        }
    }
}

/// A file server that lists directories in pages of two entries.
struct Server {
    directories: BTreeMap<&'static str, Vec<Entry>>,
}

#[derive(Clone, Copy)]
enum Entry {
    File(&'static str),
    Directory(&'static str),
}

impl Server {
    async fn list(&self, directory: &str, page: usize) -> io::Result<&[Entry]> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let entries = self.directories.get(directory).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no directory {directory}"))
        })?;
        Ok(entries.chunks(2).nth(page).unwrap_or(&[]))
    }
}

/// All files below a directory. A page is asked for when the files before it have been taken.
#[cps(yields = &'static str, elision = "stack")]
async fn files(server: &Server, directory: &'static str) -> io::Result<()> {
    for page in 0.. {
        let entries = server.list(directory, page).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            match *entry {
                Entry::File(name) => yield_(name).await,
                Entry::Directory(name) => yield_from(files(server, name)).await?,
            }
        }
    }
    Ok(())
}

async fn print_files(server: &Server, root: &'static str, at_most: usize) {
    let mut files = pin!(files(server, root).into_root());
    for _ in 0..at_most {
        match files.next().await {
            Some(Ok(name)) => println!("{root}: {name}"),
            Some(Err(error)) => println!("{root}: {error}"),
            None => return println!("{root}: the end"),
        }
    }
    println!("{root}: enough");
}

fn main() -> io::Result<()> {
    let mut map = Map { root: None };
    // Scattered, and then ascending: most of the tree is one long path.
    let scattered = (0..1000u64).map(|n| n * 617 % 1000);
    for key in scattered.chain(1000..5000) {
        assert!(map.insert(key, key * key).is_none());
    }
    let squares: Vec<_> =
        map.range(7..10).into_iter().map(|(key, square)| (*key, *square)).collect();
    println!("squares from 7 to 9: {squares:?}");
    println!("keys above 4000: {}", map.range(4001..).into_iter().count());
    println!("the last key: {:?}", map.range(..).into_iter().last().map(|(key, _)| key));

    use Entry::{Directory, File};
    let server = Server {
        directories: BTreeMap::from([
            ("home", vec![File("notes"), Directory("photos"), File("todo")]),
            ("photos", vec![File("cat"), File("dog"), File("owl")]),
            ("mail", vec![File("inbox"), Directory("archive"), File("sent")]),
        ]),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        print_files(&server, "home", 10).await;
        print_files(&server, "home", 2).await;
        print_files(&server, "mail", 10).await;
    });
    Ok(())
}
