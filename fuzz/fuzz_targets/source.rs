//! Any bytes are a program that compiles or not, and runs to its end, to an error or out of budget.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    solvm_fuzz::run(text, 1000);
});

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("built without cargo-fuzz; on a stable compiler use `cargo run --release -- source`");
}
