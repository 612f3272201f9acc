//! The WebSocket client: `ws_connect`.

use super::meter::{Meter, Metered};
use super::{ConnectionContext, Socket, config, new, open};
use crate::headers;
use crate::sockets::peers::Peers;
use crate::sockets::tls::{self, Trust};
use crate::sockets::{CONNECT_TIMEOUT, failed, innermost, network, peers, tcp, within};
use hyper::Uri;
use hyper::header::HeaderMap;
use rustls::pki_types::ServerName;
use solvm_files::file_system;
use solvm_runtime::Host;
use solvm_runtime::host::{FileSystem, Network};
use solvm_runtime::name::Name;
use solvm_runtime::options::Options;
use solvm_runtime::pool::in_pool;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{Library, Results, asynchronous};
use solvm_vm::{Call, Error, Table};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error as WebSocketError;
use tokio_util::sync::CancellationToken;

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "ws_connect" => ws_connect,
});

/// The default for the maximum message size.
const MAX_MESSAGE: usize = 16 << 20;

/// The target of a URL.
struct Target {
    uri: Uri,
    host: String,
    port: u16,
    is_secure: bool,
}

/// Parses a URL. The error is the reason why it is invalid.
fn parse(url: &[u8]) -> Result<Target, String> {
    let uri = Uri::try_from(url).map_err(|_| "invalid URL (expected ws://host/path)")?;
    let is_secure = match uri.scheme_str() {
        Some("ws") => false,
        Some("wss") => true,
        _ => return Err("URL must start with ws:// or wss://".into()),
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_string();
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    Ok(Target { uri, host, port, is_secure })
}

/// The options of a connection.
struct ConnectOptions {
    headers: HeaderMap,
    timeout: Duration,
    trust: Trust,
    max_message: usize,
}

/// `ws_connect(url[, options])`: returns a WebSocket.
fn ws_connect<'c>(
    call: &mut Call<'c>,
    url: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let options =
        Options::new(options, 2, &["ca_file", "headers", "insecure", "max_message", "timeout"])?;
    let mut headers = HeaderMap::new();
    if let Some(table) = options.table(call, "headers")? {
        headers::from_table(call, table, &mut headers, None)
            .map_err(|refusal| refusal.error(|text| options.wrong("headers", &text)))?;
    }
    let options = ConnectOptions {
        headers,
        timeout: options.seconds(call, "timeout")?.unwrap_or(CONNECT_TIMEOUT),
        trust: Trust {
            ca_file: options.text(call, "ca_file")?.map(<[u8]>::to_vec),
            insecure: options.boolean(call, "insecure")?.unwrap_or(false),
        },
        max_message: options.size(call, "max_message")?.unwrap_or(MAX_MESSAGE),
    };
    let target = parse(url.bytes());
    let (network, files) = (network(call)?, file_system(call)?);
    let shown = String::from_utf8_lossy(url.bytes()).into_owned();
    Ok(asynchronous::run(move |lua| async move {
        let pause = lua.with(|call| call.host::<Host>().map(|host| host.deadline.pause_timeout()));
        let peers = lua.with(peers);
        let limit = options.timeout;
        let connected = match target {
            Ok(target) => {
                let connecting = connect(&*network, files, target, options, peers);
                within(Some(limit), connecting).await
            }
            Err(reason) => Some(Err(reason)),
        };
        let connected = connected.unwrap_or_else(|| Err(format!("timed out after {limit:?}")));
        lua.finish_with(|call| match connected {
            Ok(socket) => Ok(vec![new(call, socket, pause)?.value()]),
            Err(reason) => failed(call, &format!("{shown}: {reason}")),
        })
    }))
}

async fn connect(
    network: &dyn Network,
    files: Arc<dyn FileSystem>,
    target: Target,
    options: ConnectOptions,
    peers: Peers,
) -> Result<Socket, String> {
    let peer = peers.enter().await.map_err(|error| error.to_string())?;
    let (stream, address) =
        tcp::connect(network, &target.host, target.port, options.timeout).await?;
    // Without it messages may be delayed. If the socket is broken, its first use fails.
    let _ = stream.set_nodelay(true);
    let context = ConnectionContext {
        remote: tcp::plain(address).to_string().into(),
        max_message: options.max_message,
        peer,
        stopping: CancellationToken::new(),
    };
    if !target.is_secure {
        return shake_hands(stream, target, options.headers, context).await;
    }
    let trust = options.trust;
    let config =
        in_pool(move || tls::client_config(&*files, &trust, &[b"http/1.1"])).await.flatten();
    let config = config.map_err(|error| reason(&error))?;
    let name = ServerName::try_from(target.host.clone()).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| innermost(&error))?;
    shake_hands(stream, target, options.headers, context).await
}

async fn shake_hands<S>(
    stream: S,
    target: Target,
    fields: HeaderMap,
    context: ConnectionContext,
) -> Result<Socket, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut request = target.uri.into_client_request().map_err(|error| innermost(&error))?;
    headers::add(request.headers_mut(), fields);
    let config = config(&context);
    let meter = Meter::new(&context.peer);
    let stream = Metered::new(stream, meter.clone());
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((stream, _)) => Ok(open(stream, meter, context)),
        Err(WebSocketError::Http(response)) => {
            Err(format!("server returned {}", response.status()))
        }
        Err(error) => Err(innermost(&error)),
    }
}
