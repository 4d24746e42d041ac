//! The ways out of a block that is packed: variants of an enum of its own.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::{Ident, Lifetime};

use crate::expansion::hidden;

/// A way out of a block.
#[derive(Clone, PartialEq)]
pub(crate) enum Exit {
    /// `return`, with or without a value, and `?`.
    Return,
    /// To this label, or out of the innermost loop.
    Break {
        label: Option<Lifetime>,
        has_value: bool,
    },
    Continue {
        label: Option<Lifetime>,
    },
}

impl Exit {
    fn has_value(&self) -> bool {
        match self {
            Exit::Return => true,
            Exit::Break { has_value, .. } => *has_value,
            Exit::Continue { .. } => false,
        }
    }

    /// The way out, where the block stands.
    fn taken(&self, value: &Ident) -> TokenStream {
        let span = Span::mixed_site();
        match self {
            Exit::Return => quote_spanned!(span=> return #value),
            Exit::Break { label, has_value } => {
                let value = has_value.then_some(value);
                quote_spanned!(span=> break #label #value)
            }
            Exit::Continue { label } => quote_spanned!(span=> continue #label),
        }
    }
}

/// The ways out that a block uses.
pub(crate) struct Exits {
    /// How many other blocks this one is in.
    depth: usize,
    used: Vec<Exit>,
}

impl Exits {
    pub(crate) fn new(depth: usize) -> Self {
        Exits { depth, used: Vec::new() }
    }

    /// The enum. A block in another has another one: where the inner one is left, both are in scope.
    pub(crate) fn name(&self) -> Ident {
        Ident::new(&format!("__CpsPack{}", self.depth), Span::mixed_site())
    }

    fn parameter(index: usize) -> Ident {
        format_ident!("E{index}", span = Span::mixed_site())
    }

    /// Leaves the block, within it.
    pub(crate) fn leave(
        &mut self,
        exit: Exit,
        value: Option<TokenStream>,
        span: Span,
    ) -> TokenStream {
        let index = self.used.iter().position(|used| *used == exit).unwrap_or_else(|| {
            self.used.push(exit);
            self.used.len() - 1
        });
        let (name, variant) = (self.name(), Self::parameter(index));
        let value = value.map(|value| quote_spanned!(span=> (#value)));
        quote_spanned!(span=> return #name::#variant #value)
    }

    /// The enum's definition.
    pub(crate) fn definition(&self) -> TokenStream {
        let span = Span::mixed_site();
        let name = self.name();
        let with_value = || self.used.iter().enumerate().filter(|(_, exit)| exit.has_value());
        let parameters = with_value().map(|(index, _)| Self::parameter(index));
        let variants = self.used.iter().enumerate().map(|(index, exit)| {
            let variant = Self::parameter(index);
            let field = exit.has_value().then(|| quote_spanned!(span=> (#variant)));
            quote_spanned!(span=> #variant #field)
        });
        quote_spanned! {span=>
            #[allow(dead_code)]
            enum #name<__Value #(, #parameters)*> {
                Value(__Value) #(, #variants)*
            }
        }
    }

    /// For each way out its variant's pattern, and the expression that takes it where the block stands.
    pub(crate) fn arms(&self) -> Vec<(TokenStream, TokenStream)> {
        let span = Span::mixed_site();
        let (name, value) = (self.name(), hidden("__cps_value"));
        let arm = |(index, exit): (usize, &Exit)| {
            let variant = Self::parameter(index);
            let field = exit.has_value().then(|| quote_spanned!(span=> (#value)));
            (quote_spanned!(span=> #name::#variant #field), exit.taken(&value))
        };
        self.used.iter().enumerate().map(arm).collect()
    }
}
