//! What [`Runtime::call`](crate::Runtime::call) can call.

use crate::handles::Function;
use solvm_vm::Call;

/// A callable: a [`Function`], or the name of a global function.
pub trait Callable {
    /// The function; an error if there is none.
    fn find<'c>(&self, call: &mut Call<'c>) -> Result<solvm_vm::Function<'c>, solvm_vm::Error>;
}

impl Callable for &Function {
    fn find<'c>(&self, call: &mut Call<'c>) -> Result<solvm_vm::Function<'c>, solvm_vm::Error> {
        self.get_in(call)
    }
}

impl Callable for &str {
    fn find<'c>(&self, call: &mut Call<'c>) -> Result<solvm_vm::Function<'c>, solvm_vm::Error> {
        let key = call.string(self.as_bytes())?;
        let value = call.globals().get(key);
        solvm_vm::Function::from_value(value).ok_or_else(|| {
            solvm_vm::Error::text(format!(
                "attempt to call global '{self}' (a {} value)",
                value.type_name()
            ))
        })
    }
}
