//! The runtimes as strategies.

use anyhow::Result;
use lab_work::flavour::Flavour;
use lab_work::strategy::Strategy;
use lab_work::tasks::{self, Tasks};
use lab_work::wake::{self, Wakes};

use crate::runtime::Runtime;

/// The strategy `reactor`: this project.
#[derive(Debug)]
pub struct Reactor;

/// The strategy `tokio`.
#[derive(Debug)]
pub struct Tokio;

/// The strategy `async-executor`.
#[derive(Debug)]
pub struct AsyncExecutor;

fn wakes<R: Runtime>(spec: wake::Spec) -> Result<Option<Wakes>> {
    Ok(Some(Box::new(move |events| crate::wakes::run::<R>(spec, events))))
}

fn tasks<R: Runtime>(spec: tasks::Spec) -> Result<Option<Tasks>> {
    Ok(Some(Box::new(move |iterations| crate::tasks::run::<R>(spec, iterations))))
}

impl Strategy for Reactor {
    fn wakes(&self, spec: wake::Spec) -> Result<Option<Wakes>> {
        match spec.flavour {
            Flavour::Current => wakes::<crate::reactor::Current>(spec),
            Flavour::Multi => wakes::<crate::reactor::Multi>(spec),
        }
    }

    fn tasks(&self, spec: tasks::Spec) -> Result<Option<Tasks>> {
        match spec.flavour {
            Flavour::Current => tasks::<crate::reactor::Current>(spec),
            Flavour::Multi => tasks::<crate::reactor::Multi>(spec),
        }
    }
}

impl Strategy for Tokio {
    fn wakes(&self, spec: wake::Spec) -> Result<Option<Wakes>> {
        match spec.flavour {
            Flavour::Current => wakes::<crate::tokio::Current>(spec),
            Flavour::Multi => wakes::<crate::tokio::Multi>(spec),
        }
    }

    fn tasks(&self, spec: tasks::Spec) -> Result<Option<Tasks>> {
        match spec.flavour {
            Flavour::Current => tasks::<crate::tokio::Current>(spec),
            Flavour::Multi => tasks::<crate::tokio::Multi>(spec),
        }
    }
}

impl Strategy for AsyncExecutor {
    fn wakes(&self, spec: wake::Spec) -> Result<Option<Wakes>> {
        match spec.flavour {
            Flavour::Current => wakes::<crate::async_executor::Current>(spec),
            Flavour::Multi => wakes::<crate::async_executor::Multi>(spec),
        }
    }

    fn tasks(&self, spec: tasks::Spec) -> Result<Option<Tasks>> {
        match spec.flavour {
            Flavour::Current => tasks::<crate::async_executor::Current>(spec),
            Flavour::Multi => tasks::<crate::async_executor::Multi>(spec),
        }
    }
}
