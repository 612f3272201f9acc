//! Any bytes either compile to bytecode that passes the verifier or give an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use solvm_compiler::bytecode::{Source, disassemble, verify};
use solvm_compiler::{Options, compile};

fuzz_target!(|text: &[u8]| {
    if let Ok(prototype) = compile(Source::new(text, *b"=fuzz"), &Options::default()) {
        assert_eq!(verify(&prototype), Ok(()));
        disassemble(&prototype);
    }
});
