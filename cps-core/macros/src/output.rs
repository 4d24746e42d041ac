//! The output type of a function, as written and as it can be named in the body.

use proc_macro2::TokenStream;
use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Type, parse_quote};

/// The type in the signature. (`!` has no name on stable, but is what a function returns.)
pub(crate) fn declared(output: &ReturnType, krate: &TokenStream) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => match &**ty {
            Type::Never(never) => {
                parse_quote!(<fn() -> #never as #krate::__private::FnOutput>::Output)
            }
            other => other.clone(),
        },
    }
}

/// The type for a `let` in the body, where `impl Trait` is left to inference; `None` if nothing
/// remains.
pub(crate) fn nameable(output: &ReturnType, krate: &TokenStream) -> Option<Type> {
    let ty = inferred(declared(output, krate));
    (!matches!(ty, Type::Infer(_))).then_some(ty)
}

/// The type in a body, where `impl Trait` is left to inference.
pub(crate) fn inferred(mut ty: Type) -> Type {
    struct Infer;
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            match ty {
                // A macro may stand for `impl Trait`.
                Type::ImplTrait(_) | Type::Macro(_) => *ty = parse_quote!(_),
                _ => visit_mut::visit_type_mut(self, ty),
            }
        }
    }
    Infer.visit_type_mut(&mut ty);
    ty
}
