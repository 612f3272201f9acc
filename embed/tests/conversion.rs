//! Values between Lua and Rust: what fits is converted, all else is an error.
#![cfg(test)]

use solvm::{Call, ErrorKind, FromValues, Runtime};

fn refusal<T: FromValues>(source: &str) -> String {
    let result = Runtime::new().unwrap().eval::<T>(source);
    let Err(error) = result else { panic!("{source} was converted") };
    assert_eq!(error.kind(), ErrorKind::Conversion, "{source}");
    error.message().to_string()
}

#[test]
fn integers_that_do_not_fit_are_refused() {
    assert_eq!(refusal::<u32>("return -1"), "result #1: number -1 does not fit into u32");
    assert_eq!(refusal::<u32>("return 2^32"), "result #1: number 4294967296 does not fit into u32");
    assert_eq!(
        refusal::<i64>("return 2^63"),
        "result #1: number 9.2233720368548e+18 does not fit into i64"
    );
    assert_eq!(refusal::<i8>("return 128"), "result #1: number 128 does not fit into i8");
    assert_eq!(refusal::<usize>("return -1"), "result #1: number -1 does not fit into usize");
    for fraction in ["2.5", "-0.5", "0/0", "1/0"] {
        assert_eq!(
            refusal::<i64>(&format!("return {fraction}")),
            "result #1: number has no integer representation"
        );
    }
    assert_eq!(refusal::<i64>("return {}"), "result #1: number expected, got table");
    assert_eq!(refusal::<i64>("return"), "result #1: number expected, got no value");
    assert_eq!(
        refusal::<(u16, Option<i16>)>("return 1, 32768"),
        "result #2: number 32768 does not fit into i16"
    );
}

#[test]
fn integers_keep_their_value_to_the_limits_of_their_type() {
    let mut lua = Runtime::new().unwrap();
    macro_rules! round_trips {
        ($($type:ty: $($value:expr),+;)*) => { $( $(
            lua.set("x", $value).unwrap();
            assert_eq!(lua.get::<$type>("x").unwrap(), $value);
        )+ )* };
    }
    round_trips! {
        i8: i8::MIN, i8::MAX;
        i16: i16::MIN, i16::MAX;
        i32: i32::MIN, i32::MAX;
        i64: i64::MIN, 1i64 << 53, -(1i64 << 53);
        i128: i128::MIN, 1i128 << 53;
        isize: isize::MIN, 0isize;
        u16: u16::MIN, u16::MAX;
        u32: u32::MIN, u32::MAX;
        u64: 0u64, 1u64 << 63;
        u128: 0u128, 1u128 << 127;
        usize: 0usize, 1usize << 53;
        f32: 1.5f32, f32::MAX;
    }
    assert_eq!(lua.eval::<i64>("return '0x10'").unwrap(), 16);
}

#[test]
fn arguments_of_natives_are_strict() {
    let mut lua = Runtime::new().unwrap();
    lua.register("take", |_: &mut Call, count: u32, _index: Option<usize>| count).unwrap();
    let mut message = |code: &str| lua.run(code).unwrap_err().message().to_string();
    assert_eq!(
        message("take(1.5)"),
        "chunk:1: bad argument #1 to 'take' (number has no integer representation)"
    );
    assert_eq!(
        message("take(-1)"),
        "chunk:1: bad argument #1 to 'take' (number -1 does not fit into u32)"
    );
    assert_eq!(
        message("take(1, -1)"),
        "chunk:1: bad argument #2 to 'take' (number -1 does not fit into usize)"
    );
    lua.register_async("take_later", |(count,): (u32,)| async move { Ok::<_, String>(count) })
        .unwrap();
    let error = lua.run("take_later(0.5)").unwrap_err();
    assert_eq!(
        error.message(),
        "chunk:1: bad argument #1 to 'take_later' (number has no integer representation)"
    );
}
