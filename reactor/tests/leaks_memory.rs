//! Nothing of a task stays behind, whatever it does at the end of its runtime. One test, in a program of its own: it
//! counts the process's allocations.

#![cfg(not(loom))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::pending;
use std::sync::atomic::{AtomicIsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use reactor::{AbortHandle, Builder, Handle, LocalRuntime};

struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(1, SeqCst);
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(1, SeqCst);
        // SAFETY: as the caller says.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Aborts a task, by which that is woken, when it is dropped.
struct Aborts(Arc<Mutex<Option<AbortHandle>>>);

impl Drop for Aborts {
    fn drop(&mut self) {
        if let Some(task) = self.0.lock().unwrap().take() {
            task.abort();
        }
    }
}

/// Spawns a task by a handle outside of the runtime, which is one that a current-thread runtime has not seen. The end of
/// its future aborts it.
fn spawn_what_aborts_itself(runtime: &Handle) {
    let own = Arc::new(Mutex::new(None));
    let aborts = Aborts(own.clone());
    let task = runtime.spawn(async move {
        let _aborts = aborts;
        pending::<()>().await;
    });
    *own.lock().unwrap() = Some(task.abort_handle());
}

#[test]
fn a_task_that_wakes_itself_as_the_runtime_ends_is_freed() {
    let local = || {
        let runtime = LocalRuntime::new().unwrap();
        spawn_what_aborts_itself(&runtime.handle());
        drop(runtime);
    };
    let multi = || {
        let runtime = Builder::new().worker_threads(1).build().unwrap();
        spawn_what_aborts_itself(&runtime.handle());
        drop(runtime);
    };
    let runtimes: [&dyn Fn(); 2] = [&local, &multi];
    for end in runtimes {
        // Memory that is kept for later tasks is that of the first ones.
        (0..5).for_each(|_| end());
        let before = LIVE.load(SeqCst);
        (0..20).for_each(|_| end());
        assert_eq!(LIVE.load(SeqCst), before);
    }
}
