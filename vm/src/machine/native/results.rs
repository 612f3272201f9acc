//! Results of typed natives.

use super::call::Call;
use super::error::Error;
use super::handle::{Coroutine, Function, LuaString, Table, Userdata, Value};
use super::values::Sequence;
use super::{FAILED, Outcome, RETRY};
use crate::layout::types::Type;
use crate::layout::value::Value as Raw;
use smallvec::SmallVec;

/// The right to leave results where the caller of a native expects them. Only this crate has one:
/// in a native that goes on, they would overwrite its frame.
#[derive(Clone, Copy)]
pub struct Leave(pub(super) ());

/// A Rust type that becomes one Lua value.
pub trait IntoLua<'c> {
    /// The value. Fails if the memory limit forbids it.
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error>;

    /// Leaves it as the result of a native.
    #[doc(hidden)]
    #[inline(always)]
    fn leave(self, call: &mut Call<'c>, _: Leave) -> Outcome
    where
        Self: Sized,
    {
        match self.into_lua(call) {
            Ok(value) => {
                call.set_result(0, value.0);
                Outcome(1)
            }
            Err(error) => error.finish_failed(call),
        }
    }

    /// A list of these: a table, except that a list of bytes is a string.
    #[doc(hidden)]
    fn list_into_lua(list: Vec<Self>, call: &mut Call<'c>) -> Result<Value<'c>, Error>
    where
        Self: Sized,
    {
        Sequence(list).into_lua(call)
    }

    /// Leaves a list of these as the result of a native; a list of [`Value`]s is that of its
    /// results.
    #[doc(hidden)]
    #[inline]
    fn leave_list(list: Vec<Self>, call: &mut Call<'c>, leave: Leave) -> Outcome
    where
        Self: Sized,
    {
        match Self::list_into_lua(list, call) {
            Ok(value) => value.leave(call, leave),
            Err(error) => error.finish_failed(call),
        }
    }
}

/// What a native may return: its results, or a state that continues. Only types of this crate
/// implement it.
///
/// ```compile_fail
/// struct Forged;
/// impl<'c> solvm_vm::native::Results<'c> for Forged {
///     fn finish(self, _: &mut solvm_vm::Call<'c>, _: solvm_vm::native::Leave) -> i64 {
///         1_000_000
///     }
/// }
/// ```
///
/// Results are left by the VM alone:
///
/// ```compile_fail
/// fn step(call: &mut solvm_vm::Call<'_>) {
///     let _ = solvm_vm::native::Results::finish(1.0, call, solvm_vm::native::Leave(()));
/// }
/// ```
pub trait Results<'c> {
    /// Leaves the results in place and returns an outcome (see `native`).
    fn finish(self, call: &mut Call<'c>, _: Leave) -> Outcome;
}

impl<'c, T: IntoLua<'c>> Results<'c> for T {
    #[inline(always)]
    fn finish(self, call: &mut Call<'c>, leave: Leave) -> Outcome {
        self.leave(call, leave)
    }
}

impl Error {
    /// The outcome of a failed native.
    #[cold]
    #[inline(never)]
    pub(crate) fn finish_failed(self, call: &mut Call<'_>) -> Outcome {
        // SAFETY: the VM is alive during the call.
        let vm = unsafe { &mut *call.vm };
        if self.is_out_of_memory() && vm.retried != call.arguments {
            vm.argument_count = call.argument_count();
            vm.retried = call.arguments;
            return Outcome(RETRY);
        }
        vm.raised = self;
        Outcome(FAILED)
    }
}

/// A native may fail with an [`Error`], or with any error of Rust ([`Error::from_rust`]).
impl<'c, R, E> Results<'c> for Result<R, E>
where
    R: Results<'c>,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    #[inline(always)]
    fn finish(self, call: &mut Call<'c>, leave: Leave) -> Outcome {
        match self {
            Ok(results) => results.finish(call, leave),
            Err(error) => Error::from_rust(error).finish_failed(call),
        }
    }
}

impl<'c> Results<'c> for () {
    #[inline(always)]
    fn finish(self, _: &mut Call<'c>, _: Leave) -> Outcome {
        Outcome(0)
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*) $count:literal;)*) => { $(
        impl<'c, $($name: IntoLua<'c>),*> Results<'c> for ($($name,)*) {
            #[inline(always)]
            fn finish(self, call: &mut Call<'c>, _: Leave) -> Outcome {
                // All are created before one is left: a native that is called again needs its
                // arguments.
                let values = ($( match self.$index.into_lua(call) {
                    Ok(value) => value,
                    Err(error) => return error.finish_failed(call),
                }, )*);
                $( call.set_result($index, values.$index.0); )*
                Outcome($count)
            }
        }
    )* };
}
tuples! {
    (A 0, B 1) 2;
    (A 0, B 1, C 2) 3;
    (A 0, B 1, C 2, D 3) 4;
    (A 0, B 1, C 2, D 3, E 4) 5;
    (A 0, B 1, C 2, D 3, E 4, F 5) 6;
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6) 7;
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7) 8;
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8) 9;
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9) 10;
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10) 11;
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11) 12;
}

/// Any number of results, or arguments of a call: a few of them need no allocation.
pub type Values<'c> = SmallVec<[Value<'c>; 4]>;

impl<'c> Results<'c> for Values<'c> {
    #[inline]
    fn finish(self, call: &mut Call<'c>, leave: Leave) -> Outcome {
        Each(self.iter().copied()).finish(call, leave)
    }
}

/// Results that are created one by one, as they are left.
pub struct Each<I>(pub I);

impl<'c, I: ExactSizeIterator<Item = Value<'c>>> Results<'c> for Each<I> {
    #[inline]
    fn finish(self, call: &mut Call<'c>, _: Leave) -> Outcome {
        match call.set_results(self.0) {
            Ok(outcome) => outcome,
            Err(error) => error.finish_failed(call),
        }
    }
}

/// Results that are the elements of a table: `count` from index `first` on.
pub struct Elements<'c> {
    /// The table.
    pub table: Table<'c>,
    /// The index of the first one.
    pub first: i64,
    /// How many there are.
    pub count: usize,
}

impl<'c> Results<'c> for Elements<'c> {
    fn finish(self, call: &mut Call<'c>, _: Leave) -> Outcome {
        match call.leave_elements(self) {
            Ok(outcome) => outcome,
            Err(error) => error.finish_failed(call),
        }
    }
}

impl<'c> IntoLua<'c> for Value<'c> {
    #[inline(always)]
    fn into_lua(self, _: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Ok(self)
    }

    fn leave_list(list: Vec<Self>, call: &mut Call<'c>, leave: Leave) -> Outcome {
        Each(list.into_iter()).finish(call, leave)
    }
}

impl<'c> IntoLua<'c> for u8 {
    #[inline(always)]
    fn into_lua(self, _: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Ok(Value::number(f64::from(self)))
    }

    fn list_into_lua(list: Vec<u8>, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Ok(call.string(&list)?.value())
    }
}

macro_rules! plain {
    ($($type:ty, |$x:ident| $value:expr;)*) => { $( impl<'c> IntoLua<'c> for $type {
        #[inline(always)]
        fn into_lua(self, _: &mut Call<'c>) -> Result<Value<'c>, Error> {
            let $x = self;
            Ok($value)
        }
    } )* };
}
plain! {
    f64, |x| Value::number(x);
    f32, |x| Value::number(f64::from(x));
    i8, |x| Value::number(f64::from(x));
    i16, |x| Value::number(f64::from(x));
    i32, |x| Value::number(f64::from(x));
    i64, |x| Value::number(x as f64);
    i128, |x| Value::number(x as f64);
    isize, |x| Value::number(x as f64);
    u16, |x| Value::number(f64::from(x));
    u32, |x| Value::number(f64::from(x));
    u64, |x| Value::number(x as f64);
    u128, |x| Value::number(x as f64);
    usize, |x| Value::number(x as f64);
    bool, |b| Value::boolean(b);
    Table<'c>, |object| object.value();
    LuaString<'c>, |object| object.value();
    Function<'c>, |object| object.value();
    Userdata<'c>, |object| object.value();
    Coroutine<'c>, |object| object.value();
}

impl<'c, T: IntoLua<'c>> IntoLua<'c> for Option<T> {
    /// None is nil.
    #[inline(always)]
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        match self {
            Some(value) => value.into_lua(call),
            None => Ok(Value::from_raw(Raw::NIL)),
        }
    }
}

impl<'c> IntoLua<'c> for Type {
    /// Its name.
    #[inline(always)]
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Ok(Value::from_raw(call.vm_ref().type_names[self as usize]))
    }
}

impl<'c> IntoLua<'c> for &str {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Ok(call.string(self.as_bytes())?.value())
    }
}

impl<'c> IntoLua<'c> for &[u8] {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Ok(call.string(self)?.value())
    }
}

impl<'c> IntoLua<'c> for String {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Ok(call.string(self.as_bytes())?.value())
    }
}

/// The native's own arguments from `first` on are its results.
pub struct Pass {
    /// How many arguments are omitted.
    pub first: usize,
}

impl<'c> Results<'c> for Pass {
    fn finish(self, call: &mut Call<'c>, _: Leave) -> Outcome {
        let first = self.first.min(call.argument_count());
        let count = call.argument_count() - first;
        // SAFETY: the arguments are `count` live slots from `first` on; results start two slots
        // below the arguments.
        unsafe { std::ptr::copy(call.arguments.add(first), call.arguments.sub(2), count) };
        super::outcome(call.vm(), count)
    }
}

/// Results of one of two kinds.
pub enum Either<A, B> {
    /// The first kind.
    Now(A),
    /// The second kind: mostly a state that continues.
    Later(B),
}

impl<'c, A: Results<'c>, B: Results<'c>> Results<'c> for Either<A, B> {
    #[inline(always)]
    fn finish(self, call: &mut Call<'c>, leave: Leave) -> Outcome {
        match self {
            Either::Now(results) => results.finish(call, leave),
            Either::Later(results) => results.finish(call, leave),
        }
    }
}
