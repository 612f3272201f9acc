//! The handshake of a WebSocket (RFC 6455, section 4.2).

use super::body::Body;
use bytes::Bytes;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Whether a list in a header field contains a token, in any case.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        value
            .as_bytes()
            .split(|&byte| byte == b',')
            .any(|found| found.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    })
}

/// Whether the client requests a WebSocket.
pub(super) fn is_requested(headers: &HeaderMap) -> bool {
    has_token(headers, UPGRADE, "websocket")
}

/// Returns the response that accepts the handshake, or the status that rejects it.
pub(super) fn accept(head: &Parts) -> Result<Response<Body>, StatusCode> {
    let headers = &head.headers;
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    // 16 bytes in base64.
    let key = key.filter(|key| key.len() == 24 && key.ends_with(b"=="));
    let is_right = head.method == Method::GET
        && head.version == Version::HTTP_11
        && has_token(headers, CONNECTION, "upgrade");
    let (true, Some(key)) = (is_right, key) else { return Err(StatusCode::BAD_REQUEST) };
    if headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes) != Some(b"13") {
        return Err(StatusCode::UPGRADE_REQUIRED);
    }
    let mut response = Response::new(Body::full(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let fields = response.headers_mut();
    fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
    let accept =
        HeaderValue::from_str(&derive_accept_key(key)).map_err(|_| StatusCode::BAD_REQUEST)?;
    fields.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}
