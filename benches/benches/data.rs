//! Reading and writing a document of 10 MB, compared with serde_json's own tree of values. `cargo
//! bench -p solvm-benches --bench data`; with `-- --test` each runs once.
#![allow(missing_docs)]

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use serde_json::{Value, json};
use solvm_runtime::Host;
use solvm_runtime::host::Process;
use solvm_vm::{Config, Turn, Vm};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// About the size of the document.
const SIZE: usize = 10_000_000;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(5))
        .sample_size(20)
        .configure_from_args();
    let document = document();
    let text = serde_json::to_string(&document).expect("can be written");
    let mut group = criterion.benchmark_group("json");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("decode/serde_json", |bencher| {
        bencher.iter_with_large_drop(|| serde_json::from_str::<Value>(&text).expect("can be read"));
    });
    measure(&mut group, "decode/solvm", &text, "json_decode(text)");
    group.bench_function("encode/serde_json", |bencher| {
        bencher.iter_with_large_drop(|| serde_json::to_string(&document).expect("can be written"));
    });
    measure(&mut group, "encode/solvm", &text, "json_encode(document)");
    group.finish();
    criterion.final_summary();
}

/// A list of records as services send them: names, strings, numbers, nested lists and maps.
fn document() -> Value {
    let record = |i: usize| {
        json!({
            "id": i,
            "name": format!("record number {i}"),
            "text": "The quick brown fox jumps over the lazy dog; \"quoted\", with\n\
                lines and ümlauts.",
            "active": i.is_multiple_of(3),
            "price": i as f64 / 7.0,
            "owner": null,
            "tags": ["red", "green", format!("tag{}", i % 100)],
            "place": {
                "latitude": 47.0 + i as f64 / 1e6,
                "longitude": 8.5 - i as f64 / 1e6,
                "floors": [1, 2, 3, 4, 5],
            },
        })
    };
    let length = serde_json::to_string(&record(10_000)).map_or(1, |text| text.len());
    Value::Array((0..SIZE / length).map(record).collect())
}

/// Measures a Lua expression over `text` and the `document` that it encodes, without the
/// collections of its garbage.
fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, text: &str, expression: &str) {
    group.bench_function(name, |bencher| {
        let mut vm =
            Vm::new(Config { hash_seed: Some(1), memory_limit: 4 << 30, ..Config::default() });
        vm.set_host(Host::new(Process::new()));
        vm.enter(|call| {
            solvm_stdlib::open(call, solvm_stdlib::Globals::All, |_| true).expect("opens");
            let globals = call.globals();
            globals.set_field(call, "text", text).expect("fits");
        });
        run(&mut vm, "document = json_decode(text) collectgarbage()");
        bencher.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    run(&mut vm, "result = nil collectgarbage()");
                    let started = Instant::now();
                    run(&mut vm, &format!("result = {expression}"));
                    started.elapsed()
                })
                .sum()
        });
    });
}

/// Runs a chunk to its end, in the slices that any program gets.
fn run(vm: &mut Vm, code: &str) {
    let main = vm.enter(|call| {
        let function = call.load(code.as_bytes(), b"=bench").expect("compiles");
        call.spawn(function, &[]).expect("starts")
    });
    vm.watch(Some(main));
    while vm.turn(&mut Context::from_waker(Waker::noop())) == Turn::Ready {}
    while let Some(ended) = vm.next_end(|_, _, result| result.is_ok()) {
        assert!(ended, "{code}");
    }
}
