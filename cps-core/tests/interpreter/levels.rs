//! The interpreter's text.
//!
//! A frame cannot contain itself, so there are six levels that call each other with inline
//! placement; what lies deeper, and all other placements, start at level 0 again. Under Miri, where
//! each function costs seconds, there are two.

macro_rules! levels {
    ([$($attr:tt)*] $block:ident) => {
        level!([$($attr)*] $block level0 => level1);
        #[cfg(miri)]
        level!([$($attr)*] $block level1 => bottom);
        #[cfg(not(miri))]
        level!([$($attr)*] $block level1 => level2);
        #[cfg(not(miri))]
        level!([$($attr)*] $block level2 => level3);
        #[cfg(not(miri))]
        level!([$($attr)*] $block level3 => level4);
        #[cfg(not(miri))]
        level!([$($attr)*] $block level4 => level5);
        #[cfg(not(miri))]
        level!([$($attr)*] $block level5 => bottom);

        $($attr)*
        pub(crate) async fn bottom(log: &Log, node: &Node, lent: &Note, given: (Note, Note), last: Note) -> Outcome {
            heap(level0(log, node, lent, given, last)).await
        }

        /// Owns all that the other levels borrow.
        $($attr)*
        pub(crate) async fn start(log: Log, node: std::sync::Arc<Node>) -> Outcome {
            let lent = log.note("lent");
            level0(&log, &node, &lent, (log.note("kept"), log.note("ignored")), log.note("last")).await
        }
    };
}

macro_rules! level {
    ([$($attr:tt)*] $block:ident $name:ident => $next:ident) => {
        $($attr)*
        #[allow(unused_assignments, clippy::redundant_locals)]
        pub(crate) async fn $name(
            log: &Log,
            node: &Node,
            lent: &Note,
            (kept, _): (Note, Note),
            _: Note,
        ) -> Outcome {
            let mut sum = lent.id;
            let mut first: Option<Note> = None;
            let _frame = log.note("frame");
            let mut second: Option<Note> = None;
            let given = || (log.note("kept"), log.note("ignored"));
            let last = || log.note("last");
            let three = || [log.note("kept"), log.note("ignored"), log.note("last")];
            for op in &node.ops {
                let value = match op {
                    Op::Suspend(times) => {
                        Yield::new(log, *times).await;
                        1
                    }
                    Op::Keep => {
                        first = Some(log.note("first"));
                        2
                    }
                    Op::KeepBomb => {
                        second = Some(log.bomb("second"));
                        3
                    }
                    Op::Call { place, node, propagate } => {
                        let local = log.note("local");
                        let outcome = match place {
                            Place::Inline => $next(log, node, &local, given(), last()).await,
                            Place::LendTemporary => {
                                $next(log, node, &log.note("temporary"), given(), last()).await
                            }
                            Place::LendOwn => $next(log, node, &kept, given(), last()).await,
                            Place::LendLent => $next(log, node, lent, given(), last()).await,
                            Place::Heap => heap(level0(log, node, &local, given(), last())).await,
                            Place::Stack => stack(level0(log, node, &local, given(), last())).await,
                            Place::TryStack => {
                                let call = try_stack(level0(log, node, &local, given(), last()));
                                unlimited(call.await)
                            }
                            Place::May => {
                                may($next(log, node, &local, given(), last())).await
                            }
                            Place::Nested => {
                                nested($next(log, node, &local, given(), last())).await
                            }
                            Place::Boxed => boxed(log, node, &local, three()).await,
                            Place::Future => {
                                as_future($next(log, node, &local, given(), last())).await
                            }
                            Place::BoxedFuture => {
                                as_future(boxed(log, node, &local, three())).await
                            }
                            Place::Block => {
                                let (given, last) = (given(), last());
                                let block = $block! {
                                    let inner = log.note("inner");
                                    let outcome = $next(log, node, &inner, given, last).await;
                                    log.did("block", code(&outcome));
                                    outcome
                                };
                                block.await
                            }
                        };
                        log.did("returned", code(&outcome));
                        if *propagate { outcome? } else { outcome.unwrap_or(5) }
                    }
                    Op::Repeat(times, node) => {
                        let mut turns = 0;
                        for _ in 0..*times {
                            let each = log.note("each");
                            let Ok(value) = $next(log, node, &each, given(), last()).await else {
                                break;
                            };
                            if value % 3 == 0 {
                                continue;
                            }
                            turns += value % 1000;
                        }
                        turns
                    }
                    Op::Catch(node) => {
                        let guarded = log.note("guarded");
                        let call = as_future($next(log, node, &guarded, given(), last()));
                        match caught(call).await {
                            Ok(outcome) => code(&outcome),
                            Err(text) => text.len() as u32,
                        }
                    }
                };
                sum = sum.wrapping_mul(31).wrapping_add(value);
                log.did("sum", sum);
                if sum % 41 == 0 {
                    return Ok(sum);
                }
            }
            let _ = (&first, &second);
            match node.end {
                End::Value => Ok(sum),
                End::Error => Err(sum),
                End::Panic => Planned::panic("planned", sum),
            }
        }
    };
}
