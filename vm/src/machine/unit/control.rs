//! What a program may do about its machine code: see how much there is, turn it off and on, and
//! free it.
//!
//! A native can be called by a unit. That unit leaves when the native returns, and nothing of it is
//! freed before.

use super::detach;
use crate::layout::object::Prototype;
use crate::layout::unit::Entry;
use crate::machine::native::Call;
use crate::machine::vm::Vm;

/// The machine code of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NativeCode {
    /// Whether it is made and run.
    pub is_on: bool,
    /// The number of loops and functions that have some; of versions for different values, each.
    pub units: usize,
    /// Its size in bytes.
    pub size: usize,
}

impl Call<'_> {
    /// The program's machine code. None if there is no compiler.
    pub fn native_code(&mut self) -> Option<NativeCode> {
        let vm = self.vm();
        let mut result = NativeCode { is_on: vm.can_run_units, ..NativeCode::default() };
        vm.compiler.as_ref()?;
        let mut count = 0;
        for prototype in vm.heap.prototypes() {
            count += 1;
            // SAFETY: registered prototypes are not swept.
            for unit in unsafe { (*prototype).cold.units() } {
                result.units += 1;
                result.size += unit.size;
            }
        }
        self.charge(count);
        Some(result)
    }

    /// Whether machine code is made and run from now on. Returns whether it is: there may be no
    /// compiler, or the operating system has refused memory.
    pub fn set_native_code(&mut self, is_on: bool) -> bool {
        let vm = self.vm();
        vm.units_wanted = is_on;
        let can_run = vm.compiler.as_ref().is_some_and(|compiler| compiler.can_run());
        vm.can_run_units = is_on && can_run;
        vm.leaves_unit = true;
        vm.can_run_units
    }

    /// Frees all machine code. What runs often is compiled again.
    pub fn flush_native_code(&mut self) {
        let vm = self.vm();
        if vm.is_called_by_unit {
            vm.flush_due = true;
            vm.leaves_unit = true;
            return;
        }
        // SAFETY: the native was called by the interpreter, so no unit is running.
        let count = unsafe { flush(vm) };
        self.charge(count);
    }
}

/// Frees all units. Returns the number of functions that were looked at.
///
/// # Safety
/// No instruction or unit is running.
pub(super) unsafe fn flush(vm: &mut Vm) -> usize {
    vm.flush_due = false;
    let all: Vec<*mut Prototype> = vm.heap.prototypes().collect();
    for &prototype in &all {
        // SAFETY: registered prototypes are not swept, and no other reference to the data exists.
        unsafe {
            while !(*prototype).cold.start_units.units.is_empty() {
                detach(prototype, Entry::Start, 0);
            }
            (*prototype).cold.start_count.set(0);
            let Some(code) = &(*prototype).cold.own_code else { continue };
            code.reset_counts();
            let entered: Vec<(usize, usize)> = code.unit_counts().collect();
            for (at, count) in entered {
                for _ in 0..count {
                    detach(prototype, Entry::BackEdge(at), 0);
                }
            }
        }
    }
    all.len()
}
