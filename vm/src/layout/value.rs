//! A Lua value in 64 bits: NaN boxing.
//!
//! A number is its IEEE 754 bits. Every other value is one of the NaNs from `0xFFF9_0000_0000_0000`
//! up, which no arithmetic produces: the upper 16 bits are a tag, the lower 48 a pointer. Nil,
//! false and true are the three largest words, so "is falsy" is one comparison. Since every tagged
//! word is a NaN, arithmetic may compute first and check its operands only if the result is a NaN.
//!
//! Invariant: a number's NaN is always one below the tags ([`Value::number`] makes sure), so
//! `is_number` is one comparison.

use crate::layout::object::{LuaFunction, NativeFunction, Str, Table, Thread};

/// A Lua value. Copying it copies a reference; only the collector determines what is alive.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Value(pub(crate) u64);

/// The tag of a table pointer.
pub(crate) const TABLE: u64 = 0xFFFE;
/// The tag of a string pointer, short or long.
pub(crate) const STRING: u64 = 0xFFFD;
/// The tag of a Lua closure pointer.
pub(crate) const LUA_FUNCTION: u64 = 0xFFFC;
/// The tag of a native function pointer.
pub(crate) const NATIVE_FUNCTION: u64 = 0xFFFB;
/// The tag of a thread (coroutine) pointer.
pub(crate) const THREAD: u64 = 0xFFFA;
/// The tag of a userdata pointer.
pub(crate) const USERDATA: u64 = 0xFFF9;

const FIRST_TAGGED: u64 = USERDATA << 48;
const FIRST_PRIMITIVE: u64 = 0xFFFF << 48;

impl Value {
    /// `nil`.
    pub const NIL: Value = Value(u64::MAX);
    /// `false`.
    pub const FALSE: Value = Value(u64::MAX - 1);
    /// `true`.
    pub const TRUE: Value = Value(u64::MAX - 2);

    /// A number. Of a NaN only the sign is kept.
    #[inline(always)]
    pub fn number(x: f64) -> Value {
        if x.is_nan() { Value(0x7FF8 << 48 | x.to_bits() & 1 << 63) } else { Value(x.to_bits()) }
    }

    /// The result of arithmetic on numbers, whose NaN is known to be canonical.
    #[inline(always)]
    pub(crate) fn arithmetic(x: f64) -> Value {
        debug_assert!(x.to_bits() < FIRST_TAGGED);
        Value(x.to_bits())
    }

    /// A boolean.
    #[inline(always)]
    pub fn boolean(b: bool) -> Value {
        if b { Value::TRUE } else { Value::FALSE }
    }

    /// Whether it is a number.
    #[inline(always)]
    pub fn is_number(self) -> bool {
        self.0 < FIRST_TAGGED
    }

    /// Its bits read as a number; a NaN if it is anything else.
    #[inline(always)]
    pub(crate) fn as_f64(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// Whether it is neither nil nor false.
    #[inline(always)]
    pub fn is_truthy(self) -> bool {
        self.0 < Value::FALSE.0
    }

    /// Whether it is nil.
    #[inline(always)]
    pub fn is_nil(self) -> bool {
        self.0 == Value::NIL.0
    }

    /// Whether it refers to an object of the heap.
    #[inline(always)]
    pub(crate) fn is_object(self) -> bool {
        self.0.wrapping_sub(FIRST_TAGGED) < FIRST_PRIMITIVE - FIRST_TAGGED
    }

    /// The 16 tag bits.
    #[inline(always)]
    pub(crate) fn tag(self) -> u64 {
        self.0 >> 48
    }

    /// The pointer bits.
    #[inline(always)]
    pub(crate) fn address(self) -> *mut u8 {
        (self.0 & ((1 << 48) - 1)) as *mut u8
    }

    /// The pointer if the tag is `tag`; otherwise a word whose upper 16 bits are not zero (see
    /// [`is_pointer`]).
    #[inline(always)]
    pub(crate) fn untag(self, tag: u64) -> u64 {
        self.0 ^ (tag << 48)
    }

    #[inline(always)]
    pub(crate) fn from_pointer<T>(tag: u64, pointer: *const T) -> Value {
        debug_assert!(!pointer.is_null() && is_pointer(pointer as u64));
        Value(tag << 48 | pointer as u64)
    }
}

/// Whether [`Value::untag`] found the requested tag.
#[inline(always)]
pub(crate) fn is_pointer(untagged: u64) -> bool {
    untagged >> 48 == 0
}

/// Defines how values of a kind of object become pointers to it, and back.
macro_rules! pointers {
    ($($tag:ident $kind:ident $from:ident $to:ident $is:ident;)*) => {
        impl $crate::layout::value::Value { $(
            #[inline(always)]
            #[allow(dead_code)]
            pub(crate) fn $from(pointer: *const $kind) -> Self { Self::from_pointer($tag, pointer) }
            /// The pointer, if the value is of this kind.
            #[inline(always)]
            #[allow(dead_code)]
            pub(crate) fn $to(self) -> Option<*mut $kind> {
                let pointer = self.untag($tag);
                if $crate::layout::value::is_pointer(pointer) {
                    Some(pointer as *mut $kind)
                } else {
                    None
                }
            }
            #[inline(always)]
            #[allow(dead_code)]
            pub(crate) fn $is(self) -> bool { self.tag() == $tag }
        )* }
    };
}
pub(crate) use pointers;

pointers! {
    TABLE Table from_table to_table is_table;
    STRING Str from_string to_string is_string;
    LUA_FUNCTION LuaFunction from_lua_function to_lua_function is_lua_function;
    NATIVE_FUNCTION NativeFunction from_native_function to_native_function is_native_function;
    THREAD Thread from_thread to_thread is_thread;
}
