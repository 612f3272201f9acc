//! The HTTP client: `http_get`, `http_post`, `http_put`, `http_delete`, `http_request`.
//!
//! Connections are kept alive and reused, separately for each trust configuration and port. A call
//! that fails returns nil and the reason, and calls the handlers of `on_error`.

use super::clients::clients_for;
use super::{headers, redirect};
use crate::sockets::innermost;
use crate::sockets::tls::Trust;
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use solvm_files::file_system;
use solvm_files::make_parents;
use solvm_runtime::Host;
use solvm_runtime::buffer::AccountedBuffer;
use solvm_runtime::errors;
pub use solvm_runtime::host::network::Purpose;
use solvm_runtime::host::{Bar, Progress, path_of};
use solvm_runtime::name::{MAX_NAME, Name};
use solvm_runtime::options::Options;
use solvm_runtime::pool::in_pool;
use solvm_runtime::progress;
use solvm_runtime::system_error::reason;
use solvm_vm::messages::shorten;
use solvm_vm::native::asynchronous::{self, Lua};
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, Held, LuaString, Table, Value};
use std::io::{Read, Write};
use std::time::Duration;

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "http_delete" => http_delete,
    "http_get" => http_get,
    "http_post" => http_post,
    "http_put" => http_put,
    "http_request" => http_request,
});

/// The default time limit of a call.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The default time limit of a file transfer.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(300);
/// The option that exists only for calls that return a response.
const SAVE_TO: &[&str] = &["save_to"];
/// The chunk size for sending files.
const CHUNK: u64 = 1 << 16;
/// The default limit of redirects.
const REDIRECTS: usize = 10;
/// The default content type of a body.
const DEFAULT_TYPE: HeaderValue = HeaderValue::from_static("application/json");
/// A call with its options.
pub(crate) struct Request {
    method: Method,
    url: String,
    body: Option<Bytes>,
    headers: HeaderMap,
    timeout: Duration,
    trust: Trust,
    purpose: Purpose,
    /// The limit of redirects.
    redirects: usize,
    /// The file that receives the body.
    save_to: Option<Vec<u8>>,
    /// Whether a file is downloaded or uploaded: then missing directories are created, and an error
    /// status is a failure.
    is_transfer: bool,
    /// The file that contains the body.
    body_from: Option<Vec<u8>>,
    /// Where the progress of a transfer is shown.
    progress: Progress,
}

impl Request {
    fn new(method: Method, url: Name, body: Option<LuaString>) -> Request {
        let body = body.map(|body| Bytes::copy_from_slice(body.bytes()));
        Request { body, ..Request::to(method, String::from_utf8_lossy(url.bytes()).into_owned()) }
    }

    fn to(method: Method, url: String) -> Request {
        Request {
            method,
            url,
            body: None,
            headers: HeaderMap::new(),
            timeout: TIMEOUT,
            trust: Trust::default(),
            purpose: Purpose::Connect,
            redirects: REDIRECTS,
            save_to: None,
            is_transfer: false,
            body_from: None,
            progress: Progress::default(),
        }
    }

    /// Downloads a file. The options are argument `index`.
    pub(crate) fn download<'c>(
        call: &mut Call<'c>,
        url: Name<'c>,
        path: Name<'c>,
        options: (usize, Option<Table<'c>>),
    ) -> Result<Request, Error> {
        let mut request = Request::new(Method::GET, url, None);
        (request.is_transfer, request.timeout) = (true, TRANSFER_TIMEOUT);
        request.read_options(call, options.0, options.1, &["progress"])?;
        request.save_to = Some(path.bytes().to_vec());
        Ok(request)
    }

    /// Uploads a file, by POST unless the option `method` differs.
    pub(crate) fn upload<'c>(
        call: &mut Call<'c>,
        url: Name<'c>,
        path: Name<'c>,
        options: (usize, Option<Table<'c>>),
    ) -> Result<Request, Error> {
        let mut request = Request::new(Method::POST, url, None);
        (request.is_transfer, request.timeout) = (true, TRANSFER_TIMEOUT);
        request.read_options(call, options.0, options.1, &["method", "progress"])?;
        request
            .headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/octet-stream"));
        request.body_from = Some(path.bytes().to_vec());
        Ok(request)
    }

    /// Reads the options in argument `index`; `own` are those of some functions only.
    fn read_options<'c>(
        &mut self,
        call: &mut Call<'c>,
        index: usize,
        table: Option<Table<'c>>,
        own: &[&str],
    ) -> Result<(), Error> {
        let common = ["ca_file", "headers", "insecure", "redirects", "timeout"];
        let known: Vec<&str> = common.into_iter().chain(own.iter().copied()).collect();
        let options = Options::new(table, index, &known)?;
        if let Some(table) = options.table(call, "headers")? {
            headers::from_table(call, table, &mut self.headers, None)
                .map_err(|refusal| refusal.error(|text| options.wrong("headers", &text)))?;
            self.check_length().map_err(|text| options.wrong("headers", &text))?;
        }
        if let Some(timeout) = options.seconds(call, "timeout")? {
            self.timeout = timeout;
        }
        if let Some(redirects) = options.size(call, "redirects")? {
            self.redirects = redirects;
        }
        self.trust = Trust {
            ca_file: options.text(call, "ca_file")?.map(<[u8]>::to_vec),
            insecure: options.boolean(call, "insecure")?.unwrap_or(false),
        };
        if self.is_transfer {
            self.progress = progress::unless_disabled(call, &options)?;
        }
        self.save_to = options.text(call, "save_to")?.map(<[u8]>::to_vec);
        if let Some(method) = options.text(call, "method")? {
            self.method = Method::from_bytes(&method.to_ascii_uppercase())
                .map_err(|_| options.wrong("method", "invalid method"))?;
        }
        Ok(())
    }

    /// Removes the program's `Content-Length`, which the HTTP library sets. Fails if it differs
    /// from the body's: the library would panic or send an invalid request.
    fn check_length(&mut self) -> Result<(), String> {
        let Some(given) = self.headers.remove(CONTENT_LENGTH) else { return Ok(()) };
        if self.is_transfer {
            return Err("header 'Content-Length' cannot be set".into());
        }
        let size = self.body.as_ref().map_or(0, Bytes::len);
        match given.to_str().ok().and_then(|given| given.trim().parse().ok()) {
            Some(given) if size == given => Ok(()),
            _ => Err(format!("header 'Content-Length' must be the length of the body, {size}")),
        }
    }

    /// The approximate size of a call in flight, without the body; its URL has `url` bytes.
    fn size(&self, url: usize) -> usize {
        /// A connection and its buffers. hyper keeps up to 400 KiB of an incomplete response
        /// header, and the process may take one and a half times the limit.
        const CONNECTION: usize = 280 << 10;
        const FIELD: usize = 128;
        /// The URL as text, parsed, in the request and in what is sent.
        const COPIES_OF_URL: usize = 6;
        let fields = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len().saturating_add(value.len()));
        let size = url.saturating_mul(COPIES_OF_URL).saturating_add(CONNECTION);
        fields.fold(size, |size, field| size.saturating_add(field.saturating_add(FIELD)))
    }

    fn set_default_type(&mut self) {
        if self.body.is_some() {
            self.headers.entry(CONTENT_TYPE).or_insert(DEFAULT_TYPE);
        }
    }
}

/// `http_get(url[, options])`: returns the response.
fn http_get<'c>(
    call: &mut Call<'c>,
    url: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let mut request = Request::new(Method::GET, url, None);
    request.read_options(call, 2, options, SAVE_TO)?;
    Ok(send(request))
}

/// `http_delete(url[, options])`: returns the response.
fn http_delete<'c>(
    call: &mut Call<'c>,
    url: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let mut request = Request::new(Method::DELETE, url, None);
    request.read_options(call, 2, options, SAVE_TO)?;
    Ok(send(request))
}

/// `http_post(url, body[, content_type | options])`: returns the response.
fn http_post<'c>(
    call: &mut Call<'c>,
    url: Name<'c>,
    body: Option<LuaString<'c>>,
    third: Option<Value<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    with_body(call, Method::POST, url, body, third)
}

/// `http_put(url, body[, content_type | options])`: returns the response.
fn http_put<'c>(
    call: &mut Call<'c>,
    url: Name<'c>,
    body: Option<LuaString<'c>>,
    third: Option<Value<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    with_body(call, Method::PUT, url, body, third)
}

fn with_body<'c>(
    call: &mut Call<'c>,
    method: Method,
    url: Name<'c>,
    body: Option<LuaString<'c>>,
    third: Option<Value<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let mut request = Request::new(method, url, body);
    let third = third.unwrap_or(Value::NIL);
    call.charge_for_string(third);
    match (LuaString::from_value(third), Table::from_value(third)) {
        (Some(content_type), _) => {
            let value = Name::argument(content_type, 3)?.bytes();
            let value = HeaderValue::from_bytes(value).map_err(|_| {
                Error::argument(3, "content type contains a line break or NUL byte")
            })?;
            request.headers.insert(CONTENT_TYPE, value);
        }
        (None, table) if table.is_some() || third.is_nil() => {
            request.read_options(call, 3, table, SAVE_TO)?
        }
        _ => {
            return Err(Error::argument(
                3,
                format!("string or table expected, got {}", third.type_name()),
            ));
        }
    }
    request.set_default_type();
    Ok(send(request))
}

/// `http_request(method, url[, body[, headers[, options]]])`: returns the response.
fn http_request<'c>(
    call: &mut Call<'c>,
    method: Name<'c>,
    url: Name<'c>,
    body: Option<LuaString<'c>>,
    headers: Option<Table<'c>>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let Ok(method) = Method::from_bytes(&method.bytes().to_ascii_uppercase()) else {
        return Err(Error::argument(1, "invalid method"));
    };
    let mut request = Request::new(method, url, body);
    request.read_options(call, 5, options, SAVE_TO)?;
    if let Some(table) = headers {
        headers::from_table(call, table, &mut request.headers, None)
            .map_err(|refusal| refusal.error(|text| Error::argument(4, text)))?;
        request.check_length().map_err(|text| Error::argument(4, text))?;
    }
    request.set_default_type();
    Ok(send(request))
}

/// A response.
struct ClientResponse {
    status: u16,
    headers: HeaderMap,
    url: String,
    body: Body,
}

enum Body {
    Bytes(AccountedBuffer),
    /// The size of the body, which was saved to a file.
    Saved(u64),
}

/// Makes a call and returns the response, or the results of a transfer.
pub(crate) fn send<'c>(request: Request) -> impl Results<'c> + use<'c> {
    asynchronous::run(|lua| async move {
        let pause = lua.with(|call| call.host::<Host>().map(|host| host.deadline.pause_timeout()));
        let (url, is_download) =
            (request.url.clone(), request.is_transfer && request.save_to.is_some());
        let response = limited(request.timeout, perform(&lua, request)).await;
        drop(pause);
        match response {
            Ok(_) if is_download => lua.finish_with(|_| Ok(vec![Value::boolean(true)])),
            Ok(response) => {
                lua.finish_with(|call| Ok(vec![response_table(call, response)?.value()]))
            }
            Err(CallError::Reason(reason)) => lua.finish_with(|call| {
                let message = format!("{url}: {reason}");
                let message = call.string(&shorten(message.as_bytes()))?.value();
                errors::report(call, message);
                Ok(vec![Value::NIL, message])
            }),
            Err(CallError::Raise(error)) => Err(error),
        }
    })
}

/// Why a call failed.
enum CallError {
    /// The network or the peer.
    Reason(String),
    /// The program itself is out of memory.
    Raise(Error),
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        CallError::Reason(innermost(&error))
    }
}

impl From<std::io::Error> for CallError {
    fn from(error: std::io::Error) -> Self {
        CallError::Reason(solvm_runtime::system_error::reason(&error))
    }
}

async fn limited<T>(
    limit: Duration,
    future: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(limit, future).await {
        Ok(result) => result,
        Err(_) => Err(CallError::Reason(format!("timed out after {limit:?}"))),
    }
}

/// Parses a URL that the client supports.
fn parse(url: &str) -> Result<Url, String> {
    if url.len() > MAX_NAME {
        return Err(format!("a URL may have {MAX_NAME} bytes at most"));
    }
    let url = Url::parse(url).map_err(|error| match url.contains("://") {
        true => error.to_string(),
        false => "URL must start with http:// or https://".into(),
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(format!("unsupported URL scheme '{scheme}'")),
    }
}

async fn perform(lua: &Lua, request: Request) -> Result<ClientResponse, CallError> {
    let (is_transfer, save_to, progress) =
        (request.is_transfer, request.save_to.clone(), request.progress.clone());
    let (mut response, _held) = follow(lua, request).await?;
    if is_transfer && !response.status().is_success() {
        return Err(CallError::Reason(format!("server returned {}", response.status())));
    }
    let body = match save_to {
        Some(path) => {
            let bar =
                progress.begin_transfer(&String::from_utf8_lossy(&path), response.content_length());
            Body::Saved(save(lua, &mut response, path, is_transfer, &bar).await?)
        }
        None => Body::Bytes(read(lua, &mut response).await?),
    };
    let (status, url) = (response.status().as_u16(), response.url().to_string());
    Ok(ClientResponse { status, headers: std::mem::take(response.headers_mut()), url, body })
}

/// Sends the request and follows redirects. The world is asked before each step. Returns the
/// response, and the share of the account for the call.
async fn follow(lua: &Lua, mut request: Request) -> Result<(Response, Held), CallError> {
    let hold = |call: &mut Call| call.hold(request.size(request.url.len()));
    let mut held = lua.with(hold).map_err(CallError::Raise)?;
    let mut url = parse(&request.url).map_err(CallError::Reason)?;
    let mut redirects_left = request.redirects;
    loop {
        let purpose = request.purpose;
        let clients =
            lua.with(|call| clients_for(call, &url, purpose)).map_err(CallError::Reason)?;
        let client = clients.get(lua, &request.trust, purpose, &url).await;
        let client = client.map_err(CallError::Reason)?;
        let mut builder =
            client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        if let Some(path) = &request.body_from {
            let (size, body) = file_body(lua, path.clone(), &request.progress).await?;
            builder = builder.header(CONTENT_LENGTH, size).body(body);
        }
        let response = builder.send().await?;
        let target = redirect::target(&url, response.status(), response.headers());
        let Some(target) = target.filter(|_| request.redirects > 0) else {
            return Ok((response, held));
        };
        let reason = |text: String| CallError::Reason(format!("redirected to {target}: {text}"));
        redirects_left =
            redirects_left.checked_sub(1).ok_or_else(|| reason("too many redirects".into()))?;
        parse(target.as_str()).map_err(reason)?;
        let drops_body = redirect::drops_body(response.status(), &request.method);
        if drops_body {
            (request.method, request.body, request.body_from) = (Method::GET, None, None);
        }
        redirect::adapt(&mut request.headers, &url, &target, drops_body);
        url = target;
        let size = request.size(url.as_str().len());
        held.grow_to(size).map_err(|error| CallError::Raise(error.into()))?;
    }
}

/// Reads the whole body, within the memory limit.
async fn read(lua: &Lua, response: &mut Response) -> Result<AccountedBuffer, CallError> {
    let mut body = AccountedBuffer::default();
    while let Some(chunk) = response.chunk().await? {
        lua.with(|call| body.push(call, &chunk)).map_err(CallError::Raise)?;
    }
    Ok(body)
}

/// Returns a file as a body that is read while it is sent, and its size.
async fn file_body(
    lua: &Lua,
    path: Vec<u8>,
    progress: &Progress,
) -> Result<(u64, reqwest::Body), CallError> {
    let files = lua.with(file_system).map_err(CallError::Raise)?;
    let target = path_of(&path);
    let opened = in_pool(move || Ok((files.metadata(&target, true)?.size, files.open(&target)?)))
        .await
        .flatten();
    let in_file = |error| {
        CallError::Reason(format!("{}: {}", String::from_utf8_lossy(&path), reason(&error)))
    };
    let (size, source) = opened.map_err(in_file)?;
    let source = progress.begin_transfer(&String::from_utf8_lossy(&path), Some(size)).count(source);
    let chunks = futures_util::stream::try_unfold(source, |mut source| async move {
        let read = move || {
            let mut chunk = Vec::new();
            source.by_ref().take(CHUNK).read_to_end(&mut chunk)?;
            Ok((!chunk.is_empty()).then_some((chunk, source)))
        };
        in_pool(read).await.flatten()
    });
    Ok((size, reqwest::Body::wrap_stream(chunks)))
}

/// Writes the body to a file, atomically: after a failure the old file is unchanged.
async fn save(
    lua: &Lua,
    response: &mut Response,
    path: Vec<u8>,
    make_directories: bool,
    bar: &Bar,
) -> Result<u64, CallError> {
    let files = lua.with(file_system).map_err(CallError::Raise)?;
    let target = path_of(&path);
    let in_file = |error: std::io::Error| {
        CallError::Reason(format!("{}: {}", String::from_utf8_lossy(&path), reason(&error)))
    };
    let open = move || {
        if make_directories {
            make_parents(&*files, &target)?;
        }
        files.replace(&target, None)
    };
    let mut file = in_pool(open).await.flatten().map_err(in_file)?;
    let mut size = 0;
    while let Some(chunk) = response.chunk().await? {
        size = u64::saturating_add(size, chunk.len() as u64);
        bar.advance(chunk.len() as f64);
        let write = move || file.write_all(&chunk).map(|()| file);
        file = in_pool(write).await.flatten().map_err(in_file)?;
    }
    in_pool(move || file.finish()).await.flatten().map_err(in_file)?;
    Ok(size)
}

/// Returns the response as a table.
fn response_table<'c>(call: &mut Call<'c>, response: ClientResponse) -> Result<Table<'c>, Error> {
    let table = call.table(0, 5)?;
    table.set_field(call, "status", u32::from(response.status))?;
    let headers = headers::to_table(call, &response.headers)?;
    table.set_field(call, "headers", headers)?;
    table.set_field(call, "url", response.url)?;
    match response.body {
        Body::Bytes(bytes) => table.set_field(call, "body", bytes)?,
        Body::Saved(size) => table.set_field(call, "size", size as f64)?,
    }
    Ok(table)
}

/// Checks the permission to fetch a URL for modules. The error is the reason.
pub fn may_import(call: &mut Call, url: &Url) -> Result<(), String> {
    clients_for(call, url, Purpose::Import).map(drop)
}

/// Fetches a URL for modules: at most `limit` bytes, or None if it does not exist. The error is the
/// reason.
pub async fn fetch(
    lua: &Lua,
    url: &str,
    limit: usize,
    timeout: Duration,
) -> Result<Option<Vec<u8>>, String> {
    let fetched = limited(timeout, async {
        let request = Request { purpose: Purpose::Import, ..Request::to(Method::GET, url.into()) };
        let (mut response, _held) = follow(lua, request).await?;
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(None);
        }
        if !response.status().is_success() {
            return Err(CallError::Reason(format!("server returned {}", response.status())));
        }
        let mut text = Vec::new();
        let mut held = lua.with(|call| call.account().hold_nothing());
        while let Some(chunk) = response.chunk().await? {
            if text.len().saturating_add(chunk.len()) > limit {
                return Err(CallError::Reason(format!("larger than {} MiB", limit >> 20)));
            }
            text.extend_from_slice(&chunk);
            held.grow_to(text.capacity()).map_err(|error| CallError::Raise(error.into()))?;
        }
        Ok(Some(text))
    });
    fetched.await.map_err(|failure| match failure {
        CallError::Reason(reason) => reason,
        CallError::Raise(_) => "not enough memory".into(),
    })
}
