//! `#[cps(instrument(…))]`, and `#[instrument(…)]` below the attribute: the arguments of `tracing`'s attribute, and the
//! body in the span that they describe.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Error, Expr, FnArg, ItemFn, LitInt, LitStr, Meta, Pat, Path, Token, Type,
    parenthesized, token,
};

use crate::output;

/// The arguments in the parentheses.
#[derive(Clone, Default)]
pub(crate) struct Instrument {
    /// The attribute itself, if it was one.
    path: Option<Path>,
    name: Option<TokenStream>,
    target: Option<TokenStream>,
    parent: Option<Expr>,
    level: Option<Level>,
    skip: Vec<Ident>,
    skip_all: bool,
    fields: Punctuated<Field, Token![,]>,
    err: Option<Event>,
    ret: Option<Event>,
}

/// When a value is returned.
#[derive(Clone, Default)]
struct Event {
    level: Option<Level>,
    /// `%` or `?`.
    format: Option<TokenStream>,
}

#[derive(Clone)]
enum Level {
    Name(Ident),
    Path(Path),
}

/// As in `span!`: `a.b = %value`, or `?a`.
#[derive(Clone)]
struct Field {
    format: Option<TokenStream>,
    name: FieldName,
    value: Option<(Option<TokenStream>, Expr)>,
}

#[derive(Clone)]
enum FieldName {
    Path(Punctuated<Ident, Token![.]>),
    Text(LitStr),
}

impl Instrument {
    /// The option that stands for the attribute `#[instrument(…)]`.
    pub(crate) fn option(attr: &Attribute) -> syn::Result<TokenStream> {
        let (path, arguments) = (
            attr.path(),
            match &attr.meta {
                Meta::Path(_) => TokenStream::new(),
                Meta::List(list) => list.tokens.clone(),
                Meta::NameValue(other) => {
                    return Err(Error::new_spanned(other, "expected `#[instrument(…)]`"));
                }
            },
        );
        Ok(quote!(instrument(__path = #path, #arguments)))
    }

    /// Makes the function's body run in the span.
    pub(crate) fn wrap(&self, function: &mut ItemFn, krate: &TokenStream) -> syn::Result<()> {
        require_feature(cfg!(feature = "tracing"), &function.sig.ident)?;
        let span = Span::mixed_site();
        let tracing = quote_spanned!(span=> #krate::__private::tracing);
        let new_span = self.span(function, &tracing)?;
        let output = output::nameable(&function.sig.output, krate);
        let hint = output.as_ref().map(|ty| quote_spanned!(span=> , __output = #ty));
        let on_return = self.on_return(output.as_ref(), &tracing);
        // The import of the attribute counts as used, though the attribute is removed.
        let used = self.path.as_ref().map(|path| {
            quote_spanned! {span=>
                #[allow(unused_imports)]
                use #path as _;
            }
        });
        let block = &function.block;
        let body = quote_spanned! {span=>
            #krate::coroutine_block!(#![coroutine(crate = #krate #hint)] async move #block)
        };
        *function.block = syn::parse2(quote_spanned! {span=>
            {
                #used
                let __span = #new_span;
                #body.__cps_instrument(__span, #on_return).await
            }
        })?;
        Ok(())
    }

    fn level(&self, tracing: &TokenStream) -> TokenStream {
        level(self.level.as_ref(), "INFO", tracing)
    }

    fn target(&self) -> TokenStream {
        self.target.clone().unwrap_or_else(|| quote!(::core::module_path!()))
    }

    fn span(&self, function: &ItemFn, tracing: &TokenStream) -> syn::Result<TokenStream> {
        let mut arguments = Vec::new();
        for input in &function.sig.inputs {
            match input {
                FnArg::Receiver(this) => {
                    arguments.push((Ident::new("self", this.self_token.span), false));
                }
                FnArg::Typed(argument) => {
                    names(&argument.pat, is_value(&argument.ty), &mut arguments)
                }
            }
        }
        if let Some(unknown) =
            self.skip.iter().find(|skip| arguments.iter().all(|(name, _)| name != *skip))
        {
            return Err(Error::new_spanned(unknown, "there is no such parameter to skip"));
        }
        arguments.retain(|(name, _)| {
            !self.skip_all
                && !self.skip.contains(name)
                && !self.fields.iter().any(|field| field.is(name))
        });
        let arguments = arguments.iter().map(|(name, is_value)| match is_value {
            true => quote!(#name = #name,),
            false => quote!(#name = #tracing::field::debug(&#name),),
        });
        let (target, level) = (self.target(), self.level(tracing));
        let parent = self.parent.iter();
        let text = function.sig.ident.to_string();
        let name = self.name.clone().unwrap_or_else(|| quote!(#text));
        let fields = self.fields.iter().map(|field| field.tokens(tracing));
        Ok(quote! {
            #tracing::span!(
                target: #target, #(parent: #parent,)* #level, #name, #(#arguments)* #(#fields,)*
            )
        })
    }

    /// A closure that is given the value by reference.
    fn on_return(&self, output: Option<&Type>, tracing: &TokenStream) -> TokenStream {
        let span = Span::mixed_site();
        let target = self.target();
        let event = |event: &Event, default: &str, format: TokenStream, field: TokenStream| {
            let level = match &event.level {
                None if default.is_empty() => self.level(tracing),
                given => level(given.as_ref(), default, tracing),
            };
            let format = event.format.clone().unwrap_or(format);
            quote_spanned!(span=> #tracing::event!(target: #target, #level, #field = #format __value))
        };
        let ty = output.map_or(quote!(_), ToTokens::to_token_stream);
        let ret = self.ret.as_ref().map(|ret| event(ret, "", quote!(?), quote!(return)));
        let does = match &self.err {
            None => ret,
            Some(err) => {
                let err = event(err, "ERROR", quote!(%), quote!(error));
                let ok = ret.map_or(
                    quote_spanned!(span=> _ => {}),
                    |ret| quote_spanned!(span=> ::core::result::Result::Ok(__value) => #ret,),
                );
                Some(quote_spanned! {span=>
                    match __value {
                        ::core::result::Result::Err(__value) => #err,
                        #ok
                    }
                })
            }
        };
        quote_spanned! {span=>
            |__value: &#ty| {
                let _ = __value;
                #does
            }
        }
    }
}

fn level(given: Option<&Level>, default: &str, tracing: &TokenStream) -> TokenStream {
    match given {
        None => {
            let name = Ident::new(default, Span::mixed_site());
            quote!(#tracing::Level::#name)
        }
        Some(Level::Name(name)) => quote!(#tracing::Level::#name),
        Some(Level::Path(path)) => quote!(#path),
    }
}

/// The names that a pattern binds, each with whether its argument is recorded as a value, and not by `Debug`.
fn names(pat: &Pat, is_value: bool, names_of: &mut Vec<(Ident, bool)>) {
    match pat {
        Pat::Ident(name) => names_of.push((name.ident.clone(), is_value)),
        Pat::Reference(reference) => names(&reference.pat, is_value, names_of),
        Pat::Struct(pat) => pat.fields.iter().for_each(|field| names(&field.pat, false, names_of)),
        Pat::Tuple(pat) => pat.elems.iter().for_each(|pat| names(pat, false, names_of)),
        Pat::TupleStruct(pat) => pat.elems.iter().for_each(|pat| names(pat, false, names_of)),
        _ => {}
    }
}

/// Whether `tracing`'s attribute records arguments of the type as values.
fn is_value(ty: &Type) -> bool {
    const VALUES: &[&str] = &[
        "bool",
        "str",
        "u8",
        "i8",
        "u16",
        "i16",
        "u32",
        "i32",
        "u64",
        "i64",
        "u128",
        "i128",
        "f32",
        "f64",
        "usize",
        "isize",
        "String",
        "NonZeroU8",
        "NonZeroI8",
        "NonZeroU16",
        "NonZeroI16",
        "NonZeroU32",
        "NonZeroI32",
        "NonZeroU64",
        "NonZeroI64",
        "NonZeroU128",
        "NonZeroI128",
        "NonZeroUsize",
        "NonZeroIsize",
        "Wrapping",
    ];
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| VALUES.iter().any(|name| last.ident == name)),
        Type::Reference(reference) => is_value(&reference.elem),
        _ => false,
    }
}

impl Field {
    fn tokens(&self, tracing: &TokenStream) -> TokenStream {
        let (prefix, name) = (
            &self.format,
            match &self.name {
                FieldName::Path(path) => path.to_token_stream(),
                FieldName::Text(text) => text.to_token_stream(),
            },
        );
        match &self.value {
            Some((format, value)) => quote!(#prefix #name = #format #value),
            // As by `tracing`'s attribute.
            None if prefix.is_none() => quote!(#name = #tracing::field::Empty),
            None => quote!(#prefix #name),
        }
    }

    /// Whether it takes the place of the parameter.
    fn is(&self, parameter: &Ident) -> bool {
        match &self.name {
            FieldName::Path(path) => path.len() == 1 && path.first() == Some(parameter),
            FieldName::Text(_) => false,
        }
    }
}

impl Parse for Instrument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut this = Self::default();
        while !input.is_empty() {
            if input.peek(LitStr) {
                this.name = Some(input.parse::<LitStr>()?.to_token_stream());
            } else {
                this.parse_argument(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(this)
    }
}

impl Instrument {
    fn parse_argument(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let name = input.call(Ident::parse_any)?;
        match &*name.to_string() {
            "name" => self.name = Some(text(input)?),
            "target" => self.target = Some(text(input)?),
            "level" => self.level = Some(input.parse()?),
            "parent" => {
                input.parse::<Token![=]>()?;
                self.parent = Some(input.parse()?);
            }
            "skip" => {
                let content;
                parenthesized!(content in input);
                self.skip =
                    content.parse_terminated(Ident::parse_any, Token![,])?.into_iter().collect();
            }
            "skip_all" => self.skip_all = true,
            "fields" => {
                let content;
                parenthesized!(content in input);
                self.fields = content.parse_terminated(Field::parse, Token![,])?;
            }
            "__path" => {
                input.parse::<Token![=]>()?;
                self.path = Some(input.parse()?);
            }
            "err" => self.err = Some(input.parse()?),
            "ret" => self.ret = Some(input.parse()?),
            _ => {
                return Err(Error::new_spanned(
                    name,
                    "`instrument` knows `name`, `target`, `level`, `parent`, `skip`, `skip_all`, `fields`, `err` and `ret`",
                ));
            }
        }
        Ok(())
    }
}

/// `= "text"`, or `= NAME`.
fn text(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    input.parse::<Token![=]>()?;
    if input.peek(LitStr) {
        return Ok(input.parse::<LitStr>()?.to_token_stream());
    }
    Ok(input.parse::<Ident>()?.to_token_stream())
}

impl Parse for Level {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse::<Token![=]>()?;
        let (name, span) = if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            (text.value().to_ascii_uppercase(), text.span())
        } else if input.peek(LitInt) {
            let number: LitInt = input.parse()?;
            (number.base10_digits().to_owned(), number.span())
        } else {
            return Ok(Level::Path(input.parse()?));
        };
        let name = match &*name {
            "TRACE" | "1" => "TRACE",
            "DEBUG" | "2" => "DEBUG",
            "INFO" | "3" => "INFO",
            "WARN" | "4" => "WARN",
            "ERROR" | "5" => "ERROR",
            _ => {
                return Err(Error::new(
                    span,
                    "expected \"trace\" to \"error\", or a number from 1 to 5",
                ));
            }
        };
        Ok(Level::Name(Ident::new(name, Span::mixed_site().located_at(span))))
    }
}

impl Parse for Event {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut event = Self::default();
        if !input.peek(token::Paren) {
            return Ok(event);
        }
        let content;
        parenthesized!(content in input);
        while !content.is_empty() {
            let name: Ident = content.parse()?;
            match &*name.to_string() {
                "level" => event.level = Some(content.parse()?),
                "Debug" => event.format = Some(quote!(?)),
                "Display" => event.format = Some(quote!(%)),
                _ => {
                    return Err(Error::new_spanned(name, "expected `level`, `Debug` or `Display`"));
                }
            }
            if !content.is_empty() {
                content.parse::<Token![,]>()?;
            }
        }
        Ok(event)
    }
}

/// `%` or `?`.
fn format(input: ParseStream<'_>) -> syn::Result<Option<TokenStream>> {
    if input.peek(Token![%]) {
        Ok(Some(input.parse::<Token![%]>()?.to_token_stream()))
    } else if input.peek(Token![?]) {
        Ok(Some(input.parse::<Token![?]>()?.to_token_stream()))
    } else {
        Ok(None)
    }
}

impl Parse for Field {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let prefix = format(input)?;
        let name = if input.peek(LitStr) {
            FieldName::Text(input.parse()?)
        } else {
            FieldName::Path(Punctuated::parse_separated_nonempty_with(input, Ident::parse_any)?)
        };
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some((format(input)?, input.parse()?))
        } else {
            None
        };
        Ok(Field { format: prefix, name, value })
    }
}

/// The generated code needs what `cps-core` has with its feature only.
fn require_feature(enabled: bool, function: &Ident) -> syn::Result<()> {
    if enabled {
        return Ok(());
    }
    Err(Error::new_spanned(
        function,
        "`instrument` needs the feature `tracing` of `cps-core`. (`#[instrument]` above `#[cps]` does not; \
         what it instruments is a chain of its own.)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_the_feature_that_is_missing() {
        let function = Ident::new("traced", Span::call_site());
        assert!(require_feature(true, &function).is_ok());
        let message = require_feature(false, &function).unwrap_err().to_string();
        assert!(message.starts_with("`instrument` needs the feature `tracing`"), "{message}");
    }
}
