//! `resolve_dns`: the addresses of a host.

use super::{failed, network};
use solvm_runtime::Host;
use solvm_runtime::host::NetworkUse;
use solvm_runtime::host::network::look_up;
use solvm_runtime::name::Name;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{Library, Results, asynchronous};
use solvm_vm::{Call, Error, Value};
use std::net::SocketAddr;

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "resolve_dns" => resolve_dns,
});

/// `resolve_dns(name)`: returns the first address of a host, and a list of all, IPv4 first.
fn resolve_dns<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let name = String::from_utf8_lossy(name.bytes()).into_owned();
    let network = network(call)?;
    Ok(asynchronous::run(move |lua| async move {
        let pause = lua.with(|call| call.host::<Host>().map(|host| host.deadline.pause_timeout()));
        let found = match network.allow(NetworkUse::Resolve { host: &name }) {
            Ok(()) => look_up(&name, 0).await,
            Err(error) => Err(format!("{name}: {}", reason(&error))),
        };
        drop(pause);
        lua.finish_with(|call| match found {
            Ok(addresses) => results(call, &addresses),
            Err(reason) => failed(call, &reason),
        })
    }))
}

fn results<'c>(call: &mut Call<'c>, addresses: &[SocketAddr]) -> Result<Vec<Value<'c>>, Error> {
    let all = call.table(addresses.len(), 0)?;
    for (place, address) in (1..).zip(addresses) {
        let text = call.string(address.ip().to_string().as_bytes())?.value();
        all.set_index(call, place, text)?;
    }
    Ok(vec![all.get(1), all.value()])
}
