//! Results of functions that have waited or that report an error of the OS.

use crate::system_error::{error_code, reason};
use solvm_vm::messages::shorten;
use solvm_vm::native::{Results, asynchronous};
use solvm_vm::{Call, Dialect, Error, OutOfMemory, Value};
use std::future::Future;
use std::io;

/// Returns nil, the message and the error number (always 1 in gopher-lua). A lack of memory is
/// raised.
pub fn failure<'c>(
    call: &mut Call<'c>,
    error: &io::Error,
    path: Option<&[u8]>,
) -> Result<Vec<Value<'c>>, Error> {
    if error.kind() == io::ErrorKind::OutOfMemory {
        return Err(Error::bare(OutOfMemory.to_string()));
    }
    let mut text = path.map_or(Vec::new(), |path| [&shorten(path), &b": "[..]].concat());
    text.extend_from_slice(reason(error).as_bytes());
    let text = call.string(&text)?.value();
    let code = match call.dialect() {
        Dialect::Lua => error_code(error),
        Dialect::GopherLua => 1,
    };
    Ok(vec![Value::NIL, text, Value::number(f64::from(code))])
}

/// Returns true, or the results of [`failure`].
pub fn succeeded<'c>(call: &mut Call<'c>, result: io::Result<()>) -> Result<Vec<Value<'c>>, Error> {
    match result {
        Ok(()) => Ok(vec![Value::boolean(true)]),
        Err(error) => failure(call, &error, None),
    }
}

/// Waits for a future; `convert` creates the native's results.
pub fn later<'c, T, F, C>(future: F, convert: C) -> impl Results<'c> + use<'c, T, F, C>
where
    T: 'static,
    F: Future<Output = T> + 'static,
    C: for<'a> FnOnce(&mut Call<'a>, T) -> Result<Vec<Value<'a>>, Error> + 'static,
{
    asynchronous::run(move |lua| async move {
        let result = future.await;
        lua.finish_with(|call| convert(call, result))
    })
}
