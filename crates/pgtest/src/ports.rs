//! Ports for servers that stop and come back.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that the system gives to outgoing connections: a server that is down for a moment finds its port free.
const PORTS: Range<u32> = 20_000..32_000;
/// Each test process begins its search somewhere else.
const PORTS_OF_A_PROCESS: u32 = 40;

/// A port of 127.0.0.1 that was free, and what holds it. Panics if none is.
pub fn free() -> (u16, TcpListener) {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(PORTS_OF_A_PROCESS);
    let found = PORTS.into_iter().find_map(|_| {
        let offset = first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(PORTS.start + offset % (PORTS.end - PORTS.start)).ok()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        Some((port, listener))
    });
    found.unwrap_or_else(|| panic!("no free port between {} and {}", PORTS.start, PORTS.end))
}
