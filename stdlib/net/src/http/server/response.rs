//! Responses: those of handlers, which are a string, or a table with `status`, `headers` and
//! `body`; and short ones of the server.

use super::body::Body;
use crate::headers::{self, Refusal};
use crate::sockets::peers::Peer;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING,
    UPGRADE,
};
use hyper::http::response::Parts;
use hyper::{Response, StatusCode};
use solvm_vm::{Call, Error, Function, LuaString, Table, Value};
use std::sync::Arc;
use tokio::sync::oneshot;

/// A short response that is not the program's.
pub(super) fn plain_response(status: StatusCode) -> Response<Body> {
    let text = format!("{} {}\n", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::UPGRADE_REQUIRED {
        // The protocol that the path, or the version, requires.
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}

/// Sends a response to a client, who may have disconnected.
pub(super) fn send_response(responder: oneshot::Sender<Response<Body>>, response: Response<Body>) {
    let _ = responder.send(response);
}

/// A response before its body is read.
pub(super) struct HandlerResponse<'c> {
    pub(super) head: Parts,
    pub(super) body: Source<'c>,
}

/// The source of a body.
pub(crate) enum Source<'c> {
    Full(&'c [u8]),
    /// The function that is called for the chunks. Their total length, if it is known.
    Function(Value<'c>, Option<u64>),
}

/// Why there is no response.
pub(super) enum ResponseError {
    /// The handler's result is invalid.
    Invalid(String),
    /// There is no room for it.
    NoRoom,
    /// The program itself is out of memory.
    Raise(Error),
}

impl From<Error> for ResponseError {
    fn from(error: Error) -> Self {
        ResponseError::Raise(error)
    }
}

/// How much of a body is inspected to determine its type.
const SNIFFED_BYTES: usize = 512;

/// The starts of texts that are HTML.
const PAGES: [&[u8]; 17] = [
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<script",
    b"<iframe",
    b"<h1",
    b"<div",
    b"<font",
    b"<table",
    b"<a",
    b"<style",
    b"<title",
    b"<b",
    b"<body",
    b"<br",
    b"<p",
    b"<!--",
];

/// Converts a handler's result, for a client. `added` are header fields of middleware; the
/// handler's own take precedence.
pub(super) fn from_lua<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
    peer: &Arc<Peer>,
    added: HeaderMap,
    is_head: bool,
) -> Result<HandlerResponse<'c>, ResponseError> {
    let (mut head, ()) = Response::new(()).into_parts();
    head.headers = added;
    if let Some(text) = LuaString::from_value(value) {
        let body = full_body(&mut head, text.bytes());
        return Ok(HandlerResponse { head, body });
    }
    let Some(table) = Table::from_value(value) else {
        return Err(invalid(&format!("string or table expected, got {}", value.type_name())));
    };
    let field =
        |call: &mut Call<'c>, name: &str| Ok::<_, Error>(table.get(call.string(name.as_bytes())?));
    let (status, given, body) =
        (field(call, "status")?, field(call, "headers")?, field(call, "body")?);
    if status.is_nil() && given.is_nil() && body.is_nil() {
        return Err(invalid("table has no field 'status', 'headers' or 'body'"));
    }
    if !status.is_nil() {
        head.status = status_of(status)?;
    }
    if let Some(given) = Table::from_value(given) {
        headers::from_table(call, given, &mut head.headers, Some(peer)).map_err(|refusal| {
            match refusal {
                Refusal::Invalid(reason) => ResponseError::Invalid(reason),
                Refusal::NoMemory(_) => ResponseError::NoRoom,
            }
        })?;
    } else if !given.is_nil() {
        return Err(invalid(&format!(
            "field 'headers': table expected, got {}",
            given.type_name()
        )));
    }
    let body = body_of(call, &mut head, body, is_head)?;
    Ok(HandlerResponse { head, body })
}

fn invalid(text: &str) -> ResponseError {
    ResponseError::Invalid(text.into())
}

fn status_of(value: Value) -> Result<StatusCode, ResponseError> {
    let number = value.to_number().unwrap_or(f64::NAN);
    let status = StatusCode::from_u16(number as u16).ok();
    let status = status.filter(|status| {
        f64::from(status.as_u16()) == number && (200..600).contains(&status.as_u16())
    });
    let shown = || value.as_number().map_or(value.type_name().into(), |number| number.to_string());
    status.ok_or_else(|| {
        invalid(&format!("field 'status': number from 200 to 599 expected, got {}", shown()))
    })
}

fn body_of<'c>(
    call: &mut Call<'c>,
    head: &mut Parts,
    body: Value<'c>,
    is_head: bool,
) -> Result<Source<'c>, ResponseError> {
    if head.headers.remove(TRANSFER_ENCODING).is_some() {
        return Err(invalid("header 'Transfer-Encoding' cannot be set"));
    }
    // It is determined by the body.
    let length = match head.headers.remove(CONTENT_LENGTH) {
        Some(length) => {
            let length = length.to_str().ok().and_then(|text| text.parse::<u64>().ok());
            Some(length.ok_or_else(|| invalid("header 'Content-Length': number expected"))?)
        }
        None => None,
    };
    if Function::from_value(body).is_some() {
        return Ok(Source::Function(body, length));
    }
    let text = LuaString::from_value(body).or_else(|| call.number_string(body.as_number()?));
    if text.is_none() && !body.is_nil() {
        return Err(invalid(&format!(
            "field 'body': string or function expected, got {}",
            body.type_name()
        )));
    }
    let text = text.map_or(&b""[..], LuaString::bytes);
    match length {
        Some(length) if is_head && text.is_empty() => {
            head.headers.insert(CONTENT_LENGTH, length.into());
        }
        Some(length) if length != text.len() as u64 => {
            return Err(invalid(&format!(
                "header 'Content-Length' is {length}, but the body has {} bytes",
                text.len()
            )));
        }
        _ => {}
    }
    Ok(full_body(head, text))
}

/// Returns a complete body, and sets its type if the handler does not.
fn full_body<'c>(head: &mut Parts, text: &'c [u8]) -> Source<'c> {
    if !text.is_empty() && !head.headers.contains_key(CONTENT_TYPE) {
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(text)));
    }
    Source::Full(text)
}

/// Determines the type of a body by its start.
fn content_type(text: &[u8]) -> &'static str {
    let start = text.get(..SNIFFED_BYTES).unwrap_or(text);
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 11 | 14..=26 | 28..=31);
    if start.iter().any(is_control) {
        return "application/octet-stream";
    }
    let trimmed = start.trim_ascii_start();
    let is_page = trimmed.first() == Some(&b'<')
        && PAGES.iter().any(|page| {
            let begins =
                trimmed.get(..page.len()).is_some_and(|start| start.eq_ignore_ascii_case(page));
            begins
                && (page == b"<!--"
                    || matches!(
                        trimmed.get(page.len()),
                        None | Some(b' ' | b'>' | b'\n' | b'\r' | b'\t')
                    ))
        });
    if is_page { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" }
}
