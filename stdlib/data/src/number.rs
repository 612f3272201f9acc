//! Formats numbers: the shortest digits that read back as the same number, integers without a
//! fraction.

/// Integers up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Appends a finite number.
pub(super) fn write(x: f64, text: &mut Vec<u8>) {
    if x.fract() == 0.0 && x.abs() <= EXACT {
        if x == 0.0 && x.is_sign_negative() {
            text.push(b'-');
        }
        text.extend_from_slice(itoa::Buffer::new().format(x as i64).as_bytes());
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let digits = buffer.format_finite(x);
    text.extend_from_slice(digits.strip_suffix(".0").unwrap_or(digits).as_bytes());
}
