//! Numbers as text.
/// Writes a number as Lua prints it.
pub fn write(x: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{x}").as_bytes());
}
