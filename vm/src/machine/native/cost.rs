//! What a call of a native costs: work, which the budget pays for, and memory, which the account
//! knows.

use super::BYTES_PER_UNIT;
use super::call::Call;
use super::error::Error;
use super::handle::{LuaString, Userdata, Value};
use crate::account::{Account, Held};
use crate::heap::gc;

/// Bytes that a native reads sequentially in the time of a unit of the budget.
const BYTES_READ_PER_UNIT: usize = 16;
/// The cost of a system call: some microseconds.
const SYSTEM_CALL: usize = 1000;

/// A change of how the collector works.
#[derive(Clone, Copy, Debug)]
pub enum Collector {
    /// Disables automatic slices.
    Stop,
    /// Enables automatic slices again.
    Restart,
    /// How long it rests between cycles, in percent of the memory in use; returns the previous
    /// value.
    Pause(usize),
    /// How fast it works relative to allocation, in percent; returns the previous value.
    StepMultiplier(usize),
}

impl<'c> Call<'c> {
    /// Fails if `bytes` more would exceed the memory limit: see [`Error::out_of_memory`].
    #[inline]
    pub fn check_memory(&mut self, bytes: usize) -> Result<(), Error> {
        /// The heap checks the limit whenever it takes more room than this for small objects.
        const FEW: usize = 256;
        let heap = &self.vm().heap;
        let exceeds = (bytes > FEW || heap.collection_due()) && heap.would_exceed(bytes);
        if exceeds { Err(Error::out_of_memory()) } else { Ok(()) }
    }

    /// The account of the program's memory.
    pub fn account(&self) -> &Account {
        self.vm_ref().heap.program_account()
    }

    /// Holds `bytes` bytes outside the heap for as long as the share lives. Fails if they would
    /// exceed the memory limit: see [`Error::out_of_memory`].
    pub fn hold(&mut self, bytes: usize) -> Result<Held, Error> {
        let held = self.account().hold(bytes)?;
        self.vm().heap.update_due();
        Ok(held)
    }

    /// Counts again what a userdata has outside the heap: to be called when that has changed by
    /// much.
    pub fn recount(&mut self, userdata: Userdata<'c>) {
        // SAFETY: the userdata is live.
        unsafe { self.vm().heap.recount_userdata(userdata.0) };
    }

    /// How many bytes more the memory limit allows.
    pub fn memory_room(&self) -> usize {
        self.vm_ref().heap.room()
    }

    /// Charges the budget with work; false if it is used up and the native should yield
    /// ([`Step::Again`](super::Step)).
    pub fn charge(&mut self, units: usize) -> bool {
        let vm = self.vm();
        gc::charge(&mut vm.fuel, units);
        vm.fuel >= 0
    }

    /// Charges the budget for this number of bytes that are copied, compared or hashed.
    pub fn charge_bytes(&mut self, bytes: usize) {
        self.charge(bytes / BYTES_PER_UNIT);
    }

    /// Charges the budget for reading this number of bytes sequentially.
    #[cold]
    pub fn charge_for_reading(&mut self, bytes: usize) {
        self.charge(bytes / BYTES_READ_PER_UNIT);
    }

    /// Charges the budget for reading a value, if it is a string. Parameters of the type
    /// [`LuaString`] are charged when they are converted.
    pub fn charge_for_string(&mut self, value: Value<'c>) {
        if let Some(string) = LuaString::from_value(value) {
            self.charge_for_reading(string.bytes().len());
        }
    }

    /// Charges the budget for a system call, or for work that takes about as long as a quick one.
    pub fn charge_for_system_call(&mut self) {
        self.charge(SYSTEM_CALL);
    }

    /// How much work the budget still allows.
    pub fn budget(&self) -> usize {
        usize::try_from(self.vm_ref().fuel).unwrap_or(0)
    }

    /// Bytes in use by the heap.
    pub fn memory_used(&self) -> usize {
        self.vm_ref().heap.used()
    }

    /// Bytes allocated in the heap since the VM was created.
    pub fn memory_allocated(&self) -> u64 {
        self.vm_ref().heap.allocated()
    }

    /// Cycles of collection that have ended.
    pub fn collection_count(&self) -> u64 {
        self.vm_ref().heap.cycles()
    }

    /// Changes how the collector works; see [`Collector`].
    pub fn control_collector(&mut self, control: Collector) -> usize {
        let heap = &mut self.vm().heap;
        match control {
            Collector::Stop => heap.stop(),
            Collector::Restart => heap.restart(),
            Collector::Pause(percent) => return heap.set_pause(percent),
            Collector::StepMultiplier(percent) => return heap.set_step_multiplier(percent),
        }
        0
    }
}
