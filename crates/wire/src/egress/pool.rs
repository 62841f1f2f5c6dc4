//! Idle connections, by host. Age is counted in sweeps, one a second, so that no clock is needed.

use std::collections::HashMap;

use bytes::Bytes;
use http::uri::Authority;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use parking_lot::Mutex;

use crate::limits;

pub(super) type Sender = SendRequest<Full<Bytes>>;

/// Connections are shared only by requests to the same scheme, host and port.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct HostKey {
    pub tls: bool,
    pub authority: Authority,
}

struct Idle {
    sender: Sender,
    sweeps_left: u16,
}

#[derive(Default)]
struct Shelves {
    hosts: HashMap<HostKey, Vec<Idle>>,
    total: usize,
}

#[derive(Default)]
pub(super) struct Pool {
    shelves: Mutex<Shelves>,
}

impl Pool {
    /// The connection used last, if one is open: it is the least likely to be closed just now.
    pub fn take(&self, host: &HostKey) -> Option<Sender> {
        let mut shelves = self.shelves.lock();
        let shelf = shelves.hosts.get_mut(host)?;
        let mut taken = 0;
        let found = std::iter::from_fn(|| shelf.pop())
            .inspect(|_| taken += 1)
            .map(|idle| idle.sender)
            .find(|sender| !sender.is_closed());
        shelves.total -= taken;
        found
    }

    /// Keeps a connection for at most `seconds`; drops it if there are enough.
    pub fn put(&self, host: &HostKey, sender: Sender, seconds: u16) {
        if seconds == 0 || sender.is_closed() {
            return;
        }
        let mut shelves = self.shelves.lock();
        if shelves.total >= limits::IDLE_TOTAL_MAX {
            return;
        }
        let idle = Idle {
            sender,
            sweeps_left: seconds,
        };
        match shelves.hosts.get_mut(host) {
            Some(shelf) if shelf.len() >= limits::IDLE_PER_HOST_MAX => return,
            Some(shelf) => shelf.push(idle),
            None => drop(shelves.hosts.insert(host.clone(), vec![idle])),
        }
        shelves.total += 1;
    }

    /// Ages all by one second; drops what is too old or closed, and hosts without connections.
    pub fn sweep(&self) {
        let mut shelves = self.shelves.lock();
        let mut total = 0;
        shelves.hosts.retain(|_, shelf| {
            shelf.retain_mut(|idle| {
                idle.sweeps_left -= 1;
                idle.sweeps_left > 0 && !idle.sender.is_closed()
            });
            total += shelf.len();
            !shelf.is_empty()
        });
        shelves.total = total;
    }

    #[cfg(test)]
    pub fn idle(&self) -> usize {
        self.shelves.lock().total
    }

    /// Those idle connections whose end has not been seen.
    #[cfg(test)]
    pub fn open(&self) -> usize {
        self.shelves
            .lock()
            .hosts
            .values()
            .flatten()
            .filter(|idle| !idle.sender.is_closed())
            .count()
    }
}
