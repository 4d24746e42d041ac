//! The chapters of the language suite of `cps-core/tests/language` whose rules differ between editions (where
//! temporaries are dropped, what a closure and a return type capture, what a fragment of a macro matches), in the
//! edition of this package.
#![allow(missing_docs)]
#![allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    unused,
    double_negations,
    unreachable_pub,
    reason = "the bodies are all that the language permits, not only what is good style"
)]

// Formatted as parts of the suite itself, in its edition.
#[macro_use]
#[rustfmt::skip]
#[path = "../../language/harness.rs"]
mod harness;

macro_rules! chapters {
    ($($name:ident = $file:literal)*) => { $(
        #[path = $file]
        mod $name;
    )* };
}

chapters! {
    closures = "../../language/chapters/closures.rs"
    corners = "../../language/chapters/corners.rs"
    drops = "../../language/chapters/drops.rs"
    fragments = "../../language/chapters/fragments.rs"
    macros = "../../language/chapters/macros.rs"
    matching = "../../language/chapters/matching.rs"
    pack = "../../language/chapters/pack.rs"
    pack_functions = "../../language/chapters/pack_functions.rs"
    signatures = "../../language/chapters/signatures.rs"
    statements = "../../language/chapters/statements.rs"
}
