use crate::machine::native::{
    Call, Definition, Error, Function, Start, Step, Steps, Value as Handle, Wanted,
};
use crate::machine::scheduler::Turn;
use crate::machine::vm::{Config, Vm};
use std::cell::Cell;
use std::num::NonZeroU32;
use std::task::{Context, Waker};

thread_local!(static DROPPED: Cell<usize> = const { Cell::new(0) });

/// Calls its argument again and again.
struct Repeat;

impl Steps for Repeat {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let function = call.argument(0).unwrap_or(Handle::NIL);
        call.call(function, &[], Wanted::All)
    }
}

impl Drop for Repeat {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
    }
}

static REPEAT: Definition =
    Definition::new("repeat", |_: &mut Call, _: Function| Start::new(Repeat));

/// A goroutine whose budget runs out where a native calls a function is at the native's
/// continuation.
#[test]
fn a_goroutine_preempted_in_a_call_by_a_native_can_be_ended() {
    let turn = |vm: &mut Vm| vm.turn(&mut Context::from_waker(Waker::noop()));
    let mut vm = Vm::new(Config { slice: NonZeroU32::MIN, ..Config::default() });
    let id = vm.enter(|call| {
        let empty = call.load(b"", b"=empty").expect("compiles");
        let repeat = call.function(&REPEAT, &[]);
        call.spawn(repeat, &[empty.value()]).expect("starts")
    });
    assert_eq!(turn(&mut vm), Turn::Ready);
    assert!(vm.enter(|call| call.end_goroutine(id)));
    assert_eq!(turn(&mut vm), Turn::Done);
    assert_eq!(DROPPED.get(), 1, "the native's state is dropped when its goroutine ends");
}
