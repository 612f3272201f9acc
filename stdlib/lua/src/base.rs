//! The basic functions (manual, section 5.1), except those that load chunks
//! ([`load`](crate::load)), and `require` and `module`, which are in [`package`](crate::package).

use crate::load;
use solvm_runtime::channel::named as channel;
use solvm_runtime::host::Host;
use solvm_runtime::name::Name;
use solvm_runtime::system_error::reason;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{
    Collector, Either, Elements, Indexed, Library, Param, Pass, Rest, Start, StartWith, Step,
    Steps, Wanted,
};
use solvm_vm::scheduler::FinalizerClaim;
use solvm_vm::{Call, Error, Function, LuaString, Metamethod, Table, Type, Userdata, Value};

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "assert" => assert,
    "collectgarbage" => collect_garbage,
    "dofile" => load::do_file,
    "error" => raise error,
    "gcinfo" => gc_info,
    "getfenv" => get_environment,
    "getmetatable" => get_metatable,
    "ipairs" => indexed_pairs,
    "load" => load::load,
    "loadfile" => load::load_file,
    "loadstring" => load::load_string,
    "newproxy" => new_proxy,
    "next" => next,
    "pairs" => pairs,
    "pcall" => special ProtectedCall,
    "print" => print,
    "rawequal" => raw_equal,
    "rawget" => raw_get,
    "rawset" => raw_set,
    "select" => select,
    "setfenv" => set_environment,
    "setmetatable" => set_metatable,
    "tonumber" => to_number,
    "tostring" => to_string,
    "type" => type_of,
    "unpack" => unpack,
    "xpcall" => special ProtectedCallWithHandler,
    "_VERSION" => text "Lua 5.1",
});

static INDEX_ITERATOR: solvm_vm::native::Definition =
    solvm_vm::native::Definition::new("ipairs", next_index);

/// Adds what the table of functions cannot express: `_G`, and which functions loops recognise.
pub fn finish(call: &mut Call) -> Result<(), Error> {
    let globals = call.globals();
    globals.set_field(call, "_G", globals)?;
    let key = call.string(b"next")?;
    let iterator = call.function(&INDEX_ITERATOR, &[]);
    if let Some(next) = Function::from_value(globals.get(key)) {
        call.set_iterators(next, iterator);
    }
    Ok(())
}

fn assert<'c>(call: &mut Call<'c>, value: Value<'c>, _message: Rest) -> Result<Pass, Error> {
    if value.is_truthy() {
        return Ok(Pass { first: 0 });
    }
    Err(assertion_error(call))
}

#[cold]
fn assertion_error(call: &mut Call) -> Error {
    match <Option<LuaString> as Param>::take(call, &mut 1) {
        Ok(Some(text)) => Error::text(text.bytes().to_vec()),
        Ok(None) => Error::text("assertion failed!"),
        Err(error) => error,
    }
}

/// Raises its first argument, with the position at `level` before it if it is a string.
fn error<'c>(call: &mut Call<'c>, _message: Rest) -> Result<(), Error> {
    let message = call.argument(0).unwrap_or(Value::NIL);
    let level = match call.argument(1) {
        None => 1.0,
        Some(value) if value.is_nil() => 1.0,
        Some(value) => value.to_number().ok_or_else(|| {
            Error::argument(2, format!("number expected, got {}", value.type_name()))
        })?,
    };
    let Some(text) = call.coerced_string(message) else { return Err(call.raise(message)) };
    if level < 1.0 {
        return Err(call.raise(message));
    }
    let mut full = call.position(level as usize);
    full.extend_from_slice(text.bytes());
    let value = call.string(&full)?.value();
    Err(call.raise(value))
}

fn type_of<'c>(_: &mut Call<'c>, value: Value<'c>) -> Type {
    value.kind()
}

fn raw_equal<'c>(_: &mut Call<'c>, a: Value<'c>, b: Value<'c>) -> bool {
    a.raw_equal(b)
}

fn raw_get<'c>(_: &mut Call<'c>, table: Table<'c>, key: Value<'c>) -> Value<'c> {
    table.get(key)
}

fn raw_set<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    key: Value<'c>,
    value: Value<'c>,
) -> Result<Table<'c>, Error> {
    table.set(call, key, value)?;
    Ok(table)
}

fn next<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    key: Option<Value<'c>>,
) -> Result<Either<(Value<'c>, Value<'c>), Option<Value<'c>>>, Error> {
    Ok(match table.next(call, key.unwrap_or(Value::NIL))? {
        Some(pair) => Either::Now(pair),
        None => Either::Later(None),
    })
}

fn pairs<'c>(call: &mut Call<'c>, table: Table<'c>) -> (Value<'c>, Table<'c>, Option<Value<'c>>) {
    (call.iterators().0, table, None)
}

fn indexed_pairs<'c>(call: &mut Call<'c>, table: Table<'c>) -> (Value<'c>, Table<'c>, f64) {
    (call.iterators().1, table, 0.0)
}

/// The iterator of `ipairs`.
fn next_index<'c>(_: &mut Call<'c>, table: Table<'c>, index: f64) -> Either<(f64, Value<'c>), ()> {
    let value = table.get(Value::number(index + 1.0));
    if value.is_nil() { Either::Later(()) } else { Either::Now((index + 1.0, value)) }
}

/// Lua's `select` if the first argument is a number or "#"; that of channels otherwise.
fn select<'c>(
    call: &mut Call<'c>,
    which: Value<'c>,
    rest: Rest,
) -> Result<Either<Either<f64, Pass>, StartWith<'c, channel::Select>>, Error> {
    call.charge_for_string(which);
    let is_channel = Userdata::from_value(which).is_some()
        || LuaString::from_value(which)
            .is_some_and(|name| name.bytes() != b"#" && which.to_number().is_none());
    Ok(if is_channel {
        Either::Later(channel::select(call)?)
    } else {
        Either::Now(select_arguments(call, which, rest)?)
    })
}

fn select_arguments<'c>(
    call: &mut Call<'c>,
    which: Value<'c>,
    rest: Rest,
) -> Result<Either<f64, Pass>, Error> {
    let count = call.argument_count() - rest.first;
    if LuaString::from_value(which).is_some_and(|text| text.bytes() == b"#") {
        return Ok(Either::Now(count as f64));
    }
    let Some(n) = which.to_number() else {
        return Err(Error::argument(1, format!("number expected, got {}", which.type_name())));
    };
    let first = match n as i64 {
        n if n < 0 => count as i64 + n + 1,
        n => n,
    };
    if first < 1 {
        return Err(Error::argument(1, "index out of range"));
    }
    Ok(Either::Later(Pass { first: usize::try_from(first).unwrap_or(usize::MAX) }))
}

/// Values that `unpack` may return.
const MAX_UNPACK: f64 = 60_000.0;

pub(crate) fn unpack<'c>(
    _: &mut Call<'c>,
    table: Table<'c>,
    first: Option<Truncated>,
    last: Option<Truncated>,
) -> Result<Elements<'c>, Error> {
    let first = first.map_or(1, i64::from);
    let last = last.map_or_else(|| table.length() as i64, i64::from);
    if last as f64 - first as f64 >= MAX_UNPACK {
        return Err(Error::text("too many results to unpack"));
    }
    let count = if first > last { 0 } else { (last - first + 1) as usize };
    Ok(Elements { table, first, count })
}

/// Whether a byte is a space in a numeral for Lua.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn to_number<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
    base: Option<Truncated>,
) -> Result<Option<f64>, Error> {
    let base = base.map_or(10, i64::from);
    if base == 10 {
        return Ok(value.to_number());
    }
    let Some(text) = call.coerced_string(value) else {
        return Err(Error::argument(1, format!("string expected, got {}", value.type_name())));
    };
    if !(2..=36).contains(&base) {
        return Err(Error::argument(2, "base out of range"));
    }
    let text = text.bytes();
    call.charge(text.len() / 4);
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |i| i + 1);
    let (negative, digits) = match &text[start..end] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = match digits {
        [b'0', b'x' | b'X', digits @ ..] if base == 16 => digits,
        digits => digits,
    };
    let mut number = 0.0;
    for &digit in digits {
        match char::from(digit).to_digit(base as u32) {
            Some(digit) => number = number * base as f64 + f64::from(digit),
            None => return Ok(None),
        }
    }
    Ok((!digits.is_empty()).then_some(if negative { -number } else { number }))
}

/// Converts a value to a string without metamethods.
pub(crate) fn plain_text<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
) -> Result<LuaString<'c>, Error> {
    match value.kind() {
        Type::Nil => call.string(b"nil"),
        Type::Boolean => call.string(if value.is_truthy() { b"true" } else { b"false" }),
        Type::Number | Type::String => match call.coerced_string(value) {
            Some(text) => Ok(text),
            None => call.string(b""),
        },
        _ => {
            let text = format!("{}: {:#x}", value.type_name(), value.address());
            call.string(text.as_bytes())
        }
    }
}

fn to_string<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
) -> Result<Either<LuaString<'c>, StartWith<'c, ToString>>, Error> {
    let method = call.metamethod(value, Metamethod::ToString);
    if method.is_nil() {
        return Ok(Either::Now(plain_text(call, value)?));
    }
    Ok(Either::Later(Start::new(ToString { called: false }).keep(method)))
}

/// `tostring` of a value that has `__tostring`.
struct ToString {
    called: bool,
}

impl Steps for ToString {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if !std::mem::replace(&mut self.called, true) {
            let (method, value) = (call.kept(0), call.argument(0).unwrap_or(Value::NIL));
            return call.call(method, &[value], Wanted::One);
        }
        let result = call.returned(0);
        call.finish(result)
    }
}

/// `print`: calls the global `tostring` for each argument, as PUC Lua does.
fn print<'c>(call: &mut Call<'c>, _arguments: Rest) -> Result<StartWith<'c, Print>, Error> {
    let key = call.string(b"tostring")?.value();
    let globals = call.globals().value();
    let print = |asks| Start::new(Print { next: 0, line: Vec::new(), asks });
    Ok(match call.index(globals, key)? {
        Indexed::Value(function) => print(None).keep(function),
        Indexed::Call(function, object) => print(Some(Ask::Pending)).keep_all([function, object]),
    })
}

struct Print {
    next: usize,
    line: Vec<u8>,
    /// Whether the global `tostring` comes from an `__index` function.
    asks: Option<Ask>,
}

/// A call of an `__index` function.
enum Ask {
    Pending,
    Running,
}

impl Steps for Print {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        match self.asks.take() {
            Some(Ask::Pending) => {
                self.asks = Some(Ask::Running);
                let (function, object) = (call.kept(0), call.kept(1));
                let key = call.string(b"tostring")?.value();
                return call.call(function, &[object, key], Wanted::One);
            }
            Some(Ask::Running) => {
                let function = call.returned(0);
                call.set_kept(0, function);
            }
            None => {}
        }
        let function = call.kept(0);
        let is_original = call.is_library_function(function, &LIBRARY, "tostring");
        if self.next > 0 {
            let text = call.returned(0);
            match call.coerced_string(text) {
                Some(text) => {
                    call.charge_for_string(text.value());
                    self.line.extend_from_slice(text.bytes());
                }
                None => return Err(Error::text("'tostring' must return a string to 'print'")),
            }
        }
        while let Some(value) = call.argument(self.next) {
            if self.next > 0 {
                self.line.push(b'\t');
            }
            self.next += 1;
            if !is_original || !call.metamethod(value, Metamethod::ToString).is_nil() {
                return call.call(function, &[value], Wanted::One);
            }
            let text = plain_text(call, value)?;
            call.charge_for_string(text.value());
            self.line.extend_from_slice(text.bytes());
        }
        self.line.push(b'\n');
        let line = std::mem::take(&mut self.line);
        if let Some(host) = call.host::<Host>() {
            host.world.write_output(&line).map_err(|error| Error::text(reason(&error)))?;
        }
        call.finish(())
    }
}

fn get_metatable<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Value<'c>> {
    let metatable = call.metatable(value)?;
    let protected = call.metamethod(value, Metamethod::Metatable);
    Some(if protected.is_nil() { metatable.value() } else { protected })
}

fn set_metatable<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    _metatable: Rest,
) -> Result<Table<'c>, Error> {
    let value = call.argument(1);
    let metatable = match value.map(Value::kind) {
        Some(Type::Nil) => None,
        Some(Type::Table) => value.and_then(Table::from_value),
        _ => return Err(Error::argument(2, "nil or table expected")),
    };
    if !call.metamethod(table.value(), Metamethod::Metatable).is_nil() {
        return Err(Error::text("cannot change a protected metatable"));
    }
    call.set_metatable(table.value(), metatable);
    Ok(table)
}

/// The function that the argument of `getfenv` or `setfenv` denotes: a function, or the one active
/// at a level. None for level 0.
fn environment_target<'c>(
    call: &mut Call<'c>,
    target: Option<Value<'c>>,
) -> Result<Option<Function<'c>>, Error> {
    if let Some(function) = target.and_then(Function::from_value) {
        return Ok(Some(function));
    }
    let level = match target {
        None => 1.0,
        Some(value) if value.is_nil() => 1.0,
        Some(value) => value.to_number().ok_or_else(|| {
            Error::argument(1, format!("number expected, got {}", value.type_name()))
        })?,
    };
    if level <= -1.0 {
        return Err(Error::argument(1, "level must be non-negative"));
    }
    if level < 1.0 {
        return Ok(None);
    }
    match call.level(level as usize) {
        Some(level) => Ok(call.level_function(level)),
        None => Err(Error::argument(1, "invalid level")),
    }
}

/// `getfenv([target])`: returns the environment of a function or of a level of the stack.
pub fn get_environment<'c>(call: &mut Call<'c>, _target: Rest) -> Result<Table<'c>, Error> {
    let target = call.argument(0);
    Ok(match environment_target(call, target)? {
        Some(function) if function.is_lua() => call.environment(function),
        _ => call.globals(),
    })
}

/// `setfenv(target, environment)`: returns the function, or nothing for level 0, the globals.
pub fn set_environment<'c>(
    call: &mut Call<'c>,
    target: Value<'c>,
    environment: Table<'c>,
) -> Result<Option<Function<'c>>, Error> {
    match environment_target(call, Some(target))? {
        None => {
            call.set_globals(environment);
            Ok(None)
        }
        Some(function) => {
            call.set_environment(function, environment)?;
            Ok(Some(function))
        }
    }
}

/// A userdata without contents.
struct Proxy;

impl solvm_vm::Data for Proxy {
    fn external_size(&self) -> usize {
        0
    }
}

fn new_proxy<'c>(call: &mut Call<'c>, from: Option<Value<'c>>) -> Result<Value<'c>, Error> {
    let from = from.unwrap_or(Value::NIL);
    let metatable = match from.as_boolean() {
        Some(true) => Some(call.table(0, 1)?),
        Some(false) => None,
        None if from.is_nil() => None,
        None => {
            let other =
                solvm_vm::Userdata::from_value(from).filter(|other| other.get::<Proxy>().is_some());
            match other.and_then(|other| other.metatable()) {
                Some(metatable) => Some(metatable),
                None => return Err(Error::argument(1, "boolean or proxy expected")),
            }
        }
    };
    Ok(call.userdata(Proxy, metatable).value())
}

fn gc_info(call: &mut Call) -> f64 {
    (call.memory_used() / 1024) as f64
}

fn collect_garbage<'c>(
    call: &mut Call<'c>,
    option: Option<Name<'c>>,
    argument: Option<Truncated>,
) -> Result<Either<Value<'c>, Start<Collect>>, Error> {
    let argument = usize::try_from(argument.map_or(0, i64::from)).unwrap_or(0);
    let option = option.map_or(&b"collect"[..], Name::bytes);
    let control = match option {
        b"collect" | b"step" => {
            let slice = (option == b"step").then(|| argument.saturating_mul(1024));
            let collect = Collect { _claim: call.claim_finalizers(), slice, collected: false };
            return Ok(Either::Later(Start::new(collect)));
        }
        b"count" => return Ok(Either::Now(Value::number(call.memory_used() as f64 / 1024.0))),
        b"stop" => Collector::Stop,
        b"restart" => Collector::Restart,
        b"setpause" => Collector::Pause(argument),
        b"setstepmul" => Collector::StepMultiplier(argument),
        _ => {
            let text = format!("invalid option '{}'", String::from_utf8_lossy(option));
            return Err(Error::argument(1, text));
        }
    };
    Ok(Either::Now(Value::number(call.control_collector(control) as f64)))
}

/// A full collection or a step, and the finalizers that it found due.
struct Collect {
    _claim: FinalizerClaim,
    slice: Option<usize>,
    collected: bool,
}

impl Steps for Collect {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if !std::mem::replace(&mut self.collected, true) {
            return call.collect_garbage(self.slice);
        }
        if let Some(step) = call.call_finalizer() {
            return step;
        }
        match self.slice {
            Some(_) => {
                let finished = call.is_cycle_finished();
                call.finish(finished)
            }
            None => call.finish(0.0),
        }
    }
}
