//! The levels of a request, as coroutines that call one another.

use std::sync::Arc;

use cps_core::timeout;
use lab_runtimes::service::{self, Handler, Head, Timer, Version};
use lab_work::drive::Sample;
use lab_work::service::{
    ATTEMPTS, Answer, Asked, BLOCKS, Failure, Found, Key, LIMIT, Quote, Row, Service, Shop, Spec,
    Statement, begin, end,
};

use crate::bodies::{service, with_handler};

service! { #[cps_core::coroutine] }

pub(crate) fn of(spec: Spec) -> Option<Box<dyn Service>> {
    with_handler!(spec.depth, |H| service::of::<H>(spec))
}

pub(crate) fn alone(depth: u32) -> Option<Sample> {
    with_handler!(depth, |H| service::alone::<H>(depth))
}
