//! Regions and machine code as text, for people who work on the compiler: `--dump=region` and
//! `--dump=machine`.

use crate::backend::Machine;
use crate::passes::representation::Representation;
use crate::passes::states::{State, States};
use crate::region::{Action, Node, Region, Target};
use solvm_compiler::bytecode::disassemble::disassemble_instruction;
use std::fmt::{self, Display, Formatter, Write};

/// What is printed of each unit that is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The nodes of its region: the instruction, what the node does, where it leads to, and how
    /// the slots are held before it.
    Region,
    /// Its machine code, as a source for the GNU assembler. A label for each instruction of the
    /// linear form precedes its bytes, so that `objdump -d` shows both.
    Machine,
}

/// The nodes of a region.
pub(crate) fn region(name: &str, region: &Region, states: &States) -> String {
    let mut text = format!("region {name}: {} nodes, {} slots\n", region.nodes.len(), region.slots);
    for (number, frame) in region.frames.iter().enumerate() {
        let prototype = frame.code.prototype();
        let chunk = solvm_compiler::chunk_id(&prototype.source.name);
        let (chunk, line) = (String::from_utf8_lossy(&chunk), prototype.line_defined);
        put(
            &mut text,
            format_args!("  frame {number}: {chunk}:{line}, from s{}", frame.first_slot),
        );
        if let Some((_, call)) = frame.caller {
            put(&mut text, format_args!(", called in n{call}"));
        }
        text.push('\n');
    }
    for (number, node) in region.nodes.iter().enumerate() {
        let prototype = region.frames[node.frame].code.prototype();
        let instruction = disassemble_instruction(prototype, node.at);
        put(&mut text, format_args!("  n{number:<4}f{}{instruction}\n", node.frame));
        put(&mut text, format_args!("        {}", Done(region, node)));
        if let Some(state) = &states.before[number] {
            put(&mut text, format_args!("{}", Slots(state)));
        }
        text.push('\n');
    }
    text
}

/// What a node does, and where it leads to.
struct Done<'r, 'v>(&'r Region<'v>, &'r Node<'v>);

impl Display for Done<'_, '_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let &Done(region, node) = self;
        match node.action {
            Action::Leave(obstacle) => write!(formatter, "leaves: {obstacle}"),
            Action::Plain => formatter.write_str("machine code"),
            Action::Call { first, count: 1 } => write!(formatter, "calls frame {first}"),
            Action::Call { first, count } => {
                write!(formatter, "calls one of frames {first} to {}", first + count - 1)
            }
            Action::Recurse => formatter.write_str("calls its own function"),
            Action::Metamethod(call) => {
                write!(formatter, "calls a metamethod, frame {}", region.metamethods[call].frame)
            }
            Action::NumberFunction(function, _) => write!(formatter, "computes {function:?}"),
            Action::Native(Some(_)) => formatter.write_str("calls one native"),
            Action::Native(None) => formatter.write_str("calls any native"),
            Action::Step => formatter.write_str("calls the interpreter's slow path"),
            Action::Advance => formatter.write_str("advances an iterator"),
            Action::Field(place) => {
                write!(formatter, "the field at byte {} of the nodes", place.offset)
            }
            Action::Inherited { count, .. } => {
                write!(formatter, "an inherited field, {count} ways")
            }
            Action::StringMethod(_) => formatter.write_str("a method of strings"),
            Action::StringLength => formatter.write_str("the length of a string"),
            Action::AnyKey => formatter.write_str("a key that is not a number"),
        }?;
        if node.doubts > 0 {
            write!(formatter, ", doubtful")?;
        }
        for (index, target) in node.next.iter().enumerate() {
            formatter.write_str(if index == 0 { " -> " } else { " or " })?;
            match target {
                Target::Node(next) => write!(formatter, "n{next}")?,
                Target::Exit(at) => write!(formatter, "exit to {at}")?,
            }
        }
        Ok(())
    }
}

/// The slots that are not held as words. Those with a star are not in memory.
struct Slots<'s>(&'s State);

impl Display for Slots<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut separator = "; ";
        for (slot, held) in self.0.held.iter().enumerate() {
            let held = match *held {
                Representation::Word => continue,
                Representation::Double => "double".to_string(),
                Representation::Table => "table".to_string(),
                Representation::Integer(low, high) if low == high => low.to_string(),
                Representation::Integer(..) => "integer".to_string(),
            };
            let is_dirty = u8::try_from(slot).is_ok_and(|slot| self.0.dirty.contains(slot));
            let star = if is_dirty { "*" } else { "" };
            write!(formatter, "{separator}s{slot} {held}{star}")?;
            separator = ", ";
        }
        Ok(())
    }
}

/// The machine code of a unit, a source for the assembler. The labels of a source have different
/// names: units have numbers.
pub(crate) fn machine(name: &str, number: u32, machine: &Machine) -> String {
    let mut text = format!("# unit {number}, {name}: {} bytes\n", machine.bytes.len());
    let ends = machine.lines.iter().skip(1).map(|(start, _)| *start);
    let ends = ends.chain([machine.bytes.len()]);
    for (index, ((start, line), end)) in machine.lines.iter().zip(ends).enumerate() {
        put(&mut text, format_args!("\"{number}.{index} {line}\":\n"));
        let bytes = machine.bytes.get(*start..end).unwrap_or_default();
        for line in bytes.chunks(16) {
            let bytes: Vec<String> = line.iter().map(|byte| format!("{byte:#04x}")).collect();
            put(&mut text, format_args!("\t.byte {}\n", bytes.join(",")));
        }
    }
    text
}

/// Writing to a string cannot fail.
fn put(text: &mut String, arguments: fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}
