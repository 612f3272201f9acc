//! Static files: `serve_static`.
//!
//! Nothing outside the directory is accessible: a path with `..` or similar parts is not found, and
//! a link that leads out of the directory is not followed. Names that start with a dot are not
//! found either, except `.well-known`.

use super::body::{Body, Chunk};
use super::response::plain_response;
use super::route::segments;
use crate::sockets::peers::{Load, Peer, accounted};
use bytes::Bytes;
use futures_util::future::{Either, select};
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use solvm_runtime::host::{FileKind, FileSystem, Source, path_of};
use solvm_runtime::pool::in_pool;
use std::io::{self, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// The chunk size for reading files.
const CHUNK: u64 = 128 << 10;
/// Maximum number of concurrent reads, each of which needs a thread.
const READS: usize = 32;
/// The file that is served for a directory.
const INDEX: &str = "index.html";

/// A directory that is served.
pub(super) struct Directory {
    files: Arc<dyn FileSystem>,
    /// Its path without links.
    root: PathBuf,
    /// The number of segments of its prefix.
    prefix: usize,
    reads: Arc<Semaphore>,
}

/// An open file.
struct Found {
    file: Box<dyn Source>,
    size: u64,
    modified: Option<SystemTime>,
    content_type: &'static str,
}

impl Directory {
    /// Creates a directory under a prefix of `prefix` segments. Accesses the file system.
    pub(super) fn new(
        files: Arc<dyn FileSystem>,
        path: &[u8],
        prefix: usize,
    ) -> io::Result<Directory> {
        let root = files.canonical(&path_of(path))?;
        if !files.metadata(&root, true)?.is_directory() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Directory { files, root, prefix, reads: Arc::new(Semaphore::new(READS)) })
    }

    /// Responds to a request. `added` are header fields for any response.
    pub(super) fn serve(
        self: Arc<Self>,
        head: Parts,
        added: HeaderMap,
        responder: oneshot::Sender<Response<Body>>,
        peer: Arc<Peer>,
    ) {
        tokio::spawn(async move {
            let (mut response, rest) = self.respond(&head, peer).await;
            for (name, value) in &added {
                response.headers_mut().entry(name).or_insert_with(|| value.clone());
            }
            // If the client is disconnected, the rest is not needed.
            if responder.send(response).is_ok()
                && let Some(rest) = rest
            {
                rest.send().await;
            }
        });
    }

    async fn respond(
        self: &Arc<Self>,
        head: &Parts,
        peer: Arc<Peer>,
    ) -> (Response<Body>, Option<Rest>) {
        if head.method != Method::GET && head.method != Method::HEAD {
            let mut response = plain_response(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return (response, None);
        }
        let Some(relative) = self.relative(head.uri.path()) else {
            return (plain_response(StatusCode::NOT_FOUND), None);
        };
        let (directory, is_directory) = (self.clone(), head.uri.path().ends_with('/'));
        let found = in_pool(move || directory.find(&relative, is_directory)).await;
        match found.flatten() {
            Ok(Some(found)) => present(head, found, peer, self.reads.clone()).await,
            Ok(None) => (redirect(head), None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                (plain_response(StatusCode::FORBIDDEN), None)
            }
            // No thread is available.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                (plain_response(StatusCode::SERVICE_UNAVAILABLE), None)
            }
            Err(_) => (plain_response(StatusCode::NOT_FOUND), None),
        }
    }

    /// Returns the path below the directory. None if it is not valid for a file.
    fn relative(&self, path: &str) -> Option<PathBuf> {
        let path = segments(path);
        let rest = path.get(self.prefix..).unwrap_or_default();
        let mut relative = PathBuf::new();
        for (place, segment) in rest.iter().enumerate() {
            let is_last = place.saturating_add(1) == rest.len();
            let is_plain = !segment.iter().any(|byte| matches!(byte, b'/' | b'\\' | b':' | 0));
            let is_hidden = segment.first() == Some(&b'.') && segment[..] != b".well-known"[..];
            match segment.is_empty() {
                true if is_last => {}
                false if is_plain && !is_hidden => relative.push(path_of(segment)),
                _ => return None,
            }
        }
        Some(relative)
    }

    /// Opens the file at a path. None for a directory whose path lacks the trailing slash.
    fn find(&self, relative: &Path, is_directory: bool) -> io::Result<Option<Found>> {
        let mut path = self.inside(&self.root.join(relative))?;
        let mut about = self.files.metadata(&path, false)?;
        if about.is_directory() {
            if !is_directory && !relative.as_os_str().is_empty() {
                return Ok(None);
            }
            path = self.inside(&path.join(INDEX))?;
            about = self.files.metadata(&path, false)?;
        } else if is_directory {
            return Err(io::ErrorKind::NotFound.into());
        }
        // Other types might block forever.
        if about.kind != FileKind::File {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = self.files.open(&path)?;
        let modified = Duration::try_from_secs_f64(about.modified).ok();
        let modified = modified.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        let content_type =
            path.extension().and_then(|extension| extension.to_str()).map_or(UNKNOWN, content_type);
        Ok(Some(Found { file, size: about.size, modified, content_type }))
    }

    /// Returns the path without links, if it is in the directory.
    fn inside(&self, path: &Path) -> io::Result<PathBuf> {
        let path = self.files.canonical(path)?;
        if path.starts_with(&self.root) { Ok(path) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

/// Returns the redirect to a directory's path with a trailing slash.
fn redirect(head: &Parts) -> Response<Body> {
    let mut response = plain_response(StatusCode::MOVED_PERMANENTLY);
    // Two slashes at the start would denote another host.
    let path = head.uri.path().trim_start_matches('/');
    let query = head.uri.query().map_or(String::new(), |query| format!("?{query}"));
    if let Ok(location) = HeaderValue::from_str(&format!("/{path}/{query}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The part of a file that is sent after the response has started.
struct Rest {
    file: Box<dyn Source>,
    left: u64,
    chunks: mpsc::Sender<Chunk>,
    peer: Arc<Peer>,
    reads: Arc<Semaphore>,
}

impl Rest {
    /// Sends the rest as fast as the client reads. If the file cannot be read to its end, the
    /// response is cut off.
    async fn send(mut self) {
        while self.left > 0 {
            let size = self.left.min(CHUNK);
            let holding = pin!(self.peer.clone().hold_later(size as usize));
            let Either::Right((Ok(load), _)) = select(pin!(self.chunks.closed()), holding).await
            else {
                return;
            };
            let read = read_chunk(self.file, None, size, load, &self.reads).await;
            let Ok((file, bytes)) = read else { return };
            (self.file, self.left) = (file, self.left.saturating_sub(size));
            if self.chunks.send(Chunk::Data(bytes)).await.is_err() {
                return;
            }
        }
        // A disconnected client does not need it.
        let _ = self.chunks.send(Chunk::End).await;
    }
}

/// Reads `size` bytes on the blocking pool, from `start` or from the current position.
async fn read_chunk(
    mut file: Box<dyn Source>,
    start: Option<u64>,
    size: u64,
    load: Load,
    reads: &Semaphore,
) -> io::Result<(Box<dyn Source>, Bytes)> {
    let _permit = reads.acquire().await;
    // Allocated by this thread, since glibc keeps the memory that other threads have used.
    let mut bytes = vec![0; size as usize];
    let read = in_pool(move || {
        if let Some(start) = start {
            file.seek(SeekFrom::Start(start))?;
        }
        file.read_exact(&mut bytes)?;
        Ok((file, accounted(bytes, load)))
    });
    read.await.flatten()
}

/// Returns a response with a file, or the requested part of it.
async fn present(
    head: &Parts,
    found: Found,
    peer: Arc<Peer>,
    reads: Arc<Semaphore>,
) -> (Response<Body>, Option<Rest>) {
    let modified = found.modified.map(httpdate::fmt_http_date);
    let tag = tag_of(&found);
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(found.content_type));
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    fields.extend(
        [(ETAG, &tag)].into_iter().filter_map(|(name, text)| Some((name, text.parse().ok()?))),
    );
    fields.extend(
        modified.iter().filter_map(|text| Some((LAST_MODIFIED, text.parse::<HeaderValue>().ok()?))),
    );
    let with = |status, body| {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response
    };
    if is_known(head, &tag, found.modified) {
        let mut response = with(StatusCode::NOT_MODIFIED, Body::full(Bytes::new()));
        *response.headers_mut() = fields;
        return (response, None);
    }
    let mut status = StatusCode::OK;
    let mut part = 0..found.size;
    match range_of(head, &tag, modified.as_deref(), found.size) {
        RequestedRange::Everything => {}
        RequestedRange::Part(range) => {
            status = StatusCode::PARTIAL_CONTENT;
            let text =
                format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), found.size);
            fields.extend(text.parse::<HeaderValue>().ok().map(|text| (CONTENT_RANGE, text)));
            part = range;
        }
        RequestedRange::Outside => {
            let mut response = plain_response(StatusCode::RANGE_NOT_SATISFIABLE);
            let text = format!("bytes */{}", found.size);
            response
                .headers_mut()
                .extend(text.parse::<HeaderValue>().ok().map(|text| (CONTENT_RANGE, text)));
            return (response, None);
        }
    }
    let (start, length) = (part.start, part.end.saturating_sub(part.start));
    let first = length.min(CHUNK);
    let Ok(load) = peer.clone().hold_later(first as usize).await else {
        return (plain_response(StatusCode::SERVICE_UNAVAILABLE), None);
    };
    let read = read_chunk(found.file, Some(start), first, load, &reads).await;
    let Ok((file, bytes)) = read else {
        return (plain_response(StatusCode::INTERNAL_SERVER_ERROR), None);
    };
    let (body, rest) = if length <= CHUNK {
        (Body::full(bytes), None)
    } else {
        let (sender, chunks) = mpsc::channel(2);
        // The queue is empty.
        let _ = sender.try_send(Chunk::Data(bytes));
        (
            Body::chunks(chunks, Some(length)),
            Some(Rest { file, left: length.saturating_sub(first), chunks: sender, peer, reads }),
        )
    };
    let mut response = with(status, body);
    *response.headers_mut() = fields;
    (response, rest)
}

/// Returns the entity tag of a file: its size and modification time.
fn tag_of(found: &Found) -> String {
    let modified = found.modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    format!("\"{:x}-{:x}\"", modified.unwrap_or(Duration::ZERO).as_nanos(), found.size)
}

fn text_of(head: &Parts, name: HeaderName) -> Option<&str> {
    head.headers.get(name)?.to_str().ok()
}

/// Whether the client has the current file.
fn is_known(head: &Parts, tag: &str, modified: Option<SystemTime>) -> bool {
    if let Some(tags) = text_of(head, IF_NONE_MATCH) {
        return tags
            .split(',')
            .map(str::trim)
            .any(|known| known == "*" || known.trim_start_matches("W/") == tag);
    }
    let since =
        text_of(head, IF_MODIFIED_SINCE).and_then(|text| httpdate::parse_http_date(text).ok());
    // HTTP dates have no fractions of seconds.
    let is_older = |since: SystemTime, modified: SystemTime| {
        since.checked_add(Duration::from_secs(1)).is_none_or(|end| modified < end)
    };
    since.zip(modified).is_some_and(|(since, modified)| is_older(since, modified))
}

/// The requested part of a file.
#[derive(Debug, PartialEq, Eq)]
enum RequestedRange {
    Everything,
    Part(Range<u64>),
    /// A range outside the file.
    Outside,
}

fn range_of(head: &Parts, tag: &str, modified: Option<&str>, size: u64) -> RequestedRange {
    let Some(text) = text_of(head, RANGE) else { return RequestedRange::Everything };
    if text_of(head, IF_RANGE)
        .is_some_and(|condition| condition != tag && Some(condition) != modified)
    {
        return RequestedRange::Everything;
    }
    parse_range(text, size)
}

/// Parses a range. Multiple ranges, and invalid ones, count as everything.
fn parse_range(text: &str, size: u64) -> RequestedRange {
    let Some((first, last)) =
        text.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-'))
    else {
        return RequestedRange::Everything;
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return RequestedRange::Everything,
    };
    if range.start < range.end { RequestedRange::Part(range) } else { RequestedRange::Outside }
}

/// The content type of unknown files.
const UNKNOWN: &str = "application/octet-stream";

/// Returns the content type for an extension.
fn content_type(extension: &str) -> &'static str {
    match &*extension.to_ascii_lowercase() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" | "log" | "lua" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "xml" => "application/xml",
        "ics" => "text/calendar; charset=utf-8",
        "yaml" | "yml" => "application/yaml",
        "toml" => "application/toml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/vnd.microsoft.icon",
        "bmp" => "image/bmp",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "mp3" => "audio/mpeg",
        "ogg" | "oga" => "audio/ogg",
        "wav" => "audio/wav",
        "m4a" => "audio/mp4",
        "flac" => "audio/flac",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "ogv" => "video/ogg",
        "mov" => "video/quicktime",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "tar" => "application/x-tar",
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_file() {
        for (text, expected) in [
            ("bytes=0-4", RequestedRange::Part(0..5)),
            ("bytes=5-", RequestedRange::Part(5..10)),
            ("bytes=-3", RequestedRange::Part(7..10)),
            ("bytes=-30", RequestedRange::Part(0..10)),
            ("bytes=8-100", RequestedRange::Part(8..10)),
            ("bytes=8-18446744073709551615", RequestedRange::Part(8..10)),
            ("bytes=10-", RequestedRange::Outside),
            ("bytes=-0", RequestedRange::Outside),
            ("bytes=4-2", RequestedRange::Everything),
            ("bytes=0-1,4-5", RequestedRange::Everything),
            ("bytes=x-", RequestedRange::Everything),
            ("lines=1-2", RequestedRange::Everything),
        ] {
            assert_eq!(parse_range(text, 10), expected, "{text}");
        }
        assert_eq!(parse_range("bytes=0-", 0), RequestedRange::Outside);
    }
}
