//! `newtry` and `protect`: LuaSocket's exceptions, which are tables of a hidden class.

use solvm_runtime::registry::registry_table;
use solvm_vm::native::{Definition, Pass, Rest, Special, Start, Step, Steps, Wanted};
use solvm_vm::{Call, Error, Function, Table, Value};

/// The registry key of the exceptions' metatable.
const EXCEPTION: &str = "luasocket exception";

static TRY: Definition = Definition::new("try", try_values);
static PROTECTED: Definition = Definition::new("protected", protected);
static PROTECTED_CALL: Definition = Definition::special("pcall", Special::ProtectedCall);

/// `newtry([finalizer])`: returns a function that raises an exception if its first argument is
/// false, after it has called the finalizer; and else returns its arguments.
pub(super) fn new_try<'c>(
    call: &mut Call<'c>,
    finalizer: Option<Value<'c>>,
) -> Result<Function<'c>, Error> {
    let finalizer = finalizer.unwrap_or(Value::NIL);
    Ok(call.function(&TRY, &[finalizer]))
}

fn try_values(_: &mut Call, _arguments: Rest) -> Start<Try> {
    Start::new(Try { finalized: false })
}

/// The function of `newtry`.
struct Try {
    finalized: bool,
}

impl Steps for Try {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if call.argument(0).is_some_and(Value::is_truthy) {
            return call.finish(Pass { first: 0 });
        }
        let finalizer = call.upvalue(0).unwrap_or(Value::NIL);
        if !finalizer.is_nil() && !std::mem::replace(&mut self.finalized, true) {
            return call.call(finalizer, &[], Wanted::One);
        }
        let metatable = registry_table(call, EXCEPTION)?;
        metatable.set_field(call, "__metatable", false)?;
        let exception = call.table(1, 0)?;
        let reason = call.argument(1).unwrap_or(Value::NIL);
        exception.set_index(call, 1, reason)?;
        call.set_metatable(exception.value(), Some(metatable));
        Err(call.raise(exception.value()))
    }
}

/// `protect(f)`: returns a function that calls `f`, but returns nil and the reason of an exception.
pub(super) fn protect<'c>(
    call: &mut Call<'c>,
    function: Option<Value<'c>>,
) -> Result<Function<'c>, Error> {
    let function = function.unwrap_or(Value::NIL);
    Ok(call.function(&PROTECTED, &[function]))
}

fn protected(_: &mut Call, _arguments: Rest) -> Start<Protected> {
    Start::new(Protected { called: false })
}

/// The function of `protect`.
struct Protected {
    called: bool,
}

impl Steps for Protected {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if !std::mem::replace(&mut self.called, true) {
            let function = call.upvalue(0).unwrap_or(Value::NIL);
            let arguments: Vec<Value<'c>> =
                std::iter::once(function).chain(Rest { first: 0 }.values(call)).collect();
            call.charge(arguments.len());
            let protected_call = call.function(&PROTECTED_CALL, &[]);
            return call.call(protected_call.value(), &arguments, Wanted::All);
        }
        if call.returned(0).is_truthy() {
            let count = call.returned_count();
            call.charge(count);
            let results: Vec<Value<'c>> = (1..count).map(|index| call.returned(index)).collect();
            return call.finish(results);
        }
        let error = call.returned(1);
        let metatable = registry_table(call, EXCEPTION)?;
        match Table::from_value(error) {
            Some(table)
                if table
                    .metatable()
                    .is_some_and(|own| own.value().raw_equal(metatable.value())) =>
            {
                call.finish(vec![Value::NIL, table.get(1)])
            }
            _ => Err(call.raise(error)),
        }
    }
}
