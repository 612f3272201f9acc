//! The tokio runtime that drives Lua programs.

/// The tokio runtime that a program's turns, timers and sockets run on, all on the thread that
/// drives it.
///
/// # Errors
/// If the OS refuses resources.
pub fn new_tokio() -> std::io::Result<tokio::runtime::Runtime> {
    /// The number of tasks between two polls of the sockets; tokio's 61 take long if each is busy.
    const TASKS: u32 = 31;
    tokio::runtime::Builder::new_current_thread().event_interval(TASKS).enable_all().build()
}
