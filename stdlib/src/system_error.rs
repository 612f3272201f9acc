//! Errors of the operating system, and denials of a [`World`](crate::host::World), which look like
//! them.

use std::io;

/// The error of what the world does not allow.
pub(crate) fn denied() -> io::Error {
    io::ErrorKind::PermissionDenied.into()
}

/// What went wrong in the system's words, without Rust's addition of the number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// The operating system's number of an error; that of "permission denied" for our own denials.
pub(crate) fn error_code(error: &io::Error) -> i32 {
    const EACCES: i32 = 13;
    error.raw_os_error().unwrap_or(if is_denial(error) { EACCES } else { 0 })
}

/// What is added to "no file 'x'" where permissions are the reason: empty for other errors.
pub(crate) fn denial_note(error: Option<&io::Error>) -> String {
    let denial = error.filter(|error| is_denial(error));
    denial.map_or(String::new(), |error| format!(" ({})", reason(error)))
}

/// Whether an error is that of a world or of permissions, not the operating system's.
pub(crate) fn is_denial(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}
