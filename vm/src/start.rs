//! The start of a process without Rust's runtime.
//!
//! Before `main`, Rust's standard library looks up the limits of the main thread's stack, for a
//! message about its overflow: it reads the process's map of memory, which takes a tenth of the
//! time that an empty script takes. A command that needs no such message starts by
//! [`c_main!`](crate::c_main), and does what else the standard library would have done: it ignores
//! SIGPIPE, and opens the standard streams that are closed.

/// Defines the C function `main`, which the system calls. It calls the function given, which ends
/// the process (`fn() -> !`). The program has the attribute `no_main`.
#[macro_export]
macro_rules! c_main {
    ($function:path) => {
        const _: () = {
            // SAFETY: the program has no other function of that name, as the attribute `no_main`
            // says, and the system passes what C's `main` gets. Nothing of it is used.
            #[unsafe(no_mangle)]
            extern "C" fn main(
                _: ::std::ffi::c_int,
                _: *const *const ::std::ffi::c_char,
            ) -> ::std::ffi::c_int {
                $function()
            }
        };
    };
}
