//! The chain of handlers: chosen where it works, and never a byte of host stack however long it
//! gets.
#![cfg(test)]

use solvm_compiler::bytecode::{Opcode, Prototype, Source};
use solvm_compiler::{Options, compile};
use solvm_vm::native::Library;
use solvm_vm::{Call, Config, Coroutine, Error, Function, Turn, Value, Vm};
use std::collections::HashSet;
use std::num::NonZeroU32;
use std::task::{Context, Waker};

/// Every opcode in a loop.
const SOURCE: &str = include_str!("dispatch.lua");
/// The host stack of the thread that runs it. A chain that grew by a word per instruction would
/// need a hundred times as much.
const STACK: usize = 256 << 10;

static LIBRARY: Library = solvm_vm::library!("" {
    "coroutine_create" => create,
    "coroutine_resume" => special Resume,
    "coroutine_wrap" => wrap,
    "coroutine_yield" => special Yield,
    "next" => next,
    "ipairs_iterator" => ipairs_iterator,
    "pcall" => special ProtectedCall,
    "setmetatable" => set_metatable,
    "xpcall" => special ProtectedCallWithHandler,
});

fn create<'c>(call: &mut Call<'c>, function: Function<'c>) -> Result<Coroutine<'c>, Error> {
    call.coroutine(function)
}

fn wrap<'c>(call: &mut Call<'c>, function: Function<'c>) -> Result<Function<'c>, Error> {
    let coroutine = call.coroutine(function)?;
    Ok(call.wrap(coroutine))
}

fn next<'c>(
    call: &mut Call<'c>,
    table: solvm_vm::Table<'c>,
    key: Option<Value<'c>>,
) -> Result<(Value<'c>, Value<'c>), Error> {
    Ok(table.next(call, key.unwrap_or(Value::NIL))?.unwrap_or((Value::NIL, Value::NIL)))
}

fn ipairs_iterator<'c>(
    _: &mut Call<'c>,
    table: solvm_vm::Table<'c>,
    index: f64,
) -> (Value<'c>, Value<'c>) {
    let value = table.get(index as usize + 1);
    (if value.is_nil() { Value::NIL } else { Value::number(index + 1.0) }, value)
}

fn set_metatable<'c>(
    call: &mut Call<'c>,
    table: Value<'c>,
    metatable: solvm_vm::Table<'c>,
) -> Value<'c> {
    call.set_metatable(table, Some(metatable));
    table
}

/// The source, with a function that has more constants than 16 bits can count before it uses those
/// that it is about.
fn source() -> String {
    let constants: String = (0..66_000).map(|i| format!("x = {i}.5 ")).collect();
    format!(
        "{SOURCE}
        local function many_constants(object)
            local x
            if not object then {constants} end
            x = 'beyond'
            return x, object:method(), absent_global
        end
        return run(many_constants, ...)"
    )
}

fn opcodes_of(prototype: &Prototype, found: &mut HashSet<Opcode>) {
    let mut is_data = false;
    for instruction in &prototype.code {
        let opcode = instruction.opcode().filter(|_| !is_data);
        found.extend(opcode);
        is_data = opcode.is_some_and(Opcode::has_data_word);
    }
    prototype.prototypes.iter().for_each(|nested| opcodes_of(nested, found));
}

/// Runs the source on a thread with little stack and gives its result.
fn run(config: Config, rounds: u32) -> Result<f64, String> {
    let run = move || {
        let mut vm = Vm::new(config);
        let main = vm.enter(|call| {
            call.open(&LIBRARY).expect("opens");
            let globals = call.globals();
            let [next, index] = [b"next".as_slice(), b"ipairs_iterator"].map(|name| {
                let name = call.string(name).expect("a string");
                Function::from_value(globals.get(name)).expect("a function")
            });
            call.set_iterators(next, index);
            let function = call.load(source().as_bytes(), b"=dispatch").expect("compiles");
            call.spawn(function, &[Value::number(f64::from(rounds))]).expect("starts")
        });
        vm.watch(Some(main));
        while vm.turn(&mut Context::from_waker(Waker::noop())) == Turn::Ready {}
        vm.next_end(|_, _, end| match end {
            Ok(values) => {
                values.first().and_then(|value| value.as_number()).ok_or("no number".to_string())
            }
            Err((error, _)) => {
                let text = solvm_vm::LuaString::from_value(error).map(|text| text.bytes().to_vec());
                Err(String::from_utf8_lossy(&text.unwrap_or_default()).into_owned())
            }
        })
        .unwrap_or_else(|| Err("did not end".to_string()))
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run).expect("a thread");
    thread.join().expect("does not panic")
}

#[test]
fn every_opcode_is_run() {
    let prototype = compile(Source::new(source().into_bytes(), *b"=dispatch"), &Options::default())
        .expect("compiles");
    let mut found = HashSet::new();
    opcodes_of(&prototype, &mut found);
    let missing: Vec<_> = Opcode::ALL.iter().filter(|opcode| !found.contains(opcode)).collect();
    assert!(missing.is_empty(), "the source has no {missing:?}");
}

/// The workspace's profiles all optimise, so that the compiler makes sibling calls.
#[test]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
fn handlers_are_chained() {
    assert!(Vm::new(Config::default()).is_chained());
}

#[test]
fn chain_needs_no_stack() {
    assert_eq!(run(Config::default(), 20_000), Ok(20_000.0));
}

#[test]
fn loop_gives_the_same() {
    let config = Config { chained: false, ..Config::default() };
    assert!(!Vm::new(config.clone()).is_chained());
    assert_eq!(run(config, 20_000), Ok(20_000.0));
}

#[test]
fn every_safepoint_may_suspend() {
    let config = Config { slice: NonZeroU32::MIN, ..Config::default() };
    assert_eq!(run(config, 200), Ok(200.0));
}
