//! Errors of the operating system, and the denials of a [`World`](crate::host::World), which
//! resemble them.

use std::io;

/// The error for operations that the world does not allow.
pub(crate) fn denied() -> io::Error {
    io::ErrorKind::PermissionDenied.into()
}

/// Returns the OS's message, without the number that Rust adds.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// Returns the OS's error number; for denials that of "permission denied".
pub(crate) fn error_code(error: &io::Error) -> i32 {
    const EACCES: i32 = 13;
    error.raw_os_error().unwrap_or(if is_denial(error) { EACCES } else { 0 })
}

/// The note after "no file 'x'" if permissions are the reason; empty for other errors.
pub fn denial_note(error: Option<&io::Error>) -> String {
    let denial = error.filter(|error| is_denial(error));
    denial.map_or(String::new(), |error| format!(" ({})", reason(error)))
}

/// Whether an error comes from a world or from permissions, not from the OS.
pub fn is_denial(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}
