//! `ssl.context`: contexts, which hold the parameters of connections.
//!
//! A Lua function that chooses a server's protocol is in the context's environment table.

use super::cipher;
use super::parameters::Parameters;
use crate::luasocket::object::class;
use crate::sockets::tls;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use solvm_files::file_system;
use solvm_runtime::host::{FileSystem, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_runtime::system_error::reason;
use solvm_vm::messages::shorten;
use solvm_vm::native::asynchronous::{self, Slot};
use solvm_vm::native::{FromLua, Library, Rest, Results};
use solvm_vm::{Call, Data, Error, Function, Userdata, Value};
use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The module `ssl.context`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "ssl.context" {
    "checkkey" => check_key,
    "create" => create,
    "loadcert" => load_certificate,
    "loadkey" => load_key,
    "locations" => locations,
    "setalpn" => set_protocols,
    "setalpncb" => set_protocol_callback,
    "setcipher" => set_cipher,
    "setciphersuites" => set_cipher_suites,
    "setcurve" => set_curve,
    "setcurveslist" => set_curves,
    "setdepth" => set_depth,
    "setdhparam" => set_dh_parameters,
    "setmode" => set_mode,
    "setoptions" => set_options,
    "setverify" => set_verify,
});

/// The name of the class.
const CLASS: &str = "SSL:Context";

static METHODS: Library = solvm_vm::library!(lazy "" {
    "__tostring" => to_string,
    "setverifyext" => set_verify_extension,
});

/// The field of a context's environment with the function that chooses a protocol.
pub(super) const CHOOSES_PROTOCOL: &str = "alpn";
/// Approximate memory of a context.
const CONTEXT_SIZE: usize = 8 << 10;

/// A context, the data of a userdata.
pub(super) struct Context {
    pub(super) parameters: RefCell<Parameters>,
    /// None before `setmode`.
    pub(super) mode: RefCell<Option<Mode>>,
    /// The configurations of clients, once connections have needed them, and whether each verifies
    /// a name.
    pub(super) clients: RefCell<Vec<(bool, Arc<ClientConfig>)>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Client,
    Server,
}

impl Data for Context {
    fn external_size(&self) -> usize {
        let parameters = self.parameters.try_borrow();
        CONTEXT_SIZE.saturating_add(parameters.map_or(0, |parameters| parameters.size()))
    }
}

/// An argument that is a context.
#[derive(Clone, Copy)]
pub(super) struct This<'c>(&'c Context, Userdata<'c>);

impl FromLua for This<'_> {
    type Item<'c> = This<'c>;
    const EXPECTED: &'static str = CLASS;

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<This<'c>> {
        let userdata = Userdata::from_value(value)?;
        Some(This(userdata.get::<Context>()?, userdata))
    }
}

impl<'c> This<'c> {
    pub(super) fn context(self) -> &'c Context {
        self.0
    }

    pub(super) fn value(self) -> Value<'c> {
        self.1.value()
    }

    /// Takes a value over into the parameters, if there is one: the results of a setter.
    fn take<T>(
        self,
        call: &mut Call<'c>,
        value: Result<T, String>,
        take: impl FnOnce(&mut Parameters, T),
    ) -> Result<Vec<Value<'c>>, Error> {
        let result = value.map(|value| self.change(call, |parameters| take(parameters, value)));
        set(call, result)
    }

    /// Changes the parameters of connections that are made from now on.
    fn change(self, call: &mut Call<'c>, change: impl FnOnce(&mut Parameters)) {
        change(&mut self.0.parameters.borrow_mut());
        self.0.clients.take();
        call.recount(self.1);
    }
}

/// The results of a setter: true, or false and the reason.
fn set<'c>(call: &mut Call<'c>, result: Result<(), String>) -> Result<Vec<Value<'c>>, Error> {
    match result {
        Ok(()) => Ok(vec![Value::boolean(true)]),
        Err(text) => {
            let text = call.string(&shorten(text.as_bytes()))?.value();
            Ok(vec![Value::boolean(false), text])
        }
    }
}

fn lossy(name: Name<'_>) -> String {
    String::from_utf8_lossy(name.bytes()).into_owned()
}

fn to_string(_: &mut Call, this: This) -> String {
    format!("SSL context: {:#x}", this.value().address())
}

/// `create(protocol)`: returns a context, or nil and the reason.
fn create<'c>(call: &mut Call<'c>, protocol: Name<'c>) -> Result<Vec<Value<'c>>, Error> {
    let mut parameters = Parameters::default();
    match protocol.bytes() {
        b"any" | b"sslv23" => {}
        b"tlsv1_2" => parameters.v13 = false,
        b"tlsv1_3" => parameters.v12 = false,
        other => {
            let other = String::from_utf8_lossy(&shorten(other)).into_owned();
            let text = format!("invalid protocol ({other})");
            return Ok(vec![Value::NIL, call.string(text.as_bytes())?.value()]);
        }
    }
    let metatable = class(call, CLASS, &METHODS)?;
    let context = Context {
        parameters: RefCell::new(parameters),
        mode: RefCell::new(None),
        clients: RefCell::default(),
    };
    let context = call.userdata(context, Some(metatable)).value();
    let environment = call.table(0, 1)?;
    call.set_environment_of(context, environment);
    Ok(vec![context])
}

/// `setmode(context, mode)`: for clients or for servers.
fn set_mode<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    mode: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let mode = match mode.bytes() {
        b"client" => Mode::Client,
        b"server" => Mode::Server,
        other => {
            let other = String::from_utf8_lossy(&shorten(other)).into_owned();
            return set(call, Err(format!("invalid mode ({other})")));
        }
    };
    this.0.mode.replace(Some(mode));
    this.change(call, |parameters| parameters.is_server = mode == Mode::Server);
    set(call, Ok(()))
}

/// Reads a file on the pool; `take` changes the parameters.
fn load<'c, T, R, U>(
    call: &mut Call<'c>,
    path: Name<'c>,
    what: &'static str,
    read: R,
    take: U,
) -> Result<impl Results<'c> + use<'c, T, R, U>, Error>
where
    T: Send + 'static,
    R: FnOnce(&dyn FileSystem, &Path) -> io::Result<T> + Send + 'static,
    U: FnOnce(&mut Parameters, T) + 'static,
{
    let files = file_system(call)?;
    let path = path_of(path.bytes());
    Ok(asynchronous::run(move |lua| async move {
        let loaded = in_pool(move || read(&*files, &path)).await.flatten();
        lua.finish_with(|call| {
            let context = Slot::argument(0).get(call);
            let loaded =
                loaded.map_err(|error| format!("error loading {what} ({})", reason(&error)));
            match This::from_lua(call, context) {
                Some(this) => this.take(call, loaded, take),
                None => set(call, loaded.and(Err("invalid context".into()))),
            }
        })
    }))
}

/// `loadkey(context, file[, password])`: encrypted keys are refused.
fn load_key<'c>(
    call: &mut Call<'c>,
    _this: This<'c>,
    path: Name<'c>,
    _password: Option<Value<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let read = |files: &dyn FileSystem, path: &Path| {
        let text = tls::read(files, path)?;
        let is_encrypted = memchr::memmem::find(&text, b"ENCRYPTED").is_some();
        PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
            io::Error::other(if is_encrypted {
                "encrypted keys are not supported"
            } else {
                "no PEM private key found"
            })
        })
    };
    load(call, path, "private key", read, |parameters, key| parameters.identity.key = Some(key))
}

/// `loadcert(context, file)`: the certificate and the chain after it.
fn load_certificate<'c>(
    call: &mut Call<'c>,
    _this: This<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let read = |files: &dyn FileSystem, path: &Path| tls::certificates_in(files, path);
    load(call, path, "certificate", read, |parameters, chain| parameters.identity.chain = chain)
}

/// `checkkey(context)`: whether key and certificate belong together.
fn check_key(_: &mut Call, this: This) -> bool {
    let identity = this.0.parameters.borrow().identity.clone();
    let Some(key) = identity.key else { return false };
    let provider: Arc<CryptoProvider> = tls::provider();
    CertifiedKey::from_der(identity.chain, key, &provider).is_ok()
}

/// `locations(context, file, directory)`: the trusted authorities.
fn locations<'c>(
    call: &mut Call<'c>,
    _this: This<'c>,
    file: Option<Name<'c>>,
    directory: Option<Name<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let path = match (file, directory) {
        (Some(path), _) | (None, Some(path)) => path,
        (None, None) => return Err(Error::argument(2, "string expected, got no value")),
    };
    let directory = directory.map(|directory| path_of(directory.bytes()));
    let has_file = file.is_some();
    let read = move |files: &dyn FileSystem, path: &Path| {
        let mut roots = RootCertStore::empty();
        if has_file {
            roots.add_parsable_certificates(tls::certificates_in(files, path)?);
        }
        if let Some(directory) = directory {
            for name in files.read_directory(&directory)? {
                // Other files may be in the directory.
                let found = tls::certificates_in(files, &directory.join(name?));
                roots.add_parsable_certificates(found.unwrap_or_default());
            }
        }
        Ok(Arc::new(roots))
    };
    load(call, path, "CA locations", read, |parameters, roots| {
        parameters.authorities = Some(roots);
    })
}

/// The reason for a list without a suite that is known.
const NO_CIPHER: &str = "error setting cipher list (no cipher match)";

/// `setcipher(context, list)`: suites of TLS 1.2.
fn set_cipher<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    list: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let suites = Some(cipher::selected(&lossy(list))).filter(|suites| !suites.is_empty());
    let suites = suites.ok_or_else(|| NO_CIPHER.into());
    this.take(call, suites, |parameters, suites| parameters.ciphers = Some(suites))
}

/// `setciphersuites(context, list)`: suites of TLS 1.3.
fn set_cipher_suites<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    list: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let suites = cipher::selected_v13(&lossy(list)).ok_or_else(|| NO_CIPHER.into());
    this.take(call, suites, |parameters, suites| parameters.ciphers_v13 = Some(suites))
}

/// `setcurve(context, name)`
fn set_curve<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    name: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let name = lossy(name);
    let unknown = || format!("elliptic curve '{name}' not supported");
    let curve = cipher::curve(&name).ok_or_else(unknown);
    this.take(call, curve, |parameters, curve| parameters.curves = Some(vec![curve]))
}

/// `setcurveslist(context, list)`
fn set_curves<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    list: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let list = lossy(list);
    let curves: Option<Vec<_>> = list.split(':').map(cipher::curve).collect();
    let curves = curves.ok_or_else(|| format!("unknown elliptic curve in \"{list}\""));
    this.take(call, curves, |parameters, curves| parameters.curves = Some(curves))
}

/// `setdepth(context, depth)`: has no effect; chains have a limit of their own.
fn set_depth(_: &mut Call, _this: This, _depth: f64) -> bool {
    true
}

/// `setdhparam(context, function)`: has no effect; keys are exchanged by elliptic curves.
fn set_dh_parameters(_: &mut Call, _this: This, _function: Value) -> bool {
    true
}

/// The words of `setoptions` that are accepted; most are always so.
const OPTIONS: &[&str] = &[
    "all",
    "cipher_server_preference",
    "no_compression",
    "no_renegotiation",
    "no_sslv2",
    "no_sslv3",
    "no_ticket",
    "no_tlsv1",
    "no_tlsv1_1",
    "single_dh_use",
    "single_ecdh_use",
];

/// `setoptions(context, ...)`
fn set_options<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    options: Rest,
) -> Result<Vec<Value<'c>>, Error> {
    let options: Vec<Value<'c>> = options.values(call).collect();
    call.charge(options.len());
    for option in options {
        let Some(name) = Name::from_lua(call, option) else { continue };
        match name.bytes() {
            b"no_tlsv1_2" => this.change(call, |parameters| parameters.v12 = false),
            b"no_tlsv1_3" => this.change(call, |parameters| parameters.v13 = false),
            other if OPTIONS.iter().any(|known| known.as_bytes() == other) => {}
            // OpenSSL's options as a number.
            _ if option.as_number().is_some() => {}
            _ => return set(call, Err(format!("invalid option ({})", lossy(name)))),
        }
    }
    set(call, Ok(()))
}

/// `setverify(context, ...)`
fn set_verify<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    options: Rest,
) -> Result<Vec<Value<'c>>, Error> {
    let options: Vec<Value<'c>> = options.values(call).collect();
    call.charge(options.len());
    let (mut verifies, mut needs_peer) = (false, false);
    for option in options {
        let Some(name) = Name::from_lua(call, option) else { continue };
        match name.bytes() {
            b"none" => verifies = false,
            b"peer" | b"client_once" => verifies = true,
            b"fail_if_no_peer_cert" => needs_peer = true,
            _ => return set(call, Err(format!("invalid verify option ({})", lossy(name)))),
        }
    }
    this.change(call, |parameters| {
        parameters.verifies = verifies;
        parameters.needs_peer = needs_peer;
    });
    set(call, Ok(()))
}

/// `context:setverifyext(...)`: lists of revoked certificates are not supported.
fn set_verify_extension<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    options: Rest,
) -> Result<Vec<Value<'c>>, Error> {
    let options: Vec<Value<'c>> = options.values(call).collect();
    call.charge(options.len());
    let mut continues = false;
    for option in options {
        let Some(name) = Name::from_lua(call, option) else { continue };
        match name.bytes() {
            b"lsec_continue" => continues = true,
            b"lsec_ignore_purpose" => {}
            _ => return set(call, Err(format!("invalid verify option ({})", lossy(name)))),
        }
    }
    this.change(call, |parameters| parameters.continues = continues);
    set(call, Ok(()))
}

/// Names in the form of ALPN, each with its length in front.
pub(super) fn decode_protocols(mut text: &[u8]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    while let Some((&length, rest)) = text.split_first() {
        let Some((name, rest)) = rest.split_at_checked(length.into()) else { break };
        names.push(name.to_vec());
        text = rest;
    }
    names
}

/// `setalpn(context, names)`: the protocols that a client offers.
fn set_protocols<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    names: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let names = decode_protocols(names.bytes());
    this.change(call, |parameters| parameters.protocols = names);
    set(call, Ok(()))
}

/// `setalpncb(context, function)`: the function gets the client's protocols, and returns those that
/// the server accepts.
fn set_protocol_callback<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    function: Function<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    if let Some(environment) = call.environment_of(this.value()) {
        environment.set_field(call, CHOOSES_PROTOCOL, function)?;
    }
    set(call, Ok(()))
}
