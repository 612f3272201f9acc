//! The definitions in the library's sources other than the tables of functions: types of objects,
//! functions that natives return, methods. Each has a maker in `natives/driver.lua`, or a reason to
//! have none.

use std::collections::BTreeMap;
use std::path::Path;

/// The file of a definition, its name, and the makers of its objects.
const MADE: &[(&str, &str, &[&str])] = &[
    ("lua/src/base.rs", "INDEX_ITERATOR", &["ipairs"]),
    ("lua/src/base.rs", "Proxy", &["Proxy"]),
    ("runtime/src/channel/mod.rs", "METHODS", &["Channel"]),
    ("data/src/tags.rs", "Null", &["Null"]),
    ("data/src/tags.rs", "NULL_TEXT", &["Null"]),
    ("files/src/walk.rs", "NEXT", &["walk"]),
    ("files/src/walk.rs", "Walking", &["walk"]),
    ("net/src/headers.rs", "METHODS", &["Headers"]),
    ("lua/src/io/file.rs", "File", &["File"]),
    ("lua/src/io/methods.rs", "ITERATOR", &["lines"]),
    ("lua/src/io/methods.rs", "LIBRARY", &["File"]),
    ("lua/src/lfs/directory.rs", "Directory", &["Directory"]),
    ("lua/src/lfs/directory.rs", "METHODS", &["Directory"]),
    ("lua/src/lfs/directory.rs", "NEXT", &["dir"]),
    ("lua/src/lfs/lock.rs", "Lock", &["Lock"]),
    ("lua/src/lfs/lock.rs", "METHODS", &["Lock"]),
    ("lpeg/src/operators.rs", "METHODS", &["Pattern"]),
    ("lpeg/src/pattern.rs", "Pattern", &["Pattern"]),
    ("net/src/luasocket/exception.rs", "PROTECTED", &["protected"]),
    ("net/src/luasocket/exception.rs", "TRY", &["try"]),
    ("net/src/luasocket/object.rs", "Socket", &["TcpMaster", "UdpUnconnected"]),
    ("net/src/luasocket/ssl/certificate.rs", "METHODS", &["Certificate"]),
    ("net/src/luasocket/ssl/certificate.rs", "Parsed", &["Certificate"]),
    ("net/src/luasocket/ssl/connection.rs", "Secure", &["TlsConnection"]),
    ("net/src/luasocket/ssl/context.rs", "Context", &["TlsContext"]),
    ("net/src/luasocket/ssl/context.rs", "METHODS", &["TlsContext"]),
    ("net/src/luasocket/ssl/mod.rs", "METHODS", &["TlsConnection"]),
    ("net/src/luasocket/tcp.rs", "METHODS", &["TcpMaster", "TcpServer", "TcpClient"]),
    ("net/src/luasocket/udp.rs", "METHODS", &["UdpUnconnected", "UdpConnected"]),
    ("net/src/luasocket/unix.rs", "DATAGRAM", &["UnixDatagram"]),
    ("net/src/luasocket/unix.rs", "STREAM", &["UnixStream"]),
    ("net/src/sockets/tcp.rs", "Acceptor", &["Listener"]),
    ("net/src/sockets/tcp.rs", "CONNECTION", &["Connection"]),
    ("net/src/sockets/tcp.rs", "Connection", &["Connection"]),
    ("net/src/sockets/tcp.rs", "LISTENER", &["Listener"]),
    ("net/src/sockets/udp.rs", "METHODS", &["UdpSocket"]),
    ("net/src/sockets/udp.rs", "Socket", &["UdpSocket"]),
    (
        "lua/src/package/mod.rs",
        "LOADERS",
        &["loader_preload", "loader_lua", "loader_c", "loader_c_root"],
    ),
    ("runtime/src/host/progress/mod.rs", "Bar", &["ProgressBar"]),
    ("runtime/src/progress.rs", "METHODS", &["ProgressBar"]),
    ("lua/src/string/search.rs", "ITERATOR", &["gmatch"]),
    ("rocks/src/zlib/checksum.rs", "Checksum", &["checksum"]),
    ("rocks/src/zlib/checksum.rs", "UPDATE", &["checksum"]),
    ("rocks/src/zlib/mod.rs", "DEFLATE", &["deflate"]),
    ("rocks/src/zlib/mod.rs", "INFLATE", &["inflate"]),
    ("rocks/src/zlib/stream.rs", "Stream", &["deflate", "inflate"]),
    ("template/src/data.rs", "Trusted", &["Trusted"]),
    ("template/src/lib.rs", "METHODS", &["Template"]),
    ("template/src/lib.rs", "Parsed", &["Template"]),
    ("lua/src/utf8.rs", "LAX", &["codes_lax"]),
    ("lua/src/utf8.rs", "STRICT", &["codes"]),
    ("net/src/websocket/mod.rs", "Handle", &["WebSocket"]),
    ("net/src/websocket/mod.rs", "METHODS", &["WebSocket"]),
    ("workers/src/functions.rs", "Handle", &["WorkerCall"]),
    ("workers/src/functions.rs", "METHODS", &["WorkerCall"]),
];

/// Definitions that programs cannot call or hold, and why.
const OUT_OF_REACH: &[(&str, &str, &str)] = &[
    ("net/src/http/server/handle.rs", "HANDLE", "runs in the goroutine of a request"),
    ("net/src/http/server/serve.rs", "NewQueue", "an argument of the server's goroutine"),
    ("net/src/http/server/serve.rs", "SERVE", "runs in the goroutine of a server"),
    ("lua/src/debug/prompt.rs", "PROTECTED_CALL", "the global `xpcall` by another name"),
    ("lua/src/debug/prompt.rs", "REPORT", "called only with what a typed line raises"),
    ("lua/src/load.rs", "PROTECTED_CALL", "the global `pcall` by another name"),
    ("lua/src/lua_source.rs", "HELPERS", "called by libraries in Lua"),
    ("lua/src/modules.rs", "LOADER", "called by `require` and `import`"),
    ("net/src/luasocket/exception.rs", "PROTECTED_CALL", "the global `pcall` by another name"),
    ("net/src/sockets/tcp.rs", "ACCEPT", "runs in the goroutine of a listener"),
    ("lua/src/package/require.rs", "Loading", "a mark in `package.loaded` while a module loads"),
    ("lua/src/package/mod.rs", "MODULE", "the global `module`, registered later"),
    ("lua/src/package/mod.rs", "REQUIRE", "the global `require`, registered later"),
    ("rocks/src/cjson/mod.rs", "EmptyArray", "a mark without methods"),
    ("rocks/src/cjson/settings.rs", "Bound", "a bound value of functions"),
    ("rocks/src/luautf8/mod.rs", "NATIVES", "called by the module's source in Lua"),
    ("rocks/src/posix/mod.rs", "NATIVES", "called by the module's source in Lua"),
    ("runtime/src/timer.rs", "RUN", "runs in the goroutine of a timer"),
    ("runtime/src/timer.rs", "Weight", "held by the goroutine of a timer"),
    ("files/src/watch.rs", "RUN", "runs in the goroutine of a watcher"),
    ("utilities/src/tablex/mod.rs", "NATIVES", "called by libraries in Lua"),
    ("utilities/src/utils/mod.rs", "NATIVES", "called by libraries in Lua"),
    ("workers/src/call.rs", "HANDLER", "called with what a call in an isolate raises"),
    ("workers/src/call.rs", "PROTECTED_CALL", "the global `xpcall` by another name"),
    ("workers/src/call.rs", "PERFORM", "runs in the goroutine of a call in an isolate"),
    ("workers/src/functions.rs", "NATIVES", "called by libraries in Lua"),
];

/// The definitions in a source: tables of functions that are not public, functions outside tables,
/// types of objects.
fn definitions(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in source.lines() {
        if let Some(rest) = line.trim_start().strip_prefix("impl")
            && let Some((_, name)) = rest.split_once("Data for ")
        {
            names.extend(name.split([' ', '<']).next().map(str::to_string));
        }
        let Some(at) = line.find("static ").filter(|_| !line.trim_start().starts_with("//")) else {
            continue;
        };
        let (visibility, rest) = line.split_at(at);
        let Some((name, kind)) = rest["static ".len()..].split_once(':') else { continue };
        let kind = kind.trim_start();
        let is_table = kind.starts_with("Library") && visibility.trim() != "pub";
        let is_function = kind.starts_with("Definition")
            || kind.starts_with("[Definition")
            || kind.starts_with("solvm_vm::native::Definition");
        if is_table || is_function {
            names.push(name.to_string());
        }
    }
    names
}

/// Every definition has a maker or a reason, and there are no others.
#[test]
fn every_type_of_object_has_a_maker() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib");
    let mut known: BTreeMap<(String, String), bool> = MADE
        .iter()
        .map(|(file, name, _)| (file, name))
        .chain(OUT_OF_REACH.iter().map(|(file, name, _)| (file, name)))
        .map(|(file, name)| ((file.to_string(), name.to_string()), false))
        .collect();
    for file in walkdir::WalkDir::new(&directory).into_iter().filter_map(Result::ok) {
        if file.path().extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let path = file.path().strip_prefix(&directory).unwrap().to_string_lossy().into_owned();
        if path.starts_with("tests/") {
            continue;
        }
        let source = std::fs::read_to_string(file.path()).unwrap();
        for name in definitions(&source) {
            match known.get_mut(&(path.clone(), name.clone())) {
                Some(exists) => *exists = true,
                None => panic!("{path}: no maker of {name} is known"),
            }
        }
    }
    let missing: Vec<_> = known.iter().filter(|(_, exists)| !**exists).collect();
    assert!(missing.is_empty(), "makers of missing definitions: {missing:?}");
    let makers = super::natives::subjects::members();
    let failed: Vec<_> = makers.iter().filter(|(_, member)| member == "nil").collect();
    assert!(failed.is_empty(), "makers without a result: {failed:?}");
    for (_, name, needed) in MADE {
        for maker in *needed {
            let is_made = makers.iter().any(|(made, _)| made == maker);
            assert!(is_made, "driver.lua makes no {maker} ({name})");
        }
    }
}
