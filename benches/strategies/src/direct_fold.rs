//! `direct`, by `fold` instead of a loop: the closure is called where an item is yielded.

use std::rc::Rc;

use lab_work::drive::Sample;
use lab_work::generate::Tree;
use lab_work::strategy::Strategy;

use crate::direct::generate;

/// The strategy `direct-fold`.
#[derive(Debug)]
pub struct DirectFold;

impl Strategy for DirectFold {
    fn generate(&self, tree: &Rc<Tree>) -> Option<Sample> {
        generate::by_fold(tree)
    }
}
