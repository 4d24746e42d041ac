//! The chain that is moved before it starts.

use lab_work::drive::{opaque, suspend};
use lab_work::memory::movability::Unstarted;
use lab_work::memory::{look, payload};

crate::bodies::moving! { #[cps_core::coroutine] }
