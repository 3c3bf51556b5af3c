//! What the kernel knows of this process.

/// Keeps memory in small pages, where the kernel knows of others.
///
/// The allocator asks for huge ones. A job touches memory once, and a huge page is cleared whole, however little of it is
/// used; where a virtual machine gives free memory back to its host, it is huge pages that have to be fetched again. A join
/// of 100 k entity rows with 3 x 1 M took 0.10 s with huge pages, but 0.2 to 0.3 after a pause, and takes 0.13 always
/// without; 1 M with 3 x 10 M 1.04 to 1.44 s and 1.22 to 1.29, with 370 MiB instead of 430 resident. A server, which uses
/// its memory again, answers 6 % more large requests with them.
pub(crate) fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages cannot be refused");
    }
}

/// The most bytes that were resident so far; `None` where the kernel does not tell.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}
