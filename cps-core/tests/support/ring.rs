//! A model of the interleaver: which coroutine is started, resumed and delivered when.

/// What one coroutine does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    pub(crate) suspensions: u32,
    /// The resumption that panics; 0 is the start.
    pub(crate) panics: Option<u32>,
}

pub(crate) fn suspending(suspensions: u32) -> Script {
    Script { suspensions, panics: None }
}

/// What the interleaver is to do: the ring of places, resumed in turn.
pub(crate) struct Model<'a> {
    scripts: &'a [Script],
    next: usize,
    events: Vec<(&'static str, u32)>,
}

/// A chain: its index, and how often it suspends yet.
type Chain = (u32, u32);

impl Model<'_> {
    /// Starts the next chain, if there is one.
    fn start(&mut self) -> Option<Chain> {
        let script = self.scripts.get(self.next)?;
        let index = u32::try_from(self.next).unwrap();
        self.next += 1;
        self.events.push(("start", index));
        Some((index, script.suspensions))
    }

    fn refill(&mut self) -> Option<Chain> {
        loop {
            match self.start()? {
                (index, 0) => self.events.push(("sink", index)),
                chain => return Some(chain),
            }
        }
    }

    fn resume(&mut self, chain: &mut Chain) {
        self.events.push(("resume", chain.0));
        chain.1 -= 1;
    }

    pub(crate) fn as_they_come(scripts: &[Script], group: usize) -> Vec<(&'static str, u32)> {
        let mut model = Model { scripts, next: 0, events: Vec::new() };
        let mut places: Vec<Option<Chain>> = (0..group).map(|_| model.refill()).collect();
        while places.iter().any(Option::is_some) {
            for place in &mut places {
                let Some(chain) = place else { continue };
                model.resume(chain);
                if chain.1 == 0 {
                    model.events.push(("sink", chain.0));
                    *place = model.refill();
                }
            }
        }
        model.events
    }

    /// A place is a ring's: the front is the next to deliver.
    pub(crate) fn in_order(scripts: &[Script], group: usize) -> Vec<(&'static str, u32)> {
        let mut model = Model { scripts, next: 0, events: Vec::new() };
        let mut places: Vec<Option<Chain>> = (0..group).map(|_| model.start()).collect();
        let mut cursor = 0;
        while places.iter().any(Option::is_some) {
            model.deliver(&mut places, &mut cursor);
            for at in 0..group {
                let Some(chain) = &mut places[at] else { continue };
                if chain.1 == 0 {
                    continue;
                }
                model.resume(chain);
                if chain.1 == 0 && at == cursor {
                    model.deliver(&mut places, &mut cursor);
                }
            }
        }
        model.events
    }

    fn deliver(&mut self, places: &mut [Option<Chain>], cursor: &mut usize) {
        for _ in 0..places.len() {
            let Some((index, 0)) = places[*cursor] else { break };
            self.events.push(("sink", index));
            places[*cursor] = self.start();
            *cursor = (*cursor + 1) % places.len();
        }
    }
}
