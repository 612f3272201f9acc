use super::{ArgumentKind, Piece, Pieces, quote};

fn format(format: &str, x: f64) -> String {
    let mut out = Vec::new();
    for piece in Pieces::new(format.as_bytes()) {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Directive(Ok(directive)) => directive.number(x, &mut out),
            Piece::Directive(Err(error)) => {
                return String::from_utf8_lossy(&error.message()).into_owned();
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Format, number, and the result of lua5.1.
const NUMBERS: &[(&str, f64, &str)] = &[
    ("%d", 42.0, "42"),
    ("[%5d] [%-5d] [%05d] [%+d] [% d]", 42.0, "[   42] [42   ] [00042] [+42] [ 42]"),
    ("[%5d] [%-5d] [%05d] [%+d] [% d]", -42.0, "[  -42] [-42  ] [-0042] [-42] [-42]"),
    ("%.3d %8.3d %-8.3d| %08.3d %.0d|", 7.0, "007      007 007     |      007 7|"),
    ("%.0d|%5.0x|", 0.0, "|     |"),
    ("%d", 3.99, "3"),
    ("%d", -3.99, "-3"),
    ("%d", 1e300, "-9223372036854775808"),
    ("%x %X %#x %#X %o %#o", 255.0, "ff FF 0xff 0XFF 377 0377"),
    ("%#x %#o %#.0o", 0.0, "0 0 0"),
    ("%x", -1.0, "ffffffffffffffff"),
    ("%u", 18446744073709549568.0, "18446744073709549568"),
    ("%#010x %#-10x|", 255.0, "0x000000ff 0xff      |"),
    ("%c%c", 65.0, "AA"),
    ("%5c|%-5c|", 65.0, "    A|A    |"),
    ("%f %.0f %.1f %#.0f", 2.5, "2.500000 2 2.5 2."),
    ("%.2f", 0.125, "0.12"),
    ("%.2f", 1e22, "10000000000000000000000.00"),
    ("%.3f %.20f", 0.0005, "0.001 0.00050000000000000001"),
    ("%08.2f|%-8.2f|%+.2f|% .2f", 3.14259, "00003.14|3.14    |+3.14| 3.14"),
    ("%e %.0e %#.0e %.3E", 12345.678, "1.234568e+04 1e+04 1.e+04 1.235E+04"),
    ("%e", 0.0, "0.000000e+00"),
    ("%e", 1e-300, "1.000000e-300"),
    ("%g %g", 100000.0, "100000 100000"),
    ("%g", 1e6, "1e+06"),
    ("%g", 0.0001, "0.0001"),
    ("%g", 0.00001, "1e-05"),
    ("%#g %#.3g %.3g %.0g", 1.0, "1.00000 1.00 1 1"),
    ("%.14g", 0.1, "0.1"),
    ("%.17g", 0.1, "0.10000000000000001"),
    ("%.3g|%10.3g|%-10.3g|%010.3g", -1234.5, "-1.23e+03| -1.23e+03|-1.23e+03 |-01.23e+03"),
    ("%g %G %f %e", f64::INFINITY, "inf INF inf inf"),
    ("%05g|%-6f|%+g", f64::NEG_INFINITY, " -inf|-inf  |-inf"),
    ("%g %G %5.1f", f64::NAN, "nan NAN   nan"),
    ("%g", -f64::NAN, "-nan"),
    ("%g %f", -0.0, "-0 -0.000000"),
    ("100%%", 0.0, "100%"),
    ("%y", 0.0, "invalid option '%y' to 'format'"),
    ("%", 0.0, "invalid option '%' to 'format'"),
    ("%5", 0.0, "invalid option '%' to 'format'"),
    ("%123d", 0.0, "invalid format (width or precision too long)"),
    ("%.123d", 0.0, "invalid format (width or precision too long)"),
    ("%------d", 0.0, "invalid format (repeated flags)"),
];

#[test]
fn numbers_look_as_printf_prints_them() {
    for &(directive, x, expected) in NUMBERS {
        assert_eq!(format(directive, x), expected, "{directive} of {x:e}");
    }
}

#[test]
fn the_most_digits_fit() {
    assert_eq!(format("%99.99f", f64::MAX).len(), 309 + 1 + 99);
    assert_eq!(format("%#.99g", 5e-324).len(), "4.9e-324".len() + 97);
    assert_eq!(format("%-99.99o|", 8.0).len(), 100);
    assert_eq!(format("%#.99o", 8.0).len(), 99);
    assert_eq!(format("%#.99g", 0.0001).len(), "0.0001".len() + 98);
}

#[test]
fn strings_are_cut_and_padded() {
    for (directive, expected) in [
        ("%s", "hello"),
        ("%.3s", "hel"),
        ("%7s", "  hello"),
        ("%-7.2s", "he     "),
        ("%07s", "  hello"),
        ("%.s", ""),
    ] {
        let Some(Piece::Directive(Ok(parsed))) = Pieces::new(directive.as_bytes()).next() else {
            panic!("{directive} is a directive");
        };
        assert_eq!(parsed.argument(), ArgumentKind::String);
        assert_eq!(parsed.is_bare(), directive == "%s");
        let mut out = Vec::new();
        parsed.string(b"hello", &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected, "{directive}");
    }
}

#[test]
fn quoted_strings_read_back() {
    let mut out = Vec::new();
    quote(b"a\"b\\c\nd\re\0f\x80", &mut out);
    assert_eq!(out, b"\"a\\\"b\\\\c\\\nd\\re\\000f\x80\"");
}
