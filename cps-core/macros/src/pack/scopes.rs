//! Which local variables a piece of a body can name, and where a `break` leads.
//!
//! The names of a block are those of its `let`s so far; of an arm, a loop or a closure those of its patterns. A name may
//! be that of a constant or an item as well: then it is in no scope, and is none of a block's variables.

use syn::visit::{self, Visit};
use syn::{Ident, Label, Lifetime, Pat, PatIdent};

/// A variable in scope.
pub(crate) struct Variable {
    pub(crate) name: Ident,
    /// Declared by a `let` without a value, and not assigned since.
    pub(crate) is_uninitialised: bool,
}

/// What a `break` or `continue` can lead to.
pub(crate) struct Target {
    label: Option<Lifetime>,
    is_loop: bool,
}

/// The variables and targets around a place in a body, the outermost first.
#[derive(Default)]
pub(crate) struct Scopes {
    variables: Vec<Variable>,
    targets: Vec<Target>,
}

impl Scopes {
    /// How many variables there are: what [`leave`](Self::leave) returns to.
    pub(crate) fn variables(&self) -> usize {
        self.variables.len()
    }

    /// How many targets there are.
    pub(crate) fn targets(&self) -> usize {
        self.targets.len()
    }

    /// Forgets the variables since there were `variables`.
    pub(crate) fn leave(&mut self, variables: usize) {
        self.variables.truncate(variables);
    }

    /// Declares the variables of a pattern. (A name that begins with a capital letter is a constant's or a variant's.)
    pub(crate) fn declare(&mut self, pat: &Pat, is_uninitialised: bool) {
        struct Names<'a>(&'a mut Vec<Variable>, bool);
        impl Visit<'_> for Names<'_> {
            fn visit_pat_ident(&mut self, pat: &PatIdent) {
                let is_variable = pat.ident.to_string().starts_with(|c: char| !c.is_uppercase());
                if is_variable {
                    self.0.push(Variable { name: pat.ident.clone(), is_uninitialised: self.1 });
                }
                visit::visit_pat_ident(self, pat);
            }
        }
        Names(&mut self.variables, is_uninitialised).visit_pat(pat);
    }

    /// Declares `self`.
    pub(crate) fn declare_name(&mut self, name: Ident) {
        self.variables.push(Variable { name, is_uninitialised: false });
    }

    /// The variable that the name means, and its place among the others. Variables of another syntax context are other
    /// variables, but compare equal here: then the name is taken for the inner one.
    pub(crate) fn find(&mut self, name: &Ident) -> Option<(usize, &mut Variable)> {
        self.variables.iter_mut().enumerate().rfind(|(_, variable)| variable.name == *name)
    }

    /// Enters a loop, or a block with a label.
    pub(crate) fn enter(&mut self, label: Option<&Label>, is_loop: bool) {
        self.targets.push(Target { label: label.map(|label| label.name.clone()), is_loop });
    }

    /// Leaves it.
    pub(crate) fn leave_target(&mut self) {
        self.targets.pop();
    }

    /// The place of what a `break` or `continue` leads to: the innermost loop, or what has the label.
    pub(crate) fn target(&self, label: Option<&Lifetime>) -> Option<usize> {
        self.targets.iter().rposition(|target| match label {
            Some(label) => target.label.as_ref().is_some_and(|other| other.ident == label.ident),
            None => target.is_loop,
        })
    }
}
