//! Any bytes choose a valid program, which runs to its end, to an error or out of budget.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|choices: &[u8]| {
    solvm_fuzz::run(solvm_fuzz::program(choices).as_bytes(), 1000);
});

#[cfg(not(fuzzing))]
fn main() {
    eprintln!(
        "built without cargo-fuzz; on a stable compiler use `cargo run --release -- program`"
    );
}
