//! Encoding in a native: a walk with a writer, in as many steps as the budget requires.

use super::Progress;
use super::walker::{Open, Walker, Writer};
use solvm_vm::native::{Either, Start, StartWith, Step, Steps};
use solvm_vm::{Call, Error, Held, LuaString, Value};

/// A writer that produces a text.
pub(super) trait Encoder: Writer + 'static {
    /// Returns the whole text after the walk.
    fn finish(&mut self) -> &[u8];
    /// Returns the number of bytes that what is written takes: buffers are larger than their text.
    fn allocated(&self) -> usize;
}

/// The text, or the remaining work.
pub(super) type Encoded<'c, W> = Either<LuaString<'c>, StartWith<'c, Encoding<W>>>;

/// Encodes a value.
pub(super) fn encode<'c, W: Encoder>(
    call: &mut Call<'c>,
    value: Value<'c>,
    mut writer: W,
) -> Result<Encoded<'c, W>, Error> {
    let mut walker = Walker::new(call, value, &mut writer)?;
    if walker.walk(call, &mut writer)? == Progress::Finished {
        return Ok(Either::Now(call.string(writer.finish())?));
    }
    let (open, kept) = walker.suspend();
    let held = call.account().hold_existing(writer.allocated());
    Ok(Either::Later(Start::new(Encoding { writer, open, held }).keep_all(kept)))
}

/// An encoding in progress. Its kept values are the walker's stack.
pub(super) struct Encoding<W> {
    writer: W,
    open: Vec<Open>,
    /// The share of the account for the output.
    held: Held,
}

impl<W: Encoder> Steps for Encoding<W> {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let mut walker = Walker::resume(call, std::mem::take(&mut self.open));
        if walker.walk(call, &mut self.writer)? == Progress::Finished {
            let text = call.string(self.writer.finish())?;
            return call.finish(text);
        }
        let (open, kept) = walker.suspend();
        self.open = open;
        self.held.set_existing(self.writer.allocated());
        call.keep_only(kept);
        call.again()
    }
}
