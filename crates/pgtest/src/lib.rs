//! A PostgreSQL server for tests, and a network in front of it that can be cut.
//!
//! For tests only: what goes wrong here is a panic that says why. Nothing of the machine's own PostgreSQL is touched:
//! each [`Server`] has a folder, a port and a process of its own, and is gone when the test process is, however that ends.

mod binaries;
mod ports;
mod proxy;
mod server;

pub use proxy::Proxy;
pub use server::{Database, Durability, Server};
