//! UTF-8 as Lua writes it: the original scheme, with sequences of up to six bytes for code points
//! below 2^31.

/// Appends a code point below 2^31.
pub fn push(text: &mut Vec<u8>, code: u32) {
    if code < 0x80 {
        text.push(code as u8);
        return;
    }
    // `n` continuation bytes carry 6 bits each, and the first byte of such a sequence, marked by n
    // + 1 ones and a zero, 6 - n.
    let continuation_bytes = (1..5).find(|n| code < 1 << (6 * n + 6 - n)).unwrap_or(5);
    let marker = !0u8 << (7 - continuation_bytes);
    text.push(marker | (code >> (6 * continuation_bytes)) as u8);
    for place in (0..continuation_bytes).rev() {
        text.push(0x80 | (code >> (6 * place) & 0x3F) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::push;

    #[test]
    fn code_points_of_unicode_are_written_as_rust_writes_them() {
        for character in
            "\0\x7F\u{80}\u{E9}\u{7FF}\u{800}\u{D7FF}\u{FFFF}\u{10000}\u{10FFFF}".chars()
        {
            let mut text = Vec::new();
            push(&mut text, u32::from(character));
            assert_eq!(text, character.to_string().as_bytes(), "{character:?}");
        }
    }

    #[test]
    fn larger_ones_have_up_to_six_bytes() {
        let bytes = |code| {
            let mut text = Vec::new();
            push(&mut text, code);
            text
        };
        assert_eq!(bytes(0x1F_FFFF), b"\xF7\xBF\xBF\xBF");
        assert_eq!(bytes(0x20_0000), b"\xF8\x88\x80\x80\x80");
        assert_eq!(bytes(0x3FF_FFFF), b"\xFB\xBF\xBF\xBF\xBF");
        assert_eq!(bytes(0x400_0000), b"\xFC\x84\x80\x80\x80\x80");
        assert_eq!(bytes(0x7FFF_FFFF), b"\xFD\xBF\xBF\xBF\xBF\xBF");
    }
}
