//! The clients of HTTP calls: each keeps its connections for the next call.

use crate::sockets::tls::{self, Trust};
use crate::sockets::{innermost, network};
use hashbrown::HashMap;
use reqwest::dns::{Addrs, Name as HostName, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use solvm_files::file_system;
use solvm_runtime::Host;
use solvm_runtime::host::Network;
use solvm_runtime::host::network::{Purpose, addresses};
use solvm_runtime::pool::in_pool;
use solvm_vm::native::asynchronous::Lua;
use solvm_vm::{Call, Error};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Maximum number of clients.
const MAX_CLIENTS: usize = 16;

/// Clients, each with its connections, by trust, purpose and port: the permissions depend on the
/// port, and a resolver gets only the name.
#[derive(Clone, Default)]
pub(crate) struct Clients(Rc<RefCell<HashMap<Key, Client>>>);

type Key = (Trust, Purpose, u16);

impl Clients {
    /// Returns the client for a trust configuration and the port of a URL.
    pub(super) async fn get(
        &self,
        lua: &Lua,
        trust: &Trust,
        purpose: Purpose,
        url: &Url,
    ) -> Result<Client, String> {
        let port = port_of(url);
        let key = (trust.clone(), purpose, port);
        if let Some(client) = self.0.borrow().get(&key) {
            return Ok(client.clone());
        }
        let outside = lua.with(|call| Ok((file_system(call)?, network(call)?)));
        let (files, network) = outside.map_err(|_: Error| "network access is not available")?;
        let trust = trust.clone();
        let config =
            in_pool(move || tls::client_config(&*files, &trust, &[b"h2", b"http/1.1"])).await;
        let config =
            config.flatten().map_err(|error| solvm_runtime::system_error::reason(&error))?;
        let client = Client::builder().tls_backend_preconfigured(config).redirect(Policy::none());
        // The environment does not choose where to connect: a proxy is not an address that was
        // checked, and would resolve the host itself.
        let client = client.no_proxy();
        let client = client.dns_resolver(Arc::new(Resolver { network, purpose, port }));
        let client = client.user_agent(concat!("SolVM/", env!("CARGO_PKG_VERSION")));
        let client = client.build().map_err(|error| innermost(&error))?;
        let mut clients = self.0.borrow_mut();
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }
}

/// Resolves a host to the addresses that the program may connect to at a port.
struct Resolver {
    network: Arc<dyn Network>,
    purpose: Purpose,
    port: u16,
}

impl Resolve for Resolver {
    fn resolve(&self, name: HostName) -> Resolving {
        let (network, purpose, port) = (self.network.clone(), self.purpose, self.port);
        Box::pin(async move {
            let found = addresses(&*network, purpose, name.as_str(), port).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Checks the permission for a call and returns the clients.
pub(super) fn clients_for(call: &mut Call, url: &Url, purpose: Purpose) -> Result<Clients, String> {
    let Some(host) = call.host::<Host>() else {
        return Err("network access is not available".into());
    };
    let name = url.host_str().unwrap_or_default();
    purpose.allow(&*host.world.network(), name, port_of(url))?;
    Ok(host.state::<Clients>().clone())
}

fn port_of(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}
