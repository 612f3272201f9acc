//! The natives to call: the functions of all libraries, and the methods of objects.

use solvm_stdlib::LIBRARIES;
use solvm_stdlib::documentation::{Entry, Kind, entries};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// A function, or a method with its object.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// `table.insert`, `File:read`.
    pub(crate) name: String,
    /// An expression for the function.
    pub(crate) function: String,
    /// The maker of the object that is the first argument.
    pub(crate) object: Option<String>,
    pub(crate) parameters: Vec<Parameter>,
}

/// The documentation of a parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// The type in the syntax of lua-language-server; empty if it is unknown.
    pub(crate) kind: String,
    pub(crate) is_optional: bool,
}

/// Natives that are not called, with the reasons.
const EXCLUDED: &[(&str, &str)] = &[
    ("io.popen", "runs a shell"),
    ("os.execute", "runs a shell"),
    ("os.exit", "ends the program"),
    ("reload_script", "ends the program"),
    ("debug.debug", "reads a terminal"),
];

/// Natives that wait for a time that their arguments specify, or forever: their end is not awaited.
const WAITING: &[&str] = &[
    "Channel:receive",
    "Channel:send",
    "Connection:read",
    "Listener:accept",
    "TcpClient:receive",
    "TcpClient:send",
    "TcpMaster:connect",
    "TcpServer:accept",
    "TlsConnection:dohandshake",
    "UdpConnected:receive",
    "UdpSocket:receive",
    "UdpUnconnected:receive",
    "UdpUnconnected:receivefrom",
    "UnixDatagram:receive",
    "UnixDatagram:receivefrom",
    "WebSocket:receive",
    "channel.select",
    "datetime.sleep",
    "ft.download",
    "ft.upload",
    "http_delete",
    "http_get",
    "http_post",
    "http_put",
    "http_request",
    "import",
    "receive",
    "resolve_dns",
    "select",
    "send",
    "sleep",
    "socket.bind",
    "socket.connect",
    "socket.connect4",
    "socket.connect6",
    "socket.dns.getaddrinfo",
    "socket.dns.getnameinfo",
    "socket.dns.tohostname",
    "socket.dns.toip",
    "socket.ftp.command",
    "socket.ftp.get",
    "socket.ftp.open",
    "socket.ftp.put",
    "socket.http.open",
    "socket.http.request",
    "socket.select",
    "socket.sleep",
    "socket.smtp.open",
    "socket.smtp.send",
    "system.sleep",
    "tcp_connect",
    "udp_sendto",
    "wait",
    "ws_connect",
];

impl Subject {
    /// Whether it may block.
    pub(crate) fn waits(&self) -> bool {
        WAITING.contains(&&self.name[..])
    }
}

/// The parameters that an entry of the documentation declares.
fn parameters(entry: &Entry) -> Vec<Parameter> {
    let tag = |name: &str| {
        entry.tags.iter().find_map(|(tag, rest)| {
            let (found, kind) = rest.split_once(' ')?;
            (*tag == "param" && found.trim_end_matches('?') == name)
                .then(|| (found.ends_with('?'), kind))
        })
    };
    let names = entry.parameters.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let (is_optional, kind) = tag(name).unwrap_or((false, ""));
            Parameter { name: name.to_string(), kind: type_of(kind).to_string(), is_optional }
        })
        .collect()
}

/// The type at the start of a tag's text: up to a space outside brackets that does not follow a
/// comma or colon.
fn type_of(text: &str) -> &str {
    let mut depth = 0;
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' | '<' | '[' => depth += 1,
            '}' | ')' | '>' | ']' => depth -= 1,
            ' ' if depth == 0 && !matches!(last, ':' | ',' | '|') => return &text[..at],
            _ => {}
        }
        last = c;
    }
    text
}

/// The makers of `driver.lua` and the members of their objects; `()` is the object itself.
pub(crate) fn members() -> &'static [(String, String)] {
    static MEMBERS: OnceLock<Vec<(String, String)>> = OnceLock::new();
    MEMBERS.get_or_init(super::inventory)
}

/// Returns all natives to call.
pub(crate) fn all() -> Vec<Subject> {
    let documented: Vec<Entry> =
        LIBRARIES.iter().flat_map(|module| entries(module.documentation)).collect();
    let about = |name: &str| {
        documented
            .iter()
            .find(|entry| entry.kind == Kind::Function && entry.name == name)
            .map(parameters)
    };
    let anything =
        |name: &str| Parameter { name: name.to_string(), kind: String::new(), is_optional: true };
    let mut names = BTreeSet::new();
    for module in LIBRARIES {
        let functions = module.library.functions.iter().map(|definition| definition.name);
        let aliases = module.library.aliases.iter().map(|(alias, _)| *alias);
        for name in functions.chain(aliases) {
            names.insert(match module.library.name {
                "" => name.to_string(),
                library => format!("{library}.{name}"),
            });
        }
        // Some are registered separately from their table.
        let described = entries(module.documentation).into_iter();
        let functions = described.filter(|entry| entry.kind == Kind::Function);
        names.extend(
            functions.filter(|entry| !entry.name.contains(':')).map(|entry| entry.name.to_string()),
        );
    }
    let mut subjects = Vec::new();
    for name in names {
        if EXCLUDED.iter().any(|(excluded, _)| *excluded == name) {
            continue;
        }
        let function = match name.rsplit_once('.') {
            None => format!("_G[{name:?}]"),
            Some((library, field)) => {
                format!("(_G[{library:?}] or require({library:?}))[{field:?}]")
            }
        };
        let parameters = about(&name).unwrap_or_else(|| vec![anything("a"), anything("b")]);
        subjects.push(Subject { name, function, object: None, parameters });
    }
    // Objects that find their methods by a function do not list them.
    let is_made = |class: &str| members().iter().any(|(maker, _)| maker == class);
    let described = documented.iter().filter_map(|entry| entry.name.split_once(':'));
    let described = described.filter(|(class, _)| is_made(class));
    let mut all: BTreeSet<(String, String)> = members().iter().cloned().collect();
    all.extend(described.map(|(class, method)| (class.to_string(), method.to_string())));
    all.retain(|(_, member)| !matches!(&member[..], "-" | "nil"));
    for (maker, member) in &all {
        let name = format!("{maker}:{member}");
        let parameters = about(&name).unwrap_or_else(|| vec![anything("a"), anything("b")]);
        let function = match &member[..] {
            "()" => format!("objects.{maker}()"),
            _ => format!("method({member:?})"),
        };
        let object = (member != "()").then(|| maker.clone());
        subjects.push(Subject { name, function, object, parameters });
    }
    subjects
}
