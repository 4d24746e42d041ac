//! Generators in the style of the crate genawaiter: boxed `async` bodies that share a cell for the item.

use std::cell::Cell;
use std::future::Future;
use std::iter;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use lab_work::drive::{Sample, Suspend, suspend};
use lab_work::generate::{Node, Tree, add, traversals};
use lab_work::strategy::Strategy;

/// In deeper trees it takes too long: each item passes through all levels.
const DEEPEST: usize = 1000;

/// The strategy `genawaiter`.
#[derive(Debug)]
pub struct Genawaiter;

/// What the body of a generator has in the style of the crate `genawaiter`: where an item is left for
/// whoever polls the body's future.
struct Co(Cell<Option<u64>>);

impl Co {
    fn yield_(&self, value: u64) -> Suspend {
        self.0.set(Some(value));
        suspend()
    }
}

/// A future for each level, since it recurses: a resume polls all of them.
fn in_order<'t>(co: &'t Co, node: &'t Node) -> Pin<Box<dyn Future<Output = ()> + 't>> {
    Box::pin(async move {
        if let Some(left) = &node.left {
            in_order(co, left).await;
        }
        co.yield_(node.value).await;
        if let Some(right) = &node.right {
            in_order(co, right).await;
        }
    })
}

impl Strategy for Genawaiter {
    fn generate(&self, tree: &Rc<Tree>) -> Option<Sample> {
        if tree.height() > DEEPEST {
            return None;
        }
        Some(traversals(tree, |root| {
            let co = Co(Cell::new(None));
            let mut body = in_order(&co, root);
            let items = iter::from_fn(|| {
                match body.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(()) => None,
                    Poll::Pending => co.0.take(),
                }
            });
            let mut sum = 0;
            for value in items {
                sum = add(sum, value);
            }
            sum
        }))
    }
}
