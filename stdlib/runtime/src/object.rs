//! Objects of libraries: userdata whose methods can be called as `object.method(x)` and as
//! `object:method(x)`.
//!
//! Each object has its own metatable, whose `__index` contains the fields and the methods, bound to
//! the object. A lookup is therefore a table access; the cost is paid once, when the object is
//! created.

use solvm_vm::native::{Library, Param};
use solvm_vm::{Call, Data, Error, Userdata, Value};
use std::ops::Deref;

/// Creates an object. Its methods receive `data` as [`This`], and the `bound` values as upvalues
/// from 1.
pub fn new<'c>(
    call: &mut Call<'c>,
    data: impl Data,
    methods: &'static Library,
    fields: &[(&str, Value<'c>)],
    bound: &[Value<'c>],
) -> Result<Userdata<'c>, Error> {
    let members = call.table(0, methods.functions.len() + fields.len())?;
    let metatable = call.table(0, 2)?;
    let object = call.userdata(data, Some(metatable));
    let upvalues: Vec<Value<'c>> =
        [object.value()].into_iter().chain(bound.iter().copied()).collect();
    for definition in methods.functions.iter() {
        let method = call.function(definition, &upvalues);
        let owner = if definition.name.starts_with("__") { metatable } else { members };
        owner.set_field(call, definition.name, method)?;
    }
    for &(name, value) in fields {
        members.set_field(call, name, value)?;
    }
    metatable.set_field(call, "__index", members)?;
    Ok(object)
}

/// The object whose method is called. It consumes an argument only in calls with a colon.
pub struct This<'c, T> {
    /// The object itself.
    pub object: Userdata<'c>,
    data: &'c T,
}

impl<T: Data> Param for This<'_, T> {
    type Item<'c> = This<'c, T>;

    fn take<'c>(call: &mut Call<'c>, index: &mut usize) -> Result<This<'c, T>, Error> {
        let object = call.upvalue(0).unwrap_or(Value::NIL);
        if call.argument(*index).is_some_and(|argument| argument.raw_equal(object)) {
            *index += 1;
        }
        let found = Userdata::from_value(object)
            .and_then(|object| Some(This { object, data: object.get::<T>()? }));
        found.ok_or_else(|| Error::text("object no longer exists"))
    }
}

impl<'c, T> This<'c, T> {
    /// Returns the index of the first argument after the object.
    pub fn first(&self, call: &Call<'c>) -> usize {
        let object = self.object.value();
        usize::from(call.argument(0).is_some_and(|argument| argument.raw_equal(object)))
    }
}

impl<T> Deref for This<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.data
    }
}
