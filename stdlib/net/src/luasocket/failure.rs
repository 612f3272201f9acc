//! LuaSocket's messages for errors of the OS and of look-ups.

use solvm_runtime::system_error::{is_denial, reason};
use solvm_vm::messages::shorten;
use solvm_vm::{Call, Error, Value};
use std::io;

pub(super) const CLOSED: &str = "closed";
pub(super) const TIMEOUT: &str = "timeout";

/// The message of an error.
pub(super) fn message(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    let text = match error.kind() {
        Kind::AddrInUse => "address already in use",
        Kind::PermissionDenied if !is_denial(error) => "permission denied",
        Kind::ConnectionRefused => "connection refused",
        Kind::ConnectionAborted | Kind::ConnectionReset | Kind::BrokenPipe => CLOSED,
        Kind::TimedOut => TIMEOUT,
        _ if error.raw_os_error() == Some(rustix::io::Errno::ISCONN.raw_os_error()) => {
            "already connected"
        }
        _ => return reason(error),
    };
    text.into()
}

/// The message of a failed look-up, of which SolVM's own one has the host's name in front.
pub(super) fn look_up(host: &str, text: &str) -> String {
    let text = text.strip_prefix(host).and_then(|text| text.strip_prefix(": ")).unwrap_or(text);
    let known = match text {
        "Name or service not known" | "invalid host name" => {
            "host or service not provided, or not known"
        }
        "Temporary failure in name resolution" => "temporary failure in name resolution",
        "Non-recoverable failure in name resolution" => {
            "non-recoverable failure in name resolution"
        }
        _ => text,
    };
    known.into()
}

/// The results of a failed operation: nil and the reason.
pub(super) fn failed<'c>(call: &mut Call<'c>, text: &str) -> Result<Vec<Value<'c>>, Error> {
    Ok(vec![Value::NIL, call.string(&shorten(text.as_bytes()))?.value()])
}

/// The results of an operation: 1, or nil and the reason.
pub(super) fn done<'c>(
    call: &mut Call<'c>,
    result: Result<(), String>,
) -> Result<Vec<Value<'c>>, Error> {
    match result {
        Ok(()) => Ok(vec![Value::number(1.0)]),
        Err(text) => failed(call, &text),
    }
}
