//! The OS's memory limit for the process.

/// Memory that a program with a memory limit of 0 may need for threads and natives.
#[cfg(target_os = "linux")]
const RESERVE: usize = 64 << 20;
/// Address space per byte in use: arenas are aligned, and buffers grow by copying.
#[cfg(target_os = "linux")]
const MAPPED_PER_BYTE: usize = 2;

/// Returns the largest memory limit that the limits of this process allow (`ulimit -v` and `ulimit
/// -d`); None if there are none, or they are unknown. Beyond it an allocation may fail where no
/// error can be raised.
#[cfg(target_os = "linux")]
pub fn memory_allowed() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};
    let limits = [Resource::As, Resource::Data].map(|resource| getrlimit(resource).current);
    if limits == [None, None] {
        return None;
    }
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    // The fields are size, resident, shared, text, lib, data, dirty.
    let field = |index| pages.split_ascii_whitespace().nth(index)?.parse::<usize>().ok();
    let used = [field(0)?, field(5)?].map(|pages| pages * rustix::param::page_size());
    let left = limits.into_iter().zip(used).filter_map(|(limit, used)| {
        let limit = usize::try_from(limit?).unwrap_or(usize::MAX);
        Some(limit.saturating_sub(used).saturating_sub(RESERVE) / MAPPED_PER_BYTE)
    });
    left.min()
}

/// As above: unknown on this system.
#[cfg(not(target_os = "linux"))]
pub fn memory_allowed() -> Option<usize> {
    None
}
