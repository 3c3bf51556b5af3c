//! Ports for servers that tests start.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that systems give to outgoing connections (Linux: from 32 768): no client takes a port away between
/// its choice and the start of the server.
const PORTS: std::ops::Range<u32> = 12_000..32_000;

/// Ports that one process tries before another one's begin.
const STRIDE: u32 = 211;

/// How many this process has tried.
static TRIED: AtomicU32 = AtomicU32::new(0);

/// A port on the loopback address that nobody listens on, and that this process has not been given before.
///
/// # Panics
/// When the machine has none left.
pub fn free_port() -> u16 {
    let start = std::process::id().wrapping_mul(STRIDE);
    let ports = PORTS.map(|_| {
        let at = start.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed));
        u16::try_from(PORTS.start + at % (PORTS.end - PORTS.start)).expect("the range fits")
    });
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.into_iter().find(is_free).expect("a loopback port is free")
}
