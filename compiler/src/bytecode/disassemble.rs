//! Bytecode as text, in the format of `luac -l`. Operands are shown according to the list of
//! opcodes.

use super::{Constant, Instruction, OPEN, Opcode, Operand, Prototype, TemplateValue};
use std::fmt::Write;

/// The function and its nested functions, in the order of the source.
pub fn disassemble(prototype: &Prototype) -> String {
    let mut text = String::new();
    // A list of what is left to write: nesting may be deep.
    let mut left = vec![prototype];
    while let Some(function) = left.pop() {
        write_function(&mut text, function);
        left.extend(function.prototypes.iter().rev().map(|nested| &**nested));
    }
    text
}

fn write_function(text: &mut String, function: &Prototype) {
    let Prototype { line_defined, last_line_defined, parameters, frame_size, .. } = function;
    let name = match function.ordinal {
        0 => "main".to_string(),
        ordinal => format!("function {ordinal} <{line_defined}-{last_line_defined}>"),
    };
    let vararg = if function.is_vararg { "+" } else { "" };
    let upvalues = function
        .upvalues
        .iter()
        .map(|upvalue| format!("{}={:?}", lossy(&upvalue.name), upvalue.capture));
    let upvalues = upvalues.collect::<Vec<_>>().join(" ");
    put(
        text,
        format_args!(
            "{name}: parameters {parameters}{vararg}, registers {frame_size}, \
             upvalues [{upvalues}]\n"
        ),
    );
    let mut is_data = false;
    for (position, &instruction) in function.code.iter().enumerate() {
        let opcode = instruction.opcode().filter(|_| !is_data);
        write_instruction(text, function, position, opcode);
        text.push('\n');
        is_data = opcode.is_some_and(Opcode::has_data_word);
    }
    for (index, template) in function.templates.iter().enumerate() {
        let array = template.array.iter().map(template_value);
        let fields = template
            .fields
            .iter()
            .map(|(key, value)| format!("{} = {}", quoted(key), template_value(value)));
        let items = array.chain(fields).collect::<Vec<_>>().join(", ");
        put(text, format_args!("  template {index}: {{{items}}}\n"));
    }
    for local in &function.locals {
        let (name, register) = (lossy(&local.name), local.register);
        put(
            text,
            format_args!("  local {name}: register {register}, {}..{}\n", local.start, local.end),
        );
    }
}

/// An instruction of a function, given its index; it is not the data word of another one.
pub fn disassemble_instruction(function: &Prototype, position: usize) -> String {
    let mut text = String::new();
    let opcode = function.code.get(position).and_then(|word| word.opcode());
    write_instruction(&mut text, function, position, opcode);
    text
}

/// Writes an instruction, or a data word if it has no opcode.
fn write_instruction(
    text: &mut String,
    function: &Prototype,
    position: usize,
    opcode: Option<Opcode>,
) {
    let Some(&instruction) = function.code.get(position) else { return };
    let line = function.lines.get(position).copied().unwrap_or(0);
    match opcode {
        Some(opcode) => {
            put(text, format_args!("{position:6} [{line}] {:<16}", opcode.name()));
            let notes = write_operands(text, function, opcode, instruction, position);
            put(text, format_args!("{}{notes}", if notes.is_empty() { "" } else { " ; " }));
        }
        None => put(text, format_args!("{position:6} [{line}] = {}", instruction.0)),
    }
    text.truncate(text.trim_end().len());
}

/// Writes the operands and returns the comment about them.
fn write_operands(
    text: &mut String,
    function: &Prototype,
    opcode: Opcode,
    instruction: Instruction,
    position: usize,
) -> String {
    let mut notes = Vec::new();
    for &(letter, meaning) in opcode.operands() {
        let value = instruction.operand(letter, meaning);
        let index = value as usize;
        match meaning {
            Operand::Results if value == i32::from(OPEN) => text.push_str(" open"),
            register if register.is_register() => put(text, format_args!(" r{value}")),
            _ => put(text, format_args!(" {value}")),
        }
        match meaning {
            Operand::Constant | Operand::Field | Operand::Divisor => {
                notes.push(function.constants.get(index).map_or("?".to_string(), constant));
            }
            Operand::Upvalue => {
                notes.push(
                    function.upvalues.get(index).map_or("?".into(), |upvalue| lossy(&upvalue.name)),
                );
            }
            Operand::Primitive => {
                notes.push(["nil", "false", "true"].get(index).unwrap_or(&"?").to_string())
            }
            Operand::Jump => notes.push(format!("to {}", position as i64 + 1 + i64::from(value))),
            Operand::Prototype => {
                let nested = function.prototypes.get(index);
                notes.push(
                    nested.map_or("?".to_string(), |nested| format!("function {}", nested.ordinal)),
                );
            }
            Operand::Template => notes.push(format!("template {index}")),
            _ => {}
        }
    }
    notes.join(" ")
}

fn constant(constant: &Constant) -> String {
    match constant {
        Constant::Number(value) => value.to_string(),
        Constant::String(value) => quoted(value),
        Constant::Hash => "(hash)".into(),
    }
}

fn template_value(value: &TemplateValue) -> String {
    match value {
        TemplateValue::Nil => "nil".into(),
        TemplateValue::Boolean(value) => value.to_string(),
        TemplateValue::Number(value) => value.to_string(),
        TemplateValue::String(value) => quoted(value),
    }
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writing to a string cannot fail.
fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}
