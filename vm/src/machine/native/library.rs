//! How a library declares its functions: one table, no registration code.
//!
//! ```
//! use solvm_vm::native::{Call, Library, Rest, Error};
//!
//! /// The library: its name, its functions, its constants.
//! pub static LIBRARY: Library = solvm_vm::library!("circle" {
//!     "area" => area,
//!     "sum" => sum,
//!     "pi" => constant std::f64::consts::PI,
//! });
//!
//! fn area(_: &mut Call, radius: f64) -> f64 {
//!     std::f64::consts::PI * radius * radius
//! }
//!
//! fn sum(call: &mut Call, numbers: Rest) -> Result<f64, Error> {
//!     let values: Vec<_> = numbers.values(call).collect();
//!     let mut sum = 0.0;
//!     for (i, value) in values.into_iter().enumerate() {
//!         sum += value.to_number().ok_or_else(|| Error::argument(i + 1, "number expected"))?;
//!     }
//!     Ok(sum)
//! }
//! ```

use super::Leave;
use super::call::Call;
use super::handle::{Table, Value};
use super::params::Param;
use super::results::Results;
use super::{Code, Outcome};
use crate::heap::gc::Heap;
use crate::layout::object::{self, NativeFunction};
use crate::layout::value::Value as Raw;
use crate::machine::interpreter::{Handler, special};
use crate::machine::native::error::Error;
use crate::machine::vm::Vm;
use std::ops::Deref;
use std::sync::OnceLock;

/// A native function: its name in messages and what runs when it is called.
pub struct Definition {
    /// The name that the library gives it.
    pub name: &'static str,
    /// What the interpreter does when it is called. None of ordinary natives: in static data each
    /// address costs the start of a process a relocation.
    pub(crate) handler: Option<Handler>,
    pub(crate) code: Code,
}

/// A function from the bits of a number to those of a number.
pub(crate) type BitsFunction = extern "C" fn(u64) -> u64;

/// Natives that the interpreter itself carries out.
#[derive(Clone, Copy, Debug)]
pub enum Special {
    /// `pcall`
    ProtectedCall,
    /// `xpcall`, arguments for the function allowed
    ProtectedCallWithHandler,
    /// `coroutine.resume`
    Resume,
    /// `coroutine.yield`
    Yield,
}

impl Definition {
    /// An ordinary native.
    pub const fn new<F, P>(name: &'static str, _function: F) -> Definition
    where
        F: for<'c> Native<'c, P> + Copy + Send + Sync + 'static,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "a native is a plain function, not a closure with captures"
            )
        };
        Definition { name, handler: None, code: enter::<F, P> }
    }

    /// A native from a number to a number, which has its own handler: a call costs little more than
    /// the function.
    pub const fn number<F>(name: &'static str, _function: F) -> Definition
    where
        F: Fn(f64) -> f64 + Copy + Send + Sync + 'static,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "a native is a plain function, not a closure with captures"
            )
        };
        let handler: Handler = special::call_number_function::<F>;
        Definition { name, handler: Some(handler), code: enter_number::<F> }
    }

    /// A native that raises its argument, for messages that get a position: other values the
    /// interpreter raises itself.
    pub const fn raise<F, P>(name: &'static str, function: F) -> Definition
    where
        F: for<'c> Native<'c, P> + Copy + Send + Sync + 'static,
    {
        Definition { handler: Some(special::raise), ..Definition::new(name, function) }
    }

    /// One that the interpreter carries out.
    pub const fn special(name: &'static str, what: Special) -> Definition {
        let handler: Handler = match what {
            Special::ProtectedCall => special::protected_call,
            Special::ProtectedCallWithHandler => special::protected_call_with_handler,
            Special::Resume => special::resume,
            Special::Yield => special::yield_values,
        };
        Definition { name, handler: Some(handler), code: no_code }
    }

    /// What `coroutine.wrap` returns; its one upvalue must be a thread (see [`Call::wrap`]).
    pub(crate) const fn resume_wrapped(name: &'static str) -> Definition {
        Definition { name, handler: Some(special::resume_wrapped), code: no_code }
    }

    /// A function object.
    ///
    /// # Safety
    /// Environment and upvalues are alive. The function is published before the next safepoint.
    pub(crate) unsafe fn instantiate(
        &'static self,
        heap: &mut Heap,
        environment: *mut object::Table,
        upvalues: &[Raw],
    ) -> *mut NativeFunction {
        let code = super::code::pack(self.handler.unwrap_or(special::call_native), self.code, self);
        // SAFETY: environment and upvalues are alive, and the function is published, as the caller
        // asserts.
        unsafe { heap.new_native_function(code, environment, upvalues) }
    }
}

/// The code of a special native, whose handler never runs it.
unsafe fn no_code(_: *mut Vm, _: *mut Raw, _: usize) -> i64 {
    0
}

/// A plain Rust function whose parameters and results convert. `P` is a mark that holds the
/// parameters' types.
pub trait Native<'c, P> {
    /// Converts the arguments, calls the function, leaves its results; returns an outcome.
    fn invoke(&self, call: &mut Call<'c>, leave: Leave) -> Outcome;
}

impl<'c, F, R> Native<'c, ()> for F
where
    F: Fn(&mut Call<'c>) -> R,
    R: Results<'c>,
{
    #[inline(always)]
    fn invoke(&self, call: &mut Call<'c>, leave: Leave) -> Outcome {
        self(call).finish(call, leave)
    }
}

/// As [`Native`], for closures that may change what they have captured.
pub trait NativeMut<'c, P> {
    /// Converts the arguments, calls the closure, leaves its results; returns an outcome.
    fn invoke_mut(&mut self, call: &mut Call<'c>, leave: Leave) -> Outcome;
}

impl<'c, F, R> NativeMut<'c, ()> for F
where
    F: FnMut(&mut Call<'c>) -> R,
    R: Results<'c>,
{
    fn invoke_mut(&mut self, call: &mut Call<'c>, leave: Leave) -> Outcome {
        self(call).finish(call, leave)
    }
}

// The first bound on `Function` lets the compiler infer the parameters' types, the second one is
// what is called.
macro_rules! natives {
    ($($param:ident)*) => {
        natives!(@ Native invoke Fn self (&self) $($param)*);
        natives!(@ NativeMut invoke_mut FnMut self (&mut self) $($param)*);
    };
    (@ $trait:ident $invoke:ident $kind:ident $this:ident ($($receiver:tt)*) $($param:ident)*) => {
        #[allow(non_snake_case, unused_mut, clippy::too_many_arguments)]
        impl<'c, Function, $($param,)* Done, Any> $trait<'c, fn($($param),*) -> Any> for Function
        where
            $($param: Param,)*
            Function: $kind(&mut Call<'static>, $($param),*) -> Any,
            Function: $kind(&mut Call<'c>, $($param::Item<'c>),*) -> Done,
            Done: Results<'c>,
        {
            #[inline(always)]
            fn $invoke($($receiver)*, call: &mut Call<'c>, leave: Leave) -> Outcome {
                #[inline(always)]
                fn apply<'c, Done: Results<'c>, $($param),*>(
                    mut function: impl $kind(&mut Call<'c>, $($param),*) -> Done,
                    call: &mut Call<'c>,
                    leave: Leave,
                    $($param: $param),*
                ) -> Outcome {
                    function(call, $($param),*).finish(call, leave)
                }
                let mut index = 0;
                $( let $param = match $param::take(call, &mut index) {
                    Ok(argument) => argument,
                    Err(error) => return error.finish_failed(call),
                }; )*
                apply($this, call, leave, $($param),*)
            }
        }
    };
}
natives!(A);
natives!(A B);
natives!(A B C);
natives!(A B C D);
natives!(A B C D E);
natives!(A B C D E F);
natives!(A B C D E F G);
natives!(A B C D E F G H);
natives!(A B C D E F G H I);
natives!(A B C D E F G H I J);
natives!(A B C D E F G H I J K);
natives!(A B C D E F G H I J K L);

/// The code of an ordinary native.
///
/// # Safety
/// As [`Code`].
unsafe fn enter<F: for<'c> Native<'c, P> + Copy, P>(
    vm: *mut Vm,
    arguments: *mut Raw,
    count: usize,
) -> i64 {
    // SAFETY: the code is that of a definition that was created with an `F`, which is zero-sized,
    // `Send` and `Sync` (see [`Definition::new`]). The invariant of `Call` is as the caller
    // asserts.
    unsafe { the_function::<F>().invoke(&mut Call::new(vm, arguments, count), Leave(())).0 }
}

/// The code of a native from a number to a number, for arguments that must be converted or refused,
/// and for calls that do not expect one result.
///
/// # Safety
/// As [`Code`].
unsafe fn enter_number<F: Fn(f64) -> f64 + Copy>(
    vm: *mut Vm,
    arguments: *mut Raw,
    count: usize,
) -> i64 {
    // SAFETY: the invariant of `Call` is as the caller asserts.
    let call = &mut unsafe { Call::new(vm, arguments, count) };
    match f64::take(call, &mut 0) {
        // SAFETY: the code is that of a definition that was created with an `F`, which is
        // zero-sized, `Send` and `Sync` (see [`Definition::number`]).
        Ok(x) => unsafe { the_function::<F>()(x) }.finish(call, Leave(())).0,
        Err(error) => error.finish_failed(call).0,
    }
}

/// The form of a native from a number to a number that machine code calls.
extern "C" fn call_with_bits<F: Fn(f64) -> f64 + Copy>(bits: u64) -> u64 {
    // SAFETY: it is part of a definition that was created with an `F`, which is zero-sized, `Send`
    // and `Sync` (see [`Definition::number`]).
    Raw::number(unsafe { the_function::<F>() }(f64::from_bits(bits))).0
}

/// The handler of a native from a number to a number, to recognise it, and that form of it.
/// Functions with the same address do the same.
pub(crate) fn number_function<F: Fn(f64) -> f64 + Copy>(_: F) -> (Handler, BitsFunction) {
    (special::call_number_function::<F>, call_with_bits::<F>)
}

/// The value of a type without size.
///
/// # Safety
/// There is such a value (a definition was created with it), which may be copied at any time and in
/// any thread. F is zero-sized.
#[inline(always)]
pub(crate) unsafe fn the_function<F: Copy>() -> F {
    // SAFETY: there is a value of the type, as the caller asserts, and all of them have the same
    // bytes: none.
    unsafe { std::mem::zeroed() }
}

/// A constant of a library.
#[derive(Clone, Copy, Debug)]
pub enum Constant {
    /// A number.
    Number(f64),
    /// A string.
    Text(&'static str),
}

impl From<f64> for Constant {
    fn from(x: f64) -> Self {
        Constant::Number(x)
    }
}

/// A library: a table of functions and constants.
pub struct Library {
    /// The global that holds the table; empty for the globals themselves.
    pub name: &'static str,
    /// Its functions.
    pub functions: Functions,
    /// Its constants.
    pub constants: &'static [(&'static str, Constant)],
    /// Other names for the same functions.
    pub aliases: &'static [(&'static str, &'static str)],
}

/// The functions of a library.
pub struct Functions(Storage);

enum Storage {
    Fixed(&'static [Definition]),
    /// They are made when they are first needed.
    Lazy(fn(&mut Vec<Definition>), OnceLock<Box<[Definition]>>),
}

impl Functions {
    /// Functions in static data.
    pub const fn fixed(functions: &'static [Definition]) -> Functions {
        Functions(Storage::Fixed(functions))
    }

    /// Functions that `make` appends when they are first needed, for libraries that few programs
    /// use: each address in static data costs the start of a process a relocation, and a part of
    /// the page that it is in.
    pub const fn lazy(make: fn(&mut Vec<Definition>)) -> Functions {
        Functions(Storage::Lazy(make, OnceLock::new()))
    }
}

impl Deref for Functions {
    type Target = [Definition];

    fn deref(&self) -> &[Definition] {
        match &self.0 {
            Storage::Fixed(functions) => functions,
            Storage::Lazy(make, made) => made.get_or_init(|| {
                let mut functions = Vec::new();
                make(&mut functions);
                functions.into_boxed_slice()
            }),
        }
    }
}

/// Declares a [`Library`]: `"name" => function`, `"name" => number function` (see
/// [`Definition::number`](crate::machine::native::Definition::number)), `"name" => raise function`
/// (see [`Definition::raise`](crate::machine::native::Definition::raise)),
/// `"name" => special Kind`, `"name" => constant number`, `"name" => text "string"`,
/// `"name" => same_as "other name"`. With `lazy` before the name, its functions are
/// [made when they are needed](Functions::lazy).
#[macro_export]
macro_rules! library {
    (@step fixed $name:literal $functions:tt $constants:tt $aliases:tt {}) => {
        $crate::native::Library {
            name: $name,
            functions: $crate::native::Functions::fixed(&$functions),
            constants: &$constants,
            aliases: &$aliases,
        }
    };
    (@step lazy $name:literal [$($function:expr,)*] $constants:tt $aliases:tt {}) => {
        $crate::native::Library {
            name: $name,
            functions: $crate::native::Functions::lazy(|_functions| {
                $(_functions.push($function);)*
            }),
            constants: &$constants,
            aliases: &$aliases,
        }
    };
    (@step $storage:ident $name:literal $functions:tt [$($constant:expr,)*] $aliases:tt {
        $key:literal => constant $value:expr, $($rest:tt)*
    }) => {
        $crate::library!(@step $storage $name $functions [
            $($constant,)*
            ($key, $crate::native::Constant::Number($value)),
        ] $aliases { $($rest)* })
    };
    (@step $storage:ident $name:literal $functions:tt [$($constant:expr,)*] $aliases:tt {
        $key:literal => text $value:expr, $($rest:tt)*
    }) => {
        $crate::library!(@step $storage $name $functions [
            $($constant,)*
            ($key, $crate::native::Constant::Text($value)),
        ] $aliases { $($rest)* })
    };
    (@step $storage:ident $name:literal $functions:tt $constants:tt [$($alias:expr,)*] {
        $key:literal => same_as $other:literal, $($rest:tt)*
    }) => {
        $crate::library!(@step $storage $name $functions $constants [
            $($alias,)*
            ($key, $other),
        ] { $($rest)* })
    };
    (@step $storage:ident $name:literal [$($function:expr,)*] $constants:tt $aliases:tt {
        $key:literal => special $kind:ident, $($rest:tt)*
    }) => {
        $crate::library!(@step $storage $name [
            $($function,)*
            $crate::native::Definition::special($key, $crate::native::Special::$kind),
        ] $constants $aliases { $($rest)* })
    };
    (@step $storage:ident $name:literal [$($function:expr,)*] $constants:tt $aliases:tt {
        $key:literal => number $value:expr, $($rest:tt)*
    }) => {
        $crate::library!(@step $storage $name [
            $($function,)*
            $crate::native::Definition::number($key, $value),
        ] $constants $aliases { $($rest)* })
    };
    (@step $storage:ident $name:literal [$($function:expr,)*] $constants:tt $aliases:tt {
        $key:literal => raise $value:expr, $($rest:tt)*
    }) => {
        $crate::library!(@step $storage $name [
            $($function,)*
            $crate::native::Definition::raise($key, $value),
        ] $constants $aliases { $($rest)* })
    };
    (@step $storage:ident $name:literal [$($function:expr,)*] $constants:tt $aliases:tt {
        $key:literal => $value:expr, $($rest:tt)*
    }) => {
        $crate::library!(@step $storage $name [
            $($function,)*
            $crate::native::Definition::new($key, $value),
        ] $constants $aliases { $($rest)* })
    };
    (lazy $name:literal { $($entries:tt)* }) => {
        $crate::library!(@step lazy $name [] [] [] { $($entries)* })
    };
    ($name:literal { $($entries:tt)* }) => {
        $crate::library!(@step fixed $name [] [] [] { $($entries)* })
    };
}

impl<'c> Call<'c> {
    /// A name in a library's table. There are few, so the memory limit is looked at by the table
    /// only.
    fn name(&mut self, name: &'static str) -> Value<'c> {
        Value::from_raw(self.vm().heap.string_value(name.as_bytes()))
    }

    /// Puts a library's functions and constants into `table`.
    pub fn fill(&mut self, table: Table<'c>, library: &'static Library) -> Result<(), Error> {
        for definition in library.functions.iter() {
            let function = self.function(definition, &[]);
            let name = self.name(definition.name);
            table.set(self, name, function.value())?;
        }
        for (name, constant) in library.constants {
            match *constant {
                Constant::Number(x) => table.set_field(self, name, x)?,
                Constant::Text(text) => table.set_field(self, name, text)?,
            }
        }
        for (alias, name) in library.aliases {
            let key = self.string(name.as_bytes())?;
            table.set_field(self, alias, table.get(key))?;
        }
        Ok(())
    }

    /// The libraries and modules by their names: the registry's `_LOADED`, which is
    /// `package.loaded`.
    pub fn loaded(&mut self) -> Result<Table<'c>, Error> {
        let key = self.string(b"_LOADED")?;
        let registry = self.registry();
        if let Some(loaded) = Table::from_value(registry.get(key)) {
            return Ok(loaded);
        }
        let loaded = self.table(0, 16)?;
        registry.set(self, key.value(), loaded.value())?;
        Ok(loaded)
    }

    /// Opens a library: its table becomes the global of its name, or is the globals if it has none.
    pub fn open(&mut self, library: &'static Library) -> Result<Table<'c>, Error> {
        let globals = self.globals();
        if library.name.is_empty() {
            self.fill(globals, library)?;
            return Ok(globals);
        }
        let key = self.string(library.name.as_bytes())?.value();
        let table = match Table::from_value(globals.get(key)) {
            Some(table) => table,
            None => {
                let table = self.table(0, library.functions.len() + library.constants.len())?;
                globals.set(self, key, table.value())?;
                table
            }
        };
        self.fill(table, library)?;
        Ok(table)
    }

    /// Whether a value is the function that a library has under that name.
    pub fn is_library_function(
        &self,
        value: Value<'c>,
        library: &'static Library,
        name: &str,
    ) -> bool {
        let Some(function) = value.0.to_native_function() else { return false };
        // SAFETY: the value is live.
        let definition = unsafe { (*function).definition() };
        definition.name == name
            && library.functions.iter().any(|known| std::ptr::eq(known, definition))
    }
}
