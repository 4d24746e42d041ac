//! The lookups of `prefetch`.

use std::rc::Rc;

use anyhow::Result;
use lab_work::prefetch::{self, Lookups, Table, Way, chained, cycle, tree};
use libloading::{Library, Symbol};

/// What all functions for lookups begin with: a table, where its length is not said otherwise with that. What
/// they end with: inputs, outputs, how many, how many at a time.
type BsearchFn = unsafe extern "C" fn(*const i32, usize, u32, *const u64, *mut u64, usize, usize);
type ChaseFn =
    unsafe extern "C" fn(*const cycle::Node, usize, u32, *const u64, *mut u64, usize, usize);
type HashFn = unsafe extern "C" fn(
    *const u32,
    *const chained::Node,
    usize,
    u32,
    *const u64,
    *mut u64,
    usize,
    usize,
);
type BtreeFn = unsafe extern "C" fn(
    *const tree::Inner,
    *const tree::Leaf,
    usize,
    u32,
    u32,
    u32,
    *const u64,
    *mut u64,
    usize,
    usize,
);

/// The functions of a loaded library. They keep state in globals, so only one thread may call them;
/// strategies and their lookups hold this by `Rc` and so stay on the thread that loaded it.
pub(crate) struct LookupPeer {
    bsearch: BsearchFn,
    chase: ChaseFn,
    hash: HashFn,
    btree: BtreeFn,
    /// Keeps the functions mapped.
    _library: Library,
}

impl LookupPeer {
    pub(crate) fn new(loaded: Library) -> Result<Self> {
        // SAFETY: the types are those of the definitions in the sources of all peers, and the library is kept with
        // the functions.
        let (bsearch, chase, hash, btree) = unsafe {
            let bsearch: Symbol<'_, BsearchFn> = loaded.get(b"lab_bsearch\0")?;
            let chase: Symbol<'_, ChaseFn> = loaded.get(b"lab_chase\0")?;
            let hash: Symbol<'_, HashFn> = loaded.get(b"lab_hash\0")?;
            let btree: Symbol<'_, BtreeFn> = loaded.get(b"lab_btree\0")?;
            (*bsearch, *chase, *hash, *btree)
        };
        Ok(Self { bsearch, chase, hash, btree, _library: loaded })
    }

    /// The lookups in groups; not one after the other, which is `naive`.
    pub(crate) fn lookups(peer: &Rc<Self>, way: Way) -> Option<Lookups> {
        let peer = Rc::clone(peer);
        (way.group > 0).then(|| {
            prefetch::lookups(move |table, inputs, outputs| {
                peer.search(table, way, inputs, outputs);
            })
        })
    }

    /// Looks all inputs up.
    fn search(&self, table: &Table, way: Way, inputs: &[u64], outputs: &mut [u64]) {
        let Way { group, call_depth } = way;
        let (count, inputs) = (inputs.len().min(outputs.len()), inputs.as_ptr());
        let outputs = outputs.as_mut_ptr();
        // Each function below reads its table by a layout that both sides assert; `count` inputs and outputs are valid;
        // the depths are those that the peer has; and no other call into it is running.
        match table {
            Table::Bsearch(values) => {
                let (values, depth) = (&values[..], call_depth.unwrap_or(1));
                let (start, length) = (values.as_ptr(), values.len());
                // SAFETY: as said above, for sorted values.
                unsafe { (self.bsearch)(start, length, depth, inputs, outputs, count, group) };
            }
            Table::Chase(nodes) => {
                let (nodes, length) = (nodes.as_ptr(), nodes.len());
                // SAFETY: as said above, for the nodes of a cycle.
                unsafe { (self.chase)(nodes, length, cycle::HOPS, inputs, outputs, count, group) };
            }
            Table::Hash(table) => {
                let (heads, nodes, shift) = table.view().parts();
                let (heads, nodes, length) = (heads.as_ptr(), nodes.as_ptr(), nodes.len());
                // SAFETY: as said above, for a chained table, which has a head for each hash.
                unsafe { (self.hash)(heads, nodes, length, shift, inputs, outputs, count, group) };
            }
            Table::Btree(tree) => {
                let tree = tree.view();
                let (nodes, leaves) = tree.parts();
                let (nodes, leaves, length) = (nodes.as_ptr(), leaves.as_ptr(), leaves.len());
                let (root, height) = (tree.root(), tree.height);
                let depth = call_depth.unwrap_or(0);
                // SAFETY: as said above, for a tree, whose root is the last of its inner nodes.
                unsafe {
                    (self.btree)(
                        nodes, leaves, length, root, height, depth, inputs, outputs, count, group,
                    );
                }
            }
        }
    }
}
