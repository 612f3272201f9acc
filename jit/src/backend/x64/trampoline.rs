//! The entry to machine code.
//!
//! The trampoline saves the registers that its caller expects to be preserved, makes the one frame
//! that all units use, and calls the code. A unit returns to it or jumps to another unit, so the
//! stack does not grow from unit to unit.

#![allow(unsafe_code, reason = "the trampoline is written in assembly")]

/// The size of the frame in bytes.
pub(super) const FRAME: usize = 4096;

/// Runs the code at an address, with BASE in rbx and CONTEXT in rbp.
///
/// # Safety
/// `code` is the start of an installed unit, and `base` and `context` are what it requires.
#[cfg(all(target_arch = "x86_64", unix))]
#[unsafe(naked)]
pub(crate) unsafe extern "sysv64" fn enter(base: *mut u64, context: *mut u8, code: usize) -> u64 {
    // Six pushes and the return address: with the frame and one more return address, the stack is
    // aligned to 16 bytes inside units.
    core::arch::naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, {frame}",
        "mov rbx, rdi",
        "mov rbp, rsi",
        "call rdx",
        "add rsp, {frame}",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
        frame = const FRAME,
    )
}
