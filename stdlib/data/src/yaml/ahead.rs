//! Accounts for the tokens of the YAML scanner.
//!
//! A list or map in brackets may be a key, so the scanner queues all tokens in it until it knows.
//! `Scanned` counts what the scanner has read since the queue was last empty, and ends the text
//! early if the memory limit does not allow the tokens.

use crate::events::{Event, Events};
use saphyr_parser::input::SkipTabs;
use saphyr_parser::{Input, StrInput};
use solvm_vm::OutOfMemory;
use std::cell::{Cell, RefCell};

/// Memory for a token in the queue, and for one with a text.
const TOKEN_BYTES: usize = 112;
const TEXT_TOKEN_BYTES: usize = TOKEN_BYTES + 32;
/// Memory for the start or end of a document, with the scalar that may follow it. The scanner takes
/// them in brackets, too.
const INDICATOR_BYTES: usize = TOKEN_BYTES + TEXT_TOKEN_BYTES;
/// Maximum memory for a character of a text.
const CHARACTER_BYTES: usize = 4;
/// The number of bytes that are added to the account at a time.
const STEP: usize = 16 << 10;
/// The scanner reads this many characters ahead without a queue worth mentioning: in blocks, keys
/// are limited to 1024 characters.
const NEAR: usize = 4096;

/// The events of a document, and the memory for what the scanner has read ahead of them.
pub(super) struct Ahead<'e> {
    events: RefCell<&'e mut Events>,
    /// The number of characters read.
    read: Cell<usize>,
    /// The maximum memory of the queue.
    needed: Cell<usize>,
    /// The part of it that is held.
    held: Cell<usize>,
    is_refused: Cell<bool>,
}

impl<'e> Ahead<'e> {
    pub(super) fn new(events: &'e mut Events) -> Ahead<'e> {
        Ahead {
            events: RefCell::new(events),
            read: Cell::new(0),
            needed: Cell::new(0),
            held: Cell::new(0),
            is_refused: Cell::new(false),
        }
    }

    /// Adds an event.
    pub(super) fn push(&self, event: Event) -> Result<(), OutOfMemory> {
        self.events.borrow_mut().push(event)
    }

    /// Accounts for `bytes` bytes of other data.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), OutOfMemory> {
        self.events.borrow_mut().hold(bytes)
    }

    /// Notes that the parser has reached a character. Fails if the text was ended early.
    pub(super) fn reached(&self, character: usize) -> Result<(), OutOfMemory> {
        if self.is_refused.get() {
            return Err(OutOfMemory);
        }
        if self.read.get().saturating_sub(character) < NEAR {
            self.release(STEP);
        }
        Ok(())
    }

    /// Forgets the queue; `kept` bytes stay held for the next one.
    pub(super) fn release(&self, kept: usize) {
        self.needed.set(0);
        let held = self.held.get();
        if held > kept {
            self.events.borrow_mut().release(held.saturating_sub(kept));
            self.held.set(kept);
        }
    }

    /// Counts characters that were read, and the tokens that they may create. False if the memory
    /// limit does not allow them.
    #[inline]
    fn count(&self, characters: usize, tokens: usize) -> bool {
        self.read.set(self.read.get().saturating_add(characters));
        let text = characters.saturating_mul(CHARACTER_BYTES);
        let needed = self.needed.get().saturating_add(text).saturating_add(tokens);
        self.needed.set(needed);
        needed <= self.held.get() || self.hold_more(needed)
    }

    #[cold]
    fn hold_more(&self, needed: usize) -> bool {
        let more = needed.saturating_sub(self.held.get()).saturating_add(STEP);
        self.held.set(self.held.get().saturating_add(more));
        self.is_refused.set(self.hold(more).is_err());
        !self.is_refused.get()
    }
}

/// Memory for the tokens that a character may create, with the scalar that may follow it.
fn tokens_of(character: char) -> usize {
    match character {
        // Key, value, and the start of a map with one field.
        ':' => 3 * TOKEN_BYTES + TEXT_TOKEN_BYTES,
        // The end of that map, too.
        ',' => 2 * TOKEN_BYTES + TEXT_TOKEN_BYTES,
        '[' | '{' | ']' | '}' => TOKEN_BYTES + TEXT_TOKEN_BYTES,
        '&' | '*' | '!' | '?' => 2 * TEXT_TOKEN_BYTES,
        // There are two for a scalar.
        '"' | '\'' => TEXT_TOKEN_BYTES / 2,
        _ => 0,
    }
}

/// The text as the scanner's input.
pub(super) struct Scanned<'t, 'e> {
    text: StrInput<'t>,
    ahead: &'e Ahead<'e>,
}

impl<'t, 'e> Scanned<'t, 'e> {
    pub(super) fn new(text: &'t str, ahead: &'e Ahead<'e>) -> Scanned<'t, 'e> {
        Scanned { text: StrInput::new(text), ahead }
    }

    #[inline]
    fn count(&mut self, characters: usize, tokens: usize) {
        if !self.ahead.count(characters, tokens) {
            self.text = StrInput::new("");
        }
    }
}

/// Passes calls on to the text.
macro_rules! passes {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => { $(
        #[inline]
        fn $name(&self $(, $argument: $type)*) -> $result {
            self.text.$name($($argument),*)
        }
    )* };
}

impl Input for Scanned<'_, '_> {
    passes! {
        fn buflen() -> usize;
        fn bufmaxlen() -> usize;
        fn peek() -> char;
        fn peek_nth(n: usize) -> char;
        fn peek_opt() -> Option<char>;
        fn next_char_is(c: char) -> bool;
        fn nth_char_is(n: usize, c: char) -> bool;
        fn next_2_are(c1: char, c2: char) -> bool;
        fn next_3_are(c1: char, c2: char, c3: char) -> bool;
        fn next_is_document_indicator() -> bool;
        fn next_is_document_start() -> bool;
        fn next_is_document_end() -> bool;
        fn next_can_be_plain_scalar(in_flow: bool) -> bool;
        fn next_is_blank_or_break() -> bool;
        fn next_is_blank_or_breakz() -> bool;
        fn next_is_blank() -> bool;
        fn next_is_break() -> bool;
        fn next_is_breakz() -> bool;
        fn next_is_z() -> bool;
        fn next_is_flow() -> bool;
        fn next_is_digit() -> bool;
        fn next_is_alpha() -> bool;
    }

    #[inline]
    fn lookahead(&mut self, count: usize) {
        self.text.lookahead(count);
    }

    #[inline]
    fn raw_read_ch(&mut self) -> char {
        let character = self.text.raw_read_ch();
        self.count(1, tokens_of(character));
        character
    }

    #[inline]
    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        let character = self.text.raw_read_non_breakz_ch();
        self.count(usize::from(character.is_some()), 0);
        character
    }

    #[inline]
    fn skip(&mut self) {
        let tokens = tokens_of(self.text.peek());
        self.text.skip();
        self.count(1, tokens);
    }

    #[inline]
    fn skip_n(&mut self, count: usize) {
        let is_indicator = count == 3 && matches!(self.text.peek(), '-' | '.');
        self.text.skip_n(count);
        self.count(count, if is_indicator { INDICATOR_BYTES } else { 0 });
    }

    fn skip_ws_to_eol(&mut self, skip_tabs: SkipTabs) -> (usize, Result<SkipTabs, &'static str>) {
        let (count, result) = self.text.skip_ws_to_eol(skip_tabs);
        // A comment ends a scalar.
        self.count(count, if count > 1 { TEXT_TOKEN_BYTES } else { 0 });
        (count, result)
    }

    fn skip_while_non_breakz(&mut self) -> usize {
        let count = self.text.skip_while_non_breakz();
        self.count(count, TEXT_TOKEN_BYTES);
        count
    }

    fn skip_while_blank(&mut self) -> usize {
        let count = self.text.skip_while_blank();
        self.count(count, 0);
        count
    }

    fn fetch_while_is_alpha(&mut self, out: &mut String) -> usize {
        let count = self.text.fetch_while_is_alpha(out);
        self.count(count, 0);
        count
    }

    fn fetch_while_is_yaml_non_space(&mut self, out: &mut String) -> usize {
        let count = self.text.fetch_while_is_yaml_non_space(out);
        // A parameter of a directive.
        self.count(count, TEXT_TOKEN_BYTES);
        count
    }
}
