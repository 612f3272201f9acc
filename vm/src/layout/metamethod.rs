//! The events of metatables (Lua 5.1 manual, section 2.8), declared once.

macro_rules! metamethods {
    ($($name:ident $key:literal)*) => {
        /// An event of a metatable. The first eight have an absence bit in
        /// [`crate::layout::object::Table`].
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metamethod { $(#[doc = concat!("`", $key, "`")] $name),* }

        impl Metamethod {
            /// How many there are.
            pub const COUNT: usize = Metamethod::KEYS.len();
            /// The keys in a metatable, in the order of the events.
            pub const KEYS: &'static [&'static str] = &[$($key),*];
        }
    };
}

metamethods! {
    Index "__index"
    NewIndex "__newindex"
    Equal "__eq"
    Length "__len"
    Call "__call"
    Mode "__mode"
    Finalize "__gc"
    Concatenate "__concat"
    Add "__add"
    Subtract "__sub"
    Multiply "__mul"
    Divide "__div"
    Modulo "__mod"
    Power "__pow"
    Negate "__unm"
    Less "__lt"
    LessEqual "__le"
    ToString "__tostring"
    Metatable "__metatable"
    Name "__name"
}
