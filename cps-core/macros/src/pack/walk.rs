//! The way through a body, in the order in which names are declared.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Block, Error, Expr, ExprBreak, ExprReturn, ExprTry, FnArg, Ident, Item, Local, Macro, Pat,
    Path, Signature, Stmt, Type, parse_quote, token,
};

use crate::expansion::hidden;
use crate::pack::exits::{Exit, Exits};
use crate::pack::scopes::Scopes;
use crate::pack::text::{last_with_temporaries, scan};

/// The macro's name.
pub(crate) const NAME: &str = "pack";

/// A block that is being packed.
struct Level {
    /// The variables and targets outside of it.
    variables: usize,
    targets: usize,
    /// Those of these variables that it names.
    named: Vec<Ident>,
    exits: Exits,
}

/// What is done with the value of a `pack!`.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// It is dropped, or bound by a `let`: the statement ends with the block.
    Statement,
    /// Something else, before the temporaries of the block's last expression are dropped.
    Other,
}

pub(crate) struct Walk<'a> {
    krate: &'a TokenStream,
    /// The type of the function's value, as far as it can be named.
    output: Option<&'a Type>,
    scopes: Scopes,
    /// The blocks around this place, the outermost first.
    levels: Vec<Level>,
    /// Whether the block that is visited next is one after which temporaries are dropped: a body, a branch, an arm.
    ends: bool,
    /// How many bodies of others, in which ways out are theirs, are around this place.
    foreign: usize,
    pub(crate) errors: Vec<Error>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(krate: &'a TokenStream, output: Option<&'a Type>) -> Self {
        let (scopes, levels, errors) = (Scopes::default(), Vec::new(), Vec::new());
        Walk { krate, output, scopes, levels, ends: false, foreign: 0, errors }
    }

    pub(crate) fn declare_arguments(&mut self, sig: &Signature) {
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    self.scopes.declare_name(Ident::new("self", receiver.self_token.span));
                }
                FnArg::Typed(argument) => self.scopes.declare(&argument.pat, false),
            }
        }
    }

    /// A block after which temporaries are dropped.
    pub(crate) fn body(&mut self, block: &mut Block) {
        self.ends = true;
        self.visit_block_mut(block);
    }

    /// The block whose ways out are to be rewritten here.
    fn level(&mut self) -> Option<&mut Level> {
        if self.foreign == 0 { self.levels.last_mut() } else { None }
    }

    /// Whether the path is this crate's macro. By its name alone, `pack!`, it is: see the check in [`Walk::packed`].
    fn is_pack(&self, path: &Path) -> bool {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let Some((last, front)) = segments.split_last() else { return false };
        let krate = syn::parse2::<Path>(self.krate.clone());
        let is_krate = || {
            krate.is_ok_and(|krate| {
                krate.segments.iter().map(|s| s.ident.to_string()).eq(front.iter().cloned())
            })
        };
        last == NAME && (front.is_empty() || front == ["cps_core"] || is_krate())
    }

    /// The name of a variable outside of a block, in it.
    fn name(&mut self, name: &Ident) {
        let Some((index, _)) = self.scopes.find(name) else { return };
        for level in self.levels.iter_mut().filter(|level| index < level.variables) {
            if !level.named.contains(name) {
                level.named.push(name.clone());
            }
        }
    }

    /// What a block may find in a macro: names, and ways out that it could not see.
    fn macro_in_block(&mut self, mac: &Macro) {
        if self.levels.is_empty() {
            return;
        }
        let mut names = Vec::new();
        let way_out = scan(mac.tokens.clone(), &mut names);
        names.iter().for_each(|name| self.name(name));
        if let (Some(way_out), 0) = (way_out, self.foreign) {
            self.errors.push(Error::new(
                way_out,
                "a macro in `pack!` hides this way out of the block: put it outside of the macro",
            ));
        }
    }

    /// The expansion of a `pack!`.
    fn packed(&mut self, mac: &Macro, of: Use) -> Expr {
        let mut block = match Block::parse_within.parse2(mac.tokens.clone()) {
            // Its edition decides when temporaries are dropped.
            Ok(stmts) => Block { brace_token: token::Brace(mac.delimiter.span().join()), stmts },
            Err(error) => {
                self.errors.push(error);
                return Expr::Verbatim(TokenStream::from(TokenTree::from(
                    proc_macro2::Group::new(proc_macro2::Delimiter::Brace, TokenStream::new()),
                )));
            }
        };
        if let (Use::Other, Some(last)) = (of, last_with_temporaries(&block)) {
            self.errors.push(Error::new_spanned(
                last,
                "the temporaries of this expression would be dropped too early: bind it in the block, by \
                 `let value = …; value`, or bind the value of `pack!`, by `let value = pack! { … };`, or end it with \
                 `;` if it has none",
            ));
        }
        self.levels.push(Level {
            variables: self.scopes.variables(),
            targets: self.scopes.targets(),
            named: Vec::new(),
            exits: Exits::new(self.levels.len()),
        });
        self.ends = of == Use::Statement;
        self.visit_block_mut(&mut block);
        let Some(Level { named, exits, .. }) = self.levels.pop() else {
            unreachable!("pushed above")
        };

        // Errors about the block as a whole point at `pack`.
        let span = Span::mixed_site().located_at(mac.path.span());
        let (krate, path) = (self.krate, &mac.path);
        let (packed, value) = (hidden("__cps_packed"), hidden("__cps_value"));
        let (name, definition) = (exits.name(), exits.definition());
        // In the terms of the block around this one, if there is one.
        let arms = exits.arms().into_iter().map(|(pattern, taken)| {
            let mut taken: Expr = syn::parse2(taken).expect("it is an expression");
            self.visit_expr_mut(&mut taken);
            quote_spanned!(span=> #pattern => #taken)
        });
        let arms: Vec<TokenStream> = arms.collect();
        let moves = (!named.is_empty()).then(|| {
            quote_spanned! {span=>
                // Never runs. A variable that the block moves cannot be borrowed.
                #[allow(unreachable_code)]
                if false {
                    ::core::mem::drop(#packed);
                    let _ = (#(&#named,)*);
                    ::core::unreachable!()
                }
            }
        });
        // The first statement is an error if another macro has the name.
        let expanded = quote_spanned! {span=>
            {
                let _: #krate::__private::Pack = #path!(__cps_pack);
                #definition
                let #packed = #krate::coroutine_block!(
                    #![cps(crate = #krate)]
                    async {
                        #[allow(clippy::diverging_sub_expression, clippy::let_unit_value)]
                        let #value = #block;
                        #[allow(unreachable_code)]
                        #name::Value(#value)
                    }
                ).unstarted();
                #moves
                match #packed.await {
                    #name::Value(#value) => #value,
                    #(#arms,)*
                }
            }
        };
        syn::parse2(expanded).expect("the expansion is a block")
    }

    fn return_out(&mut self, ret: &ExprReturn) -> Option<TokenStream> {
        let span = Span::mixed_site().located_at(ret.return_token.span);
        let value = match &ret.expr {
            Some(expr) => expr.to_token_stream(),
            None => quote_spanned!(ret.return_token.span=> ()),
        };
        let value = self.coerced(&value, span);
        Some(self.level()?.exits.leave(Exit::Return, Some(value), span))
    }

    /// A value of the function's type: it is coerced to that.
    fn coerced(&self, value: &TokenStream, span: Span) -> TokenStream {
        match self.output {
            None => value.clone(),
            Some(ty) => {
                let name = hidden("__cps_value");
                quote_spanned!(span=> { let #name: #ty = #value; #name })
            }
        }
    }

    /// `?`, whose conversion of the error is left to rustc: in a closure that returns what the function returns.
    fn try_out(&mut self, tried: &ExprTry) -> Option<TokenStream> {
        self.level()?;
        let span = Span::mixed_site().located_at(tried.question_token.span);
        let (krate, expr) = (self.krate, &tried.expr);
        let value = hidden("__cps_value");
        let question = syn::Token![?](span);
        let residual = quote_spanned!(span=> (move || match #value #question {})());
        let residual = self.coerced(&residual, span);
        let leave = self.level()?.exits.leave(Exit::Return, Some(residual), span);
        Some(quote_spanned! {span=>
            match #krate::__private::Branch::branch(#expr) {
                ::core::result::Result::Ok(#value) => #value,
                ::core::result::Result::Err(#value) => #leave,
            }
        })
    }

    fn break_out(&mut self, brk: &ExprBreak) -> Option<TokenStream> {
        let target = self.scopes.target(brk.label.as_ref());
        let level = self.level()?;
        if target.is_some_and(|target| target >= level.targets) {
            return None;
        }
        let span = Span::mixed_site().located_at(brk.break_token.span);
        let value = brk.expr.as_ref().map(ToTokens::to_token_stream);
        let exit = Exit::Break { label: brk.label.clone(), has_value: value.is_some() };
        Some(level.exits.leave(exit, value, span))
    }

    /// An expression after which temporaries are dropped.
    fn ending(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Macro(mac) if self.foreign == 0 && self.is_pack(&mac.mac.path) => {
                *expr = self.packed(&mac.mac, Use::Statement);
            }
            Expr::Block(block) if block.label.is_none() => self.body(&mut block.block),
            _ => self.visit_expr_mut(expr),
        }
    }

    /// A loop, or a block with a label.
    fn within(&mut self, label: Option<&syn::Label>, is_loop: bool, visit: impl FnOnce(&mut Self)) {
        let variables = self.scopes.variables();
        self.scopes.enter(label, is_loop);
        visit(self);
        self.scopes.leave_target();
        self.scopes.leave(variables);
    }

    /// The body of a closure or an `async` block. Its ways out are its own, but it may name the variables.
    fn foreign(&mut self, visit: impl FnOnce(&mut Self)) {
        if self.levels.is_empty() {
            return;
        }
        let variables = self.scopes.variables();
        self.foreign += 1;
        visit(self);
        self.foreign -= 1;
        self.scopes.leave(variables);
    }

    /// A `let` without a value outside of a block cannot be given its value in it.
    fn assigned(&mut self, left: &Expr) {
        let Expr::Path(path) = left else { return };
        let Some(name) = path.path.get_ident() else { return };
        let outside = self.levels.first().map_or(0, |level| level.variables);
        let is_in_block = !self.levels.is_empty();
        let Some((index, variable)) = self.scopes.find(name) else { return };
        if !variable.is_uninitialised {
            return;
        }
        if is_in_block && index < outside {
            self.errors.push(Error::new_spanned(
                left,
                format!(
                    "`pack!` cannot give `{name}` its first value, since it captures the variable by reference: let \
                     the block have that value, as in `let {name} = pack! {{ … }};`"
                ),
            ));
        }
        variable.is_uninitialised = false;
    }
}

impl VisitMut for Walk<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Macro(mac) if self.foreign == 0 && self.is_pack(&mac.mac.path) => {
                *expr = self.packed(&mac.mac, Use::Other);
            }
            Expr::Path(path) => {
                if let (None, Some(name)) = (&path.qself, path.path.get_ident()) {
                    self.name(&name.clone());
                }
            }
            Expr::Closure(closure) => self.foreign(|walk| {
                closure.inputs.iter().for_each(|pat| walk.scopes.declare(pat, false));
                walk.visit_expr_mut(&mut closure.body);
            }),
            Expr::Async(block) => self.foreign(|walk| walk.visit_block_mut(&mut block.block)),
            // Evaluated by the compiler.
            Expr::Const(_) => {}
            Expr::Block(block) if block.label.is_some() => {
                let label = block.label.clone();
                self.within(label.as_ref(), false, |walk| walk.visit_block_mut(&mut block.block));
            }
            Expr::Loop(looped) => {
                let label = looped.label.clone();
                self.within(label.as_ref(), true, |walk| walk.body(&mut looped.body));
            }
            Expr::While(looped) => {
                let label = looped.label.clone();
                self.within(label.as_ref(), true, |walk| {
                    walk.visit_expr_mut(&mut looped.cond);
                    walk.body(&mut looped.body);
                });
            }
            Expr::ForLoop(looped) => {
                self.visit_expr_mut(&mut looped.expr);
                let label = looped.label.clone();
                self.within(label.as_ref(), true, |walk| {
                    walk.scopes.declare(&looped.pat, false);
                    walk.body(&mut looped.body);
                });
            }
            Expr::If(branch) => {
                let variables = self.scopes.variables();
                self.visit_expr_mut(&mut branch.cond);
                self.body(&mut branch.then_branch);
                self.scopes.leave(variables);
                if let Some((_, other)) = &mut branch.else_branch {
                    self.ending(other);
                }
            }
            // A condition: its names last until the branch ends.
            Expr::Let(condition) => {
                self.visit_expr_mut(&mut condition.expr);
                self.scopes.declare(&condition.pat, false);
            }
            Expr::Assign(assign) => {
                self.visit_expr_mut(&mut assign.right);
                self.assigned(&assign.left);
                self.visit_expr_mut(&mut assign.left);
            }
            Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) | Expr::Try(_) => {
                visit_mut::visit_expr_mut(self, expr);
                let out = match expr {
                    Expr::Return(ret) => self.return_out(ret),
                    Expr::Break(brk) => self.break_out(brk),
                    Expr::Try(tried) => self.try_out(tried),
                    Expr::Continue(next) => {
                        let target = self.scopes.target(next.label.as_ref());
                        let span = Span::mixed_site().located_at(next.continue_token.span);
                        let exit = Exit::Continue { label: next.label.clone() };
                        self.level()
                            .filter(|level| target.is_none_or(|target| target < level.targets))
                            .map(|level| level.exits.leave(exit, None, span))
                    }
                    _ => None,
                };
                if let Some(out) = out {
                    *expr = Expr::Verbatim(out);
                }
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let variables = self.scopes.variables();
        let last = block.stmts.len().saturating_sub(1);
        // Before the temporaries of its last expression, a block's own variables are dropped.
        let has_variables = block.stmts.iter().any(|stmt| matches!(stmt, Stmt::Local(_)));
        let ends = std::mem::take(&mut self.ends) && !has_variables;
        for (index, stmt) in block.stmts.iter_mut().enumerate() {
            match stmt {
                Stmt::Macro(mac) if self.foreign == 0 && self.is_pack(&mac.mac.path) => {
                    let is_value = index == last && mac.semi_token.is_none();
                    let of = if is_value && !ends { Use::Other } else { Use::Statement };
                    *stmt = Stmt::Expr(self.packed(&mac.mac, of), mac.semi_token);
                }
                Stmt::Expr(Expr::Macro(mac), Some(semi))
                    if self.foreign == 0 && self.is_pack(&mac.mac.path) =>
                {
                    let semi = *semi;
                    *stmt = Stmt::Expr(self.packed(&mac.mac, Use::Statement), Some(semi));
                }
                other => self.visit_stmt_mut(other),
            }
        }
        self.scopes.leave(variables);
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        if let Some(init) = &mut local.init {
            match &*init.expr {
                Expr::Macro(mac) if self.foreign == 0 && self.is_pack(&mac.mac.path) => {
                    let block = self.packed(&mac.mac, Use::Statement);
                    // No block may end before `else`.
                    *init.expr = match init.diverge {
                        Some(_) => parse_quote!((#block)),
                        None => block,
                    };
                }
                _ => self.visit_expr_mut(&mut init.expr),
            }
            if let Some((_, diverge)) = &mut init.diverge {
                self.visit_expr_mut(diverge);
            }
        }
        self.scopes.declare(&local.pat, local.init.is_none());
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        let variables = self.scopes.variables();
        self.scopes.declare(&arm.pat, false);
        if let Some((_, guard)) = &mut arm.guard {
            self.visit_expr_mut(guard);
        }
        self.ending(&mut arm.body);
        self.scopes.leave(variables);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        self.macro_in_block(mac);
    }

    fn visit_pat_mut(&mut self, _: &mut Pat) {}

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
