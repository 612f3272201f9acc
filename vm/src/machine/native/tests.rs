use super::{Call, Definition, Error, Function, Start, Step, Steps, Value, Wanted};
use crate::machine::scheduler::Turn;
use crate::machine::vm::{Config, Vm};
use std::task::{Context, Waker};

/// Runs a chunk that gets a native as its argument; its first result.
fn run(native: &'static Definition, chunk: &[u8]) -> Option<f64> {
    let mut vm = Vm::new(Config::default());
    let main = vm.enter(|call| {
        let function = call.load(chunk, b"=chunk").expect("compiles");
        let native = call.function(native, &[]);
        call.spawn(function, &[native.value()]).expect("starts")
    });
    vm.watch(Some(main));
    while vm.turn(&mut Context::from_waker(Waker::noop())) == Turn::Ready {}
    vm.next_end(|_, _, result| result.ok().and_then(|values| values[0].as_number())).flatten()
}

/// Changes a local variable of its caller by way of a level that it found before its stack moved.
struct SetLocal(bool);

impl Steps for SetLocal {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if std::mem::replace(&mut self.0, true) {
            return call.finish(());
        }
        let function = call.argument(0).unwrap_or(Value::NIL);
        let level = call.level(1).expect("it was called");
        let name = call.level_name(level);
        let step = call.call(function, &vec![Value::NIL; 50_000], Wanted::One)?;
        assert_eq!(call.level_name(level), name);
        call.set_local(level, 1, Value::number(2.0)).expect("the caller has a local variable");
        Ok(step)
    }
}

static SET_LOCAL: Definition =
    Definition::new("set_local", |_: &mut Call, _: Function| Start::new(SetLocal(false)));

#[test]
fn a_level_is_found_where_the_stack_has_moved() {
    let chunk = b"
        local native = ...
        local function caller()
            local x = 1
            native(function() end)
            return x
        end
        return caller()";
    let local = run(&SET_LOCAL, chunk);
    assert_eq!(local, Some(2.0));
}
