//! A number that can be waited for.

use tokio::sync::watch;

/// How many are inside.
#[derive(Debug)]
pub struct Gauge {
    inside: watch::Sender<usize>,
}

impl Default for Gauge {
    fn default() -> Self {
        Gauge { inside: watch::Sender::new(0) }
    }
}

impl Gauge {
    /// Counts one more until the value is dropped.
    pub fn enter(&self) -> Entered<'_> {
        self.inside.send_modify(|inside| *inside += 1);
        Entered { gauge: self }
    }

    /// How many are inside now.
    pub fn inside(&self) -> usize {
        *self.inside.borrow()
    }

    /// Waits until so many are inside.
    ///
    /// # Panics
    /// Never: the sender is in `self`.
    pub async fn reaches(&self, inside: usize) {
        self.inside.subscribe().wait_for(|now| *now == inside).await.expect("the sender is alive");
    }
}

/// One that is counted by a [`Gauge`].
#[derive(Debug)]
pub struct Entered<'a> {
    gauge: &'a Gauge,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.gauge.inside.send_modify(|inside| *inside -= 1);
    }
}
