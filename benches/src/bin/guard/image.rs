//! A binary on disk: its functions by name and address, their bytes, and the pointers in its data.

use object::{
    Architecture, BinaryFormat, Object, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind,
};
use std::collections::{BTreeMap, HashMap};

/// Why a binary cannot be read.
pub(crate) enum Unreadable {
    /// It is for another architecture.
    OtherArchitecture,
    /// For this reason.
    Failed(String),
}

impl Unreadable {
    pub(crate) fn because(reason: impl ToString) -> Self {
        Unreadable::Failed(reason.to_string())
    }
}

struct Symbol {
    size: u64,
    /// Several, where the linker has folded equal functions into one.
    names: Vec<String>,
}

/// See the head of this file.
pub(crate) struct Image<'f> {
    file: object::File<'f>,
    functions: BTreeMap<u64, Symbol>,
    data: HashMap<String, (u64, u64)>,
    /// Pointers that the loader computes, by their place.
    relocated: HashMap<u64, u64>,
}

/// The path that all of the interpreter's functions share.
const INTERPRETER: &str = "solvm_vm::machine::interpreter::";

impl<'f> Image<'f> {
    /// Reads symbols and relocations.
    pub(crate) fn read(bytes: &'f [u8]) -> Result<Self, Unreadable> {
        let file = object::File::parse(bytes).map_err(Unreadable::because)?;
        if file.format() != BinaryFormat::Elf || file.architecture() != Architecture::X86_64 {
            return Err(Unreadable::OtherArchitecture);
        }
        let mut functions = BTreeMap::new();
        let mut data = HashMap::new();
        for symbol in file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            // The alternate form leaves out the hash at the end.
            let name = format!("{:#}", rustc_demangle::demangle(name));
            let Some(name) = name.strip_prefix(INTERPRETER) else { continue };
            if symbol.kind() == SymbolKind::Text {
                let at: &mut Symbol = functions
                    .entry(symbol.address())
                    .or_insert(Symbol { size: symbol.size(), names: Vec::new() });
                at.names.push(name.to_string());
            } else {
                data.insert(name.to_string(), (symbol.address(), symbol.size()));
            }
        }
        let relocated = (file.dynamic_relocations().into_iter().flatten())
            .filter(|(_, relocation)| relocation.target() == RelocationTarget::Absolute)
            .map(|(at, relocation)| (at, relocation.addend() as u64))
            .collect();
        Ok(Image { file, functions, data, relocated })
    }

    /// The names of the function that starts at an address, or the address itself.
    pub(crate) fn names_at(&self, address: u64) -> String {
        self.functions
            .get(&address)
            .map_or_else(|| format!("{address:#x}"), |symbol| symbol.names.join(" = "))
    }

    /// The address of the function with that path, counted from the interpreter's module.
    pub(crate) fn function(&self, name: &str) -> Result<u64, Unreadable> {
        let mut found = self
            .functions
            .iter()
            .filter(|(_, symbol)| symbol.names.iter().any(|known| known == name));
        match found.next() {
            Some((&address, _)) => Ok(address),
            None => Err(Unreadable::Failed(format!(
                "no function {INTERPRETER}{name}: was the binary stripped?"
            ))),
        }
    }

    /// Whether one of the interpreter's functions starts there.
    pub(crate) fn is_function(&self, address: u64) -> bool {
        self.functions.contains_key(&address)
    }

    /// Whether a cold function starts there: those that `cold_functions!` declares have a `leave`.
    pub(crate) fn is_cold(&self, address: u64) -> bool {
        self.functions
            .get(&address)
            .is_some_and(|symbol| symbol.names.iter().any(|name| name.ends_with("::leave")))
    }

    /// The machine code of the function that starts at an address.
    pub(crate) fn code(&self, address: u64) -> Result<&'f [u8], Unreadable> {
        let missing =
            || Unreadable::Failed(format!("no function of the interpreter at {address:#x}"));
        let size = self.functions.get(&address).ok_or_else(missing)?.size;
        self.bytes(address, size).ok_or_else(missing)
    }

    /// The pointers in the data object of that name.
    pub(crate) fn pointers(&self, name: &str) -> Result<Vec<u64>, Unreadable> {
        let missing =
            || Unreadable::Failed(format!("no data {INTERPRETER}{name}: was the binary stripped?"));
        let &(start, size) = self.data.get(name).ok_or_else(missing)?;
        let bytes = self.bytes(start, size).ok_or_else(missing)?;
        let words = bytes
            .chunks_exact(8)
            .map(|word| word.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
        let places = (start..).step_by(8);
        Ok(places
            .zip(words)
            .map(|(place, word)| self.relocated.get(&place).copied().unwrap_or(word))
            .collect())
    }

    fn bytes(&self, address: u64, size: u64) -> Option<&'f [u8]> {
        self.file.sections().find_map(|section| section.data_range(address, size).ok().flatten())
    }
}
