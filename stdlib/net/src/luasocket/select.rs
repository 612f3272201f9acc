//! `select`: waits until sockets can be read or written.
//!
//! An object in the sets is a socket, or anything with a method `getfd` that returns the number of
//! a socket of this program. The methods are called as any Lua function, so they may wait.

use super::descriptor::{Descriptor, find_any, poll_now};
use super::failure::TIMEOUT;
use super::object::from_value;
use super::ssl::connection;
use super::timeout::Timeout;
use futures_util::stream::{FuturesUnordered, StreamExt};
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{Indexed, Results};
use solvm_vm::{Call, Error, Table, Value};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::io::Interest;

/// Maximum number of sockets in a set, as in LuaSocket.
pub(super) const SET_SIZE: usize = 1024;

/// A set of sockets: the descriptors by their numbers, with the position of their object in the
/// program's table.
#[derive(Default)]
struct Set {
    sockets: BTreeMap<i32, (Rc<Descriptor>, usize)>,
    /// The positions of objects that have received data in a buffer.
    dirty: Vec<usize>,
}

/// `select(to be read, to be written[, seconds])`: returns tables of those that are ready, by
/// position and by object; and "timeout" if there are none.
pub(super) fn select<'c>(
    _: &mut Call<'c>,
    reading: Option<Table<'c>>,
    writing: Option<Table<'c>>,
    seconds: Option<f64>,
) -> impl Results<'c> + use<'c> {
    let has = [reading.is_some(), writing.is_some()];
    let timeout = Timeout { block: seconds.unwrap_or(-1.0), total: -1.0 };
    asynchronous::run(move |lua| async move {
        let timer = timeout.start();
        let mut sets = [Set::default(), Set::default()];
        let [reading, writing] = &mut sets;
        if has[0] {
            collect(&lua, Slot::argument(0), reading, true).await?;
        }
        if has[1] {
            collect(&lua, Slot::argument(1), writing, false).await?;
        }
        let ready = wait(&lua, &sets, timer).await?;
        lua.finish_with(|call| {
            let is_late = ready.iter().all(Vec::is_empty);
            let readable = result(call, 0, &ready[0])?;
            let writable = result(call, 1, &ready[1])?;
            let mut results = vec![readable.value(), writable.value()];
            if is_late {
                results.push(call.string(TIMEOUT.as_bytes())?.value());
            }
            Ok(results)
        })
    })
}

/// Adds the sockets of a program's table.
async fn collect(lua: &Lua, table: Slot, set: &mut Set, reads: bool) -> Result<(), Error> {
    let slots = Slots {
        object: lua.slot(),
        method: lua.slot(),
        owner: lua.slot(),
        name: lua.slot(),
        result: lua.slot(),
    };
    let Slots { object, method, result, .. } = slots;
    for position in 1.. {
        // A socket answers without a call.
        let known = lua.with(|call| {
            call.charge(1);
            let value = Table::from_value(table.get(call)).map_or(Value::NIL, |t| t.get(position));
            object.set(call, value);
            if value.is_nil() {
                return Err(());
            }
            Ok(socket_of(value))
        });
        let descriptor = match known {
            Err(()) => break,
            Ok(Some((descriptor, is_dirty))) => {
                if reads && is_dirty && descriptor.is_some() {
                    set.dirty.push(position);
                    continue;
                }
                descriptor
            }
            Ok(None) => {
                if !look_up(lua, &slots, "getfd").await? {
                    continue;
                }
                lua.call(method, &[object], result).await?;
                let descriptor = lua.get(result, |call, value| {
                    let number = value.to_number().filter(|&number| number >= 0.0);
                    number.map_or(Ok(None), |number| match find_any(call, number) {
                        Some(descriptor) => Ok(Some(descriptor)),
                        None => Err(Error::argument(
                            if reads { 1 } else { 2 },
                            format!("descriptor {number} is not a socket of this program"),
                        )),
                    })
                })?;
                if reads && descriptor.is_some() && look_up(lua, &slots, "dirty").await? {
                    lua.call(method, &[object], result).await?;
                    if lua.get(result, |_, value| value.is_truthy()) {
                        set.dirty.push(position);
                        continue;
                    }
                }
                descriptor
            }
        };
        if let Some(descriptor) = descriptor {
            set.sockets.insert(descriptor.number() as i32, (descriptor, position));
        }
        if set.sockets.len() > SET_SIZE {
            return Err(Error::argument(if reads { 1 } else { 2 }, "too many sockets"));
        }
    }
    Ok(())
}

/// The socket of an object of this library, and whether it has received data in a buffer.
fn socket_of(value: Value<'_>) -> Option<(Option<Rc<Descriptor>>, bool)> {
    if let Some(inner) = from_value(value) {
        return Some((inner.descriptor(), inner.stream.is_dirty()));
    }
    connection::from_value(value).map(|inner| (inner.socket(), inner.is_dirty()))
}

/// Slots for an object that is not one of this library, and for its method.
struct Slots {
    object: Slot,
    method: Slot,
    owner: Slot,
    name: Slot,
    result: Slot,
}

/// Puts a method of the object into its slot; false if it has none.
async fn look_up(lua: &Lua, slots: &Slots, name: &str) -> Result<bool, Error> {
    let calls = lua.with(|call| {
        let value = slots.object.get(call);
        let name = call.string(name.as_bytes())?.value();
        slots.name.set(call, name);
        Ok::<bool, Error>(match call.index(value, name)? {
            Indexed::Value(found) => {
                slots.method.set(call, found);
                false
            }
            Indexed::Call(function, owner) => {
                slots.method.set(call, function);
                slots.owner.set(call, owner);
                true
            }
        })
    })?;
    if calls {
        lua.call(slots.method, &[slots.owner, slots.name], slots.method).await?;
    }
    Ok(lua.get(slots.method, |_, value| !value.is_nil()))
}

/// Waits until a socket is ready. Returns the positions of the objects that are.
async fn wait(
    lua: &Lua,
    sets: &[Set; 2],
    timer: super::timeout::Timer,
) -> Result<[Vec<usize>; 2], Error> {
    let [reading, writing] = sets;
    let lists: [Vec<Rc<Descriptor>>; 2] = [reading, writing]
        .map(|set| set.sockets.values().map(|(descriptor, _)| descriptor.clone()).collect());
    let count = lists.iter().map(Vec::len).sum::<usize>();
    let is_dirty = !reading.dirty.is_empty();
    loop {
        lua.with(|call| call.charge(count));
        let mut ready = [reading.dirty.clone(), Vec::new()];
        let interests = [Interest::READABLE, Interest::WRITABLE];
        for (((set, list), interest), ready) in
            sets.iter().zip(&lists).zip(interests).zip(&mut ready)
        {
            let polled = poll_now(list, interest);
            let polled = polled.map_err(|_| Error::text("select failed"))?;
            let positions = set.sockets.values().map(|(_, position)| *position);
            for ((position, is_ready), descriptor) in positions.zip(polled).zip(list) {
                // One that was closed in the meantime: its next operation tells.
                if is_ready || descriptor.closing.is_cancelled() {
                    ready.push(position);
                }
            }
        }
        if is_dirty || ready.iter().any(|ready| !ready.is_empty()) {
            return Ok(ready);
        }
        // What is only closed here is waited for, too: then it is not ready.
        let mut waits = FuturesUnordered::new();
        for (list, interest) in lists.iter().zip(interests) {
            waits.extend(list.iter().map(|descriptor| {
                descriptor.closing.run_until_cancelled(descriptor.ready(interest))
            }));
        }
        let any = async {
            match waits.next().await {
                Some(_) => {}
                None => std::future::pending().await,
            }
        };
        if timer.wait(any).await.is_none() {
            return Ok([Vec::new(), Vec::new()]);
        }
    }
}

/// A table of the objects at these positions of a program's table, by position and by object.
fn result<'c>(
    call: &mut Call<'c>,
    argument: usize,
    positions: &[usize],
) -> Result<Table<'c>, Error> {
    call.charge(positions.len());
    let objects = call.argument(argument).and_then(Table::from_value);
    let table = call.table(positions.len(), positions.len())?;
    for (place, &position) in (1usize..).zip(positions) {
        let object = objects.map_or(Value::NIL, |objects| objects.get(position));
        if !object.is_nil() {
            table.set_index(call, place, object)?;
            table.set(call, object, Value::number(place as f64))?;
        }
    }
    Ok(table)
}
