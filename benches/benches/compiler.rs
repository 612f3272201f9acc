//! Compilation of a source of a megabyte, compared with `luac5.1 -p` and `luajit -b` where they are
//! installed (whose times include the start of their process). `cargo bench -p solvm-benches
//! --bench compiler`; with `-- --test` each runs once.
#![allow(missing_docs)]

use criterion::{BatchSize, Criterion, Throughput};
use solvm_compiler::bytecode::Source;
use solvm_compiler::{Options, compile};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The minimum size of a source.
const SIZE: usize = 1_000_000;
/// A part of a program as people write it; `UNIT` is its number.
const UNIT: &str = include_str!("../compiler/unit.lua");

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(20)
        .configure_from_args();
    for (name, text) in [("a program", program()), ("benchmarks", benchmarks())] {
        let path =
            std::env::temp_dir().join(format!("solvm-benches-{}-{name}.lua", std::process::id()));
        std::fs::write(&path, &text).expect("can be written");
        let mut group = criterion.benchmark_group(format!("compiler/{name}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("solvm", |bencher| {
            bencher.iter_batched(
                || Source::new(text.as_bytes(), *b"=bench"),
                |source| compile(source, &Options::default()).expect("compiles"),
                BatchSize::PerIteration,
            );
        });
        let others: [(&str, &str, &[&str]); 2] = [("luac5.1", "-p", &[]), ("luajit", "-b", &["-"])];
        for (command, option, output) in others {
            let run = || {
                let mut child = Command::new(command);
                let child = child
                    .arg(option)
                    .arg(&path)
                    .args(output)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null());
                child.status().is_ok_and(|status| status.success())
            };
            if run() {
                group.bench_function(command, |bencher| bencher.iter(run));
            }
        }
        group.finish();
        std::fs::remove_file(&path).expect("can be removed");
    }
    criterion.final_summary();
}

/// Functions, tables, strings, calls, loops and comments, over and over.
fn program() -> String {
    let mut text = String::from("local Store = {}\n");
    for number in 0.. {
        if text.len() >= SIZE {
            break;
        }
        text += &format!("do\n{}end\n", UNIT.replace("UNIT", &number.to_string()));
    }
    text + "return Store\n"
}

/// The benchmark programs, the largest first, each as a function.
fn benchmarks() -> String {
    let mut scripts = Vec::new();
    find_scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts"), &mut scripts);
    let mut texts: Vec<String> =
        scripts.iter().map(|path| std::fs::read_to_string(path).expect("readable")).collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut all = String::from("local programs = {}\n");
    for text in texts.iter().cycle() {
        if all.len() >= SIZE {
            break;
        }
        all += &format!("programs[#programs + 1] = function(...)\n{text}\nend\n");
    }
    all
}

fn find_scripts(folder: &Path, scripts: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { find_scripts(&path, scripts) } else { scripts.push(path) }
    }
}
