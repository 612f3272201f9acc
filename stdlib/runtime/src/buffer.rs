//! Buffers outside the heap that become a string at the end.
//!
//! Invariant: only this module reserves capacity, after checking the account, and a failed
//! allocation is the error "not enough memory".

use solvm_vm::{Call, Error, Held, LuaString};
use std::ops::Deref;

/// Buffers up to this size are not accounted for.
const FREE: usize = 4096;

/// A growing buffer whose capacity is held in the program's account.
#[derive(Default)]
pub struct AccountedBuffer {
    bytes: Vec<u8>,
    held: Option<Held>,
}

impl AccountedBuffer {
    /// Reserves room for `more` bytes. Fails if the memory limit forbids it.
    #[inline]
    pub fn reserve(&mut self, call: &mut Call, more: usize) -> Result<(), Error> {
        let length = self.bytes.len().saturating_add(more);
        if length > self.bytes.capacity() { self.grow(call, length) } else { Ok(()) }
    }

    #[cold]
    fn grow(&mut self, call: &mut Call, length: usize) -> Result<(), Error> {
        let mut capacity = length.max(self.bytes.capacity().saturating_mul(2)).max(64);
        if capacity > FREE {
            let held = self.held.get_or_insert_with(|| call.account().hold_nothing());
            // The string at the end needs memory, too.
            call.check_memory(length.saturating_mul(2).saturating_sub(held.bytes()))?;
            if held.grow_to(capacity).is_err() {
                capacity = length;
                held.grow_to(capacity)?;
            }
        }
        let more = capacity - self.bytes.len();
        self.bytes.try_reserve_exact(more).map_err(|_| Error::out_of_memory())
    }

    /// Appends bytes.
    #[inline]
    pub fn push(&mut self, call: &mut Call, bytes: &[u8]) -> Result<(), Error> {
        self.reserve(call, bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Removes the bytes after the first `length`.
    pub fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }
}

/// Copies an argument for use on another thread. The native, which must be asynchronous, is counted
/// with the copy.
pub fn copied(call: &mut Call, text: LuaString) -> Result<Vec<u8>, Error> {
    call.check_memory(text.bytes().len())?;
    Ok(text.bytes().to_vec())
}

/// Returns an empty buffer with room for `bytes` bytes, which is not accounted for. Fails if the
/// memory limit does not allow it twice, since the string at the end is a copy.
pub fn with_room(call: &mut Call, bytes: usize) -> Result<Vec<u8>, Error> {
    call.check_memory(bytes.saturating_mul(2))?;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(bytes).map_err(|_| Error::out_of_memory())?;
    Ok(buffer)
}

/// Makes room for `more` bytes in a buffer that is not accounted for. Fails if the memory limit
/// does not allow it twice, since the string at the end is a copy.
#[inline]
pub fn check_growth(call: &mut Call, text: &mut Vec<u8>, more: usize) -> Result<(), Error> {
    let length = text.len().saturating_add(more);
    if length <= text.capacity() {
        return Ok(());
    }
    call.check_memory(length.saturating_mul(2))?;
    text.try_reserve(more).map_err(|_| Error::out_of_memory())
}

impl Deref for AccountedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'c> solvm_vm::native::IntoLua<'c> for AccountedBuffer {
    fn into_lua(self, call: &mut Call<'c>) -> Result<solvm_vm::Value<'c>, Error> {
        Ok(call.string(&self.bytes)?.value())
    }
}
