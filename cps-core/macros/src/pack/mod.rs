//! `pack! { … }` in a body: a block whose locals share memory with those of the blocks beside it.
//!
//! rustc gives each local that lives over two awaits memory of its own in the frame. Two frames that are called one
//! after the other share memory. So the block becomes a coroutine of its own, called where it stands, which captures by
//! reference:
//!
//! ```text
//! {
//!     enum __CpsPack0<V, E0, E1> { Value(V), E0(E0), E1(E1) }           // the ways out: a variant for each that is used
//!     let packed = coroutine_block!(async { __CpsPack0::Value({ BLOCK }) }).unstarted();
//!     if false { drop(packed); let _ = (&outer, …); … }                 // an error if the block moves a variable
//!     match packed.await {
//!         __CpsPack0::Value(value) => value,
//!         __CpsPack0::E0(value) => return value,
//!         __CpsPack0::E1(value) => break 'outer value,
//!     }
//! }
//! ```
//!
//! What leads out of the block is written as what leads out of the coroutine: `return x` as `return __CpsPack0::E0(x)`.
//! Macros are left as they are. One that contains such a way out is an error; so is one that expands to one, since what
//! the coroutine returns is of a type that no other code has.
//!
//! A variable that is moved in the block would be dropped at the block's end if the move is not reached. So it is an
//! error: the coroutine would have captured it by value, and it could not be borrowed beside it.

mod exits;
mod scopes;
mod text;
mod walk;

use proc_macro2::TokenStream;
use syn::{Block, Error, Signature, Type};

use crate::pack::walk::Walk;

/// Replaces each `pack!` in a function's body; the errors are of those that cannot be. (One in a closure or an `async`
/// block is left, to be an error: the attribute leaves other bodies as they are.)
pub(crate) fn expand(
    sig: &Signature,
    block: &mut Block,
    krate: &TokenStream,
    output: Option<&Type>,
) -> Vec<Error> {
    if !may_pack(block) {
        return Vec::new();
    }
    let mut walk = Walk::new(krate, output);
    walk.declare_arguments(sig);
    walk.body(block);
    walk.errors
}

/// Most bodies have none, and are not walked through.
fn may_pack(block: &Block) -> bool {
    fn contains(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == walk::NAME,
            proc_macro2::TokenTree::Group(group) => contains(group.stream()),
            _ => false,
        })
    }
    contains(quote::ToTokens::to_token_stream(block))
}
