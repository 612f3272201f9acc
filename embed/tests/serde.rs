//! Values that serde converts, both ways.
#![cfg(test)]

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use solvm::{Call, ErrorKind, Runtime, Serde, Value};
use std::collections::BTreeMap;
use std::fmt::Debug;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Line(f64, f64),
    Square { side: f64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Config {
    title: String,
    port: Option<u16>,
    sizes: Vec<i32>,
    names: BTreeMap<String, bool>,
    by_number: BTreeMap<u8, char>,
    shapes: Vec<Shape>,
    pair: (u64, f32),
    nested: Option<Box<Config>>,
}

fn config() -> Config {
    let inner = Config {
        title: "inner".into(),
        port: None,
        sizes: vec![],
        names: BTreeMap::new(),
        by_number: BTreeMap::new(),
        shapes: vec![],
        pair: (0, 0.0),
        nested: None,
    };
    Config {
        title: "äöü".into(),
        port: Some(8080),
        sizes: vec![1, -2, i32::MIN],
        names: BTreeMap::from([("a".into(), true), ("b".into(), false)]),
        by_number: BTreeMap::from([(1, 'x'), (255, 'y')]),
        shapes: vec![
            Shape::Nothing,
            Shape::Circle(1.5),
            Shape::Line(1.0, 2.0),
            Shape::Square { side: 3.0 },
        ],
        pair: (1 << 53, 0.5),
        nested: Some(Box::new(inner)),
    }
}

#[test]
fn whole_values_go_both_ways() {
    let mut lua = Runtime::new().unwrap();
    let value = lua.to_value(&config()).unwrap();
    assert_eq!(lua.from_value::<Config>(&value).unwrap(), config());
    lua.set("config", &value).unwrap();
    lua.run(
        "assert(config.title == 'äöü' and config.port == 8080 and #config.sizes == 3)
        assert(config.names.a == true and config.by_number[255] == 'y')
        assert(config.shapes[1] == 'Nothing' and config.shapes[2].Circle == 1.5)
        assert(config.shapes[3].Line[2] == 2 and config.shapes[4].Square.side == 3)
        assert(config.nested.port == nil and config.pair[1] == 2^53)",
    )
    .unwrap();
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let mut lua = Runtime::new().unwrap();
    let converted = lua.to_value(&value).unwrap();
    assert_eq!(lua.from_value::<T>(&converted).unwrap(), value);
}

#[test]
fn plain_values_go_both_ways() {
    round_trip(());
    round_trip(Some(1));
    round_trip(None::<i32>);
    round_trip(i64::MIN);
    round_trip(1u64 << 63);
    round_trip(0.1f64);
    round_trip(f32::MAX);
    round_trip(String::from("text"));
    round_trip(vec![vec![1], vec![]]);
    round_trip(serde_json::json!({ "a": [1, 2.5, null, "x"], "b": { "c": true } })["b"].clone());
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut lua = Runtime::new().unwrap();
    let mut refusal = |code: &str| {
        let value: Value = lua.eval(format!("return {code}")).unwrap();
        let error = lua.from_value::<(u8, Option<Shape>)>(&value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conversion);
        error.message().to_string()
    };
    assert_eq!(refusal("{ 256 }"), "invalid value: integer `256`, expected u8");
    assert_eq!(refusal("{ 1.5 }"), "invalid type: floating point `1.5`, expected u8");
    assert_eq!(refusal("1"), "table expected, got number");
    assert_eq!(refusal("{ 1, {} }"), "table with the name of a variant as its only key expected");
    assert_eq!(refusal("{ 1, print }"), "string or table expected, got function");
    assert_eq!(refusal("{ 1, 'Circle' }"), "variant without its content");
    assert_eq!(
        refusal("{ 1, 'Oval' }"),
        "unknown variant `Oval`, expected one of `Nothing`, `Circle`, `Line`, `Square`"
    );
    let error = lua.to_value(&(i64::MAX - 1)).unwrap_err();
    assert_eq!(error.message(), "integer 9223372036854775806 is not a number of Lua without loss");
    assert!(lua.to_value(&u64::MAX).is_err());
}

#[test]
fn deep_and_cyclic_values_are_refused() {
    let mut lua = Runtime::new().unwrap();
    let cycle: Value = lua.eval("local t = {} t.t = t return t").unwrap();
    let error = lua.from_value::<serde_json::Value>(&cycle).unwrap_err();
    assert_eq!(error.message(), "value is nested deeper than 128 levels");
    let mut deep = serde_json::Value::Null;
    for _ in 0..200 {
        deep = serde_json::Value::Array(vec![deep]);
    }
    let error = lua.to_value(&deep).unwrap_err();
    assert_eq!(error.message(), "value is nested deeper than 128 levels");
}

#[test]
fn functions_take_and_return_them() {
    let mut lua = Runtime::new().unwrap();
    lua.register("grow", |_: &mut Call, Serde(shape): Serde<Shape>, by: f64| match shape {
        Shape::Circle(radius) => Ok(Serde(Shape::Circle(radius * by))),
        other => Err(format!("cannot grow {other:?}")),
    })
    .unwrap();
    let (Serde(shape), one): (Serde<Shape>, u8) =
        lua.eval("return grow({ Circle = 2 }, 3), 1").unwrap();
    assert_eq!((shape, one), (Shape::Circle(6.0), 1));
    let error = lua.run("grow('Nothing', 1)").unwrap_err();
    assert_eq!(error.message(), "chunk:1: cannot grow Nothing");
    let error = lua.run("grow({ Circle = {} }, 1)").unwrap_err();
    assert!(error.message().starts_with("chunk:1: bad argument #1 to 'grow' (invalid type: map"));
    let text: String = lua.call("type", Serde(Shape::Nothing)).unwrap();
    assert_eq!(text, "string");
}
