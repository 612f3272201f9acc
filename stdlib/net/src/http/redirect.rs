//! Redirects of the HTTP client: their targets and requests.
//!
//! Redirects are followed by `follow` in `client.rs`, not by the HTTP library, since the world is
//! asked before every connection: a host that the program may not access is not accessible by a
//! redirect either. The requests are those that browsers make.

use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap,
    HeaderName, HeaderValue, LOCATION, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use reqwest::{Method, StatusCode, Url};

/// Header fields that are confidential to the host.
const OF_HOST: [HeaderName; 4] = [AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION];
/// Header fields that describe the body.
const OF_BODY: [HeaderName; 4] =
    [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING];

/// Returns the target of a redirect in the response for `url`. None if it is not a redirect, or has
/// no valid target.
pub(super) fn target(url: &Url, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    url.join(headers.get(LOCATION).map(HeaderValue::to_str)?.ok()?).ok()
}

/// Whether the redirected request has no body.
pub(super) fn drops_body(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        301 | 302 => method == Method::POST,
        303 => method != Method::HEAD,
        _ => false,
    }
}

/// Adapts the header fields of a request to `from` for the redirected one.
pub(super) fn adapt(headers: &mut HeaderMap, from: &Url, to: &Url, drops_body: bool) {
    if drops_body {
        OF_BODY.iter().for_each(|name| drop(headers.remove(name)));
    }
    let is_same_host =
        from.host() == to.host() && from.port_or_known_default() == to.port_or_known_default();
    if !is_same_host {
        OF_HOST.iter().for_each(|name| drop(headers.remove(name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn targets_are_relative_to_the_call() {
        let headers = |location: &'static str| {
            HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))])
        };
        let from = url("http://a/b/c?d");
        for (status, location, expected) in [
            (302, "e", Some("http://a/b/e")),
            (301, "/e", Some("http://a/e")),
            (308, "https://x:1/", Some("https://x:1/")),
            (303, "//x/y", Some("http://x/y")),
            (302, "http://[", None),
            (304, "/e", None),
            (200, "/e", None),
        ] {
            let found = target(&from, StatusCode::from_u16(status).unwrap(), &headers(location));
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{status} {location}");
        }
        assert_eq!(target(&from, StatusCode::FOUND, &HeaderMap::new()), None);
    }

    #[test]
    fn secrets_are_for_one_host_only() {
        for (to, keeps_secrets) in [
            ("http://a/x", true),
            ("http://a:81/", false),
            ("https://a/", false),
            ("http://b/", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static("key"));
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            adapt(&mut headers, &url("http://a/"), &url(to), false);
            assert_eq!(headers.contains_key(AUTHORIZATION), keeps_secrets, "{to}");
            assert!(headers.contains_key(CONTENT_TYPE), "{to}");
            adapt(&mut headers, &url("http://a/"), &url(to), true);
            assert!(!headers.contains_key(CONTENT_TYPE), "{to}");
        }
    }
}
