//! The bytecode of each construct. `goldens/*.txt` is the compiled `goldens/*.lua`; run with
//! `UPDATE_GOLDENS=1` to regenerate it, and review the difference.
#![cfg(test)]

use solvm_compiler::bytecode::{Source, disassemble, verify};
use solvm_compiler::{Options, compile, dump};
use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut sources: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "lua")).collect();
    sources.sort();
    sources
}

#[test]
fn bytecode_is_as_recorded() {
    let update = std::env::var_os("UPDATE_GOLDENS").is_some();
    let mut differing = Vec::new();
    for source in sources() {
        let text = fs::read(&source).unwrap();
        let prototype = compile(Source::new(text, *b"@golden.lua"), &Options::default()).unwrap();
        verify(&prototype).unwrap();
        let actual = disassemble(&prototype);
        let golden = source.with_extension("txt");
        if update {
            fs::write(&golden, actual).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != actual {
            differing.push(source.display().to_string());
        }
    }
    assert!(differing.is_empty(), "not as recorded: {}", differing.join(", "));
}

#[test]
fn every_stage_can_be_dumped() {
    let source = || Source::new(*b"local x = 'a' -- c\nreturn x:y(1 + x)", *b"=t");
    assert_eq!(
        dump::tokens(&source()).unwrap(),
        "1 local\n1 <name> x\n1 =\n1 <string> \\'a\\'\n2 return\n2 <name> x\n2 :\n\
         2 <name> y\n2 (\n2 <number> 1\n2 +\n2 <name> x\n2 )\n"
    );
    let tree = [
        "function 0 (...)",
        "  local x#0",
        "    \"a\"",
        "  return",
        "    suffixed",
        "      local x#0",
        "      :y()",
        "        chain",
        "          1",
        "          Add",
        "            local x#0",
        "",
    ];
    assert_eq!(dump::ast(&source()).unwrap(), tree.join("\n"));
    assert!(dump::bytecode(source()).unwrap().contains("SelfField"));
}
