//! Breadth-first search.

use cps_core::cps;
use std::cell::{Cell, RefCell};
use std::mem;

use cps_core::interleave::{Interleave, sequential};
use cps_core::prefetch::{
    Interleaved, Locality, Policy, Sequential, prefetch_read, prefetch_write,
};

use super::load;

/// The distance of a vertex that there is no path to.
pub const UNREACHED: u32 = u32::MAX;

/// How many neighbours' distances are asked for at a time: as many as the core has requests
/// outstanding, so that a vertex of high degree does not suspend for each edge.
const NEIGHBOURS: usize = 8;

/// How many vertices are expanded at a time.
const GROUP: usize = 8;

/// A directed graph in compressed sparse rows: the targets of `v`'s edges are
/// `targets[offsets[v]..offsets[v + 1]]`.
#[derive(Debug)]
pub struct Graph {
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

/// What a search has found so far. Shared by the coroutines that expand its vertices; they run in
/// one thread, and never suspend in the middle of a change.
struct Search {
    distances: Vec<Cell<u32>>,
    next: RefCell<Vec<u32>>,
}

impl Graph {
    /// The graph of these edges, from and to vertices below `vertices`.
    ///
    /// # Panics
    /// If an edge has an end that is not a vertex, or there are 2³² of either.
    pub fn from_edges(vertices: usize, edges: &[(u32, u32)]) -> Self {
        u32::try_from(vertices).expect("too many vertices");
        u32::try_from(edges.len()).expect("too many edges");
        let mut offsets = vec![0; vertices + 1];
        for (from, to) in edges {
            assert!((*to as usize) < vertices, "there is no vertex {to}");
            offsets[*from as usize + 1] += 1;
        }
        for vertex in 0..vertices {
            offsets[vertex + 1] += offsets[vertex];
        }
        let mut at = offsets.clone();
        let mut targets = vec![0; edges.len()];
        for (from, to) in edges {
            let at = &mut at[*from as usize];
            targets[*at as usize] = *to;
            *at += 1;
        }
        Graph { offsets, targets }
    }

    /// How many edges lead from `source` to each vertex at least, or [`UNREACHED`].
    ///
    /// # Panics
    /// If `source` is not a vertex.
    pub fn distances(&self, source: u32) -> Vec<u32> {
        self.search(source, |frontier, search, distance| {
            let expand = |vertex| self.expand(vertex, search, distance, Sequential);
            sequential(frontier, expand, |_, ()| {});
        })
    }

    /// [`Graph::distances`] with the vertices of a level interleaved.
    ///
    /// # Panics
    /// As [`Graph::distances`].
    pub fn distances_interleaved(&self, source: u32) -> Vec<u32> {
        self.search(source, |frontier, search, distance| {
            let expand = |vertex| self.expand(vertex, search, distance, Interleaved);
            Interleave::<GROUP>::run(frontier, expand, |_, ()| {});
        })
    }

    /// Searches level by level: `expand` is given the vertices of one and the distance of the next.
    fn search(
        &self,
        source: u32,
        mut expand: impl FnMut(std::vec::Drain<'_, u32>, &Search, u32),
    ) -> Vec<u32> {
        let vertices = self.offsets.len() - 1;
        let search = Search {
            distances: vec![Cell::new(UNREACHED); vertices],
            next: RefCell::new(vec![source]),
        };
        search.distances[source as usize].set(0);
        let mut frontier = Vec::new();
        for distance in 1.. {
            mem::swap(&mut frontier, &mut search.next.borrow_mut());
            if frontier.is_empty() {
                break;
            }
            expand(frontier.drain(..), &search, distance);
        }
        search.distances.into_iter().map(Cell::into_inner).collect()
    }

    /// Reaches the neighbours of a vertex.
    #[cps]
    async fn expand<P: Policy>(&self, vertex: u32, search: &Search, distance: u32, policy: P) {
        let neighbours = self.neighbours(vertex, policy).await;
        for some in neighbours.chunks(NEIGHBOURS) {
            search.reach(some, distance, policy).await;
        }
    }

    /// The neighbours of a vertex, in the cache.
    #[cps]
    async fn neighbours<P: Policy>(&self, vertex: u32, policy: P) -> &[u32] {
        let offsets = &self.offsets[vertex as usize..];
        let start = load(&offsets[0], policy).await as usize;
        let neighbours = &self.targets[start..offsets[1] as usize];
        if !neighbours.is_empty() {
            let length = neighbours.len().min(NEIGHBOURS);
            policy.prefetch_read_range(neighbours.as_ptr(), length, Locality::T0).await;
        }
        neighbours
    }
}

impl Search {
    /// Gives the vertices their distance if they were not reached before.
    #[cps]
    async fn reach<P: Policy>(&self, vertices: &[u32], distance: u32, policy: P) {
        policy
            .prefetch(|| {
                for vertex in vertices {
                    prefetch_write(&self.distances[*vertex as usize]);
                }
                prefetch_read(vertices)
            })
            .await;
        for vertex in vertices {
            let entry = &self.distances[*vertex as usize];
            if entry.get() == UNREACHED {
                entry.set(distance);
                self.next.borrow_mut().push(*vertex);
            }
        }
    }
}
