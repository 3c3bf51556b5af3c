//! Ports for servers of a test.

use std::net::TcpListener;

/// A port on the loopback address that nobody listens on.
///
/// # Panics
/// When the machine has none left.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port is free");
    listener.local_addr().expect("a bound listener has an address").port()
}
