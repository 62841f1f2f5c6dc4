//! The listener's loop: connections with limits, and an end that lets answers finish.

use std::sync::Arc;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use model::{Clock, SystemClock};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits;
use crate::patient::Patient;

/// In each request's extensions: the server is about to stop, so streams end.
#[derive(Clone)]
pub(crate) struct Stopping(pub CancellationToken);

/// Serves until `stop`: then it takes no new connection, lets requests that are being answered finish for up to
/// [`limits::STOP_GRACE`], and returns. HTTP/1.1; TLS ends before the hub.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let router = router.layer(Extension(Stopping(stop.clone())));
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    let hard_stop = CancellationToken::new();
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = accept(&listener, &places) => next,
        };
        let Some((socket, place)) = next else {
            continue;
        };
        connections.spawn(connection(
            socket,
            place,
            router.clone(),
            stop.clone(),
            hard_stop.clone(),
        ));
    }
    drop(listener);
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        () = SystemClock.sleep(limits::STOP_GRACE) => {
            hard_stop.cancel();
            connections.wait().await;
        }
    }
}

/// The next connection, once there is a place for it; until then it waits in the kernel's backlog.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((socket, _)) => Some((socket, place)),
        Err(error) => {
            // A peer that hung up while it waited, or no descriptor left: others may still come.
            tracing::warn!(error = %error, "a connection could not be accepted");
            SystemClock.sleep(limits::ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn connection(
    socket: TcpStream,
    _place: OwnedSemaphorePermit,
    router: Router,
    stop: CancellationToken,
    hard_stop: CancellationToken,
) {
    // Without it small answers wait for the peer's delayed acknowledgement.
    let _only_slower = socket.set_nodelay(true);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD_WITHIN.to_std())
        .max_buf_size(limits::HEAD_BYTES_MAX)
        .serve_connection(
            TokioIo::new(Patient::new(socket, limits::WRITE_STALL_MAX)),
            TowerToHyperService::new(router),
        );
    let mut served = std::pin::pin!(served);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "a connection ended badly");
                }
                return;
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                served.as_mut().graceful_shutdown();
            }
            () = hard_stop.cancelled() => return,
        }
    }
}
