//! The lookups as coroutines: one text for `nested` and `direct`, which differ by an attribute only.
//! Whether and how a lookup suspends is its policy's choice.

/// Defines a coroutine for each kind of table, with the attributes given: `bsearch`, `chase`,
/// `hash`, `btree_flat`.
///
/// The names that they use must be in scope.
macro_rules! lookups {
    ($(#[$attribute:meta])*) => {
        $(#[$attribute])*
        pub(crate) async fn bsearch<P: Policy>(values: &[i32], key: u64, policy: P) -> u64 {
            let mut search = sorted::Search::new(values, key);
            while let Some(probe) = search.probe() {
                policy.prefetch_read(probe).await;
                search.step();
            }
            search.result(values)
        }

        $(#[$attribute])*
        async fn chase<P: Policy>(nodes: &[cycle::Node], start: u64, policy: P) -> u64 {
            let mut at = start as u32;
            for _ in 0..cycle::HOPS {
                policy.prefetch_read(&raw const nodes[at as usize]).await;
                at = cycle::next(nodes, at);
            }
            at.into()
        }

        $(#[$attribute])*
        pub(crate) async fn hash<P: Policy>(table: chained::View<'_>, key: u64, policy: P) -> u64 {
            let head = table.head(key);
            policy.prefetch_read(&raw const *head).await;
            let mut next = *head;
            while let Some(node) = table.node(next) {
                policy.prefetch_read(&raw const *node).await;
                if node.key == key {
                    return node.value;
                }
                next = node.next;
            }
            chained::NONE.into()
        }

        $(#[$attribute])*
        pub(crate) async fn btree_flat<P: Policy>(tree: tree::View<'_>, key: u64, policy: P) -> u64 {
            let mut number = tree.root();
            for _ in 0..tree.height {
                let node = tree.inner(number);
                policy.prefetch_read_range(node.separators.as_ptr(), node.separators.len(), Locality::T0).await;
                number = node.child(key);
            }
            let leaf = tree.leaf(number);
            policy.prefetch_read_range(leaf.keys.as_ptr(), leaf.keys.len(), Locality::T0).await;
            let Some(slot) = leaf.slot(key) else { return tree::NONE };
            let value = &leaf.values[slot];
            policy.prefetch_read(&raw const *value).await;
            *value
        }
    };
}

/// Defines `btree`, which descends by calls that suspend at depth 5, with the attributes given. `placed` is what stands
/// between each callee and its `.await`, as in the unrolled chain.
macro_rules! descent {
    ($(#[$attribute:meta])* placed = [$($placed:tt)*]) => {
        $(#[$attribute])*
        pub(crate) async fn btree<P: Policy>(tree: tree::View<'_>, key: u64, policy: P) -> u64 {
            descend(tree, key, policy)$($placed)*.await
        }

        $(#[$attribute])*
        #[inline(always)]
        async fn descend<P: Policy>(tree: tree::View<'_>, key: u64, policy: P) -> u64 {
            let mut number = tree.root();
            for _ in 0..tree.height {
                number = node(tree.inner(number), key, policy)$($placed)*.await;
            }
            leaf(tree.leaf(number), key, policy)$($placed)*.await
        }

        $(#[$attribute])*
        async fn node<P: Policy>(node: &tree::Inner, key: u64, policy: P) -> u32 {
            child(node, key, policy)$($placed)*.await
        }

        $(#[$attribute])*
        async fn child<P: Policy>(node: &tree::Inner, key: u64, policy: P) -> u32 {
            separators(node, policy)$($placed)*.await;
            node.child(key)
        }

        $(#[$attribute])*
        async fn separators<P: Policy>(node: &tree::Inner, policy: P) {
            policy.prefetch_read_range(node.separators.as_ptr(), node.separators.len(), Locality::T0).await
        }

        $(#[$attribute])*
        async fn leaf<P: Policy>(leaf: &tree::Leaf, key: u64, policy: P) -> u64 {
            match slot(leaf, key, policy)$($placed)*.await {
                Some(slot) => value(&leaf.values[slot], policy)$($placed)*.await,
                None => tree::NONE,
            }
        }

        $(#[$attribute])*
        async fn slot<P: Policy>(leaf: &tree::Leaf, key: u64, policy: P) -> Option<usize> {
            keys(leaf, policy)$($placed)*.await;
            leaf.slot(key)
        }

        $(#[$attribute])*
        async fn keys<P: Policy>(leaf: &tree::Leaf, policy: P) {
            policy.prefetch_read_range(leaf.keys.as_ptr(), leaf.keys.len(), Locality::T0).await
        }

        $(#[$attribute])*
        async fn value<P: Policy>(value: &u64, policy: P) -> u64 {
            line(value, policy)$($placed)*.await;
            *value
        }

        $(#[$attribute])*
        async fn line<P: Policy>(value: &u64, policy: P) {
            policy.prefetch_read(&raw const *value).await
        }
    };
}

/// Defines `level2` … `level16` above `$flat`, each with the attributes given: chains of so many
/// coroutines, the innermost of which does the whole lookup. `placed` is as above.
macro_rules! levels {
    ($(#[$attribute:meta])* placed = $placed:tt $flat:ident in $table:ty) => {
        $crate::bodies::levels! { @levels [$(#[$attribute])*] $placed $table;
            level2 $flat, level3 level2, level4 level3, level5 level4, level6 level5,
            level7 level6, level8 level7, level9 level8, level10 level9, level11 level10,
            level12 level11, level13 level12, level14 level13, level15 level14, level16 level15,
        }
    };
    (@levels $attributes:tt $placed:tt $table:ty; $($name:ident $next:ident,)*) => {
        $($crate::bodies::levels! { @level $attributes $placed $table; $name $next })*
    };
    (@level [$(#[$attribute:meta])*] [$($placed:tt)*] $table:ty; $name:ident $next:ident) => {
        $(#[$attribute])*
        pub(crate) async fn $name<P: Policy>(table: $table, input: u64, policy: P) -> u64 {
            ::lab_work::drive::opaque($next(table, input, policy)$($placed)*.await)
        }
    };
}

/// Invokes `$run!` with the coroutine function of `$levels`, a module with [`levels`], for a call
/// depth of two or more.
macro_rules! with_depth {
    ($depth:expr, $levels:ident, $run:ident!($($arguments:tt)*)) => {
        match $depth {
            2 => $run!($levels::level2, $($arguments)*),
            4 => $run!($levels::level4, $($arguments)*),
            5 => $run!($levels::level5, $($arguments)*),
            8 => $run!($levels::level8, $($arguments)*),
            16 => $run!($levels::level16, $($arguments)*),
            other => unreachable!("no chain of {other}"),
        }
    };
}

pub(crate) use {descent, levels, lookups, with_depth};
