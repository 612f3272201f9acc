//! Any format takes any argument without a panic, and a number printed with 17 digits reads back as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use solvm_stdlib::string::format::{ArgumentKind, Piece, Pieces, quote};

fuzz_target!(|input: (&[u8], f64, &[u8])| {
    let (format, number, text) = input;
    let mut out = Vec::new();
    for piece in Pieces::new(format) {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Directive(Err(error)) => out = error.message(),
            Piece::Directive(Ok(directive)) => match directive.argument() {
                ArgumentKind::Number => directive.number(number, &mut out),
                ArgumentKind::String => directive.string(text, &mut out),
                ArgumentKind::Quoted => quote(text, &mut out),
            },
        }
    }
    for exact in ["%.17g", "%.16e"] {
        let Some(Piece::Directive(Ok(directive))) = Pieces::new(exact.as_bytes()).next() else { continue };
        let mut out = Vec::new();
        directive.number(number, &mut out);
        let read = std::str::from_utf8(&out).ok().and_then(|text| text.parse::<f64>().ok());
        assert!(number.is_nan() || read == Some(number));
    }
});
