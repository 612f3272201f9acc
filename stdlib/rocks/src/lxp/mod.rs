//! `lxp`: a push parser for XML with the interface of luaexpat 1.5.
//!
//! Callbacks are called between the steps of the parser, so that they may wait, yield and fail.
//! External entities are never read: `SkippedEntity` is called for them. `lxp.lom` and
//! `lxp.totable`, which build trees, are in Lua.

mod content;
mod doctype;
mod element;
mod event;
mod markup;
mod model;
mod parser;
mod scan;

use event::{Argument, Event, Position, Problem};
use model::Model;
use parser::{Advance, Handled, Parser};
use solvm_lua::modules::{Opening, open_in_lua, table};
use solvm_runtime::name::Name;
use solvm_vm::native::{
    Class, Definition, Either, IntoLua, Library, Object, Start, StartWith, Step, Steps, This,
    Wanted,
};
use solvm_vm::{Call, Data, Error, Function, LuaString, Table, Value};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The library `lxp`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "lxp" {
    "_COPYRIGHT" => text "Copyright (C) 2003-2012 The Kepler Project, 2013-2022 Matthew Wild",
    "_DESCRIPTION" => text "LuaExpat's interface in SolVM",
    "_EXPAT_VERSION" => text "expat_2.5.0",
    "_VERSION" => text "LuaExpat 1.5.1",
    "new" => new,
});

/// The libraries in Lua.
pub static IN_LUA: Library = solvm_vm::library!(lazy "lxp" {});

/// The modules.
pub static OPENERS: &[Definition] = &[
    Definition::new("lxp", open),
    Definition::new("lxp.lom", open_lom),
    Definition::new("lxp.totable", open_totable),
];

fn open<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    let module = table(call, &LIBRARY)?;
    let features = call.table(0, 1)?;
    features.set_field(call, "XML_CONTEXT_BYTES", 0.0)?;
    module.set_field(call, "_EXPAT_FEATURES", features)?;
    Ok(module)
}

fn open_lom<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Opening>, Error> {
    open_in_lua(call, "lxp.lom", include_str!("lom.lua"), None)
}

fn open_totable<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Opening>, Error> {
    open_in_lua(call, "lxp.totable", include_str!("totable.lua"), None)
}

/// The callbacks, except for one that is never called.
const CALLBACKS: &[&str] = &[
    "StartCdataSection",
    "EndCdataSection",
    "CharacterData",
    "Comment",
    "Default",
    "DefaultExpand",
    "StartElement",
    "EndElement",
    "ExternalEntityRef",
    "StartNamespaceDecl",
    "EndNamespaceDecl",
    "NotationDecl",
    "NotStandalone",
    "ProcessingInstruction",
    "UnparsedEntityDecl",
    "EntityDecl",
    "StartDoctypeDecl",
    "EndDoctypeDecl",
    "XmlDecl",
    "AttlistDecl",
    "SkippedEntity",
    "ElementDecl",
];

/// A parser as an object.
struct Expat {
    parser: RefCell<Parser>,
    /// Whether character data in a row is one call.
    merges: bool,
    is_parsing: Rc<Cell<bool>>,
    is_stopped: Cell<bool>,
    is_finished: Cell<bool>,
    is_closed: Cell<bool>,
    /// The position of the event whose callback runs.
    event_position: Cell<Option<Position>>,
}

impl Data for Expat {
    fn external_size(&self) -> usize {
        self.parser.try_borrow().map_or(0, |parser| parser.size())
    }
}

impl Class for Expat {
    const NAME: &'static str = "Expat";
    const METHODS: &'static Library = &METHODS;
}

static METHODS: Library = solvm_vm::library!(lazy "" {
    "close" => close,
    "getbase" => get_base,
    "getcallbacks" => get_callbacks,
    "getcurrentbytecount" => byte_count,
    "parse" => parse,
    "pos" => position,
    "returnnstriplet" => with_prefixes,
    "setbase" => set_base,
    "setblamaxamplification" => set_amplification,
    "setblathreshold" => set_threshold,
    "setencoding" => set_encoding,
    "stop" => stop,
});

/// `lxp.new(callbacks[, separator[, merge]])`: a parser.
fn new<'c>(
    call: &mut Call<'c>,
    callbacks: Table<'c>,
    separator: Option<Name<'c>>,
    merge: Option<bool>,
) -> Result<Value<'c>, Error> {
    let lax = call.string(b"_nonstrict")?;
    if callbacks.get(lax).is_nil() {
        for (index, (key, _)) in callbacks.pairs().enumerate() {
            call.charge(1);
            let Some(name) = LuaString::from_value(key) else {
                let text = format!("string expected, got {}", key.type_name());
                return Err(Error::argument(1, text));
            };
            let is_known = CALLBACKS.iter().any(|known| known.as_bytes() == name.bytes());
            if !is_known || index > CALLBACKS.len() {
                let shown = solvm_vm::messages::shorten(name.bytes());
                let text = [b"invalid option '", &shown[..], b"'"].concat();
                return Err(Error::argument(1, text));
            }
        }
    }
    let separator = separator.map(|separator| {
        // As in expat, it is a single character.
        separator.bytes().get(..1).unwrap_or_default().to_vec()
    });
    let expat = Expat {
        parser: RefCell::new(Parser::new(separator)),
        merges: merge.unwrap_or(true),
        is_parsing: Rc::default(),
        is_stopped: Cell::new(false),
        is_finished: Cell::new(false),
        is_closed: Cell::new(false),
        event_position: Cell::new(None),
    };
    let object = Object(expat).into_lua(call)?;
    // Its environment, so that a callback may refer to the parser without keeping it alive.
    call.set_environment_of(object, callbacks);
    Ok(object)
}

fn check_open(expat: &Expat) -> Result<(), Error> {
    match expat.is_closed.get() {
        true => Err(Error::argument(1, "parser is closed")),
        false => Ok(()),
    }
}

/// Marks a parser as parsing until it is dropped: even if a callback fails.
struct Busy(Rc<Cell<bool>>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// A chunk that is being parsed.
struct Parsing {
    _busy: Busy,
    has_begun: bool,
    /// Character data that may continue.
    text: Option<Event>,
    queue: std::collections::VecDeque<Event>,
    problem: Option<Problem>,
    /// Whether the parser is closed afterwards.
    closes: bool,
}

type Parsed<'c> = Either<Vec<Value<'c>>, Start<Parsing>>;

/// `parser:parse([text])`: parses a chunk; without one, the document ends.
fn parse<'c>(
    call: &mut Call<'c>,
    expat: This<'c, Expat>,
    text: Option<LuaString<'c>>,
) -> Result<Parsed<'c>, Error> {
    check_open(&expat)?;
    if expat.is_finished.get() {
        if text.is_none() {
            return Ok(Either::Now(vec![expat.userdata().value()]));
        }
        let message = call.string(b"cannot parse - document is finished")?.value();
        return Ok(Either::Now(vec![Value::NIL, message]));
    }
    start(call, &expat, text, false)
}

fn start<'c>(
    call: &mut Call<'c>,
    expat: &This<'c, Expat>,
    text: Option<LuaString<'c>>,
    closes: bool,
) -> Result<Parsed<'c>, Error> {
    if expat.is_parsing.get() {
        let message = call.string(b"parser is in use by a callback")?.value();
        return Ok(Either::Now(vec![Value::NIL, message]));
    }
    let bytes = text.map_or(&b""[..], LuaString::bytes);
    // Twice, for one-byte encodings.
    call.check_memory(bytes.len().saturating_mul(2))?;
    {
        let mut parser = expat.parser.borrow_mut();
        parser.feed(bytes);
        parser.is_final = text.is_none();
    }
    expat.is_parsing.set(true);
    Ok(Either::Later(Start::new(Parsing {
        _busy: Busy(Rc::clone(&expat.is_parsing)),
        has_begun: false,
        text: None,
        queue: Default::default(),
        problem: None,
        closes,
    })))
}

/// `parser:close()`: ends the document and frees the parser.
fn close<'c>(call: &mut Call<'c>, expat: This<'c, Expat>) -> Result<Parsed<'c>, Error> {
    if expat.is_closed.get() || expat.is_finished.get() {
        expat.is_closed.set(true);
        return Ok(Either::Now(vec![expat.userdata().value()]));
    }
    start(call, &expat, None, true)
}

impl Steps for Parsing {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let expat = <This<Expat> as solvm_vm::native::Param>::take(call, &mut 0)?;
        let callbacks = call.environment_of(expat.userdata().value());
        let Some(callbacks) = callbacks else { return Err(Error::text("parser no longer exists")) };
        if !std::mem::replace(&mut self.has_begun, true) {
            let default = call.string(b"Default")?;
            let expand = call.string(b"DefaultExpand")?;
            let has = |key| callbacks.get(key).is_truthy();
            let (keeps, expands) = (has(default), has(expand));
            expat.parser.borrow_mut().handled =
                Handled { keeps_entities: keeps && !expands, has_default: keeps || expands };
        }
        loop {
            if let Some(event) = self.queue.pop_front() {
                if let Some(step) = deliver(call, &expat, callbacks, event)? {
                    return step;
                }
                continue;
            }
            if expat.is_stopped.get() {
                self.problem = Some(Problem::Aborted);
                self.text = None;
            }
            if let Some(problem) = self.problem {
                if let Some(text) = self.text.take() {
                    self.queue.push_back(text);
                    continue;
                }
                return self.finish(call, &expat, Some(problem));
            }
            if !call.charge(1) {
                return call.again();
            }
            if self.advance(call, &expat, callbacks)? {
                if let Some(text) = self.text.take() {
                    self.queue.push_back(text);
                    continue;
                }
                return self.finish(call, &expat, None);
            }
        }
    }
}

impl Parsing {
    /// Reads a token and queues what it reports. True at the end of the chunk.
    fn advance<'c>(
        &mut self,
        call: &mut Call<'c>,
        expat: &Expat,
        callbacks: Table<'c>,
    ) -> Result<bool, Error> {
        const BYTES_PER_UNIT: usize = 4;
        const SCANNED_PER_UNIT: usize = 256;
        let mut parser = expat.parser.borrow_mut();
        if parser.is_final && parser.is_complete() {
            return Ok(true);
        }
        let advance = parser.advance();
        let events = std::mem::take(&mut parser.events);
        let work = parser.token_length / BYTES_PER_UNIT;
        match advance {
            Ok(Advance::Token) => {
                call.charge(work.saturating_add(events.len()));
            }
            Ok(Advance::Hungry) => {
                call.charge(parser.waiting() / SCANNED_PER_UNIT);
            }
            Err(problem) => self.problem = Some(problem),
        }
        let raw = std::mem::take(&mut parser.raw);
        let (position, handled) = (parser.position, parser.handled);
        drop(parser);
        let mut is_handled = !handled.has_default || raw.is_empty();
        for event in events {
            let key = call.string(event.name.as_bytes())?;
            let has_callback = !callbacks.get(key).is_nil() || event.name == "Default";
            if !has_callback {
                continue;
            }
            is_handled = true;
            self.queue(expat, event);
        }
        if !is_handled {
            let arguments = vec![Argument::Text(raw)];
            self.queue(expat, Event { name: "Default", arguments, position });
        }
        Ok(matches!(advance, Ok(Advance::Hungry)))
    }

    /// Queues an event, after text that ends here; text itself is kept.
    fn queue(&mut self, expat: &Expat, event: Event) {
        if event.name == "CharacterData" && expat.merges {
            if let Some(Event { arguments, .. }) = &mut self.text
                && let [Argument::Text(text)] = arguments.as_mut_slice()
                && let [Argument::Text(more)] = event.arguments.as_slice()
            {
                text.extend_from_slice(more);
            } else {
                self.text = Some(event);
            }
            return;
        }
        self.queue.extend(self.text.take());
        self.queue.push_back(event);
    }

    fn finish<'c>(
        &mut self,
        call: &mut Call<'c>,
        expat: &This<'c, Expat>,
        problem: Option<Problem>,
    ) -> Result<Step, Error> {
        expat.event_position.set(None);
        let is_final = expat.parser.borrow().is_final;
        if is_final {
            expat.is_finished.set(true);
        }
        if self.closes {
            expat.is_closed.set(true);
        }
        let object = expat.userdata();
        call.recount(object);
        match problem {
            Some(problem) if self.closes => {
                Err(Error::text(format!("error closing parser: {}", problem.message())))
            }
            Some(problem) => {
                let position = expat.parser.borrow().position;
                let message = call.string(problem.message().as_bytes())?.value();
                call.finish(vec![
                    Value::NIL,
                    message,
                    Value::number(position.line as f64),
                    Value::number(position.column as f64 + 1.0),
                    Value::number(position.byte as f64 + 1.0),
                ])
            }
            _ => call.finish(object.value()),
        }
    }
}

/// Calls the callback for an event. None if there is none.
fn deliver<'c>(
    call: &mut Call<'c>,
    expat: &This<'c, Expat>,
    callbacks: Table<'c>,
    event: Event,
) -> Result<Option<Result<Step, Error>>, Error> {
    let mut key = call.string(event.name.as_bytes())?;
    if event.name == "Default" {
        let expand = call.string(b"DefaultExpand")?;
        if callbacks.get(expand).is_truthy() {
            key = expand;
        }
    }
    let callback = callbacks.get(key);
    if !callback.is_truthy() {
        return Ok(None);
    }
    if Function::from_value(callback).is_none() {
        return Err(Error::text(format!("lxp '{}' callback is not a function", event.name)));
    }
    expat.event_position.set(Some(event.position));
    let mut arguments = vec![expat.userdata().value()];
    for argument in event.arguments {
        match argument {
            Argument::Model(model) => {
                call.charge(model.size() / 16);
                arguments.push(call.string(model.kind.as_bytes())?.value());
                arguments.push(model.quantifier.into_lua(call)?);
                if !model.children.is_empty() {
                    arguments.push(children(call, &model)?.value());
                }
            }
            other => arguments.push(value(call, other)?),
        }
    }
    Ok(Some(call.call(callback, &arguments, Wanted::One)))
}

/// The parts of a content model, as tables.
fn children<'c>(call: &mut Call<'c>, model: &Model) -> Result<Table<'c>, Error> {
    let list = call.table(model.children.len(), 0)?;
    for (index, child) in model.children.iter().enumerate() {
        let table = call.table(0, 4)?;
        table.set_field(call, "type", child.kind)?;
        table.set_field(call, "quantifier", child.quantifier)?;
        table.set_field(call, "name", child.name.as_deref())?;
        if !child.children.is_empty() {
            let children = children(call, child)?;
            table.set_field(call, "children", children)?;
        }
        list.set_index(call, index.saturating_add(1), table.value())?;
    }
    Ok(list)
}

fn value<'c>(call: &mut Call<'c>, argument: Argument) -> Result<Value<'c>, Error> {
    Ok(match argument {
        Argument::Nil | Argument::Model(_) => Value::NIL,
        Argument::Boolean(value) => Value::boolean(value),
        Argument::Text(text) => call.string(&text)?.value(),
        Argument::Attributes(attributes) => {
            let table = call.table(attributes.len(), attributes.len())?;
            let mut count = 0_usize;
            for (name, value, is_given) in attributes {
                let name = call.string(&name)?.value();
                if is_given {
                    count = count.saturating_add(1);
                    table.set_index(call, count, name)?;
                }
                let value = call.string(&value)?.value();
                table.set(call, name, value)?;
            }
            table.value()
        }
    })
}

/// `parser:pos()`: line, column and byte of the current event.
fn position<'c>(_: &mut Call<'c>, expat: This<'c, Expat>) -> Result<(f64, f64, f64), Error> {
    check_open(&expat)?;
    let position = expat.event_position.get().unwrap_or_else(|| expat.parser.borrow().position);
    let (line, column, byte) = (position.line, position.column, position.byte);
    Ok((line as f64, column as f64 + 1.0, byte as f64 + 1.0))
}

/// `parser:getcallbacks()`: the table of callbacks.
fn get_callbacks<'c>(call: &mut Call<'c>, expat: This<'c, Expat>) -> Option<Table<'c>> {
    call.environment_of(expat.userdata().value())
}

/// `parser:getcurrentbytecount()`: the length of the current token.
fn byte_count<'c>(_: &mut Call<'c>, expat: This<'c, Expat>) -> Result<f64, Error> {
    check_open(&expat)?;
    let length = expat.parser.borrow().token_length;
    Ok(length as f64)
}

/// `parser:setbase(base)`: the base of relative names in declarations.
fn set_base<'c>(
    _: &mut Call<'c>,
    expat: This<'c, Expat>,
    base: Name<'c>,
) -> Result<Value<'c>, Error> {
    check_open(&expat)?;
    expat.parser.borrow_mut().base = Some(base.bytes().to_vec());
    Ok(expat.userdata().value())
}

/// `parser:getbase()`
fn get_base<'c>(_: &mut Call<'c>, expat: This<'c, Expat>) -> Result<Option<Vec<u8>>, Error> {
    check_open(&expat)?;
    let base = expat.parser.borrow().base.clone();
    Ok(base)
}

/// Fails unless the parser has not parsed anything yet.
fn check_new(expat: &Expat) -> Result<(), Error> {
    check_open(expat)?;
    match expat.parser.borrow().is_new() && !expat.is_finished.get() {
        true => Ok(()),
        false => Err(Error::argument(1, "invalid parser state")),
    }
}

/// `parser:setencoding(name)`: the encoding, whatever the document says.
fn set_encoding<'c>(
    _: &mut Call<'c>,
    expat: This<'c, Expat>,
    name: Name<'c>,
) -> Result<Value<'c>, Error> {
    check_new(&expat)?;
    if !expat.parser.borrow_mut().set_encoding(name.bytes()) {
        return Err(Error::argument(2, "unknown encoding"));
    }
    Ok(expat.userdata().value())
}

/// `parser:returnnstriplet(on)`: whether names with a namespace end with their prefix.
fn with_prefixes<'c>(
    _: &mut Call<'c>,
    expat: This<'c, Expat>,
    on: bool,
) -> Result<Value<'c>, Error> {
    check_new(&expat)?;
    expat.parser.borrow_mut().with_prefixes = on;
    Ok(expat.userdata().value())
}

/// `parser:setblamaxamplification(factor)`: how much entities may amplify the input.
fn set_amplification<'c>(
    _: &mut Call<'c>,
    expat: This<'c, Expat>,
    factor: f64,
) -> Result<Value<'c>, Error> {
    check_open(&expat)?;
    expat.parser.borrow_mut().amplification = factor;
    Ok(expat.userdata().value())
}

/// `parser:setblathreshold(bytes)`: the size from which on the amplification is limited.
fn set_threshold<'c>(
    _: &mut Call<'c>,
    expat: This<'c, Expat>,
    bytes: f64,
) -> Result<Value<'c>, Error> {
    check_open(&expat)?;
    expat.parser.borrow_mut().threshold = bytes;
    Ok(expat.userdata().value())
}

/// `parser:stop()`: ends parsing after the current callback.
fn stop<'c>(_: &mut Call<'c>, expat: This<'c, Expat>) -> Result<bool, Error> {
    check_open(&expat)?;
    let is_running = expat.is_parsing.get();
    expat.is_stopped.set(is_running || expat.is_stopped.get());
    Ok(is_running)
}
