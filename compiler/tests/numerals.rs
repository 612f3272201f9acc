//! Parsing numbers, compared with PUC Lua 5.1.5's results (its `tonumber` on x86-64 Linux).
#![cfg(test)]

use solvm_compiler::numeral::{read, read_trimmed};

#[track_caller]
fn assert_reads(text: &str, expected: f64) {
    let value = read(text.as_bytes()).unwrap_or_else(|| panic!("{text} is not a number"));
    assert_eq!(value.to_bits(), expected.to_bits(), "{text} is {value:e}, not {expected:e}");
}

#[test]
fn decimal_numbers() {
    assert_reads("0", 0.0);
    assert_reads("-0", -0.0);
    assert_reads("+3", 3.0);
    assert_reads("3.", 3.0);
    assert_reads(".5", 0.5);
    assert_reads("3e2", 300.0);
    assert_reads("3E+2", 300.0);
    assert_reads("3.e-2", 0.03);
    assert_reads("00012", 12.0);
    assert_reads("9007199254740993", 9007199254740992.0);
    assert_reads("1e308", 1e308);
    assert_reads("1e309", f64::INFINITY);
    assert_reads("1e99999999999999999999", f64::INFINITY);
    assert_reads("1e-99999999999999999999", 0.0);
    assert_reads("4.9e-324", 5e-324);
    assert_reads("2.4703282292062327e-324", 0.0);
    assert_reads("2.4703282292062328e-324", 5e-324);
}

#[test]
fn many_digits_and_large_exponents() {
    let zeros = "0".repeat(1_000_000);
    assert_reads(&format!("1{zeros}e-1000000"), 1.0);
    assert_reads(&format!("0.{zeros}1e1000001"), 1.0);
    assert_reads(&format!("{zeros}12.5e-1"), 1.25);
    assert_reads(&format!("{zeros}.{zeros}e999999"), 0.0);
    assert_reads(&format!("-1{zeros}"), f64::NEG_INFINITY);
    assert_reads(&format!("1{zeros}e-1000400"), 0.0);
    // Just above the middle between two numbers.
    assert_reads(&format!("9007199254740993{zeros}1e-1000001"), 9007199254740994.0);
    assert_reads(&format!("9007199254740993{zeros}0e-1000001"), 9007199254740992.0);
    assert_reads(&format!("0x1{zeros}p-4000000"), 1.0);
}

#[test]
fn hexadecimal_numbers() {
    assert_reads("0x10", 16.0);
    assert_reads("-0XfF", -255.0);
    assert_reads("0x.8", 0.5);
    assert_reads("0x1.8", 1.5);
    assert_reads("0x1p4", 16.0);
    assert_reads("0x.1P-4", 1.0 / 256.0);
    assert_reads("0xA.8p+1", 21.0);
    assert_reads("0xffffffffffffffff", 18446744073709551615.0);
    assert_reads("0x1p1023", 2f64.powi(1023));
    assert_reads("0x1p1024", f64::INFINITY);
    assert_reads("0x1p-1074", 5e-324);
    assert_reads("0x1p-1075", 0.0);
    assert_reads("0x1.000001p-1075", 5e-324);
    assert_reads("0x0p99999999999", 0.0);
    assert_reads("0x1p-99999999999", 0.0);
}

#[test]
fn hexadecimal_numbers_are_rounded_once_to_nearest_even() {
    assert_reads("0x20000000000001", 9007199254740992.0);
    assert_reads("0x20000000000002", 9007199254740994.0);
    assert_reads("0x20000000000003", 9007199254740996.0);
    assert_reads("0x20000000000001.00000000000000001", 9007199254740994.0);
    assert_reads("0x1000000000000080000000000000000000", 2f64.powi(132));
    assert_reads("0x1000000000000080000000000000000001", 2f64.powi(132) + 2f64.powi(80));
    assert_reads("0x1.fffffffffffff8p1023", f64::INFINITY);
    assert_reads("0x1.fffffffffffff7p1023", f64::MAX);
    assert_reads("0x0.00000000000000000000000000000000001p140", 1.0);
}

#[test]
fn named_numbers() {
    assert_reads("inf", f64::INFINITY);
    assert_reads("-Infinity", f64::NEG_INFINITY);
    assert!(read(b"nan").is_some_and(f64::is_nan));
    assert!(read(b"-NaN(12_a)").is_some_and(f64::is_nan));
}

#[test]
fn what_is_no_number() {
    for text in [
        "", ".", "-", "+", "e5", ".e1", "1e", "1e+", "0x", "0x.", "0xg", "0x1p", "0x1p+", "1..2",
        "1.2.3", "- 1", "--1", "1 ", " 1", "1e5.0", "0x1e+5", "3x", "infi", "nan(", "nan(!)",
        "1_000", "½",
    ] {
        assert_eq!(read(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn whitespace_around_and_a_final_zero_byte_are_trimmed() {
    assert_eq!(read_trimmed(b" \t\n\x0B\x0C\r12\r "), Some(12.0));
    assert_eq!(read_trimmed(b"12\0abc"), Some(12.0));
    assert_eq!(read_trimmed(b"1 2"), None);
    assert_eq!(read_trimmed(b"  "), None);
    assert_eq!(read_trimmed(b""), None);
    assert_eq!(read_trimmed(b"\x0012"), None);
}
