//! The levels of a request, as futures in one another.

use std::sync::Arc;

use futures::FutureExt as _;
use futures_lite::future::or;
use lab_runtimes::service::{self, Handler, Head, Timer, Version};
use lab_work::drive::Sample;
use lab_work::service::{
    ATTEMPTS, Answer, Asked, BLOCKS, Failure, Found, Key, LIMIT, Quote, Row, Service, Shop, Spec,
    Statement, begin, end,
};

use crate::bodies::{service, with_handler};

service! {}

/// What tokio's is: the body is polled first, then the timer, and both lie in the future once.
fn timeout<D, F>(deadline: D, body: F) -> impl Future<Output = Result<F::Output, ()>>
where
    D: Future<Output = ()>,
    F: Future,
{
    or(body.map(Ok), deadline.map(Err))
}

pub(crate) fn of(spec: Spec) -> Option<Box<dyn Service>> {
    with_handler!(spec.depth, |H| service::of::<H>(spec))
}

pub(crate) fn alone(depth: u32) -> Option<Sample> {
    with_handler!(depth, |H| service::alone::<H>(depth))
}
