//! The threads of the pool (`reactor/src/pool/threads.rs`). A job that nobody comes to is a deadlock, which loom reports.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use loom_tests::reactor_protocols::threads::Threads;
use loom_tests::rt::{
    AtomicUsize, Condvar, Mutex, Ordering::Relaxed, next_waits_are_endless, thread,
};

/// What scenarios use of the protocol, so that flawed copies can run them.
trait Protocol: Send + Sync + 'static {
    fn new(most: usize) -> Self;
    fn push(&self, job: Job, start: impl FnOnce() -> io::Result<()>) -> Result<(), Job>;
    fn next(&self) -> Option<Job>;
    fn count(&self) -> usize;
}

type Whole = Threads<Job>;

impl Protocol for Whole {
    fn new(most: usize) -> Self {
        Threads::new(most, Duration::from_micros(50))
    }
    fn push(&self, job: Job, start: impl FnOnce() -> io::Result<()>) -> Result<(), Job> {
        self.push(job, start).map_err(|(job, _)| job)
    }
    fn next(&self) -> Option<Job> {
        self.next()
    }
    fn count(&self) -> usize {
        self.count()
    }
}

/// A job, by its number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Job {
    Plain(usize),
    /// Waits until that one has run.
    After(usize, usize),
}

/// A pool, and the threads that were started.
struct Pool<P> {
    threads: P,
    started: Mutex<Vec<thread::JoinHandle<()>>>,
    ran: [AtomicUsize; 3],
    has_run: Mutex<[bool; 3]>,
    changed: Condvar,
}

impl<P: Protocol> Pool<P> {
    fn new(most: usize) -> Arc<Self> {
        Arc::new(Pool {
            threads: P::new(most),
            started: Mutex::new(Vec::new()),
            ran: [AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0)],
            has_run: Mutex::new([false; 3]),
            changed: Condvar::new(),
        })
    }

    fn push(self: &Arc<Self>, job: Job) {
        let pushed = self.threads.push(job, || {
            let pool = self.clone();
            let thread = thread::spawn(move || {
                while let Some(job) = pool.threads.next() {
                    pool.run(job);
                }
            });
            self.started.lock().unwrap().push(thread);
            Ok(())
        });
        assert!(pushed.is_ok());
    }

    /// The same, when the system has no thread to give. Whether the job waits for a thread that is there.
    fn push_without_threads(&self, job: Job) -> bool {
        let pushed = self.threads.push(job, || Err(io::ErrorKind::WouldBlock.into()));
        assert!(matches!(pushed, Ok(()) | Err(Job::Plain(1))));
        pushed.is_ok()
    }

    fn run(&self, job: Job) {
        let (Job::Plain(number) | Job::After(number, _)) = job;
        if let Job::After(_, other) = job {
            let mut has_run = self.has_run.lock().unwrap();
            while !has_run[other] {
                has_run = self.changed.wait(has_run).unwrap();
            }
        }
        self.ran[number].fetch_add(1, Relaxed);
        self.has_run.lock().unwrap()[number] = true;
        self.changed.notify_all();
    }

    /// Waits until all threads have ended: how often each job has run.
    fn end(&self) -> [usize; 3] {
        loop {
            let Some(thread) = self.started.lock().unwrap().pop() else { break };
            thread.join().unwrap();
        }
        assert_eq!(self.threads.count(), 0);
        [0, 1, 2].map(|job| self.ran[job].load(Relaxed))
    }
}

/// "Push meets the end of a wait": the thread's time is over as a job is pushed. It looks again, or another one is started.
fn push_meets_the_end_of_a_wait<P: Protocol>() {
    let pool = Pool::<P>::new(1);
    pool.push(Job::Plain(0));
    pool.push(Job::Plain(1));
    assert_eq!(pool.end(), [1, 1, 0], "a job is lost");
}

/// The same, the other way round: loom, which looks at the last access to a lock only, tries other schedules then.
fn the_end_of_a_wait_meets_push<P: Protocol>() {
    let pool = Pool::<P>::new(1);
    let pushes = thread::spawn({
        let pool = pool.clone();
        move || pool.push(Job::Plain(1))
    });
    pool.push(Job::Plain(0));
    pushes.join().unwrap();
    assert_eq!(pool.end(), [1, 1, 0], "a job is lost");
}

/// "Push meets wait": a thread that waits is woken by a push, and by one that comes as it begins to wait.
fn push_meets_wait<P: Protocol>() {
    next_waits_are_endless(1);
    let pool = Pool::<P>::new(1);
    pool.push(Job::Plain(0));
    pool.push(Job::Plain(1));
    // The last wait is not endless, or ends by this job.
    next_waits_are_endless(0);
    pool.push(Job::Plain(2));
    assert_eq!(pool.end(), [1, 1, 1], "a job is lost");
}

/// "Two pushes": one thread waits, or is about to, and the first of two jobs waits for the second.
fn two_pushes_meet_one_idle_thread<P: Protocol>() {
    let pool = Pool::<P>::new(3);
    pool.push(Job::Plain(0));
    pool.push(Job::After(1, 2));
    pool.push(Job::Plain(2));
    assert_eq!(pool.end(), [1, 1, 1], "a job is lost");
}

/// "Push meets push": two threads push, and the job of the one waits for that of the other.
fn push_meets_push<P: Protocol>() {
    let pool = Pool::<P>::new(2);
    let other = thread::spawn({
        let pool = pool.clone();
        move || pool.push(Job::After(0, 1))
    });
    pool.push(Job::Plain(1));
    other.join().unwrap();
    assert_eq!(pool.end(), [1, 1, 0], "a job is lost");
}

/// "No thread is left": the system gives no other one, while the only one ends. The job is run, or given back.
fn push_without_threads_meets_the_end_of_one<P: Protocol>() {
    let pool = Pool::<P>::new(2);
    pool.push(Job::Plain(0));
    let waits = pool.push_without_threads(Job::Plain(1));
    assert_eq!(pool.end(), [1, usize::from(waits), 0], "a job is lost");
}

loom_tests::models! {
    of [Whole]:
    push_meets_the_end_of_a_wait
    the_end_of_a_wait_meets_push
    push_meets_wait
    two_pushes_meet_one_idle_thread
    push_meets_push
    push_without_threads_meets_the_end_of_one
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::every_flaw_is_found;
    use loom_tests::rt::model;
    use std::collections::VecDeque;

    const NONE: u8 = 0;
    /// A thread whose time is over ends, whatever is in the queue.
    const ENDS_BLINDLY: u8 = 1;
    /// A push counts on an idle thread that others have counted on before.
    const COUNTS_TWICE: u8 = 2;
    /// A thread whose time is over says so in one step, and ends in another.
    const ENDS_LATE: u8 = 3;
    /// A job that no thread would come to stays in the queue.
    const KEEPS_THE_JOB: u8 = 4;

    /// A copy, with one flaw or none.
    struct Flawed<const FLAW: u8> {
        state: Mutex<State>,
        pushed: Condvar,
        most: usize,
    }

    #[derive(Default)]
    struct State {
        jobs: VecDeque<Job>,
        idle: usize,
        threads: usize,
    }

    impl<const FLAW: u8> Protocol for Flawed<FLAW> {
        fn new(most: usize) -> Self {
            Flawed { state: Mutex::new(State::default()), pushed: Condvar::new(), most }
        }

        fn push(&self, job: Job, start: impl FnOnce() -> io::Result<()>) -> Result<(), Job> {
            let mut state = self.state.lock().unwrap();
            state.jobs.push_back(job);
            let needed = if FLAW == COUNTS_TWICE { 1 } else { state.jobs.len() };
            if needed <= state.idle {
                drop(state);
                self.pushed.notify_one();
            } else if state.threads < self.most {
                state.threads += 1;
                if start().is_err() {
                    state.threads -= 1;
                    if state.threads == 0 && FLAW != KEEPS_THE_JOB {
                        return Err(state.jobs.pop_back().unwrap());
                    }
                }
            }
            Ok(())
        }

        fn next(&self) -> Option<Job> {
            let mut state = self.state.lock().unwrap();
            if state.jobs.is_empty() {
                // Its time is over.
                state.idle += 1;
                drop(state);
                state = self.state.lock().unwrap();
                state.idle -= 1;
                if FLAW == ENDS_BLINDLY {
                    state.threads -= 1;
                    return None;
                }
            }
            let job = state.jobs.pop_front();
            if job.is_none() {
                if FLAW == ENDS_LATE {
                    drop(state);
                    state = self.state.lock().unwrap();
                }
                state.threads -= 1;
            }
            job
        }

        fn count(&self) -> usize {
            self.state.lock().unwrap().threads
        }
    }

    #[test]
    fn the_copy_without_a_flaw_holds() {
        model(push_meets_the_end_of_a_wait::<Flawed<NONE>>);
        model(two_pushes_meet_one_idle_thread::<Flawed<NONE>>);
        model(push_without_threads_meets_the_end_of_one::<Flawed<NONE>>);
    }

    every_flaw_is_found! {
        "ends blindly" => push_meets_the_end_of_a_wait::<Flawed<ENDS_BLINDLY>>, says "a job is lost";
        "counts twice" => two_pushes_meet_one_idle_thread::<Flawed<COUNTS_TWICE>>, says "deadlock";
        "ends late" => the_end_of_a_wait_meets_push::<Flawed<ENDS_LATE>>, says "a job is lost";
        "keeps the job" => push_without_threads_meets_the_end_of_one::<Flawed<KEEPS_THE_JOB>>, says "a job is lost";
    }
}
