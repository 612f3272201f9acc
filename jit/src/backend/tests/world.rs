//! The memory in which test functions run, and the functions that they call.

use super::super::interpret::{self, Memory, Outcome};
use super::super::linear::Function;
use super::super::{Arena, Machine, Unit};

/// Words of the slots, of which functions use the first half of what they address.
pub(super) const SLOTS: usize = 64;
/// Words of the context: the budget, a pointer to the data, code for tails, then free words.
pub(super) const CONTEXT: usize = 16;
pub(super) const DATA: usize = 64;
pub(super) const COUNTERS: usize = 512;
const WORDS: usize = SLOTS + CONTEXT + DATA + COUNTERS;

/// The offsets of the first words of the context.
pub(super) const BUDGET: i32 = 0;
pub(super) const DATA_POINTER: i32 = 8;
pub(super) const TAIL_CODE: i32 = 16;
/// The first offset that functions may write.
pub(super) const FREE: i32 = 24;

/// Memory at a fixed address.
pub(super) struct World {
    words: Box<[u64; WORDS]>,
}

impl World {
    pub(super) fn new() -> World {
        let mut world = World { words: Box::new([0; WORDS]) };
        world.words[SLOTS + DATA_POINTER as usize / 8] = world.data();
        world
    }

    pub(super) fn words(&mut self) -> &mut [u64] {
        &mut self.words[..]
    }

    /// The slots, the free words of the context, and the data.
    pub(super) fn fill(&mut self, mut next: impl FnMut() -> u64) {
        let pinned = SLOTS..SLOTS + FREE as usize / 8;
        for (index, word) in self.words[..SLOTS + CONTEXT + DATA].iter_mut().enumerate() {
            if !pinned.contains(&index) {
                *word = next();
            }
        }
    }

    pub(super) fn clear_counters(&mut self) {
        self.words[SLOTS + CONTEXT + DATA..].fill(0);
    }

    pub(super) fn set_context(&mut self, offset: i32, value: u64) {
        self.words[SLOTS + offset as usize / 8] = value;
    }

    fn address(&self) -> u64 {
        self.words.as_ptr() as u64
    }

    pub(super) fn base(&self) -> u64 {
        self.address()
    }

    pub(super) fn context(&self) -> u64 {
        self.address() + 8 * SLOTS as u64
    }

    pub(super) fn data(&self) -> u64 {
        self.context() + 8 * CONTEXT as u64
    }

    pub(super) fn counters(&self) -> u64 {
        self.data() + 8 * DATA as u64
    }

    /// Interprets a function, and the one in which it continues, on a copy of the memory.
    pub(super) fn interpret(
        &self,
        function: &Function,
        tail: Option<&Function>,
    ) -> (u64, Vec<u64>) {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut memory = Memory { address: self.address(), bytes: &mut bytes };
        let (base, context) = (self.base(), self.context());
        let mut outcome = interpret::run(function, &mut memory, base, context, &callee);
        if let Outcome::Tail { base, code } = outcome {
            assert_eq!(code, self.words[SLOTS + TAIL_CODE as usize / 8]);
            let tail = tail.expect("a function that continues in another has one");
            outcome = interpret::run(tail, &mut memory, base, context, &callee);
        }
        let Outcome::Returned(result) = outcome else { panic!("more than one tail") };
        let words = bytes
            .chunks_exact(8)
            .map(|word| u64::from_le_bytes(word.try_into().expect("a chunk has eight bytes")));
        (result, words.collect())
    }

    /// Runs a unit.
    #[allow(unsafe_code, reason = "units are run")]
    pub(super) fn run(&mut self, unit: &Unit) -> u64 {
        let base = self.words.as_mut_ptr();
        // SAFETY: test functions access the world only, and the arena is alive.
        unsafe { unit.run(base, base.wrapping_add(SLOTS).cast()) }
    }

    /// Installs code, runs it and frees it.
    pub(super) fn run_once(&mut self, arena: &mut Arena, machine: &Machine) -> u64 {
        let unit = arena.install(machine).expect("there is memory");
        let result = self.run(&unit);
        arena.free(unit);
        result
    }
}

/// Destroys all registers that a function may, and returns a mix of its arguments and of the
/// alignment of the stack.
#[allow(unsafe_code, reason = "it is written in assembly")]
#[cfg(all(target_arch = "x86_64", unix))]
#[unsafe(naked)]
pub(super) extern "C" fn scramble(a: u64, b: u64, c: u64, d: u64) -> u64 {
    core::arch::naked_asm!(
        "lea rax, [rdi + 2 * rsi]",
        "lea rax, [rax + 4 * rdx]",
        "xor rax, rcx",
        "mov rcx, rsp",
        "and rcx, 15",
        "add rax, rcx",
        "mov rcx, -1",
        "mov rdx, rcx",
        "mov rsi, rcx",
        "mov rdi, rcx",
        "mov r8, rcx",
        "mov r9, rcx",
        "mov r10, rcx",
        "mov r11, rcx",
        "vmovq xmm0, rcx",
        "vmovaps xmm1, xmm0",
        "vmovaps xmm2, xmm0",
        "vmovaps xmm3, xmm0",
        "vmovaps xmm4, xmm0",
        "vmovaps xmm5, xmm0",
        "vmovaps xmm6, xmm0",
        "vmovaps xmm7, xmm0",
        "vmovaps xmm8, xmm0",
        "vmovaps xmm9, xmm0",
        "vmovaps xmm10, xmm0",
        "vmovaps xmm11, xmm0",
        "vmovaps xmm12, xmm0",
        "vmovaps xmm13, xmm0",
        "vmovaps xmm14, xmm0",
        "vmovaps xmm15, xmm0",
        "ret",
    )
}

/// Units do not run here.
#[cfg(not(all(target_arch = "x86_64", unix)))]
pub(super) extern "C" fn scramble(_: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

/// Exchanges a word of memory.
#[allow(unsafe_code, reason = "it accesses memory")]
pub(super) extern "C" fn exchange(pointer: *mut u64, value: u64) -> u64 {
    // SAFETY: test functions pass pointers to words of the world.
    unsafe { pointer.replace(value) }
}

/// A function without arguments.
pub(super) extern "C" fn constant() -> u64 {
    0x1234_5678_9abc_def0
}

/// What the interpreter does for a call.
fn callee(memory: &mut Memory<'_>, function: u64, arguments: &[u64]) -> u64 {
    match *arguments {
        [a, b, c, d] => {
            assert_eq!(function, scramble as *const () as u64);
            let sum = a.wrapping_add(b.wrapping_mul(2)).wrapping_add(c.wrapping_mul(4));
            // The return address is the only word below a multiple of 16.
            (sum ^ d).wrapping_add(8)
        }
        [pointer, value] => {
            assert_eq!(function, exchange as *const () as u64);
            let old = memory.load(pointer, 8);
            memory.store(pointer, 8, value);
            old
        }
        _ => constant(),
    }
}
