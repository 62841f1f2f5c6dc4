//! A network between a hub and PostgreSQL that a test can cut.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use model::{Clock, DurationMs, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::ports;
use crate::server::Database;

/// Changes of state take microseconds; this long means that the proxy is broken.
const TURN_WITHIN: Duration = Duration::from_secs(20);
/// Between two tries to listen again.
const LISTEN_AGAIN_EVERY: DurationMs = DurationMs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Flows,
    Cut,
    Refuses,
}

/// A TCP proxy on 127.0.0.1, with threads of its own: it can be used from any test, also one that blocks.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: watch::Sender<State>,
    /// The state that new connections meet.
    met: Arc<(Mutex<State>, Condvar)>,
    runtime: Option<Runtime>,
}

impl Proxy {
    /// A proxy to this port of 127.0.0.1, through which all flows. Panics if it cannot listen.
    pub fn start(target_port: u16) -> Proxy {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("proxy")
            .enable_all()
            .build()
            .expect("a thread can be started");
        let (port, listener) = ports::free();
        listener
            .set_nonblocking(true)
            .expect("a listener can be set up");
        let (state, states) = watch::channel(State::Flows);
        let met = Arc::new((Mutex::new(State::Refuses), Condvar::new()));
        runtime.spawn(accept(listener, target_port, states, met.clone()));
        let proxy = Proxy {
            port,
            state,
            met,
            runtime: Some(runtime),
        };
        proxy.turn(State::Flows);
        proxy
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The database's URL, through this proxy.
    pub fn url_for(&self, database: &Database<'_>) -> String {
        database.url_at(self.port)
    }

    /// A black hole: connections stay and freeze, new ones are accepted, nothing flows and nobody is told.
    pub fn cut(&self) {
        self.turn(State::Cut);
    }

    /// Closes all connections and refuses new ones, as a host without the server does.
    pub fn refuse(&self) {
        self.turn(State::Refuses);
    }

    /// All flows again; what was frozen goes on, late, as in a network.
    pub fn heal(&self) {
        self.turn(State::Flows);
    }

    /// Returns once new connections meet the new state.
    fn turn(&self, state: State) {
        self.state.send_replace(state);
        let (met, changed) = &*self.met;
        let met = met.lock().expect("no holder panics");
        let arrived = changed.wait_timeout_while(met, TURN_WITHIN, |met| *met != state);
        let late = arrived.expect("no holder panics").1.timed_out();
        assert!(!late, "the proxy is not {state:?} in time");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for nothing: it may be dropped inside a test's own runtime.
            runtime.shutdown_background();
        }
    }
}

async fn accept(
    listener: std::net::TcpListener,
    target: u16,
    mut states: watch::Receiver<State>,
    met: Arc<(Mutex<State>, Condvar)>,
) {
    let port = listener.local_addr().expect("it is bound").port();
    let mut listener = Some(TcpListener::from_std(listener).expect("we are in a runtime"));
    loop {
        let state = *states.borrow_and_update();
        listener = match (state, listener) {
            (State::Refuses, _) => None,
            (_, Some(listener)) => Some(listener),
            (_, None) => Some(listen(port).await),
        };
        *met.0.lock().expect("no holder panics") = state;
        met.1.notify_all();
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = states.changed() => if changed.is_err() { return },
            accepted = accepted => if let Ok((client, _)) = accepted {
                tokio::spawn(connection(client, target, states.clone()));
            },
        }
    }
}

/// Listens again on a port of ours. Tries until it is free: a child process that another thread of the test begins just
/// now has a copy of the former listener for a moment.
async fn listen(port: u16) -> TcpListener {
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return listener,
            Err(_) => SystemClock.sleep(LISTEN_AGAIN_EVERY).await,
        }
    }
}

/// One connection, until either side or the proxy closes it.
async fn connection(client: TcpStream, target: u16, mut states: watch::Receiver<State>) {
    if until(&mut states, |state| state != State::Cut).await != Some(State::Flows) {
        return;
    }
    // Errors close the other side, which is all that a proxy can tell it.
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
        return;
    };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let mut refused = states.clone();
    tokio::select! {
        _ = async {
            tokio::join!(
                pump(client_reads, server_writes, states.clone()),
                pump(server_reads, client_writes, states),
            )
        } => {}
        _ = until(&mut refused, |state| state == State::Refuses) => {}
    }
}

/// Waits for a state; `None`: the proxy is gone.
async fn until(
    states: &mut watch::Receiver<State>,
    wanted: impl Fn(State) -> bool,
) -> Option<State> {
    let reached = states.wait_for(|state| wanted(*state)).await;
    reached.ok().map(|state| *state)
}

/// Carries bytes one way. While the network is cut none leave, also none that were read just before.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut states: watch::Receiver<State>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        let flows = until(&mut states, |state| state == State::Flows).await;
        if flows.is_none() || read == 0 {
            // Dropping the half closes this direction.
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
    }
}
