//! `require`: a module's value is in `package.loaded`, or a loader finds its function.
//!
//! The fields of `package.loaded` are read and set with metamethods, as in PUC Lua. These, loaders
//! and modules may yield and wait, so each is called in a step of its own.
//!
//! Invariant: while a module's function runs, and after it has failed, the module's value is the
//! sentinel, unless the program has set another.

use super::field;
use crate::fields::{self, Assigned};
use crate::modules::{self, OwnModule};
use solvm_runtime::buffer::AccountedBuffer;
use solvm_runtime::name::Name;
use solvm_vm::native::{Either, Indexed, Param, Start, StartWith, Step, Steps, Wanted};
use solvm_vm::{Call, Data, Error, Function, LuaString, Table, Type, Userdata, Value};

/// The value of a module in `package.loaded` while its chunk runs; `require` keeps it.
struct Loading;

impl Data for Loading {
    fn external_size(&self) -> usize {
        0
    }
}

/// What the last call was. The kept values are the sentinel and a function.
pub(super) enum Require {
    /// None yet: the `__index` function that knows the module is kept, with its object.
    Asking,
    /// That function.
    Asked,
    /// Loader number `next - 1`; `tried` has the messages of the previous ones.
    Searching { next: usize, tried: AccountedBuffer },
    /// A `__newindex` function, with the sentinel. The module's function is kept.
    Marking,
    /// The module's function.
    Loading,
    /// A `__newindex` function, with the module's value.
    Storing,
    /// An `__index` function, for the module's value.
    Reading,
    /// A `__newindex` function, with true.
    Confirming,
}

/// Whether a module's value says that its function is running or has failed.
fn is_sentinel(module: Value) -> bool {
    Userdata::from_value(module).is_some_and(|module| module.get::<Loading>().is_some())
}

/// Whether a module has been loaded.
fn is_loaded(name: &[u8], module: Value) -> Result<bool, Error> {
    if is_sentinel(module) {
        let text = [b"loop or previous error loading module '", name, b"'"].concat();
        return Err(Error::text(text));
    }
    Ok(module.is_truthy())
}

/// The first stage of a search.
fn search_from_first(call: &mut Call) -> Result<Require, Error> {
    if field(call, "loaders")?.kind() != Type::Table {
        return Err(Error::text("'package.loaders' must be a table"));
    }
    Ok(Require::Searching { next: 0, tried: AccountedBuffer::default() })
}

pub(super) fn require<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
) -> Result<Either<Value<'c>, StartWith<'c, Require>>, Error> {
    let loaded = call.loaded()?.value();
    match call.index(loaded, name.string().value())? {
        Indexed::Value(module) if is_loaded(name.bytes(), module)? => Ok(Either::Now(module)),
        Indexed::Value(_) => {
            let start = Start::new(search_from_first(call)?);
            let sentinel = call.userdata(Loading, None).value();
            Ok(Either::Later(start.keep_all([sentinel, Value::NIL])))
        }
        Indexed::Call(function, object) => {
            Ok(Either::Later(Start::new(Require::Asking).keep_all([object, function])))
        }
    }
}

impl Steps for Require {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let name = Name::take(call, &mut 0)?.string();
        match self {
            Require::Asking => {
                *self = Require::Asked;
                let (object, function) = (call.kept(0), call.kept(1));
                call.call(function, &[object, name.value()], Wanted::One)
            }
            Require::Asked => {
                let module = call.returned(0);
                if is_loaded(name.bytes(), module)? {
                    return call.finish(module);
                }
                let sentinel = call.userdata(Loading, None).value();
                call.set_kept(0, sentinel);
                *self = search_from_first(call)?;
                self.search(call, name)
            }
            Require::Searching { next, tried } => {
                if *next > 0 {
                    let found = call.returned(0);
                    if Function::from_value(found).is_some() {
                        return self.load(call, name, found);
                    }
                    if let Some(why) = LuaString::from_value(found) {
                        tried.push(call, why.bytes())?;
                    }
                }
                self.search(call, name)
            }
            Require::Marking => self.run(call, name),
            Require::Loading => {
                let result = call.returned(0);
                match result.is_nil() {
                    true => self.read(call, name),
                    false => self.store(call, name, result),
                }
            }
            Require::Storing => self.read(call, name),
            Require::Reading => {
                let module = call.returned(0);
                self.confirm(call, name, module)
            }
            Require::Confirming => call.finish(true),
        }
    }
}

impl Require {
    /// Calls the next loader, or takes one of SolVM's modules.
    fn search<'c>(&mut self, call: &mut Call<'c>, name: LuaString<'c>) -> Result<Step, Error> {
        let Require::Searching { next, tried } = self else { return call.finish(()) };
        *next += 1;
        // A name of SolVM's own is looked up first, others last.
        let is_own_turn = *next == 1 && modules::is_reserved(name.bytes());
        let loader = Table::from_value(field(call, "loaders")?)
            .map_or(Value::NIL, |loaders| loaders.get(*next));
        if !loader.is_nil() && !is_own_turn {
            return call.call(loader, &[name.value()], Wanted::One);
        }
        match modules::find_again(call, name)? {
            Some(OwnModule::Open(module)) => self.store(call, name, module),
            Some(OwnModule::Loader(loader)) => self.load(call, name, loader.value()),
            None if !loader.is_nil() => call.call(loader, &[name.value()], Wanted::One),
            None => {
                let text = [b"module '", name.bytes(), b"' not found:", tried].concat();
                Err(Error::text(text))
            }
        }
    }

    /// Sets the module's value in `package.loaded`, and continues with `then`. None if a function
    /// must be called first.
    fn assign<'c>(
        &mut self,
        call: &mut Call<'c>,
        name: LuaString<'c>,
        value: Value<'c>,
        then: Require,
    ) -> Result<Option<Step>, Error> {
        *self = then;
        let loaded = call.loaded()?.value();
        match fields::set(call, loaded, name.value(), value)? {
            Assigned::Done => Ok(None),
            Assigned::Call(function, object) => {
                call.call(function, &[object, name.value(), value], Wanted::One).map(Some)
            }
        }
    }

    /// Calls the module's function with the name, after the sentinel is set.
    fn load<'c>(
        &mut self,
        call: &mut Call<'c>,
        name: LuaString<'c>,
        function: Value<'c>,
    ) -> Result<Step, Error> {
        call.set_kept(1, function);
        let sentinel = call.kept(0);
        match self.assign(call, name, sentinel, Require::Marking)? {
            Some(step) => Ok(step),
            None => self.run(call, name),
        }
    }

    fn run<'c>(&mut self, call: &mut Call<'c>, name: LuaString<'c>) -> Result<Step, Error> {
        *self = Require::Loading;
        let function = call.kept(1);
        call.call(function, &[name.value()], Wanted::One)
    }

    fn store<'c>(
        &mut self,
        call: &mut Call<'c>,
        name: LuaString<'c>,
        module: Value<'c>,
    ) -> Result<Step, Error> {
        match self.assign(call, name, module, Require::Storing)? {
            Some(step) => Ok(step),
            None => self.read(call, name),
        }
    }

    fn read<'c>(&mut self, call: &mut Call<'c>, name: LuaString<'c>) -> Result<Step, Error> {
        let loaded = call.loaded()?.value();
        match call.index(loaded, name.value())? {
            Indexed::Value(module) => self.confirm(call, name, module),
            Indexed::Call(function, object) => {
                *self = Require::Reading;
                call.call(function, &[object, name.value()], Wanted::One)
            }
        }
    }

    /// Returns the module; true if its function has set no value.
    fn confirm<'c>(
        &mut self,
        call: &mut Call<'c>,
        name: LuaString<'c>,
        module: Value<'c>,
    ) -> Result<Step, Error> {
        if !is_sentinel(module) {
            return call.finish(module);
        }
        let step = self.assign(call, name, Value::boolean(true), Require::Confirming)?;
        step.map_or_else(|| call.finish(true), Ok)
    }
}
