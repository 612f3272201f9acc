//! The processor time of the calling thread: what compiling takes where other programs keep the
//! machine busy, too.

#![allow(unsafe_code, reason = "the clock is the operating system's")]

use std::time::Duration;

/// The processor time that the calling thread has taken.
#[cfg(unix)]
pub(crate) fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock is written to a local variable. If it cannot be read, that stays 0.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanoseconds)
}

/// Elsewhere, no code is compiled.
#[cfg(not(unix))]
pub(crate) fn processor_time() -> Duration {
    Duration::ZERO
}
