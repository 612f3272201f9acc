//! Functions of Lua for other VMs: code that the VMs of a process share, and upvalues.
//!
//! A VM takes a function apart, into its code and the variables that it captures; another one
//! makes a function of the same code, whose upvalues are new variables, or those of functions made
//! before.
//!
//! **Invariant**: a function gets its upvalues when it is made, and keeps them. Machine code knows
//! their addresses.

use super::call::Call;
use super::error::Error;
use super::handle::Function;
use super::inspect::find_upvalue;
use super::library::Definition;
use crate::account::Held;
use crate::layout::object::{LuaFunction, Upvalue};
use crate::layout::value::Value as Raw;
use crate::machine::load;
use solvm_compiler::bytecode::Prototype;
use std::sync::Arc;

/// The code of a function of Lua. Clones are the same code. Threads may share it: it has no values
/// of any VM.
#[derive(Clone)]
pub struct SharedCode {
    compiled: Arc<Prototype>,
    /// The memory of its source.
    source: Arc<Held>,
}

impl SharedCode {
    /// The identity of the code: the same for the same function of a chunk, as long as it is alive.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.compiled) as usize
    }

    /// The number of its instructions, without those of functions inside.
    pub fn size(&self) -> usize {
        self.compiled.code.len()
    }
}

/// A variable that functions capture: the same for all that share it, as long as one is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VariableId(usize);

/// An upvalue of a function that has been made before, counted from 1.
#[derive(Clone, Copy)]
pub struct UpvalueOf<'c> {
    /// The function.
    pub function: Function<'c>,
    /// The number of its upvalue.
    pub number: usize,
}

impl<'c> Call<'c> {
    /// The code of a function. None if it is native.
    pub fn shared_code(&mut self, function: Function<'c>) -> Option<SharedCode> {
        let lua = function.value().0.to_lua_function()?;
        // SAFETY: the function is live, and its prototype with it.
        let data = unsafe { &(*(*lua).prototype).cold };
        Some(SharedCode { compiled: data.compiled.clone(), source: data.source.clone() })
    }

    /// The definition of a native that has no values of this VM, so that another one makes the
    /// same.
    pub fn definition(&mut self, function: Function<'c>) -> Option<&'static Definition> {
        let native = function.value().0.to_native_function()?;
        // SAFETY: the function is live.
        unsafe { ((*native).upvalue_count == 0).then(|| (*native).definition()) }
    }

    /// The name that its library gives a native.
    pub fn name_of_native(&mut self, function: Function<'c>) -> Option<&'static str> {
        let native = function.value().0.to_native_function()?;
        // SAFETY: the function is live.
        Some(unsafe { (*native).definition().name })
    }

    /// The variables that a function captures, in the order of their numbers; none of a native.
    pub fn variables(&mut self, function: Function<'c>) -> Vec<VariableId> {
        let Some(lua) = function.value().0.to_lua_function() else { return Vec::new() };
        // SAFETY: the function is live.
        let count = usize::from(unsafe { (*lua).upvalue_count });
        // SAFETY: the function is live and has that many upvalues.
        (0..count).map(|index| VariableId(unsafe { *upvalues(lua).add(index) } as usize)).collect()
    }

    /// Makes a function of code that may come from another VM. Its environment is the running
    /// thread's globals. `upvalues` has, for each upvalue, whose variable it is; a new one, which
    /// is nil, where that is missing.
    pub fn function_of(
        &mut self,
        code: &SharedCode,
        upvalues: &[Option<UpvalueOf<'c>>],
    ) -> Result<Function<'c>, Error> {
        let vm = self.vm();
        let copies_code = vm.compiler.is_some();
        // SAFETY: the code is the compiler's, and nothing is collected before the native returns.
        let prototype =
            unsafe { load::instantiate(&mut vm.heap, &code.compiled, &code.source, copies_code) };
        let prototype = prototype.map_err(|_| Error::out_of_memory())?;
        // SAFETY: the prototype has just been made.
        Ok(unsafe { self.new_function(prototype, upvalues) })
    }

    /// # Safety
    /// The prototype is alive.
    unsafe fn new_function(
        &mut self,
        prototype: *mut crate::layout::object::Prototype,
        shared: &[Option<UpvalueOf<'c>>],
    ) -> Function<'c> {
        let environment = self.vm().current_globals();
        // SAFETY: prototype and environment are alive, and nothing is collected before the native
        // returns: the function is new, so that stores to it need no barrier.
        let function = unsafe {
            let function = load::new_function(&mut self.vm().heap, prototype, environment);
            let count = usize::from((*function).upvalue_count);
            for (index, shared) in shared.iter().enumerate().take(count) {
                if let Some(UpvalueOf { function: other, number }) = *shared
                    && let Some((_, upvalue)) = find_upvalue(other, number)
                {
                    *upvalues(function).add(index) = upvalue;
                }
            }
            function
        };
        Function::from_raw(Raw::from_lua_function(function))
    }
}

/// # Safety
/// The function is alive.
unsafe fn upvalues(function: *mut LuaFunction) -> *mut *mut Upvalue {
    // SAFETY: the function is alive, as the caller asserts.
    unsafe { (&raw mut (*function).upvalues).cast() }
}

#[cfg(test)]
mod tests {
    use super::super::handle::Value;
    use super::*;
    use crate::machine::vm::{Config, Vm};

    /// The values that a function returns.
    fn results(vm: &mut Vm, function: impl for<'c> FnOnce(&mut Call<'c>) -> Function<'c>) -> f64 {
        let goroutine = vm.enter(|call| {
            let function = function(call);
            call.spawn(function, &[]).expect("starts")
        });
        vm.watch(Some(goroutine));
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        while vm.turn(&mut context) == crate::Turn::Ready {}
        let end = vm.next_end(|_, _, end| end.ok().and_then(|values| values[0].as_number()));
        end.flatten().expect("returns a number")
    }

    /// Two functions that share a variable, in another VM.
    #[test]
    fn functions_of_another_vm_share_variables() {
        fn is_shared<T: Send + Sync>(_: &T) {}
        let source = b"local n = 40
            local function increase() n = n + 1 end
            return function() increase() increase() return n end, increase";
        let mut sender = Vm::new(Config::default());
        let (outer, inner) = sender.enter(|call| {
            let chunk = call.load(source, b"=chunk").expect("compiles");
            let code = call.shared_code(chunk).expect("is a function of Lua");
            is_shared(&code);
            let prototypes: Vec<SharedCode> = code
                .compiled
                .prototypes
                .iter()
                .map(|inner| SharedCode { compiled: inner.clone(), source: code.source.clone() })
                .collect();
            let [inner, outer] = <[SharedCode; 2]>::try_from(prototypes).ok().expect("are two");
            (outer, inner)
        });
        drop(sender);
        let names = |code: &SharedCode| {
            let upvalues = code.compiled.upvalues.iter();
            upvalues.map(|upvalue| upvalue.name.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(
            (names(&outer), names(&inner)),
            (vec![b"increase".to_vec(), b"n".to_vec()], vec![b"n".to_vec()],)
        );
        let mut receiver = Vm::new(Config::default());
        let count = results(&mut receiver, |call| {
            let increase = call.function_of(&inner, &[]).expect("is made");
            call.set_upvalue_of(increase, 1, Value::number(40.0));
            let shared = UpvalueOf { function: increase, number: 1 };
            let count = call.function_of(&outer, &[None, Some(shared)]).expect("is made");
            call.set_upvalue_of(count, 1, increase.value());
            assert_eq!(call.variables(count)[1], call.variables(increase)[0]);
            assert_ne!(call.variables(count)[0], call.variables(count)[1]);
            let value = call.upvalue_of(increase, 1).and_then(|(_, value)| value.as_number());
            assert_eq!(value, Some(40.0));
            assert!(call.upvalue_of(increase, 2).is_none());
            count
        });
        assert_eq!(count, 42.0);
    }
}
