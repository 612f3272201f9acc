//! From compiled code to functions on the heap.

use crate::account::Held;
use crate::heap::gc::{self, Heap};
use crate::heap::string::NoString;
use crate::heap::table;
use crate::layout::object::{
    Header, Kind, LuaFunction, Prototype, PrototypeData, Table, Upvalue, VARARG,
};
use crate::layout::unit::{OwnCode, Versions};
use crate::layout::value::Value;
use crate::machine::binary_chunk;
use crate::machine::scheduler;
use crate::machine::unit;
use crate::machine::vm::Vm;
use crate::messages::{self, Dialect};
use solvm_compiler::bytecode::{
    self, Constant, Instruction, Opcode, Source, SourceKind, TemplateValue,
};
use solvm_compiler::{Options, chunk_id, compile};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::Arc;

/// Compiles a chunk, source text or the output of `string.dump`, and creates its function. The
/// error is a message.
///
/// # Safety
/// The environment is alive. The function is published before the next safepoint.
pub(crate) unsafe fn load(
    vm: &mut Vm,
    text: &[u8],
    name: &[u8],
    environment: *mut Table,
    kind: SourceKind,
) -> Result<*mut LuaFunction, Vec<u8>> {
    let not_enough = || messages::NOT_ENOUGH_MEMORY.as_bytes().to_vec();
    let held = vm.heap.program_account().hold(text.len() + name.len()).map_err(|_| not_enough())?;
    let held = Arc::new(held);
    // A line or so of source costs as much as a call.
    gc::charge(&mut vm.fuel, text.len() / 8);
    let seen: &Vm = vm;
    let interrupt = || scheduler::is_interrupted(seen);
    let options = Options {
        interrupt: Some(&interrupt),
        // Outside the heap, as large as the heap may be.
        tree_size: Some(seen.heap.limit()),
        too_many_locals: (vm.dialect == Dialect::GopherLua).then_some(messages::REGISTER_OVERFLOW),
        spans: false,
    };
    let refused = || [&chunk_id(name)[..], b": ", messages::REFUSED_BINARY.as_bytes()].concat();
    let (ordinal, name, text) = match binary_chunk::is_binary(text) {
        true => binary_chunk::decode(text).ok_or_else(refused)?,
        false => (0, name, text),
    };
    let main = compile(Source { kind, ..Source::new(text, name) }, &options)
        .map_err(|error| error.message)?;
    let compiled = binary_chunk::find(&main, ordinal).ok_or_else(refused)?;
    // SAFETY: the code is the compiler's. The function that is published, as the caller asserts,
    // refers to the prototype, and nothing is collected in between.
    unsafe {
        let copies_code = vm.compiler.is_some();
        let prototype =
            instantiate(&mut vm.heap, compiled, &held, copies_code).map_err(|_| not_enough())?;
        Ok(new_function(&mut vm.heap, prototype, environment))
    }
}

/// A function whose upvalues are its own, and nil.
///
/// # Safety
/// Prototype and environment are alive. The result is published before the next safepoint.
pub(crate) unsafe fn new_function(
    heap: &mut Heap,
    prototype: *mut Prototype,
    environment: *mut Table,
) -> *mut LuaFunction {
    // SAFETY: prototype and environment are alive, as the caller asserts. The compiler allows far
    // fewer than 255 upvalues, so that the function has as many as are stored here at once. Each is
    // closed before its slot, a local variable, ends; it becomes part of the function before
    // anything is collected.
    unsafe {
        let data: &PrototypeData = &(*prototype).cold;
        let count = data.compiled.upvalues.len();
        let function = heap.new_lua_function(prototype, environment, count as u8);
        let upvalues: *mut *mut Upvalue = (&raw mut (*function).upvalues).cast();
        for i in 0..count {
            let mut nil = Value::NIL;
            let upvalue = heap.new_open_upvalue(&raw mut nil);
            heap.close_upvalue(upvalue);
            *upvalues.add(i) = upvalue;
        }
        function
    }
}

/// Makes the heap's form of a compiled function and of all functions inside it. `copies_code` if
/// units may be attached to them.
///
/// # Safety
/// The result is published before the next safepoint. `compiled` is code as the compiler makes it:
/// handlers trust its operands.
pub(crate) unsafe fn instantiate(
    heap: &mut Heap,
    compiled: &Arc<bytecode::Prototype>,
    source: &Arc<Held>,
    copies_code: bool,
) -> Result<*mut Prototype, NoString> {
    let mut constants: Box<[Value]> = vec![Value::NIL; compiled.constants.len()].into();
    for (i, constant) in compiled.constants.iter().enumerate() {
        constants[i] = match constant {
            Constant::Number(x) => Value::number(*x),
            Constant::String(bytes) => Value::from_string(heap.try_string(bytes)?),
            Constant::Hash => match i.checked_sub(1).and_then(|i| constants[i].to_string()) {
                // SAFETY: the string has just been created.
                Some(string) => Value(u64::from(unsafe { crate::heap::string::hash(string) })),
                None => Value::NIL,
            },
        };
    }
    let children = compiled.prototypes.iter();
    // SAFETY: the function inside is code of the same compiler. It is published with this one.
    let children = children.map(|child| unsafe { instantiate(heap, child, source, copies_code) });
    let children = children.collect::<Result<_, _>>()?;
    let templates = compiled.templates.iter();
    // SAFETY: the table is published with this function.
    let templates = templates.map(|template| unsafe { build_template(heap, template) });
    let templates = templates.collect::<Result<_, _>>()?;
    let own_code = (copies_code && unit::has_entries(&compiled.code))
        .then(|| OwnCode::new(compiled.code.iter().map(|word| word.0).collect()));
    let code = own_code.as_ref().map_or(compiled.code.as_ptr().cast(), OwnCode::words);
    let (compiled_too, source) = (compiled.clone(), source.clone());
    let data = PrototypeData {
        compiled: compiled_too,
        constants,
        own_code,
        start_units: Versions::default(),
        start_count: Cell::default(),
        templates,
        children,
        source,
    };
    let prototype = Prototype {
        header: Header { barrier: 0, kind: Kind::Prototype },
        simple_call: if compiled.is_vararg { VARARG } else { u64::from(compiled.parameters) << 8 },
        parameters: compiled.parameters,
        frame_size: u32::from(compiled.frame_size),
        code,
        start: code,
        constants: data.constants.as_ptr(),
        cold: Box::new(data),
    };
    // SAFETY: constants, functions and templates have been created since the last safepoint, so
    // they are alive. The prototype is published as the caller asserts.
    Ok(unsafe { heap.new_prototype(prototype) })
}

/// The table that constructors copy.
///
/// # Safety
/// The result is published before the next safepoint.
unsafe fn build_template(
    heap: &mut Heap,
    template: &bytecode::TableTemplate,
) -> Result<*mut Table, NoString> {
    let slots = template.array.len().min(table::array::MAX_SLOTS);
    let fields = table::hash::size_hint(template.fields.len());
    // SAFETY: the sizes are within a table's limits, as limited above. It is published as the
    // caller asserts.
    let result = unsafe { heap.new_table(slots as u32, fields) };
    let value_of = |heap: &mut Heap, value: &TemplateValue| {
        Ok(match value {
            TemplateValue::Nil => Value::NIL,
            TemplateValue::Boolean(b) => Value::boolean(*b),
            TemplateValue::Number(x) => Value::number(*x),
            TemplateValue::String(bytes) => Value::from_string(heap.try_string(bytes)?),
        })
    };
    let mut items = Vec::with_capacity(template.array.len() + template.fields.len());
    for (i, item) in template.array.iter().enumerate() {
        items.push((Value::number((i + 1) as f64), value_of(heap, item)?));
    }
    for (name, item) in &template.fields {
        items.push((Value::from_string(heap.try_string(name)?), value_of(heap, item)?));
    }
    // Keys without a value yet get a slot, too, as a removed key leaves one. That slot could become
    // another key's, so all have a value first.
    let placed = items.iter().map(|&(key, _)| (key, Value::TRUE));
    for (key, value) in placed.chain(items.iter().copied()) {
        // SAFETY: table, keys and values have been created since the last safepoint.
        let set = unsafe { table::set(heap, result, key, value) };
        debug_assert!(set.is_ok(), "a template has room for its keys");
    }
    Ok(result)
}

/// A Lua function that returns at once, for frames whose function slot must hold a Lua function.
///
/// # Safety
/// The result is published before the next safepoint.
pub(crate) unsafe fn dummy_function(heap: &mut Heap) -> Value {
    let compiled = Arc::new(bytecode::Prototype {
        source: Arc::new(Source::new(*b"", *b"=(none)")),
        ordinal: 0,
        line_defined: 0,
        last_line_defined: 0,
        parameters: 0,
        is_vararg: false,
        frame_size: 4,
        code: [Instruction::ad(Opcode::Return0, 0, 0)].into(),
        lines: [0].into(),
        spans: Box::default(),
        constants: Box::default(),
        templates: Box::default(),
        prototypes: Box::default(),
        upvalues: Box::default(),
        locals: Box::default(),
    });
    let source = Arc::new(heap.program_account().hold_nothing());
    // SAFETY: the code returns at once, as the compiler would do it. The prototype is referred to
    // by the function, which is published as the caller asserts, has no upvalues, and never uses
    // its environment.
    unsafe {
        #[expect(clippy::expect_used, reason = "a prototype without strings can always be made")]
        let prototype = instantiate(heap, &compiled, &source, false).expect("it has no strings");
        Value::from_lua_function(heap.new_lua_function(prototype, null_mut::<Table>(), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::string;
    use crate::machine::interpreter::field_node;
    use crate::machine::vm::Vm;

    /// The names of different numbers collide in some of the tables.
    #[test]
    fn keys_without_a_value_have_slots_in_a_template() {
        let mut vm = Vm::new(crate::Config::default());
        for first in 0..100 {
            let name = |number: u32| number.to_string().into_bytes().into();
            let fields = (first..first + 4).map(|number| (name(number), TemplateValue::Nil));
            let template =
                bytecode::TableTemplate { array: Box::default(), fields: fields.collect() };
            // SAFETY: nothing collects here.
            let table = unsafe { build_template(&mut vm.heap, &template) }.unwrap();
            for (name, _) in &template.fields {
                let key = vm.heap.string(name);
                // SAFETY: as above; the name is short.
                let node = unsafe {
                    let hash = Value(u64::from(string::hash(key)));
                    field_node(table, Value::from_string(key), hash)
                };
                assert!(!node.is_null(), "{first}");
            }
        }
    }
}
