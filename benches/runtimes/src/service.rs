//! An HTTP service: a server of hyper on a runtime, with handlers that are written elsewhere, and its client.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::FutureExt as _;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use lab_work::clock::{Cost, ThreadTime, Whose};
use lab_work::drive::Sample;
use lab_work::flavour::Flavour;
use lab_work::http::{self, Clock, Script};
use lab_work::memory::meter::Counting;
use lab_work::service::{Answer, Footprint, Gate, Service, Shop, Spec, expected, targets};

use crate::runtime::Runtime;
use crate::{reactor, tokio};

pub use hyper::Version;

/// The head of a request.
pub type Head = hyper::http::request::Parts;

/// The timers of a runtime.
pub trait Timer: 'static {
    /// Waits.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static;
}

/// One way of writing the levels of a request, in one depth.
pub trait Handler: 'static {
    /// Answers a request.
    fn handle<T: Timer>(
        shop: Arc<Shop>,
        head: Head,
    ) -> impl Future<Output = Answer> + Send + 'static;
}

/// The timers of the runtime that runs the caller; both flavours of a runtime have the same.
struct Timers<R>(PhantomData<R>);

impl<R: Runtime> Timer for Timers<R> {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        R::sleep(duration)
    }
}

/// The service with these handlers.
#[must_use]
pub fn of<H: Handler>(spec: Spec) -> Box<dyn Service> {
    use lab_work::service::Runtime::{Reactor, Tokio};
    let (serve, handler): (Serve, usize) = match (spec.runtime, spec.flavour) {
        (Tokio, Flavour::Current) => on::<tokio::Current, Timers<tokio::Current>, H>(),
        (Tokio, Flavour::Multi) => on::<tokio::Multi, Timers<tokio::Current>, H>(),
        (Reactor, Flavour::Current) => on::<reactor::Current, Timers<reactor::Current>, H>(),
        (Reactor, Flavour::Multi) => on::<reactor::Multi, Timers<reactor::Current>, H>(),
    };
    let script = targets()
        .into_iter()
        .map(|target| {
            let body = expected(&target, spec.depth).body;
            (target, body)
        })
        .collect();
    Box::new(Served { spec, serve, handler, script: Arc::new(script) })
}

/// No timer, in no runtime.
struct Never;

impl Timer for Never {
    fn sleep(_: Duration) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }
}

/// Answers requests by these handlers alone: each is polled until it is there. All answers are checked.
#[must_use]
pub fn alone<H: Handler>(depth: u32) -> Sample {
    let ask = |target: String| {
        let answer = expected(&target, depth);
        (target.parse::<Uri>().expect("it is one"), answer)
    };
    let script: Vec<(Uri, Answer)> = targets().into_iter().map(ask).collect();
    let shop = Arc::new(Shop::new(Gate::open()));
    Box::new(move |requests| {
        // As in hyper, where a request's future is made in the place of the one before.
        let mut place = Box::pin(None);
        let start = ThreadTime::now();
        for (_, (target, expected)) in (0..requests).zip(script.iter().cycle()) {
            let (mut head, ()) = Request::new(()).into_parts();
            head.uri = target.clone();
            place.set(Some(H::handle::<Never>(shop.clone(), head)));
            let answer = loop {
                let future = place.as_mut().as_pin_mut().expect("it has been put there");
                if let Poll::Ready(answer) = future.poll(&mut Context::from_waker(Waker::noop())) {
                    break answer;
                }
            };
            ensure!(answer == *expected, "wrong result: {expected:?} was expected, not {answer:?}");
        }
        Ok(start.elapsed())
    })
}

/// Serves connections until their client hangs up.
type Serve = fn(Vec<TcpStream>, Arc<Shared>) -> Result<Cost>;

/// How a runtime serves, and the size of the future of a request.
fn on<R: Runtime, T: Timer, H: Handler>() -> (Serve, usize) {
    let shop = Arc::new(Shop::new(Gate::open()));
    let (head, ()) = Request::new(()).into_parts();
    let handler = size_of_val(&H::handle::<T>(shop, head));
    (|servers, shared| R::block_on(Box::pin(serve_all::<R, T, H>(servers, shared))), handler)
}

/// What all tasks of a server share.
struct Shared {
    shop: Arc<Shop>,
    clock: Clock,
    whose: Whose,
    /// Whether the server counts its memory, when all requests wait at the gate.
    counts: bool,
    live: AtomicIsize,
}

async fn serve_all<R: Runtime, T: Timer, H: Handler>(
    mut servers: Vec<TcpStream>,
    shared: Arc<Shared>,
) -> Result<Cost> {
    let count = servers.len();
    // What is there before is not a connection's.
    let mut tasks = Vec::with_capacity(count);
    let counting = shared.counts.then(Counting::start);
    for server in servers.drain(..) {
        let connection = R::http(R::adopt(server)?);
        tasks.push(R::spawn(serve::<_, T, H>(connection, shared.clone())));
    }
    if let Some(counting) = counting {
        ensure!(shared.shop.gate.is_reached_by(count).await, "requests that do not come");
        shared.live.store(counting.usage().live, Ordering::Relaxed);
        drop(counting);
        shared.shop.gate.lift();
    }
    for task in tasks {
        task.await?;
    }
    Ok(Cost::default())
}

/// Answers until the client hangs up.
async fn serve<C, T: Timer, H: Handler>(connection: C, shared: Arc<Shared>) -> Result<()>
where
    C: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let answer = service_fn(move |request: Request<Incoming>| {
        let (head, _) = request.into_parts();
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        shared.clock.hear(target, shared.whose);
        H::handle::<T>(shared.shop.clone(), head).map(response)
    });
    // The date would be another in each answer.
    let served = http1::Builder::new().auto_date_header(false).serve_connection(connection, answer);
    Ok(served.await?)
}

fn response(answer: Answer) -> Result<Response<Full<Bytes>>, Infallible> {
    let Answer { status, layers, body } = answer;
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-layers", layers);
    Ok(response.body(Full::new(body.into())).expect("all of it is valid"))
}

/// A service on one runtime.
struct Served {
    spec: Spec,
    serve: Serve,
    handler: usize,
    script: Arc<Script>,
}

/// Lets requests through when the client ends, in whatever way: a server that waits for them would wait for ever.
struct Lift(Arc<Shared>);

impl Drop for Lift {
    fn drop(&mut self) {
        self.0.shop.gate.lift();
    }
}

impl Served {
    /// Serves a client that has so many connections.
    fn run<O: Send + 'static>(
        &self,
        connections: usize,
        gate: Gate,
        counts: bool,
        client: impl FnOnce(Vec<TcpStream>) -> Result<O> + Send + 'static,
    ) -> Result<(O, Arc<Shared>)> {
        let (clients, servers) = http::connections(connections)?;
        let shared = Arc::new(Shared {
            shop: Arc::new(Shop::new(gate)),
            clock: Clock::default(),
            whose: self.spec.flavour.whose(),
            counts,
            live: AtomicIsize::new(0),
        });
        let lift = Lift(shared.clone());
        let client = thread::spawn(move || {
            let _lift = lift;
            client(clients)
        });
        let served = (self.serve)(servers, shared.clone());
        // If the client has failed, that is why the server has.
        let done = client.join().ok().context("the client has panicked")??;
        served?;
        Ok((done, shared))
    }
}

impl Service for Served {
    fn rounds(&mut self, rounds: u64) -> Result<Cost> {
        let script = self.script.clone();
        let client = move |connections| http::rounds(connections, &script, rounds);
        let ((requests, of_client), shared) =
            self.run(self.spec.connections, Gate::open(), false, client)?;
        let mut cost = shared.clock.cost()?;
        if self.spec.flavour == Flavour::Multi {
            cost.cpu = cost.cpu.saturating_sub(of_client);
        }
        cost.requests = requests;
        Ok(cost)
    }

    fn footprint(&mut self) -> Result<Footprint> {
        ensure!(self.spec.flavour == Flavour::Current, "memory is counted on one thread");
        let connections = self.spec.connections;
        let served = &*self;
        // On a thread of its own: what an earlier runtime has left to this one would not be counted.
        let count = || {
            let script = served.script.clone();
            served.run(connections, Gate::closed(connections), true, move |mut connections| {
                http::round(&mut connections, &script, 0, "", |_| ())
            })
        };
        let counted = thread::scope(|scope| scope.spawn(count).join());
        let ((), shared) = counted.ok().context("the server has panicked")??;
        let live = shared.live.load(Ordering::Relaxed);
        Ok(Footprint { per_connection: live as f64 / connections as f64, handler: self.handler })
    }

    fn answers(&mut self, targets: &[&str]) -> Result<Vec<Vec<u8>>> {
        let targets: Vec<String> = targets.iter().map(|&target| target.to_owned()).collect();
        let client = move |mut connections: Vec<TcpStream>| {
            let mut buffer = [0; 1024];
            targets
                .iter()
                .map(|target| {
                    http::ask(&mut connections[0], target, "")?;
                    let answer = http::answer(&mut connections[0], &mut buffer)?;
                    Ok([answer.head, answer.body].concat())
                })
                .collect()
        };
        Ok(self.run(1, Gate::open(), false, client)?.0)
    }
}
